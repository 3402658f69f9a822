# Every target sets up what it needs. `make help` lists them.
SHELL := /bin/bash
SWIFT ?= swift
SCALE ?= 1
MINUTES ?= 5
SEED ?= 1
FUZZ_SECONDS ?= 60
KIND ?= address
COMMANDS ?= 100000
REQUESTS ?= 3000
# Their tests block threads of Swift's pool while they wait for PostgreSQL, which would starve tests that wait without.
BLOCKING := ProcessesTests|DomainTests|PostgresTests|WorkerRuntimeTests|FleetCheckTests|SimulationTests

.PHONY: help demo test test-kubernetes test-broker bench chaos rolling mutants simulate fuzz fuzz-coverage sanitize lint format build setup clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: setup ## Run the fleet here and show a release event become a running instance (ONCE=1 ends by itself)
	@$(SWIFT) build -c release
	@.build/release/slipway demo --scale $(SCALE) $(if $(ONCE),--once) $(if $(FAILURE),--failure $(FAILURE))

test: setup ## Run every test
	@$(SWIFT) build --build-tests
ifdef FILTER
	@scripts/in-folder $(SWIFT) test --skip-build --filter $(FILTER)
else
	@scripts/in-folder $(SWIFT) test --skip-build --skip '$(BLOCKING)|FleetTests'
	@scripts/in-folder $(SWIFT) test --skip-build --filter '$(BLOCKING)'
	@# The fleet's tests start dozens of processes: they get the machine for themselves.
	@scripts/in-folder $(SWIFT) test --skip-build --filter FleetTests
endif

test-kubernetes: setup ## Run the tests that want a real Kubernetes control plane (skips where there is none)
	@scripts/test-kubernetes

test-broker: setup ## Run the tests that want a broker of another make (skips where there is none)
	@scripts/test-broker

bench: setup ## Measure the fleet, its peers and the limits (QUICK=1 takes under two minutes)
	@scripts/setup-peers
	@$(SWIFT) build -c release
	@.build/release/slipway-bench $(if $(QUICK),--quick)

chaos: setup ## Play faults on a fleet under load and judge the outcome (MINUTES=5 SEED=7; the same seed plays the same)
	@$(SWIFT) build
	@.build/debug/slipway-chaos --minutes $(MINUTES) --seed $(SEED) $(CHAOS)


mutants: setup ## Seed faults in the code, one at a time, and see that the checker finds each on a real fleet (half an hour the first time)
	@scripts/setup patch
	@SWIFT=$(SWIFT) scripts/mutants

# Two minutes, unless MINUTES says otherwise: there and back with every worker takes one.
rolling: setup ## Change a fleet under load to another version's workers and back (OTHER=<commit or folder>, HEAD^ by default)
	@$(SWIFT) build
	@MINUTES=$(if $(filter file,$(origin MINUTES)),2,$(MINUTES)) SEED=$(SEED) OTHER=$(OTHER) SWIFT=$(SWIFT) scripts/rolling

# Not by `swift test`, which would keep others from building meanwhile.
simulate: setup ## Play the fleet's decisions in one process under a virtual clock (COMMANDS=1000000 REQUESTS=3000 SEED=1, at most PLAY_MINUTES)
	@$(SWIFT) build --build-tests
	@SLIPWAY_SIMULATION_COMMANDS=$(COMMANDS) SLIPWAY_SIMULATION_REQUESTS=$(REQUESTS) SLIPWAY_SIMULATION_SEED=$(SEED) \
		SLIPWAY_SIMULATION_MINUTES=$(PLAY_MINUTES) \
		.build/debug/slipwayPackageTests.xctest --testing-library swift-testing --filter ManyCommandsTests

fuzz: setup ## Feed every decoder with hostile input (FUZZ_SECONDS=600 each, SEED=7)
	@$(SWIFT) build --build-tests
	@SLIPWAY_FUZZ_SECONDS=$(FUZZ_SECONDS) SLIPWAY_FUZZ_SEED=$(SEED) scripts/in-folder $(SWIFT) test --skip-build --filter FuzzTests

fuzz-coverage: setup ## Let libFuzzer look for new paths through each decoder (FUZZ_SECONDS=600 each, FUZZ=yaml only one)
	@scripts/fuzz-coverage $(FUZZ_SECONDS) $(FUZZ)

sanitize: setup ## Run the tests under a sanitizer (KIND=address or thread, FILTER=KafkaTests)
	@scripts/sanitize $(KIND) $(FILTER)

lint: ## Check the format and the rules of the tree
	@$(SWIFT) format lint --strict --recursive Sources Tests Package.swift
	@scripts/setup patch
	@scripts/check-tree

format: ## Format the sources
	@$(SWIFT) format --in-place --recursive Sources Tests Package.swift

build: setup ## Build everything for operation
	@$(SWIFT) build -c release

setup: ## Install the system packages that are missing
	@scripts/setup

# The keys of a fleet of docker-compose.yml stay in .slipway.
clean: ## Remove what was built, and what a demo left
	@rm -rf .build
	@rm -f .slipway/demo.env
	@if [[ -d .slipway ]]; then rmdir --ignore-fail-on-non-empty .slipway; fi
