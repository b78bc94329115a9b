#!/usr/bin/env bash
# A ground-truth annotation whose id is 0, in pycocotools 2.0.11.
#
# A good guess: an id is a name; annotations counted from 0 are as good as those counted from 1.
# Seen: the evaluation stores the id of the matched annotation and reads 0 as "not matched". A single perfect detection of the
# annotation 0 has an average precision of 0; of annotation 1, of 1. Nothing is said.
# For Tilewright: whatever writes annotations counts from 1, and what is read is numbered anew before it is evaluated.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 pycocotools==2.0.11
seen "annotation 0: AP 0.0
annotation 1: AP 1.0" <<'PYTHON'
import contextlib, io
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

for number in (0, 1):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {"info": {}, "images": [{"id": 1, "width": 100, "height": 100}], "categories": [{"id": 1, "name": "thing"}],
                         "annotations": [{"id": number, "image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 40], "area": 1600, "iscrowd": 0}]}
        truth.createIndex()
        found = truth.loadRes([{"image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 40], "score": 0.9}])
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    print(f"annotation {number}: AP {float(evaluation.stats[0]):.1f}")
PYTHON
