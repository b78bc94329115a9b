#!/usr/bin/env bash
# Times the same work on other libraries and on ours, in turn, in one run. Writes benches/results/<date>-<device>.json and
# the table in docs/benchmarks.md. Arguments go to harness.py: --quick (the default), --full, --rounds N, --output FILE.
# TILEWRIGHT_PROGRAM names a program that is built already.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

program=${TILEWRIGHT_PROGRAM:-}
if [ -z "$program" ]; then
  "${CARGO:-cargo}" build --release --bin tilewright
  program=${CARGO_TARGET_DIR:-target}/release/tilewright
fi

# Debian's own Python, for which its PyTorch is built; the wheel on PyPI brings gigabytes of CUDA.
python=/usr/bin/python3
if ! "$python" -c 'import torch, venv, ensurepip' 2>/dev/null; then
  apt_install python3-torch python3-venv
fi
folder=target/peers-python
if ! cmp -s benches/peers/requirements.txt "$folder/installed.txt"; then
  say "installing the peers into $folder"
  rm -rf "$folder"
  "$python" -m venv --system-site-packages "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check -r benches/peers/requirements.txt ||
    die "could not install the peers with pip (see above)"
  cp benches/peers/requirements.txt "$folder/installed.txt"
fi
# Each library is told its number of threads; what this variable says otherwise would only cap it.
unset OMP_NUM_THREADS
exec "$folder/bin/python" benches/peers/harness.py --program "$program" --document docs/benchmarks.md "$@"
