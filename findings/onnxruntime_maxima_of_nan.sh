#!/usr/bin/env bash
# NaN in a maximum, in ONNX Runtime 1.32.0 (CPU).
#
# A good guess: a NaN in a row makes its maximum NaN, as in NumPy and PyTorch, or is ignored, as in C's fmax; one of the two,
# wherever it stands and whichever operator takes the maximum.
# Seen: Relu keeps a NaN. MaxPool and GlobalMaxPool lose one at the first place, and ReduceMax keeps it there and loses one at a
# later place: whether a network that has diverged shows it depends on where in the row it diverged and on what comes next.
# For Tilewright: NaN in is NaN out everywhere, as PyTorch; ONNX Runtime is no oracle for it.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
seen "Relu keeps a NaN at the first place: True, at the second: True
MaxPool keeps a NaN at the first place: False, at the second: False
GlobalMaxPool keeps a NaN at the first place: False, at the second: False
ReduceMax keeps a NaN at the first place: True, at the second: False" <<'PYTHON'
import numpy as np, onnxruntime as ort
from onnx import TensorProto, helper as h

ort.set_default_logger_severity(4)
for operator, attributes in (("Relu", {}), ("MaxPool", {"kernel_shape": [8]}), ("GlobalMaxPool", {}), ("ReduceMax", {})):
    kept = []
    for place in (0, 1):
        x = np.arange(8, dtype=np.float32).reshape(1, 1, 8)
        x[..., place] = np.nan
        graph = h.make_graph([h.make_node(operator, ["x"], ["y"], **attributes)], "g",
                             [h.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                             [h.make_tensor_value_info("y", TensorProto.FLOAT, None)])
        model = h.make_model(graph, opset_imports=[h.make_opsetid("", 18)])
        model.ir_version = 8
        session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        kept.append(bool(np.isnan(session.run(None, {"x": x})[0]).any()))
    print(f"{operator} keeps a NaN at the first place: {kept[0]}, at the second: {kept[1]}")
PYTHON
