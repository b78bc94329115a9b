"""Writes the cases of this folder: models of quantised operators, each with its inputs as initializers `input/NAME` and what
ONNX Runtime answers without its optimiser (ORT_DISABLE_ALL) as `expected/NAME`.

ONNX Runtime adds pairs of uint8 x int8 products in 16 bits, and saturates, on processors with AVX2 and without VNNI; run this
on one with VNNI (`grep vnni /proc/cpuinfo`), or the answers are not those of the integers.

    pip install onnx==1.23.2 onnxruntime==1.32.0 && python make_quantized.py
"""
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper as H
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

HERE = pathlib.Path(__file__).resolve().parent
MS = "com.microsoft"
node = H.make_node


def answers(model, inputs):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs)))


def save(name, model, inputs):
    """The model with its inputs and results beside its own weights."""
    for kind, values in (("expected", answers(model, inputs)), ("input", inputs)):
        for key, value in values.items():
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), f"{kind}/{key}"))
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())


def check(name, nodes, inputs, weights, outputs=("y",), opset=21):
    graph = H.make_graph(
        nodes if isinstance(nodes, list) else [nodes],
        name,
        [H.make_tensor_value_info(k, H.np_dtype_to_tensor_dtype(v.dtype), v.shape) for k, v in inputs.items()],
        [H.make_empty_tensor_value_info(k) for k in outputs],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in weights.items()],
    )
    save(name, H.make_model(graph, opset_imports=[H.make_opsetid("", opset), H.make_opsetid(MS, 1)], ir_version=10), inputs)


rng = np.random.default_rng(7)


def whole(dtype, *shape):
    i = np.iinfo(dtype)
    return rng.integers(i.min, i.max + 1, shape).astype(dtype)


def real(*shape, low=-1.0, high=1.0):
    return rng.uniform(low, high, shape).astype(np.float32)


def linear():
    """Real numbers to bytes and back."""
    ends = np.asarray([np.inf, -np.inf, np.nan, 1e10, -1e10, 1.265, -1.265, 0.05, 0.15, 0.25, -0.05, 0], np.float32)
    x = np.concatenate([ends, real(36, low=-9, high=9)]).reshape(2, 4, 6)
    for dtype in (np.int8, np.uint8):
        kind = np.dtype(dtype).name
        zero = np.asarray(5, dtype)
        check(f"quantize_{kind}", node("QuantizeLinear", ["x", "s", "z"], ["y"]), {"x": x}, {"s": np.float32(0.1), "z": zero})
        # The default axis is 1.
        scales, zeros = real(4, low=0.05, high=0.1), rng.integers(0, 9, 4).astype(dtype)
        check(f"quantize_{kind}_axis", node("QuantizeLinear", ["x", "s", "z"], ["y"]), {"x": x}, {"s": scales, "z": zeros}, opset=13)
        q = whole(dtype, 2, 4, 6)
        check(f"dequantize_{kind}", node("DequantizeLinear", ["x", "s", "z"], ["y"]), {"x": q}, {"s": np.float32(0.3), "z": zero}, opset=10)
        scales, zeros = real(6, low=0.05, high=0.1), rng.integers(0, 9, 6).astype(dtype)
        check(f"dequantize_{kind}_axis", node("DequantizeLinear", ["x", "s", "z"], ["y"], axis=-1), {"x": q}, {"s": scales, "z": zeros}, opset=19)
    check("quantize_default", node("QuantizeLinear", ["x", "s"], ["y"]), {"x": x}, {"s": np.float32(0.07)})
    sums = rng.integers(-(2**31), 2**31 - 1, (3, 5)).astype(np.int32)
    check("dequantize_int32", node("DequantizeLinear", ["x", "s"], ["y"], axis=1), {"x": sums}, {"s": real(5, low=0.01, high=0.02)})


def products():
    for name, x_type, w_type, w_shape, more, zeros, bias in (
        ("u8u8", np.uint8, np.uint8, (6, 3, 3, 3), dict(pads=[1, 1, 1, 1]), True, True),
        ("u8s8", np.uint8, np.int8, (6, 3, 3, 2), dict(strides=[2, 1]), False, True),
        ("s8s8", np.int8, np.int8, (6, 3, 3, 3), dict(auto_pad="SAME_UPPER", strides=[2, 2]), False, False),
        ("depthwise", np.int8, np.int8, (3, 1, 3, 3), dict(group=3, pads=[1, 1, 1, 1], dilations=[2, 1]), False, True),
        ("uneven", np.uint8, np.int8, (6, 3, 3, 3), dict(pads=[0, 1, 2, 0]), False, True),
        ("1d", np.int8, np.int8, (6, 3, 3), dict(pads=[1, 1]), False, True),
    ):
        o, w = w_shape[0], whole(w_type, *w_shape)
        x = whole(x_type, *(2, 3, 9, 8)[: len(w_shape)])
        zero = np.asarray(rng.integers(100, 140) if w_type == np.uint8 else 0, w_type)
        x_zero, y_zero = np.asarray(rng.integers(0, 20), x_type), np.asarray(rng.integers(0, 20), x_type)
        scales = real(o, low=0.005, high=0.02)
        weights = {"xs": np.float32(0.03), "xz": x_zero, "w": w, "ws": scales, "wz": np.full(o, zero), "ys": np.float32(0.9), "yz": y_zero}
        names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"]
        if bias:
            weights["b"] = rng.integers(-20000, 20000, o).astype(np.int32)
            names.append("b")
        check(f"qlinear_conv_{name}", node("QLinearConv", names, ["y"], **more), {"x": x}, weights)
        if len(w_shape) == 4 and name != "depthwise":
            integers = node("ConvInteger", ["x", "w", "xz", "zero"], ["y"], **more)
            check(f"conv_integer_{name}", integers, {"x": x}, {"xz": x_zero, "w": w, "zero": zero})
    for name, a_type, b_type, shape in (("u8u8", np.uint8, np.uint8, (5, 12)), ("u8s8", np.uint8, np.int8, (2, 3, 12)), ("s8s8", np.int8, np.int8, (12,))):
        a, b = whole(a_type, *shape), whole(b_type, 12, 7)
        az, bz, yz = np.asarray(9, a_type), np.asarray(3, b_type), np.asarray(4, a_type)
        check(f"matmul_integer_{name}", node("MatMulInteger", ["a", "b", "az", "bz"], ["y"]), {"a": a}, {"b": b, "az": az, "bz": bz})
        if len(shape) == 1:
            continue
        named = {"as": np.float32(0.03), "az": az, "b": b, "bs": np.float32(0.01), "bz": bz, "ys": np.float32(0.6), "yz": yz}
        check(f"qlinear_matmul_{name}", node("QLinearMatMul", ["a", "as", "az", "b", "bs", "bz", "ys", "yz"], ["y"]), {"a": a}, named)
    # Both depend on the input.
    a, b = whole(np.uint8, 2, 4, 6), whole(np.uint8, 2, 6, 5)
    named = {"as": np.float32(0.03), "az": np.uint8(9), "bs": np.float32(0.01), "bz": np.uint8(120), "ys": np.float32(0.4), "yz": np.uint8(99)}
    check("qlinear_matmul_batch", node("QLinearMatMul", ["a", "as", "az", "b", "bs", "bz", "ys", "yz"], ["y"]), {"a": a, "b": b}, named)
    for name, turned in (("plain", 0), ("turned", 1)):
        a, b = whole(np.int8, 5, 12), whole(np.int8, *((7, 12) if turned else (12, 7)))
        named = {"as": np.float32(0.03), "az": np.int8(-9), "b": b, "bs": np.float32(0.01), "bz": np.int8(0), "c": rng.integers(-9000, 9000, 7).astype(np.int32)}
        names = ["a", "as", "az", "b", "bs", "bz", "c"]
        check(f"qgemm_{name}_real", node("QGemm", names, ["y"], domain=MS, transB=turned, alpha=0.5), {"a": a}, named)
        named |= {"ys": np.float32(0.6), "yz": np.int8(11)}
        check(f"qgemm_{name}", node("QGemm", names + ["ys", "yz"], ["y"], domain=MS, transB=turned), {"a": a}, named)


def others():
    for dtype in (np.int8, np.uint8):
        kind = np.dtype(dtype).name
        x, other, row = whole(dtype, 2, 3, 7, 8), whole(dtype, 2, 3, 7, 8), whole(dtype, 3, 1, 1)
        zeros = {"xz": np.asarray(7, dtype), "oz": np.asarray(40, dtype), "yz": np.asarray(21, dtype)}
        scales = {"xs": np.float32(0.037), "os": np.float32(0.019), "ys": np.float32(0.051)}
        names = ["x", "xs", "xz", "o", "os", "oz", "ys", "yz"]
        check(f"qlinear_add_{kind}", node("QLinearAdd", names, ["y"], domain=MS), {"x": x, "o": other}, scales | zeros)
        check(f"qlinear_add_{kind}_row", node("QLinearAdd", names, ["y"], domain=MS), {"x": x}, scales | zeros | {"o": row})
        check(f"qlinear_mul_{kind}", node("QLinearMul", names, ["y"], domain=MS), {"x": x, "o": other}, scales | zeros)
        parts = ["ys", "yz", "x", "xs", "xz", "o", "ys", "yz"]
        constants = {k: v for k, v in (scales | zeros).items() if k[0] != "o"}
        check(f"qlinear_concat_{kind}", node("QLinearConcat", parts, ["y"], domain=MS, axis=1), {"x": x, "o": other}, constants)
        few = {k: v for k, v in (scales | zeros).items() if k[0] != "o"}
        names = ["x", "xs", "xz", "ys", "yz"]
        whole_plane = node("QLinearGlobalAveragePool", names, ["y"], domain=MS)
        check(f"qlinear_global_average_pool_{kind}", whole_plane, {"x": x}, few)
        check(f"qlinear_leaky_relu_{kind}", node("QLinearLeakyRelu", names, ["y"], domain=MS, alpha=0.2), {"x": x}, few)
        fine = few | {"ys": np.float32(1 / 256), "yz": np.asarray(np.iinfo(dtype).min, dtype)}
        check(f"qlinear_sigmoid_{kind}", node("QLinearSigmoid", names, ["y"], domain=MS), {"x": x}, fine)
        for form, more in (("plain", dict(kernel_shape=[2, 3], strides=[2, 2])), ("padded", dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 1])), ("counted", dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1))):
            check(f"qlinear_average_pool_{kind}_{form}", node("QLinearAveragePool", names, ["y"], domain=MS, **more), {"x": x}, few)
        check(f"max_pool_{kind}", node("MaxPool", ["x"], ["y"], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 1, 1, 1]), {"x": x}, {})
        nodes = [
            node("MaxPool", ["x"], ["a"], kernel_shape=[2, 2]),
            node("Transpose", ["a"], ["b"], perm=[0, 2, 3, 1]),
            node("Reshape", ["b", "shape"], ["c"]),
            node("Concat", ["c", "more"], ["d"], axis=1),
            node("Clip", ["d", "low", "high"], ["y"]),
        ]
        constants = {"shape": np.asarray([2, -1], np.int64), "more": whole(dtype, 2, 3), "low": np.asarray(3, dtype), "high": np.asarray(99, dtype)}
        check(f"moved_{kind}", nodes, {"x": x}, constants)


def case(name, nodes, inputs, weights, scales, last, y_scale=0.3, dtype=np.int8, y_zero=5, **more):
    """`inputs` and those of `weights` that are in `scales` are dequantised as `r…`, and `last` is quantised."""
    made, constants = [], {}
    for key, (scale, zero) in scales.items():
        value = inputs.get(key, weights.get(key))
        constants |= {f"{key}/s": np.asarray(scale, np.float32), f"{key}/z": np.asarray(zero, value.dtype)}
        axis = {"axis": 0} if np.ndim(scale) else {}
        made.append(node("DequantizeLinear", [key, f"{key}/s", f"{key}/z"], [f"r{key}"], **axis))
    constants |= {"y/s": np.float32(y_scale), "y/z": np.asarray(y_zero, dtype)}
    nodes = made + nodes + [node("QuantizeLinear", [last, "y/s", "y/z"], ["y"])]
    check(f"pairs_{name}", nodes, inputs, weights | constants, **more)


def pairs():
    """Real numbers between bytes, which a pass makes operations on bytes of."""
    x, w = whole(np.int8, 2, 3, 9, 8), whole(np.int8, 6, 3, 3, 3)
    per, x_scale = real(6, low=0.005, high=0.02), np.float32(0.03)
    b = rng.integers(-9000, 9000, 6).astype(np.int32)
    given = {"x": (x_scale, -3), "w": (per, np.zeros(6)), "b": (x_scale * per, np.zeros(6))}
    conv = node("Conv", ["rx", "rw", "rb"], ["c"], pads=[1, 1, 1, 1])
    case("conv", [conv], {"x": x}, {"w": w, "b": b}, given, "c")
    case("conv_relu", [conv, node("Relu", ["c"], ["r"])], {"x": x}, {"w": w, "b": b}, given, "r")
    bounds = {"low": np.float32(0.4), "high": np.float32(11)}
    case("conv_clip", [conv, node("Clip", ["c", "low", "high"], ["r"])], {"x": x}, {"w": w, "b": b} | bounds, given, "r")
    plain = {k: v for k, v in given.items() if k != "b"}
    case("conv_real_bias", [conv], {"x": x}, {"w": w, "rb": real(6, low=-3, high=3)}, plain, "c")
    case("conv_none", [node("Conv", ["rx", "rw"], ["c"], strides=[2, 1])], {"x": x}, {"w": w}, plain | {"w": (0.01, 0)}, "c", 0.4)
    other = whole(np.int8, 2, 6, 9, 8)
    added = [conv, node("Add", ["c", "ro"], ["a"]), node("Relu", ["a"], ["r"])]
    case("conv_add_relu", added, {"x": x, "o": other}, {"w": w, "b": b}, given | {"o": (0.09, 7)}, "r")
    line, w1 = whole(np.uint8, 2, 3, 11), whole(np.int8, 6, 3, 3)
    case("conv_1d", [node("Conv", ["rx", "rw"], ["c"]), node("Relu", ["c"], ["r"])], {"x": line}, {"w": w1}, {"x": (0.03, 100), "w": (per, np.zeros(6))}, "r", dtype=np.uint8)
    a, m = whole(np.uint8, 2, 5, 12), whole(np.uint8, 12, 7)
    case("matmul", [node("MatMul", ["ra", "rm"], ["p"])], {"a": a}, {"m": m}, {"a": (0.03, 120), "m": (0.01, 130)}, "p", dtype=np.uint8)
    a, m, c = whole(np.int8, 5, 12), whole(np.int8, 7, 12), rng.integers(-9000, 9000, 7).astype(np.int32)
    per = real(7, low=0.005, high=0.02)
    linear = {"a": (x_scale, 9), "m": (per, np.zeros(7)), "c": (x_scale * per, np.zeros(7))}
    case("gemm", [node("Gemm", ["ra", "rm", "rc"], ["p"], transB=1)], {"a": a}, {"m": m, "c": c}, linear, "p")
    p, q = whole(np.int8, 2, 3, 7, 8), whole(np.int8, 2, 3, 7, 8)
    case("add", [node("Add", ["rp", "rq"], ["a"])], {"p": p, "q": q}, {}, {"p": (0.05, 3), "q": (0.02, -7)}, "a", 0.07)
    case("add_row_relu", [node("Add", ["rp", "rq"], ["a"]), node("Relu", ["a"], ["r"])], {"p": p}, {"q": q[0, :, :1, :1]}, {"p": (0.05, 3), "q": (0.02, -7)}, "r", 0.07)
    one = {"p": (0.05, 3)}
    case("average", [node("AveragePool", ["rp"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])], {"p": p}, {}, one, "a", 0.04)
    case("global_average", [node("GlobalAveragePool", ["rp"], ["g"]), node("Flatten", ["g"], ["f"])], {"p": p}, {}, one, "f", 0.01)
    same = dict(y_scale=0.05, y_zero=3)
    case("max", [node("MaxPool", ["rp"], ["a"], kernel_shape=[2, 2])], {"p": p}, {}, one, "a", **same)
    case("moved", [node("Flatten", ["rp"], ["f"])], {"p": p}, {}, one, "f", **same)
    case("concat", [node("Concat", ["rp", "rq"], ["a"], axis=1)], {"p": p, "q": q}, {}, one | {"q": (0.05, 3)}, "a", **same)


def network(path):
    """Every form that has one in bytes, in f32."""
    weights = {
        "w1": real(8, 3, 3, 3, low=-0.4, high=0.4), "b1": real(8, low=-0.2, high=0.2),
        "w2": real(8, 8, 3, 3, low=-0.2, high=0.2), "b2": real(8, low=-0.2, high=0.2),
        "w3": real(8, 1, 3, 3, low=-0.5, high=0.5), "w4": real(12, 8, 1, 1, low=-0.6, high=0.6), "b4": real(12, low=-0.2, high=0.2),
        "w5": real(10, 12, low=-0.5, high=0.5), "b5": real(10, low=-0.3, high=0.3), "w6": real(10, 6, low=-0.5, high=0.5),
        "low": np.float32(0), "high": np.float32(6), "shape": np.asarray([0, 12], np.int64),
    }
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1]), node("Relu", ["c1"], ["r1"]),
        node("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p1", "w2", "b2"], ["c2"], pads=[1, 1, 1, 1]), node("Add", ["c2", "p1"], ["a2"]), node("Relu", ["a2"], ["r2"]),
        node("Conv", ["r2", "w3"], ["c3"], pads=[1, 1, 1, 1], group=8), node("Clip", ["c3", "low", "high"], ["r3"]),
        node("Conv", ["r3", "w4", "b4"], ["c4"]), node("Relu", ["c4"], ["r4"]),
        node("GlobalAveragePool", ["r4"], ["g"]), node("Reshape", ["g", "shape"], ["f"]),
        node("Gemm", ["f", "w5", "b5"], ["h"], transB=1), node("Relu", ["h"], ["r5"]), node("MatMul", ["r5", "w6"], ["y"]),
    ]
    graph = H.make_graph(
        nodes, "network", [H.make_tensor_value_info("x", T.FLOAT, (4, 3, 12, 12))],
        [H.make_tensor_value_info("y", T.FLOAT, (4, 6))], [numpy_helper.from_array(np.asarray(v), k) for k, v in weights.items()],
    )
    onnx.save(H.make_model(graph, opset_imports=[H.make_opsetid("", 17)], ir_version=9), path)


class Samples(CalibrationDataReader):
    def __init__(self, samples):
        self.samples = iter(samples)

    def get_next(self):
        return next(self.samples, None)


def networks():
    kinds = {"s8": QuantType.QInt8, "u8": QuantType.QUInt8}
    samples = [{"x": real(4, 3, 12, 12, low=-1.5, high=1.5)} for _ in range(4)]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        network(folder / "f32.onnx")
        for format, x, w, per_channel in (
            ("qdq", "s8", "s8", True), ("qdq", "u8", "s8", True), ("qdq", "u8", "u8", False), ("qoperator", "u8", "u8", False), ("qoperator", "s8", "s8", True),
        ):
            quantize_static(
                folder / "f32.onnx", folder / "q.onnx", Samples(samples), per_channel=per_channel,
                quant_format=QuantFormat.QDQ if format == "qdq" else QuantFormat.QOperator, activation_type=kinds[x], weight_type=kinds[w],
            )
            model = onnx.load(folder / "q.onnx")
            # Every tensor of bytes comes out too.
            for made in model.graph.node:
                if made.op_type not in ("DequantizeLinear", "Constant") and made.output[0] != "y" and (format != "qdq" or made.op_type == "QuantizeLinear"):
                    model.graph.output.append(H.make_empty_tensor_value_info(made.output[0]))
            del model.graph.value_info[:]
            print(format, x + w, sorted({n.op_type for n in model.graph.node}), file=sys.stderr)
            save(f"network_{format}_{x}{w}", model, {"x": real(4, 3, 12, 12, low=-1.5, high=1.5)})


def tables():
    """Functions, products and nearest elements between bytes."""
    p, q = whole(np.int8, 2, 3, 7, 8), whole(np.int8, 2, 3, 7, 8)
    both, row = {"p": (0.05, 3), "q": (0.02, -7)}, whole(np.int8, 3, 1, 1)
    one = {"p": both["p"]}
    for name in ("Sigmoid", "Tanh", "HardSwish", "Elu"):
        case(name.lower(), [node(name, ["rp"], ["a"])], {"p": p}, {}, one, "a", 0.02)
    case("another_scale", [node("Identity", ["rp"], ["a"])], {"p": p}, {}, one, "a", 0.07, y_zero=-8)
    case("mul", [node("Mul", ["rp", "rq"], ["a"])], {"p": p, "q": q}, {}, both, "a", 0.083)
    case("mul_row", [node("Mul", ["rp", "rq"], ["a"])], {"p": p}, {"q": row}, both, "a", 0.083)
    case("concat_scales", [node("Concat", ["rp", "rq"], ["a"], axis=1)], {"p": p, "q": q}, {}, both, "a", 0.05, y_zero=3)
    sizes = {"sizes": np.asarray([2, 3, 14, 20], np.int64)}
    nearest = node("Resize", ["rp", "", "", "sizes"], ["a"], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    case("nearest", [nearest], {"p": p}, sizes, one, "a", 0.05, y_zero=3)


def dynamic():
    """Scales and zero points that follow from the input."""
    scale = node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"])
    for name, low in (("both_sides", -3), ("above", 0.5)):
        check(f"dynamic_{name}", scale, {"x": real(3, 5, low=low, high=4)}, {}, outputs=("q", "s", "z"))
    check("dynamic_zeros", scale, {"x": np.zeros((2, 3), np.float32)}, {}, outputs=("q", "s", "z"))
    m, zeros = whole(np.int8, 12, 7), whole(np.int8, 7)
    for name, shape in (("rows", (5, 12)), ("sets", (2, 3, 12))):
        nodes = [scale, node("MatMulInteger", ["q", "m", "z", "mz"], ["y"])]
        check(f"dynamic_matmul_{name}", nodes, {"x": real(*shape, low=-2, high=3)}, {"m": m, "mz": np.int8(4)})
    check("dynamic_matmul_columns", [scale, node("MatMulInteger", ["q", "m", "z", "mz"], ["y"])], {"x": real(5, 12, low=-2, high=3)}, {"m": m, "mz": zeros})
    w = whole(np.uint8, 6, 3, 3, 3)
    nodes = [scale, node("ConvInteger", ["q", "w", "z", "wz"], ["y"], pads=[1, 1, 1, 1], strides=[2, 1])]
    check("dynamic_conv", nodes, {"x": real(2, 3, 9, 8, low=-2, high=3)}, {"w": w, "wz": np.uint8(120)})
    # What quantize_dynamic makes of a network.
    weights = {"w1": real(12, 16, low=-0.5, high=0.5), "b1": real(16), "w2": real(16, 7, low=-0.5, high=0.5)}
    nodes = [node("MatMul", ["x", "w1"], ["p"]), node("Add", ["p", "b1"], ["a"]), node("Relu", ["a"], ["r"]), node("MatMul", ["r", "w2"], ["y"])]
    graph = H.make_graph(
        nodes, "dynamic", [H.make_tensor_value_info("x", T.FLOAT, (5, 12))], [H.make_tensor_value_info("y", T.FLOAT, (5, 7))],
        [numpy_helper.from_array(v, k) for k, v in weights.items()],
    )
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        onnx.save(H.make_model(graph, opset_imports=[H.make_opsetid("", 17)], ir_version=9), folder / "f32.onnx")
        quantize_dynamic(folder / "f32.onnx", folder / "q.onnx")
        save("network_dynamic", onnx.load(folder / "q.onnx"), {"x": real(5, 12, low=-2, high=3)})


for old in HERE.glob("*.onnx"):
    old.unlink()
ort.set_default_logger_severity(3)
linear()
products()
others()
pairs()
networks()
tables()
dynamic()
