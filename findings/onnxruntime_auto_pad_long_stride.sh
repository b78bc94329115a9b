#!/usr/bin/env bash
# auto_pad SAME_UPPER and SAME_LOWER where the stride is longer than the window, in ONNX Runtime 1.32.0 (CPU).
#
# A good guess: nothing needs padding, so the windows begin at the first element, as in TensorFlow, where SAME comes from. ONNX's
# formula gives a negative number of padded elements here and says nothing of it.
# Seen: it depends on the operator, the version of the operator set and on UPPER or LOWER, although nothing is padded.
# Conv and AveragePool of version 19 take the negative number and cut: their windows begin later. AveragePool of
# version 18 and MaxPool refuse to run.
# For Tilewright: never fewer than 0 padded elements, as TensorFlow.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
seen "AveragePool 18, window 2, stride 5, SAME_UPPER: refused
AveragePool 18, window 2, stride 5, SAME_LOWER: refused
AveragePool 19, window 2, stride 5, SAME_UPPER: 2.5 7.5
AveragePool 19, window 2, stride 5, SAME_LOWER: 2.5 7.5
Conv 18, window 2, stride 5, SAME_UPPER: 2.5 7.5
Conv 18, window 2, stride 5, SAME_LOWER: 1.5 6.5
MaxPool 18, window 2, stride 5, SAME_UPPER: refused
MaxPool 18, window 2, stride 5, SAME_LOWER: refused" <<'PYTHON'
import numpy as np, onnxruntime as ort
from onnx import TensorProto, helper as h, numpy_helper

ort.set_default_logger_severity(4)
x = np.arange(1, 11, dtype=np.float32).reshape(1, 1, 10)
half = numpy_helper.from_array(np.full((1, 1, 2), 0.5, np.float32), "w")
for operator, version in (("AveragePool", 18), ("AveragePool", 19), ("Conv", 18), ("MaxPool", 18)):
    for pad in ("SAME_UPPER", "SAME_LOWER"):
        constants = [half] if operator == "Conv" else []
        node = h.make_node(operator, ["x"] + [c.name for c in constants], ["y"], auto_pad=pad, kernel_shape=[2], strides=[5])
        graph = h.make_graph([node], "g", [h.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                             [h.make_tensor_value_info("y", TensorProto.FLOAT, None)], constants)
        model = h.make_model(graph, opset_imports=[h.make_opsetid("", version)])
        model.ir_version = 8
        try:
            session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
            result = " ".join(f"{v:g}" for v in session.run(None, {"x": x})[0].ravel())
        except Exception:
            result = "refused"
        print(f"{operator} {version}, window 2, stride 5, {pad}: {result}")
PYTHON
