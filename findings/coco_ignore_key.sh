#!/usr/bin/env bash
# The key `ignore` of an annotation, and results of a category that there is not, in pycocotools 2.0.11.
#
# A good guess: `ignore: 1` takes an object out of the evaluation, as converters from Pascal VOC mean it for difficult ones; a
# result of an unknown category is an error, or wrong.
# Seen: `ignore` is read, then overwritten by `iscrowd`: the object counts, and missing it costs. Results of an unknown category
# are left out without a word, so that a file of classes counted from 0 loses some of them and mixes up the others.
# For Tilewright: `ignore` is not read (difficult objects of VOC's own XML are ignored), and a result of an unknown category or
# picture is an error that names it.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 pycocotools==2.0.11
seen "one of two found: AP 0.505
the other one has ignore 1: AP 0.505
the other one has iscrowd 1: AP 1.000
with a surer result of the category 77: AP 1.000" <<'PYTHON'
import contextlib, io
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def precision(more, results=()):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        one = {"image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 40], "area": 1600, "iscrowd": 0}
        truth.dataset = {"info": {}, "images": [{"id": 1, "width": 100, "height": 100}], "categories": [{"id": 1, "name": "thing"}],
                         "annotations": [{**one, "id": 1}, {**one, "id": 2, "bbox": [60, 60, 40, 40], **more}]}
        truth.createIndex()
        found = truth.loadRes([{"image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 40], "score": 0.9}, *results])
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return f"AP {float(evaluation.stats[0]):.3f}"


print("one of two found:", precision({}))
print("the other one has ignore 1:", precision({"ignore": 1}))
print("the other one has iscrowd 1:", precision({"iscrowd": 1}))
print("with a surer result of the category 77:", precision(
    {"iscrowd": 1}, [{"image_id": 1, "category_id": 77, "bbox": [0, 0, 5, 5], "score": 0.99}]))
PYTHON
