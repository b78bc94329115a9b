#!/usr/bin/env bash
# Scores of a YOLO network in OpenCV 4.14.0.94, and the files of Darknet in OpenCV 5.0.0.93.
#
# A good guess: the last layer gives objectness times class for every box, and whoever reads it chooses the threshold.
# Seen: a score of 0.2 or less comes out as 0, whatever the threshold of the caller; a key `thresh` of [yolo], which is in no
# published file and which Darknet passes over, moves that limit. OpenCV 5 has no readNetFromDarknet any more.
# For Tilewright: `scores` are all there; scripts/darknet compares those that OpenCV gives, and wants OpenCV 4.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 opencv-python-headless==4.14.0.94
seen "as it is: objectness 0.5000, scores 0.0000 0.0000 0.2500 0.3655
thresh=0: objectness 0.5000, scores 0.0596 0.1345 0.2500 0.3655" <<'PYTHON'
import struct

import cv2
import numpy as np

CFG = """[net]
width=32
height=32
channels=3
[convolutional]
filters=9
size=32
stride=32
activation=linear
[yolo]
mask=0
anchors=16,16
classes=4
num=1
"""
# Zero weights: the biases are what goes into the head. x, y, w, h, objectness, then four classes.
biases = np.array([0, 0, 0, 0, 0, -2, -1, 0, 1], "<f4")
weights = struct.pack("<iiiQ", 0, 2, 0, 0) + biases.tobytes() + np.zeros(9 * 3 * 32 * 32, "<f4").tobytes()
for name, more in [("as it is", ""), ("thresh=0", "thresh=0\n")]:
    net = cv2.dnn.readNetFromDarknet(np.frombuffer((CFG + more).encode(), np.uint8), np.frombuffer(weights, np.uint8))
    net.setInput(np.zeros((1, 3, 32, 32), np.float32))
    row = net.forward().ravel()
    print(f"{name}: objectness {row[4]:.4f}, scores", *(f"{score:.4f}" for score in row[5:]))
PYTHON
packages numpy==2.4.6 opencv-python-headless==5.0.0.93
seen "readNetFromDarknet: False" <<'PYTHON'
import cv2

print("readNetFromDarknet:", hasattr(cv2.dnn, "readNetFromDarknet"))
PYTHON
