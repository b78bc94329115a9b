#!/usr/bin/env bash
# Results that have a mask and a box, evaluated as masks, in pycocotools 2.0.11 and faster-coco-eval 1.8.0.
#
# A good guess: an evaluation of masks looks at the masks; a box beside one is more than is asked for.
# Seen: the masks are compared, but loadRes takes the area of a result from its box if there is one, and by it a result that is
# not matched counts among the small, the medium or the large. A thin slanting thing of 300 pixels has a box of 10200, which is
# large: a wrong one with a higher score than the right one halves the AP of small things, and where boxes are given it leaves
# it at 1. Nothing is said, and the AP over all sizes stays.
# For Tilewright: it writes no such files; whoever evaluates its masks leaves the boxes out.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 pycocotools==2.0.11 faster-coco-eval==1.8.0
seen "pycocotools, masks: AP 0.5, of small things 0.5; area of a result 300
pycocotools, masks and boxes: AP 0.5, of small things 1.0; area of a result 10200
faster-coco-eval, masks: AP 0.5, of small things 0.5; area of a result 300
faster-coco-eval, masks and boxes: AP 0.5, of small things 1.0; area of a result 10200" <<'PYTHON'
import contextlib, io
import faster_coco_eval, numpy as np
from pycocotools import mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def slanting(top):
    pixels = np.zeros((200, 200), np.uint8)
    for k in range(100):
        pixels[top + k, 20 + k:23 + k] = 1
    runs = mask.encode(np.asfortranarray(pixels))
    return {"segmentation": {"size": runs["size"], "counts": runs["counts"].decode()}}, [float(v) for v in mask.toBbox(runs)]


for name, files, evaluator in (("pycocotools", COCO, COCOeval),
                               ("faster-coco-eval", faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster)):
    for boxes in (False, True):
        with contextlib.redirect_stdout(io.StringIO()):
            (right, box), (wrong, other) = slanting(20), slanting(90)
            truth = files()
            truth.dataset = {"info": {}, "images": [{"id": 1, "width": 200, "height": 200}], "categories": [{"id": 1, "name": "thing"}],
                             "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": box, "area": 300, "iscrowd": 0, **right}]}
            truth.createIndex()
            results = [{"image_id": 1, "category_id": 1, "score": 0.9, **right}, {"image_id": 1, "category_id": 1, "score": 0.95, **wrong}]
            if boxes:
                results[0]["bbox"], results[1]["bbox"] = box, other
            found = truth.loadRes(results)
            evaluation = evaluator(truth, found, "segm")
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        print(f"{name}, masks{' and boxes' if boxes else ''}: AP {float(evaluation.stats[0]):.1f}, of small things",
              f"{float(evaluation.stats[3]):.1f}; area of a result {int(found.dataset['annotations'][0]['area'])}")
PYTHON
