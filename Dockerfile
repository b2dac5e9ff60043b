FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /image/trawl ./cmd/trawl
# Bodies that are too large for memory spill to /tmp; certificates are for https.
RUN mkdir -m 1777 /image/tmp && mkdir -p /image/etc/ssl/certs /data && \
    cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/

FROM scratch
COPY --from=build /image/ /
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
WORKDIR /data
ENTRYPOINT ["/trawl"]
