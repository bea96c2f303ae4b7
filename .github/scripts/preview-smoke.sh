#!/usr/bin/env bash
# preview-smoke.sh ENV: makes two people in a preview environment, and runs the smoke test as one of them.
set -euo pipefail
cd "$(dirname "$0")/../.."
env=$1
AUTH_TABLE=mylg-$env-auth
export AUTH_TABLE
PASSWORD=$(openssl rand -hex 24)
echo "::add-mask::$PASSWORD"
EMAIL=smoke-$GITHUB_RUN_ID-$GITHUB_RUN_ATTEMPT@example.com
export EMAIL PASSWORD
made=$(printf '{"email":"%s","password":"%s"}\n{"email":"peer-%s","password":"%s"}\n' "$EMAIL" "$PASSWORD" "$EMAIL" "$PASSWORD" | build/tools/create-user)
PEER=$(tail -n 1 <<<"$made" | sed -nE 's/.*"userId":"([^"]+)".*/\1/p')
export PEER
make smoke ENV="$env" BIN=build/tools CARGO=true
