"""Learning rates step by step, clipped gradients, averaged weights: the golden file of tests/optimizer/optim.rs."""

import copy
import warnings

import torch
from golden_file import Golden, f32
from torch.optim import lr_scheduler as schedulers


def random(*shape):
    return torch.randn(shape).double()


def rates(make, steps, metrics=None):
    """The rate of each step, in f64."""
    weight = torch.nn.Parameter(torch.zeros(1).double())
    optimizer = torch.optim.SGD([weight], lr=f32(0.1))
    scheduler = make(optimizer)
    found = []
    for step in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        with warnings.catch_warnings():
            # SequentialLR itself uses what PyTorch deprecates.
            warnings.simplefilter("ignore")
            scheduler.step(*([] if metrics is None else [metrics[step]]))
    return torch.tensor(found).double()


def one_cycle(steps, **options):
    return lambda optimizer: schedulers.OneCycleLR(
        optimizer, max_lr=f32(0.1), total_steps=steps, cycle_momentum=False, **options
    )


def warmup(steps, factor, then):
    return lambda optimizer: schedulers.SequentialLR(
        optimizer, [schedulers.LinearLR(optimizer, factor, total_iters=steps), then(optimizer)], milestones=[steps]
    )


def schedules():
    golden = Golden("schedules")

    def case(name, op, parameters, make, steps, metrics=None):
        golden.case(name, op, parameters)
        golden.add(name, {"lr": rates(make, steps, metrics)})
        if metrics is not None:
            golden.add(name, {"metrics": torch.tensor(metrics).double()})

    for every, gamma in [(3, 0.5), (7, f32(0.1))]:
        make = lambda optimizer: schedulers.StepLR(optimizer, every, gamma)
        case(f"step_{every}", "step", {"every": every, "gamma": gamma}, make, 25)
    case("exponential", "exponential", {"gamma": 0.9}, lambda o: schedulers.ExponentialLR(o, 0.9), 40)
    milestones = [3, 5, 5, 12]
    make = lambda optimizer: schedulers.MultiStepLR(optimizer, milestones, 0.3)
    case("multi_step", "multi_step", {"milestones": milestones, "gamma": 0.3}, make, 20)
    for steps, power in [(17, 1.0), (10, 2.0), (10, 0.9)]:
        make = lambda optimizer: schedulers.PolynomialLR(optimizer, steps, power)
        case(f"polynomial_{steps}_{power}", "polynomial", {"steps": steps, "power": power}, make, 20)
    for steps, low in [(13, 0.0), (20, f32(0.01))]:
        make = lambda optimizer: schedulers.CosineAnnealingLR(optimizer, steps, low)
        # Up to T_max: beyond it PyTorch's rises again.
        case(f"cosine_{steps}", "cosine", {"steps": steps, "min_lr": low}, make, steps + 1)
    for period, factor, low in [(5, 1, 0.0), (4, 2, f32(0.001)), (1, 3, 0.0)]:
        make = lambda optimizer: schedulers.CosineAnnealingWarmRestarts(optimizer, period, factor, low)
        case(f"restarts_{period}_{factor}", "restarts", {"period": period, "factor": factor, "min_lr": low}, make, 45)
    defaults = dict(pct_start=0.3, anneal="cos", div_factor=25.0, final_div_factor=1e4, three_phase=False)
    others = [
        dict(),
        dict(anneal="linear"),
        dict(three_phase=True),
        dict(three_phase=True, anneal="linear", pct_start=0.4, div_factor=10.0, final_div_factor=100.0),
        dict(pct_start=0.05, div_factor=2.0),
    ]
    for (index, other), steps in [(pair, steps) for pair in enumerate(others) for steps in (10, 37)]:
        parameters = {**defaults, **other}
        options = dict(parameters)
        options["anneal_strategy"] = options.pop("anneal")
        name = f"one_cycle_{index}_{steps}"
        case(name, "one_cycle", {**parameters, "steps": steps}, one_cycle(steps, **options), steps)
    for steps, factor in [(5, 0.2), (8, 0.01)]:
        make = warmup(steps, factor, lambda optimizer: schedulers.ExponentialLR(optimizer, 0.9))
        case(f"warmup_{steps}", "warmup_exponential", {"steps": steps, "start_factor": factor, "gamma": 0.9}, make, 25)
    make = warmup(4, 0.1, lambda optimizer: schedulers.MultiStepLR(optimizer, milestones, 0.3))
    parameters = {"steps": 4, "start_factor": 0.1, "milestones": milestones, "gamma": 0.3}
    case("warmup_multi_step", "warmup_multi_step", parameters, make, 25)
    plateau(case)
    clipping(golden)
    averaging(golden)
    golden.save()


def plateau(case):
    falling = [1.0 / (1 + step) for step in range(12)] + [0.1, 0.09, 0.0899999, 0.09, 0.08, 0.08]
    stuck = [2.0, 1.0] + [1.0] * 30
    rising = [0.1, 0.5, 0.5, 0.51, 0.5, 0.505, 0.52, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.6, 0.6, 0.6]
    defaults = dict(mode="min", factor=0.1, patience=10, threshold=1e-4, threshold_mode="rel", cooldown=0, min_lr=0.0, eps=1e-8)
    cases = [
        (stuck, dict()),
        (falling, dict(patience=1, factor=0.5)),
        (stuck, dict(patience=2, factor=0.5, cooldown=3)),
        (stuck, dict(patience=0, factor=0.3, min_lr=0.002)),
        (stuck, dict(patience=1, factor=0.5, eps=0.01)),
        (rising, dict(mode="max", patience=2, factor=0.5, threshold=0.05)),
        (rising, dict(mode="max", patience=1, factor=0.5, threshold=0.02, threshold_mode="abs", cooldown=1)),
        (falling, dict(patience=0, factor=0.7, threshold=0.02, threshold_mode="abs")),
        ([-value for value in rising], dict(patience=1, factor=0.5, threshold=0.05)),
    ]
    for index, (metrics, options) in enumerate(cases):
        parameters = {**defaults, **options}
        make = lambda optimizer: schedulers.ReduceLROnPlateau(optimizer, **parameters)
        case(f"plateau_{index}", "plateau", parameters, make, len(metrics), metrics)


def clipping(golden):
    """Gradients of three tensors, and what PyTorch's functions make of them."""
    shapes = [(3, 5), (7,), (2, 3, 2, 2)]
    for name, bound, kind, size in [
        ("clip_norm_2", 1.5, 2.0, 1.0),
        ("clip_norm_1", 4.0, 1.0, 1.0),
        ("clip_norm_3", 0.5, 3.0, 1.0),
        ("clip_norm_inf", 0.75, float("inf"), 1.0),
        ("clip_norm_below", 1000.0, 2.0, 1.0),
        ("clip_norm_small", 1e-3, 2.0, 1e-4),
        ("clip_norm_zero", 1.0, 2.0, 0.0),
    ]:
        leaves = [torch.nn.Parameter(torch.zeros(shape).double()) for shape in shapes]
        for leaf in leaves:
            leaf.grad = (random(*leaf.shape) * size).float().double()
        golden.case(name, "clip_norm", {"max_norm": f32(bound), "norm_type": "inf" if kind == float("inf") else kind})
        golden.add(name, {f"g{index}": leaf.grad.clone() for index, leaf in enumerate(leaves)})
        norm = torch.nn.utils.clip_grad_norm_(leaves, f32(bound), kind)
        golden.add(name, {f"clipped{index}": leaf.grad for index, leaf in enumerate(leaves)})
        golden.add(name, {"norm": norm})
    leaf = torch.nn.Parameter(torch.zeros(3, 5).double())
    leaf.grad = random(3, 5)
    golden.case("clip_value", "clip_value", {"most": f32(0.4)})
    golden.add("clip_value", {"g0": leaf.grad.clone()})
    torch.nn.utils.clip_grad_value_([leaf], f32(0.4))
    golden.add("clip_value", {"clipped0": leaf.grad})


def averaging(golden):
    """Weights over some steps, and what AveragedModel keeps of them."""
    from torch.optim.swa_utils import AveragedModel

    decay = 0.9
    for name, function in [("average_equal", None), ("average_exponential", lambda a, p, n: decay * a + (1 - decay) * p)]:
        model = torch.nn.Linear(4, 3, bias=False).double()
        golden.case(name, "average", {"decay": decay, "exponential": function is not None})
        with torch.no_grad():
            model.weight.copy_(random(3, 4))
        averaged = AveragedModel(model, avg_fn=function)
        # The first update of an AveragedModel copies; timm's ModelEma, which blends, has done so at its beginning.
        averaged.update_parameters(model)
        golden.add(name, {"start": model.weight.detach().clone()})
        weights, averages = [], []
        for step in range(5):
            with torch.no_grad():
                model.weight.copy_(random(3, 4))
            averaged.update_parameters(model)
            weights.append(model.weight.detach().clone())
            averages.append(copy.deepcopy(averaged.module.weight.detach()))
        golden.add(name, {"weights": torch.stack(weights), "averages": torch.stack(averages)})
