#!/usr/bin/env bash
# LRN in the reference evaluator of onnx 1.23.2.
#
# A good guess: the evaluator that comes with the specification computes what the specification says, and is the oracle when other
# programs differ.
# Seen: of N images only the first N channels are normalised, the others' sum of squares stays 0 and they come back as they
# went in (with the default bias of 1). One image of 4 channels: 1 is right. ONNX Runtime 1.32.0 computes the formula.
# For Tilewright: the evaluator is never the only oracle.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
seen "1 image: the evaluator changed channels [0] of 4; ONNX Runtime has the formula in all: True
3 images: the evaluator changed channels [0, 1, 2] of 4; ONNX Runtime has the formula in all: True" <<'PYTHON'
import numpy as np, onnxruntime as ort
from onnx import TensorProto, helper as h
from onnx.reference import ReferenceEvaluator

ort.set_default_logger_severity(4)
for images in (1, 3):
    x = np.random.default_rng(1).standard_normal((images, 4, 2, 2)).astype(np.float32)
    graph = h.make_graph([h.make_node("LRN", ["x"], ["y"], size=3, alpha=1.0, beta=0.75)], "g",
                         [h.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                         [h.make_tensor_value_info("y", TensorProto.FLOAT, x.shape)])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 18)])
    model.ir_version = 8
    padded = np.pad(x.astype(np.float64) ** 2, ((0, 0), (1, 1), (0, 0), (0, 0)))
    formula = x / (1 + (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3) ** 0.75
    evaluator = ReferenceEvaluator(model).run(None, {"x": x})[0]
    runtime = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    changed = [c for c in range(4) if np.abs(evaluator[:, c] - x[:, c]).max() > 0]
    print(f"{images} image{'s' * (images > 1)}: the evaluator changed channels {changed} of 4;",
          "ONNX Runtime has the formula in all:", bool(np.abs(runtime - formula).max() < 1e-6))
PYTHON
