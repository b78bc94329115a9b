"""Layers that are composed of other operations: the golden file `layers` of tests/composite.rs."""

import math

import torch
import torch.nn.functional as F
from composites import Cases, random
from golden_file import Golden, f32


def attended(query, key, value, scale, allowed=None, added=None, causal=False):
    """softmax(query · keyᵀ · scale + mask) · value, and zeros for a query that sees nothing."""
    scores = query @ key.mT * scale
    if added is not None:
        scores = scores + added
    if allowed is not None:
        scores = scores.masked_fill(allowed == 0, -math.inf)
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1) != 0, -math.inf)
    blind = (scores.amax(-1, True) == -math.inf).detach()
    shares = scores.masked_fill(blind, 0.0).softmax(-1).masked_fill(blind, 0.0)
    return shares @ value


def layers():
    golden = Golden("layers")
    case = Cases(golden)
    lines(case)
    volumes(case)
    pools(case, golden)
    sampling(case)
    golden.save()


def attention():
    golden = Golden("attention")
    case = Cases(golden)
    for shape, keys, width, parameters in [
        ((2, 3, 5, 8), 7, 8, {}),
        ((3, 9, 6), 9, 5, {"causal": True}),
        ((1, 2, 4, 16), 6, 12, {"scale": f32(0.3)}),
        ((2, 2, 6, 4), 5, 4, {"mask": "allowed"}),
        ((2, 2, 3, 4), 5, 4, {"mask": "added"}),
        ((1, 6, 3), 4, 3, {"mask": "allowed", "causal": True}),
    ]:
        *batch, _, head = shape
        leaves = {"x": random(*shape), "key": random(*batch, keys, head), "value": random(*batch, keys, width)}
        others, given = {}, {}
        mask = parameters.get("mask")
        if mask == "allowed":
            others["allowed"] = (torch.rand(shape[-2], keys) < 0.6).double()
            others["allowed"][1] = 0
        elif mask == "added":
            leaves["added"] = random(*batch[:1], 1, shape[-2], keys)
        scale = parameters.get("scale", 1 / math.sqrt(head))
        causal = parameters.get("causal", False)

        def function(x, key, value, added=None):
            return attended(x, key, value, scale, others.get("allowed"), added, causal)

        case("attention", parameters, leaves, function, others)
    golden.save()


def lines(case):
    for shape, weight, parameters, bias in [
        ((2, 3, 11), (4, 3, 3), dict(stride=1, padding=1, dilation=1, groups=1), True),
        ((3, 4, 13), (6, 2, 4), dict(stride=2, padding=3, dilation=2, groups=2), False),
    ]:
        leaves = {"x": random(*shape), "weight": random(*weight)}
        leaves |= {"bias": random(weight[0])} if bias else {}
        case("conv1d", parameters, leaves, lambda x, weight, bias=None: F.conv1d(x, weight, bias, **parameters))
    for shape, weight, parameters, bias in [
        ((2, 3, 7), (3, 4, 3), dict(stride=2, padding=1, output_padding=1, dilation=1, groups=1), True),
        ((1, 4, 5), (4, 3, 2), dict(stride=3, padding=0, output_padding=2, dilation=2, groups=2), False),
    ]:
        leaves = {"x": random(*shape), "weight": random(*weight)}
        leaves |= {"bias": random(weight[1] * parameters["groups"])} if bias else {}
        case(
            "conv_transpose1d",
            parameters,
            leaves,
            lambda x, weight, bias=None: F.conv_transpose1d(x, weight, bias, **parameters),
        )
    for kernel, stride, padding, ceil_mode, count_include_pad in [
        (2, 2, 0, False, True),
        (3, 2, 1, True, False),
        (5, 3, 2, False, True),
    ]:
        window = {"kernel": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
        x = random(2, 3, 14)
        case("max_pool1d", window, {"x": x}, lambda x: F.max_pool1d(x, kernel, stride, padding, 1, ceil_mode))
        case(
            "avg_pool1d",
            {**window, "count_include_pad": count_include_pad},
            {"x": x},
            lambda x: F.avg_pool1d(x, kernel, stride, padding, ceil_mode, count_include_pad),
        )
    for p in (1, 2, 3):
        # PyTorch takes the sum's own sign; of positive numbers there is but one norm.
        case(
            "lp_pool1d",
            {"p": p, "kernel": 3, "stride": 2},
            {"x": random(2, 3, 11).abs() + 0.1},
            lambda x: F.lp_pool1d(x, p, 3, 2),
        )
    for extent, output in [(12, 4), (11, 5), (3, 7)]:
        x = random(2, 3, extent)
        case("adaptive_avg_pool1d", {"output": output}, {"x": x}, lambda x: F.adaptive_avg_pool1d(x, output))
        case("adaptive_max_pool1d", {"output": output}, {"x": x}, lambda x: F.adaptive_max_pool1d(x, output))
    x, mean, var = random(4, 3, 7), random(3), torch.rand(3).double() + 0.5
    affine = {"weight": torch.rand(3).double() + 0.5, "bias": random(3)}
    for x in (x, random(6, 3)):
        case(
            "batch_norm",
            {"eps": f32(1e-3)},
            {"x": x, **affine},
            lambda x, weight, bias: F.batch_norm(x, None, None, weight, bias, True, 0.1, f32(1e-3)),
            {"running_mean": mean, "running_var": var},
        )


def volumes(case):
    for shape, weight, parameters in [
        ((2, 3, 3, 2, 4), (3, 2, 2, 3, 2), dict(stride=[2, 1, 2], dilation=[1, 2, 1], groups=1)),
        ((1, 4, 2, 3, 2), (4, 1, 3, 2, 2), dict(stride=[3, 2, 1], dilation=[2, 1, 1], groups=2)),
    ]:
        case(
            "conv_transpose3d",
            parameters,
            {"x": random(*shape), "weight": random(*weight)},
            lambda x, weight: F.conv_transpose3d(x, weight, **parameters),
        )


def pools(case, golden):
    for shape, output, ties in [
        ((2, 3, 8, 6), [4, 3], False),
        ((2, 3, 7, 5), [3, 2], False),
        ((2, 2, 7, 9), [5, 4], True),
        ((1, 2, 3, 2), [5, 7], False),
        ((1, 2, 6, 5), [1, 1], False),
    ]:
        x = random(*shape).round() if ties else random(*shape)
        name = case("adaptive_max_pool2d", {"output": output}, {"x": x}, lambda x: F.adaptive_max_pool2d(x, output))
        golden.add(name, {"indices": F.adaptive_max_pool2d(x, output, return_indices=True)[1]})
    for shape, kernel, stride, padding, size in [
        ((2, 3, 6, 8), [2, 2], [2, 2], [0, 0], None),
        ((1, 2, 7, 9), [3, 2], [3, 2], [1, 1], [7, 9]),
        ((2, 2, 7, 7), [2, 3], [2, 3], [0, 0], [7, 8]),
    ]:
        y, indices = F.max_pool2d(random(*shape), kernel, stride, padding, return_indices=True)
        if size == [7, 8]:
            # As if the image had been a column wider.
            indices = indices // 7 * 8 + indices % 7
        # Its windows do not overlap, so that the order of threads, for which PyTorch refuses it, does not matter.
        torch.use_deterministic_algorithms(False)
        case(
            "max_unpool2d",
            {"kernel": kernel, "stride": stride, "padding": padding, "output": size},
            {"x": y},
            lambda x: F.max_unpool2d(x, indices, kernel, stride, padding, size),
            {"indices": indices},
        )
        torch.use_deterministic_algorithms(True)
    for shape, size in [((2, 3, 8, 6), [4, 2]), ((1, 2, 7, 5), [3, 4]), ((1, 2, 3, 4), [5, 9])]:
        case("resize_area", {"size": size}, {"x": random(*shape)}, lambda x: F.interpolate(x, size, mode="area"))


def sampling(case):
    for shape, padding in [((2, 3, 5, 4), [[0, 0], [0, 0], [2, 1], [3, 0]]), ((2, 3, 6), [[0, 0], [0, 0], [5, 2]])]:
        pairs = [number for pair in reversed(padding) for number in pair]
        while pairs[-2:] == [0, 0]:
            pairs = pairs[:-2]
        for mode in ("reflect", "replicate", "circular"):
            case(
                "pad_mode",
                {"mode": mode, "before": [pair[0] for pair in padding], "after": [pair[1] for pair in padding]},
                {"x": random(*shape)},
                lambda x: F.pad(x, pairs, mode=mode),
            )
    for mode in ("nearest", "bilinear", "bicubic"):
        for outside in ("zeros", "border", "reflection"):
            for align in (False, True):
                case(
                    "grid_sample",
                    {"mode": mode, "outside": outside, "align_corners": align},
                    {"x": random(2, 3, 4, 5), "grid": 0.9 * random(2, 3, 2, 2)},
                    lambda x, grid: F.grid_sample(x, grid, mode, outside, align),
                )
    case(
        "grid_sample",
        {"mode": "bilinear", "outside": "border", "align_corners": False},
        {"x": random(2, 2, 3, 4, 3), "grid": 0.9 * random(2, 2, 3, 1, 3)},
        lambda x, grid: F.grid_sample(x, grid, "bilinear", "border", False),
    )
    for size, align in [([3, 4], False), ([5, 1], True), ([2, 3, 4], False), ([3, 1, 2], True)]:
        axes = len(size)
        case(
            "affine_grid",
            {"size": size, "align_corners": align},
            {"x": random(2, axes, axes + 1)},
            lambda x: F.affine_grid(x, [2, 3, *size], align),
        )
