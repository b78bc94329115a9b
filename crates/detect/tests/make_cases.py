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
    """COCO's walk along an outline. The API refuses a list of four numbers, so that two corners go with one of them twice."""
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


def evaluated(truth, results, kind):
    """The twelve numbers, and the average precision of each category in ascending id."""
    with contextlib.redirect_stdout(io.StringIO()):
        annotations = COCO()
        annotations.dataset = json.loads(json.dumps(truth))
        annotations.createIndex()
        # loadRes refuses an empty list, which is a result as well.
        if results:
            found = annotations.loadRes(json.loads(json.dumps(results)))
        else:
            found = COCO()
            found.dataset = {"images": truth["images"], "categories": truth["categories"], "annotations": []}
            found.createIndex()
        evaluation = COCOeval(annotations, found, kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"]  # T, R, K, A, M
    classes = []
    for k in range(precision.shape[2]):
        one = precision[:, :, k, 0, -1]
        classes.append(float(one[one > -1].mean()) if (one > -1).any() else -1.0)
    return {"stats": [float(number) for number in evaluation.stats], "classes": classes}


def near(rng, box, side):
    """A box beside the one given, on whole or half pixels, so that overlaps hit a threshold exactly now and then."""
    x, y, w, h = box
    step = rng.choice([0, 1, 2, 4, 8])
    moved = [number + rng.randint(-step, step) / 2 for number in (x, y, w, h)]
    return moved[:2] + [max(moved[2], 0.5), max(moved[3], 0.5)]


def random_box(rng, side):
    extent = rng.choice([8, 30, 32, 34, 95, 96, 98, 150])
    w, h = max(1, extent + rng.randint(-3, 3)), max(1, extent + rng.randint(-3, 3))
    if rng.random() < 0.2:
        w = h = extent
    return [rng.randint(0, max(0, side - w)), rng.randint(0, max(0, side - h)), w, h]


def box_case(seed, pictures, categories, objects, found, scores):
    rng = random.Random(seed)
    side = 256
    ids = rng.sample(range(1, 1000), pictures)
    names = rng.sample(range(1, 91), categories)
    truth = {"info": {}, "images": [{"id": number, "file_name": f"{number}.png", "width": side, "height": side} for number in ids],
             "categories": [{"id": number, "name": f"class {number}"} for number in names], "annotations": []}
    results = []
    for number in ids:
        boxes = []
        for _ in range(rng.randint(0, objects)):
            box, category = random_box(rng, side), rng.choice(names[: max(1, categories - 1)])
            boxes.append((box, category))
            area = box[2] * box[3] * rng.choice([1, 1, 0.7])
            truth["annotations"].append({"id": len(truth["annotations"]) + 1, "image_id": number, "category_id": category, "bbox": box,
                                         "area": area, "iscrowd": int(rng.random() < 0.15)})
        for _ in range(rng.randint(found if found > 100 else 0, found)):
            if boxes and rng.random() < 0.8:
                box, category = rng.choice(boxes)
                box = near(rng, box, side)
                category = category if rng.random() < 0.9 else rng.choice(names)
            else:
                box, category = random_box(rng, side), rng.choice(names)
            score = rng.randint(1, scores) / scores if scores else rng.random()
            results.append({"image_id": number, "category_id": category, "bbox": box, "score": round(score, 6)})
    rng.shuffle(results)
    return {"kind": "bbox", "truth": truth, "results": results, **evaluated(truth, results, "bbox")}


def mask_case(seed):
    rng = random.Random(seed)
    side = 120
    truth = {"info": {}, "images": [{"id": number, "file_name": f"{number}.png", "width": side, "height": side} for number in (4, 2, 9)],
             "categories": [{"id": number, "name": f"class {number}"} for number in (1, 7)], "annotations": []}
    results = []
    for image in truth["images"]:
        for _ in range(rng.randint(1, 4)):
            x, y, w, h = rng.randint(0, 60), rng.randint(0, 60), rng.randint(8, 110), rng.randint(8, 110)
            outline = [x, y, x + w, y + rng.randint(-5, 5), x + w, y + h, x + rng.randint(-9, 9), y + h]
            crowd = int(rng.random() < 0.25)
            rle = coco_mask.frPyObjects([outline], side, side)[0]
            category = rng.choice([1, 7])
            segmentation = [outline]
            if crowd:
                pixels = coco_mask.decode(rle).flatten(order="F")
                edges = np.flatnonzero(np.diff(np.concatenate([[0], pixels, [1 - pixels[-1]]])))
                segmentation = {"size": [side, side], "counts": np.diff(np.concatenate([[0], edges])).tolist()}
            truth["annotations"].append({"id": len(truth["annotations"]) + 1, "image_id": image["id"], "category_id": category, "iscrowd": crowd,
                                         "bbox": coco_mask.toBbox(rle).tolist(), "area": float(coco_mask.area(rle)), "segmentation": segmentation})
            for _ in range(rng.randint(0, 3)):
                moved = [number + rng.randint(-4, 4) for number in outline]
                found = coco_mask.frPyObjects([moved], side, side)[0]
                results.append({"image_id": image["id"], "category_id": category, "score": rng.randint(1, 9) / 10,
                                "segmentation": {"size": [side, side], "counts": text(found)}})
    return {"kind": "segm", "truth": truth, "results": results, **evaluated(truth, results, "segm")}


def evaluations():
    cases = [box_case(seed, 4, 3, 6, 9, 0) for seed in range(4)]
    # Few scores: ties within a picture and over several.
    cases += [box_case(seed, 5, 2, 5, 10, 3) for seed in range(10, 16)]
    # More detections than count, and less than one for a class.
    cases.append(box_case(20, 2, 1, 12, 120, 20))
    cases.append(box_case(21, 3, 5, 2, 1, 0))
    # Nothing found, nothing to find, and neither.
    cases.append(box_case(22, 3, 2, 5, 0, 0))
    cases.append(box_case(23, 3, 2, 0, 5, 0))
    cases.append(box_case(24, 2, 2, 0, 0, 0))
    cases += [mask_case(seed) for seed in range(30, 36)]
    return {"cases": cases}


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
    write("evaluation.json", evaluations())
