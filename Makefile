# The whole life of the backend. `make` lists what there is.
CARGO ?= cargo
ENV ?= dev
TERRAFORM ?= terraform
ROOT := terraform/environments/$(ENV)
# A machine without a route to the provider registry: a folder <mirror>/<host>/hashicorp/aws/<version>.
ifdef TF_PLUGIN_MIRROR
export TF_CLI_CONFIG_FILE := $(CURDIR)/build/terraform.rc
endif
# What the operators' tools go by: Terraform knows the tables' names; those of `make run` are fixed (ENV=local).
ifeq ($(ENV),local)
TABLES = printf '{"auth":"mylg-local-auth","projects":"mylg-local-projects"}'
TOOLS_ENV = AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:$(or $(DYNAMODB_PORT),8000)
else
TABLES = $(TERRAFORM) -chdir=$(ROOT) output -json table_names
TOOLS_NEED = init
endif
table = $$($(TABLES) | sed -E 's/.*"$(1)":"([^"]*)".*/\1/')

comma := ,
BIN := $(or $(CARGO_TARGET_DIR),target)/debug

.DEFAULT_GOAL := help
.PHONY: help run binaries build test lint fmt clean terraform-checks terraform-checks-now plan deploy apply rehearse check-losses bench-fan-out bench-contention bench-login destroy outputs user import init environment mirror

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-17s %s\n", $$1, $$2}'

run: binaries ## Run everything on this machine (RELEASE=1 runs release builds)
	@$(if $(RELEASE),$(BIN)/package --binaries-only)
	@exec $(BIN)/local-stack $(if $(RELEASE),--release)

# The one debug build. Tools are started by their path: `cargo run` would hand its own variables to the builds that they start,
# and each of the two would undo the other's work.
binaries:
	@$(CARGO) build --workspace

build: binaries ## Make the functions' zips and the layer's zip in build/
	@$(BIN)/package $(PACKAGE)

test: lint binaries ## Check formatting and lints, run the tests that a change may touch (ALL=1: every test) and the Terraform checks
	@CARGO='$(CARGO)' ALL='$(ALL)' tests/run-changed.sh
	@if ! command -v $(TERRAFORM) >/dev/null; then echo "Terraform is not installed: its checks were not run."; \
	elif [ -n "$(TF_PLUGIN_MIRROR)" ] || $(TERRAFORM) -chdir=terraform/environments/dev init -backend=false -input=false >/dev/null 2>&1; then $(MAKE) --no-print-directory terraform-checks; \
	else echo "Neither a provider registry nor TF_PLUGIN_MIRROR is at hand: the Terraform checks were not run."; fi

lint: ## Check formatting and lints
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy --workspace --all-targets -- -D warnings

fmt: ## Format the code
	@$(CARGO) fmt --all
	@if command -v $(TERRAFORM) >/dev/null; then $(TERRAFORM) fmt -recursive terraform; fi

# What the checks read: they are run again when it has changed since they passed.
TERRAFORM_SUM = find terraform -type f -not -path '*/.terraform/*' -not -name '.terraform.lock.hcl' | LC_ALL=C sort | xargs cksum

terraform-checks: mirror ## Check formatting, validate every root, run the Terraform tests (no AWS account needed)
	@if [ "$$($(TERRAFORM_SUM))" = "$$(cat build/terraform-checked 2>/dev/null)" ]; then echo "Terraform: unchanged since its checks passed."; \
	else $(MAKE) --no-print-directory terraform-checks-now && mkdir -p build && $(TERRAFORM_SUM) > build/terraform-checked; fi

terraform-checks-now:
	@$(TERRAFORM) fmt -check -recursive terraform
	@set -e; for root in terraform/environments/* $$(dirname $$(dirname $$(find terraform/modules -name '*.tftest.hcl'))); do \
		echo "== $$root"; \
		$(TERRAFORM) -chdir=$$root init -backend=false -input=false -no-color >/dev/null; \
		$(TERRAFORM) -chdir=$$root validate -no-color; \
		if [ -d $$root/tests ]; then $(TERRAFORM) -chdir=$$root test -no-color; fi; \
	done

plan: init ## Show what a deployment would change (ENV=dev|staging|prod)
	@$(TERRAFORM) -chdir=$(ROOT) plan

deploy: build apply ## Build and deploy (ENV=dev|staging|prod)

apply: init ## Deploy the zips that are in build/
	@$(TERRAFORM) -chdir=$(ROOT) apply $(APPROVE)

check-losses: ## Write MESSAGES (200000) messages while everything goes wrong, and look for what was lost (SEED=1; TORN=1 must find something)
	@$(CARGO) build --profile bench --workspace $(if $(TORN),--features messages-router/torn$(comma)ws-provider/torn)
	@$(or $(CARGO_TARGET_DIR),target)/release/loss-checker $(if $(TORN),--expect-losses) --messages $(or $(MESSAGES),200000) --seed $(or $(SEED),1)

bench-fan-out: ## Measure how long a message takes to a hundred people with three sockets each (a minute)
	@$(CARGO) build --profile bench --workspace
	@$(CARGO) bench -p end-to-end --bench fan_out

bench-contention: ## Measure how long writers of one conversation and of one budget wait for each other (a minute)
	@$(CARGO) build --profile bench --workspace
	@$(CARGO) bench -p end-to-end --bench contention

bench-login: ## Measure that refused logins tell nothing by their time, and that a build that tells is noticed (a few minutes)
	@$(CARGO) bench -p auth-router --bench login_timing
	@$(CARGO) bench -p auth-router --bench login_timing --features early-return

rehearse: build mirror ## Build, deploy to an AWS emulator, run the end-to-end suite over it, take it down (needs python3)
	@terraform/rehearsal/run.sh

destroy: init ## Take an environment down
	@$(TERRAFORM) -chdir=$(ROOT) destroy

outputs: init ## Print the addresses that the frontend needs
	@$(TERRAFORM) -chdir=$(ROOT) output

user: binaries $(TOOLS_NEED) ## Make a person (ENV=… EMAIL=… ROLE=admin), with a one-time password
	@test -n "$(EMAIL)" || { echo 'EMAIL is not set: make user ENV=dev EMAIL=ana@example.com ROLE=admin'; exit 1; }
	@AUTH_TABLE=$(call table,auth) $(TOOLS_ENV) \
		sh -c 'printf "%s\n" "{\"email\": \"$(EMAIL)\", \"role\": \"$(or $(ROLE),user)\"}" | $(BIN)/create-user'

import: binaries $(TOOLS_NEED) ## Report on the old tables' exports (ENV=… PROJECTS=… BUDGETS=… PEOPLE=… OWNER=usr_…), with APPLY=1 take them over
	@AUTH_TABLE=$(call table,auth) PROJECTS_TABLE=$(call table,projects) $(TOOLS_ENV) \
		$(BIN)/import-projects $(if $(PROJECTS),--projects $(PROJECTS)) $(if $(BUDGETS),--budgets $(BUDGETS)) \
		$(if $(PEOPLE),--people $(PEOPLE)) $(if $(OWNER),--owner $(OWNER)) $(if $(MEMBERS_AS),--members-as $(MEMBERS_AS)) $(if $(APPLY),--apply)

clean: ## Forget builds and local data
	@$(CARGO) clean
	@rm -rf build .local

environment:
	@test -d $(ROOT) || { echo 'ENV is one of dev, staging, prod: there is no environment "$(ENV)"'; exit 1; }

mirror:
	@if [ -n "$(TF_PLUGIN_MIRROR)" ]; then mkdir -p build && printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' "$(TF_PLUGIN_MIRROR)" > build/terraform.rc; fi

init: environment mirror
	@test -n "$(STATE_BUCKET)" || { echo 'STATE_BUCKET is not set: the S3 bucket that keeps the Terraform state (see docs/operations.md)'; exit 1; }
	@$(TERRAFORM) -chdir=$(ROOT) init -input=false -reconfigure -backend-config=bucket=$(STATE_BUCKET) -backend-config=region=$(or $(AWS_REGION),eu-central-1) >/dev/null
