# The whole life of the backend. `make` lists what there is.
CARGO ?= cargo

.DEFAULT_GOAL := help
.PHONY: help run build test lint fmt clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "  make %-8s %s\n", $$1, $$2}'

run: ## Run everything on this machine (RELEASE=1 runs release builds)
	@$(CARGO) run -p local-stack -- $(if $(RELEASE),--release)

build: ## Make the functions' zips and the layer's zip in build/
	@$(CARGO) run -p local-stack --bin package

test: lint ## Check formatting and lints, and run every test on the real binaries
	@$(CARGO) build --workspace
	@$(CARGO) test --workspace --all-targets

lint: ## Check formatting and lints
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy --workspace --all-targets -- -D warnings

fmt: ## Format the code
	@$(CARGO) fmt --all

clean: ## Forget builds and local data
	@$(CARGO) clean
	@rm -rf build .local
