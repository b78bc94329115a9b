#!/usr/bin/env python3
"""Runs exported graphs in ONNX Runtime and compares its answers with Tilewright's.

    python3 -m venv venv && venv/bin/pip install onnx onnxruntime
    TILEWRIGHT_ONNX_EXPORTS=FOLDER cargo test --test onnx_export
    venv/bin/python tests/onnx/check_export.py FOLDER

FOLDER/CASE holds model.onnx, input-NAME.npy and output-NAME.npy. Any network can be put beside them:

    tilewright export MODEL --weights W.safetensors --input 1x3x32x32 --output FOLDER/CASE/model.onnx
    tilewright infer MODEL --weights W.safetensors --input FOLDER/CASE/input-input.npy --output FOLDER/CASE/outputs.npz

where outputs.npz takes the place of the output-NAME.npy. Exits with 1 if an answer is more than 1e-4 of the largest
number of an output (or of 1) away.
"""

import pathlib
import sys

import numpy
import onnx
import onnxruntime

TOLERANCE = 1e-4
onnxruntime.set_default_logger_severity(3)


def expected_of(case):
    expected = {path.stem.removeprefix("output-"): numpy.load(path) for path in case.glob("output-*.npy")}
    if (case / "outputs.npz").exists():
        expected.update(numpy.load(case / "outputs.npz"))
    if not expected:
        sys.exit(f"{case} holds no answers: output-NAME.npy, or outputs.npz")
    return expected


def check(case):
    """The largest difference over all outputs, and where it is."""
    path = str(case / "model.onnx")
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = {path.stem.removeprefix("input-"): numpy.load(path) for path in case.glob("input-*.npy")}
    names = [output.name for output in session.get_outputs()]
    expected = expected_of(case)
    if set(names) != set(expected):
        return float("inf"), f"outputs {sorted(names)} and answers {sorted(expected)}"
    worst = (-1.0, "no number")
    for name, found in zip(names, session.run(names, inputs)):
        wanted = expected[name]
        if found.shape != wanted.shape:
            return float("inf"), f"`{name}`: shape {found.shape} and not {wanted.shape}"
        if found.size == 0:
            continue
        apart = numpy.abs(found.astype(numpy.float64) - wanted).max() / max(1.0, numpy.abs(wanted).max())
        # A NaN is not close.
        worst = max(worst, (apart if apart == apart else float("inf"), f"`{name}`"))
    return worst


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    cases = sorted(path.parent for path in pathlib.Path(sys.argv[1]).glob("*/model.onnx"))
    if not cases:
        sys.exit(f"no model.onnx in a folder of {sys.argv[1]}")
    failed = 0
    for case in cases:
        apart, where = check(case)
        failed += apart > TOLERANCE
        print(f"{'FAILED' if apart > TOLERANCE else 'ok    '} {case.name}: {apart:.1e} apart at {where}", flush=True)
    print(f"{len(cases)} exported graphs, {failed} failed, ONNX Runtime {onnxruntime.__version__}")
    sys.exit(1 if failed else 0)


main()
