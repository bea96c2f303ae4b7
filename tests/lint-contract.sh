#!/usr/bin/env bash
# Holds docs/openapi.json and docs/asyncapi.json to their specifications: an OpenAPI 3.1 validator, the AsyncAPI parser, and Spectral's default
# rules. Needs npm; its tools are installed into build/contract-tools once.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=build/contract-tools
packages="@stoplight/spectral-cli@6.15.0 @asyncapi/parser@3.4.0 @readme/openapi-parser@5.0.1"
if [ "$(cat "$tools/installed" 2>/dev/null)" != "$packages" ]; then
    mkdir -p "$tools"
    # shellcheck disable=SC2086 # one argument for each package
    npm install --silent --no-audit --no-fund --prefix "$tools" $packages
    echo "$packages" >"$tools/installed"
fi
cat >"$tools/parse.mjs" <<'JS'
import { readFileSync } from "node:fs"
import { Parser } from "@asyncapi/parser"
import { validate } from "@readme/openapi-parser"
const openapi = await validate(JSON.parse(readFileSync("docs/openapi.json", "utf8")))
if (!openapi.valid) { console.error(openapi); process.exit(1) }
const { document, diagnostics } = await new Parser().parse(readFileSync("docs/asyncapi.json", "utf8"))
const errors = diagnostics.filter(({ severity }) => severity === 0)
if (!document || errors.length > 0) { console.error(errors); process.exit(1) }
console.log("Both documents are valid.")
JS
node "$tools/parse.mjs"
"$tools/node_modules/.bin/spectral" lint --fail-severity=hint -r tests/spectral.yaml docs/openapi.json docs/asyncapi.json
