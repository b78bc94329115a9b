#!/usr/bin/env bash
# Every network of the zoo beside torchvision's and timm's; writes docs/parity.md. With names, only those, and no page.
#
# usage: scripts/parity.sh [--program FILE] [NETWORK…]
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

/usr/bin/python3 -c 'import torch, torchvision, numpy' 2>/dev/null ||
  apt_install python3-torch python3-torchvision python3-numpy
/usr/bin/python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip
# timm's later versions want a later PyTorch than Debian's.
modules=$PWD/target/parity-python
[ -d "$modules/timm" ] ||
  /usr/bin/python3 -m pip install --quiet --no-deps --target "$modules" timm==0.9.16 || die "could not install timm (see above)"
# ONNX Runtime wants a later NumPy than Debian's PyTorch bears: an environment of its own.
python=target/random-graphs-python
if [ ! -x "$python/bin/pip" ]; then
  python3 -m venv --help >/dev/null 2>&1 || apt_install python3-venv
  python3 -m venv "$python"
fi
"$python/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0
PYTHONPATH=$modules "$python/bin/python" scripts/parity "$@"
