#!/usr/bin/env python3
"""Writes crates/weights/manifest.json: torchvision's published weights, from its source text.

    pip download --no-deps torchvision && scripts/weights_manifest.py torchvision-*.whl > crates/weights/manifest.json

Nothing is imported and nothing downloaded. The name of each file ends in the first digits of its SHA-256, as torch.hub has it;
torchvision holds downloads to them (check_hash) since 0.16. Use a version from then on: in the names of older ones (0.14's
EfficientNets) some digits are not those of the file that is published.
"""

import ast
import json
import re
import sys
import zipfile

# The networks that are there, or are on their way; others are left out.
WANTED = re.compile(
    r"resnet(18|34|50|101|152)|wide_resnet50_2|resnext50_32x4d|vgg(11|13|16|19)(_bn)?|alexnet|mobilenet_v2|mobilenet_v3_(small|large)|"
    r"efficientnet_b0|squeezenet1_[01]|densenet121|googlenet|shufflenet_v2_x(0_5|1_0)|convnext_tiny|"
    r"(fcn|deeplabv3)_resnet(50|101)|deeplabv3_mobilenet_v3_large|lraspp_mobilenet_v3_large"
)


def published(text):
    """Of each class of weights: its entries with their addresses, and which is the default."""
    tree = ast.parse(text)
    classes, builders = {}, {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.endswith("_Weights"):
            entries, default = {}, None
            for line in node.body:
                if not isinstance(line, ast.Assign):
                    continue
                name = line.targets[0].id
                if isinstance(line.value, ast.Name) and name == "DEFAULT":
                    default = line.value.id
                elif isinstance(line.value, ast.Call):
                    for keyword in line.value.keywords:
                        if keyword.arg == "url" and isinstance(keyword.value, ast.Constant):
                            entries[name] = keyword.value.value
            classes[node.name] = (entries, default)
        if isinstance(node, ast.FunctionDef) and WANTED.fullmatch(node.name):
            for argument in node.args.args + node.args.kwonlyargs:
                if argument.arg == "weights":
                    builders[node.name] = re.search(r"\w+_Weights", ast.unparse(argument.annotation)).group()
    for network, name in builders.items():
        entries, default = classes[name]
        for entry, url in entries.items():
            yield network, entry, url, entry == default


def main(wheel):
    entries = []
    with zipfile.ZipFile(wheel) as archive:
        files = [name for name in archive.namelist() if re.match(r"torchvision/models/(segmentation/)?\w+\.py", name)]
        for file in files:
            for network, entry, url, default in published(archive.read(file).decode()):
                data = "COCO with the labels of Pascal VOC" if "/segmentation/" in file else "ImageNet-1k"
                entries.append(
                    {
                        "name": f"{network}.{entry.lower()}",
                        "network": network,
                        "default": default,
                        "url": url,
                        "sha256": re.search(r"-([0-9a-f]{8,})\.pth$", url).group(1),
                        "conversion": "pytorch",
                        "licence": f"BSD-3-Clause (torchvision); trained on {data}, whose terms may apply",
                    }
                )
    entries.sort(key=lambda entry: entry["name"])
    json.dump({"source": wheel.rsplit("/")[-1].split("-cp")[0].split("-none")[0], "weights": entries}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(sys.argv[1])
