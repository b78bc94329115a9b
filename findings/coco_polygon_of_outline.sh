#!/usr/bin/env bash
# A mask's outline as OpenCV 5.0.0.93 and scikit-image 0.26.0 find it, read as a COCO polygon by pycocotools 2.0.11.
#
# A good guess: outline and polygon are inverse to each other, to a rounded corner or so.
# Seen: OpenCV's outline goes through the centres of the border's pixels and counts them as inside (its fillPoly gives the mask
# back); COCO's polygon goes along their edges, and what is on the right or lower edge is outside. 20 × 10 pixels come back as
# 19 × 9, an IoU of 0.855 with itself; a thing 2 pixels wide loses half. scikit-image's outline at 0.5 goes half a pixel further
# out, and gives the mask back when half a pixel is added to both coordinates.
# For Tilewright: it writes no such files; whoever makes COCO files of its masks writes runs, not polygons.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 pycocotools==2.0.11 opencv-python-headless==5.0.0.93 scikit-image==0.26.0
seen "20 x 10: OpenCV's outline back by OpenCV 200 pixels, as a COCO polygon 171 (IoU 0.855), scikit-image's plus a half 200 (IoU 1.000)
20 x 2: OpenCV's outline back by OpenCV 40 pixels, as a COCO polygon 19 (IoU 0.475), scikit-image's plus a half 40 (IoU 1.000)" <<'PYTHON'
import cv2, numpy as np
from pycocotools import mask
from skimage import measure

for height in (10, 2):
    pixels = np.zeros((20, 30), np.uint8)
    pixels[5:5 + height, 8:28] = 1
    outlines, _ = cv2.findContours(pixels, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    back = cv2.fillPoly(np.zeros_like(pixels), outlines, 1)
    assert (back == pixels).all()

    def decoded(polygons):
        made = mask.decode(mask.merge(mask.frPyObjects([p.ravel().tolist() for p in polygons], *pixels.shape)))
        return f"{made.sum()} (IoU {(made & pixels).sum() / (made | pixels).sum():.3f})"

    print(f"20 x {height}: OpenCV's outline back by OpenCV {back.sum()} pixels, as a COCO polygon",
          f"{decoded([o.astype(float) for o in outlines])},",
          f"scikit-image's plus a half {decoded([o[:, ::-1] + 0.5 for o in measure.find_contours(pixels, 0.5)])}")
PYTHON
