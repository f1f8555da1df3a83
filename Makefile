# camd: `make run` to see it, `make test` to trust it, `make help` for the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# gocv compiles only the OpenCV modules that camd-capture links: core, imgproc, imgcodecs, videoio. Programs without
# OpenCV do not notice the tags.
TAGS := gocv_specific_modules,gocv_videoio

BIN     := bin
DOCKER  := docker
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
DATE    := $(shell git log -1 --format=%cI 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)

# What each step needs of Debian beyond Go, make and git.
DEBS_BUILD := libopencv-dev libavutil-dev g++ pkg-config
DEBS_TEST  := $(DEBS_BUILD) curl iproute2 ffmpeg chromium prometheus systemd gstreamer1.0-tools gstreamer1.0-plugins-base \
              gstreamer1.0-plugins-good gstreamer1.0-libav vlc-bin vlc-plugin-base ustreamer mosquitto mosquitto-clients nats-server \
              python3-opencv python3-aiohttp python3-requests python3-jinja2 man-db nghttp2-client sslscan

DEBS_DEB   := $(DEBS_BUILD) dpkg-dev man-db

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

##@ Use

.PHONY: run
run: build ## install what is missing, build, and serve; ARGS='--listen 127.0.0.1:8081' passes options
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
demo-cluster: build ## three NATS servers, two sites of four test cameras and two relays on this machine, until Ctrl-C
	@deploy/need nats-server
	@deploy/demo/cluster

##@ Trust

.PHONY: test
test: test-deps bin/camd bin/camd-capture lint verify test-go fuzz bench-once test-metrics test-unit test-deb test-image test-lab-if-set-up ## install what the tests need and run everything
	@echo "all tests passed"

.PHONY: test-deps
test-deps: ## install the Debian packages that the tests need
	@deploy/need $(DEBS_TEST)

.PHONY: test-go
test-go: ## the Go tests, with the race detector, against the built programs
	CAMD_BIN=$(CURDIR)/bin go test -race -tags $(TAGS) -timeout 40m ./...

.PHONY: lint
lint: ## formatting, go vet, staticcheck, shell syntax
	@test -z "$$(gofmt -l .)" || { echo "gofmt -w these:"; gofmt -l .; exit 1; }
	go vet -tags $(TAGS) ./...
	go vet -tags testhook ./cmd/camd
	go run $(STATICCHECK) -tags $(TAGS) ./...
	@for script in deploy/need deploy/demo/cluster deploy/deb/{build,cross,depends,root,version,postinst,prerm,postrm} test/{deb,image,metrics,unit} .ci/run test/v4l2/lab/{common,setup,run,guest}; do bash -n $$script || exit 1; done

.PHONY: verify
verify: ## the modules that are used are the ones that go.sum names, byte for byte
	go mod verify

.PHONY: vulnerabilities
vulnerabilities: ## what is known against Go and the modules, as far as camd calls it; asks https://vuln.go.dev
	go run $(GOVULNCHECK) -tags $(TAGS) ./...

.PHONY: sbom
sbom: bin/camd bin/camd-capture ## dist/sbom.cdx.json: what the two programs are built from, and Debian's libraries that they link
	@mkdir -p dist
	go run ./deploy/parts -version '$(VERSION)' bill bin/camd bin/camd-capture >dist/sbom.cdx.json

# A count and not a time: at the end of a time, go test now and then reports its own deadline as a failure.
FUZZTIME := 10000x
.PHONY: fuzz
fuzz: ## a short run of every fuzz target; FUZZTIME=5000000x for a long one
	@go list -f '{{.Dir}}' ./... | while read -r dir; do \
	  grep -ho '^func Fuzz[A-Za-z0-9_]*' "$$dir"/*_test.go 2>/dev/null | sed 's/^func //' | sort -u | while read -r target; do \
	    echo "fuzz $${dir#$(CURDIR)/} $$target"; \
	    (cd "$$dir" && go test -tags $(TAGS) -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x .) || exit 1; \
	  done || exit 1; \
	done

.PHONY: bench
bench: ## fan-out beside a bare send loop and a tutorial's server, in five minutes (BENCH=quick: 40 s, into bin/ alone)
	@deploy/need g++ iproute2
	@mkdir -p bin
	go run ./bench --json bin/bench.json --svg $(if $(BENCH),bin/bench.svg,docs/bench.svg)

.PHONY: bench-go
bench-go: bin/camd bin/camd-capture ## the Go benchmarks, each with a baseline of the same run
	CAMD_BIN=$(CURDIR)/bin go test -tags $(TAGS) -run '^$$' -bench . -benchmem ./...

.PHONY: bench-once
bench-once: ## every benchmark once, so that none rots
	CAMD_BIN=$(CURDIR)/bin go test -tags $(TAGS) -run '^$$' -bench . -benchtime 1x ./...

.PHONY: test-metrics
test-metrics: ## /metrics, the Prometheus configuration and its rules through promtool
	test/metrics

.PHONY: test-unit
test-unit: ## the systemd unit through systemd-analyze
	test/unit

.PHONY: test-deb
test-deb: ## the package: twice the same, lintian, and a life from install to purge in a root of its own
	@deploy/need $(DEBS_DEB) debootstrap zstd lintian curl file
	test/deb

.PHONY: test-image
test-image: bin/camd bin/camd-capture ## the Dockerfile and the compose file, without a container engine
	@deploy/need docker-compose dpkg-dev
	test/image

.PHONY: test-v4l2
test-v4l2: bin/camd bin/camd-capture ## real V4L2 drivers in a virtual machine; the first time builds its kernel, in ten minutes
	@test/v4l2/lab/setup
	CAMD_BIN=$(CURDIR)/bin go test -count=1 -timeout 20m -exec $(CURDIR)/test/v4l2/lab/run ./test/v4l2

.PHONY: test-systemd
test-systemd: bin/camd bin/camd-capture bin/camd-testhook ## the units under a real systemd in the same virtual machine, watchdog and all
	@test/v4l2/lab/setup
	CAMD_BIN=$(CURDIR)/bin go test -count=1 -timeout 20m -v -exec '$(CURDIR)/test/v4l2/lab/run --systemd' ./test/systemd

# A camd of which a supervisor can be blocked; nobody's but test-systemd's.
bin/camd-testhook: FORCE
	CGO_ENABLED=0 go build -trimpath -tags testhook -ldflags '$(LDFLAGS)' -o $@ ./cmd/camd

.PHONY: test-lab-if-set-up
test-lab-if-set-up:
	@if test/v4l2/lab/setup --check; then $(MAKE) --no-print-directory test-v4l2 test-systemd; \
	else echo "NOT TESTED: V4L2 and systemd. Their kernel has not been built here; make test-v4l2 does, once, in ten minutes" >&2; fi

.PHONY: test-abuse
test-abuse: bin/camd bin/camd-capture ## abuse for minutes, by camd's own tests and others' tools, and what a viewer notices of it
	@deploy/need $(DEBS_TEST) slowhttptest testssl.sh wapiti
	CAMD_ABUSE=1 CAMD_BIN=$(CURDIR)/bin go test -count=1 -timeout 30m -v -tags $(TAGS) -run 'TestAbuse|TestToolsOfOthers|TestSlowHTTPTest|TestScanner' ./test/e2e

##@ Install

ARCH := $(shell dpkg --print-architecture 2>/dev/null)
.PHONY: deb
deb: ## dist/camd_VERSION_ARCH.deb; ARCH=arm64 builds for another architecture
	@deploy/need $(DEBS_DEB)
	deploy/deb/build $(ARCH)

IMAGE_ARGS = --build-arg VERSION='$(VERSION)' --build-arg COMMIT='$(COMMIT)' --build-arg DATE='$(DATE)'
.PHONY: image
image: ## the container image camd; DOCKER=podman builds it with that
	$(DOCKER) build $(IMAGE_ARGS) -t camd .

.PHONY: image-relay
image-relay: ## the container image camd-relay: camd alone, static, without capture
	$(DOCKER) build $(IMAGE_ARGS) --target relay -t camd-relay .

##@ Other

.PHONY: screenshots
screenshots: test-deps bin/camd bin/camd-capture ## take the pictures of docs/ anew
	CAMD_BIN=$(CURDIR)/bin CAMD_SCREENSHOTS=$(CURDIR)/docs go test -count=1 -run TestScreenshot ./test/e2e

.PHONY: metrics-doc
metrics-doc: bin/camd bin/camd-capture ## write docs/metrics.md anew from what camd says
	CAMD_BIN=$(CURDIR)/bin go test -count=1 -run TestMetricsDocument ./test/e2e -update

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist

.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

FORCE:
