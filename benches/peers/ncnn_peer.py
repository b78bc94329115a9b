"""ncnn, on the CPU and through Vulkan, with .param text written here and .bin files of one weight."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from peer import Prepared, Unavailable, Unsupported, seconds
from works import Conv, Gemm, Work


class Ncnn:
    """fp32 throughout: every option of narrower storage or arithmetic is off, all others are ncnn's own."""

    def __init__(self, device: str) -> None:
        try:
            import ncnn
        except ImportError as error:
            raise Unavailable(f"ncnn cannot be imported: {error}") from error
        self._ncnn = ncnn
        self.device = "gpu" if device == "vulkan" else "cpu"
        self.name = f"ncnn {'Vulkan' if device == 'vulkan' else 'CPU'}"
        self.version = ncnn.__version__
        if device == "vulkan":
            if ncnn.get_gpu_count() == 0:
                raise Unavailable("ncnn finds no Vulkan device")
            self.version += f" on {ncnn.get_gpu_info(ncnn.get_default_gpu_index()).device_name()}"

    def prepare(self, work: Work, a: np.ndarray, b: np.ndarray) -> Prepared:
        """A convolution's weight is in the model; both operands of a product are inputs."""
        inputs = {"x": a[0]} if isinstance(work, Conv) else {"x": a, "w": b}
        run = self._runner(_param(work), inputs, b if isinstance(work, Conv) else None)
        transfer = None
        if self.device == "gpu":
            output = np.zeros(work.y_shape[-3:], np.float32)
            ups = [self._runner(_RELU, {"x": values}, None) for values in inputs.values()]
            down = self._runner(_RELU, {"x": output}, None)
            # Each of these goes up and comes down again; a work takes its inputs up and its output down.
            transfer = lambda: (sum(map(seconds, ups)) + seconds(down)) / 2  # noqa: E731
        return Prepared(lambda: run().reshape(work.y_shape), transfer)

    def _runner(self, param: str, inputs: dict[str, np.ndarray], weight: np.ndarray | None) -> Any:
        ncnn = self._ncnn
        net = ncnn.Net()
        net.opt.num_threads = os.cpu_count() or 1
        net.opt.use_vulkan_compute = self.device == "gpu"
        for name in dir(net.opt):
            if name.startswith(("use_fp16_", "use_bf16_", "use_int8_")):
                setattr(net.opt, name, False)
        if net.load_param_mem(param) != 0:
            raise Unsupported("ncnn does not read the model")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "work.bin"
            # Four zero bytes say: fp32 as it is.
            path.write_bytes(b"" if weight is None else bytes(4) + weight.tobytes())
            if net.load_model(str(path)) != 0:
                raise Unsupported("ncnn does not load the model (its reason is in the log)")
        mats = {name: ncnn.Mat(values).clone() for name, values in inputs.items()}

        def run() -> np.ndarray:
            with net.create_extractor() as extractor:
                for name, mat in mats.items():
                    extractor.input(name, mat)
                code, result = extractor.extract("y")
                if code != 0:
                    raise Unsupported(f"ncnn stops with {code}")
                return np.array(result)

        return run


_RELU = "7767517\n2 2\nInput x 0 1 x\nReLU y 1 1 x y\n"


def _param(work: Work) -> str:
    """The model as ncnn's text: a magic number, how many layers and blobs, one layer a line."""
    if isinstance(work, Gemm):
        # 2, 3: no operand is transposed; the rest says that none is constant.
        gemm = "Gemm y 2 1 x w y 0=1.0 1=1.0 2=0 3=0 4=0 5=0 6=1 7=0 8=0 9=0 10=-1"
        return f"7767517\n3 3\nInput x 0 1 x\nInput w 0 1 w\n{gemm}\n"
    kind = "ConvolutionDepthWise" if work.groups > 1 else "Convolution"
    settings = {0: work.outputs, 1: work.kernel, 3: work.stride, 4: work.padding, 5: 0, 6: int(np.prod(work.w_shape))}
    if work.groups > 1:
        settings[7] = work.groups
    text = " ".join(f"{key}={value}" for key, value in settings.items())
    return f"7767517\n2 2\nInput x 0 1 x\n{kind} y 1 1 x y {text}\n"
