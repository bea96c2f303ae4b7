#!/bin/sh
# Runs the tests whose programs or files have changed since they passed; all of them with ALL=1, in CI, and without nextest 0.9.116 or later.
# What a test depends on: its own binary, the binaries that it has started, and every file of the repository that is no Rust source. Those of
# tests/tests/features read the sources too.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}

# An older nextest does not say what the selection needs.
if ! $cargo nextest list --help 2>/dev/null | grep -q oneline; then
    $cargo test --workspace --doc
    exec $cargo test --workspace --all-targets
fi

# A write without a session check must not compile: that is a test in the documentation, and nextest runs none of these.
$cargo test --quiet --doc -p access

passed=build/tests-passed
# A file for each test with the names of the programs that it has started: `local_stack::programs` writes them.
notes=$PWD/build/started-programs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
programs=${CARGO_TARGET_DIR:-target}/debug

$cargo nextest list --workspace --all-targets --list-type binaries-only --message-format json-pretty >"$work/binaries.json"
$cargo nextest list --workspace --all-targets --message-format oneline >"$work/tests"
{ git ls-files -co --exclude-standard 2>/dev/null || find . -type f -not -path './target/*'; } \
    | LC_ALL=C sort | while read -r file; do [ ! -f "$file" ] || printf '%s\n' "$file"; done >"$work/files"
files=$(grep -v '\.rs$' "$work/files" | xargs cksum | cksum)
sources=$(grep '\.rs$' "$work/files" | xargs cksum | cksum)
settings=$({ env | grep -E '^(REFRESH_MODEL|FULL_SUITE|PROPTEST|RUST|MYLG)' | LC_ALL=C sort; command -v chromium chromium-browser google-chrome || true; } | cksum)
find "$programs" -maxdepth 1 -type f -perm -u+x -exec cksum {} + | sed -E 's,^([0-9]+) [0-9]+ .*/,\1 ,' >"$work/programs"
sed -nE 's/^ *"binary-(id|path)": "(.*)",?$/\2/p' "$work/binaries.json" \
    | while read -r id && read -r path; do printf '%s %s\n' "$id" "$(cksum <"$path" | cut -d' ' -f1)"; done >"$work/binaries"

# One line for each test: its binary's id, its name, and the sums of what it depends on. A program without a sum makes its test run each time.
dependencies() {
    { [ ! -d "$notes" ] || find "$notes" -type f | LC_ALL=C sort | while read -r note; do
        name=$(basename "$note" | tr % /)
        LC_ALL=C sort -u "$note" | sed "s|^|$name |"
    done; } >"$work/notes"
    awk -v rest="$(echo "$files" "$settings" | tr ' ' -)" -v sources="$(echo "$sources" | tr ' ' -)" -v work="$work" '
        BEGIN {
            while ((getline line < (work "/programs")) > 0) { split(line, part, " "); program[part[2]] = part[1] }
            while ((getline line < (work "/binaries")) > 0) { split(line, part, " "); binary[part[1]] = part[2] }
            while ((getline line < (work "/notes")) > 0) {
                split(line, part, " "); started[part[1] " " part[2]] = started[part[1] " " part[2]] " " part[3] "=" (part[3] in program ? program[part[3]] : work)
            }
        }
        { print $1, $2, binary[$1], rest ($1 == "end-to-end::features" ? sources : "") started[$1 " " $2] }' "$work/tests"
}

dependencies >"$work/now"
if [ -n "${ALL:-}${CI:-}" ] || [ ! -f "$passed" ]; then
    # What failed in this run must not count as passed before.
    rm -rf "$notes" "$passed"
    cp "$work/now" "$work/changed"
else
    grep -vxFf "$passed" "$work/now" >"$work/changed" || true
fi
if [ ! -s "$work/changed" ]; then
    echo "Nothing that a test depends on has changed since it passed (ALL=1 runs every test)."
    exit 0
fi

# A whole run notes what it sees of the API's contract: every response, code and frame must be seen, or have its reason.
seen=
if [ "$(wc -l <"$work/changed")" = "$(wc -l <"$work/now")" ]; then
    seen=$(mktemp -d)
    export CONTRACT_SEEN="$seen"
    filter='all()'
else
    echo "Only the tests that a change may have touched, $(wc -l <"$work/changed") of $(wc -l <"$work/now") (ALL=1 runs every test)."
    filter=$(awk '{ tests[$1] = tests[$1] (tests[$1] ? "|" : "") "test(=" $2 ")" } END { for (id in tests) print "(binary_id(=" id ")&(" tests[id] "))" }' \
        "$work/changed" | paste -sd'|' -)
fi

mkdir -p "$notes"
export STARTED_PROGRAMS="$notes"
# More tests at once than cores: most end-to-end tests wait for something.
$cargo nextest run --workspace --all-targets --no-fail-fast --test-threads $((2 * $(getconf _NPROCESSORS_ONLN))) -E "$filter"
if [ -n "$seen" ]; then
    "$programs/contract" --seen "$seen"
    rm -r "$seen"
fi
dependencies >"$passed"
