#!/usr/bin/env bash
# After `make build`: a second build gives the same bytes, and the packages are for the intended processor. Writes to build/again, because the packages
# in build/ are in use.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$PWD/build/again
rm -rf "$folder"

# One function stands for all: the second time from nothing but the sources' own crates.
first=$(cd build && sha256sum messages-router.zip shared-utils.zip)
cargo clean --release --target "$(rustc -vV | sed -n "s/^host: //p")" -p feature-set -p shared-utils -p access -p realtime -p messaging -p messages-router
make build PACKAGE=messages-router FOLDER="$folder"
second=$(cd "$folder" && sha256sum messages-router.zip shared-utils.zip)
if [ "$first" != "$second" ]; then
    printf 'The packages differ between two builds:\n%s\n%s\n' "$first" "$second"
    exit 1
fi

if ! command -v readelf >/dev/null || ! command -v python3 >/dev/null; then
    echo "readelf or python3 is not at hand: no package was looked into."
    exit 0
fi
# Fails if the binary of a package is for another processor.
expect_machine() {
    local binary machine
    binary=$(mktemp -d)
    python3 -m zipfile -e "$1" "$binary"
    machine=$(readelf -h "$binary/bootstrap" | sed -nE 's/^ *Machine: *//p')
    rm -r "$binary"
    [ "$machine" = "$2" ] || { echo "$1 is for $machine instead of $2"; exit 1; }
    echo "$1: $machine"
}
for name in auth-router messages-router projects-router ws-provider; do
    expect_machine "build/$name.zip" 'Advanced Micro Devices X86-64'
done
if ! command -v rustup >/dev/null || ! rustup target add aarch64-unknown-linux-gnu 2>/dev/null; then
    echo "The target for arm64 cannot be installed: its package was not built."
    exit 0
fi
python3 -m venv build/zig
build/zig/bin/pip install --quiet --disable-pip-version-check 'cargo-zigbuild==0.20.1' 'ziglang>=0.14'
# This package is looked at and not run. Whether every crate builds for the processor and links does not depend on the optimisation.
PATH=$PWD/build/zig/bin:$PATH CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    make build ARCH=arm64 PACKAGE=ws-provider FOLDER="$folder"
expect_machine "$folder/ws-provider.zip" AArch64
