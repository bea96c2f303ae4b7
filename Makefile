# The whole life of the backend. `make` lists what there is.
CARGO ?= cargo
ENV ?= dev
TERRAFORM ?= terraform
# An environment is a file in terraform/environments. All share one root, so each has its own data directory: Terraform keeps there
# which state it uses.
ENVIRONMENTS = $(patsubst terraform/environments/%.tfvars,%,$(sort $(wildcard terraform/environments/*.tfvars)))
SETTINGS = terraform/environments/$(ENV).tfvars
# The environment's file is the one source of the region: for the provider, the state and the operators' tools.
REGION = $(shell sed -nE 's/^region *= *"([a-z0-9-]+)".*/\1/p' '$(SETTINGS)' 2>/dev/null)
TF = TF_DATA_DIR='$(CURDIR)/build/terraform/$(ENV)' $(TERRAFORM) -chdir=terraform
# The name comes from the file's name: a copied file cannot plan another environment's resources.
TF_VARS = -var-file=environments/$(ENV).tfvars -var=environment=$(ENV)
# The provider is the one that the committed lock file names, or the command fails.
LOCKED = -lockfile=readonly
# A machine without a route to the provider registry: a folder <mirror>/<host>/hashicorp/aws/<version>.
ifdef TF_PLUGIN_MIRROR
export TF_CLI_CONFIG_FILE := $(CURDIR)/build/terraform.rc
endif
# What the operators' tools go by: Terraform knows the tables' names; those of `make run` are fixed (ENV=local).
ifeq ($(ENV),local)
TABLES = printf '{"auth":"mylg-local-auth","projects":"mylg-local-projects"}'
TOOLS_ENV = AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:$(or $(DYNAMODB_PORT),8000)
else
TABLES = $(TF) output -json table_names
TOOLS_NEED = init
TOOLS_ENV = AWS_REGION='$(REGION)'
endif
table = $$($(TABLES) | sed -E 's/.*"$(1)":"([^"]*)".*/\1/')

comma := ,
BIN := $(or $(CARGO_TARGET_DIR),target)/debug

.DEFAULT_GOAL := help
.PHONY: help run binaries build test lint fmt clean terraform-checks terraform-checks-now lint-terraform terraform-docs plan account preflight verify-aws confirmed deploy apply shift smoke test-emulator test-emulator-built rehearse test-durability contract contract-examples contract-release lint-contract fuzz-api client test-client example bench bench-quick bench-durations bench-fan-out bench-memory bench-contention bench-login cost destroy outputs user import init environment region mirror

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-17s %s\n", $$1, $$2}'

run: binaries ## Run everything on this machine (RELEASE=1 runs release builds)
	@$(if $(RELEASE),$(BIN)/package --binaries-only)
	@exec $(BIN)/local-stack $(if $(RELEASE),--release)

# The one debug build. Tools are started by their path: `cargo run` would hand its own variables to the builds that they start,
# and each of the two would undo the other's work.
binaries:
	@$(CARGO) build --workspace

build: binaries ## Make the functions' zips and the layer's zip in build/ or FOLDER=<folder> (ARCH=arm64 needs cargo-zigbuild and the Rust target)
	@$(BIN)/package $(if $(ARCH),--arch $(ARCH)) $(if $(FOLDER),--folder '$(FOLDER)') $(PACKAGE)

test: lint binaries ## Check formatting and lints, run the tests that a change may touch (ALL=1: every test) and the Terraform checks
	@CARGO='$(CARGO)' ALL='$(ALL)' tests/run-changed.sh
	@if ! command -v $(TERRAFORM) >/dev/null; then echo "Terraform is not installed: its checks were not run."; \
	elif [ -n "$(TF_PLUGIN_MIRROR)" ] || $(TERRAFORM) -chdir=terraform init -backend=false -input=false $(LOCKED) >/dev/null 2>&1; then $(MAKE) --no-print-directory terraform-checks; \
	else echo "Neither a provider registry nor TF_PLUGIN_MIRROR is at hand: the Terraform checks were not run."; fi

lint: ## Check formatting and lints
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy --workspace --all-targets -- -D warnings

fmt: ## Format the code
	@$(CARGO) fmt --all
	@if command -v $(TERRAFORM) >/dev/null; then $(TERRAFORM) fmt -recursive terraform; fi

# What the checks read: they are run again when it has changed since they passed.
TERRAFORM_SUM = find terraform -type f -not -path '*/.terraform/*' -not -path 'terraform/modules/*/.terraform.lock.hcl' | LC_ALL=C sort | xargs cksum

terraform-checks: mirror ## Check formatting, validate root and modules, test them and every environment (no AWS account needed)
	@if [ "$$($(TERRAFORM_SUM))" = "$$(cat build/terraform-checked 2>/dev/null)" ]; then echo "Terraform: unchanged since its checks passed."; \
	else $(MAKE) --no-print-directory terraform-checks-now && mkdir -p build && $(TERRAFORM_SUM) > build/terraform-checked; fi

terraform-checks-now:
	@TERRAFORM='$(TERRAFORM)' terraform/check.sh

lint-terraform: ## Hold the Terraform code to checkov's rules and the modules' READMEs to the modules (needs python3 and npm)
	@terraform/lint/run.sh

terraform-docs: ## Write the modules' READMEs (needs python3 and npm)
	@terraform/lint/run.sh --write

plan: init ## Show what a deployment would change (ENV=<name>: terraform/environments/<name>.tfvars; OUT=<file> keeps the plan)
	@$(TF) plan $(TF_VARS) $(if $(OUT),-out='$(abspath $(OUT))') $(ARGS)

account: mirror ## Make what an AWS account needs once: state bucket, log role, workflows' roles, budget (terraform/account/terraform.tfvars)
	@TERRAFORM='$(TERRAFORM)' terraform/account/apply.sh $(APPROVE)

preflight: region ## Ask the account whether it has what a deployment needs (ENV=<name>; needs the aws CLI)
	@ENV='$(ENV)' SETTINGS='$(SETTINGS)' STATE_BUCKET='$(STATE_BUCKET)' terraform/preflight.sh

deploy: preflight build apply ## Ask the account, build and deploy (ENV=<name>)
	@export $(TOOLS_ENV); terraform/shift.sh $(ENV) && terraform/prune.sh $(ENV)

# A plan that was kept is applied as it is, without a question: it has been looked at.
apply: init ## Deploy the zips that are in build/ (ENV=<name>; PLAN=<file> applies a plan that was kept)
	@$(TF) apply $(if $(PLAN),-input=false '$(abspath $(PLAN))',$(TF_VARS) $(APPROVE))

shift: ## Move the traffic to the newest versions by weights, where the environment's canary is on (ENV=<name>, ARGS=--help)
	@export $(TOOLS_ENV); terraform/shift.sh $(ENV) $(ARGS)

# The addresses of `make run`, or of the environment.
ifeq ($(ENV),local)
SMOKE_URLS = MYLG_HTTP_URL='$(or $(MYLG_HTTP_URL),http://127.0.0.1:3000)' MYLG_WS_URL='$(or $(MYLG_WS_URL),ws://127.0.0.1:3001)'
else
SMOKE_URLS = MYLG_HTTP_URL="$$($(TF) output -raw http_url)" MYLG_WS_URL="$$($(TF) output -raw websocket_url)"
endif
SMOKE_TARGET = $(if $(CONVERSATION),--conversation '$(CONVERSATION)',$(if $(or $(PEER),$(filter local,$(ENV))),--with '$(or $(PEER),anyone)'))

smoke: $(TOOLS_NEED) binaries ## Log in, send a message over a socket, read and delete it (ENV=<name>, EMAIL and PASSWORD from the environment, PEER=usr_… or CONVERSATION=cnv_…)
	@$(SMOKE_URLS) $(BIN)/smoke $(SMOKE_TARGET)

test-durability: ## Write MESSAGES (200000) messages while faults are injected, and check that none was lost (SEED=1; BROKEN_BUILD=1 must find losses)
	@$(CARGO) build --profile bench --workspace $(if $(BROKEN_BUILD),--features messages-router/broken-build$(comma)ws-provider/broken-build)
	@$(or $(CARGO_TARGET_DIR),target)/release/loss-checker $(if $(BROKEN_BUILD),--expect-losses) --messages $(or $(MESSAGES),200000) --seed $(or $(SEED),1)

contract: binaries ## Write docs/openapi.json and docs/asyncapi.json from the code
	@$(BIN)/contract

contract-examples: binaries ## Record the examples of the contract from a run of the end-to-end suite (two minutes)
	@folder=$$(mktemp -d) && CONTRACT_EXAMPLES="$$folder" $(CARGO) nextest run -p end-to-end --test end_to_end --test functions && $(BIN)/contract --examples "$$folder" && rm -r "$$folder"
	@$(MAKE) --no-print-directory contract

contract-release: contract ## Keep the documents as those of a release: later changes that break clients are named
	@mkdir -p libs/contract/released && cp docs/openapi.json docs/asyncapi.json libs/contract/released/

lint-contract: ## Hold both documents to their specifications and to Spectral's rules (needs npm)
	@tests/lint-contract.sh

fuzz-api: binaries ## Hold the local stack to docs/openapi.json with made-up requests (EXAMPLES=100 for each operation, ten minutes at most; needs python3)
	@EXAMPLES=$(or $(EXAMPLES),100) tests/fuzz-api.sh

client: ## Build the TypeScript client, check that it fits the contract, pack it (libs/client-ts/mylg-client-*.tgz; needs npm)
	@cd libs/client-ts && npm ci --silent && npm run --silent check && npm run --silent build && npm pack --silent

test-client: binaries ## Test the client: units, then scenarios on a local stack in Chromium (needs npm and Chromium; three minutes)
	@cd libs/client-ts && npm ci --silent && npm test --silent

example: ## Run the client's example app on http://localhost:5173, beside `make run` (needs npm)
	@cd libs/client-ts && { [ -d node_modules ] || npm ci --silent; } && npm run --silent example

bench-quick: binaries ## Compare bytes and instructions of the packages in build/ with the committed figures (UPDATE=1 commits them; needs valgrind)
	@$(BIN)/benchmarks $(if $(UPDATE),--update)

bench: build ## Measure everything that has a bar, and write docs/performance.md (ten minutes; needs valgrind, npm, python3 and Chromium)
	@$(CARGO) build --profile bench --workspace
	@$(or $(CARGO_TARGET_DIR),target)/release/benchmarks --all

bench-durations: binaries ## Measure make test in a clean clone (a quarter of an hour), with CI_RUN=1 .ci/run too (three quarters)
	@$(BIN)/benchmarks --durations $(if $(CI_RUN),--ci)

bench-fan-out: ## Measure how long a message takes to a hundred people with three sockets each (a minute)
	@$(CARGO) build --profile bench --workspace
	@$(or $(CARGO_TARGET_DIR),target)/release/benchmarks --only fan-out

bench-memory: ## The same at the share of a processor that Lambda gives to each memory size (needs root and cgroups; four minutes)
	@$(CARGO) build --profile bench --workspace
	@tests/bench-memory.sh

bench-contention: ## Measure how long writers of one conversation and of one budget wait for each other (a minute)
	@$(CARGO) build --profile bench --workspace
	@$(or $(CARGO_TARGET_DIR),target)/release/benchmarks --only contention

bench-login: ## Measure that refused logins tell nothing by their time, and that a build that tells is noticed (a few minutes)
	@$(CARGO) bench -p auth-router --bench login_timing
	@$(CARGO) bench -p auth-router --bench login_timing --features early-return

cost: binaries ## Print the monthly bill of 50, 500 and 5,000 people, from calls that the local stack counts (ARGS=--help)
	@$(BIN)/cost $(ARGS)

test-emulator: build test-emulator-built ## Build, deploy to an AWS emulator, run the end-to-end suite over it, take it down (needs python3)

test-emulator-built: mirror ## The same with the packages that are in build/
	@terraform/rehearsal/run.sh

# The name that this target had before.
rehearse: test-emulator

destroy: confirmed init ## Take an environment down (ENV=<name>; where production = true: CONFIRM=<name>, or typed)
	@$(TF) destroy $(TF_VARS) $(APPROVE)

# Real users work there: the name must be given to destroy it.
confirmed: environment
	@if grep -qE '^production *= *true' '$(SETTINGS)'; then \
		name='$(CONFIRM)'; \
		[ -n "$$name" ] || { printf 'Real users work in $(ENV). Type its name to destroy it: '; read -r name || true; }; \
		[ "$$name" = '$(ENV)' ] || { echo 'Nothing is destroyed: "'"$$name"'" is not "$(ENV)" (CONFIRM=$(ENV), or type it).'; exit 1; }; \
	fi

outputs: init ## Print the addresses that the frontend needs (ENV=<name>)
	@$(TF) output

verify-aws: init ## Check on a deployed environment what only AWS can settle (ENV=<name>, EMAIL and PASSWORD of a test person)
	@ENV='$(ENV)' AWS_REGION='$(REGION)' HTTP_URL="$$($(TF) output -raw http_url)" WS_URL="$$($(TF) output -raw websocket_url)" \
		HTTP_API_ID="$$($(TF) output -raw http_api_id)" WS_API_ID="$$($(TF) output -raw websocket_api_id)" \
		TABLES="$$($(TF) output -json table_names | tr ',' '\n' | sed -E 's/.*:"([^"]*)".*/\1/')" \
		BUCKETS="$$($(TF) output -json bucket_names | tr ',' '\n' | sed -E 's/.*:"([^"]*)".*/\1/')" \
		MAIL_IDENTITY="$$($(TF) output -json mail_identity 2>/dev/null | tr -d '"')" terraform/verify-aws.sh

user: $(TOOLS_NEED) binaries ## Make a person (ENV=… EMAIL=… ROLE=admin), with a one-time password
	@test -n "$(EMAIL)" || { echo 'EMAIL is not set: make user ENV=dev EMAIL=ana@example.com ROLE=admin'; exit 1; }
	@AUTH_TABLE=$(call table,auth) $(TOOLS_ENV) \
		sh -c 'printf "%s\n" "{\"email\": \"$(EMAIL)\", \"role\": \"$(or $(ROLE),user)\"}" | $(BIN)/create-user'

import: $(TOOLS_NEED) binaries ## Report on the old tables' exports (ENV=… PROJECTS=… BUDGETS=… PEOPLE=… OWNER=usr_…), with APPLY=1 take them over
	@AUTH_TABLE=$(call table,auth) PROJECTS_TABLE=$(call table,projects) $(TOOLS_ENV) \
		$(BIN)/import-projects $(if $(PROJECTS),--projects $(PROJECTS)) $(if $(BUDGETS),--budgets $(BUDGETS)) \
		$(if $(PEOPLE),--people $(PEOPLE)) $(if $(OWNER),--owner $(OWNER)) $(if $(MEMBERS_AS),--members-as $(MEMBERS_AS)) $(if $(OBJECTS),--objects $(OBJECTS)) $(if $(COPIES),--copies $(COPIES)) $(if $(APPLY),--apply)

clean: ## Forget builds and local data
	@$(CARGO) clean
	@rm -rf build .local

# Refuses a name without a file, a file with a variable that the root does not declare (Terraform would only warn of it), and a file
# without a region.
environment:
	@test -f '$(SETTINGS)' || { echo 'There is no environment "$(ENV)": write $(SETTINGS), or set ENV to one of these: $(ENVIRONMENTS).'; exit 1; }
	@sed -nE 's/^([A-Za-z_][A-Za-z0-9_-]*)[ =].*/\1/p' '$(SETTINGS)' | while read -r name; do \
		{ [ "$$name" != environment ] && grep -q "^variable \"$$name\"" terraform/variables.tf; } || { echo "$(SETTINGS) sets $$name, which an environment cannot set (see terraform/variables.tf)."; exit 1; }; \
	done
	@test -n '$(REGION)' || { echo '$(SETTINGS) sets no region: add a line such as region = "eu-central-1".'; exit 1; }

# A shell that is set to another region than the file is refused: it may be meant for another environment.
region: environment
	@test -z '$(AWS_REGION)' || test '$(AWS_REGION)' = '$(REGION)' || { echo 'AWS_REGION is $(AWS_REGION), but $(SETTINGS) says $(REGION): unset AWS_REGION, or set it to $(REGION).'; exit 1; }

mirror:
	@if [ -n "$(TF_PLUGIN_MIRROR)" ]; then mkdir -p build && printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' "$(TF_PLUGIN_MIRROR)" > build/terraform.rc; fi

init: region mirror
	@test -n "$(STATE_BUCKET)" || { echo 'STATE_BUCKET is not set: the S3 bucket that keeps the Terraform state (see docs/operations.md)'; exit 1; }
	@$(TF) init -input=false $(LOCKED) -reconfigure -backend-config=bucket=$(STATE_BUCKET) -backend-config=key=mylg/$(ENV)/terraform.tfstate \
		-backend-config=region=$(REGION) >/dev/null
