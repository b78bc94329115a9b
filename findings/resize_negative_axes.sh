#!/usr/bin/env bash
# Resize of an axis counted from behind, in ONNX Runtime 1.32.0 (CPU) and the reference evaluator of onnx 1.23.2.
#
# A good guess: `axes` = [-1] is the last axis, as ONNX's text says, and gives what [2] gives of three axes.
# Seen: with a keep_aspect_ratio_policy ONNX Runtime returns the operand as it was, without an error; with the policy `stretch`,
# the default, it resizes. The evaluator raises an error for any negative axis.
# For Tilewright: axes from behind are those axes.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
seen "axes [2], stretch: ONNX Runtime 10 elements, evaluator 10
axes [2], not_larger: ONNX Runtime 10 elements, evaluator 10
axes [-1], stretch: ONNX Runtime 10 elements, evaluator ValueError
axes [-1], not_larger: ONNX Runtime 5 elements, evaluator ValueError" <<'PYTHON'
import numpy as np, onnxruntime as ort
from onnx import TensorProto, helper as h, numpy_helper
from onnx.reference import ReferenceEvaluator

ort.set_default_logger_severity(4)
x = np.arange(5, dtype=np.float32).reshape(1, 1, 5)
for axes in ([2], [-1]):
    for policy in ("stretch", "not_larger"):
        node = h.make_node("Resize", ["x", "", "", "sizes"], ["y"], axes=axes, keep_aspect_ratio_policy=policy, mode="nearest")
        graph = h.make_graph([node], "g", [h.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                             [h.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                             [numpy_helper.from_array(np.array([10], np.int64), "sizes")])
        model = h.make_model(graph, opset_imports=[h.make_opsetid("", 19)])
        model.ir_version = 8
        session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        runtime = session.run(None, {"x": x})[0].size
        try:
            evaluator = ReferenceEvaluator(model).run(None, {"x": x})[0].size
        except ValueError as error:
            evaluator = type(error).__name__
        print(f"axes {axes}, {policy}: ONNX Runtime {runtime} elements, evaluator {evaluator}")
PYTHON
