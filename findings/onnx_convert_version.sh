#!/usr/bin/env bash
# Files taken to a newer operator set by onnx.version_converter, in onnx 1.23.2.
#
# A good guess: where the meaning of an operator has changed, the converter writes the old one out, or refuses.
# Seen: it does so for Softmax, which flattened its input before version 13. Hardmax flattened it too and is taken over as it
# is, so that there is a 1 in every line of its axis instead of one in all. Resize and Upsample measured from the corner before version
# 11; they become a Resize that measures from the pixels' centres. No error, no warning, the same shapes.
# For Tilewright: nothing is converted first; each operator is read as the version that the file says has it.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
seen "Softmax 11 of [1 3 1 2]: 0.09 0.24 0.09 0.24 0.09 0.24, as version 13: 0.09 0.24 0.09 0.24 0.09 0.24
Hardmax 11 of [1 3 1 2]: 0 1 0 0 0 0, as version 13: 1 1 0 0 0 0
Upsample 9, linear, 3 times: 0 2 4 6 6 6, as version 13: 0 0 2 4 6 6
Resize 10, linear, 3 times: 0 2 4 6 6 6, as version 13: 0 0 2 4 6 6
Resize 10, nearest, a quarter: 0 4, as version 13: 1 5" <<'PYTHON'
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto, helper as h, numpy_helper, version_converter

ort.set_default_logger_severity(4)


def both(name, operator, version, x, scale=None, **attributes):
    x = np.asarray(x, np.float32)
    constants = [] if scale is None else [numpy_helper.from_array(np.array([1, 1, 1, scale], np.float32), "s")]
    node = h.make_node(operator, ["x"] + [c.name for c in constants], ["y"], **attributes)
    graph = h.make_graph([node], "g", [h.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                         [h.make_tensor_value_info("y", TensorProto.FLOAT, ["a", "b", "c", "d"])], constants)
    old = h.make_model(graph, opset_imports=[h.make_opsetid("", version)])
    old.ir_version = 8
    onnx.checker.check_model(old)
    lines = []
    for model in (old, version_converter.convert_version(old, 13)):
        session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        lines.append(" ".join(f"{round(float(v), 2):g}" for v in session.run(None, {"x": x})[0].ravel()))
    print(f"{name}: {lines[0]}, as version 13: {lines[1]}")


for operator in ("Softmax", "Hardmax"):
    both(f"{operator} 11 of [1 3 1 2]", operator, 11, [[[[0, 1]], [[0, 1]], [[0, 1]]]], axis=1)
both("Upsample 9, linear, 3 times", "Upsample", 9, [[[[0, 6]]]], 3, mode="linear")
both("Resize 10, linear, 3 times", "Resize", 10, [[[[0, 6]]]], 3, mode="linear")
both("Resize 10, nearest, a quarter", "Resize", 10, np.arange(8).reshape(1, 1, 1, 8), 0.25, mode="nearest")
PYTHON
