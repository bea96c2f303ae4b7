#!/usr/bin/env bash
# plan.sh ENV FOLDER: plans an environment into FOLDER: the file that `make apply PLAN=…` takes, its text, and the
# checksums of the packages that it is about.
set -euo pipefail
cd "$(dirname "$0")/../.."
env=$1 folder=$2
mkdir -p "$folder"
# Without the lock, which is a file that the role for plans cannot write. Terraform refuses to apply a plan that is older than the state.
make plan ENV="$env" OUT="$folder/plan.tfplan" ARGS='-lock=false -input=false -no-color' >"$folder/log.txt" || { cat "$folder/log.txt"; exit 1; }
rm "$folder/log.txt"
TF_DATA_DIR="$PWD/build/terraform/$env" terraform -chdir=terraform show -no-color "$PWD/$folder/plan.tfplan" >"$folder/plan.txt"
cp build/SHA256SUMS "$folder/"
grep -E '^(Plan:|No changes)' "$folder/plan.txt" || true
