#!/usr/bin/env python3
"""ResNet-20 on Fashion-MNIST: the whole recipe as one run, and the time of an epoch beside PyTorch's on the same CPU.

    scripts/fashion.py                      # builds the program, trains, writes the numbers into docs/training.md
    scripts/fashion.py --quick              # few images, one epoch, nothing written: does it run?

PyTorch trains the same network with the same batches and optimizer before our run and behind it; its images lie ready
in memory, ours are read, changed at random, normalised and uploaded. Needs PyTorch (Debian: python3-torch).
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

import runs

sys.path.insert(0, str(runs.ROOT / "benches" / "peers"))
import training  # noqa: E402  (needs the line above)

EPOCHS, BATCH, IMAGES = 10, 128, 60000
RECIPE = ["--augment", "--lr", "0.2", "--schedule", "one-cycle", "--weight-decay", "5e-4", "--workers", "1"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, help="a program that is built already")
    parser.add_argument("--data", type=Path, help="the folder with Fashion-MNIST's files; Debian's package by default")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--quick", action="store_true", help="few images and one epoch; nothing is written")
    options = parser.parse_args()
    program = runs.program(options.program)
    epochs, steps = (1, 5) if options.quick else (options.epochs, 100)
    further = ["--limit", "640"] if options.quick else []
    further += ["--data", str(options.data)] if options.data else []

    peer = [training.pytorch("resnet20", steps)]
    arguments = ["--model", "resnet20", "--epochs", str(epochs), "--batch-size", str(BATCH), *RECIPE, *further]
    *lines, last = runs.train(program, runs.ROOT / "out" / "fashion", *arguments)
    peer.append(training.pytorch("resnet20", steps))

    ours = [IMAGES / line["images_per_second"] for line in lines]
    accuracy = last["test_accuracy"]
    theirs = IMAGES / statistics.mean(peer)
    shown = f"`tilewright train {' '.join(arguments)}`: **{100 * accuracy:.2f} %** of the 10,000 test images.\n\n"
    # The first epoch compiles kernels.
    epoch = statistics.median(ours[1:] or ours)
    shown += f"An epoch takes {epoch:.0f} s (median), PyTorch's {theirs:.0f} s on the same CPU: {theirs / epoch:.2f} times as fast."
    print(shown)
    if options.quick:
        return
    numbers = {
        "network": "resnet20",
        "data": "Fashion-MNIST",
        "arguments": arguments,
        "test_accuracy": accuracy,
        "test_accuracy_by_epoch": [line.get("test_accuracy") for line in lines],
        "epoch_seconds": ours,
        "pytorch": {"version": training.torch.__version__, "images_per_second": peer, "epoch_seconds": theirs},
    }
    name = runs.keep(program, "fashion", numbers)
    runs.show(runs.ROOT / "docs" / "training.md", "fashion", f"{shown}\n\n`benches/results/{name}`")


if __name__ == "__main__":
    main()
