#!/usr/bin/env bash
# The rehearsal: on an AWS emulator that we did not write, `make account` and a real `terraform apply` of the dev environment, the
# end-to-end suite over the deployed addresses with the zipped release binaries, a second plan, drills (drills.sh: key rotation, canary,
# rollback, restore), and the destruction. Needs python3, Terraform and the zips of `make build`.
set -euo pipefail
cd "$(dirname "$0")/../.."
. terraform/rehearsal/drills.sh

port=${REHEARSAL_PORT:-14566}
work=$PWD/build/rehearsal
endpoint=http://127.0.0.1:$port
rm -rf "$work/terraform" "$work/account" "$work/layer" "$work/zips"
mkdir -p "$work/layer" "$work/zips"

for zip in auth-router projects-router messages-router ws-provider shared-utils; do
    [ -f "build/$zip.zip" ] || { echo "build/$zip.zip is missing: run \`make build\` first"; exit 1; }
    cp "build/$zip.zip" "$work/zips/"
done
cp build/architecture "$work/zips/"

if [ ! -x "$work/venv/bin/ministack" ] || [ ! -x "$work/venv/bin/aws" ]; then
    python3 -m venv "$work/venv"
    # Pinned: it has a release every few days. KMS needs cryptography, which it does not ask for.
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check 'ministack==1.5.33' 'cryptography>=43' 'awscli>=1.42,<2'
fi

# The layer where Lambda shows it, in a mount namespace of the emulator's own. Without root the functions fall back to the system's
# trust store and the built-in policy.
python3 -m zipfile -e build/shared-utils.zip "$work/layer"
# AUTH=true enforces the execution roles and the key's policy.
start=(env -i "PATH=$PATH" "HOME=$work" BIND_HOST=127.0.0.1 "GATEWAY_PORT=$port" IOT_MTLS_ENABLED=0 AUTH=true "AWS_ENDPOINT_URL=$endpoint"
    "$work/venv/bin/python" terraform/rehearsal/emulator.py)
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
    # shellcheck disable=SC2016
    start=(unshare -m bash -c 'mount --make-rprivate / && mount --bind "$0" /opt && exec "$@"' "$work/layer" "${start[@]}")
fi
"${start[@]}" >"$work/emulator.log" 2>&1 &
emulator_pid=$!
trap 'touch "$work/stop"; kill $emulator_pid 2>/dev/null || true' EXIT
for _ in $(seq 100); do
    curl --silent --fail "$endpoint/_ministack/health" >/dev/null && break
    kill -0 $emulator_pid 2>/dev/null || { echo "the emulator did not start:"; tail -n 20 "$work/emulator.log"; exit 1; }
    sleep 0.2
done

# A scratch copy, with the state on this machine and posts to connections by way of the emulator.
mkdir -p "$work/terraform"
tar -C terraform --exclude .terraform --exclude rehearsal -cf - . | tar -C "$work/terraform" -xf -
cp terraform/rehearsal/override.tf "$work/terraform/rehearsal_override.tf"
cp terraform/environments/dev.tfvars "$work/terraform/dev.auto.tfvars"
# The emulator has one host name for all buckets.
printf 'provider "aws" {\n  s3_use_path_style = true\n}\n' >"$work/terraform/account/rehearsal_override.tf"
printf 'variable "emulator" {\n  type = string\n}\n' >"$work/terraform/rehearsal.tf"
export AWS_ENDPOINT_URL=$endpoint AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=eu-central-1 AWS_DEFAULT_REGION=eu-central-1 AWS_PAGER=''
export PATH=$work/venv/bin:$PATH
export TF_VAR_environment=dev TF_VAR_build_dir=$work/zips TF_VAR_emulator=$endpoint TF_IN_AUTOMATION=1
tf() { terraform -chdir="$work/terraform" "$@"; }
apply() {
    tf apply -auto-approve -input=false -no-color >"$work/apply.log" 2>&1 || { grep -A 12 'Error' "$work/apply.log" || tail -n 40 "$work/apply.log"; exit 1; }
    grep -E 'Apply complete' "$work/apply.log"
}

echo "account"
drill_account
tf init -input=false -no-color >"$work/init.log" || { tail -n 20 "$work/init.log"; exit 1; }
echo "apply"
apply

http_api=$(tf output -raw http_api_id)
websocket_api=$(tf output -raw websocket_api_id)
export MYLG_HTTP_URL="$endpoint/_aws/execute-api/$http_api/\$default"
export MYLG_WS_URL="ws://127.0.0.1:$port/_aws/execute-api/$websocket_api/live"
AUTH_TABLE=$(tf output -json table_names | python3 -c 'import json, sys; print(json.load(sys.stdin)["auth"])')
export AUTH_TABLE

echo "end-to-end suite over $MYLG_HTTP_URL and $MYLG_WS_URL"
skips=()
while read -r name; do skips+=(--skip "$name"); done < <(sed -E '/^#/d; /^$/d; s/ .*//' terraform/rehearsal/not-here.txt)
grep -vE '^(#|$)' terraform/rehearsal/not-here.txt | sed 's/^/not here: /'
# shellcheck disable=SC2086 # one argument for each word
RUST_BACKTRACE=0 cargo test -p end-to-end --test end_to_end -- "${skips[@]}" ${REHEARSAL_ONLY:-}

# The resources that a plan would change, but for alarms: the emulator does not read those back.
changes() {
    tf plan -input=false -no-color >"$work/plan.log" 2>&1 || { tail -n 20 "$work/plan.log" >&2; exit 1; }
    grep -E '^  # .* (will be|must be)' "$work/plan.log" | sed -E 's/^  # //; s/ (will|must) be.*//' | grep -vE '\.aws_cloudwatch_metric_alarm\.' | sort || true
}

echo "second plan"
changed=$(changes)
[ -z "$changed" ] || { printf 'changes that we cause:\n%s\n' "$changed"; exit 1; }
echo "no changes but $(grep -cE '^  # .*aws_cloudwatch_metric_alarm.* will be' "$work/plan.log" || true) alarms, which the emulator does not read back"

echo "one changed function"
python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1], "a").writestr("changed", "x")' "$work/zips/messages-router.zip"
changed=$(changes)
expected='module.backend.module.function["messages-router"].aws_lambda_alias.live[0]
module.backend.module.function["messages-router"].aws_lambda_function.this'
[ "$changed" = "$expected" ] || { printf 'it changes something else:\n%s\n' "$changed"; exit 1; }
apply
tf output -json function_versions
echo

make_people
for drill in ${REHEARSAL_DRILLS-key_rotation canary_and_rollback restore}; do
    echo "drill: $drill"
    "drill_$drill"
done

echo "destroy"
tf destroy -auto-approve -input=false -no-color >"$work/destroy.log" 2>&1 || { grep -A 12 'Error' "$work/destroy.log"; exit 1; }
grep -E 'Destroy complete' "$work/destroy.log"
left=$(tf state list | wc -l)
[ "$left" = 0 ] || { echo "$left resources are left"; exit 1; }
echo "the emulator test passed"
