#!/usr/bin/env bash
# A convolution whose result is multiplied by a constant row or column, in onnxslim 0.1.98.
#
# A good guess: a factor is folded into the weights where it belongs to a channel, and left alone where it belongs to a place.
# Seen: only the number of elements is looked at. A window of 3 numbers over the width of an image is taken for factors of the
# channels where there are 3 channels, whatever axis it lies on: [1 1 1 3] gives the numbers of [1 3 1 1]. With 4 channels it is
# left alone, so it depends on the size of the image whether a network is slimmed to another one.
# For Tilewright: `fold_scale` goes by the axis that the factors lie on. A file that is wrong here may have been through this tool.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 onnxslim==0.1.98
seen "3 channels, factors of shape [1, 3, 1, 1]: Conv, as it was: True
3 channels, factors of shape [1, 1, 1, 3]: Conv, as it was: False, as factors of the channels: True
3 channels, factors of shape [3, 1]: Conv, as it was: False, as factors of the channels: True
4 channels, factors of shape [1, 1, 1, 3]: Conv Mul, as it was: True" <<'PYTHON'
import numpy as np, onnx, onnxruntime as ort, onnxslim
from onnx import TensorProto, helper as h, numpy_helper

ort.set_default_logger_severity(4)
rng = np.random.default_rng(0)
x = rng.standard_normal((1, 2, 3, 3)).astype(np.float32)
factors = np.array([1, 10, 100], np.float32)
for channels, shape in ((3, [1, 3, 1, 1]), (3, [1, 1, 1, 3]), (3, [3, 1]), (4, [1, 1, 1, 3])):
    weight = rng.standard_normal((channels, 2, 1, 1)).astype(np.float32)
    constants = {"w": weight, "f": factors.reshape(shape)}
    graph = h.make_graph([h.make_node("Conv", ["x", "w"], ["c"]), h.make_node("Mul", ["c", "f"], ["y"])], "g",
                         [h.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                         [h.make_tensor_value_info("y", TensorProto.FLOAT, [1, channels, 3, 3])],
                         [numpy_helper.from_array(v, k) for k, v in constants.items()])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    slimmed = onnxslim.slim(model)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    run = lambda m: ort.InferenceSession(m.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    before, after = run(model), run(slimmed)
    same = np.allclose(before, after, rtol=1e-4, atol=1e-4)
    line = f"{channels} channels, factors of shape {shape}: {' '.join(n.op_type for n in slimmed.graph.node)}, as it was: {same}"
    if not same:
        plain = np.einsum("oi,nihw->nohw", weight[:, :, 0, 0], x) * factors.reshape(1, 3, 1, 1)
        line += f", as factors of the channels: {np.allclose(plain, after, rtol=1e-4, atol=1e-4)}"
    print(line)
PYTHON
