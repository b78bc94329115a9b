#!/usr/bin/env bash
# Random small networks beside ONNX Runtime: makes COUNT of them (1,000 if not said) from SEED (the time if not said), and
# runs crates/onnx/tests/random_graphs.rs on them. A network that differs is left in target/tmp/random_graphs.
#
# usage: scripts/random-graphs.sh [COUNT] [SEED]
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

count=${1:-1000} seed=${2:-$(date +%s)}
python=target/random-graphs-python
if [ ! -x "$python/bin/pip" ]; then
  python3 -m venv --help >/dev/null 2>&1 || apt_install python3-venv
  python3 -m venv "$python"
fi
# The versions whose answers are the truth; the script checks them.
"$python/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0
file=$PWD/target/random_graphs_$seed.safetensors
say "seed $seed"
"$python/bin/python" scripts/random_graphs --count "$count" --seed "$seed" --output "$file"
TILEWRIGHT_RANDOM_GRAPHS=$file "${CARGO:-cargo}" test --workspace --test random_graphs
