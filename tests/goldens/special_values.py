"""What PyTorch answers to NaN, infinities, zeros of both signs and nothing at all: the golden file of tests/special_values.rs."""

import itertools

import torch
import torch.nn.functional as F
from golden_file import Golden

NAN, INF = float("nan"), float("inf")
# As many as are no multiple of two: repeated, each stands in every place of a vec4 and of a run of eight.
SPECIAL = [NAN, INF, -INF, -0.0, 0.0, 1.0, -1.0, 6.0, -3.0, 0.5, -7.5]
COMPARISONS = {
    "equal": torch.eq,
    "less": torch.lt,
    "less_or_equal": torch.le,
    "greater": torch.gt,
    "greater_or_equal": torch.ge,
}


def leaf(tensor):
    return tensor.double().clone().requires_grad_(True)


def special_values(unary, binary):
    """`unary` are the functions of make_goldens.py with their parameters, `binary` those of two numbers."""
    golden = Golden("special_values", nan=True)

    def gradients(case, y, leaves):
        grad_y = torch.randn(y.shape).double()
        golden.add(case, {"y": y, "grad_y": grad_y})
        found = torch.autograd.grad(y, list(leaves.values()), grad_y)
        golden.add(case, {"grad_" + role: gradient for role, gradient in zip(leaves, found)})

    def case(name, op, parameters, leaves, function, others=None):
        golden.case(name, op, parameters)
        golden.add(name, leaves)
        golden.add(name, others or {})
        y = function(*leaves.values())
        if y.requires_grad:
            gradients(name, y, leaves)
        else:
            golden.add(name, {"y": y})

    # Computed of whole vectors, in whose tail PyTorch has other gradients of a NaN, and kept to an odd number.
    x, kept = torch.tensor((SPECIAL * 9)[:96]), 91
    for op, parameters, function in unary:
        name = "_".join([op, *map(str, parameters.values())])
        golden.case(name, op, parameters)
        whole, grad_y = leaf(x), torch.randn(x.shape).double()
        y = function(whole, **parameters)
        (grad_x,) = torch.autograd.grad(y, whole, grad_y)
        tensors = {"x": x, "y": y, "grad_y": grad_y, "grad_x": grad_x}
        golden.add(name, {role: tensor[:kept] for role, tensor in tensors.items()})
    a, b = (torch.tensor(list(column)) for column in zip(*itertools.product(SPECIAL, SPECIAL)))
    for op, function in binary:
        case(op, op, {}, {"a": leaf(a), "b": leaf(b)}, function)
    # A slope for each channel of one row.
    case("prelu", "prelu", {}, {"a": leaf(a), "b": leaf(b)}, lambda a, b: F.prelu(a[None], b)[0])
    for op, function in COMPARISONS.items():
        case(op, op, {}, {"a": a.double(), "b": b.double()}, lambda a, b: function(a, b).double())
    condition = torch.tensor((SPECIAL * 11)[5:] + SPECIAL[:5])
    case("where", "where", {}, {"a": leaf(a), "b": leaf(b)}, lambda a, b: torch.where(condition != 0, a, b), {"condition": condition})

    reductions(case)
    poolings(golden, gradients)
    nothing(golden)
    golden.save()


def rows(length):
    """Rows of ordinary numbers with the special ones at the beginning, in the middle, at the end and throughout."""
    x = torch.randn(16, length)
    middle, last = length // 2, length - 1
    for row, place in enumerate([0, middle, last]):
        x[row, place] = NAN
    x[3] = NAN
    x[4] = -INF
    x[5] = INF
    x[6, last] = INF
    x[7, 0] = -INF
    x[8, middle] = -INF
    x[8, last] = INF
    x[9] = -0.0
    x[10, ::2] = -INF
    x[11, ::2] = INF
    x[12] = -3.4028234663852886e38
    x[13, 0], x[13, last] = -INF, NAN
    x[14, 0], x[14, last] = INF, NAN
    return x


def reductions(case):
    functions = {
        "sum": lambda x, axis: x.sum(axis),
        "mean": lambda x, axis: x.mean(axis),
        "max": lambda x, axis: x.amax(axis),
        "min": lambda x, axis: x.amin(axis),
        "prod": lambda x, axis: x.prod(axis),
        "log_sum_exp": lambda x, axis: x.logsumexp(axis),
        "softmax": lambda x, axis: F.softmax(x, axis),
        "log_softmax": lambda x, axis: F.log_softmax(x, axis),
    }
    # Single elements and vec4s, rows and columns, the runs of software Vulkan, and more than one part.
    for length, axis in itertools.product([1, 5, 8, 64, 67, 301], [1, 0]):
        x = rows(length)
        x = x if axis == 1 else x.mT.contiguous()
        for op, function in functions.items():
            at = {"axis": axis} if "softmax" in op else {"axes": [axis], "keepdim": False}
            # A product of dozens of numbers has no digits left; what does not go in parts needs no long rows.
            if length > {"prod": 10, "softmax": 100, "log_softmax": 100, "log_sum_exp": 100}.get(op, length):
                continue
            # A sum in f32 overflows by the lowest numbers; a mean is one.
            given = torch.where(x == x[x.isfinite()].min(), -1.0, x) if op == "mean" else x
            case(f"{op}_{length}_{axis}", op, at, {"x": leaf(given)}, lambda x: function(x, axis))
        for op, function in [("argmax", torch.argmax), ("argmin", torch.argmin)]:
            found = x.double()
            case(f"{op}_{length}_{axis}", op, {"axes": [axis], "keepdim": False}, {"x": found}, lambda x: function(x, axis))


def poolings(golden, gradients):
    base = dict(padding=[0, 0], dilation=[1, 1], ceil_mode=False, count_include_pad=True, divisor_override=None)
    windows = [
        ("2x2", [2, 2], dict(stride=[2, 2])),
        ("3x3", [3, 3], dict(stride=[1, 1], padding=[1, 1])),
        ("3x3_stride2", [3, 3], dict(stride=[2, 2], padding=[1, 1])),
        ("dilated", [2, 2], dict(stride=[1, 1], dilation=[2, 2])),
        ("global", [7, 9], dict(stride=[1, 1])),
    ]
    for channels, (name, kernel, parameters) in itertools.product([3, 8], windows):
        x = images(channels, [7, 9])
        parameters = {**base, **parameters}
        window = {key: parameters[key] for key in ("stride", "padding", "ceil_mode")}
        for op in ["max_pool2d", "avg_pool2d"]:
            if op == "avg_pool2d" and name == "dilated":
                continue
            case, x = f"{op}_{name}_{channels}", leaf(x.detach())
            golden.case(case, op, {"kernel": kernel, **parameters})
            golden.add(case, {"x": x})
            if op == "max_pool2d":
                y, indices = F.max_pool2d(x, kernel, dilation=parameters["dilation"], return_indices=True, **window)
                golden.add(case, {"indices": indices})
            else:
                y = F.avg_pool2d(x, kernel, **window)
            gradients(case, y, {"x": x})
    for channels, (kernel, stride, padding) in itertools.product([3, 8], [([2, 2, 2], [2, 2, 2], 0), ([3, 3, 3], [1, 2, 1], 1)]):
        x = images(channels, [4, 5, 6])
        case = f"max_pool3d_{kernel[0]}_{channels}"
        golden.case(case, "max_pool3d", {"kernel": kernel, "stride": stride, "padding": padding})
        # The gradient of equal elements is another in two steps, over planes and over depth, than in one.
        golden.add(case, {"x": x, "y": F.max_pool3d(x.double(), kernel, stride, padding)})
    for channels, border in itertools.product([3, 8], [[1, 0, 0, 1], [0, 2, 1, 0]]):
        x = images(channels, [7, 9])
        case = f"max_pool2d_bordered_{''.join(map(str, border))}_{channels}"
        # Before and behind the height, before and behind the width.
        golden.case(case, "max_pool2d_bordered", {"kernel": [3, 3], "stride": [2, 2], "border": border})
        padded = F.pad(x.double(), (border[2], border[3], border[0], border[1]), value=-INF)
        golden.add(case, {"x": x, "y": F.max_pool2d(padded, 3, 2)})
    for channels in [3, 8]:
        x = leaf(images(channels, [7, 9]))
        golden.case(f"adaptive_{channels}", "adaptive_avg_pool2d", {"output": [3, 2]})
        golden.add(f"adaptive_{channels}", {"x": x})
        gradients(f"adaptive_{channels}", F.adaptive_avg_pool2d(x, [3, 2]), {"x": x})


def images(channels, extents):
    """Two images of numbers of which some are special, channels of one kind each among them."""
    x = torch.randn(2, channels, *extents)
    places = torch.rand(x.shape)
    for index, value in enumerate([NAN, INF, -INF, -0.0]):
        x[(places > 0.03 * index) & (places < 0.03 * index + 0.03)] = value
    x[0, 0], x[1, 1] = -INF, INF
    x[1, 0] = torch.randn(*extents)
    x[1, 0].view(-1)[0] = NAN
    x[0, 1] = torch.randn(*extents)
    x[0, 1].view(-1)[-1] = NAN
    return x


def nothing(golden):
    """Reductions of no elements, of which there are three."""
    for op, function in [
        ("sum", lambda x: x.sum(1)),
        ("mean", lambda x: x.mean(1)),
        ("prod", lambda x: x.prod(1)),
        ("log_sum_exp", lambda x: x.logsumexp(1)),
    ]:
        x = torch.zeros(3, 0)
        golden.case(f"{op}_of_nothing", op, {"axes": [1], "keepdim": False})
        golden.add(f"{op}_of_nothing", {"x": x, "y": function(x.double())})
