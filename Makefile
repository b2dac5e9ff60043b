GO ?= go

# For how long each fuzz target runs, which of them (part of a name), and flags
# of go test such as -parallel=1.
FUZZTIME ?= 1m
FUZZ ?= Fuzz
FUZZFLAGS ?=

# How long the tests of one package may take, on a slow or busy machine with the
# race detector. It is there to end what hangs.
TIMEOUT ?= 90m

# How many tests of one package run at once. Most of them wait more than they work.
PARALLEL ?= 4

# How a release is built, here and in the Dockerfile. What is checked and tested without
# the race detector is built so too, because to compile all packages once more takes
# minutes. Time zones, which schedules of jobs may name, are put into the binary.
RELEASE = CGO_ENABLED=0 GOFLAGS="$$GOFLAGS -trimpath -tags=timetzdata"

# How it is linked: without symbols and debugging information, and with functions at multiples of
# 8 bytes. Those of 32, which are the default on amd64, take 0.6 MB and save no time.
LINK = -s -w -funcalign=8

.PHONY: test check vuln build build-full man release site drivers bench compare targets profile scale fresh slow shots memory chaos simulate fuzz duckdb

# The one test command. Packages that start goroutines are tested with the race detector,
# the others without. It says at its end what was skipped, and how to get it, and where the
# processor time went. It is itself built as with RELEASE, whose variables must not reach go test.
test: check
	$(GO) run -trimpath -tags=timetzdata ./internal/test/testrun -vet=off -parallel $(PARALLEL) -timeout $(TIMEOUT) ./...
	$(RELEASE) $(GO) vet -C bench ./...
	$(RELEASE) $(GO) test -C bench -vet=off -timeout $(TIMEOUT) ./...
	$(RELEASE) $(GO) vet -C site ./...
	$(RELEASE) $(GO) test -C site -vet=off -timeout $(TIMEOUT) ./...

# The quick loop: what can be known without running anything.
check:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || \
		{ echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; }
	$(RELEASE) $(GO) vet ./...
	$(RELEASE) $(GO) run ./internal/test/lint ./...

# Known vulnerabilities in what the binary calls. Where their database cannot be
# had, it says so.
vuln:
	@GO="$(GO)" .ci/vulncheck

build:
	$(RELEASE) $(GO) build -ldflags '$(LINK)' -o trawl ./cmd/trawl

# Static binaries for all platforms, with checksums and bills of materials, in dist/.
# VERSION is that of the tag: make release VERSION=v0.2.0
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64
release:
	@echo "$(VERSION)" | grep -Eq '^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$$' || \
		{ echo "VERSION=\"$(VERSION)\" is not a version such as v0.2.0"; exit 1; }
	rm -rf dist && mkdir dist
	for platform in $(PLATFORMS); do \
		out=dist/trawl_$(VERSION:v%=%)_$${platform%/*}_$${platform#*/}; \
		$(RELEASE) GOOS=$${platform%/*} GOARCH=$${platform#*/} $(GO) build \
			-ldflags '$(LINK) -X github.com/trawlcrawler/trawl/internal/version.release=$(VERSION)' -o $$out ./cmd/trawl && \
		$(RELEASE) $(GO) run ./internal/release $$out >$$out.cdx.json || exit 1; \
	done
	cd dist && sha256sum * >SHA256SUMS

# The documents as a static site, in dist/site. The renderer is a module of its own.
site:
	$(GO) run -C site . -root .. -to ../dist/site

# Manual pages of all commands, in dist/man/man1. To read one: man -M dist/man trawl-crawl
man:
	$(RELEASE) $(GO) run ./cmd/trawl man dist/man/man1

# With the drivers of all clouds and of SQLite. They are a module of its own, so that nothing else
# compiles their libraries; overlay.json adds the file that imports them to the command.
build-full:
	CGO_ENABLED=0 $(GO) build -C drivers -trimpath -tags full,timetzdata -overlay overlay.json -ldflags '$(LINK)' \
		-o ../trawl-full github.com/trawlcrawler/trawl/cmd/trawl

# The drivers, and the full build. The first run compiles the libraries of the clouds.
drivers:
	$(GO) vet -C drivers ./...
	$(GO) test -C drivers -timeout $(TIMEOUT) ./...

bench:
	$(GO) test -run '^$$' -bench . -benchmem -timeout $(TIMEOUT) ./...

# Trawl beside other crawlers, over manuals that Debian packages; writes the
# figures of bench/README.md. FLAGS are those of the command.
compare:
	cd bench && $(GO) run . $(FLAGS)

# What the comparison does not show: moments, manners, memory; into the same file.
targets:
	cd bench && $(GO) run . -targets first,last,polite,workers,memory $(FLAGS)

# Where processor time, memory, waits and calls of a crawl go; into the same file.
profile:
	cd bench && $(GO) run . -profile $(FLAGS)

# DuckDB reads what a crawl writes as Parquet, while it writes. It needs a C++
# compiler, and a minute. The flags are those of RELEASE, to compile less.
duckdb:
	GOFLAGS="$$GOFLAGS -trimpath -tags=timetzdata" $(GO) vet -C duckdb ./...
	GOFLAGS="$$GOFLAGS -trimpath -tags=timetzdata" $(GO) test -C duckdb -vet=off -count=1 -timeout $(TIMEOUT) ./...

# What takes minutes.
slow:
	$(RELEASE) $(GO) tool staticcheck ./...
	$(RELEASE) $(GO) test -vet=off -count=1 -timeout 60m -run 'TestSeeds$$' ./internal/test/simulate -seeds 300
	TRAWL_RACE=all $(GO) run -trimpath -tags=timetzdata ./internal/test/testrun -vet=off -count=1 -timeout 60m ./cmd/trawl
	TRAWL_SLOW=1 $(RELEASE) $(GO) test -vet=off -count=1 -timeout 60m ./cmd/trawl ./internal/blockpage ./internal/htmltok ./internal/parse ./internal/test/hostile

# The screenshots in docs/img, of a fleet that crawls for some minutes.
shots:
	mkdir -p docs/img
	TRAWL_SHOTS=$(CURDIR)/docs/img $(RELEASE) $(GO) test -vet=off -count=1 -timeout 20m -run 'ScreenshotsOfTheDocs$$' ./cmd/trawl

# Runs a simulated fleet under N seeds, from the seed FROM on; prints what happened
# in them. SEED replays one: docs/simulate.md.
N ?= 100000
FROM ?= 0
simulate:
	$(RELEASE) $(GO) test -vet=off -count=1 -timeout 0 -v -run 'TestSeeds$$' ./internal/test/simulate -seeds $(N) -from $(FROM) $(if $(SEED),-seed $(SEED))

# Kills, stops, cuts off and starves a fleet, often; prints the figures of
# docs/faults.md.
chaos:
	TRAWL_CHAOS=1 $(GO) test -count=1 -timeout 60m -v ./internal/test/faults

memory:
	TRAWL_BENCH=10m $(GO) test -count=1 -timeout 60m -v -run 'TestTheCostOfAURL|TestTheCostOfASpilledSeenURL|TestTheMemoryOfAHost|TestTheCostOfATrackedPage' ./internal/frontier

# What one Redis can carry, found out with simulated webs: docs/scale.md. FLAGS
# are those of the command.
scale:
	cd bench && $(GO) run ./scale $(FLAGS)

# What a web of very many hosts costs, beside a plain program in Go: docs/scale.md. FLAGS are those
# of the command.
broad:
	cd bench && $(GO) run ./broad $(FLAGS)

# How stale pages become at a budget, on HISTORIES of real pages: docs/recrawl.md.
fresh:
	cd bench && $(GO) run ./fresh $(FLAGS) $(abspath $(HISTORIES))

# Every fuzz target of the repository, one after the other, to the last even if
# one finds something. Inputs that are merely new are not made small, for which
# go test takes up to a minute each.
fuzz:
	@found=; for file in $$(grep -rl '^func Fuzz' --include='*_test.go' .); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$file | grep '$(FUZZ)'); do \
			echo "=== $$target of $$(dirname $$file), for $(FUZZTIME)"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s \
				-timeout 0 $(FUZZFLAGS) $$(dirname $$file) || found="$$found $$target"; \
		done; \
	done; test -z "$$found" || { echo "findings:$$found"; exit 1; }
