#!/usr/bin/env bash
# A normalisation by another power than the square, in ONNX Runtime 1.32.0 (CPU).
#
# A good guess: the optimiser takes x − mean over the root of its mean *square* for a layer normalisation, and nothing else.
# Seen: the nodes are recognised, the exponent is not read. With the exponent 4 a session runs LayerNormalization from the first
# level of optimisation on, with another result than the file's; the file's result needs ORT_DISABLE_ALL. No error, no warning.
# For Tilewright: no group of nodes is taken for a normalisation; a comparison with ONNX Runtime needs ORT_DISABLE_ALL.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
seen "exponent 2, as the file says: -1.07 -0.53 0.00 1.60
exponent 2, first level: -1.07 -0.53 0.00 1.60 by LayerNormalization
exponent 2, default: -1.07 -0.53 0.00 1.60 by LayerNormalization
exponent 4, as the file says: -0.40 -0.20 0.00 0.61
exponent 4, first level: -1.07 -0.53 0.00 1.60 by LayerNormalization
exponent 4, default: -1.07 -0.53 0.00 1.60 by LayerNormalization" <<'PYTHON'
import os, tempfile
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto, helper as h, numpy_helper

ort.set_default_logger_severity(4)
x = np.array([[1, 2, 3, 6]], np.float32)
for exponent in (2, 4):
    constants = {"exponent": exponent, "epsilon": 1e-5, "scale": [1] * 4, "shift": [0] * 4}
    nodes = [h.make_node("ReduceMean", ["x"], ["mean"], axes=[-1]), h.make_node("Sub", ["x", "mean"], ["d"]),
             h.make_node("Pow", ["d", "exponent"], ["power"]), h.make_node("ReduceMean", ["power"], ["moment"], axes=[-1]),
             h.make_node("Add", ["moment", "epsilon"], ["more"]), h.make_node("Sqrt", ["more"], ["root"]),
             h.make_node("Div", ["d", "root"], ["n"]), h.make_node("Mul", ["n", "scale"], ["m"]),
             h.make_node("Add", ["m", "shift"], ["y"])]
    graph = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                         [h.make_tensor_value_info("y", TensorProto.FLOAT, x.shape)],
                         [numpy_helper.from_array(np.array(v, np.float32), k) for k, v in constants.items()])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    levels = ort.GraphOptimizationLevel
    for name, level in (("as the file says", levels.ORT_DISABLE_ALL), ("first level", levels.ORT_ENABLE_BASIC), ("default", None)):
        options = ort.SessionOptions()
        if level is not None:
            options.graph_optimization_level = level
        with tempfile.TemporaryDirectory() as folder:
            options.optimized_model_filepath = os.path.join(folder, "m.onnx")
            session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
            ran = [n.op_type for n in onnx.load(options.optimized_model_filepath).graph.node]
        y = session.run(None, {"x": x})[0].ravel() + 0.0
        fused = " by LayerNormalization" if ran == ["LayerNormalization"] else ""
        print(f"exponent {exponent}, {name}:", *(f"{v:.2f}" for v in y), end=f"{fused}\n")
PYTHON
