"""Whole networks in PyTorch: a ResNet-20 for small images with torchvision's names, its gradients and a short training.

The network is section 4.2 of He et al., arXiv 1512.03385, with projections (1×1 convolution and batch normalisation,
option B) where the shape changes.
"""

import os

import torch
import torch.nn.functional as F
from torch import nn

from golden_file import HERE, Golden, save_safetensors

# The derivative of a ReLU jumps at 0. Where an input lies within rounding error of 0, two right float32 programs may take
# different sides, and training then drives them apart: with arbitrary weights and data, PyTorch's own float32 and float64
# disagree by 1e-3 to 1 after twenty steps. A golden must not depend on that, so the normalisations get a positive bias,
# which leaves few inputs near 0, and the data is drawn with the first seed for which none comes nearer than KINK_MARGIN.
KINK_MARGIN = {"gradients": 5e-6, "training": 8e-6}
SEED = {"gradients": 0, "training": 78}

# Left out of the trained parameters to keep the repository small: 36,864 elements each, and all are of the kind of
# layer3.2.conv2, which is kept. An error in them would show in the losses and in every other parameter.
LARGE = {f"layer3.{block}.weight" for block in ("0.conv2", "1.conv1", "1.conv2", "2.conv1")}


class Relu(nn.Module):
    """A ReLU that keeps the smallest |input| of all of them."""

    margin = float("inf")

    def forward(self, x):
        Relu.margin = min(Relu.margin, x.detach().abs().min().item())
        return F.relu(x)


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = Relu()
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + shortcut)


class ResNet20(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = Relu()
        self.layer1 = nn.Sequential(*[BasicBlock(16, 16, 1) for _ in range(3)])
        self.layer2 = nn.Sequential(BasicBlock(16, 32, 2), *[BasicBlock(32, 32, 1) for _ in range(2)])
        self.layer3 = nn.Sequential(BasicBlock(32, 64, 2), *[BasicBlock(64, 64, 1) for _ in range(2)])
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


def images(count, size, labels):
    """Bytes of images with a coarse pattern for each class under noise; the network reads byte / 128 − 1."""
    patterns = torch.rand(10, 3, 4, 4)
    coarse = F.interpolate(patterns[labels], size=(size, size))
    return ((coarse + 0.5 * torch.randn(count, 3, size, size)).clamp(0, 1) * 255).to(torch.uint8)


def to_input(data, dtype):
    return data.to(dtype) / 128 - 1


def fresh(state, dtype):
    model = ResNet20().to(dtype)
    model.load_state_dict(state)
    return model


def gradients(state, data, labels, dtype):
    """Loss, logits, parameter gradients and running statistics of one pass in training mode."""
    model = fresh(state, dtype).train()
    logits = model(to_input(data, dtype))
    value = F.cross_entropy(logits, labels)
    value.backward()
    return value, logits, {name: p.grad for name, p in model.named_parameters()}, model.state_dict()


def train(state, data, labels, dtype, lr, momentum, weight_decay):
    """The losses and the state dict after one SGD step for each batch."""
    model = fresh(state, dtype).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum, weight_decay=weight_decay)
    losses = []
    for batch, target in zip(data, labels):
        optimizer.zero_grad()
        value = F.cross_entropy(model(to_input(batch, dtype)), target)
        value.backward()
        optimizer.step()
        losses.append(value.detach())
    return torch.stack(losses), model.state_dict()


def largest_difference(actual, expected):
    """max |actual − expected| / max |expected| of the worst tensor."""
    return max(
        ((actual[name].double() - tensor.double()).abs().max() / tensor.double().abs().max()).item()
        for name, tensor in expected.items()
        if tensor.is_floating_point()
    )


def resnet20():
    model = ResNet20()
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                # What is added to the shortcut is shifted less, or the sums would grow from block to block.
                added = name.endswith("bn2") or "downsample" in name
                module.bias.uniform_(*((0, 0.5) if added else (1, 2.5)))
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    weights = {name: tensor.numpy() for name, tensor in state.items()}
    save_safetensors(os.path.join(HERE, "resnet20_weights.safetensors"), weights, {"format": "pt"})

    golden = Golden("resnet20")
    gradient_case(golden, state)
    training_case(golden, state)
    golden.save()


def begin(case):
    torch.manual_seed(SEED[case])
    Relu.margin = float("inf")


def check_margin(case):
    assert Relu.margin >= KINK_MARGIN[case], f"{case}: margin {Relu.margin}; try another seed"
    return {"kink_margin": Relu.margin}


def gradient_case(golden, state):
    begin("gradients")
    labels = torch.randint(10, (4,))
    data = images(4, 32, labels)
    value, logits, exact, after = gradients(state, data, labels, torch.float64)
    note = check_margin("gradients")
    single = gradients(state, data, labels, torch.float32)[2]
    note["float32_against_float64"] = largest_difference(single, exact)
    golden.case("gradients", "resnet20", {"mode": "train", "loss": "cross_entropy", **note})
    golden.add("gradients", {"x": data, "target": labels, "loss": value, "logits": logits})
    golden.add("gradients", {"grad/" + name: grad for name, grad in exact.items()})
    golden.add("gradients", {"state/" + name: t for name, t in after.items() if "running" in name})
    golden.case("eval", "resnet20", {"mode": "eval"})
    golden.add("eval", {"x": data, "logits": fresh(state, torch.float64).eval()(to_input(data, torch.float64))})
    print("gradients", note)


def training_case(golden, state):
    begin("training")
    steps, batch, size = 20, 8, 8
    labels = torch.randint(10, (steps * batch,))
    data = images(steps * batch, size, labels).view(steps, batch, 3, size, size)
    labels = labels.view(steps, batch)
    parameters = dict(lr=0.01, momentum=0.9, weight_decay=5e-4)
    exact = train(state, data, labels, torch.float64, **parameters)[1]
    note = check_margin("training")
    # Computed in float32, as everybody trains; the note says how far that is from float64.
    losses, single = train(state, data, labels, torch.float32, **parameters)
    note["float32_against_float64"] = largest_difference(single, exact)
    golden.case("training", "resnet20", {"mode": "train", "optimizer": "sgd", **parameters, **note})
    golden.add("training", {"x": data, "target": labels, "losses": losses})
    golden.add("training", {"state/" + name: t for name, t in single.items() if t.is_floating_point() and name not in LARGE})
    print("training", note, "losses", [round(value.item(), 4) for value in losses])
