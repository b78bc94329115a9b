#!/usr/bin/env bash
# Builds the examples with the tests' profile (so that nothing is built twice) and runs each; any failure is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

cargo build --workspace --examples
built=${CARGO_TARGET_DIR:-target}/debug/examples

run() {
  local name=$1 start=$SECONDS log
  shift
  [ -x "$built/$name" ] || die "the example $name was not built"
  log=$(mktemp)
  say "running $name $*"
  if ! "$built/$name" "$@" </dev/null >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    die "the example $name failed (its output is above)"
  fi
  tail -n 3 "$log"
  rm -f "$log"
  say "$name: ok, $((SECONDS - start)) s"
}

run hello_kernel
run conv2d_by_hand
run custom_op
run own_device
run texture_inference
run onnx_inference
run many_threads
run train_fashion_mnist --quick
run own_training
