#!/usr/bin/env bash
# All tests, and at the end the ten binaries that took longest.
#
# A failing binary does not keep the others from running: one run tells everything that is wrong.
#
# usage: scripts/test.sh [ARGUMENT of cargo test…]
#
# Plain `cargo test`, not cargo-nextest: nextest gives every test a process of its own, and a process compiles its kernels
# anew, which on a software driver takes longer than the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

# cargo starts every test binary by this script, whatever the machine is called.
host=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
export "CARGO_TARGET_${host}_RUNNER=$PWD/scripts/run-test.sh"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
result=0
"${CARGO:-cargo}" test --workspace --no-fail-fast "$@" 2>&1 | tee "$log" || result=$?

# "     Running tests/pooling.rs (target/…)" or "   Doc-tests tilewright", and later "test result: ok. …; finished in 3.14s".
awk '
  /^ *Running / { name = $2 == "unittests" ? $4 : $2; sub(/.*\/deps\//, "", name); sub(/-[0-9a-f]+\)$/, "", name) }
  /^ *Doc-tests / { name = "doc-tests of " $2 }
  /^test result:/ { time = $NF; sub(/s$/, "", time); times[name] += time; total += time }
  END {
    for (name in times) printf "%8.1f s  %s\n", times[name], name | "sort -rn | head -n 10"
    close("sort -rn | head -n 10")
    printf "%8.1f s  all test binaries, of which the slowest ten are above\n", total
  }' "$log"
exit "$result"
