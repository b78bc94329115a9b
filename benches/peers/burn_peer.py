"""burn on wgpu: a Rust program of its own (benches/peers/burn), spoken to line by line."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from peer import Prepared, Unavailable, Unsupported
from works import Conv, Work

# Where run.sh builds it.
TARGET = Path(__file__).resolve().parents[2] / "target" / "peers-burn"
PROGRAM = TARGET / "release" / "tilewright-peer-burn"


class Burn:
    """Its own autotune chooses the kernels, at the first runs of a shape; those are not timed.

    It runs on the Vulkan device of the name and kind that ours has, or not at all. Operands stay on the device, and the
    program itself takes the times.
    """

    name = "burn (wgpu)"
    device = "gpu"
    # The autotune of a matrix product compiles dozens of kernels, which takes software Vulkan minutes.
    prepare_limit = 900.0

    def __init__(self, ours: dict[str, str]) -> None:
        if not PROGRAM.exists():
            raise Unavailable("benches/peers/burn was not built; run.sh builds it, and says what went wrong")
        kinds = {"Cpu": "cpu", "DiscreteGpu": "discrete", "IntegratedGpu": "integrated"}
        self._files = tempfile.TemporaryDirectory()
        # The driver's cache of its many candidates is kept apart from the user's, and so is what its autotune found, which
        # the next run begins with. What it logs goes to a file: a pipe that nobody reads would stop it once it is full.
        environment = os.environ | {"XDG_CACHE_HOME": str(TARGET / "cache")}
        directory = json.dumps(str(TARGET / "environment"))
        (TARGET / "cubecl.toml").write_text(f"[environment]\npath = {{ directory = {directory} }}\n")
        self._log = Path(self._files.name) / "log.txt"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
                cwd=TARGET,
            )
        try:
            hello = self._ask({"hello": {"device": kinds.get(ours["kind"], "auto")}})
        except Unsupported as error:
            raise Unavailable(str(error)) from error
        if hello["device"] != ours["name"]:
            raise Unavailable(f"it runs on {hello['device']}, ours on {ours['name']}")
        self.version = f"{hello['version']} on {hello['device']} through Vulkan (WGSL, with its autotune)"

    def prepare(self, work: Work, a: np.ndarray, b: np.ndarray) -> Prepared:
        """Both operands are given once and lie on the device."""
        folder = Path(self._files.name)
        paths = {"a": folder / "a.f32", "b": folder / "b.f32"}
        for path, operand in zip(paths.values(), (a, b)):
            path.write_bytes(np.ascontiguousarray(operand, "<f4").tobytes())
        files = {name: str(path) for name, path in paths.items()}
        self._ask({"prepare": {"work": _described(work), **files}})
        result = folder / "y.f32"

        def run() -> np.ndarray:
            shape = self._ask({"read": str(result)})["shape"]
            return np.fromfile(result, "<f4").reshape(shape)

        return Prepared(run, timed=lambda: self._ask({"run": 1})["seconds"][0])

    def _ask(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self._process.stdout.readline()
        if not line:
            said = self._log.read_text().strip().splitlines()
            panics = [line for line in said if line and not line.startswith(("note:", "stack backtrace"))]
            # The harness starts another one.
            raise SystemExit(f"its program ended: {panics[-1] if panics else self._process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise Unsupported(answer["error"])
        return answer


def _described(work: Work) -> dict[str, Any]:
    if isinstance(work, Conv):
        numbers = {"stride": work.stride, "padding": work.padding, "groups": work.groups}
        return {"kind": "conv", "x": work.x_shape, "w": work.w_shape, **numbers}
    return {"kind": "gemm", "m": work.m, "n": work.n, "k": work.k}
