FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /app ./cmd/app \
 && CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /portalsim ./cmd/portalsim

# The simulator alone, for the profile "demo" of docker-compose.yml.
FROM gcr.io/distroless/static-debian12:nonroot AS portalsim
COPY --from=build /portalsim /portalsim
ENTRYPOINT ["/portalsim"]

# The product: one static binary, certificates and a user without rights.
FROM gcr.io/distroless/static-debian12:nonroot AS app
COPY --from=build /app /app
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s CMD ["/app", "healthcheck"]
ENTRYPOINT ["/app"]
CMD ["serve"]
