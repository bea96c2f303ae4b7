#!/usr/bin/env bash
# prune.sh ENV [--keep 10]: deletes old versions of each function and of the layer. The newest ten stay, and those that the alias `live` has.
# Lambda keeps all versions for ever otherwise, and they count against the account's 75 GB of code. Needs the aws command.
set -euo pipefail
cd "$(dirname "$0")"
[ $# = 1 ] || { [ $# = 3 ] && [ "$2" = --keep ] && [[ $3 =~ ^[1-9][0-9]*$ ]]; } || { echo "usage: terraform/prune.sh ENV [--keep 10]" >&2; exit 2; }
keep=${3:-10}
prefix=$(sed -nE 's/^project: *([a-z0-9-]+).*/\1/p' stack.yaml)-$1
functions=$(sed -nE '/^functions:/,/^[a-z_]+:/{ s/^  ([a-z0-9-]+):.*/\1/p; }' stack.yaml)
[ -n "$functions" ] || { echo "stack.yaml names no functions."; exit 1; }
export AWS_PAGER=''
# The numbers in this text, all but the newest.
older() { tr -s '\t ' '\n' <<<"$1" | { grep -E '^[0-9]+$' || true; } | sort -n | head -n "-$keep"; }

for name in $functions; do
    versions=$(aws lambda list-versions-by-function --function-name "$prefix-$name" --query 'Versions[].Version' --output text)
    live=$(aws lambda get-alias --function-name "$prefix-$name" --name live --output text \
        --query "[FunctionVersion, join(' ', keys(not_null(RoutingConfig.AdditionalVersionWeights, \`{}\`)))]")
    deleted=0
    for version in $(older "$versions"); do
        if grep -qw "$version" <<<"$live"; then continue; fi
        aws lambda delete-function --function-name "$prefix-$name" --qualifier "$version" >/dev/null
        deleted=$((deleted + 1))
    done
    echo "$name: $deleted old versions deleted"
done

# Versions of functions have their layer's content themselves: a layer that is deleted is missing nowhere.
layer=$prefix-shared-utils
versions=$(aws lambda list-layer-versions --layer-name "$layer" --query 'LayerVersions[].Version' --output text)
deleted=0
for version in $(older "$versions"); do
    aws lambda delete-layer-version --layer-name "$layer" --version-number "$version" >/dev/null
    deleted=$((deleted + 1))
done
echo "layer: $deleted old versions deleted"
