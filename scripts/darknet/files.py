"""A reader of .cfg files of its own, random .weights for them, and a writer of safetensors."""

import json
import struct

import numpy as np


def sections(path):
    """The sections of a .cfg as (name, keys)."""
    found = []
    for line in open(path, encoding="utf-8"):
        line = "".join(line.split())
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            found.append((line[1:-1], {}))
        else:
            key, value = line.split("=", 1)
            found[-1][1][key] = value
    return found


def integers(text):
    return [int(part) for part in text.split(",") if part]


def write_weights(cfg, path, seed):
    """Random numbers with which activations keep their size, and heads give boxes near their anchors."""
    random = np.random.default_rng(seed)
    _, *layers = sections(cfg)
    channels, height, width = image(cfg)
    depths = []
    with open(path, "wb") as file:
        file.write(struct.pack("<iiiQ", 0, 2, 5, 32013312 + seed))
        for at, (name, keys) in enumerate(layers):
            if name == "convolutional":
                filters, size, groups = (int(keys.get(key, 1)) for key in ("filters", "size", "groups"))
                normalises = keys.get("batch_normalize", "0") == "1"
                fan = channels // groups * size * size
                # Heads give small numbers, for a width is e to the power of one.
                gain = 2 if keys["activation"] != "linear" else 0.3
                arrays = [random.normal(0, 0.2, filters)]
                if normalises:
                    # Sums of many branches would grow.
                    branch = 0.05 if layers[at + 1][0] == "shortcut" else 1
                    arrays += [branch * random.uniform(0.6, 1.4, filters), random.normal(0, 0.3, filters)]
                    arrays += [random.uniform(0.5, 1.5, filters)]
                arrays += [random.normal(0, (gain / fan) ** 0.5, filters * fan)]
                for array in arrays:
                    file.write(array.astype("<f4").tobytes())
                channels = filters
                stride = int(keys.get("stride", 1))
                pad = size // 2 if keys.get("pad") == "1" else int(keys.get("padding", 0))
                height, width = ((side + 2 * pad - size) // stride + 1 for side in (height, width))
            elif name == "maxpool":
                stride = int(keys["stride"])
                height, width = ((side - 1) // stride + 1 for side in (height, width))
            elif name == "connected":
                inputs, outputs = channels * height * width, int(keys["output"])
                arrays = [random.normal(0, 0.2, outputs), random.normal(0, (2 / inputs) ** 0.5, outputs * inputs)]
                if keys.get("batch_normalize") == "1":
                    arrays += [random.uniform(0.6, 1.4, outputs), random.normal(0, 0.3, outputs)]
                    arrays += [random.uniform(0.5, 1.5, outputs)]
                for array in arrays:
                    file.write(array.astype("<f4").tobytes())
                channels, height, width = outputs, 1, 1
            elif name == "route":
                which = [place if place >= 0 else at + place for place in integers(keys["layers"])]
                channels = sum(depths[place] // int(keys.get("groups", 1)) for place in which)
            depths.append(channels)


def heads(cfg):
    """Of each [yolo]: its place, anchors and classes."""
    _, *layers = sections(cfg)
    found = []
    for at, (name, keys) in enumerate(layers):
        if name == "yolo":
            anchors = np.array([float(part) for part in keys["anchors"].split(",")]).reshape(-1, 2)
            found.append((at, anchors[integers(keys["mask"])], int(keys["classes"])))
    return found


def image(cfg):
    """Channels, height and width."""
    _, net = sections(cfg)[0]
    return [int(net[key]) for key in ("channels", "height", "width")]


def write_safetensors(path, arrays):
    header, parts, offset = {}, [], 0
    for name, array in arrays.items():
        array = np.ascontiguousarray(array, dtype="<f4")
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        parts.append(array.tobytes())
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def read_safetensors(path):
    data = open(path, "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    body, found = 8 + length, {}
    for name, about in json.loads(data[8:body]).items():
        if name != "__metadata__" and about["dtype"] == "F32":
            start, end = about["data_offsets"]
            found[name] = np.frombuffer(data[body + start : body + end], "<f4").reshape(about["shape"])
    return found
