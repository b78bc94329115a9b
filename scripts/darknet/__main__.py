"""Darknet's networks beside Debian's Darknet and OpenCV, on random weights.

    scripts/darknet.sh goldens                   # tests/darknet/*.weights and *.safetensors
    scripts/darknet.sh compare PICTURE           # the networks of the zoo in full width on a picture

OpenCV 5 reads no Darknet files any more. Darknet itself ignores `groups` of a route, `scale_x_y` and mish without a word, so that
YOLOv4-tiny is compared with OpenCV alone.
"""

import json
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
SMALL = {"small_v3": "darknet", "small_v4": "opencv", "small_classifier": "darknet"}


def goldens():
    for at, (name, engine) in enumerate(SMALL.items()):
        cfg, weights = GOLDENS / f"{name}.cfg", GOLDENS / f"{name}.weights"
        write_weights(cfg, weights, seed=at)
        x = np.random.default_rng(100 + at).uniform(0, 1, image(cfg)).astype(np.float32)
        found = getattr(engines, engine)(cfg, weights, x)
        write_safetensors(GOLDENS / f"{name}.safetensors", {"input": x[None], **found})
        print(name, engine, {key: value.shape for key, value in found.items()})


    # Pictures of both proportions, as bytes, and where they come to lie.
    arrays, random = {}, np.random.default_rng(5)
    for at, (wide, high, width, height) in enumerate([(23, 14, 32, 32), (9, 40, 64, 32), (64, 32, 32, 64), (5, 5, 32, 32)]):
        pixels = random.integers(0, 256, (high, wide, 3)).astype(np.float32)
        arrays[f"picture_{at}"] = pixels
        arrays[f"boxed_{at}"] = engines.letterbox(pixels / np.float32(255), width, height)
    # And what torchvision keeps of boxes; some scores are equal.
    corner, size = random.uniform(0, 50, (300, 2)), random.uniform(0, 30, (300, 2))
    boxes = np.concatenate([corner, corner + size], 1).astype(np.float32)
    scores, classes = (random.integers(0, 100, 300) / 100).astype(np.float32), random.integers(0, 3, 300)
    arrays |= {"boxes": boxes, "scores": scores, "classes": classes, "kept": torchvision_nms(boxes, scores, classes, 0.3)}
    write_safetensors(GOLDENS / "pictures.safetensors", arrays)


def torchvision_nms(boxes, scores, classes, overlap):
    """By Debian's Python, which has torchvision."""
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/in.npz", boxes=boxes, scores=scores, classes=classes)
        code = (
            "import numpy as np, torch, torchvision; f = np.load('in.npz'); t = {k: torch.from_numpy(f[k]) for k in f};"
            f"kept = torchvision.ops.boxes._batched_nms_vanilla(t['boxes'], t['scores'], t['classes'], {overlap});"
            "np.save('out.npy', kept.numpy())"
        )
        subprocess.run(["/usr/bin/python3", "-c", code], cwd=folder, check=True)
        return np.load(f"{folder}/out.npy")


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
    failed |= not detect(picture)
    sys.exit(failed)


def detect(picture):
    """The whole way from the picture, with boxes of one class that cover one another left out."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        cfg, weights, png = folder / "a.cfg", folder / "a.weights", folder / "a.png"
        cfg.write_text(tilewright("darknet", "cfg", "yolov3_tiny"))
        write_weights(cfg, weights, seed=7)
        # Decoders of JPEG differ.
        import cv2

        cv2.imwrite(str(png), cv2.imread(picture))
        threshold, overlap = 0.42, 0.45
        theirs = engines.darknet_detect(cfg, weights, str(png), threshold, overlap)
        arguments = ["--threshold", threshold, "--nms", overlap, "-o", folder / "out", "--json"]
        ours = json.loads(tilewright("detect", png, "--cfg", cfg, "--weights", weights, *arguments))
        size = cv2.imread(picture).shape
    scores = np.array([one["score"] for one in ours])
    boxes = np.array([one["bbox"] for one in ours]) @ np.array([[1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]])
    limits = np.array([size[1], size[0]] * 2)
    if len(ours) != len(theirs):
        print(f"detect       darknet  {len(ours)} boxes, and {len(theirs)} there")
        return False
    # Those of nearly equal scores may change places: each is held to the nearest of theirs.
    score = np.abs(scores - theirs[:, 1]).max()
    their_boxes = np.clip(theirs[:, 2:], 0, limits)
    far = max(np.abs(their_boxes - box).max(1).min() for box in boxes)
    print(f"detect       darknet  {len(ours)} boxes, scores differ by {score:.3g}, bounds by {far:.3g} pixels")
    return score < 1e-4 and far < 0.05


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
