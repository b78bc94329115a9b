"""PyTorch, on the CPU and on a CUDA device: a peer, and on the CPU the reference of all others."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from peer import Prepared, Unavailable
from works import Conv, Work


class Torch:
    """`torch.matmul` and `torch.nn.functional.conv2d` under `inference_mode`, in fp32 without TF32."""

    def __init__(self, device: str = "cpu") -> None:
        try:
            import torch
        except ImportError as error:
            raise Unavailable(f"torch cannot be imported: {error}") from error
        self._torch, self._cuda = torch, device == "cuda"
        self.name = "PyTorch CUDA" if self._cuda else "PyTorch CPU"
        self.device = "gpu" if self._cuda else "cpu"
        if self._cuda:
            if not torch.cuda.is_available():
                built = torch.version.cuda or "none"
                raise Unavailable(f"torch.cuda finds no device (this PyTorch was built with CUDA: {built})")
            torch.backends.cuda.matmul.allow_tf32 = False
            torch.backends.cudnn.allow_tf32 = False
            torch.backends.cudnn.benchmark = True
            cudnn = torch.backends.cudnn.version()
            self.version = f"{torch.__version__} (CUDA {torch.version.cuda}, cuDNN {cudnn}, TF32 off) on "
            self.version += torch.cuda.get_device_name()
            return
        torch.set_num_threads(os.cpu_count() or 1)
        onednn = "with" if torch.backends.mkldnn.is_available() else "without"
        self.version = f"{torch.__version__} ({onednn} oneDNN, {_blas()}, {torch.get_num_threads()} threads)"

    def prepare(self, work: Work, a: np.ndarray, b: np.ndarray) -> Prepared:
        """Every work is supported. On CUDA the operands lie on the device."""
        torch = self._torch
        left, right = torch.from_numpy(a), torch.from_numpy(b)
        if self._cuda:
            left, right = left.cuda(), right.cuda()

        def compute() -> Any:
            with torch.inference_mode():
                if isinstance(work, Conv):
                    return torch.nn.functional.conv2d(
                        left, right, stride=work.stride, padding=work.padding, groups=work.groups
                    )
                return torch.matmul(left, right)

        def on_device() -> float:
            torch.cuda.synchronize()
            begun = time.perf_counter()
            compute()
            torch.cuda.synchronize()
            return time.perf_counter() - begun

        return Prepared(lambda: compute().cpu().numpy(), timed=on_device if self._cuda else None)


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
