#!/usr/bin/env bash
# A dilated window with auto_pad SAME_UPPER or SAME_LOWER, in ONNX Runtime 1.32.0 (CPU).
#
# A good guess: SAME means ceil(input / stride) results, dilated or not; ONNX's formula has the dilated kernel in it, and ONNX's
# own shape inference says 10 for 10 inputs.
# Seen: MaxPool pads as for the kernel without its dilation. 10 inputs give 8 results, without an error or a warning, and
# whatever follows has other shapes than the file says. Conv refuses the same attributes.
# For Tilewright: MaxPool follows ONNX's formula, so results differ from ONNX Runtime's; random networks leave it out.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
seen "ONNX's shape inference: [1, 1, 10]
MaxPool gives [1, 1, 8]: 4 5 6 7 8 9 10 9
Conv is refused" <<'PYTHON'
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto, helper as h, numpy_helper

ort.set_default_logger_severity(4)
x = np.arange(1, 11, dtype=np.float32).reshape(1, 1, 10)


def model(operator, weight=None, **attributes):
    constants = [] if weight is None else [numpy_helper.from_array(weight, "w")]
    node = h.make_node(operator, ["x"] + [c.name for c in constants], ["y"], **attributes)
    graph = h.make_graph([node], "g", [h.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                         [h.make_tensor_value_info("y", TensorProto.FLOAT, None)], constants)
    made = h.make_model(graph, opset_imports=[h.make_opsetid("", 18)])
    made.ir_version = 8
    return made


same = dict(auto_pad="SAME_UPPER", kernel_shape=[3], dilations=[2])
pooled = model("MaxPool", **same)
inferred = onnx.shape_inference.infer_shapes(pooled).graph.output[0].type.tensor_type.shape
print("ONNX's shape inference:", [d.dim_value for d in inferred.dim])
run = lambda m: ort.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
y = run(pooled)
print(f"MaxPool gives {list(y.shape)}:", *y.ravel().astype(int))
try:
    print("Conv gives", run(model("Conv", np.ones((1, 1, 3), np.float32), **same)).shape)
except Exception:
    print("Conv is refused")
PYTHON
