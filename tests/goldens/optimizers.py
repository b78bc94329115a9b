"""Optimizers, in f64: the golden file of tests/optimizer.rs."""

import torch
from golden_file import Golden, f32


def random(*shape):
    return torch.randn(shape).double()


def leaf(tensor):
    return tensor.clone().requires_grad_(True)


class Lamb(torch.optim.Optimizer):
    """Algorithm 2 of arXiv 1904.00962 with the identity as phi; PyTorch has no LAMB."""

    def __init__(self, parameters, lr, betas, eps, weight_decay):
        super().__init__(parameters, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for x in group["params"]:
                state = self.state[x]
                if not state:
                    state.update(step=0, exp_avg=torch.zeros_like(x), exp_avg_sq=torch.zeros_like(x))
                state["step"] += 1
                m = state["exp_avg"] = beta1 * state["exp_avg"] + (1 - beta1) * x.grad
                v = state["exp_avg_sq"] = beta2 * state["exp_avg_sq"] + (1 - beta2) * x.grad**2
                m, v = m / (1 - beta1 ** state["step"]), v / (1 - beta2 ** state["step"])
                update = m / (v.sqrt() + group["eps"]) + group["weight_decay"] * x
                norms = x.norm(), update.norm()
                trust = norms[0] / norms[1] if norms[0] > 0 and norms[1] > 0 else 1.0
                x -= group["lr"] * trust * update


ALGORITHMS = {
    "sgd": torch.optim.SGD,
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
    "rmsprop": torch.optim.RMSprop,
    "lamb": Lamb,
}

# What a case keeps of the state, and PyTorch's names of it.
ROLES = [
    ("buffer", "momentum_buffer"),
    ("first", "exp_avg"),
    ("second", "exp_avg_sq"),
    ("largest", "max_exp_avg_sq"),
    ("square", "square_avg"),
    ("mean", "grad_avg"),
]


def with_betas(parameters):
    parameters = dict(parameters)
    if "beta1" in parameters:
        parameters["betas"] = (parameters.pop("beta1"), parameters.pop("beta2"))
    return parameters


def optimizer():
    golden = Golden("optimizer")
    sgd = dict(lr=0.1, momentum=0.0, dampening=0.0, nesterov=False, weight_decay=0.0)
    adamw = dict(lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2)
    adam = {**adamw, "weight_decay": 0.0, "amsgrad": False}
    rmsprop = dict(lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False)
    lamb = {**adamw, "eps": 1e-6}
    cases = [
        ("sgd_plain", "sgd", sgd),
        ("sgd_decay", "sgd", {**sgd, "weight_decay": 0.05}),
        ("sgd_momentum", "sgd", {**sgd, "momentum": 0.9}),
        ("sgd_momentum_decay", "sgd", {**sgd, "momentum": 0.9, "weight_decay": 5e-4}),
        ("sgd_dampening", "sgd", {**sgd, "momentum": 0.8, "dampening": 0.3}),
        ("sgd_nesterov", "sgd", {**sgd, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
        ("adamw_default", "adamw", adamw),
        ("adamw_other", "adamw", {**adamw, "lr": 0.02, "beta1": 0.8, "beta2": 0.95, "eps": 1e-3, "weight_decay": 0.1}),
        ("adamw_no_decay", "adamw", {**adamw, "lr": 0.01, "weight_decay": 0.0}),
        ("adam_default", "adam", adam),
        ("adam_decay", "adam", {**adam, "lr": 0.02, "beta1": 0.8, "beta2": 0.6, "eps": 1e-3, "weight_decay": 0.1}),
        ("adam_amsgrad", "adam", {**adam, "lr": 0.02, "beta2": 0.6, "amsgrad": True}),
        ("adam_amsgrad_decay", "adam", {**adam, "lr": 0.02, "beta2": 0.5, "weight_decay": 0.05, "amsgrad": True}),
        ("rmsprop_default", "rmsprop", rmsprop),
        ("rmsprop_decay", "rmsprop", {**rmsprop, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.1}),
        ("rmsprop_momentum", "rmsprop", {**rmsprop, "momentum": 0.9}),
        ("rmsprop_centered", "rmsprop", {**rmsprop, "alpha": 0.8, "eps": 1e-3, "centered": True}),
        (
            "rmsprop_everything",
            "rmsprop",
            {**rmsprop, "alpha": 0.8, "eps": 1e-3, "weight_decay": 0.02, "momentum": 0.5, "centered": True},
        ),
        ("lamb_default", "lamb", lamb),
        ("lamb_other", "lamb", {**lamb, "lr": 0.05, "beta1": 0.8, "beta2": 0.95, "eps": 1e-3, "weight_decay": 0.3}),
        ("lamb_no_decay", "lamb", {**lamb, "lr": 0.01, "weight_decay": 0.0}),
        ("lamb_from_zero", "lamb", {**lamb, "lr": 0.01}),
    ]
    steps, count = 5, 37
    for case, op, parameters in cases:
        parameters = {key: value if isinstance(value, bool) else f32(value) for key, value in parameters.items()}
        parameter, gradients = leaf(random(count)), random(steps, count)
        if case == "lamb_from_zero":
            parameter = leaf(torch.zeros(count).double())
        golden.case(case, op, parameters)
        golden.add(case, {"parameter": parameter, "gradients": gradients})
        algorithm = ALGORITHMS[op]([parameter], **with_betas(parameters))
        after = []
        for gradient in gradients:
            parameter.grad = gradient.clone()
            algorithm.step()
            after.append(parameter.detach().clone())
        golden.add(case, {"parameters": torch.stack(after)})
        state = algorithm.state[parameter]
        for role, key in ROLES:
            if state.get(key) is not None:
                golden.add(case, {role: state[key]})
    golden.save()
