# syntax=docker/dockerfile:1
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS
ARG TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ENV CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOFLAGS=-buildvcs=false
RUN go build -trimpath -ldflags='-s -w' -o /out/manager . && \
    go build -trimpath -ldflags='-s -w' -o /out/prober ./cmd/prober

FROM gcr.io/distroless/static:nonroot
LABEL org.opencontainers.image.source=https://github.com/signal-delivery/operator \
      org.opencontainers.image.licenses=Apache-2.0
COPY --from=build /out/manager /out/prober /
USER 65532:65532
ENTRYPOINT ["/manager"]
