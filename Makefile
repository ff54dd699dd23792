# The commands people type. `make demo` and `make test` need only Node 20, npm, make and a C++ compiler.
.DEFAULT_GOAL := help
.PHONY: help install build demo test check bench fuzz sim chaos peers clean

SEED ?= 1

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /\1\t/' | column -t -s "$$(printf '\t')"

# npm ci runs again only when the lock file is newer than what was installed from it.
node_modules/.package-lock.json: package-lock.json package.json
	npm ci --no-fund --no-audit
	@touch $@

install: node_modules/.package-lock.json ## npm packages

build: install ## compile to dist/
	npx tsc -b

demo: build ## the whole chain in one process: meters, wire, head-end, store, prepaid cut-off
	node dist/src/cli/main.js demo $(ARGS)

test: build ## every test; programs that are missing are listed as skipped (see `make peers`)
	npx vitest run $(ARGS)

check: build ## types, lint, format, dead code, architecture
	npx biome check .
	npx knip
	npx vitest run test/architecture.test.ts

bench: build ## measured in one run beside the named peers (takes minutes)
	node dist/test/bench/main.js $(ARGS)

fuzz: build ## a million inputs per codec
	node dist/test/fuzz/main.js $(ARGS)

sim: build ## the system in simulated time with faults: make sim SEED=7 ARGS="--days 30", or a campaign: ARGS="--runs 50 --days 2"
	node dist/src/cli/main.js sim --seed $(SEED) $(ARGS)

chaos: build ## 11,000 meters for ten minutes, the head-end killed, the broker restarted: make chaos ARGS="--meters 500 --minutes 1"
	node dist/test/chaos/main.js $(ARGS)

peers: ## the independent programs that judge meterworks (Debian packages)
	bash scripts/peers.sh

clean:
	rm -rf dist
