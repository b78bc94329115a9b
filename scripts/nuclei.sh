#!/usr/bin/env bash
# Trains a U-Net on the nuclei picture that the PyPI package stardist brings (left half) and measures it on the right half:
# docs/segmentation.md. Everything is written to out/nuclei. The number of steps may be given.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

out=out/nuclei
data=$out/stardist/data/images
if [ ! -f "$data/mask2d.tif" ]; then
  say "fetching stardist 0.9.2 from PyPI for its picture"
  mkdir -p "$out"
  # Of the wheels any will do, nothing in them is run: the one for Windows is the smallest.
  python3 -m pip download --quiet --no-deps --only-binary :all: --platform win_amd64 --python-version 3.11 \
    --implementation cp --abi cp311 --dest "$out" stardist==0.9.2 || die "could not fetch stardist 0.9.2 with pip (see above)"
  python3 -m zipfile -e "$out"/stardist-0.9.2-*.whl "$out"
fi
exec cargo run --release --example nuclei -- "$data/img2d.tif" "$data/mask2d.tif" "$out" "$@"
