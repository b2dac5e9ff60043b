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

.PHONY: test check vuln build bench compare targets profile scale slow memory chaos simulate fuzz duckdb

# The one test command.
test: check
	$(GO) test -race -parallel $(PARALLEL) -timeout $(TIMEOUT) ./...
	$(GO) test -timeout $(TIMEOUT) ./internal/simulate
	$(GO) vet -C bench ./...
	$(GO) test -C bench -timeout $(TIMEOUT) ./...

check:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || \
		{ echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# Known vulnerabilities in what the binary calls. Where their database can not be
# had, it says so.
vuln:
	@GO="$(GO)" .ci/vulncheck

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o trawl ./cmd/trawl

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
# compiler, and a minute.
duckdb:
	$(GO) vet -C duckdb ./...
	$(GO) test -C duckdb -count=1 -timeout $(TIMEOUT) ./...

# What takes minutes.
slow:
	TRAWL_SLOW=1 $(GO) test -count=1 -timeout 60m ./cmd/trawl ./crawler/parse ./internal/hostile

# Runs a simulated fleet under N seeds, from the seed FROM on; prints what happened
# in them. SEED replays one: docs/simulate.md.
N ?= 100000
FROM ?= 0
simulate:
	$(GO) test -count=1 -timeout 0 -v -run 'TestSeeds$$' ./internal/simulate -seeds $(N) -from $(FROM) $(if $(SEED),-seed $(SEED))

# Kills, stops, cuts off and starves a fleet, often; prints the figures of
# docs/faults.md.
chaos:
	TRAWL_CHAOS=1 $(GO) test -count=1 -timeout 60m -v ./faults

memory:
	TRAWL_BENCH=10m $(GO) test -count=1 -timeout 60m -v -run WhatAURLCosts ./crawler/frontier

# What one Redis can carry, found out with simulated webs: docs/scale.md. FLAGS
# are those of the command.
scale:
	cd bench && $(GO) run ./scale $(FLAGS)

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
