# The image is one static binary, certificates, and two folders that may be
# written to: /data for results, /tmp for bodies that are too large for memory.
# It runs as a user without a name, and has no shell: "trawl health" is its
# health check.
#
# The target trawl-full has the drivers of all clouds and of SQLite:
# docker build --target trawl-full. Its binary is larger, and takes three times as long to
# build.
FROM golang:1.26 AS build
# The version of the release, such as v0.2.0. Empty for that of the source.
ARG VERSION=
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# Time zones, which schedules of jobs may name, are put into the binary.
RUN CGO_ENABLED=0 go build -trimpath -tags timetzdata \
    -ldflags="-s -w -funcalign=8 -X github.com/trawlcrawler/trawl/internal/version.release=${VERSION}" -o /image/usr/local/bin/trawl ./cmd/trawl
RUN mkdir -m 1777 /image/tmp && mkdir -p /image/etc/ssl/certs /data && \
    cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/

FROM scratch AS trawl
COPY --from=build /image/ /
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
WORKDIR /data
ENTRYPOINT ["/usr/local/bin/trawl"]
ARG VERSION=devel
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Trawl" \
      org.opencontainers.image.description="A distributed web crawler on Redis and asynq" \
      org.opencontainers.image.source="https://github.com/trawlcrawler/trawl" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM build AS build-full
RUN CGO_ENABLED=0 go build -C drivers -trimpath -tags full,timetzdata -overlay overlay.json \
    -ldflags="-s -w -funcalign=8 -X github.com/trawlcrawler/trawl/internal/version.release=${VERSION}" \
    -o /full/trawl github.com/trawlcrawler/trawl/cmd/trawl

FROM trawl AS trawl-full
COPY --from=build-full /full/trawl /usr/local/bin/trawl

# The image unless another target is named.
FROM trawl
