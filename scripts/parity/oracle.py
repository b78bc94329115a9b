#!/usr/bin/python3
"""What PyTorch says of one network: a state dict, images, and the answers to them.

    /usr/bin/python3 scripts/parity/oracle.py mobilenet_v2 FOLDER 2x64x64 1x75x101

Writes `weights.safetensors` (torchvision's or timm's own state dict, of 1000 classes), and for each size `x_0.npy` and `y_0.npy`,
the answer computed in float64. The weights start as the library starts them, from a seed; then what would hide a mistake is
drawn anew: statistics, weights and biases of normalisations, scales of branches that start near 0. Exit code 3: neither
library has the network.
"""

import os
import sys

import numpy
import torch
import torchvision
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "goldens"))
from golden_file import save_safetensors

# timm makes these of its ResNet.
ATTENTION = {"seresnet50": "se", "ecaresnet50": "eca", "cbam_resnet50": "cbam"}
# torchvision 0.14.1's published counts are those of these.
CLASSES = {"segmentation": 21, "classification": 1000}


def make(name):
    """The network, and its parameters without auxiliary heads."""
    if name in ATTENTION:
        import timm.models.resnet as resnet

        more = {"block": resnet.Bottleneck, "layers": [3, 4, 6, 3], "block_args": {"attn_layer": ATTENTION[name]}}
        return resnet.ResNet(num_classes=1000, **more)
    if hasattr(torchvision.models, name):
        more = {"init_weights": False} if name == "googlenet" else {}
        return getattr(torchvision.models, name)(num_classes=1000, **more)
    if hasattr(torchvision.models.segmentation, name):
        more = {} if name.startswith("lraspp") else {"aux_loss": True}
        return getattr(torchvision.models.segmentation, name)(
            weights=None, weights_backbone=None, num_classes=21, **more
        )
    return None


def draw(model):
    """Draws anew what a start leaves at 0 or 1."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (nn.BatchNorm2d, nn.LayerNorm)):
                module.weight.uniform_(0.5, 1.0)
                module.bias.uniform_(-0.25, 0.25)
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.uniform_(-0.2, 0.2)
                module.running_var.uniform_(0.5, 1.5)
                module.num_batches_tracked.fill_(7)
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                # He et al., arXiv 1502.01852: the size of activations stays, whatever the library's start.
                nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    module.bias.uniform_(-0.25, 0.25)
            if hasattr(module, "layer_scale"):
                module.layer_scale.uniform_(0.1, 0.5)


def main():
    name, folder, sizes = sys.argv[1], sys.argv[2], sys.argv[3:]
    torch.manual_seed(14)
    model = make(name)
    if model is None:
        sys.exit(3)
    draw(model)
    model.eval()
    os.makedirs(folder, exist_ok=True)
    tensors = {key: numpy.ascontiguousarray(tensor.numpy()) for key, tensor in model.state_dict().items()}
    save_safetensors(os.path.join(folder, "weights.safetensors"), tensors, {})
    model.double()
    for at, size in enumerate(sizes):
        batch, height, width = map(int, size.split("x"))
        x = torch.rand(batch, 3, height, width) * 4 - 2
        with torch.no_grad():
            y = model(x.double())
        y = y if torch.is_tensor(y) else y["out"]
        numpy.save(os.path.join(folder, f"x_{at}.npy"), x.numpy())
        numpy.save(os.path.join(folder, f"y_{at}.npy"), y.numpy())


if __name__ == "__main__":
    main()
