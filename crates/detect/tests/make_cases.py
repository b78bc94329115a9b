#!/usr/bin/env python3
"""Writes cases/masks.json and cases/evaluation.json: what pycocotools says of random masks, polygons and results.

Pinned: Python 3.11 or later, numpy==2.4.6, pycocotools==2.0.11. From the root of the repository:

    python3 -m venv target/coco && target/coco/bin/pip install numpy==2.4.6 pycocotools==2.0.11
    target/coco/bin/python crates/detect/tests/make_cases.py

A number behind it is how many polygons are drawn, 300 without one: more of them are for a look, and not for the repository.
"""
import contextlib
import io
import json
import pathlib
import random
import sys

import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

FOLDER = pathlib.Path(__file__).parent / "cases"


def text(rle):
    return rle["counts"].decode()


def blob(rng, height, width):
    """A 0/1 mask, empty or full now and then."""
    kind = rng.random()
    if kind < 0.08:
        return np.zeros((height, width), np.uint8, order="F")
    if kind < 0.16:
        return np.ones((height, width), np.uint8, order="F")
    mask = np.zeros((height, width), np.uint8, order="F")
    for _ in range(rng.randint(1, 3)):
        top, left = rng.randrange(height), rng.randrange(width)
        mask[top : top + rng.randint(1, height), left : left + rng.randint(1, width)] = 1
    if kind > 0.6:
        for _ in range(rng.randint(1, 12)):
            mask[rng.randrange(height), rng.randrange(width)] ^= 1
    return mask


def polygon(rng, height, width):
    """Corners on whole, half and fine places, inside and outside, repeated and in lines now and then."""
    corners = rng.choice([2, 3, 3, 4, 4, 5, 7, 12])
    grid = rng.choice([1, 2, 5, 10, 100])
    reach = rng.choice([0, 0, 0.3, 2])
    points = []
    for _ in range(corners):
        if points and rng.random() < 0.1:
            points.append(points[-1])
            continue
        x = rng.uniform(-reach * width, (1 + reach) * width)
        y = rng.uniform(-reach * height, (1 + reach) * height)
        if points and rng.random() < 0.2:
            x = points[-1][0]
        if points and rng.random() < 0.2:
            y = points[-1][1]
        points.append((round(x * grid) / grid, round(y * grid) / grid))
    return [number for point in points for number in point]


def rasterised(points, height, width):
    """COCO's walk along an outline. The API takes four numbers for a box, so that two corners go with one of them twice."""
    if len(points) == 4:
        points = points + points[:2]
    [rle] = coco_mask.frPyObjects([points], height, width)
    return rle


def masks():
    rng = random.Random(20)
    single, pairs, polygons, unions = [], [], [], []
    for _ in range(60):
        height, width = rng.randint(1, 14), rng.randint(1, 14)
        mask, other = blob(rng, height, width), blob(rng, height, width)
        rle, second = coco_mask.encode(mask), coco_mask.encode(other)
        pixels = "".join(str(pixel) for pixel in mask.flatten(order="C"))
        single.append({"size": [height, width], "pixels": pixels, "counts": text(rle), "area": int(coco_mask.area(rle)),
                       "bbox": [float(number) for number in coco_mask.toBbox(rle)]})
        pairs.append({"size": [height, width], "one": text(rle), "other": text(second),
                      "iou": float(coco_mask.iou([rle], [second], [0])[0, 0]), "crowd": float(coco_mask.iou([rle], [second], [1])[0, 0]),
                      "union": text(coco_mask.merge([rle, second])), "intersection": text(coco_mask.merge([rle, second], intersect=True))})
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 300):
        height, width = rng.choice([(1, 1), (7, 5), (16, 16), (30, 41), (64, 48)])
        points = polygon(rng, height, width)
        polygons.append({"size": [height, width], "points": points, "counts": text(rasterised(points, height, width))})
    for _ in range(20):
        parts = [polygon(rng, 20, 24) for _ in range(rng.randint(1, 4))]
        parts = [part if len(part) > 4 else part + part[:2] for part in parts]
        unions.append({"size": [20, 24], "parts": parts, "counts": text(coco_mask.merge(coco_mask.frPyObjects(parts, 20, 24)))})
    # A long run and a long difference: several characters a number.
    big = np.zeros((3000, 2000), np.uint8, order="F")
    big[:, 700:1200] = 1
    big[17, 1500] = 1
    single.append({"size": [3000, 2000], "pixels": "", "counts": text(coco_mask.encode(big)), "area": int(big.sum()),
                   "bbox": [float(number) for number in coco_mask.toBbox(coco_mask.encode(big))]})
    return {"single": single, "pairs": pairs, "polygons": polygons, "unions": unions}


def write(name, value):
    """One case a line."""
    lines = ["{"]
    for at, (key, cases) in enumerate(value.items()):
        rows = ",\n".join("  " + json.dumps(case, separators=(",", ":")) for case in cases)
        lines.append(f' "{key}": [\n{rows}\n ]' + ("," if at + 1 < len(value) else ""))
    lines.append("}")
    (FOLDER / name).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write("masks.json", masks())
