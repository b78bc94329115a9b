"""What a random network is made of: a function draws a node, or a few that belong together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from network import Network, Refused


def conv(n: Network) -> None:
    x = n.tensor(n.pick(4, 4, 4, 3, 5))
    channels = n.shape(x)[1]
    group = n.pick(*[g for g in range(1, channels + 1) if channels % g == 0])
    out = group * n.int(1, 4)
    attributes = n.windows(x, dilate=True)
    weight = n.normal(out, channels // group, *attributes["kernel_shape"])
    weight /= np.sqrt(weight[0].size)
    inputs = [x, n.constant(weight, "w")] + ([n.constant(n.normal(out), "b")] if n.chance(0.6) else [])
    y = n.node("Conv", inputs, group=group, **attributes)
    if n.chance(0.5):
        n.node(n.pick("Relu", "LeakyRelu", "Sigmoid"), y)


def conv_transpose(n: Network) -> None:
    x = n.tensor(n.pick(4, 4, 3))
    channels = n.shape(x)[1]
    group = n.pick(*[g for g in range(1, channels + 1) if channels % g == 0])
    rank = len(n.shape(x)) - 2
    kernel, strides = [n.int(1, 3) for _ in range(rank)], [n.int(1, 2) for _ in range(rank)]
    weight = n.normal(channels, n.int(1, 3), *kernel)
    weight /= np.sqrt(channels / group * np.prod(kernel))
    attributes = {"strides": strides, "group": group}
    if n.chance(0.5):
        attributes["pads"] = [n.int(0, k - 1) for k in kernel] * 2
    if n.chance(0.3):
        attributes["output_padding"] = [n.int(0, s - 1) for s in strides]
    n.node("ConvTranspose", [x, n.constant(weight, "w")], **attributes)


def pool(n: Network) -> None:
    x = n.tensor(n.pick(4, 4, 4, 3, 5))
    average = n.chance(0.5)
    attributes = n.windows(x, dilate=not average)
    if n.chance(0.4) and "auto_pad" not in attributes:
        attributes["ceil_mode"] = 1
    if average:
        n.node("AveragePool", [x], count_include_pad=n.int(0, 1), **attributes)
    else:
        n.node("MaxPool", [x], **attributes)


def global_pool(n: Network) -> None:
    n.node(n.pick("GlobalAveragePool", "GlobalMaxPool"), [n.tensor(n.pick(4, 3))])


def batch_norm(n: Network) -> None:
    x = n.tensor(n.pick(4, 4, 3, 2))
    c = n.shape(x)[1]
    spread = np.abs(n.normal(c)) + np.float32(0.2)
    n.node("BatchNormalization", [x, n.constant(n.normal(c)), n.constant(n.normal(c)), n.constant(n.normal(c)), n.constant(spread)],
           epsilon=n.pick(1e-5, 1e-3))


def norm(n: Network) -> None:
    x = n.tensor()
    shape = n.shape(x)
    kind = n.pick("InstanceNormalization", "LayerNormalization", "GroupNormalization", "LpNormalization", "LRN", "MeanVarianceNormalization")
    if kind == "InstanceNormalization" and len(shape) >= 3 and np.prod(shape[2:]) > 3:
        n.node(kind, [x, n.constant(n.normal(shape[1])), n.constant(n.normal(shape[1]))])
    elif kind == "LayerNormalization" and n.opset >= 17:
        axis = n.int(0, len(shape) - 1)
        if np.prod(shape[axis:]) < 4:
            raise Refused
        n.node(kind, [x, n.constant(n.normal(*shape[axis:])), n.constant(n.normal(*shape[axis:]))], axis=axis)
    elif kind == "GroupNormalization" and n.opset >= 21 and len(shape) >= 3:
        groups = n.pick(*[g for g in range(1, shape[1] + 1) if shape[1] % g == 0])
        if np.prod(shape[1:]) / groups < 4:
            raise Refused
        n.node(kind, [x, n.constant(n.normal(shape[1])), n.constant(n.normal(shape[1]))], num_groups=groups)
    elif kind == "LpNormalization":
        # ONNX Runtime squares what it adds: of numbers around 1e-23 it loses the digits, and we do not.
        if 0 < np.abs(n.values[x]).max() < 1e-9:
            raise Refused
        n.node(kind, [x], axis=n.int(-1, len(shape) - 1), p=n.int(1, 2))
    elif kind == "LRN" and len(shape) == 4:
        n.node(kind, [x], size=n.pick(1, 3, 5), alpha=n.pick(1e-4, 0.1), beta=0.75, bias=1.0)
    elif kind == "MeanVarianceNormalization" and len(shape) == 4 and np.prod(shape) > 8:
        # ONNX's text adds 1e-9 to the deviation, ONNX Runtime nothing.
        if n.values[x].std((0, 2, 3)).min() < 1e-3:
            raise Refused
        n.node(kind, [x], axes=[0, 2, 3])
    else:
        raise Refused


def unary(n: Network) -> None:
    names = ["Relu", "LeakyRelu", "Elu", "Selu", "Celu", "Sigmoid", "Tanh", "HardSigmoid", "Softplus", "Softsign", "ThresholdedRelu", "Abs", "Neg",
             "Erf", "Exp", "Sin", "Cos", "Atan", "Identity", "Sinh", "Asinh"]
    names += ["HardSwish"] if n.opset >= 14 else []
    names += ["Mish"] if n.opset >= 18 else []
    names += ["Gelu"] if n.opset >= 20 else []
    name = n.pick(*names)
    attributes: dict = {}
    if name in ("LeakyRelu", "Elu", "Celu", "ThresholdedRelu"):
        attributes = {"alpha": n.pick(0.1, 0.5, 1.0)}
    elif name == "HardSigmoid":
        attributes = {"alpha": 0.25, "beta": 0.4}
    elif name == "Gelu":
        attributes = {"approximate": n.pick("none", "tanh")}
    n.node(name, [n.tensor()], **attributes)


def guarded(n: Network) -> None:
    """A function whose operand must be positive, of |x| + ½."""
    (x,) = n.node("Abs", [n.tensor()])
    (x,) = n.node("Add", [x, n.constant(np.float32(0.5))])
    name = n.pick("Sqrt", "Log", "Reciprocal", "Pow")
    n.node(name, [x] + ([n.constant(np.float32(n.pick(0.5, -1, 1.5, 2, -0.5)))] if name == "Pow" else []))


def clip(n: Network) -> None:
    bounds = [n.constant(np.float32(-0.7)), n.constant(np.float32(0.9))]
    n.node("Clip", [n.tensor()] + n.pick(bounds, bounds[:1], ["", bounds[1]]))


def broadcast(n: Network, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that broadcasts to one: axes of 1, and fewer axes."""
    small = tuple(1 if n.chance(0.35) else e for e in shape)
    return small[n.int(0, len(small)):] if n.chance(0.3) else small


def binary(n: Network) -> None:
    a = n.tensor()
    alike = [m for m, v in n.values.items() if v.dtype == np.float32 and v.shape == n.shape(a)]
    b = n.pick(*alike) if n.chance(0.5) else n.constant(n.normal(*broadcast(n, n.shape(a))))
    name = n.pick("Add", "Add", "Sub", "Mul", "Max", "Min", "PRelu", "Sum", "Mean")
    if name == "PRelu" and b not in n.constants:
        name = "Add"
    n.node(name, [b, a] if n.chance(0.3) and name != "PRelu" else [a, b])


def divide(n: Network) -> None:
    a = n.tensor()
    n.node("Div", [a, n.constant(np.abs(n.normal(*broadcast(n, n.shape(a)))) + np.float32(0.3))])


def where(n: Network) -> None:
    a = n.tensor()
    (condition,) = n.node(n.pick("Greater", "Less", "GreaterOrEqual", "LessOrEqual"), [a, n.constant(np.float32(0.123))])
    if n.chance(0.3):
        (condition,) = n.node("Not", [condition])
    n.node("Where", [condition, a, n.constant(n.normal(*broadcast(n, n.shape(a))))])


def concat(n: Network) -> None:
    a = n.tensor()
    axis = n.int(0, len(n.shape(a)) - 1)
    fits = lambda v: v.ndim == len(n.shape(a)) and all(v.shape[k] == e for k, e in enumerate(n.shape(a)) if k != axis)
    others = [m for m, v in n.values.items() if v.dtype == np.float32 and fits(v)]
    n.node("Concat", [a] + [n.pick(*others) for _ in range(n.int(1, 2))], axis=axis - (len(n.shape(a)) if n.chance(0.3) else 0))


def split(n: Network) -> None:
    x = n.tensor()
    axis = n.int(0, len(n.shape(x)) - 1)
    extent = n.shape(x)[axis]
    if extent < 2:
        raise Refused
    first = n.int(1, extent - 1)
    n.node("Split", [x, n.int64(first, extent - first)], results=2, axis=axis)


def slice_(n: Network) -> None:
    x = n.tensor()
    axes = sorted(n.rng.choice(len(n.shape(x)), n.int(1, len(n.shape(x))), replace=False).tolist())
    starts, ends, steps = [], [], []
    for axis in axes:
        extent = n.shape(x)[axis]
        step = n.pick(1, 1, 2, -1, -2, 3)
        low, high = sorted((n.int(-1, extent - 1), n.int(0, extent)))
        starts.append(low if step > 0 else n.pick(high, -1, 2**31 - 1))
        ends.append(n.pick(high, 2**63 - 1) if step > 0 else n.pick(low, -(2**31)))
        steps.append(step)
    n.node("Slice", [x, n.int64(*starts), n.int64(*ends), n.int64(*axes), n.int64(*steps)])


def pad(n: Network) -> None:
    x = n.tensor(n.pick(4, 3, 2))
    mode = n.pick("constant", "reflect", "edge", *(["wrap"] if n.opset >= 19 else []))
    limit = lambda e: e - 1 if mode == "reflect" else min(e, 3)
    pads = [n.int(0, min(2, limit(e))) for e in n.shape(x)] + [n.int(0, min(2, limit(e))) for e in n.shape(x)]
    if mode == "constant" and n.chance(0.3):
        pads[-1] = -1 if n.shape(x)[-1] > 2 else 0
    inputs = [x, n.int64(*pads)] + ([n.constant(np.float32(0.5))] if mode == "constant" and n.chance(0.5) else [])
    n.node("Pad", inputs, mode=mode)


def transpose(n: Network) -> None:
    x = n.tensor()
    n.node("Transpose", [x], perm=n.rng.permutation(len(n.shape(x))).tolist())


def reshape(n: Network) -> None:
    x = n.tensor()
    size = int(np.prod(n.shape(x)))
    shape = []
    for _ in range(n.int(1, 3)):
        shape.append(n.pick(*[d for d in range(1, 13) if size % d == 0]))
        size //= shape[-1]
    n.node("Reshape", [x, n.int64(*shape, n.pick(-1, size))])


def squeeze(n: Network) -> None:
    x = n.tensor()
    if n.chance(0.5) and 1 in n.shape(x) and len(n.shape(x)) > 2:
        n.axes("Squeeze", [x], [n.shape(x).index(1)], since=13)
    elif len(n.shape(x)) < 5:
        n.axes("Unsqueeze", [x], [n.int(0, len(n.shape(x)))], since=13)
    else:
        raise Refused


def flatten(n: Network) -> None:
    x = n.tensor()
    n.node("Flatten", [x], axis=n.int(0, len(n.shape(x))))


def linear(n: Network) -> None:
    x = n.tensor(2)
    k, m = n.shape(x)[1], n.int(1, 9)
    transposed = n.int(0, 1)
    weight = n.normal(*((m, k) if transposed else (k, m))) / np.float32(np.sqrt(k))
    bias = [n.constant(n.normal(*n.pick((m,), (1, m), (1,), (n.shape(x)[0], m))))] if n.chance(0.7) else []
    n.node("Gemm", [x, n.constant(weight, "w"), *bias], transB=transposed, alpha=n.pick(1.0, 0.5), beta=n.pick(1.0, 2.0))


def matmul(n: Network) -> None:
    x = n.tensor()
    if len(n.shape(x)) < 2:
        raise Refused
    k, m = n.shape(x)[-1], n.int(1, 7)
    batch = n.shape(x)[:-2] if n.chance(0.4) else ()
    n.node("MatMul", [x, n.constant(n.normal(*batch, k, m) / np.float32(np.sqrt(k)), "w")])


def resize(n: Network) -> None:
    x = n.tensor(n.pick(4, 4, 3))
    mode = n.pick("nearest", "linear", "cubic")
    shape = n.shape(x)
    if mode != "nearest" and len(shape) != 4:
        raise Refused
    if mode == "cubic" and min(shape[2:]) < 3:
        raise Refused
    coordinates = n.pick("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
    attributes = {"mode": mode, "coordinate_transformation_mode": coordinates}
    if mode == "nearest":
        attributes["nearest_mode"] = n.pick("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
    if n.chance(0.5):
        # Scales of whole or half steps: what a fraction of a pixel means is another test's matter.
        scales = [1.0, 1.0] + [n.pick(0.5, 2.0, 3.0) for _ in shape[2:]]
        if any(e * s != int(e * s) for e, s in zip(shape, scales)):
            raise Refused
        n.node("Resize", [x, "", n.constant(np.asarray(scales, np.float32))], **attributes)
    else:
        sizes = list(shape[:2]) + [n.int(2, 2 * e + 1) for e in shape[2:]]
        n.node("Resize", [x, "", "", n.int64(*sizes)], **attributes)


def blocks(n: Network) -> None:
    x = n.tensor(4)
    if n.chance(0.5):
        n.node("DepthToSpace", [x], blocksize=2, mode=n.pick("DCR", "CRD"))
    else:
        n.node("SpaceToDepth", [x], blocksize=2)


def reduce(n: Network) -> None:
    x = n.tensor()
    name = n.pick("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceSumSquare", "ReduceProd")
    rank = len(n.shape(x))
    axes = n.rng.choice(rank, n.int(1, rank), replace=False).tolist()
    axes = [a - rank if n.chance(0.3) else a for a in axes]
    n.axes(name, [x], axes, since=13 if name == "ReduceSum" else 18, keepdims=n.int(0, 1))


def softmax(n: Network) -> None:
    x = n.tensor()
    n.node(n.pick("Softmax", "LogSoftmax"), [x], axis=n.int(-1, len(n.shape(x)) - 1))


def gather(n: Network) -> None:
    x = n.tensor()
    axis = n.int(0, len(n.shape(x)) - 1)
    indices = n.rng.integers(-n.shape(x)[axis], n.shape(x)[axis], n.pick((2,), (2, 2), (), (4,)))
    n.node("Gather", [x, n.constant(np.asarray(indices, np.int64), "i")], axis=axis)


def gather_elements(n: Network) -> None:
    x = n.tensor()
    axis = n.int(0, len(n.shape(x)) - 1)
    indices = n.rng.integers(-n.shape(x)[axis], n.shape(x)[axis], n.shape(x))
    n.node("GatherElements", [x, n.constant(np.asarray(indices, np.int64), "i")], axis=axis)


def expand(n: Network) -> None:
    x = n.tensor()
    shape = [n.int(2, 3) if e == 1 else e for e in n.shape(x)]
    n.node("Expand", [x, n.int64(*([2] if n.chance(0.3) and len(shape) < 5 else []), *shape)])


def tile(n: Network) -> None:
    x = n.tensor()
    n.node("Tile", [x, n.int64(*[n.pick(1, 1, 2) for _ in n.shape(x)])])


def cumulative(n: Network) -> None:
    x = n.tensor()
    n.node("CumSum", [x, n.constant(np.asarray(n.int(0, len(n.shape(x)) - 1), np.int64), "i")], exclusive=n.int(0, 1), reverse=n.int(0, 1))


def top_k(n: Network) -> None:
    x = n.tensor()
    axis = n.int(0, len(n.shape(x)) - 1)
    n.node("TopK", [x, n.int64(n.int(1, n.shape(x)[axis]))], results=2, axis=axis, largest=n.int(0, 1))


def residual(n: Network) -> None:
    x = n.tensor(4)
    c = n.shape(x)[1]
    weight = n.normal(c, c, 3, 3) / np.float32(3 * np.sqrt(c))
    (y,) = n.node("Conv", [x, n.constant(weight, "w"), n.constant(n.normal(c), "b")], pads=[1, 1, 1, 1])
    (y,) = n.node("Add", [y, x] if n.chance(0.5) else [x, y])
    n.node("Relu", [y])


def self_attention(n: Network) -> None:
    x = n.tensor(3)
    (t,) = n.node("Transpose", [x], perm=[0, 2, 1])
    (s,) = n.node("MatMul", [x, t])
    (s,) = n.node("Mul", [s, n.constant(np.float32(0.2))])
    (s,) = n.node("Softmax", [s], axis=-1)
    n.node("MatMul", [s, x])


DRAWN: list[tuple[float, Callable[[Network], None]]] = [
    (5, conv), (1.5, conv_transpose), (4, pool), (0.5, global_pool), (2, batch_norm), (2, norm), (5, unary), (1, guarded), (1, clip), (5, binary),
    (1, divide), (1, where), (2, concat), (1, split), (2, slice_), (2, pad), (1.5, transpose), (1, reshape), (1, squeeze), (0.7, flatten), (2, linear),
    (1.5, matmul), (2.5, resize), (1, blocks), (2, reduce), (1, softmax), (1, gather), (0.5, gather_elements), (0.7, expand), (0.7, tile),
    (0.7, cumulative), (0.7, top_k), (2, residual), (0.7, self_attention),
]
