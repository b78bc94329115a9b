#!/usr/bin/env bash
# A constant minus a convolution, and a constant divided by one, in tract 0.23.9.
#
# A good guess: what is behind a convolution is computed in its last step, as it was written.
# Seen: the constant and the convolution change places: 100 − c comes out as 100 + c, and 100 / c as infinity. So it is with one
# channel, or with a constant for each of several; c − 100 and c / 100, addition, a ReLU in between, and one constant for
# several channels are right. No error; ONNX Runtime 1.32.0 computes what is written.
# For Tilewright: of subtractions and divisions only convolution / constant becomes part of the convolution (`fold_scale`). A peer's
# speed counts only where its answer is equal.
. "$(dirname "$0")/../scripts/findings.sh"
packages numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 tract==0.23.9
seen "1 channel, Sub(k, c): tract 106 109 112, ONNX Runtime 94 91 88
1 channel, Sub(c, k): tract -94 -91 -88, ONNX Runtime -94 -91 -88
1 channel, Div(k, c): tract inf inf inf, ONNX Runtime 16.67 11.11 8.33
1 channel, Div(c, k): tract 0.06 0.09 0.12, ONNX Runtime 0.06 0.09 0.12
1 channel, Sub(k, Relu(c)): tract 94 91 88, ONNX Runtime 94 91 88
2 channels, Sub(k, c): tract 106 109 112 206 209 212, ONNX Runtime 94 91 88 194 191 188" <<'PYTHON'
import os, tempfile
import numpy as np, onnx, onnxruntime as ort, tract
from onnx import TensorProto, helper as h, numpy_helper

ort.set_default_logger_severity(4)
x = np.arange(1, 6, dtype=np.float32).reshape(1, 1, 5)


def line(name, channels, operator, inputs, between=()):
    constants = {"w": np.ones((channels, 1, 3)), "k": 100 * np.arange(1, channels + 1).reshape(1, channels, 1)}
    nodes = [h.make_node("Conv", ["x", "w"], ["c"]), *between, h.make_node(operator, inputs, ["y"])]
    graph = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                         [h.make_tensor_value_info("y", TensorProto.FLOAT, [1, channels, 3])],
                         [numpy_helper.from_array(v.astype(np.float32), k) for k, v in constants.items()])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "m.onnx")
        onnx.save(model, file)
        first = tract.onnx().load(file).into_model().into_runnable().run([x])[0].to_numpy()
        second = ort.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    texts = [" ".join(f"{round(float(v), 2):g}" for v in y.ravel()) for y in (first, second)]
    print(f"{channels} channel{'s' * (channels > 1)}, {name}: tract {texts[0]}, ONNX Runtime {texts[1]}")


line("Sub(k, c)", 1, "Sub", ["k", "c"])
line("Sub(c, k)", 1, "Sub", ["c", "k"])
line("Div(k, c)", 1, "Div", ["k", "c"])
line("Div(c, k)", 1, "Div", ["c", "k"])
line("Sub(k, Relu(c))", 1, "Sub", ["k", "r"], [h.make_node("Relu", ["c"], ["r"])])
line("Sub(k, c)", 2, "Sub", ["k", "c"])
PYTHON
