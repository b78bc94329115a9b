"""Operations that are composed of others: the golden file of tests/composite.rs."""

import torch
import torch.nn.functional as F
from golden_file import Golden, f32


def random(*shape):
    return torch.randn(shape).double()


def leaf(tensor):
    return tensor.clone().requires_grad_(True)


class Cases:
    """Adds cases to a golden file, numbered by their operation."""

    def __init__(self, golden):
        self.golden, self.count = golden, {}

    def __call__(self, op, parameters, leaves, function, others=None):
        """Stores the operands, y, a random grad_y and the gradient of each leaf."""
        golden, count = self.golden, self.count
        count[op] = count.get(op, -1) + 1
        name = f"{op}_{count[op]}"
        leaves = {role: leaf(tensor) for role, tensor in leaves.items()}
        golden.case(name, op, parameters)
        golden.add(name, leaves)
        golden.add(name, others or {})
        y = function(**leaves)
        grad_y = random(*y.shape)
        golden.add(name, {"y": y, "grad_y": grad_y})
        gradients = torch.autograd.grad(y, list(leaves.values()), grad_y)
        golden.add(name, {"grad_" + role: gradient for role, gradient in zip(leaves, gradients)})
        return name


def composites():
    golden = Golden("composite")
    case = Cases(golden)

    eps = f32(1e-3)
    for shape, first in [((3, 4, 5), 1), ((2, 3, 7), 2), ((4, 6), 0)]:
        x, weight, bias = random(*shape), random(*shape[first:]), random(*shape[first:])
        case(
            "layer_norm",
            {"first": first, "eps": eps},
            {"x": x, "weight": weight, "bias": bias},
            lambda x, weight, bias: F.layer_norm(x, shape[first:], weight, bias, eps),
        )
    case("layer_norm", {"first": 1, "eps": eps}, {"x": random(3, 9)}, lambda x: F.layer_norm(x, (9,), eps=eps))
    for shape, groups in [((2, 6, 3, 2), 3), ((3, 4, 5), 1), ((2, 4, 3), 4)]:
        channels = shape[1]
        case(
            "group_norm",
            {"groups": groups, "eps": eps},
            {"x": random(*shape), "weight": random(channels), "bias": random(channels)},
            lambda x, weight, bias: F.group_norm(x, groups, weight, bias, eps),
        )
    for shape in [(2, 3, 4, 5), (3, 2, 7), (1, 2, 2, 3, 2)]:
        case(
            "instance_norm",
            {"eps": eps},
            {"x": random(*shape), "weight": random(shape[1]), "bias": random(shape[1])},
            lambda x, weight, bias: F.instance_norm(x, weight=weight, bias=bias, eps=eps),
        )
    # PyTorch's running variance is unbiased: the biased one is said here.
    x, kept = random(3, 2, 4), f32(0.7)
    mean, var = random(2), torch.rand(2).double() + 0.5
    name = case(
        "batch_norm_biased",
        {"eps": eps, "kept": kept},
        {"x": x, "weight": random(2), "bias": random(2)},
        lambda x, weight, bias: F.batch_norm(x, None, None, weight, bias, True, 0.1, eps),
        {"running_mean": mean, "running_var": var},
    )
    # From what the file holds.
    mean, var = (golden.tensors[f"{name}/{role}"].astype("float64") for role in ("running_mean", "running_var"))
    mean, var = torch.from_numpy(mean), torch.from_numpy(var)
    batch_var, batch_mean = torch.var_mean(x, (0, 2), unbiased=False)
    golden.add(name, {"new_mean": kept * mean + (1 - kept) * batch_mean})
    golden.add(name, {"new_var": kept * var + (1 - kept) * batch_var})
    for axes in [[0, 2, 3], [1]]:

        def normalised(x):
            var, mean = torch.var_mean(x, axes, unbiased=False, keepdim=True)
            return (x - mean) / (var.sqrt() + 1e-9)

        def standardized(x):
            var, mean = torch.var_mean(x, axes, unbiased=False, keepdim=True)
            return (x - mean) / (var + eps).sqrt()

        case("mean_variance_norm", {"axes": axes}, {"x": random(2, 5, 3, 4)}, normalised)
        case("standardize", {"axes": axes, "eps": eps}, {"x": random(2, 5, 3, 4)}, standardized)
    for size, shape in [(3, (2, 5, 3, 2)), (5, (1, 7, 4)), (1, (2, 3))]:
        alpha, beta, k = f32(0.3), f32(0.6), f32(1.5)
        # PyTorch wants three axes or more.
        case(
            "local_response_norm",
            {"size": size, "alpha": alpha, "beta": beta, "k": k},
            {"x": random(*shape)},
            lambda x: F.local_response_norm(x.reshape(*shape, *[1] * (3 - len(shape))), size, alpha, beta, k).reshape(shape),
        )
    for p, axis in [(1, 1), (2, 0), (2, 2)]:
        case(
            "lp_normalize",
            {"p": p, "axis": axis},
            {"x": random(2, 5, 3)},
            lambda x: F.normalize(x, p, axis, eps=0),
        )
    for axes, keepdim in [([1], True), ([0, 2], False)]:
        parameters = {"axes": axes, "keepdim": keepdim}
        x = random(3, 4, 5)
        case("l1_norm", parameters, {"x": x}, lambda x: torch.linalg.vector_norm(x, 1, axes, keepdim))
        case("l2_norm", parameters, {"x": x}, lambda x: torch.linalg.vector_norm(x, 2, axes, keepdim))
        case("sum_of_squares", parameters, {"x": x}, lambda x: (x * x).sum(axes, keepdim))
        case("log_sum_exp", parameters, {"x": 40 * x}, lambda x: torch.logsumexp(x, axes, keepdim))
        case("log_sum", parameters, {"x": x.abs() + 0.1}, lambda x: x.sum(axes, keepdim).log())
    for axis, exclusive, reverse in [(0, False, False), (1, True, False), (2, False, True), (1, True, True)]:

        def running(x):
            x = x.flip(axis) if reverse else x
            y = x.cumsum(axis) - (x if exclusive else 0)
            return y.flip(axis) if reverse else y

        parameters = {"axis": axis, "exclusive": exclusive, "reverse": reverse}
        case("cumsum", parameters, {"x": random(3, 4, 5)}, running)
    one = [1, 1, 1]
    for shape, weight, stride, padding, dilation, groups in [
        ((2, 2, 4, 5, 3), (3, 2, 2, 3, 2), one, [0, 0, 0], one, 1),
        ((1, 4, 5, 6, 5), (6, 2, 2, 3, 3), [2, 1, 2], [1, 2, 0], [2, 1, 1], 2),
    ]:
        case(
            "conv3d",
            {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups},
            {"x": random(*shape), "weight": random(*weight), "bias": random(weight[0])},
            lambda x, weight, bias: F.conv3d(x, weight, bias, stride, padding, dilation, groups),
        )
    for kernel, stride, padding, ceil_mode, count_include_pad in [
        ([2, 2, 2], [2, 2, 2], [0, 0, 0], False, True),
        ([3, 2, 3], [2, 1, 2], [1, 1, 0], False, True),
        ([3, 2, 3], [2, 2, 2], [1, 1, 1], True, False),
        ([2, 3, 3], [2, 2, 2], [1, 0, 1], True, True),
    ]:
        window = {"kernel": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
        average = {**window, "count_include_pad": count_include_pad}
        x = random(2, 2, 5, 6, 5)
        case("max_pool3d", window, {"x": x}, lambda x: F.max_pool3d(x, kernel, stride, padding, 1, ceil_mode))
        case(
            "avg_pool3d",
            average,
            {"x": x},
            lambda x: F.avg_pool3d(x, kernel, stride, padding, ceil_mode, count_include_pad),
        )
    border, kernel, stride = [1, 0, 0, 2], [2, 3], [2, 1]
    for ceil_mode, count_include_pad in [(False, True), (True, False)]:
        window = {"border": border, "kernel": kernel, "stride": stride, "ceil_mode": ceil_mode}
        top, bottom, left, right = border

        def padded(x, value=0.0):
            return F.pad(x, (left, right, top, bottom), value=value)

        def average(x):
            if count_include_pad:
                return F.avg_pool2d(padded(x), kernel, stride, 0, ceil_mode)
            sums = F.avg_pool2d(padded(x), kernel, stride, 0, ceil_mode, divisor_override=1)
            return sums / F.avg_pool2d(padded(torch.ones_like(x)), kernel, stride, 0, ceil_mode, divisor_override=1)

        x = random(2, 3, 5, 6)
        case(
            "max_pool2d_bordered",
            window,
            {"x": x},
            lambda x: F.max_pool2d(padded(x, float("-inf")), kernel, stride, 0, 1, ceil_mode),
        )
        case("avg_pool2d_bordered", {**window, "count_include_pad": count_include_pad}, {"x": x}, average)
    case("depth_to_space", {"block": 2, "crd": True}, {"x": random(2, 8, 3, 2)}, lambda x: F.pixel_shuffle(x, 2))
    case(
        "depth_to_space",
        {"block": 2, "crd": False},
        {"x": random(2, 8, 3, 2)},
        lambda x: x.reshape(2, 2, 2, 2, 3, 2).permute(0, 3, 4, 1, 5, 2).reshape(2, 2, 6, 4),
    )
    case(
        "space_to_depth",
        {"block": 2},
        {"x": random(2, 3, 4, 6)},
        lambda x: x.reshape(2, 3, 2, 2, 3, 2).permute(0, 3, 5, 1, 2, 4).reshape(2, 12, 2, 3),
    )
    case("repeat", {"repeats": [2, 1, 3]}, {"x": random(2, 3, 2)}, lambda x: x.repeat(2, 1, 3))
    for shape, ignored, reduction, weighted in [
        ((5, 4), None, "mean", False),
        ((2, 3, 4), 1, "mean", True),
        ((2, 3, 2, 2), 0, "sum", True),
        ((3, 4), None, "none", True),
    ]:
        labels = torch.randint(0, shape[1], (shape[0], *shape[2:]))
        others = {"labels": labels}
        weight = None
        if weighted:
            weight = others["weights"] = (torch.rand(shape[1]) + 0.5).double()
        parameters = {"reduction": reduction}
        if ignored is not None:
            parameters["ignore_index"] = ignored
        case(
            "nll_loss",
            parameters,
            {"scores": random(*shape)},
            lambda scores: F.nll_loss(
                scores, labels, weight, ignore_index=-100 if ignored is None else ignored, reduction=reduction
            ),
            others,
        )
    golden.save()
