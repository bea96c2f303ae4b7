#!/usr/bin/env bash
# Applies the account root. Its state belongs in the bucket that it makes itself, so the first apply keeps the state on this machine
# and then moves it there. Run again after an interruption, it goes on where it stopped. Arguments are passed to `terraform apply`.
set -euo pipefail
cd "$(dirname "$0")"

terraform=${TERRAFORM:-terraform}
export TF_DATA_DIR=${TF_DATA_DIR:-$PWD/../../build/terraform/account}
first_state=$TF_DATA_DIR/first.tfstate
override=backend_override.tf

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

command -v aws >/dev/null || fail "The aws CLI is not installed: it is needed to see whether this account has a state already."
region=$(sed -nE 's/^region *= *"([a-z0-9-]+)".*/\1/p' terraform.tfvars)
[ -n "$region" ] || fail 'terraform/account/terraform.tfvars sets no region: add a line such as region = "eu-central-1".'
[ "${AWS_REGION:-$region}" = "$region" ] || fail "AWS_REGION is $AWS_REGION, but terraform/account/terraform.tfvars says $region: unset AWS_REGION, or set it to $region."
# Version 1 of the CLI reads the second name only.
export AWS_REGION=$region AWS_DEFAULT_REGION=$region AWS_PAGER=
for name in github_repository alert_emails; do
    grep -qE "^$name *=" terraform.tfvars || [ -n "$(printenv "TF_VAR_$name")" ] || fail "terraform/account/terraform.tfvars sets no $name (see terraform/account/variables.tf)."
done
account=$(aws sts get-caller-identity --query Account --output text 2>/dev/null) || fail "There are no working AWS credentials: log in (aws sso login, or aws configure), and run it again."

bucket=$(sed -nE 's/^project: *([a-z0-9-]+).*/\1/p' ../stack.yaml)-terraform-$account-$region
key=$(sed -nE 's/^project: *([a-z0-9-]+).*/\1/p' ../stack.yaml)/account/terraform.tfstate
backend=("-backend-config=bucket=$bucket" "-backend-config=key=$key" "-backend-config=region=$region")
# An emulator has one host name for all buckets, and no account service that Terraform could ask.
[ -z "${AWS_ENDPOINT_URL:-}" ] || backend+=(-backend-config=use_path_style=true -backend-config=skip_credentials_validation=true -backend-config=skip_requesting_account_id=true)
init=("$terraform" init -input=false -lockfile=readonly)
mkdir -p "$TF_DATA_DIR"
trap 'rm -f "$override"' EXIT

if aws s3api head-object --bucket "$bucket" --key "$key" >/dev/null 2>&1; then
    echo "The account's state is in $bucket."
    "${init[@]}" -reconfigure "${backend[@]}" >/dev/null
    exec "$terraform" apply -input=false "$@"
fi
if [ ! -f "$first_state" ] && aws s3api head-bucket --bucket "$bucket" >/dev/null 2>&1; then
    fail "The bucket $bucket exists, but it has no account state: the first apply was interrupted on another machine. Finish it there (make account), or import what exists."
fi

echo "The first apply in account $account: the state is on this machine, in $first_state, until the bucket exists."
printf 'terraform {\n  backend "local" {\n    path = "%s"\n  }\n}\n' "$first_state" >"$override"
"${init[@]}" -reconfigure >/dev/null
"$terraform" apply -input=false "$@"
rm -f "$override"
"${init[@]}" -migrate-state -force-copy "${backend[@]}" >/dev/null
aws s3api head-object --bucket "$bucket" --key "$key" >/dev/null || fail "The state is not in $bucket. It is still in $first_state: run make account again."
rm -f "$first_state" "$first_state.backup"
echo "The account's state is now in $bucket."
