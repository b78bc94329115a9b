#!/usr/bin/python3
"""Writes the golden files beside this script: what PyTorch computes for every operation, forward and backward.

    apt-get install python3-torchvision    # Debian's, with its PyTorch; nothing else is needed
    /usr/bin/python3 tests/goldens/make_goldens.py

A file is safetensors. Tensors are named `case/role`; the metadata has, for each case, a JSON object with the operation's
name as `op` and its parameters. Inputs are float32; outputs and gradients are computed in float64 from them and rounded
once, so that they are the exact answer to float32. Gradients answer a random `grad_y`. Composed operations are in
composites.py, layers.py and arrangements.py, optimizers in optimizers.py, the networks in networks.py, resnets.py, zoo.py and
segmentation.py, what their modules give in features.py, boxes and regions in detection.py and boxes.py, answers to NaN and
infinities in special_values.py.
"""

import itertools
import os
import sys

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import arrangements
import boxes
import composites
import detection
import features
import integers
import layers
import losses
import networks
import optimizers
import resnets
import schedules
import segmentation
import special_values
import transforms
import zoo
from golden_file import Golden, f32


def random(*shape):
    """Normal numbers that float32 holds exactly, as float64."""
    return torch.randn(shape).double()


def backward(golden, case, y, leaves, name="y"):
    """Stores y, a random grad_y and the gradient of each named leaf."""
    grad_y = random(*y.shape)
    grads = torch.autograd.grad(y, list(leaves.values()), grad_y)
    golden.add(case, {name: y, "grad_" + name: grad_y})
    golden.add(case, {"grad_" + leaf: grad for leaf, grad in zip(leaves, grads)})


def leaf(tensor):
    return tensor.clone().requires_grad_(True)


def product(x, axes, keepdim):
    for axis in sorted(axes, reverse=True):
        x = x.prod(axis, keepdim)
    return x


# Where the functions are tried by ordinary numbers.
ANYTHING, POSITIVE, INSIDE, ABOVE = "anything", "positive", "inside -1 to 1", "above 1"
UNARY = [
    ("relu", {}, ANYTHING, F.relu),
    ("relu6", {}, ANYTHING, F.relu6),
    ("leaky_relu", {"slope": 0.01}, ANYTHING, lambda x, slope: F.leaky_relu(x, slope)),
    ("leaky_relu", {"slope": 0.25}, ANYTHING, lambda x, slope: F.leaky_relu(x, slope)),
    ("sigmoid", {}, ANYTHING, torch.sigmoid),
    ("tanh", {}, ANYTHING, torch.tanh),
    ("silu", {}, ANYTHING, F.silu),
    ("gelu", {}, ANYTHING, F.gelu),
    ("gelu_tanh", {}, ANYTHING, lambda x: F.gelu(x, approximate="tanh")),
    ("neg", {}, ANYTHING, torch.neg),
    ("abs", {}, ANYTHING, torch.abs),
    ("exp", {}, ANYTHING, torch.exp),
    ("log", {}, POSITIVE, torch.log),
    ("sqrt", {}, POSITIVE, torch.sqrt),
    ("rsqrt", {}, POSITIVE, torch.rsqrt),
    ("square", {}, ANYTHING, torch.square),
    ("reciprocal", {}, POSITIVE, torch.reciprocal),
    ("clamp", {"min": -0.5, "max": 0.75}, ANYTHING, lambda x, min, max: torch.clamp(x, min, max)),
    ("clamp", {"min": 0.0, "max": 0.0}, ANYTHING, lambda x, min, max: torch.clamp(x, min, max)),
    ("add_scalar", {"value": 1.5}, ANYTHING, lambda x, value: x + value),
    ("mul_scalar", {"value": -0.3}, ANYTHING, lambda x, value: x * value),
    ("hard_sigmoid", {"slope": 1 / 6, "offset": 0.5}, ANYTHING, lambda x, slope, offset: torch.clamp(slope * x + offset, 0, 1)),
    ("hard_swish", {}, ANYTHING, F.hardswish),
    ("elu", {"alpha": 1.5}, ANYTHING, lambda x, alpha: F.elu(x, alpha)),
    ("selu", {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}, ANYTHING, lambda x, alpha, gamma: gamma * F.elu(x, alpha)),
    ("celu", {"alpha": 2.0}, ANYTHING, lambda x, alpha: F.celu(x, alpha)),
    ("softplus", {}, ANYTHING, lambda x: F.softplus(x, threshold=100)),
    ("softsign", {}, ANYTHING, F.softsign),
    ("thresholded_relu", {"threshold": 1.0}, ANYTHING, lambda x, threshold: F.threshold(x, threshold, 0.0)),
    ("shrink", {"bias": 0.5, "lambda": 0.5}, ANYTHING, lambda x, **given: F.softshrink(x, given["lambda"])),
    ("mish", {}, ANYTHING, F.mish),
    ("floor", {}, ANYTHING, torch.floor),
    ("ceil", {}, ANYTHING, torch.ceil),
    ("round", {}, ANYTHING, torch.round),
    ("sign", {}, ANYTHING, torch.sign),
    ("erf", {}, ANYTHING, torch.erf),
    ("sin", {}, ANYTHING, torch.sin),
    ("cos", {}, ANYTHING, torch.cos),
    ("tan", {}, INSIDE, torch.tan),
    ("asin", {}, INSIDE, torch.asin),
    ("acos", {}, INSIDE, torch.acos),
    ("atan", {}, ANYTHING, torch.atan),
    ("sinh", {}, INSIDE, torch.sinh),
    ("cosh", {}, INSIDE, torch.cosh),
    ("asinh", {}, ANYTHING, torch.asinh),
    ("acosh", {}, ABOVE, torch.acosh),
    ("atanh", {}, INSIDE, torch.atanh),
]
BINARY = [
    ("add", torch.add),
    ("sub", torch.sub),
    ("mul", torch.mul),
    ("div", torch.div),
    ("maximum", torch.maximum),
    ("minimum", torch.minimum),
    ("pow", torch.pow),
    ("prelu", lambda a, b: torch.where(a > 0, a, b * a)),
    # Constant but for jumps: a gradient of zeros.
    ("equal", lambda a, b: (a == b) + 0 * a * b),
    ("less", lambda a, b: (a < b) + 0 * a * b),
    ("less_or_equal", lambda a, b: (a <= b) + 0 * a * b),
    ("greater", lambda a, b: (a > b) + 0 * a * b),
    ("greater_or_equal", lambda a, b: (a >= b) + 0 * a * b),
]


def elementwise():
    golden = Golden("elementwise")
    for op, parameters, domain, function in UNARY:
        parameters = {name: f32(value) for name, value in parameters.items()}
        x = 3 * torch.randn(3, 5, 7)
        # The kinks of the piecewise functions, exactly.
        x.view(-1)[:8] = torch.tensor([0.0, 6.0, -0.5, 0.75, 20.0, -20.0, 1e-3, -1e-3])
        domains = {POSITIVE: x.abs() + 0.01, INSIDE: 0.9 * torch.tanh(x), ABOVE: x.abs() + 1.1}
        x = leaf(domains.get(domain, x).double())
        case = "_".join([op, *map(str, parameters.values())]) if len(parameters) == 1 else op
        case = f"clamp_{parameters['min']}_{parameters['max']}" if op == "clamp" else case
        golden.case(case, op, parameters)
        golden.add(case, {"x": x})
        backward(golden, case, function(x, **parameters), {"x": x})

    shapes = [
        ((3, 4, 5), (3, 4, 5)),
        ((2, 3, 4, 5), (3, 1, 1)),
        ((2, 1, 5), (4, 1)),
        ((), (3, 4)),
        ((7,), (2, 3, 7)),
        ((1, 1), (1,)),
    ]
    for (op, function), (index, (a_shape, b_shape)) in itertools.product(BINARY, enumerate(shapes)):
        a, b = torch.randn(a_shape), torch.randn(b_shape)
        if op == "div":
            b = torch.where(b.abs() < 0.2, torch.ones_like(b), b)
        elif op == "pow":
            a = a.abs() + 0.1
        elif (op in ("maximum", "minimum") or "equal" in op) and a_shape == b_shape:
            b[0] = a[0]  # equal elements
        a, b = leaf(a.double()), leaf(b.double())
        case = f"{op}_{index}"
        golden.case(case, op, {})
        golden.add(case, {"a": a, "b": b})
        backward(golden, case, function(a, b), {"a": a, "b": b})
    for index, (condition, a_shape, b_shape) in enumerate([((3, 4), (3, 4), (3, 4)), ((2, 1, 4), (3, 1), (2, 3, 4))]):
        condition = (torch.rand(condition) < 0.5).double()
        leaves = {"a": leaf(random(*a_shape)), "b": leaf(random(*b_shape))}
        golden.case(f"where_{index}", "where", {})
        golden.add(f"where_{index}", {"condition": condition, **leaves})
        backward(golden, f"where_{index}", torch.where(condition != 0, leaves["a"], leaves["b"]), leaves)
    # Behind the others, whose numbers stay as they were.
    rests = [("remainder", torch.remainder), ("fmod", torch.fmod)]
    for (op, function), (index, (a_shape, b_shape)) in itertools.product(rests, enumerate(shapes)):
        a, b = 8 * torch.randn(a_shape), torch.randn(b_shape)
        b = torch.where(b.abs() < 0.2, torch.ones_like(b), b)
        a, b = leaf(a.double()), leaf(b.double())
        golden.case(f"{op}_{index}", op, {})
        golden.add(f"{op}_{index}", {"a": a, "b": b})
        backward(golden, f"{op}_{index}", function(a, b), {"a": a, "b": b})
    golden.save()


def special():
    functions = [(op, {name: f32(value) for name, value in given.items()}, f) for op, given, _, f in UNARY]
    comparisons = special_values.COMPARISONS
    special_values.special_values(functions, [(op, f) for op, f in BINARY if op not in [*comparisons, "prelu"]])


def matmul():
    golden = Golden("matmul")
    cases = [
        # batch of left, batch of right, M, N, K
        ((), (), 5, 6, 7),
        ((), (), 1, 9, 3),
        ((), (), 9, 1, 1),
        ((), (), 33, 17, 65),
        ((3,), (3,), 5, 4, 6),
        ((2, 3), (3,), 4, 5, 7),
        ((2, 1), (1, 3), 3, 4, 5),
        ((4,), (), 3, 5, 2),
    ]
    for index, (left_batch, right_batch, m, n, k) in enumerate(cases):
        for transpose_left, transpose_right in itertools.product([False, True], repeat=2):
            left = leaf(random(*left_batch, *((k, m) if transpose_left else (m, k))))
            right = leaf(random(*right_batch, *((n, k) if transpose_right else (k, n))))
            case = f"matmul_{index}" + ("_tl" if transpose_left else "") + ("_tr" if transpose_right else "")
            golden.case(case, "matmul", {"transpose_left": transpose_left, "transpose_right": transpose_right})
            golden.add(case, {"left": left, "right": right})
            y = torch.matmul(left.mT if transpose_left else left, right.mT if transpose_right else right)
            backward(golden, case, y, {"left": left, "right": right})
    for rows, inputs, outputs, with_bias in [(5, 7, 3, True), (1, 13, 10, True), (4, 6, 9, False)]:
        leaves = {"x": leaf(random(rows, inputs)), "weight": leaf(random(outputs, inputs))}
        if with_bias:
            leaves["bias"] = leaf(random(outputs))
        case = f"linear_{rows}x{inputs}x{outputs}"
        golden.case(case, "linear", {})
        golden.add(case, leaves)
        backward(golden, case, F.linear(*leaves.values()), leaves)
    golden.save()


def convolution():
    golden = Golden("convolution")
    one = dict(stride=[1, 1], padding=[0, 0], dilation=[1, 1], groups=1)
    cases = [
        # name, (N, C, H, W), outputs, kernel, parameters, bias
        ("plain_3x3", (2, 3, 7, 9), 4, (3, 3), {}, True),
        ("same_3x3", (2, 5, 8, 7), 6, (3, 3), dict(padding=[1, 1]), False),
        ("stride2_3x3", (3, 4, 9, 11), 5, (3, 3), dict(stride=[2, 2], padding=[1, 1]), True),
        ("pointwise", (2, 7, 5, 6), 9, (1, 1), {}, True),
        ("pointwise_stride2", (2, 6, 7, 8), 5, (1, 1), dict(stride=[2, 2]), False),
        ("stem_7x7", (2, 3, 17, 19), 8, (7, 7), dict(stride=[2, 2], padding=[3, 3]), False),
        ("dilated", (2, 3, 11, 10), 4, (3, 3), dict(dilation=[2, 2], padding=[2, 2]), True),
        ("asymmetric", (2, 3, 9, 12), 4, (2, 5), dict(stride=[1, 3], padding=[2, 1], dilation=[3, 2]), True),
        ("row_1x5", (2, 3, 4, 9), 2, (1, 5), dict(padding=[0, 2]), True),
        ("groups2", (2, 6, 7, 5), 4, (3, 3), dict(groups=2, padding=[1, 1]), True),
        ("groups3_stride2", (2, 9, 8, 8), 6, (3, 3), dict(groups=3, stride=[2, 2], dilation=[2, 1]), False),
        ("depthwise", (2, 8, 9, 7), 8, (3, 3), dict(groups=8, padding=[1, 1]), True),
        ("depthwise_5x5_stride2", (2, 5, 11, 9), 5, (5, 5), dict(groups=5, stride=[2, 2], padding=[2, 2]), False),
        ("depthwise_multiplier", (2, 4, 6, 7), 12, (3, 3), dict(groups=4), True),
        ("kernel_is_input", (3, 4, 5, 6), 7, (5, 6), {}, True),
        ("one_by_one_image", (2, 5, 1, 1), 3, (3, 3), dict(padding=[1, 1]), True),
        ("wide_channels", (1, 35, 5, 6), 33, (3, 3), dict(padding=[1, 1]), True),
    ]
    for case, x_shape, outputs, kernel, parameters, with_bias in cases:
        parameters = {**one, **parameters}
        leaves = {"x": leaf(random(*x_shape))}
        leaves["weight"] = leaf(random(outputs, x_shape[1] // parameters["groups"], *kernel))
        if with_bias:
            leaves["bias"] = leaf(random(outputs))
        golden.case(case, "conv2d", parameters)
        golden.add(case, leaves)
        y = F.conv2d(leaves["x"], leaves["weight"], leaves.get("bias"), **parameters)
        backward(golden, case, y, leaves)
    transposed = [
        ("transposed_2x2_stride2", (2, 5, 4, 3), 6, (2, 2), dict(stride=[2, 2]), True),
        ("transposed_4x4_stride2", (2, 4, 5, 4), 3, (4, 4), dict(stride=[2, 2], padding=[1, 1]), False),
        ("transposed_extra", (1, 6, 4, 5), 4, (3, 2), dict(stride=[3, 2], output_padding=[2, 1], dilation=[1, 2]), True),
        ("transposed_groups", (2, 6, 5, 3), 9, (3, 3), dict(groups=3, padding=[2, 1]), True),
        ("transposed_depthwise", (2, 8, 4, 5), 8, (3, 3), dict(groups=8, stride=[2, 2], padding=[1, 1]), True),
    ]
    for case, x_shape, outputs, kernel, parameters, with_bias in transposed:
        parameters = {**one, "output_padding": [0, 0], **parameters}
        leaves = {"x": leaf(random(*x_shape))}
        leaves["weight"] = leaf(random(x_shape[1], outputs // parameters["groups"], *kernel))
        if with_bias:
            leaves["bias"] = leaf(random(outputs))
        golden.case(case, "conv_transpose2d", parameters)
        golden.add(case, leaves)
        y = F.conv_transpose2d(leaves["x"], leaves["weight"], leaves.get("bias"), **parameters)
        backward(golden, case, y, leaves)
    for index, (x_shape, kernel, parameters) in enumerate(
        [
            ((2, 3, 5, 6), (3, 3), dict(padding=[1, 1])),
            ((2, 2, 7, 8), (2, 3), dict(stride=[2, 1], padding=[0, 2], dilation=[2, 1])),
        ]
    ):
        parameters = {**one, **parameters}
        x = leaf(random(*x_shape))
        case = f"im2col_{index}"
        golden.case(case, "im2col", {**parameters, "kernel": kernel})
        golden.add(case, {"x": x})
        del parameters["groups"]
        backward(golden, case, F.unfold(x, kernel, **parameters), {"x": x})
    golden.save()


def pooling():
    golden = Golden("pooling")
    base = dict(stride=None, padding=[0, 0], dilation=[1, 1], ceil_mode=False)
    base |= dict(count_include_pad=True, divisor_override=None)
    windows = [
        # name, (N, C, H, W), kernel, parameters
        ("2x2", (2, 3, 6, 7), [2, 2], {}),
        ("2x2_ceil", (2, 3, 5, 7), [2, 2], dict(ceil_mode=True)),
        ("3x3_stride2_pad1", (2, 3, 9, 8), [3, 3], dict(stride=[2, 2], padding=[1, 1])),
        ("3x3_stride2_pad1_ceil", (2, 3, 8, 10), [3, 3], dict(stride=[2, 2], padding=[1, 1], ceil_mode=True)),
        ("3x3_stride1_pad1", (2, 2, 5, 6), [3, 3], dict(stride=[1, 1], padding=[1, 1])),
        ("asymmetric", (2, 3, 9, 7), [2, 3], dict(stride=[3, 1], padding=[1, 0])),
        ("last_window_dropped", (2, 2, 5, 5), [2, 2], dict(stride=[3, 3], padding=[1, 1], ceil_mode=True)),
        ("larger_than_input_ceil", (2, 2, 2, 3), [3, 3], dict(stride=[2, 2], ceil_mode=True)),
        ("5x5_stride1_pad2", (2, 2, 7, 7), [5, 5], dict(stride=[1, 1], padding=[2, 2])),
        ("global", (3, 4, 5, 6), [5, 6], {}),
    ]
    for kind, (name, x_shape, kernel, parameters), ties in itertools.product(
        ["max", "average", "sum"], windows, [False, True]
    ):
        if ties and kind != "max":
            continue
        parameters = {**base, **parameters}
        parameters["stride"] = parameters["stride"] or kernel
        pooling_case(golden, kind, name + ("_ties" if ties else ""), x_shape, kernel, parameters, ties)
    for name, x_shape, kernel, parameters in [
        ("dilated", (2, 3, 9, 8), [3, 2], dict(stride=[2, 1], padding=[1, 1], dilation=[2, 3])),
        ("dilated_ceil", (2, 2, 10, 10), [3, 3], dict(stride=[3, 3], padding=[1, 1], dilation=[3, 3], ceil_mode=True)),
    ]:
        pooling_case(golden, "max", name, x_shape, kernel, {**base, **parameters}, False)
    padded = dict(stride=[2, 2], padding=[1, 1])
    for name, parameters in [
        ("exclude_pad", dict(count_include_pad=False)),
        ("exclude_pad_ceil", dict(count_include_pad=False, ceil_mode=True)),
        ("divisor_5", dict(divisor_override=5)),
        ("divisor_1_ceil", dict(divisor_override=1, ceil_mode=True)),
        ("divisor_5_exclude_pad", dict(divisor_override=5, count_include_pad=False)),
    ]:
        pooling_case(golden, "average", name, (2, 3, 8, 10), [3, 3], {**base, **padded, **parameters}, False)
    for x_shape, output in [
        ((2, 3, 7, 5), [1, 1]),
        ((2, 3, 7, 5), [3, 2]),
        ((2, 3, 8, 6), [4, 3]),
        ((2, 2, 5, 3), [7, 7]),
        ((1, 2, 13, 11), [7, 7]),
    ]:
        x = leaf(random(*x_shape))
        case = f"adaptive_{x_shape[2]}x{x_shape[3]}_to_{output[0]}x{output[1]}"
        golden.case(case, "adaptive_avg_pool2d", {"output": output})
        golden.add(case, {"x": x})
        backward(golden, case, F.adaptive_avg_pool2d(x, output), {"x": x})
    golden.save()


def pooling_case(golden, kind, name, x_shape, kernel, parameters, ties):
    # Rounded to a few values, so that the choice among equal elements is told.
    x = leaf(random(*x_shape).round() if ties else random(*x_shape))
    op = {"max": "max_pool2d", "average": "avg_pool2d", "sum": "sum_pool2d"}[kind]
    case = f"{kind}_{name}"
    golden.case(case, op, {"kernel": kernel, **parameters})
    golden.add(case, {"x": x})
    window = {key: parameters[key] for key in ("stride", "padding", "ceil_mode")}
    if kind == "max":
        y, indices = F.max_pool2d(x, kernel, dilation=parameters["dilation"], return_indices=True, **window)
        golden.add(case, {"indices": indices})
    elif kind == "average":
        divisor = {key: parameters[key] for key in ("count_include_pad", "divisor_override")}
        y = F.avg_pool2d(x, kernel, **window, **divisor)
    else:
        y = F.avg_pool2d(x, kernel, **window, divisor_override=1)
    backward(golden, case, y, {"x": x})


def normalization():
    golden = Golden("normalization")
    for index, (shape, eps, momentum) in enumerate(
        [((4, 3, 5, 7), 1e-5, 0.1), ((2, 5, 3, 3), 1e-3, 0.3), ((6, 4), 1e-5, 0.1), ((1, 2, 4, 5), 1e-5, 1.0)]
    ):
        for training in (True, False):
            channels = shape[1]
            leaves = {
                "x": leaf(random(*shape) * 2 + 1),
                "weight": leaf(torch.rand(channels).double() + 0.5),
                "bias": leaf(random(channels)),
            }
            running_mean, running_var = random(channels), torch.rand(channels).double() + 0.5
            case = f"{'train' if training else 'eval'}_{index}"
            parameters = {"eps": f32(eps), "momentum": f32(momentum), "training": training}
            golden.case(case, "batch_norm", parameters)
            golden.add(case, {**leaves, "running_mean": running_mean, "running_var": running_var})
            new_mean, new_var = running_mean.clone(), running_var.clone()
            y = F.batch_norm(
                leaves["x"], new_mean, new_var, leaves["weight"], leaves["bias"], training, f32(momentum), f32(eps)
            )
            if training:
                axes = [axis for axis in range(len(shape)) if axis != 1]
                golden.add(case, {"mean": leaves["x"].mean(axes), "var": leaves["x"].var(axes, unbiased=False)})
                golden.add(case, {"new_running_mean": new_mean, "new_running_var": new_var})
            backward(golden, case, y, leaves)
    golden.save()


def reduction():
    golden = Golden("reduction")
    functions = {
        "sum": lambda x, axes, keepdim: x.sum(axes, keepdim),
        "mean": lambda x, axes, keepdim: x.mean(axes, keepdim),
        "max": lambda x, axes, keepdim: x.amax(axes, keepdim),
        "min": lambda x, axes, keepdim: x.amin(axes, keepdim),
        # PyTorch's product takes one axis at a time; zeros among the ties have a gradient of their own.
        "prod": lambda x, axes, keepdim: product(x, axes, keepdim),
    }
    shape = (3, 5, 4, 7)
    for (op, function), axes, ties in itertools.product(
        functions.items(), [[0], [1], [3], [0, 2], [2, 3], [0, 2, 3], [0, 1, 2, 3]], [False, True]
    ):
        if ties and op in ("sum", "mean"):
            continue
        keepdim = len(axes) == 2
        x = leaf(random(*shape).round() if ties else random(*shape))
        case = f"{op}_" + "".join(map(str, axes)) + ("_ties" if ties else "")
        golden.case(case, op, {"axes": axes, "keepdim": keepdim})
        golden.add(case, {"x": x})
        backward(golden, case, function(x, axes, keepdim), {"x": x})
    for axis, ties in itertools.product([0, 1, 3, None], [False, True]):
        # PyTorch promises the first of equal elements.
        x = random(*shape).round() if ties else random(*shape)
        case = f"argmax_{'all' if axis is None else axis}" + ("_ties" if ties else "")
        golden.case(case, "argmax", {"axes": [] if axis is None else [axis], "keepdim": False})
        golden.add(case, {"x": x, "y": x.argmax(axis)})
    for (op, function), (shape, axis, scale) in itertools.product(
        [("softmax", F.softmax), ("log_softmax", F.log_softmax)],
        [((5, 10), 1, 1), ((5, 10), 0, 3), ((2, 3, 4, 5), 1, 1), ((2, 3, 4, 5), 3, 1), ((3, 7), 1, 60), ((4, 1), 1, 1)],
    ):
        x = leaf(random(*shape) * scale)
        case = f"{op}_{'x'.join(map(str, shape))}_{axis}_{scale}"
        golden.case(case, op, {"axis": axis})
        golden.add(case, {"x": x})
        backward(golden, case, function(x, axis), {"x": x})
    for (shape, axis), exclusive, reverse in itertools.product(
        [((7,), 0), ((2, 3, 4, 5), 1), ((1, 260), 1)], [False, True], [False, True]
    ):
        x = leaf(random(*shape))
        case = f"cumsum_{'x'.join(map(str, shape))}_{axis}_{int(exclusive)}{int(reverse)}"
        golden.case(case, "cumsum", {"axis": axis, "exclusive": exclusive, "reverse": reverse})
        golden.add(case, {"x": x})
        turned = x.flip(axis) if reverse else x
        y = turned.cumsum(axis) - (turned if exclusive else 0)
        backward(golden, case, y.flip(axis) if reverse else y, {"x": x})
    golden.save()


def loss():
    golden = Golden("loss")
    for (index, shape), weighted, smoothing, ignore_index, reduction in itertools.product(
        enumerate([(7, 5), (2, 4, 3, 2)]), [False, True], [0.0, 0.1], [None, -100, 2], ["mean", "sum", "none"]
    ):
        classes = shape[1]
        x = leaf(random(*shape) * 2)
        target = torch.randint(classes, (shape[0], *shape[2:]))
        if ignore_index is not None:
            target.view(-1)[1:4:2] = ignore_index
        weight = torch.rand(classes).double() + 0.25 if weighted else None
        case = f"{index}_{'weighted' if weighted else 'plain'}_{smoothing}_{ignore_index}_{reduction}"
        parameters = {"label_smoothing": f32(smoothing), "ignore_index": ignore_index, "reduction": reduction}
        golden.case(case, "cross_entropy", parameters)
        golden.add(case, {"x": x, "target": target})
        if weighted:
            golden.add(case, {"weight": weight})
        y = F.cross_entropy(
            x,
            target,
            weight,
            ignore_index=-100 if ignore_index is None else ignore_index,
            reduction=reduction,
            label_smoothing=f32(smoothing),
        )
        backward(golden, case, y, {"x": x})
    golden.save()


def movement():
    golden = Golden("movement")
    for axes in [[1, 0, 2, 3], [0, 2, 3, 1], [3, 2, 1, 0], [0, 1, 2, 3]]:
        x = leaf(random(2, 3, 4, 5))
        case = "permute_" + "".join(map(str, axes))
        golden.case(case, "permute", {"axes": axes})
        golden.add(case, {"x": x})
        backward(golden, case, x.permute(axes), {"x": x})
    for index, (starts, ends, steps) in enumerate(
        [([0, 0, 0], [5, 6, 7], [1, 1, 1]), ([1, 2, 3], [5, 5, 6], [1, 1, 1]), ([0, 1, 0], [5, 6, 7], [2, 3, 4])]
    ):
        x = leaf(random(5, 6, 7))
        case = f"slice_{index}"
        golden.case(case, "slice", {"starts": starts, "ends": ends, "steps": steps})
        golden.add(case, {"x": x})
        backward(golden, case, x[tuple(map(slice, starts, ends, steps))], {"x": x})
    for axis, shapes in [(0, [(2, 3), (1, 3)]), (1, [(2, 3, 4), (2, 5, 4), (2, 1, 4)]), (3, [(2, 3, 4, 5), (2, 3, 4, 2)])]:
        leaves = {f"x{index}": leaf(random(*shape)) for index, shape in enumerate(shapes)}
        case = f"concat_{axis}"
        golden.case(case, "concat", {"axis": axis})
        golden.add(case, leaves)
        backward(golden, case, torch.cat(list(leaves.values()), axis), leaves)
    for index, (shape, before, after, value) in enumerate(
        [((2, 3, 4, 5), [0, 0, 1, 2], [0, 0, 3, 0], 0.0), ((3, 4), [2, 0], [1, 3], -1.5)]
    ):
        x = leaf(random(*shape))
        case = f"pad_{index}"
        golden.case(case, "pad", {"before": before, "after": after, "value": value})
        golden.add(case, {"x": x})
        # PyTorch names the last axis first.
        pairs = [extent for axis in reversed(range(len(shape))) for extent in (before[axis], after[axis])]
        backward(golden, case, F.pad(x, pairs, value=value), {"x": x})
    for shape, size, mode, align_corners in [
        ((2, 3, 4, 5), (8, 15), "nearest", False),
        ((2, 3, 8, 6), (4, 2), "nearest", False),
        ((2, 4, 4, 5), (7, 11), "bilinear", False),
        ((2, 3, 9, 7), (4, 3), "bilinear", False),
        ((2, 3, 4, 5), (7, 9), "bilinear", True),
        ((1, 5, 5, 4), (9, 7), "bicubic", False),
        ((1, 2, 5, 4), (3, 8), "bicubic", True),
    ]:
        x = leaf(random(*shape))
        case = f"resample_{mode}_{shape[2]}_{shape[3]}" + ("_aligned" if align_corners else "")
        golden.case(case, "resample", {"size": size, "mode": mode, "align_corners": align_corners})
        golden.add(case, {"x": x})
        corners = None if mode == "nearest" else align_corners
        backward(golden, case, F.interpolate(x, size=size, mode=mode, align_corners=corners), {"x": x})
    for index, (shape, to) in enumerate([((2, 3, 4), [6, -1]), ((2, 3, 4), [24]), ((3, 4), [2, 1, 6])]):
        x = leaf(random(*shape))
        case = f"reshape_{index}"
        golden.case(case, "reshape", {"to": to})
        golden.add(case, {"x": x})
        backward(golden, case, x.reshape(to), {"x": x})
    golden.save()


def sort():
    """PyTorch's topk; where elements are equal its stable sort, as its topk takes any of them."""
    golden = Golden("sort")
    shapes = [((7,), 0, 3), ((4, 40), 1, 5), ((4, 40), 1, 40), ((40, 3), 0, 1), ((2, 5, 3, 7), 1, 4), ((2, 300), 1, 20)]
    for (shape, axis, k), largest, ties in itertools.product(shapes, [True, False], [False, True]):
        x = leaf(random(*shape).round() if ties else random(*shape))
        case = f"topk_{'x'.join(map(str, shape))}_{axis}_{k}" + ("" if largest else "_smallest") + ("_ties" if ties else "")
        golden.case(case, "topk", {"axis": axis, "k": k, "largest": largest})
        y, indices = x.topk(k, axis, largest)
        if ties:
            every, places = x.sort(dim=axis, descending=largest, stable=True)
            assert torch.equal(every.narrow(axis, 0, k), y), case
            y, indices = every.narrow(axis, 0, k), places.narrow(axis, 0, k)
        golden.add(case, {"x": x, "indices": indices})
        backward(golden, case, y, {"x": x})
    golden.save()


def quantized():
    """PyTorch's fake quantisation. It multiplies by the inverse of a scale: no number lies near the middle of two steps, where that
    could tell. Its gradient by the scale comes from the learnable form."""
    golden = Golden("quantized")
    cases = [((5, 7), None), ((2, 3, 4, 5), None), ((2, 3, 4, 5), 1), ((4, 3, 3, 3), 0), ((3, 6), 1)]
    for (shape, axis), (low, high) in itertools.product(cases, [(-128, 127), (-7, 7), (0, 15)]):
        count = shape[axis] if axis is not None else 1
        scale = torch.rand(count) * 0.05 + (3.0 / (high - low))
        # Not below 0: the learnable form of PyTorch 1.13 takes −3 for −2.
        zero = torch.randint(0, 6, (count,), dtype=torch.int32)
        if low == -high:
            zero = torch.zeros_like(zero)
        by = scale.reshape([count if at == axis else 1 for at in range(len(shape))])
        # At most 0.4 of a step beside a whole number of steps, and some beyond the ends.
        steps = torch.randint(2 * low - 3, 2 * high + 3, shape).float() / 1.5
        x = ((steps.round() + (torch.rand(shape) * 0.8 - 0.4)) * by).float()
        factor = f32(1.0 / (x.numel() * high) ** 0.5)
        grad_y = torch.randn(shape)
        case = f"fake_quantize_{'x'.join(map(str, shape))}_{axis}_{low}_{high}"
        parameters = {"low": low, "high": high, "grad_factor": factor}
        golden.case(case, "fake_quantize", parameters if axis is None else {"axis": axis, **parameters})
        x, by = leaf(x), leaf(scale)
        if axis is None:
            plain = torch.fake_quantize_per_tensor_affine(x, float(scale), int(zero), low, high)
            y = torch._fake_quantize_learnable_per_tensor_affine(x, by, zero.float(), low, high, factor)
        else:
            plain = torch.fake_quantize_per_channel_affine(x, scale, zero, axis, low, high)
            y = torch._fake_quantize_learnable_per_channel_affine(x, by, zero.float(), axis, low, high, factor)
        assert torch.equal(plain, y), case
        straight = torch.autograd.grad(plain, x, grad_y)[0]
        grad_x, grad_scale = torch.autograd.grad(y, [x, by], grad_y)
        assert torch.equal(straight, grad_x), case
        one = (lambda tensor: tensor[0]) if axis is None else (lambda tensor: tensor)
        golden.add(case, {"x": x, "scale": one(scale), "zero_point": one(zero), "y": y, "grad_y": grad_y})
        golden.add(case, {"grad_x": grad_x, "grad_scale": one(grad_scale)})
    golden.save()


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    families = [elementwise, matmul, convolution, pooling, normalization, reduction, loss, movement, optimizers.optimizer]
    first = list(enumerate([*families, networks.resnet20, resnets.resnets]))
    composed = [
        (13, layers.layers),
        (15, layers.attention),
        (14, arrangements.arrangements),
        (13, zoo.zoo),
        (15, schedules.schedules),
        (16, losses.losses),
        (15, segmentation.segmentation),
        (17, features.features),
        (18, quantized),
        (19, detection.detection),
        (20, boxes.boxes),
    ]
    for seed, family in [*first, (11, sort), (11, composites.composites), (12, integers.integers), (12, special), *composed]:
        # Each family has its own seed, so that a new case in one leaves the other files as they are.
        torch.manual_seed(seed)
        family()
    transforms.write(os.path.dirname(os.path.abspath(__file__)))
