#!/usr/bin/env python3
"""Writes real networks as cases in the layout of ONNX's own test data: what ONNX Runtime answers to a picture.

    python3 -m venv venv && venv/bin/pip install onnx onnxruntime pillow
    venv/bin/python tests/onnx/make_cases.py CASES [MODELS …]

MODELS are .onnx files, or folders and wheels to be searched for them: those that export_torchvision.py writes, and

    venv/bin/pip download --no-deps qonnx rapidocr-onnxruntime==1.4.4

Without any, only CASES is listed. Then

    TILEWRIGHT_ONNX_CASES=CASES cargo test --release -p tilewright-onnx --test networks -- --nocapture

runs them all here and compares.
"""

import os
import sys
import zipfile

import numpy
import onnx
import onnxruntime
from PIL import Image, ImageDraw, ImageFont

onnxruntime.set_default_logger_severity(3)

# What a network is shown where its file leaves extents open: pictures small enough for a device in software.
SHAPES = {
    "ch_PP-OCRv4_det_infer": (1, 3, 96, 160),
    "ch_PP-OCRv4_rec_infer": (2, 3, 48, 160),
    "ch_ppocr_mobile_v2.0_cls_infer": (2, 3, 48, 192),
}
# Of the many files in the wheels, those that are whole networks.
WANTED = ["mnist-conv", "espcn", "residual_block", "_infer", "sdp"]


def picture(height, width, channels):
    """Text on a slope of grey, as float32 in −1 to 1: something with edges, flat areas and all frequencies."""
    ramp = numpy.linspace(40, 120, width)[None, :] + numpy.linspace(0, 60, height)[:, None]
    image = Image.fromarray(ramp.astype(numpy.uint8))
    size = max(8, int(height * 0.7))
    ImageDraw.Draw(image).text((width // 20, height // 10), "7 Tile", fill=250, font=ImageFont.load_default(size))
    plane = numpy.asarray(image, numpy.float32) / 127.5 - 1.0
    return numpy.stack([plane * (1.0 - 0.2 * c) for c in range(channels)])


def operand(value, name):
    dims = [d.dim_value if d.dim_value > 0 else 0 for d in value.type.tensor_type.shape.dim]
    shape = SHAPES.get(name, tuple(dim or 1 for dim in dims))
    if len(shape) == 4:
        images = [picture(shape[2], shape[3], shape[1]) * (1.0 - 0.1 * n) for n in range(shape[0])]
        return numpy.stack(images).astype(numpy.float32)
    return numpy.random.default_rng(0).standard_normal(shape).astype(numpy.float32)


def write(cases, name, content):
    model = onnx.load_from_string(content)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    arrays = {value.name: operand(value, name) for value in inputs}
    try:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    except Exception as error:  # A foreign domain: nothing to compare with.
        print(f"{name}: ONNX Runtime refuses it ({str(error).splitlines()[0][:120]})")
        return
    outputs = session.run(None, arrays)
    folder = os.path.join(cases, name)
    data = os.path.join(folder, "test_data_set_0")
    os.makedirs(data, exist_ok=True)
    with open(os.path.join(folder, "model.onnx"), "wb") as file:
        file.write(content)
    named = [("input", list(arrays), arrays.values())]
    named.append(("output", [value.name for value in model.graph.output], outputs))
    for kind, names, tensors in named:
        for at, (tensor_name, tensor) in enumerate(zip(names, tensors)):
            with open(os.path.join(data, f"{kind}_{at}.pb"), "wb") as file:
                file.write(onnx.numpy_helper.from_array(numpy.asarray(tensor), tensor_name).SerializeToString())
    shapes = ", ".join(str(array.shape) for array in arrays.values())
    print(f"{name}: {shapes} → {', '.join(str(output.shape) for output in outputs)}", flush=True)


def name_of(path):
    base = os.path.splitext(os.path.basename(path))[0]
    if base in ("model", "float_model", "quant_model"):
        folder = os.path.dirname(path)
        base = os.path.basename(folder)
        if os.path.basename(os.path.dirname(folder)) == "bsd300x3-espcn":
            base = "espcn_" + base + ("_quant" if "quant" in path else "")
    return base


def found(place):
    if os.path.isdir(place):
        for folder, _, files in sorted(os.walk(place)):
            for file in sorted(files):
                if file.endswith((".onnx", ".whl")):
                    yield from found(os.path.join(folder, file))
    elif place.endswith(".whl"):
        with zipfile.ZipFile(place) as wheel:
            for path in wheel.namelist():
                if path.endswith(".onnx") and any(word in path for word in WANTED):
                    yield name_of(path), wheel.read(path)
    else:
        with open(place, "rb") as file:
            yield name_of(place), file.read()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    cases, places = sys.argv[1], sys.argv[2:]
    for place in places:
        for name, content in found(place):
            write(cases, name, content)
    print("cases:", ", ".join(sorted(os.listdir(cases))) if os.path.isdir(cases) else "none")


main()
