#!/usr/bin/env bash
# Darknet's networks beside Debian's Darknet and OpenCV, on random weights: `compare PICTURE`, the networks of the zoo in full width,
# or `goldens`, which writes the files of tests/darknet anew.
#
# usage: scripts/darknet.sh compare PICTURE | goldens
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

[ -f /usr/lib/darknet/include/darknet.h ] && command -v gcc >/dev/null || apt_install darknet gcc
/usr/bin/python3 -c 'import torchvision' 2>/dev/null || apt_install python3-torchvision
python=target/darknet-python
if [ ! -x "$python/bin/pip" ]; then
  python3 -m venv --help >/dev/null 2>&1 || apt_install python3-venv
  python3 -m venv "$python"
fi
# OpenCV 5 reads no files of Darknet.
"$python/bin/pip" install --quiet numpy==2.4.6 opencv-python-headless==4.14.0.94
[ "${1:-}" = compare ] && cargo build --bin tilewright
"$python/bin/python" scripts/darknet "$@"
