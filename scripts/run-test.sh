#!/usr/bin/env bash
# Runs one test binary for `cargo test`: scripts/test.sh names this script as cargo's runner.
#
# On software Vulkan most of the time of a test is LLVM's, which compiles each kernel for the first time. The sweeps of kernels
# run what users run. All other tests are of what is around the kernels, and for them LLVM's optimiser is left out, which halves
# their time; the results are the same IEEE operations in the same order. Other drivers do not know the variable.
set -euo pipefail
name=${1##*/}
case ${name%-*} in
  attention | conv_transpose | convolution* | cumsum | detection | elementwise | indexing | integers | loss | matmul* | movement | normalization | \
    norms | optimizer | pooling* | quantized | random | reduction | resample | sampling | shaders | softmax | sort | special_values | \
    texture | tuning | measuring) ;;
  *) export GALLIVM_PERF=${GALLIVM_PERF-nopt} ;;
esac
exec "$@"
