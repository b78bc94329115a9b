#!/usr/bin/env python3
"""Every network of the zoo beside torchvision's and timm's, through the program itself; writes docs/parity.md.

    scripts/parity.sh                    # all of them
    scripts/parity.sh mobilenet_v2       # one of them; the page stays as it is

For each network oracle.py writes a state dict, images and PyTorch's answers. The program loads the file as it is, answers in
float32 and float16, and exports the network with those weights to ONNX, which ONNX Runtime runs. A number is the largest
difference, of the largest number of PyTorch's answer. The exit code is 1 if one is above its limit.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort

ROOT = Path(__file__).resolve().parents[2]
SIZES = ["2x64x64", "1x75x101"]
LIMITS = {"f32": 1e-4, "f16": 1e-2, "onnx": 1e-4}

HEAD = """\
# Parity with torchvision and timm

Each network with 1000 classes (segmentation: 21), a state dict that torchvision 0.14.1 or timm 0.9.16 wrote, seeded, with
normalisations' statistics drawn at random. It loads under its own names, and the program answers two batches of images, {sizes} pixels.
A number is the largest difference from PyTorch's answer in float64, of the largest number of that answer: `infer` in float32 (at
most 1e-4) and in float16 (1e-2), and our ONNX export in ONNX Runtime {ort} (1e-4). Written by `make parity` on {device}.
Gradients and losses are compared by `cargo test --test zoo`.

| network | tensors | f32 | f32, odd | f16 | f16, odd | ONNX | ONNX, odd |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
"""


def difference(actual, expected):
    """Of the largest number; infinite where shapes differ or a number is none."""
    if actual.shape != expected.shape or not np.isfinite(actual).all():
        return float("inf")
    return float(np.abs(actual.astype(np.float64) - expected).max() / np.abs(expected).max())


def run(*command):
    """Its standard output; a failure shows what it said."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stderr.strip()}")
    return done.stdout


def compare(program, name, folder):
    """A row's numbers by kind and size, and what failed."""
    weights = folder / "weights.safetensors"
    found, failed = {}, []
    for at, size in enumerate(SIZES):
        x, expected = np.load(folder / f"x_{at}.npy"), np.load(folder / f"y_{at}.npy")
        for precision in ["f32", "f16"]:
            y = folder / "y.npz"
            command = ["infer", name, "--weights", weights, "--input", folder / f"x_{at}.npy"]
            try:
                run(program, *command, "--output", y, "--precision", precision)
                with np.load(y) as arrays:
                    # The main output is the first.
                    found[precision, at] = difference(arrays[arrays.files[0]], expected)
            except RuntimeError as error:
                failed.append(f"{name} {size} {precision}: {error}")
        model = folder / "model.onnx"
        try:
            shape = "x".join(map(str, x.shape))
            run(program, "export", name, "--weights", weights, "--input", shape, "--output", model)
            session = ort.InferenceSession(str(model), providers=["CPUExecutionProvider"])
            found["onnx", at] = difference(session.run(None, {session.get_inputs()[0].name: x})[0], expected)
        except Exception as error:  # ONNX Runtime has errors of its own kinds.
            failed.append(f"{name} {size} ONNX: {error}")
    for (kind, at), value in found.items():
        if not value <= LIMITS[kind]:
            failed.append(f"{name} {SIZES[at]} {kind}: {value:.2e} is above {LIMITS[kind]:.0e}")
    return found, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", help="only these")
    parser.add_argument("--program", type=Path, default=ROOT / "target/release/tilewright")
    parser.add_argument("--oracle", default="/usr/bin/python3", help="a Python with torch, torchvision and timm")
    arguments = parser.parse_args()
    networks = [row["name"] for row in json.loads(run(arguments.program, "zoo", "list", "--json"))]
    device, rows, failed = "", [], []
    for name in arguments.networks or networks:
        folder = ROOT / "target/parity" / name
        oracle = [arguments.oracle, ROOT / "scripts/parity/oracle.py", name, folder, *SIZES]
        made = subprocess.run([str(word) for word in oracle], capture_output=True, text=True)
        if made.returncode == 3:
            print(f"{name}: neither torchvision nor timm has it", flush=True)
            continue
        if made.returncode != 0:
            failed.append(f"{name}: {made.stderr.strip()}")
            continue
        found, wrong = compare(arguments.program, name, folder)
        failed += wrong
        with open(folder / "weights.safetensors", "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        numbers = [f"{found[key]:.1e}" if (key := (kind, at)) in found else "failed" for kind in LIMITS for at in (0, 1)]
        rows.append(f"| `{name}` | {len(header) - ('__metadata__' in header)} | {' | '.join(numbers)} |")
        print(rows[-1], *wrong, sep="\n", flush=True)
        if not wrong:
            shutil.rmtree(folder)
    if not arguments.networks:
        listed = json.loads(run(arguments.program, "devices", "--json"))
        device = listed[0].get("name", "?") if isinstance(listed, list) else "?"
        sizes = " and ".join(size.replace("x", "×") for size in SIZES)
        head = HEAD.format(sizes=sizes, ort=ort.__version__, device=device)
        (ROOT / "docs/parity.md").write_text(head + "\n".join(rows) + "\n")
    print("\n".join(failed), file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
