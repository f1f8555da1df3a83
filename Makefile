# camd: run `make run` to try it, `make test` to test it, and `make help` for all targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# With these tags gocv compiles only the OpenCV modules that camd-capture links: core, imgproc, imgcodecs and videoio. They have no
# effect on programs without OpenCV.
TAGS := gocv_specific_modules,gocv_videoio

BIN     := bin
DOCKER  := docker
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
DATE    := $(shell git log -1 --format=%cI 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)

# The Debian packages that each step needs in addition to Go, make and git.
DEBS_BUILD := libopencv-dev libavformat-dev g++ pkg-config
DEBS_TEST  := $(DEBS_BUILD) curl openssl iproute2 ffmpeg mpv chromium firefox-esr prometheus systemd gstreamer1.0-tools \
              gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav vlc-bin vlc-plugin-base \
              ustreamer mosquitto mosquitto-clients nats-server python3-opencv python3-aiohttp python3-requests python3-jinja2 man-db \
              nghttp2-client sslscan

DEBS_DEB   := $(DEBS_BUILD) dpkg-dev man-db

DEBS_TEST_DEB   := debootstrap zstd lintian curl file
DEBS_TEST_IMAGE := docker-compose dpkg-dev

GOLANGCI    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
ACTIONLINT  := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

##@ Use

.PHONY: run
run: build ## install missing packages, build, and serve; ARGS='--listen 127.0.0.1:8081' passes options
	bin/camd serve $(ARGS)

.PHONY: build
build: deps bin/camd bin/camd-capture ## build bin/camd and bin/camd-capture

$(BIN)/camd: FORCE
	@command -v go >/dev/null || { echo "Go is not in PATH; get it from https://go.dev/dl/" >&2; exit 1; }
	@[ -e $@ ] || echo "building camd; the first time takes about a minute"
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $@ ./cmd/camd

$(BIN)/camd-capture: FORCE
	@[ -e $@ ] || echo "building camd-capture; the first time compiles gocv, which takes about a minute"
	go build -trimpath -buildvcs=false -buildmode=pie -ldflags '$(LDFLAGS)' -tags $(TAGS) -o $@ ./cmd/camd-capture

.PHONY: deps
deps: ## install the Debian packages that building needs
	@deploy/need $(DEBS_BUILD)

.PHONY: demo-cluster
demo-cluster: build ## run three NATS servers, two sites with four test cameras each, and two relays on this machine, until Ctrl-C
	@deploy/need nats-server
	@deploy/demo/cluster

##@ Test

# All Go checks use the race detector. Checks with and without it would compile everything twice.
GO_CHECK := -race -tags $(TAGS)
GO_TEST  := $(GO_CHECK) -vet off -timeout 40m -bench . -benchtime 1x
# Programs without C are compiled with the options of bin/camd, so that they share its compiled packages.
GO_PURE  := CGO_ENABLED=0 go
PURE     := -trimpath -buildvcs=false

# The steps of make test in this order, three at a time. test/step prints how long each took.
LAB   := yes
STEPS := vet $(if $(filter no,$(LAB)),,lab) test-e2e test-go lint test-deb fuzz $(if $(filter no,$(LAB)),,test-v4l2 test-systemd) \
         test-metrics test-image test-unit verify

.PHONY: test
test: test-deps bin/camd bin/camd-capture ## install the packages that tests need and run everything; LAB=no skips V4L2 and systemd
	@deploy/need $(DEBS_DEB) $(DEBS_TEST_DEB) $(DEBS_TEST_IMAGE)
	@rm -rf bin/test; mkdir -p bin/test
	@export STEP_LOGS=$(CURDIR)/bin/test; code=0; $(MAKE) --no-print-directory -k -j3 $(STEPS:%=step-%) || code=1; test/step --summary; exit $$code
	@$(if $(filter no,$(LAB)),echo "NOT TESTED: V4L2 and systemd (LAB=no)" >&2)
	@echo "all tests passed"

# With -o a step does not build a program again while other steps use it.
step-%:
	@test/step $* $(MAKE) --no-print-directory -o bin/camd -o bin/camd-capture $*
# vet compiles packages that these steps then need not compile.
step-test-e2e step-test-go step-lint: step-vet
step-test-v4l2 step-test-systemd: step-lab

.PHONY: test-deps
test-deps: ## install the Debian packages that the tests need
	@deploy/need $(DEBS_TEST)

# With -bench, go test runs one package after the other. So the tests come first, and the benchmarks in a command of their own.
GO_PACKAGES = $$(go list ./... | grep -vx camd/test/e2e)

.PHONY: test-go
test-go: ## run the Go tests without the end-to-end tests, with the race detector, and each benchmark once
	CAMD_BIN=$(CURDIR)/bin go test $(GO_CHECK) -vet off -timeout 40m $(GO_PACKAGES)
	CAMD_BIN=$(CURDIR)/bin go test $(GO_TEST) -run '^$$' $(GO_PACKAGES)

.PHONY: test-e2e
test-e2e: ## run the end-to-end tests against the built programs, and each of their benchmarks once
	CAMD_BIN=$(CURDIR)/bin go test $(GO_TEST) -parallel 4 ./test/e2e

.PHONY: lint
lint: ## run golangci-lint (.golangci.yml), and check words in texts, GitHub workflows and shell syntax; GOLANGCI_ARGS=--fix fixes what it can
	go run -exec 'env GOFLAGS=-race' $(GOLANGCI) run $(GOLANGCI_ARGS) ./...
	go run $(ACTIONLINT) -shellcheck= -pyflakes=
	go test -run 'TestTexts' ./internal/arch
	@for script in deploy/need deploy/demo/cluster deploy/deb/{build,cross,depends,root,version,postinst,prerm,postrm} test/{deb,fuzz,image,metrics,step,unit} .ci/run test/v4l2/lab/{common,setup,run,guest}; do bash -n $$script || exit 1; done

.PHONY: vet
vet:
	go vet $(GO_CHECK) ./...
	go vet -race -tags testhook ./cmd/camd ./internal/daemon

.PHONY: verify
verify: ## check that the modules are exactly those of go.sum
	go mod verify

.PHONY: vulnerabilities
vulnerabilities: ## list known vulnerabilities of Go and of the modules in code that camd calls; asks https://vuln.go.dev
	go run $(GOVULNCHECK) -tags $(TAGS) ./...

.PHONY: sbom
sbom: bin/camd bin/camd-capture ## write dist/sbom.cdx.json: the modules in the two programs, and the Debian libraries that they link
	@mkdir -p dist
	go run ./deploy/sbom -version '$(VERSION)' bill bin/camd bin/camd-capture >dist/sbom.cdx.json

# FUZZTIME is a count and not a time: at the end of a time, a target sometimes reports its own deadline as a failure.
FUZZTIME :=
.PHONY: fuzz
fuzz: ## run every fuzz target for a short time; FUZZTIME=5000000x runs them longer
	@TAGS=$(TAGS) test/fuzz $(FUZZTIME)

.PHONY: bench
bench: ## compare fan-out with a bare send loop and a tutorial's server, in five minutes (BENCH=quick: 40 s, writes only to bin/)
	@deploy/need g++ iproute2
	@mkdir -p bin
	CGO_ENABLED=0 go run ./bench --json bin/bench.json --svg $(if $(BENCH),bin/bench.svg,docs/bench.svg)

.PHONY: bench-go
bench-go: bin/camd bin/camd-capture ## run the Go benchmarks, each with a baseline of the same run
	CAMD_BIN=$(CURDIR)/bin go test -tags $(TAGS) -run '^$$' -bench . -benchmem ./...

.PHONY: test-metrics
test-metrics: bin/camd bin/camd-capture ## check /metrics, the Prometheus configuration and its rules with promtool
	test/metrics

.PHONY: test-unit
test-unit: bin/camd ## check the systemd unit with systemd-analyze
	test/unit

.PHONY: test-deb
test-deb: ## build the package twice and compare, run lintian, and install, upgrade and purge it in a separate root
	@deploy/need $(DEBS_DEB) $(DEBS_TEST_DEB)
	test/deb

.PHONY: test-image
test-image: bin/camd bin/camd-capture ## check the Dockerfile and the compose file, without a container engine
	@deploy/need $(DEBS_TEST_IMAGE)
	test/image

.PHONY: lab
lab: ## build the kernel for test-v4l2 and test-systemd in ~/.cache/camd/v4l2lab; takes ten minutes the first time
	@test/v4l2/lab/setup || { echo "the lab cannot be set up; to skip the tests of V4L2 and systemd, run: make test LAB=no" >&2; exit 1; }

# Tests in the lab run without the race detector, because its single processor is too slow for that.
LAB_TEST := CAMD_BIN=$(CURDIR)/bin $(GO_PURE) test $(PURE) -vet off -count 1 -timeout 40m

.PHONY: test-v4l2
test-v4l2: lab bin/camd bin/camd-capture ## test real V4L2 drivers in a virtual machine
	$(LAB_TEST) -exec $(CURDIR)/test/v4l2/lab/run ./test/v4l2

.PHONY: test-systemd
test-systemd: lab bin/camd bin/camd-capture bin/camd-testhook ## test the units, with the watchdog, under a real systemd in the same virtual machine
	$(LAB_TEST) -exec '$(CURDIR)/test/v4l2/lab/run --systemd' ./test/systemd

# A camd in which a test can block a supervisor. Only test-systemd uses it.
bin/camd-testhook: FORCE
	$(GO_PURE) build $(PURE) -tags testhook -ldflags '$(LDFLAGS)' -o $@ ./cmd/camd

.PHONY: test-abuse
test-abuse: bin/camd bin/camd-capture ## attack camd for minutes, with its own tests and third-party tools, and measure the effect on a viewer
	@deploy/need $(DEBS_TEST) slowhttptest testssl.sh wapiti
	CAMD_ABUSE=1 CAMD_BIN=$(CURDIR)/bin go test -count=1 -timeout 30m -v -tags $(TAGS) -run 'TestAbuse|TestMeasureViewersUnderAbuse|TestThirdPartyTools|TestSlowRequests|TestScanner' ./test/e2e

##@ Install

ARCH := $(shell dpkg --print-architecture 2>/dev/null)
.PHONY: deb
deb: ## build dist/camd_VERSION_ARCH.deb; ARCH=arm64 builds for another architecture
	@deploy/need $(DEBS_DEB)
	deploy/deb/build $(ARCH)

IMAGE_ARGS = --build-arg VERSION='$(VERSION)' --build-arg COMMIT='$(COMMIT)' --build-arg DATE='$(DATE)'
.PHONY: image
image: ## build the container image camd; DOCKER=podman uses podman
	$(DOCKER) build $(IMAGE_ARGS) -t camd .

.PHONY: image-relay
image-relay: ## build the container image camd-relay: only camd, static, without capture
	$(DOCKER) build $(IMAGE_ARGS) --target relay -t camd-relay .

##@ Other

.PHONY: screenshots
screenshots: test-deps bin/camd bin/camd-capture ## take the screenshots of docs/ again
	CAMD_BIN=$(CURDIR)/bin CAMD_SCREENSHOTS=$(CURDIR)/docs go test -count=1 -run TestScreenshot ./test/e2e

.PHONY: metrics-doc
metrics-doc: bin/camd bin/camd-capture ## write docs/metrics.md from the metrics of camd
	CAMD_BIN=$(CURDIR)/bin go test -count=1 -run TestMetricsDocument ./test/e2e -update

.PHONY: clean
clean: ## remove built files
	rm -rf bin dist

.PHONY: help
help: ## print this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

FORCE:
