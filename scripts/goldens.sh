#!/usr/bin/env bash
# Makes the golden files anew: what PyTorch (Debian's package) answers, as safetensors. They are committed, so this is
# only needed after a change of the script that makes them.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

python=python3
if ! python3 -c 'import torch, torchvision, numpy' 2>/dev/null; then
  # Debian's own Python has Debian's packages; another one may come first on the path.
  python=/usr/bin/python3
  "$python" -c 'import torch, torchvision, numpy' 2>/dev/null ||
    apt_install python3-torch python3-torchvision python3-numpy
fi
# Debian 12 has no package of it, and its pip may not touch the system's own folder.
export PYTHONPATH=$PWD/target/goldens-python${PYTHONPATH:+:$PYTHONPATH}
# timm's later versions want a later PyTorch than Debian's.
if ! "$python" -c 'import safetensors, timm' 2>/dev/null; then
  "$python" -m pip --version >/dev/null 2>&1 || apt_install python3-pip
  say "installing safetensors and timm into target/goldens-python"
  "$python" -m pip install --quiet --no-deps --target target/goldens-python safetensors timm==0.9.16 ||
    die "could not install safetensors and timm with pip (see above)"
fi
exec "$python" tests/goldens/make_goldens.py "$@"
