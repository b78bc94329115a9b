#!/usr/bin/env bash
# ceil_mode where the last window would begin in the padding behind, in onnx 1.23.2 and ONNX Runtime 1.32.0 (CPU).
#
# A good guess: a model that runs node by node also runs whole.
# Seen: for versions before 22 onnx's shape inference counts the window that begins behind the input (5 of 11 elements with
# window 1 and stride 3), and ONNX Runtime's kernel leaves it out (4). An addition that is right for the kernel's 4 makes the
# whole model invalid: ONNX Runtime infers shapes before it runs and refuses the model. The same attributes under version
# 22 are inferred as 4, and the model runs.
# For Tilewright: such windows are left out in every version, by our own shape arithmetic.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
seen "version 18: inferred 5, computed 4, with an addition to 4: refused
version 22: inferred 4, computed 4, with an addition to 4: 1 4 7 10" <<'PYTHON'
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto, helper as h, numpy_helper

ort.set_default_logger_severity(4)
x = np.arange(1, 12, dtype=np.float32).reshape(1, 1, 11)
pool = h.make_node("AveragePool", ["x"], ["p"], kernel_shape=[1], strides=[3], ceil_mode=1)
add = h.make_node("Add", ["p", "zeros"], ["y"])


def model(nodes, result, version):
    graph = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                         [h.make_tensor_value_info(result, TensorProto.FLOAT, None)],
                         [numpy_helper.from_array(np.zeros((1, 1, 4), np.float32), "zeros")] if len(nodes) > 1 else [])
    made = h.make_model(graph, opset_imports=[h.make_opsetid("", version)])
    made.ir_version = 10
    return made


run = lambda m: ort.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
for version in (18, 22):
    alone = model([pool], "p", version)
    inferred = onnx.shape_inference.infer_shapes(alone).graph.output[0].type.tensor_type.shape.dim[2].dim_value
    try:
        whole = " ".join(f"{v:g}" for v in run(model([pool, add], "y", version)).ravel())
    except Exception:
        whole = "refused"
    print(f"version {version}: inferred {inferred}, computed {run(alone).shape[2]}, with an addition to 4: {whole}")
PYTHON
