#!/usr/bin/env bash
# Checks the packages in build/ against their list of checksums; with an argument also that the list is the one with that SHA-256.
set -euo pipefail
cd "$(dirname "$0")/../../build"
wanted=${1:-}
list=$(sha256sum <SHA256SUMS | cut -d' ' -f1)
[ -z "$wanted" ] || [ "$wanted" = "$list" ] || { echo "These are other packages: their list of checksums is $list, not $wanted."; exit 1; }
sha256sum --check --strict SHA256SUMS
# Artifacts do not keep this.
chmod +x tools/*
