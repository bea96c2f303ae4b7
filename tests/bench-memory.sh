#!/usr/bin/env bash
# How long a message takes to a hundred people with three sockets each, when the function that sends it has the share of a processor that
# Lambda gives to its memory: 1,769 MB are one vCPU. Needs root and the cpu controller of cgroups. Smaller
# sizes than the defaults outlast the seconds in which the benchmark's dead connection is tried again.
set -euo pipefail
cd "$(dirname "$0")/.."

group=/sys/fs/cgroup/mylg-bench
[ -d /sys/fs/cgroup/cpu ] && group=/sys/fs/cgroup/cpu/mylg-bench
mkdir -p "$group"
# quota MICROSECONDS: of every 20 ms, as Lambda counts.
quota() {
    if [ -f "$group/cpu.max" ]; then
        echo "$1 20000" >"$group/cpu.max"
    else
        echo 20000 >"$group/cpu.cfs_period_us"
        echo "$1" >"$group/cpu.cfs_quota_us"
    fi
}
watch() {
    while sleep 0.05; do
        for pid in $(pgrep -x messages-router || true); do echo "$pid" >"$group/cgroup.procs" 2>/dev/null || true; done
    done
}
watch &
watcher=$!
trap 'kill $watcher 2>/dev/null; sleep 0.2; rmdir "$group" 2>/dev/null || true' EXIT

[ $# -gt 0 ] || set -- 384 512 1024 1769
for memory in "$@"; do
    quota $((20000 * memory / 1769))
    printf '%5d MB: ' "$memory"
    # The benchmark's own bar is for a whole processor.
    { "${CARGO_TARGET_DIR:-target}/release/benchmarks" --only fan-out 2>"${TMPDIR:-/tmp}/bench-memory.log" || true; } | sed -nE 's/^delivery to 300 connections +([0-9.]+) posts.*/\1 posts/p' | grep . || { echo "nothing was measured: ${TMPDIR:-/tmp}/bench-memory.log"; exit 1; }
done
