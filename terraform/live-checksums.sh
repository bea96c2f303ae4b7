#!/usr/bin/env bash
# live-checksums.sh ENV FOLDER: checks that what runs behind the alias `live` of each function is the zip in this folder, by its SHA-256.
set -euo pipefail
[ $# = 2 ] || { echo "usage: terraform/live-checksums.sh ENV FOLDER" >&2; exit 2; }
env=$1 folder=$(cd "$2" && pwd)
cd "$(dirname "$0")"
project=$(sed -nE 's/^project: *([a-z0-9-]+).*/\1/p' stack.yaml)
functions=$(sed -nE '/^functions:/,/^[a-z_]+:/{ s/^  ([a-z0-9-]+):.*/\1/p; }' stack.yaml)
[ -n "$functions" ] || { echo "stack.yaml names no functions."; exit 1; }
wrong=0
for name in $functions; do
    built=$(openssl dgst -sha256 -binary "$folder/$name.zip" | base64)
    live=$(aws lambda get-function-configuration --function-name "$project-$env-$name" --qualifier live --query CodeSha256 --output text)
    if [ "$built" = "$live" ]; then echo "$name: $live"; else echo "$name: $live is live, $built was built"; wrong=1; fi
done
exit "$wrong"
