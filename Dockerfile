FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The tag of the release: the repository is not here to tell it. docker build --build-arg VERSION="$(git describe --tags)"
ARG VERSION
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w -X main.release=${VERSION}" -o /app ./cmd/app \
 && CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /portalsim ./cmd/portalsim

# The simulator alone, for the profile "demo" of docker-compose.yml.
FROM gcr.io/distroless/static-debian12:nonroot AS portalsim
COPY --from=build /portalsim /portalsim
ENTRYPOINT ["/portalsim"]

# The product: one static binary, certificates and a user without rights. It writes no file.
FROM gcr.io/distroless/static-debian12:nonroot AS app
COPY --from=build /app /app
USER 65532:65532
EXPOSE 8080 8081
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s CMD ["/app", "healthcheck"]
ENTRYPOINT ["/app"]
CMD ["serve"]
