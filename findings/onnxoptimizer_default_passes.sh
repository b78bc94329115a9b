#!/usr/bin/env bash
# The default passes of onnxoptimizer 0.4.2.
#
# A good guess: fusing and eliminating nodes gives the results of the whole, to rounding.
# Seen: a Pad by zeros becomes the padding of the MaxPool behind it, which is no zeros: where everything is negative the border
# changes. Of two Reshapes in a row the first is dropped, also where the second copies an axis (0) from what the first has
# made: the result has another shape.
# For Tilewright: a Pad in front of a pooling stays a Pad, and a 0 in a shape is replaced by the axis before any pass. A file that is
# wrong here may have been through this tool: compare with what it was before.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 onnxoptimizer==0.4.2
seen "Pad MaxPool: [1, 1, 6] 0 -1 -2 -3 -4 0; after: MaxPool: [1, 1, 6] -1 -1 -2 -3 -4 -5
Reshape Reshape: [3, 2] -1 -2 -3 -4 -5 -6; after: Reshape: [1, 6] -1 -2 -3 -4 -5 -6" <<'PYTHON'
import numpy as np, onnx, onnxoptimizer, onnxruntime as ort
from onnx import TensorProto, helper as h, numpy_helper

ort.set_default_logger_severity(4)
x = -np.arange(1, 7, dtype=np.float32).reshape(1, 1, 6)


def both(nodes, rank, constants):
    graph = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                         [h.make_tensor_value_info("y", TensorProto.FLOAT, ["a", "b", "c"][:rank])],
                         [numpy_helper.from_array(np.array(v, np.int64), k) for k, v in constants.items()])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    lines = []
    for m in (model, onnxoptimizer.optimize(model)):
        y = ort.InferenceSession(m.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
        lines.append(" ".join([n.op_type for n in m.graph.node]) + f": {list(y.shape)} " + " ".join(f"{v:g}" for v in y.ravel()))
    print("; after: ".join(lines))


both([h.make_node("Pad", ["x", "p"], ["z"]), h.make_node("MaxPool", ["z"], ["y"], kernel_shape=[3])], 3, {"p": [0, 0, 1, 0, 0, 1]})
both([h.make_node("Reshape", ["x", "three"], ["z"]), h.make_node("Reshape", ["z", "copied"], ["y"])], 2,
     {"three": [3, 1, 2], "copied": [0, -1]})
PYTHON
