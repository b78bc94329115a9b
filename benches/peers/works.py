"""The works that every peer runs: two matrix products and the distinct convolutions of five networks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Gemm:
    """C = A · B with A of M×K and B of K×N; both are inputs, neither is a constant."""

    m: int
    n: int
    k: int

    @property
    def name(self) -> str:
        """A name for tables."""
        return f"GEMM {self.m}×{self.n}×{self.k}"

    @property
    def flops(self) -> int:
        """A multiply and an add count as two."""
        return 2 * self.m * self.n * self.k

    @property
    def y_shape(self) -> tuple[int, ...]:
        """Shape of the result."""
        return (self.m, self.n)

    def operands(self) -> tuple[np.ndarray, np.ndarray]:
        """A and B, uniform in [-1, 1), the same in every run."""
        return _uniform((self.m, self.k), 1), _uniform((self.k, self.n), 2)


@dataclass(frozen=True)
class Conv:
    """A convolution of one image without bias, forward; its weight is a constant. Equal layers of two networks are one work."""

    inputs: int
    outputs: int
    size: int
    kernel: int = 3
    stride: int = 1
    groups: int = 1
    networks: tuple[str, ...] = field(default=(), compare=False)

    @property
    def name(self) -> str:
        """A name for tables."""
        kind = "depthwise " if self.groups > 1 else ""
        stride = f", stride {self.stride}" if self.stride > 1 else ""
        return (
            f"{kind}{self.kernel}×{self.kernel}, {self.inputs}→{self.outputs}, {self.size}×{self.size}{stride}"
        )

    @property
    def padding(self) -> int:
        """What keeps the extent when the stride is 1; all layers of the suite pad so."""
        return self.kernel // 2

    @property
    def x_shape(self) -> tuple[int, int, int, int]:
        """N×C×H×W."""
        return (1, self.inputs, self.size, self.size)

    @property
    def w_shape(self) -> tuple[int, int, int, int]:
        """O×(I / groups)×KH×KW."""
        return (self.outputs, self.inputs // self.groups, self.kernel, self.kernel)

    @property
    def y_shape(self) -> tuple[int, int, int, int]:
        """N×O×H×W."""
        size = (self.size + 2 * self.padding - self.kernel) // self.stride + 1
        return (1, self.outputs, size, size)

    @property
    def flops(self) -> int:
        """A multiply and an add count as two."""
        return 2 * int(np.prod(self.y_shape)) * int(np.prod(self.w_shape[1:]))

    def operands(self) -> tuple[np.ndarray, np.ndarray]:
        """Input and weight, uniform in [-1, 1), the same in every run."""
        return _uniform(self.x_shape, 1), _uniform(self.w_shape, 2)


Work = Gemm | Conv


def _uniform(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


# The program's own suite: `tilewright kernels bench suite` runs the same layers.
LAYERS = Path(__file__).resolve().parents[2] / "crates" / "cli" / "src" / "suite" / "layers.json"


def _layers() -> Iterator[tuple[str, Conv]]:
    """Every convolution of the suite, with its network's title."""
    for network in json.loads(LAYERS.read_text()):
        for layer in network["layers"]:
            (_, inputs, size, _), (outputs, _, kernel, _) = layer["x"], layer["w"]
            conv = Conv(inputs, outputs, size, kernel, layer["stride"], layer["groups"])
            if list(conv.x_shape) != layer["x"] or list(conv.w_shape) != layer["w"] or conv.padding != layer["padding"]:
                raise ValueError(f"{network['name']}.{layer['name']} is no square convolution with half its kernel as padding")
            yield network["title"], conv


# One of each kind that a network's time is made of: stem, 3×3 wide, 3×3 deep, strided, 1×1 both ways, depthwise.
QUICK = (
    Conv(3, 64, 224, 7, 2),
    Conv(64, 64, 56),
    Conv(128, 256, 28, 3, 2),
    Conv(64, 256, 56, 1),
    Conv(512, 512, 14),
    Conv(144, 144, 56, 3, 1, 144),
    Conv(576, 96, 14, 1),
    Conv(128, 128, 128),
)


def suite(full: bool) -> list[Work]:
    """The matrix products, then the convolutions: all distinct ones, or only those of QUICK."""
    where: dict[Conv, list[str]] = {}
    for network, layer in _layers():
        names = where.setdefault(layer, [])
        if network not in names:
            names.append(network)
    missing = [layer.name for layer in QUICK if layer not in where]
    if missing:
        raise ValueError(f"QUICK has layers of no network: {missing}")
    convolutions = [
        Conv(c.inputs, c.outputs, c.size, c.kernel, c.stride, c.groups, tuple(names))
        for c, names in where.items()
        if full or c in QUICK
    ]
    return [Gemm(512, 512, 512), Gemm(1024, 1024, 1024), *convolutions]
