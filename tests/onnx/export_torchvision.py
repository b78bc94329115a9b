#!/usr/bin/python3
"""Exports torchvision's networks to ONNX, with random weights and random BatchNorm statistics.

    apt-get install python3-torch python3-torchvision
    /usr/bin/python3 tests/onnx/export_torchvision.py FOLDER [NAME …]

Weights need no download: what is compared is arithmetic, not recognition. The statistics of BatchNorm are random, so that
a network in which it was left out or folded wrongly shows.
"""

import os
import sys

import torch
import torchvision

# Name, opset, input shape. Small images where the network allows them: the comparison runs on software Vulkan too.
NETWORKS = [
    ("tiny", 13, (2, 3, 17, 22)),
    ("resnet18", 13, (1, 3, 96, 96)),
    ("mobilenet_v2", 13, (2, 3, 64, 64)),
    ("squeezenet1_1", 13, (1, 3, 97, 65)),
    ("densenet121", 11, (1, 3, 64, 64)),
    ("shufflenet_v2_x1_0", 13, (1, 3, 64, 64)),
    ("efficientnet_b0", 13, (1, 3, 64, 64)),
    ("vgg11", 12, (1, 3, 224, 224)),
    ("deeplabv3_mobilenet_v3_large", 13, (1, 3, 65, 65)),
]


class Tiny(torch.nn.Module):
    """A little of everything that the large ones have, small enough to be committed with ONNX Runtime's answer."""

    def __init__(self):
        super().__init__()
        nn = torch.nn
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 5, 1, 2, groups=8), nn.BatchNorm2d(8), nn.ReLU6())
        self.squeeze, self.excite = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        self.down = nn.Sequential(nn.MaxPool2d(3, 2, 1), nn.Conv2d(8, 12, 3, padding=2, dilation=2), nn.PReLU(12))
        self.up = nn.ConvTranspose2d(12, 6, 4, 2, 1)
        self.classes = nn.Linear(14, 5)

    def forward(self, x):
        x = self.depthwise(self.stem(x))
        gate = torch.nn.functional.hardsigmoid(self.excite(torch.relu(self.squeeze(x.mean((2, 3), keepdim=True)))))
        x = x * gate + x
        low = self.up(self.down(x))
        low = torch.nn.functional.interpolate(low, size=x.shape[2:], mode="bilinear", align_corners=False)
        x = torch.cat([x, low], 1)
        return self.classes(x.flatten(2).mean(2)).softmax(1), x[:, ::2, 1:, :-1]


def build(name, shape):
    torch.manual_seed(sum(name.encode()))
    if name == "tiny":
        network = Tiny()
    elif name.startswith("deeplab"):
        network = torchvision.models.segmentation.deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None)
    else:
        network = getattr(torchvision.models, name)(weights=None)
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for module in norms:
        module.running_mean.normal_(0.0, 0.1)
        module.running_var.uniform_(0.7, 1.3)
        torch.nn.init.uniform_(module.weight, 0.8, 1.2)
        torch.nn.init.normal_(module.bias, 0.0, 0.1)
    # The smallest one is deep enough for no more than that, and committed as it is.
    if norms and name != "tiny":
        # Statistics of pictures, as training leaves them: with any others the signal dies on its way through a deep
        # network, and every picture has the last bias for an answer.
        for module in norms:
            module.reset_running_stats()
            module.momentum = None
        with torch.no_grad():
            network.train()(torch.randn(4, *shape[1:]))
    return network.eval()


def check(network, name, shape):
    """A network that gives every picture one answer proves nothing about the engine that runs it."""
    with torch.no_grad():
        first, second = (network(torch.randn(shape)) for _ in range(2))
    if isinstance(first, dict):
        first, second = first["out"], second["out"]
    elif isinstance(first, tuple):
        first, second = first[0], second[0]
    apart = ((first - second).abs().max() / first.abs().max()).item()
    if apart < 0.01:
        sys.exit(f"{name}: two pictures have answers {apart:.1e} apart")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder, wanted = sys.argv[1], sys.argv[2:]
    os.makedirs(folder, exist_ok=True)
    for name, opset, shape in NETWORKS:
        if wanted and name not in wanted:
            continue
        network, path = build(name, shape), os.path.join(folder, name + ".onnx")
        outputs = ["classes", "features"] if name == "tiny" else ["y"]
        with torch.no_grad():
            check(network, name, shape)
            if name.startswith("deeplab"):
                network.aux_classifier = None
                outputs = ["out"]
            torch.onnx.export(
                network, torch.randn(shape), path, opset_version=opset, input_names=["x"], output_names=outputs
            )
        print(f"{path}: opset {opset}, input {shape}, {os.path.getsize(path):,} bytes", flush=True)


main()
