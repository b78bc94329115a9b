#!/usr/bin/env bash
# numpy arrays that are not contiguous, saved by the Python package safetensors 0.8.0.
#
# A good guess: `save_file` writes the array's elements in the order of its indices, as numpy.save does, or refuses.
# Seen: it writes the memory as it lies under the array's shape. A transposed matrix, weights turned from HWIO to OIHW and a
# slice come back with other numbers and the right shape; nothing in the file shows it. 0.7.0 is right.
# For Tilewright: scripts and documentation that write weights use numpy.ascontiguousarray.
. "$(dirname "$0")/../scripts/findings.sh"
for version in 0.8.0 0.7.0; do
  packages numpy==2.4.6 safetensors==$version
  if [ $version = 0.8.0 ]; then right="transposed: False, HWIO to OIHW: False"; else right="transposed: True, HWIO to OIHW: True"; fi
  seen "comes back as it was: $right" <<'PYTHON'
import os, tempfile
import numpy as np
from safetensors.numpy import load_file, save_file

arrays = {"transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T,
          "HWIO to OIHW": np.arange(36, dtype=np.float32).reshape(3, 3, 2, 2).transpose(3, 2, 0, 1)}
with tempfile.TemporaryDirectory() as folder:
    save_file(arrays, os.path.join(folder, "x.safetensors"))
    back = load_file(os.path.join(folder, "x.safetensors"))
print("comes back as it was:", ", ".join(f"{name}: {np.array_equal(back[name], array)}" for name, array in arrays.items()))
PYTHON
done
