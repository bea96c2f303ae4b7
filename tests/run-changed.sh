#!/bin/sh
# Runs the tests whose programs or files have changed since they passed; all of them with ALL=1, in CI, and without nextest.
# What a test depends on: its own binary, the binaries that it may start, and every file of the repository that is no Rust source.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}

if ! $cargo nextest --version >/dev/null 2>&1; then
    $cargo test --workspace --doc
    exec $cargo test --workspace --all-targets
fi

# A write without a session check must not compile: that is a test in the documentation, and nextest runs none of these.
$cargo test --quiet --doc -p access

passed=build/tests-passed
now=$(mktemp)
trap 'rm -f "$now"' EXIT
programs=${CARGO_TARGET_DIR:-target}/debug

$cargo nextest list --workspace --all-targets --list-type binaries-only --message-format json-pretty >"$now.json"
files=$({ git ls-files -co --exclude-standard 2>/dev/null || find . -type f -not -path './target/*'; } \
    | grep -v '\.rs$' | LC_ALL=C sort | while read -r file; do [ ! -f "$file" ] || printf '%s\n' "$file"; done | xargs cksum | cksum)
settings=$(env | grep -E '^(REFRESH_MODEL|FULL_SUITE|PROPTEST|RUST)' | LC_ALL=C sort | cksum)
started=$(find "$programs" -maxdepth 1 -type f -perm -u+x | LC_ALL=C sort | xargs cksum | cksum)

# One line for each test binary: its id, and the sums of what it depends on.
sed -nE 's/^ *"binary-(id|path)": "(.*)",?$/\2/p' "$now.json" | while read -r id && read -r path; do
    case $id in
        end-to-end* | local-stack*) programs_sum=$started ;;
        *) programs_sum=- ;;
    esac
    printf '%s %s\n' "$id" "$(cksum <"$path") $programs_sum $files $settings"
done >"$now"
rm -f "$now.json"

if [ -n "${ALL:-}${CI:-}" ] || [ ! -f "$passed" ]; then
    changed=$(cut -d' ' -f1 "$now")
else
    changed=$(grep -vxFf "$passed" "$now" | cut -d' ' -f1 || true)
fi
if [ -z "$changed" ]; then
    echo "Nothing that a test depends on has changed since it passed (ALL=1 runs every test)."
    exit 0
fi
[ "$(printf '%s\n' "$changed" | wc -l)" = "$(wc -l <"$now")" ] \
    || printf 'Only the tests that a change may have touched (ALL=1 runs every test):\n%s\n' "$changed"

# A whole run notes what it sees of the API's contract: every response, code and frame must be seen, or have its reason.
seen=
if [ "$(printf '%s\n' "$changed" | wc -l)" = "$(wc -l <"$now")" ]; then
    seen=$(mktemp -d)
    export CONTRACT_SEEN="$seen"
fi

# More tests at once than cores: most end-to-end tests wait for something.
$cargo nextest run --workspace --all-targets --no-fail-fast --test-threads $((2 * $(getconf _NPROCESSORS_ONLN))) \
    -E "$(printf '%s\n' "$changed" | sed 's/.*/binary_id(=&)/' | paste -sd'|' -)"
if [ -n "$seen" ]; then
    "$programs/contract" --seen "$seen"
    rm -r "$seen"
fi
mkdir -p build
cp "$now" "$passed"
