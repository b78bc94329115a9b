#!/usr/bin/env bash
# Runs that do not fill their mask, and masks of several sizes, in pycocotools 2.0.11.
#
# A good guess: runs whose sum is not height times width are refused when they are read; masks of two sizes are refused.
# Seen: runs that are too short read and decode as if the rest was outside; runs that are too long read, and have an area larger than
# the mask; only decoding them raises. The IoU of two sizes is -1, and their union is a mask of 0 × 0 without an error.
# For Tilewright: all of these are errors.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 pycocotools==2.0.11
seen "4 x 4, runs 4 and 3: area 3, decoded 3
4 x 4, runs 4 and 30: area 30, decoded ValueError
IoU of 20 x 20 and 21 x 20: -1.0, union [0, 0]" <<'PYTHON'
from pycocotools import mask

for runs in ([4, 3], [4, 30]):
    one = mask.frPyObjects({"size": [4, 4], "counts": runs}, 4, 4)
    try:
        decoded = int(mask.decode(one).sum())
    except ValueError as error:
        decoded = type(error).__name__
    print(f"4 x 4, runs {runs[0]} and {runs[1]}: area {int(mask.area(one))}, decoded {decoded}")
square = [[0, 0, 5, 0, 5, 5, 0, 5]]
small, tall = mask.frPyObjects(square, 20, 20), mask.frPyObjects(square, 21, 20)
print(f"IoU of 20 x 20 and 21 x 20: {float(mask.iou(small, tall, [0])[0, 0])}, union {mask.merge(small + tall)['size']}")
PYTHON
