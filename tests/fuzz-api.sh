#!/usr/bin/env bash
# Holds the running local stack to docs/openapi.json with schemathesis. EXAMPLES is how many requests it makes up for each operation (20).
# Needs python3; schemathesis is installed into build/schemathesis once.
set -euo pipefail
cd "$(dirname "$0")/.."

VERSION=4.32.5
tools=build/schemathesis
if ! "$tools/bin/schemathesis" --version 2>/dev/null | grep -qF "$VERSION"; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$VERSION"
fi

work=$(mktemp -d)
HTTP_PORT=0 WS_PORT=0 DYNAMODB_PORT=0 CONSOLE_PORT=0 MAIL_PORT=0 S3_PORT=0 LOCAL_DIR="$work" ACCESS_TTL_S=660 LOGIN_RATE=off REFRESH_RATE=off SESSION_REFRESH_RATE=off \
    TICKET_RATE=off SEND_RATE=off MAIL_RATE=off "${CARGO_TARGET_DIR:-target}/debug/local-stack" >"$work/log" 2>&1 &
stack=$!
trap 'kill $stack 2>/dev/null || true; rm -rf "$work"' EXIT
until grep -q '^ready' "$work/log"; do
    kill -0 $stack 2>/dev/null || { cat "$work/log"; exit 1; }
    sleep 0.05
done
url=$(grep -oE 'http://localhost:[0-9]+' "$work/log" | head -n 1)
token=$(curl -sf "$url/auth/login" -H 'content-type: application/json' -d '{"email":"ana@mylg.test","password":"studio-local-only"}' |
    sed -E 's/.*"accessToken":"([^"]+)".*/\1/')
# One worker: with the same seed it sends the same requests in the same order.
# The access token lives for eleven minutes, and so does the run at most.
PYTHONPATH=tests PYTHONDONTWRITEBYTECODE=1 SCHEMATHESIS_HOOKS=schemathesis_hooks timeout 600 "$tools/bin/schemathesis" --config-file tests/schemathesis.toml run docs/openapi.json --url "$url" -H "Authorization: Bearer $token" \
    --checks all --workers 1 --max-examples "${EXAMPLES:-20}"
