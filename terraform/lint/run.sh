#!/usr/bin/env bash
# Holds the Terraform code to checkov's rules (exceptions with their reasons: checkov.yaml), and the modules' READMEs to the modules.
# `--write` writes the READMEs. Needs python3 and npm; the tools are installed into build/terraform-tools once.
set -euo pipefail
cd "$(dirname "$0")/../.."

export TOOLS=$PWD/build/terraform-tools
versions="checkov==3.3.30 @cdktf/hcl2json@0.21.0"
if [ "$(cat "$TOOLS/installed" 2>/dev/null)" != "$versions" ]; then
    rm -rf "$TOOLS"
    mkdir -p "$TOOLS"
    python3 -m venv "$TOOLS/venv"
    "$TOOLS/venv/bin/pip" install --quiet --disable-pip-version-check "${versions%% *}"
    npm install --silent --no-audit --no-fund --prefix "$TOOLS" "${versions##* }"
    echo "$versions" >"$TOOLS/installed"
fi

if [ "${1:-}" = --write ]; then
    node terraform/lint/document.mjs
else
    node terraform/lint/document.mjs --check
    "$TOOLS/venv/bin/checkov" --config-file terraform/lint/checkov.yaml --directory terraform
    echo "Terraform: checkov's rules hold, and the modules' READMEs are up to date."
fi
