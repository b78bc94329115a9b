"""Operations that arrange, choose and sum up elements: the golden file `arrangements` of tests/composite.rs."""

import math

import torch
import torch.nn.functional as F
from composites import Cases, random
from golden_file import Golden, f32


def arrangements():
    golden = Golden("arrangements")
    case = Cases(golden)
    arranged(case)
    chosen(case, golden)
    summed(case)
    scattered(case)
    golden.save()


def arranged(case):
    for axis in (0, 1, 3):
        parts = {"x": random(2, 3, 4), "x1": random(2, 3, 4), "x2": random(2, 3, 4)}
        case("stack", {"axis": axis}, parts, lambda **parts: torch.stack(list(parts.values()), axis))
    case("unbind", {"axis": 1, "part": 2}, {"x": random(2, 4, 3)}, lambda x: x.unbind(1)[2])
    for count, axis, part in [(3, 1, 2), (2, 0, 1), (4, 1, 1)]:
        case(
            "chunk",
            {"count": count, "axis": axis, "part": part},
            {"x": random(5, 7)},
            lambda x: x.chunk(count, axis)[part],
        )
    case("split", {"axis": 1, "parts": [2, 1, 4], "part": 2}, {"x": random(3, 7, 2)}, lambda x: x.split([2, 1, 4], 1)[2])
    case("expand", {"shape": [4, 2, 3, 5]}, {"x": random(2, 1, 5)}, lambda x: x.expand(4, 2, 3, 5))
    for axes in ([0], [1, 2], [0, 1, 2, 3]):
        case("flip", {"axes": axes}, {"x": random(2, 3, 4, 5)}, lambda x: x.flip(axes))
    case("flip", {"axes": [0]}, {"x": random(9)}, lambda x: x.flip(0))
    for shifts, axes in [([1], [0]), ([-2, 5], [1, 2]), ([7], [2]), ([4], [2])]:
        case("roll", {"shifts": shifts, "axes": axes}, {"x": random(3, 5, 4)}, lambda x: x.roll(shifts, axes))
    for times, axis in [(3, 0), (2, 1), (2, 2)]:
        case(
            "repeat_interleave",
            {"times": times, "axis": axis},
            {"x": random(2, 3, 4)},
            lambda x: x.repeat_interleave(times, axis),
        )
    for shape, repeats in [((2, 3), [2, 1, 3]), ((2, 1, 3), [2])]:
        case("tile", {"repeats": repeats}, {"x": random(*shape)}, lambda x: x.tile(repeats))
    case("pixel_shuffle", {"block": 3}, {"x": random(2, 18, 2, 3)}, lambda x: F.pixel_shuffle(x, 3))
    case("pixel_unshuffle", {"block": 2}, {"x": random(2, 3, 4, 6)}, lambda x: F.pixel_unshuffle(x, 2))
    for groups in (2, 3):
        case(
            "channel_shuffle",
            {"groups": groups},
            {"x": random(2, 6, 3, 2)},
            # F.channel_shuffle has no gradient in PyTorch 1.13.
            lambda x: x.reshape(2, groups, 6 // groups, 3, 2).transpose(1, 2).reshape(2, 6, 3, 2),
        )


def chosen(case, golden):
    for shape, axis, descending, ties in [
        ((3, 7), 1, False, False),
        ((4, 5, 3), 1, True, True),
        ((70, 2), 0, False, True),
    ]:
        x = random(*shape).round() if ties else random(*shape)
        parameters = {"axis": axis, "descending": descending}
        name = case("sort", parameters, {"x": x}, lambda x: x.sort(dim=axis, descending=descending, stable=True)[0])
        golden.add(name, {"indices": x.sort(dim=axis, descending=descending, stable=True)[1]})
    for shape, mask in [((3, 4, 5), (4, 5)), ((3, 1), (2, 3, 4))]:
        condition = (torch.rand(mask) < 0.4).double()
        case(
            "masked_fill",
            {"value": f32(-1.5)},
            {"x": random(*shape)},
            lambda x: torch.where(condition != 0, torch.tensor(f32(-1.5)).double(), x),
            {"mask": condition},
        )
    indices = torch.tensor([[3, 0, 1], [3, 3, 5]])
    for padding in (None, 3):
        parameters = {} if padding is None else {"padding_idx": padding}
        case(
            "embedding",
            parameters,
            {"x": random(6, 4)},
            lambda x: F.embedding(indices, x, padding),
            {"indices": indices},
        )
    indices = torch.tensor([2, 0, 2, 1])
    for axis in (0, 1):
        case("index_select", {"axis": axis}, {"x": random(4, 3, 2)}, lambda x: x.index_select(axis, indices), {"indices": indices})
    indices = torch.tensor([[1, 0, 2, 2], [0, 0, 1, 2]])
    case("gather_elements", {"axis": 0}, {"x": random(3, 4)}, lambda x: x.gather(0, indices), {"indices": indices})


def summed(case):
    for axes, keepdim in [([1], True), ([0, 2], False), ([0, 1, 2], False)]:
        parameters = {"axes": axes, "keepdim": keepdim}
        x = random(3, 4, 5) + 2
        for correction in (0, 1):
            unbiased = correction == 1
            given = {**parameters, "correction": correction}
            case("var", given, {"x": x}, lambda x: x.var(axes, unbiased, keepdim))
            case("std", given, {"x": x}, lambda x: x.std(axes, unbiased, keepdim))
        for p in (0.5, 1, 2, 3, 2.5, math.inf, -math.inf):
            given = {**parameters, "p": str(p)}
            case("norm", given, {"x": random(3, 4, 5)}, lambda x: torch.linalg.vector_norm(x, p, axes, keepdim))
        case("amax", parameters, {"x": x.round()}, lambda x: x.amax(axes, keepdim))
        case("amin", parameters, {"x": x.round()}, lambda x: x.amin(axes, keepdim))
        case("logsumexp", parameters, {"x": 30 * x}, lambda x: x.logsumexp(axes, keepdim))
    case("std", {"axes": [1], "keepdim": False, "correction": 1}, {"x": torch.full((2, 3), 1.5).double()}, lambda x: x.std(1))
    zeros = torch.zeros(2, 3).double()
    for p in (2, 3):
        case(
            "norm",
            {"axes": [1], "keepdim": False, "p": str(p)},
            {"x": zeros},
            lambda x: torch.linalg.vector_norm(x, p, 1),
        )


def scattered(case):
    """Whole numbers, of which some are equal: the largest share the gradient."""
    indices = torch.tensor([[1, 0, 2, 2], [1, 0, 1, 2], [1, 1, 0, 0]])
    for reduction in ("sum", "amax", "amin"):
        case(
            "scatter_reduce",
            {"axis": 0, "reduction": reduction},
            {"x": random(3, 4).round(), "updates": random(3, 4).round()},
            lambda x, updates: x.scatter_reduce(0, indices, updates, reduction),
            {"indices": indices},
        )
    places = torch.tensor([2, 0, 2])
    case(
        "index_add",
        {"axis": 1},
        {"x": random(2, 4, 3), "updates": random(2, 3, 3)},
        lambda x, updates: x.index_add(1, places, updates),
        {"indices": places},
    )
