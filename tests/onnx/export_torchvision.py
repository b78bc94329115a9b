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
    ("resnet18", 13, (1, 3, 96, 96)),
    ("mobilenet_v2", 13, (2, 3, 64, 64)),
    ("squeezenet1_1", 13, (1, 3, 97, 65)),
    ("densenet121", 11, (1, 3, 64, 64)),
    ("shufflenet_v2_x1_0", 13, (1, 3, 64, 64)),
    ("efficientnet_b0", 13, (1, 3, 64, 64)),
    ("vgg11", 12, (1, 3, 224, 224)),
    ("deeplabv3_mobilenet_v3_large", 13, (1, 3, 65, 65)),
]


def build(name):
    torch.manual_seed(sum(name.encode()))
    if name.startswith("deeplab"):
        network = torchvision.models.segmentation.deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None)
    else:
        network = getattr(torchvision.models, name)(weights=None)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            # Means near 0 and variances near 1 keep a deep network's numbers in range.
            module.running_mean.normal_(0.0, 0.1)
            module.running_var.uniform_(0.7, 1.3)
            torch.nn.init.uniform_(module.weight, 0.8, 1.2)
            torch.nn.init.normal_(module.bias, 0.0, 0.1)
    return network.eval()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder, wanted = sys.argv[1], sys.argv[2:]
    os.makedirs(folder, exist_ok=True)
    for name, opset, shape in NETWORKS:
        if wanted and name not in wanted:
            continue
        network, path = build(name), os.path.join(folder, name + ".onnx")
        outputs = ["out", "aux"] if name.startswith("deeplab") else ["y"]
        with torch.no_grad():
            network(torch.randn(shape))
            if name.startswith("deeplab"):
                network.aux_classifier = None
                outputs = ["out"]
            torch.onnx.export(
                network, torch.randn(shape), path, opset_version=opset, input_names=["x"], output_names=outputs
            )
        print(f"{path}: opset {opset}, input {shape}, {os.path.getsize(path):,} bytes", flush=True)


main()
