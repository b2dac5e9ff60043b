# The image is one static binary, certificates, and two folders that may be
# written to: /data for results, /tmp for bodies that are too large for memory.
# It runs as a user without a name, and has no shell: "trawl health" is its
# health check.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# Time zones, which schedules of jobs may name, are put into the binary.
RUN CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags='-s -w' -o /image/usr/local/bin/trawl ./cmd/trawl
RUN mkdir -m 1777 /image/tmp && mkdir -p /image/etc/ssl/certs /data && \
    cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/

FROM scratch
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
