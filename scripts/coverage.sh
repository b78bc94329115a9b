#!/usr/bin/env bash
# Which specialisations the full sweeps of a test binary compile and the quick ones do not, by mode; and which constants and
# fragments by themselves. A quick sweep may lack pairs of them, and should lack none alone but with a reason.
#
# usage: scripts/coverage.sh TEST…      for example: scripts/coverage.sh convolution convolution_backward
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

[ $# -gt 0 ] || die "which tests? usage: scripts/coverage.sh TEST…"
lists=$(mktemp -d)
trap 'rm -rf "$lists"' EXIT

for test in "$@"; do
  for mode in fast checked; do
    for sweep in quick full; do
      say "$test, $mode mode, $sweep sweep"
      TILEWRIGHT_TEST_MODE=$mode TILEWRIGHT_TEST_SWEEP=$sweep TILEWRIGHT_TEST_KERNELS=$lists/all \
        cargo test --quiet --test "$test" >"$lists/log" 2>&1 || die "it failed: $(tail -n 20 "$lists/log")"
      sort -u "$lists/all" >"$lists/$sweep"
      rm "$lists/all"
    done
    say "$test, $mode mode: $(wc -l <"$lists/full") specialisations, $(wc -l <"$lists/quick") of them in the quick sweep"
    comm -13 "$lists/quick" "$lists/full"
    for sweep in quick full; do
      awk '{ for (i = 3; i <= NF; i++) print $2, $i }' "$lists/$sweep" | sort -u >"$lists/$sweep.values"
    done
    comm -13 "$lists/quick.values" "$lists/full.values" | sed 's/^/only full: /'
    # What only the quick sweep meets would be a case that the full one lacks.
    comm -23 "$lists/quick" "$lists/full" | sed 's/^/only quick: /'
  done
done
