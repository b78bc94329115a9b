"""What Debian's Darknet and OpenCV give for a .cfg, a .weights and an image."""

import pathlib
import subprocess
import tempfile

import numpy as np

from files import heads, image, integers, sections

LIBRARY = "/usr/lib/darknet"
HERE = pathlib.Path(__file__).parent


def in_our_order(rows, cells, anchors):
    """Rows by cell, then anchor, as ours: by anchor, then cell."""
    return rows.reshape(cells, anchors, -1).transpose(1, 0, 2).reshape(cells * anchors, -1)


def corners(rows):
    centres, halves = rows[:, :2], rows[:, 2:4] / 2
    return np.concatenate([centres - halves, centres + halves], 1)


def built(folder):
    program = f"{folder}/outputs"
    build = ["gcc", "-O1", "-w", f"-I{LIBRARY}/include", str(HERE / "outputs.c"), "-o", program]
    subprocess.run(build + [f"-L{LIBRARY}", "-ldarknet", f"-Wl,-rpath,{LIBRARY}"], check=True)
    return program


def darknet_detect(cfg, weights, picture, threshold, overlap):
    """What Darknet finds in a picture: rows of class, score, left, top, right, bottom, the best first."""
    with tempfile.TemporaryDirectory() as folder:
        command = [built(folder), str(cfg), str(weights), "--detect", picture, str(threshold), str(overlap)]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    # It says other things as well.
    rows = [line.split() for line in told.splitlines()]
    rows = np.array([[float(part) for part in row] for row in rows if len(row) == 6 and row[0].isdigit()])
    return rows[np.argsort(-rows[:, 1], kind="stable")]


def letterbox(pixels, width, height):
    """Darknet's letterbox_image of H W C numbers, as C H W."""
    import ctypes

    class Image(ctypes.Structure):
        _fields_ = [("w", ctypes.c_int), ("h", ctypes.c_int), ("c", ctypes.c_int), ("data", ctypes.POINTER(ctypes.c_float))]

    library = ctypes.CDLL(f"{LIBRARY}/libdarknet.so", ctypes.RTLD_GLOBAL)
    library.letterbox_image.argtypes, library.letterbox_image.restype = [Image, ctypes.c_int, ctypes.c_int], Image
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32)
    data = planes.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    boxed = library.letterbox_image(Image(pixels.shape[1], pixels.shape[0], 3, data), width, height)
    return np.ctypeslib.as_array(boxed.data, (3, height, width)).copy()


def darknet(cfg, weights, x):
    """Outputs by our names: each head's map, boxes and scores."""
    channels, height, width = image(cfg)
    with tempfile.TemporaryDirectory() as folder:
        data, out = f"{folder}/x", f"{folder}/out"
        program = built(folder)
        np.ascontiguousarray(x, "<f4").tofile(data)
        # What goes into a head is the output of the layer before.
        layers = [str(at - 1) for at, _, _ in heads(cfg)] or [str(len(sections(cfg)) - 2)]
        command = [program, str(cfg), str(weights), data, out, *layers]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        numbers = np.fromfile(out, "<f4")
    if not heads(cfg):
        return {"output": numbers[None]}
    found, boxes, scores, maps, taken = {}, [], [], [], 0
    for at, anchors, classes in heads(cfg):
        depth = len(anchors) * (5 + classes)
        maps.append((at, depth, len(anchors)))
    rest = len(numbers)
    # The maps come first, each a whole fraction of the image.
    sizes = strides(cfg)
    for (at, depth, _), stride in zip(maps, sizes):
        high, wide = height // stride, width // stride
        found[f"yolo_{at}"] = numbers[taken : taken + depth * high * wide].reshape(1, depth, high, wide)
        taken += depth * high * wide
    for (at, anchors, classes), stride in zip(heads(cfg), sizes):
        cells = (height // stride) * (width // stride)
        count = cells * len(anchors) * (5 + classes)
        rows = in_our_order(numbers[taken : taken + count].reshape(-1, 5 + classes), cells, len(anchors))
        boxes.append(corners(rows))
        scores.append(rows[:, 5:])
        taken += count
    assert taken == rest, f"{taken} numbers were expected, {rest} came"
    found["boxes"], found["scores"] = np.concatenate(boxes)[None], np.concatenate(scores)[None]
    return found


def strides(cfg):
    """Of each head, the pixels of the image that a cell has: all maxpools and convolutions divide by their stride."""
    _, *layers = sections(cfg)
    depth, found, now = [], [], 1
    for at, (name, keys) in enumerate(layers):
        if name in ("convolutional", "maxpool"):
            now *= int(keys.get("stride", 1))
        elif name == "upsample":
            now //= int(keys["stride"])
        elif name == "route":
            place = integers(keys["layers"])[0]
            now = depth[place if place >= 0 else at + place]
        elif name == "yolo":
            found.append(now)
        depth.append(now)
    return found


def opencv(cfg, weights, x):
    """As `darknet`; scores that OpenCV leaves out (0.2 and less) are NaN."""
    import cv2

    net = cv2.dnn.readNetFromDarknet(str(cfg), str(weights))
    net.enableFusion(False) if hasattr(net, "enableFusion") else None
    net.setInput(np.ascontiguousarray(x[None], np.float32))
    _, height, width = image(cfg)
    names = [name for at, _, _ in heads(cfg) for name in (f"conv_{at - 1}", f"yolo_{at}")]
    values = dict(zip(names, net.forward(names)))
    found, boxes, scores = {}, [], []
    for (at, anchors, classes), stride in zip(heads(cfg), strides(cfg)):
        found[f"yolo_{at}"] = values[f"conv_{at - 1}"]
        cells = (height // stride) * (width // stride)
        rows = in_our_order(values[f"yolo_{at}"].reshape(-1, 5 + classes), cells, len(anchors))
        boxes.append(corners(rows) * np.array([width, height, width, height], np.float32))
        scores.append(np.where(rows[:, 5:] > 0, rows[:, 5:], np.nan))
    found["boxes"], found["scores"] = np.concatenate(boxes)[None], np.concatenate(scores)[None]
    return found
