#!/usr/bin/env bash
# Times the same work on other libraries and on ours, interleaved, in one run. Prints the tables and writes them as
# benches/results/<date>-<device>.json. Arguments go to harness.py: --quick (the default), --full, --rounds N,
# --output FILE. What the documents show is one run of scripts/measure.py.
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

# burn, which is a cargo project of its own; a build that fails costs its column only.
if ! "${CARGO:-cargo}" build --release --locked --manifest-path benches/peers/burn/Cargo.toml --target-dir target/peers-burn; then
  say "burn could not be built (see above): its column stays empty"
  rm -f target/peers-burn/release/tilewright-peer-burn
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
# Debian's PyTorch multiplies matrices with libblas.so.3, which is the slow reference unless another is chosen. OpenBLAS
# is unpacked beside the peers, so that nothing of the system changes.
blas=target/peers-blas
if [ ! -e "$blas/complete" ]; then
  say "fetching OpenBLAS into $blas"
  rm -rf "$blas" && mkdir -p "$blas"
  (cd "$blas" && apt-get -qq download libopenblas0-pthread 2>/dev/null) || {
    apt_update
    (cd "$blas" && apt-get -qq download libopenblas0-pthread)
  } || die "could not fetch libopenblas0-pthread (see above), without which PyTorch's matrix products are not its best"
  dpkg-deb -x "$blas"/*.deb "$blas"
  rm "$blas"/*.deb
  touch "$blas/complete"
fi
blas=$(dirname "$(find "$PWD/$blas" -name 'libblas.so.3' | head -n 1)")
export LD_LIBRARY_PATH=$blas${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
# Each library is told its number of threads; what this variable says otherwise would only cap it.
unset OMP_NUM_THREADS
exec "$folder/bin/python" benches/peers/harness.py --program "$program" "$@"
