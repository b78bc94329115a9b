"""Images a second of training the demo's network: PyTorch on the CPU and ours, in turn, in one run.

    /usr/bin/python3 benches/peers/training.py --program target/release/tilewright

Ours reads, normalises and uploads every batch of Fashion-MNIST; PyTorch is given one batch that lies ready.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import torch
from torch import nn
from torch.nn import functional

BATCH = 64


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


def pytorch(steps: int) -> float:
    """Images a second of forward, backward and step, after ten steps to warm up."""
    network = SmallCnn()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    images, labels = torch.randn(BATCH, 1, 28, 28), torch.randint(0, 10, (BATCH,))
    begun = 0.0
    for step in range(steps + 10):
        if step == 10:
            begun = time.perf_counter()
        optimizer.zero_grad()
        functional.cross_entropy(network(images), labels).backward()
        optimizer.step()
    return steps * BATCH / (time.perf_counter() - begun)


def ours(program: str, steps: int) -> float:
    """Images a second of `tilewright train`, as its metrics say."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["train", "--epochs", "1", "--limit", str(steps * BATCH), "--output", folder]
        subprocess.run([program, *arguments], check=True, capture_output=True)
        lines = pathlib.Path(folder, "metrics.jsonl").read_text().splitlines()
    return json.loads(lines[-1])["images_per_second"]


def main() -> None:
    """Prints the medians and their ratio as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    times = {"pytorch": [], "ours": []}
    for _ in range(arguments.rounds):
        times["pytorch"].append(pytorch(arguments.steps))
        times["ours"].append(ours(arguments.program, arguments.steps))
    medians = {name: statistics.median(values) for name, values in times.items()}
    result = {"images_per_second": medians, "ratio": medians["ours"] / medians["pytorch"]}
    result |= {"rounds": times, "torch": torch.__version__, "threads": torch.get_num_threads()}
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
