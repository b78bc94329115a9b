"""Darknet's networks beside Debian's Darknet and OpenCV, on random weights.

    apt-get install darknet gcc
    pip install numpy 'opencv-python-headless<5'
    python3 scripts/darknet goldens              # tests/darknet/*.weights and *.safetensors
    python3 scripts/darknet compare PICTURE      # the networks of the zoo in full width on a picture

OpenCV 5 reads no Darknet files any more. Darknet itself ignores `groups` of a route, `scale_x_y` and mish without a word, so that
YOLOv4-tiny is compared with OpenCV alone.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import engines
from files import image, read_safetensors, write_safetensors, write_weights

ROOT = pathlib.Path(__file__).parent.parent.parent
GOLDENS = ROOT / "tests" / "darknet"
# Which engine answers for which network.
ORACLES = {"yolov3_tiny": ["darknet", "opencv"], "yolov3": ["darknet", "opencv"], "yolov4_tiny": ["opencv"]}
SMALL = {"small_v3": "darknet", "small_v4": "opencv"}


def goldens():
    for at, (name, engine) in enumerate(SMALL.items()):
        cfg, weights = GOLDENS / f"{name}.cfg", GOLDENS / f"{name}.weights"
        write_weights(cfg, weights, seed=at)
        x = np.random.default_rng(100 + at).uniform(0, 1, image(cfg)).astype(np.float32)
        found = getattr(engines, engine)(cfg, weights, x)
        write_safetensors(GOLDENS / f"{name}.safetensors", {"input": x[None], **found})
        print(name, engine, {key: value.shape for key, value in found.items()})


def compare(picture):
    import cv2

    pixels = cv2.cvtColor(cv2.imread(picture), cv2.COLOR_BGR2RGB)
    failed = False
    for at, (name, oracles) in enumerate(ORACLES.items()):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            cfg, weights, state = folder / f"{name}.cfg", folder / "w.weights", folder / "w.safetensors"
            cfg.write_text(tilewright("darknet", "cfg", name))
            write_weights(cfg, weights, seed=7 + at)
            tilewright("darknet", "convert", weights, "--cfg", cfg, "-o", state)
            _, height, width = image(cfg)
            x = cv2.resize(pixels, (width, height)).transpose(2, 0, 1).astype(np.float32) / 255
            np.save(folder / "x.npy", x[None])
            tilewright("infer", name, "--weights", state, "--input", folder / "x.npy", "--output", folder / "y.npz")
            ours = np.load(folder / "y.npz")
            for engine in oracles:
                theirs = getattr(engines, engine)(cfg, weights, x)
                for key, value in theirs.items():
                    failed |= not report(name, engine, key, ours[key], value)
    sys.exit(failed)


def report(name, engine, key, ours, theirs):
    """The largest difference, of the largest number; boxes are held to their own size, which e to some power may make large."""
    there = np.isfinite(theirs)
    difference = np.abs(ours - theirs)[there]
    largest = np.abs(theirs[there]).max(initial=0)
    ratio = difference.max(initial=0) / largest
    print(f"{name:12} {engine:8} {key:8} {ours.shape} largest {largest:.4g}, difference {difference.max(initial=0):.3g}, {ratio:.2g} of it, {there.mean():.0%} compared")
    return ours.shape == theirs.shape and ratio < 1e-4


def tilewright(*arguments):
    program = ROOT / "target" / "debug" / "tilewright"
    result = subprocess.run([program, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True)
    return result.stdout


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["goldens"]:
            goldens()
        case ["compare", picture]:
            compare(picture)
        case _:
            sys.exit(__doc__)
