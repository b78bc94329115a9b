"""Losses that are composed of other operations, in f64: the golden file of tests/loss/composed.rs."""

import math

import torch
import torch.nn.functional as F
import torchvision.ops
from golden_file import Golden, f32

REDUCTIONS = ["none", "mean", "sum"]


def random(*shape):
    return torch.randn(shape).double()


def unit(*shape):
    """Between 0 and 1, and float32."""
    return torch.rand(shape).mul(0.9).add(0.05).float().double()


def losses():
    golden = Golden("losses")
    count = {}

    def case(op, parameters, leaves, function, others=None):
        """Stores the operands, y, a random grad_y and the gradient of each leaf."""
        count[op] = count.get(op, -1) + 1
        name = f"{op}_{count[op]}"
        leaves = {role: tensor.clone().requires_grad_(True) for role, tensor in leaves.items()}
        golden.case(name, op, parameters)
        golden.add(name, leaves)
        golden.add(name, others or {})
        y = function(**leaves)
        grad_y = random(*y.shape)
        golden.add(name, {"y": y, "grad_y": grad_y})
        gradients = torch.autograd.grad(y, list(leaves.values()), grad_y)
        golden.add(name, {"grad_" + role: gradient for role, gradient in zip(leaves, gradients)})

    shape = (3, 7)
    for reduction in REDUCTIONS:
        said = {"reduction": reduction}
        pair = lambda: {"x": random(*shape), "target": random(*shape)}
        case("mse_loss", said, pair(), lambda x, target: F.mse_loss(x, target, reduction=reduction))
        case("l1_loss", said, pair(), lambda x, target: F.l1_loss(x, target, reduction=reduction))
        for beta in [1.0, 0.25, 0.0]:
            function = lambda x, target: F.smooth_l1_loss(x, target, reduction=reduction, beta=beta)
            case("smooth_l1_loss", {**said, "beta": beta}, pair(), function)
        for delta in [1.0, 0.5]:
            function = lambda x, target: F.huber_loss(x, target, reduction=reduction, delta=delta)
            case("huber_loss", {**said, "delta": delta}, pair(), function)
        binary(case, reduction)
        focal(case, reduction)
        divergences(case, reduction)
        vectors(case, reduction)
        overlaps(case, reduction)
    for log_target in [False, True]:
        target = torch.softmax(random(4, 5), 1).float().double()
        target = target.log().float().double() if log_target else target
        function = lambda x, target: F.kl_div(x, target, reduction="batchmean", log_target=log_target)
        leaves = {"x": torch.log_softmax(random(4, 5), 1).float().double(), "target": target}
        case("kl_div", {"reduction": "batchmean", "log_target": log_target}, leaves, function)
    far(case)
    golden.save()


def binary(case, reduction):
    shape, said = (4, 5), {"reduction": reduction}
    for weighted in [False, True]:
        others = {"target": unit(*shape)}
        weight = None
        if weighted:
            # Some count for nothing.
            weight = others["weight"] = (unit(*shape) * (torch.rand(shape) > 0.3)).float().double()
        function = lambda x: F.binary_cross_entropy(x, others["target"], weight, reduction=reduction)
        case("binary_cross_entropy", said, {"x": unit(*shape)}, function, others)
    for weight, pos_weight in [(None, None), (unit(5), None), (None, 3 * unit(5)), (unit(4, 1), 3 * unit(4, 5))]:
        others = {role: tensor for role, tensor in [("weight", weight), ("pos_weight", pos_weight)] if tensor is not None}
        others = {role: tensor.float().double() for role, tensor in others.items()}
        function = lambda x, target: F.binary_cross_entropy_with_logits(
            x, target, others.get("weight"), reduction=reduction, pos_weight=others.get("pos_weight")
        )
        case("binary_cross_entropy_with_logits", said, {"x": 3 * random(*shape), "target": unit(*shape)}, function, others)


def focal(case, reduction):
    shape = (4, 5)
    for alpha, gamma, hard in [(0.25, 2.0, True), (None, 2.0, False), (0.75, 0.0, True), (0.5, 1.0, False), (0.25, 1.5, True)]:
        target = unit(*shape)
        if hard:
            target = target.round()
        parameters = {"reduction": reduction, "gamma": gamma}
        if alpha is not None:
            parameters["alpha"] = alpha
        function = lambda x: torchvision.ops.sigmoid_focal_loss(
            x, target, -1 if alpha is None else alpha, gamma, reduction
        )
        case("sigmoid_focal_loss", parameters, {"x": 2 * random(*shape)}, function, {"target": target})
    for gamma, weighted, ignored in [(2.0, False, None), (1.5, True, None), (0.5, True, 1), (0.0, False, 0)]:
        labels = torch.randint(0, 3, (2, 4))
        alpha = unit(3)

        def function(x):
            logs = torch.log_softmax(x, 1).gather(1, labels[:, None])[:, 0]
            each = -((1 - logs.exp()) ** gamma) * logs
            if weighted:
                each = each * alpha[labels]
            counted = torch.ones_like(each) if ignored is None else (labels != ignored).double()
            each = each * counted
            return {"none": each, "sum": each.sum(), "mean": each.sum() / counted.sum()}[reduction]

        parameters = {"reduction": reduction, "gamma": gamma}
        if ignored is not None:
            parameters["ignore_index"] = ignored
        others = {"labels": labels, "alpha": alpha} if weighted else {"labels": labels}
        case("softmax_focal_loss", parameters, {"x": random(2, 3, 4)}, function, others)


def divergences(case, reduction):
    for log_target in [False, True]:
        target = torch.softmax(random(4, 5), 1).float().double()
        target = target.log().float().double() if log_target else target
        function = lambda x, target: F.kl_div(x, target, reduction=reduction, log_target=log_target)
        leaves = {"x": torch.log_softmax(random(4, 5), 1).float().double(), "target": target}
        case("kl_div", {"reduction": reduction, "log_target": log_target}, leaves, function)
    sharp = F.one_hot(torch.tensor([1, 0, 4, 2]), 5).double()
    x = torch.log_softmax(random(4, 5), 1).float().double()
    function = lambda x: F.kl_div(x, sharp, reduction=reduction)
    case("kl_div", {"reduction": reduction, "log_target": False}, {"x": x}, function, {"target": sharp})
    for shape, smoothing, weighted in [((4, 5), 0.0, False), ((2, 3, 4), 0.1, True)]:
        others = {"weights": unit(shape[1])} if weighted else {}
        function = lambda x, target: F.cross_entropy(
            x, target, others.get("weights"), reduction=reduction, label_smoothing=f32(smoothing)
        )
        leaves = {"x": random(*shape), "target": torch.softmax(random(*shape), 1).float().double()}
        parameters = {"reduction": reduction, "label_smoothing": smoothing}
        case("soft_cross_entropy", parameters, leaves, function, others)


def vectors(case, reduction):
    said = {"reduction": reduction}
    signs = lambda *shape: torch.randint(0, 2, shape).double() * 2 - 1
    if reduction == "none":
        for shape, axis in [((3, 5), 1), ((2, 4, 3), 1), ((2, 4, 3), 0)]:
            function = lambda x, other: F.cosine_similarity(x, other, dim=axis, eps=f32(1e-8))
            case("cosine_similarity", {"axis": axis}, {"x": random(*shape), "other": random(*shape)}, function)
    for margin in [0.0, 0.3]:
        target = signs(6)
        function = lambda x, other: F.cosine_embedding_loss(x, other, target, f32(margin), reduction=reduction)
        leaves = {"x": random(6, 4), "other": random(6, 4)}
        case("cosine_embedding_loss", {**said, "margin": margin}, leaves, function, {"target": target})
        for op, function in [
            ("margin_ranking_loss", lambda x, other: F.margin_ranking_loss(x, other, target, f32(margin), reduction=reduction)),
        ]:
            case(op, {**said, "margin": margin}, {"x": random(6), "other": random(6)}, function, {"target": target})
        target = signs(3, 4)
        function = lambda x: F.hinge_embedding_loss(x, target, 1 + f32(margin), reduction=reduction)
        case("hinge_embedding_loss", {**said, "margin": 1 + margin}, {"x": random(3, 4)}, function, {"target": target})
    for p, swap, margin in [(2.0, False, 1.0), (2.0, True, 0.5), (1.0, True, 2.0), (3.0, False, 1.0)]:
        function = lambda x, near, far: F.triplet_margin_loss(
            x, near, far, margin=margin, p=p, eps=f32(1e-6), swap=swap, reduction=reduction
        )
        leaves = {"x": random(5, 4), "near": random(5, 4), "far": random(5, 4)}
        case("triplet_margin_loss", {**said, "p": p, "swap": swap, "margin": margin}, leaves, function)
    for temperature in [1.0, 0.1]:
        labels = torch.arange(5)

        def info_nce(x, other):
            similar = F.normalize(x) @ F.normalize(other).T / f32(temperature)
            return F.cross_entropy(similar, labels, reduction=reduction)

        def nt_xent(x, other):
            both = F.normalize(torch.cat([x, other]))
            similar = (both @ both.T / f32(temperature)).masked_fill(torch.eye(10, dtype=torch.bool), -math.inf)
            return F.cross_entropy(similar, torch.cat([labels + 5, labels]), reduction=reduction)

        for op, function in [("info_nce_loss", info_nce), ("nt_xent_loss", nt_xent)]:
            leaves = {"x": random(5, 3), "other": random(5, 3)}
            case(op, {**said, "temperature": temperature}, leaves, function)


def overlaps(case, reduction):
    """No function of PyTorch's: the formulas of the papers."""

    def joined(each):
        return {"none": each, "sum": each.sum(), "mean": each.mean()}[reduction]

    for shape, smooth in [((2, 3, 4), 1.0), ((2, 1, 3, 5), 0.5), ((1, 2, 2, 3, 2), 0.0)]:
        axes = tuple(range(2, len(shape)))

        def dice(x, target):
            above = 2 * (x * target).sum(axes) + smooth
            return joined(1 - above / (x.sum(axes) + target.sum(axes) + smooth))

        leaves = {"x": unit(*shape), "target": unit(*shape)}
        case("dice_loss", {"reduction": reduction, "smooth": smooth}, leaves, dice)
    for over_batch in [False, True]:
        alpha, beta = 0.25, 0.75
        axes = (0, 2, 3) if over_batch else (2, 3)

        def tversky(x, target):
            hit = (x * target).sum(axes) + 1
            more, less = (x * (1 - target)).sum(axes), ((1 - x) * target).sum(axes)
            return joined(1 - hit / (hit + alpha * more + beta * less))

        parameters = {"reduction": reduction, "alpha": alpha, "beta": beta, "smooth": 1.0, "over_batch": over_batch}
        case("tversky_loss", parameters, {"x": unit(2, 3, 2, 4), "target": unit(2, 3, 2, 4)}, tversky)


def far(case):
    """Logits of ±100 and beyond, probabilities of 0 and 1."""
    x = torch.tensor([-100.0, -100.0, 100.0, 100.0, -1000.0, 1000.0, -30.0, 30.0, 0.0]).double()
    target = torch.tensor([0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.5, 0.5, 1.0]).double()
    said = {"reduction": "none"}
    function = lambda x: F.binary_cross_entropy_with_logits(x, target, reduction="none")
    case("binary_cross_entropy_with_logits", said, {"x": x}, function, {"target": target})
    for gamma in [2.0, 1.5]:
        # torchvision's 1 - p_t is 0 where p_t rounds to 1; its gradient is then finite for these.
        function = lambda x: torchvision.ops.sigmoid_focal_loss(x, target, 0.25, gamma, "none")
        case("sigmoid_focal_loss", {**said, "gamma": gamma, "alpha": 0.25}, {"x": x}, function, {"target": target})
    p = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.5]).double()
    t = torch.tensor([0.0, 1.0, 1.0, 0.0, 0.5]).double()
    function = lambda x: F.binary_cross_entropy(x, t, reduction="none")
    case("binary_cross_entropy", said, {"x": p}, function, {"target": t})
    rows = torch.tensor([[100.0, -100.0, 0.0], [-100.0, 100.0, 100.0], [1000.0, 0.0, -1000.0]]).double()
    soft = torch.tensor([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]).double()
    function = lambda x: F.cross_entropy(x, soft, reduction="none")
    case("soft_cross_entropy", {**said, "label_smoothing": 0.0}, {"x": rows}, function, {"target": soft})
