#!/usr/bin/python3
"""What is around a network at batch 1: decoding, resizing, naming, colouring, beside the network itself; writes docs/pictures.md.

    scripts/around.py                       # target/release/tilewright must be built
    scripts/around.py --quick               # two networks, nothing written: does it run?

Each network sees the same JPEG pictures six times, one at a time (`classify --times`, `segment --times`). The weights are
drawn at random, for time does not depend on them. Needs PyTorch, torchvision and Pillow (Debian: python3-torchvision, python3-pil).
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy
from PIL import Image

import runs

CLASSIFY = ["resnet18", "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2_x1_0", "squeezenet1_1", "efficientnet_b0"]
SEGMENT = ["lraspp_mobilenet_v3_large", "deeplabv3_mobilenet_v3_large"]
# Width and height: a picture as ImageNet has them, one for a page of the web, one as it comes from a telephone.
SIZES = [(500, 375), (1000, 750), (4000, 3000)]
TIMES = 6


def photograph(path: Path, width: int, height: int) -> None:
    """Slopes, waves and noise, which a JPEG cannot leave out."""
    random = numpy.random.default_rng(0)
    y, x = numpy.mgrid[0:height, 0:width].astype(numpy.float32)
    waves = [100 + 80 * numpy.sin(x / 23 + y / 41 + phase) + slope * y * 750 / height for phase, slope in ((0, 0.1), (1, 0.15), (2, 0.05))]
    pixels = numpy.stack(waves, 2) + random.uniform(0, 16, (height, width, 1))
    Image.fromarray(pixels.clip(0, 255).astype(numpy.uint8)).save(path, quality=90)


def times(program: Path, command: list[str]) -> dict[str, float]:
    """The milliseconds of each part."""
    done = subprocess.run([str(program), *command, "--times", "--json"], capture_output=True, check=True)
    return json.loads(done.stdout)["milliseconds"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=runs.ROOT / "target/release/tilewright")
    parser.add_argument("--quick", action="store_true", help="two networks, nothing written")
    options = parser.parse_args()
    folder = runs.ROOT / "out" / "around"
    folder.mkdir(parents=True, exist_ok=True)
    names = [CLASSIFY[1], SEGMENT[0]] if options.quick else CLASSIFY + SEGMENT
    rows: list[dict[str, Any]] = []
    for width, height in SIZES:
        # Of other names, because two masks of one name would lie in each other's place.
        pictures = [folder / f"{width}-{number}.jpg" for number in range(TIMES)]
        photograph(pictures[0], width, height)
        for other in pictures[1:]:
            other.write_bytes(pictures[0].read_bytes())
        for name in names:
            weights = folder / name / "weights.safetensors"
            if not weights.exists():
                oracle = runs.ROOT / "scripts/parity/oracle.py"
                subprocess.run(["/usr/bin/python3", str(oracle), name, str(weights.parent), "1x64x64"], check=True)
            network = [*map(str, pictures), "--model", name, "--weights", str(weights)]
            if name in SEGMENT:
                found = times(options.program, ["segment", *network, "--resize", "520", "-o", str(folder / "masks")])
            else:
                found = times(options.program, ["classify", *network, "--batch", "1"])
            rows.append({"network": name, "width": width, "height": height, "milliseconds": found})
            print(rows[-1], flush=True)
    if options.quick:
        return
    lines = ["| network at batch 1 | JPEG | network | decoding, resizing, numbers | after it |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        found = row["milliseconds"]
        before = sum(value for part, value in found.items() if part.startswith(("decode", "resize")))
        after = sum(found.values()) - before - found["network"]
        cells = [f"`{row['network']}`", f"{row['width']}×{row['height']}"]
        cells += [f"{value:.1f} ms" if value >= 0.1 else "under 0.1 ms" for value in (found["network"], before, after)]
        lines.append(f"| {' | '.join(cells)} |")
    name = runs.keep(options.program, "around", {"times": TIMES, "rows": rows})
    device = runs.device(options.program)["name"]
    shown = "\n".join(lines)
    runs.show(runs.ROOT / "docs" / "pictures.md", "around", f"{shown}\n\n`benches/results/{name}`, {device}.")


if __name__ == "__main__":
    main()
