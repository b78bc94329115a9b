"""What torchvision's transforms answer on small pictures, as JSON: crates/data/tests/pictures.rs compares.

Resizing is given twice: on PIL pictures, whose passes round to whole grey levels, and in float64 with antialiasing.
"""

import json
import os

import numpy
import torch
import torchvision.transforms as T
import torchvision.transforms.functional as F
from PIL import Image


def numbers(tensor):
    return [round(float(value), 9) for value in numpy.asarray(tensor).reshape(-1)]


def planes(picture):
    """C H W, flat."""
    array = numpy.asarray(picture)
    array = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
    return [int(value) for value in array.reshape(-1)]


def write(folder):
    random = numpy.random.RandomState(7)
    height, width = 7, 9
    pixels = random.randint(0, 256, (height, width, 3)).astype(numpy.uint8)
    # A grey pixel, a black one and one with two equal channels: corners of hue.
    pixels[0, 0], pixels[0, 1], pixels[0, 2] = 90, 0, (200, 200, 10)
    mask = random.randint(0, 5, (height, width)).astype(numpy.uint8)
    picture, mask = Image.fromarray(pixels), Image.fromarray(mask)
    exact = torch.from_numpy(pixels).permute(2, 0, 1).double() / 255
    cases = []
    for name, size in [("shorter 5", 5), ("shorter 20", 20), ("4x11", (4, 11)), ("13x6", (13, 6)), ("3x3", (3, 3)), ("1x2", (1, 2))]:
        found = T.Resize(size, interpolation=T.InterpolationMode.BILINEAR)(picture)
        masked = T.Resize(size, interpolation=T.InterpolationMode.NEAREST)(mask)
        floats = torch.nn.functional.interpolate(
            exact[None], size=(found.height, found.width), mode="bilinear", align_corners=False, antialias=True
        )[0]
        cases.append(dict(op="resize", name=name, shape=[3, found.height, found.width], pil=planes(found),
                          exact=numbers(floats), mask=planes(masked)))
    for size in [(5, 4), (4, 5), (2, 2), (7, 9), (10, 12), (3, 12), (9, 9)]:
        found, masked = T.CenterCrop(size)(picture), T.CenterCrop(size)(mask)
        cases.append(dict(op="center_crop", name="%dx%d" % size, shape=[3, *size], pil=planes(found), mask=planes(masked)))
    for name, adjust, factors in [
        ("brightness", F.adjust_brightness, [0.0, 0.4, 1.7]),
        ("contrast", F.adjust_contrast, [0.0, 0.5, 1.6]),
        ("saturation", F.adjust_saturation, [0.0, 0.3, 2.0]),
        ("hue", F.adjust_hue, [-0.5, -0.13, 0.0, 0.02, 0.31, 0.5]),
    ]:
        for factor in factors:
            cases.append(dict(op=name, name="%s %g" % (name, factor), shape=[3, height, width], factor=factor,
                              exact=numbers(adjust(exact, factor))))
    grey = exact[:1]
    cases.append(dict(op="contrast grey", name="grey", shape=[1, height, width], factor=0.6, exact=numbers(F.adjust_contrast(grey, 0.6))))
    golden = dict(shape=[3, height, width], pixels=planes(picture), mask=planes(mask), cases=cases)
    with open(os.path.join(folder, "transforms.json"), "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    write(os.path.dirname(os.path.abspath(__file__)))
