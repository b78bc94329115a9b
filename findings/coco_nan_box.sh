#!/usr/bin/env bash
# A detection whose box, or whose score, is NaN, in pycocotools 2.0.11.
#
# A good guess: it finds nothing, so that it counts as wrong; or it is refused.
# Seen: the smaller and larger edge are taken by C's fmin and fmax, which drop a NaN: a box whose x is NaN reaches as far as the
# object does, and has an overlap of 1 with it. With a width of NaN the overlap is NaN, which no threshold is above: a single row of
# the object finds it at every threshold. A score that is NaN is sorted behind all others. Nothing is said.
# For Tilewright: such a detection is an error that names it.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 pycocotools==2.0.11
seen "the object's rows, other columns: AP 0.000
the same with a NaN for x: AP 1.000
one row of the object: AP 0.000
the same with a NaN for the width: AP 1.000
a wrong box with a score of NaN, and the right one with 0.1: AP 1.000" <<'PYTHON'
import contextlib, io
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

nan = float("nan")


def precision(*results):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {"info": {}, "images": [{"id": 1, "width": 100, "height": 100}], "categories": [{"id": 1, "name": "thing"}],
                         "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 40], "area": 1600, "iscrowd": 0}]}
        truth.createIndex()
        found = truth.loadRes([{"image_id": 1, "category_id": 1, "bbox": box, "score": score} for box, score in results])
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return f"AP {float(evaluation.stats[0]):.3f}"


print("the object's rows, other columns:", precision(([60, 10, 40, 40], 0.9)))
print("the same with a NaN for x:", precision(([nan, 10, 40, 40], 0.9)))
print("one row of the object:", precision(([10, 49, 40, 1], 0.9)))
print("the same with a NaN for the width:", precision(([10, 49, nan, 1], 0.9)))
print("a wrong box with a score of NaN, and the right one with 0.1:", precision(([60, 60, 40, 40], nan), ([10, 10, 40, 40], 0.1)))
PYTHON
