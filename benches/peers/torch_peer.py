"""PyTorch on the CPU: a peer, and the reference of all others."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from peer import Prepared, Unavailable
from works import Conv, Work


class Torch:
    """`torch.matmul` and `torch.nn.functional.conv2d` under `inference_mode`."""

    name = "PyTorch CPU"
    device = "cpu"

    def __init__(self) -> None:
        try:
            import torch
        except ImportError as error:
            raise Unavailable(f"torch cannot be imported: {error}") from error
        self._torch = torch
        torch.set_num_threads(os.cpu_count() or 1)
        onednn = "with" if torch.backends.mkldnn.is_available() else "without"
        self.version = f"{torch.__version__} ({onednn} oneDNN, {_blas()}, {torch.get_num_threads()} threads)"

    def prepare(self, work: Work, a: np.ndarray, b: np.ndarray) -> Prepared:
        """Every work is supported."""
        torch = self._torch
        left, right = torch.from_numpy(a), torch.from_numpy(b)

        def run() -> np.ndarray:
            with torch.inference_mode():
                if isinstance(work, Conv):
                    return torch.nn.functional.conv2d(
                        left, right, stride=work.stride, padding=work.padding, groups=work.groups
                    ).numpy()
                return torch.matmul(left, right).numpy()

        return Prepared(run)


def _blas() -> str:
    """Which library of matrix products this process has loaded."""
    try:
        loaded = Path("/proc/self/maps").read_text()
    except OSError:
        return "BLAS unknown"
    names = {"openblas": "OpenBLAS", "libmkl": "MKL", "libblis": "BLIS"}
    # numpy brings an OpenBLAS of its own, in its wheel's folder.
    files = [line for line in loaded.splitlines() if "numpy.libs" not in line]
    return next((name for key, name in names.items() if any(key in line for line in files)), "reference BLAS")
