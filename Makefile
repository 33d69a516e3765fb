.PHONY: demo test test-npm test-clients test-pgbouncer test-fleet test-deploy audit licences lint build deps screenshots market fuzz bench restlog mutants soak test-outages

# The demo: a private Postgres, a simulated portal and the app, in a browser near you.
demo: deps
	go run ./cmd/demo

# Everything that proves the app, with the race detector: unit, integration and browser tests. None is skipped.
test: deps
	go test -race -count=1 -timeout 15m ./...

# What strangers' packages say of us: the official JS SDK, as a client of the simulator in the browser and from Node, and
# axe-core, which reads our pages for barriers; and the demo's path in Firefox.
test-npm:
	@sh scripts/deps node firefox
	cd internal/lab/portalsim/sdktest && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	cd cmd/demo/axe && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	cd cmd/demo/firefox && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	go test -tags npm -count=1 -timeout 5m ./internal/lab/portalsim/sdktest
	go test -tags npm -count=1 -timeout 8m -run 'WithoutBarriers|InFirefox' ./cmd/demo

# Strangers' clients that npm offers, unchanged, against the simulator over TLS; docs/simulator.md has the table.
test-clients:
	@sh scripts/deps node
	cd internal/lab/portalsim/clients && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	go test -tags clients -count=1 -timeout 5m -v ./internal/lab/portalsim/clients

# Every statement and lock through a real PgBouncer in transaction mode, with the configuration that deploy/ offers.
test-pgbouncer:
	@sh scripts/deps pgbouncer
	ITEMLENS_TEST_PGBOUNCER=$(CURDIR)/deploy/pgbouncer/pgbouncer.ini go test -count=1 -timeout 15m ./internal/storage ./internal/jobs ./internal/install ./internal/gate

# Three replicas behind a real Caddy with 300 portals, and a rolling upgrade under load: six minutes on two cores.
test-fleet: deps
	cd deploy/test && go test -count=1 -timeout 30m -v ./fleet

# docker-compose.yml, the Caddyfile and the Kubernetes base, each read by what reads it in earnest. The module of its own keeps
# Caddy and Kubernetes' types out of the app's.
test-deploy:
	cd deploy/test && go test -count=1 -timeout 15m ./manifests

# What the product is made of: licences (part of lint), known weaknesses (govulncheck) and a bill of materials in bin/. The latter
# two need the network.
audit: licences build
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...
	go run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0 bin -json -licenses -version "$$(bin/app version)" -output bin/sbom.json bin/app

licences:
	go run ./scripts/licences

# What an operator meets once a year, with real processes: a dump of yesterday in a running fleet, a Postgres that fails over
# to its standby, a disk that is full. The last one mounts a small file system, so it needs root.
test-outages: deps
	go test -tags outages -count=1 -timeout 10m -v -run 'DumpOfYesterday|FailsOver|DiskThatIsFull' ./cmd/app

# Linters and the directions of imports (.golangci.yml says which and why), whether generated code is fresh, and the pages'
# scripts. The linters live in modules of their own, so that what they need is none of the app's.
lint:
	go tool -modfile=tools/go.mod golangci-lint run
	go run ./scripts/licences
	@sh scripts/templates
	@sh scripts/styles
	@sh scripts/deps node
	@sh scripts/web

# `app version` tells the tag of the release, or the last tag and how far the commit is from it.
build:
	CGO_ENABLED=0 go build -trimpath -ldflags="-s -w -X main.release=$(shell git describe --tags --match 'v*' --always --dirty 2>/dev/null)" -o bin/app ./cmd/app

# Installs what tests and demo need and this machine lacks: a Postgres server, Chromium, a C compiler (race detector).
deps:
	@sh scripts/deps

# Pictures of the pages, taken by the browser test from the simulator's data.
screenshots: deps
	mkdir -p docs/screenshots
	ITEMLENS_SCREENSHOTS=$(CURDIR)/docs/screenshots go test -count=1 -run InABrowser ./cmd/demo

# The pictures and the icon that the marketplace's form asks for (docs/market/README.md), taken the same way.
market: deps
	ITEMLENS_MARKET=$(CURDIR)/docs/market go test -count=1 -run TestMarketPictures ./cmd/demo

# A short search for input that breaks a parser; each target for FUZZTIME.
FUZZTIME ?= 20s
fuzz:
	for target in FuzzParseAppRequest FuzzParseEvent FuzzAnswer FuzzWalk; do go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) ./internal/bitrix24 || exit 1; done
	for target in FuzzFormat FuzzCard; do go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) ./internal/card || exit 1; done

# What a page costs, beside bare Echo and beside Express with the official SDK: a table of ratios. BENCH=quick takes a
# minute and is rough.
BENCH ?= full
bench: deps
	go run ./bench -plan $(BENCH)

# A thousand portals for an hour, at random by a seed: at the end nothing may be left that does not belong. SOAK=1m is a
# short one, with 50 portals; SOAK="1h -seed 7" repeats the choices of a run.
SOAK ?= 1h
soak: deps
	go run ./cmd/soak -for $(SOAK)

# The REST log under a thousand pages a second for a minute: lines that are lost, memory and CPU.
restlog: deps
	SECONDS=60 go test -run '^$$' -bench AThousandPages -benchtime 1x -timeout 5m ./internal/restlog

# Takes guards out of the packages that decide who is believed, one at a time, and prints those that no test misses.
# MUTANTS="-packages gate" tries one package alone. It takes long: an hour or two for all.
mutants: deps
	go run ./scripts/mutants $(MUTANTS)
