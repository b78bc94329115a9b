"""Images a second of training a network: PyTorch on the CPU and ours, in turn, in one run.

    /usr/bin/python3 benches/peers/training.py --program target/release/tilewright
    /usr/bin/python3 benches/peers/training.py --program target/release/tilewright --network resnet18 --steps 20

The demo's network has batches of 64 of Fashion-MNIST, ResNet-20 (He et al., arXiv 1512.03385, §4.2) batches of 128 of it,
ResNet-18 (torchvision's, with one input channel) batches of 8 random images of 64×64. Ours reads, normalises and uploads every batch, and is timed over its second epoch, when every
kernel is compiled; PyTorch is given one batch that lies ready, and ten steps to warm up.
"""

import argparse
import json
import os
import pathlib
import statistics
import struct
import subprocess
import tempfile
import time

import torch
from torch import nn
from torch.nn import functional

# Images in a step, and their height and width.
BATCH = {"small_cnn": (64, 28), "resnet20": (128, 28), "resnet18": (8, 64)}
# Those that are timed on Fashion-MNIST itself.
FASHION = ("small_cnn", "resnet20")


class SmallCnn(nn.Module):
    """The network that the zoo calls small_cnn."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(32)
        self.fc = nn.Linear(32 * 7 * 7, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 2)
        x = functional.max_pool2d(functional.relu(self.bn2(self.conv2(x))), 2)
        return self.fc(x.flatten(1))


class Block(nn.Module):
    """Two 3×3 convolutions beside a shortcut, which has a convolution of its own where the shape changes."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + self.shortcut(x))


class ResNet20(nn.Module):
    """The network that the zoo calls resnet20."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        widths = [16, 16, 16, 16, 32, 32, 32, 64, 64, 64]
        self.blocks = nn.Sequential(*(Block(inputs, outputs) for inputs, outputs in zip(widths, widths[1:])))
        self.fc = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(functional.relu(self.bn1(self.conv1(x))))
        return self.fc(x.mean((2, 3)))


def network_of(name: str) -> nn.Module:
    """The network with fresh weights."""
    if name == "small_cnn":
        return SmallCnn()
    if name == "resnet20":
        return ResNet20()
    from torchvision.models import resnet18

    network = resnet18(num_classes=10)
    network.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    return network


def pytorch(name: str, steps: int) -> float:
    """Images a second of forward, backward and step, after ten steps to warm up."""
    network = network_of(name)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    batch, size = BATCH[name]
    images, labels = torch.randn(batch, 1, size, size), torch.randint(0, 10, (batch,))
    begun = 0.0
    for step in range(steps + 10):
        if step == 10:
            begun = time.perf_counter()
        optimizer.zero_grad()
        functional.cross_entropy(network(images), labels).backward()
        optimizer.step()
    return steps * batch / (time.perf_counter() - begun)


def write_images(folder: pathlib.Path, size: int, count: int) -> None:
    """Random images and labels, as the four IDX files of a data set."""
    for split, images in (("train", count), ("t10k", 8)):
        pixels, labels = os.urandom(images * size * size), bytes(index % 10 for index in range(images))
        header = struct.pack(">IIII", 0x803, images, size, size)
        (folder / f"{split}-images-idx3-ubyte").write_bytes(header + pixels)
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, images) + labels)


def ours(name: str, program: str, steps: int) -> float:
    """Images a second of the second epoch of `tilewright train`, as its metrics say."""
    batch, size = BATCH[name]
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["train", "--model", name, "--epochs", "2", "--batch-size", str(batch)]
        arguments += ["--limit", str(steps * batch), "--output", folder]
        if name not in FASHION:
            write_images(pathlib.Path(folder), size, steps * batch)
            arguments += ["--data", folder]
        subprocess.run([program, *arguments], check=True, capture_output=True)
        lines = pathlib.Path(folder, "metrics.jsonl").read_text().splitlines()
    epochs = [record for record in map(json.loads, lines) if record.get("epoch") == 2]
    return epochs[0]["images_per_second"]


def main() -> None:
    """Prints the medians and their ratio as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--network", choices=sorted(BATCH), default="small_cnn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    name, steps = arguments.network, arguments.steps
    times = {"pytorch": [], "ours": []}
    for _ in range(arguments.rounds):
        times["pytorch"].append(pytorch(name, steps))
        times["ours"].append(ours(name, arguments.program, steps))
    medians = {peer: statistics.median(values) for peer, values in times.items()}
    result = {"network": name, "images_per_second": medians, "ratio": medians["ours"] / medians["pytorch"]}
    result |= {"rounds": times, "torch": torch.__version__, "threads": torch.get_num_threads()}
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
