"""The works that every peer runs: two matrix products and the distinct convolutions of five networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

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


def resnet18() -> Iterator[Conv]:
    """He et al., "Deep Residual Learning for Image Recognition", 2015; 224×224."""
    yield Conv(3, 64, 224, 7, 2)
    yield Conv(64, 64, 56)
    for narrow, size in ((64, 56), (128, 28), (256, 14)):
        yield Conv(narrow, 2 * narrow, size, 3, 2)
        yield Conv(narrow, 2 * narrow, size, 1, 2)
        yield Conv(2 * narrow, 2 * narrow, size // 2)


def resnet50() -> Iterator[Conv]:
    """The same paper's bottleneck network, with the stride in the 3×3 convolution; 224×224."""
    yield Conv(3, 64, 224, 7, 2)
    inputs, size = 64, 56
    for stage, width in enumerate((64, 128, 256, 512)):
        stride = 1 if stage == 0 else 2
        yield Conv(inputs, width, size, 1)
        yield Conv(width, width, size, 3, stride)
        yield Conv(inputs, 4 * width, size, 1, stride)
        inputs, size = 4 * width, size // stride
        yield Conv(width, inputs, size, 1)
        yield Conv(inputs, width, size, 1)
        yield Conv(width, width, size)


def vgg16() -> Iterator[Conv]:
    """Simonyan and Zisserman, "Very Deep Convolutional Networks", 2014, configuration D; 224×224."""
    inputs, size = 3, 224
    for width in (64, 128, 256, 512, 512):
        yield Conv(inputs, width, size)
        yield Conv(width, width, size)
        inputs, size = width, size // 2


def mobilenet_v2() -> Iterator[Conv]:
    """Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018; width 1, 224×224."""
    yield Conv(3, 32, 224, 3, 2)
    inputs, size = 32, 112
    stages = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for expansion, outputs, repeats, first_stride in stages:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            wide = expansion * inputs
            if expansion > 1:
                yield Conv(inputs, wide, size, 1)
            yield Conv(wide, wide, size, 3, stride, wide)
            size //= stride
            yield Conv(wide, outputs, size, 1)
            inputs = outputs
    yield Conv(320, 1280, size, 1)


def unet() -> Iterator[Conv]:
    """Ronneberger et al., "U-Net", 2015, with padded convolutions; 256×256 and 2 classes."""
    inputs, size = 3, 256
    for width in (64, 128, 256, 512, 1024):
        yield Conv(inputs, width, size)
        yield Conv(width, width, size)
        inputs, size = width, size // 2
    for width, size in ((512, 32), (256, 64), (128, 128), (64, 256)):
        yield Conv(2 * width, width, size)
    yield Conv(64, 2, 256, 1)


NETWORKS = {
    "ResNet-18": resnet18,
    "ResNet-50": resnet50,
    "VGG-16": vgg16,
    "MobileNetV2": mobilenet_v2,
    "U-Net": unet,
}

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
    for network, layers in NETWORKS.items():
        for layer in layers():
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
