# This file has two images. The default is camd with capture: the two programs and the OpenCV libraries that camd-capture links.
#
#   make image
#   docker run --rm -p 127.0.0.1:8080:8080 camd serve --listen 0.0.0.0:8080 --anonymous admin      # the test pattern
#   docker run --rm -p 8080:8080 --device /dev/video0 --group-add video \
#       -v ./camd.yaml:/etc/camd/camd.yaml:ro -v camd:/var/lib/camd camd                           # needs auth in the file
#
# The other has only camd, without OpenCV or a shell, for relays (docs/relay.md). Build it with: make image-relay
#
#   docker run --rm -p 8080:8080 -v ./relay.yaml:/etc/camd/camd.yaml:ro camd-relay

FROM golang:1.26-bookworm AS source
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download

FROM source AS build
COPY . .
# The image has no git history. make passes the version.
ARG VERSION=development
ARG COMMIT=unknown
ARG DATE=unknown
RUN make bin/camd VERSION="$VERSION" COMMIT="$COMMIT" DATE="$DATE" && mkdir /state \
 && bin/camd schema >/camd.schema.json \
 && go run ./deploy/sbom -version "$VERSION" bill bin/camd >/sbom.cdx.json && go run ./deploy/sbom notice bin/camd >/NOTICE

FROM source AS build-capture
RUN apt-get update && apt-get install -y --no-install-recommends libopencv-dev libavformat-dev g++ pkg-config \
 && rm -rf /var/lib/apt/lists/*
COPY . .
ARG VERSION=development
ARG COMMIT=unknown
ARG DATE=unknown
RUN make bin/camd-capture VERSION="$VERSION" COMMIT="$COMMIT" DATE="$DATE"
COPY --from=build /src/bin/camd bin/camd
RUN go run ./deploy/sbom -version "$VERSION" bill bin/camd bin/camd-capture >/sbom.cdx.json \
 && go run ./deploy/sbom notice bin/camd bin/camd-capture >/NOTICE

FROM scratch AS relay
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/bin/camd /usr/bin/camd
COPY --from=build /sbom.cdx.json /NOTICE /usr/share/doc/camd/
COPY --from=build /camd.schema.json /usr/share/camd/camd.schema.json
COPY --from=build --chown=65532:65532 /state /var/lib/camd
ARG VERSION=development
ARG COMMIT=unknown
ARG DATE=unknown
LABEL org.opencontainers.image.title="camd, relay only" org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT" org.opencontainers.image.created="$DATE"
# camd keeps its state here: cameras that are turned off, sessions, the key of links and the last good configuration.
ENV STATE_DIRECTORY=/var/lib/camd
VOLUME /var/lib/camd
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=4s CMD ["/usr/bin/camd", "healthcheck", "--listen", "0.0.0.0:8080"]
# The loopback address of a container cannot be reached from outside, so camd listens on all addresses. The configuration or
# --anonymous must say who has access.
ENTRYPOINT ["/usr/bin/camd"]
CMD ["serve", "--listen", "0.0.0.0:8080"]

FROM debian:bookworm-slim AS camd
RUN apt-get update && apt-get install -y --no-install-recommends \
      ca-certificates tzdata libopencv-core406 libopencv-imgproc406 libopencv-imgcodecs406 libopencv-videoio406 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/bin/camd /usr/bin/camd
COPY --from=build-capture /src/bin/camd-capture /usr/lib/camd/camd-capture
COPY --from=build-capture /sbom.cdx.json /NOTICE /usr/share/doc/camd/
COPY --from=build /camd.schema.json /usr/share/camd/camd.schema.json
COPY --from=build --chown=65532:65532 /state /var/lib/camd
ARG VERSION=development
ARG COMMIT=unknown
ARG DATE=unknown
LABEL org.opencontainers.image.title="camd" org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT" org.opencontainers.image.created="$DATE"
ENV STATE_DIRECTORY=/var/lib/camd
VOLUME /var/lib/camd
# 44 is Debian's number of the group video, which may open /dev/video*. If your host has another number, use --group-add.
USER 65532:44
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=4s CMD ["/usr/bin/camd", "healthcheck", "--listen", "0.0.0.0:8080"]
ENTRYPOINT ["/usr/bin/camd"]
CMD ["serve", "--listen", "0.0.0.0:8080"]
