# The whole life of the backend. `make` lists what there is.
ENV ?= dev
CARGO ?= cargo

.DEFAULT_GOAL := help
.PHONY: help run build test lint fmt clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'

run: ## Run everything on this machine (RELEASE=1 for release builds)
	@$(CARGO) run --quiet -p local-stack $(if $(RELEASE),--release) -- $(if $(RELEASE),--release)

build: ## Make the four zips and the layer zip in build/
	@$(CARGO) run --quiet -p local-stack --bin package

test: lint ## Formatting, lints and every test, end to end included
	@$(CARGO) build --workspace
	@$(CARGO) test --workspace

lint: ## Formatting and lints
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy --workspace --all-targets -- -D warnings

fmt: ## Format the code
	@$(CARGO) fmt --all

clean: ## Forget builds and local data
	@$(CARGO) clean
	@rm -rf build .local
