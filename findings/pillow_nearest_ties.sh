#!/usr/bin/env bash
# Resizing to the nearest pixel, where a new pixel's centre falls on the edge between two old ones, in Pillow 13.0.0 and OpenCV
# 5.0.0.93 (INTER_NEAREST_EXACT).
#
# A good guess: such a tie always goes to the same side, whatever side that is; "exact" says so.
# Seen: the places are a sum to which the step is added pixel by pixel, so a tie goes to where the sum's rounding has it by
# then. From 640 to 480 pixels a third of the row are ties: 61 go to the right and 99 to the left, in no order. Where no step is
# rounded (448 to 224) all go right. The two agree with each other; a formula with a product, (i + ½) · step, differs from them
# in one column of five here.
# For Tilewright: pictures and masks add up as Pillow does, so that labels at the edges of things are the same.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 pillow==13.0.0 opencv-python-headless==5.0.0.93
seen "640 to 480: 160 ties, to the right 61 by Pillow and 61 by OpenCV; the first to the left: 4 16 19 22 25 61
1024 to 768: 256 ties, to the right 157 by Pillow and 157 by OpenCV; the first to the left: 4 16 19 22 25 61
1024 to 1536: 512 ties, to the right 209 by Pillow and 209 by OpenCV; the first to the left: 4 16 19 22 25 61
448 to 224: 224 ties, to the right 224 by Pillow and 224 by OpenCV; the first to the left: none
500 to 300: 0 ties, to the right 0 by Pillow and 0 by OpenCV; the first to the left: none
640 to 480: (i + 1/2) · step differs from Pillow in 99 of 480 places
all other places are those of the centres: True" <<'PYTHON'
import cv2, numpy as np
from PIL import Image

others = True
for old, new in ((640, 480), (1024, 768), (1024, 1536), (448, 224), (500, 300)):
    row = np.arange(old, dtype=np.float32).reshape(1, old)
    pillow = np.asarray(Image.fromarray(row).resize((new, 1), Image.Resampling.NEAREST)).ravel().astype(int)
    opencv = cv2.resize(row, (new, 1), interpolation=cv2.INTER_NEAREST_EXACT).ravel().astype(int)
    twice = (2 * np.arange(new) + 1) * old  # the centre is at twice / (2 · new), exactly
    right, tie = twice // (2 * new), twice % (2 * new) == 0
    others &= bool((pillow[~tie] == right[~tie]).all() and (opencv[~tie] == right[~tie]).all())
    left = np.flatnonzero(tie & (pillow == right - 1))
    print(f"{old} to {new}: {tie.sum()} ties, to the right {(pillow == right)[tie].sum()} by Pillow and",
          f"{(opencv == right)[tie].sum()} by OpenCV; the first to the left:", *(left[:6] if len(left) else ["none"]))
    if old == 640:
        product = np.floor((np.arange(new) + 0.5) * (old / new)).astype(int)
        last = f"640 to 480: (i + 1/2) · step differs from Pillow in {(product != pillow).sum()} of 480 places"
print(last)
print("all other places are those of the centres:", others)
PYTHON
