#!/usr/bin/env bash
# Installs ONNX's own test data (Debian's libonnx-testdata), which crates/onnx/tests run. With it there it changes nothing.
# TILEWRIGHT_NO_SETUP=1 makes it do nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

[ "${TILEWRIGHT_NO_SETUP:-0}" = 1 ] && exit 0
data=/usr/share/libonnx-testdata/data
if [ -d "$data/node" ]; then
  say "ONNX test data: found in $data"
else
  apt_install libonnx-testdata
  [ -d "$data/node" ] || die "libonnx-testdata is installed but $data is not there; try: apt-get install --reinstall libonnx-testdata"
  say "ONNX test data: installed in $data"
fi
