#!/usr/bin/env bash
# `make terraform-checks`: formatting, then each root, module, example and environment validated and tested against a mocked provider, as many
# at once as there are processors. `check.sh <check>` runs one of those that `check.sh --list` prints.
set -euo pipefail
cd "$(dirname "$0")/.."
terraform=${TERRAFORM:-terraform}
tf() { "$terraform" "$@"; }
export TF_CLI_ARGS=-no-color

list() {
    # The longest first.
    echo terraform/modules/backend
    echo terraform
    echo terraform/account
    find terraform/modules -name '*.tftest.hcl' | sed 's,/tests/.*,,' | grep -vx terraform/modules/backend | LC_ALL=C sort -u
    echo terraform/modules/backend/examples/minimal
}

check() {
    local locked=()
    case $1 in
        # A module is locked by the root that uses it.
        terraform/modules/*) ;;
        *) locked=(-lockfile=readonly) ;;
    esac
    tf -chdir="$1" init -backend=false -input=false ${locked[@]+"${locked[@]}"} >/dev/null
    tf -chdir="$1" validate
    [ ! -d "$1/tests" ] || tf -chdir="$1" test
    if [ "$1" = terraform ]; then
        for settings in terraform/environments/*.tfvars; do
            name=$(basename "$settings" .tfvars)
            echo "== $settings"
            make --no-print-directory environment ENV="$name"
            tf -chdir=terraform test -test-directory=environments/tests -var-file="environments/$name.tfvars" -var=environment="$name"
        done
    fi
}

case ${1:-} in
    '')
        tf fmt -check -recursive terraform
        list | xargs -P "$(getconf _NPROCESSORS_ONLN)" -n 1 "$0" --together
        ;;
    --list) list ;;
    --together)
        # What one check says is printed at once, and a failure starts no more checks.
        output=$("$0" "$2" 2>&1) && status=0 || status=255
        printf '== %s\n%s\n' "$2" "$output"
        exit "$status"
        ;;
    *) check "$1" ;;
esac
