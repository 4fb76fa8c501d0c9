# The commands a person needs. Everything else is cargo's.
.DEFAULT_GOAL := help
.PHONY: help demo test fuzz check fmt bench deps

CARGO ?= cargo
# For all cargo commands that read the lock file; .ci/run sets --locked.
CARGO_ARGS ?=

help: ## This list
	@sed -n 's/^\([a-z]*\): .*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST)

demo: ## Places real calls to a server on this machine, shows them, and stays up to be dialled
	@scripts/deps run
	$(CARGO) build $(CARGO_ARGS)
	@$(CARGO) run -q $(CARGO_ARGS) -- demo

test: ## All tests, peers from the system's packages included
	@scripts/deps run test
	$(CARGO) test --workspace $(CARGO_ARGS)

SECONDS ?= 60
fuzz: ## Makes inputs for the readers of SIP, SDP and RTP for SECONDS=60; keeps what breaks one in sip/fuzz/corpus
	TELEFONIST_FUZZ_SECONDS=$(SECONDS) $(CARGO) test $(CARGO_ARGS) --profile fuzz -p sip --test fuzz what_is_made -- --nocapture

check: ## Format and lints, as .ci/run wants them
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets $(CARGO_ARGS) -- -D warnings

fmt: ## Formats the code
	$(CARGO) fmt --all

bench: ## Measures speed, optimised: calls at once, latencies, CPU and memory per call
	@scripts/deps run
	$(CARGO) run --release $(CARGO_ARGS) -- bench

deps: ## Lists what the system lacks, installs nothing
	@scripts/deps --check run test
