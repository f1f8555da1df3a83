# camd with capture. The runtime image holds the two programs and the OpenCV libraries that camd-capture links.
#
#   docker build -t camd .
#   docker run --rm -p 8080:8080 camd                                      # the test pattern
#   docker run --rm -p 8080:8080 --device /dev/video0 --group-add video \
#       -v ./camd.yaml:/etc/camd/camd.yaml:ro camd

FROM golang:1.26-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends libopencv-dev libavutil-dev g++ pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The repository's history stays outside; say what is being built: --build-arg VERSION=$(git describe --tags --always)
ARG VERSION=development
RUN make bin/camd bin/camd-capture VERSION=$VERSION

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
      ca-certificates tzdata libopencv-core406 libopencv-imgproc406 libopencv-imgcodecs406 libopencv-videoio406 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --no-create-home --groups video camd
COPY --from=build /src/bin/camd /usr/bin/camd
COPY --from=build /src/bin/camd-capture /usr/lib/camd/camd-capture
USER camd
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=4s CMD ["/usr/bin/camd", "healthcheck", "--url", "http://127.0.0.1:8080/healthz"]
# In a container, loopback would reach nobody.
ENTRYPOINT ["/usr/bin/camd"]
CMD ["serve", "--listen", "0.0.0.0:8080"]
