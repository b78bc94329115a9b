"""Writes the cases of this folder: a model each, with its inputs as initializers `input/NAME` and what ONNX Runtime (or, for
cases named `onnx_…`, the generator of ONNX's own test data) answers as `expected/NAME`.

    pip install onnx==1.23.2 onnxruntime==1.32.0 && python make_peers.py
"""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper as H
from onnx import numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
MS = "com.microsoft"


def save(name, model, inputs, outputs):
    """The model with its inputs and results beside its own weights."""
    for kind, values in (("input", inputs), ("expected", outputs)):
        for key, value in values.items():
            tensor = value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(np.asarray(value))
            tensor = onnx.TensorProto.FromString(tensor.SerializeToString())
            tensor.name = f"{kind}/{key}"
            model.graph.initializer.append(tensor)
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())


def check(name, nodes, inputs, weights=(), outputs=("y",), opset=22, microsoft=False, asked=None):
    """A case whose results are ONNX Runtime's."""
    weights = dict(weights)
    graph = H.make_graph(
        nodes if isinstance(nodes, list) else [nodes],
        name,
        [H.make_tensor_value_info(k, H.np_dtype_to_tensor_dtype(v.dtype), v.shape) for k, v in inputs.items()],
        [H.make_empty_tensor_value_info(k) for k in outputs],
        [v if isinstance(v, onnx.TensorProto) else numpy_helper.from_array(v, k) for k, v in weights.items()],
    )
    imports = [H.make_opsetid("", opset)] + ([H.make_opsetid(MS, 1)] if microsoft else [])
    model = H.make_model(graph, opset_imports=imports, ir_version=10)
    if asked is None:
        # Its optimiser would quantise the operand beside weights of 8 bits.
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        asked = dict(zip(outputs, session.run(list(outputs), inputs)))
    save(name, model, inputs, asked)


def data(*shape, seed=0, low=-1.0, high=1.0):
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def ints(*values):
    return np.asarray(values, np.int64)


node = H.make_node


def sampling():
    x, grid = data(2, 2, 4, 5, seed=1), data(2, 3, 3, 2, seed=2, low=-1.6, high=1.6)
    for mode in ("linear", "nearest", "cubic"):
        for padding in ("zeros", "border", "reflection"):
            for align in (0, 1):
                a = dict(mode=mode, padding_mode=padding, align_corners=align)
                check(f"grid_sample_{mode}_{padding}_{align}", node("GridSample", ["x", "grid"], ["y"], **a), {"x": x, "grid": grid})
    check("grid_sample_16", node("GridSample", ["x", "grid"], ["y"], mode="bilinear"), {"x": x, "grid": grid}, opset=16)
    x, grid = data(1, 2, 3, 4, 3, seed=3), data(1, 2, 2, 2, 3, seed=4, low=-1.4, high=1.4)
    for mode in ("linear", "nearest"):
        for padding in ("zeros", "border", "reflection"):
            a = dict(mode=mode, padding_mode=padding)
            check(f"grid_sample_3d_{mode}_{padding}", node("GridSample", ["x", "grid"], ["y"], **a), {"x": x, "grid": grid})
    for align in (0, 1):
        for axes, size in ((2, (2, 1, 3, 4)), (3, (2, 1, 2, 3, 4))):
            theta = data(2, axes, axes + 1, seed=5)
            y = node("AffineGrid", ["theta", "size"], ["y"], align_corners=align)
            check(f"affine_grid_{axes}d_{align}", y, {"theta": theta}, {"size": ints(*size)})
    x = data(2, 2, 8, 9, seed=6)
    rois = np.asarray([[0.5, 1, 6.2, 7], [2, 2, 2.3, 2.4], [-3, -2, 12, 11], [4, 4, 3, 3]], np.float32)
    image = ints(0, 1, 1, 0)
    for name, opset, more in (
        ("10", 10, dict(sampling_ratio=2)),
        ("half_pixel", 16, dict(sampling_ratio=2)),
        ("output_half_pixel", 16, dict(sampling_ratio=3, coordinate_transformation_mode="output_half_pixel")),
    ):
        y = node("RoiAlign", ["x", "rois", "image"], ["y"], output_height=2, output_width=3, spatial_scale=0.75, **more)
        check(f"roi_align_{name}", y, {"x": x, "rois": rois, "image": image}, opset=opset)
    y = node("RoiAlign", ["x", "rois", "image"], ["y"], output_height=2, output_width=3, sampling_ratio=0)
    check("roi_align_adaptive", y, {"x": x}, {"rois": rois[:3], "image": image[:3]}, opset=16)
    for name, groups, moved, more in (
        ("plain", 1, 1, dict()),
        ("groups", 2, 2, dict(pads=[1, 1, 1, 1], strides=[2, 1])),
        ("dilated", 1, 2, dict(dilations=[1, 2], pads=[0, 2, 1, 2])),
    ):
        x, w = data(2, 4, 6, 7, seed=7), data(4, 4 // groups, 3, 2, seed=8)
        make = lambda inputs: node("DeformConv", inputs, ["y"], kernel_shape=[3, 2], group=groups, offset_group=moved, **more)
        p, s, d = more.get("pads", [0] * 4), more.get("strides", [1, 1]), more.get("dilations", [1, 1])
        oh, ow = [(e + p[i] + p[i + 2] - d[i] * (k - 1) - 1) // s[i] + 1 for i, (e, k) in enumerate(((6, 3), (7, 2)))]
        offset = data(2, moved * 12, oh, ow, seed=9, low=-2.5, high=2.5)
        mask, bias = data(2, moved * 6, oh, ow, seed=10, low=0), data(4, seed=11)
        check(f"deform_conv_{name}", make(["x", "w", "offset", "b", "mask"]), {"x": x, "offset": offset, "mask": mask}, {"w": w, "b": bias})
    check("deform_conv_no_mask", make(["x", "w", "offset"]), {"x": x, "offset": offset}, {"w": w})


def windows():
    for name, image, block, more in (
        ("2d", (5, 6), (2, 3), dict()),
        ("strides", (7, 8), (3, 2), dict(strides=[2, 3], pads=[1, 0, 1, 1])),
        ("dilations", (7, 9), (2, 3), dict(dilations=[3, 2])),
        ("3d", (4, 4, 5), (2, 1, 3), dict(strides=[2, 1, 1], pads=[1, 0, 1, 1, 0, 1])),
    ):
        r = len(image)
        p, s, d = more.get("pads", [0] * 2 * r), more.get("strides", [1] * r), more.get("dilations", [1] * r)
        length = int(np.prod([(e + p[i] + p[i + r] - d[i] * (k - 1) - 1) // s[i] + 1 for i, (e, k) in enumerate(zip(image, block))]))
        x = data(2, 3 * int(np.prod(block)), length, seed=12)
        check(f"col2im_{name}", node("Col2Im", ["x", "i", "b"], ["y"], **more), {"x": x}, {"i": ints(*image), "b": ints(*block)})
    x = data(2, 4, 3, 4, 3, seed=13)
    for name, groups, more in (
        ("plain", 1, dict()),
        ("strides", 2, dict(strides=[2, 1, 3], pads=[1, 0, 1, 0, 1, 1], output_padding=[1, 0, 2])),
        ("dilations", 1, dict(dilations=[2, 1, 2])),
        ("same", 1, dict(strides=[2, 2, 2], auto_pad="SAME_UPPER")),
    ):
        w, b = data(4, 3, 2, 3, 2, seed=14), data(3 * groups, seed=15)
        check(f"conv_transpose_3d_{name}", node("ConvTranspose", ["x", "w", "b"], ["y"], group=groups, **more), {"x": x}, {"w": w, "b": b})
    for name, shape, more in (
        ("1d", (2, 2, 9), dict(kernel_shape=[3], strides=[2], p=1)),
        ("2d", (2, 2, 7, 8), dict(kernel_shape=[3, 2], strides=[2, 2], pads=[1, 1, 1, 1])),
        ("2d_uneven", (1, 2, 7, 8), dict(kernel_shape=[3, 3], strides=[2, 2], pads=[0, 1, 2, 0], p=3)),
        ("2d_dilated", (1, 2, 8, 8), dict(kernel_shape=[2, 2], dilations=[2, 3])),
        ("3d", (1, 2, 4, 5, 6), dict(kernel_shape=[2, 3, 2], strides=[1, 2, 2], p=2)),
    ):
        check(f"lp_pool_{name}", node("LpPool", ["x"], ["y"], **more), {"x": data(*shape, seed=16)})
    x = data(1, 2, 3, 4, seed=17)
    for p in (1, 2, 3):
        check(f"global_lp_pool_{p}", node("GlobalLpPool", ["x"], ["y"], p=p), {"x": x}, opset=21)
    rng = np.random.default_rng(18)
    for dtype in (np.uint8, np.int8):
        x = rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max + 1, (1, 2, 6, 7)).astype(dtype)
        y = node("MaxPool", ["x"], ["y"], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1])
        check(f"max_pool_{np.dtype(dtype).name}", y, {"x": x})
    y = node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2], strides=[2, 2])
    check("max_pool_int8_indices", y, {"x": x}, outputs=("y", "i"))


def algebra():
    for rows in (1, 2, 3, 5):
        check(f"det_{rows}", node("Det", ["x"], ["y"]), {"x": data(2, 3, rows, rows, seed=19)}, opset=21)
    x = data(4, 7, 3, seed=20)
    for name, shape, more in (("all", (5, 4, 3), {}), ("axes", (6, 2), dict(axes=[-1, 0])), ("odd", (1, 10, 4), {})):
        check(f"center_crop_pad_{name}", node("CenterCropPad", ["x", "s"], ["y"], **more), {"x": x}, {"s": ints(*shape)})
    for at, (equation, *shapes) in enumerate((
        ("ij,jk->ik", (2, 3), (3, 4)),
        ("bij,bjk->bik", (2, 3, 4), (2, 4, 2)),
        ("...ij,...jk->...ik", (2, 1, 3, 4), (2, 5, 4, 2)),
        ("ii->i", (4, 4)),
        ("bii->b", (2, 3, 3)),
        ("ij->", (3, 4)),
        ("ij->ji", (3, 4)),
        ("ba", (3, 4)),
        ("ij,ij->", (3, 4), (3, 4)),
        ("i,j->ij", (3,), (4,)),
        ("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)),
        ("bqhd, bkhd -> bhqk", (2, 3, 2, 4), (2, 5, 2, 4)),
        ("abc,cd,de->abe", (2, 3, 4), (4, 2), (2, 5)),
        ("bc...,c->b...", (2, 3, 4, 5), (3,)),
        ("ik,kj", (2, 3), (3, 4)),
    )):
        inputs = {f"x{i}": data(*shape, seed=21 + i) for i, shape in enumerate(shapes)}
        check(f"einsum_{at:02}", node("Einsum", list(inputs), ["y"], equation=equation), inputs)


def microsoft():
    x, w, b, z = data(2, 3, 6, 6, seed=30), data(4, 3, 3, 3, seed=31), data(4, seed=32), data(2, 4, 6, 6, seed=33)
    conv = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1], domain=MS)
    for act, params in (("Relu", None), ("LeakyRelu", [0.3]), ("HardSigmoid", [0.3, 0.4]), ("Clip", [-0.5, 0.7])):
        more = dict(activation=act, **(dict(activation_params=params) if params else {}))
        check(f"fused_conv_{act}", node("FusedConv", ["x", "w", "b"], ["y"], **conv, **more), {"x": x}, {"w": w, "b": b}, microsoft=True)
    y = node("FusedConv", ["x", "w", "b", "z"], ["y"], activation="Relu", **conv)
    check("fused_conv_sum", y, {"x": x, "z": z}, {"w": w, "b": b}, microsoft=True)
    for ta, tb in ((0, 0), (0, 1), (1, 0), (1, 1)):
        p, q = data(2, *((4, 3) if ta else (3, 4)), seed=34), data(2, *((5, 4) if tb else (4, 5)), seed=35)
        y = node("FusedMatMul", ["p", "q"], ["y"], transA=ta, transB=tb, alpha=0.5, domain=MS)
        check(f"fused_matmul_{ta}{tb}", y, {"p": p, "q": q}, microsoft=True)
    p, q = data(3, 2, 4, seed=36), data(4, 2, 5, seed=37)
    y = node("FusedMatMul", ["p", "q"], ["y"], transBatchA=1, transBatchB=1, domain=MS)
    check("fused_matmul_batch", y, {"p": p, "q": q}, microsoft=True)
    x, bias = data(3, 8, seed=38, low=-4, high=4), data(8, seed=39)
    check("gelu", node("Gelu", ["x"], ["y"], domain=MS), {"x": x}, microsoft=True)
    check("quick_gelu", node("QuickGelu", ["x"], ["y"], domain=MS), {"x": x}, microsoft=True)
    check("quick_gelu_alpha", node("QuickGelu", ["x"], ["y"], alpha=0.7, domain=MS), {"x": x}, microsoft=True)
    check("bias_gelu", node("BiasGelu", ["x", "b"], ["y"], domain=MS), {"x": x}, {"b": bias}, microsoft=True)
    check("fast_gelu", node("FastGelu", ["x", "b"], ["y"], domain=MS), {"x": x}, {"b": bias}, microsoft=True)
    p, q, c = data(3, 4, seed=40), data(5, 4, seed=41), data(5, seed=42)
    y = node("FusedGemm", ["p", "q", "c"], ["y"], transB=1, alpha=0.5, beta=2.0, activation="LeakyRelu", activation_alpha=0.2, domain=MS)
    check("fused_gemm", y, {"p": p, "q": q, "c": c}, microsoft=True)


def quantised():
    """Weights in steps of a scale, and steps of constants at the ends."""
    rng = np.random.default_rng(50)
    x = data(3, 8, seed=51)

    def product(name, w, scale, zero, opset=21, **more):
        names = ["w", "s"] + (["z"] if zero is not None else [])
        nodes = [node("DequantizeLinear", names, ["f"], **more), node("MatMul", ["x", "f"], ["y"])]
        check(f"weights_{name}", nodes, {"x": x}, {"w": w, "s": scale, **({"z": zero} if zero is not None else {})}, opset=opset)

    for dtype in (np.int8, np.uint8, np.int16, np.uint16):
        i, name = np.iinfo(dtype), np.dtype(dtype).name
        w = rng.integers(i.min, i.max + 1, (8, 6)).astype(dtype)
        product(f"{name}_tensor", w, np.float32(0.01), np.asarray(3, dtype))
        product(f"{name}_axis", w, data(6, seed=52, low=0.01, high=0.02), rng.integers(0, 9, 6).astype(dtype), axis=1)
    w = rng.integers(-128, 128, (8, 6)).astype(np.int8)
    product("int8_block", w, data(3, 6, seed=53, low=0.01, high=0.02), None, axis=0, block_size=3)
    product("int8_13", w, data(8, seed=54, low=0.01, high=0.02), None, opset=13, axis=0)
    for kind, low, high in ((T.INT4, -8, 8), (T.UINT4, 0, 16)):
        name = "int4" if kind == T.INT4 else "uint4"
        values = rng.integers(low, high, (8, 6))
        packed = H.make_tensor("w", kind, (8, 6), values.flatten())
        zero = H.make_tensor("z", kind, (2, 6), rng.integers(low, high, 12))
        product(f"{name}_block", packed, data(2, 6, seed=55, low=0.1, high=0.2), zero, axis=0, block_size=4)
    ends = np.asarray([np.inf, -np.inf, np.nan, 1e10, -1e10, 1.265, -1.265, 0.05, 0.15, 0.25, -0.05], np.float32)
    for dtype in (np.int8, np.uint8, np.int16, np.uint16):
        for zero in (0, 5):
            y = node("QuantizeLinear", ["v", "s", "z"], ["y"])
            name = f"quantize_{np.dtype(dtype).name}_{zero}"
            check(name, y, {}, {"v": ends, "s": np.float32(0.1), "z": np.asarray(zero, dtype)}, opset=21)
    v = data(4, 6, seed=56, low=-9, high=9)
    y = node("QuantizeLinear", ["v", "s", "z"], ["y"], axis=1)
    check("quantize_axis", y, {}, {"v": v, "s": data(6, seed=57, low=0.05, high=0.1), "z": rng.integers(-5, 5, 6).astype(np.int8)}, opset=21)
    y = node("QuantizeLinear", ["v", "s"], ["y"], axis=0, block_size=2, output_dtype=T.INT8)
    check("quantize_block", y, {}, {"v": v, "s": data(2, 6, seed=58, low=0.05, high=0.1)}, opset=21)
    y = node("DynamicQuantizeLinear", ["v"], ["y", "s", "z"])
    check("dynamic_quantize", y, {}, {"v": v}, outputs=("y", "s", "z"))
    check("dynamic_quantize_zeros", y, {}, {"v": np.zeros(4, np.float32)}, outputs=("y", "s", "z"))


def boxes():
    box = np.asarray([[[0, 0, 1, 1], [0, 0.1, 1, 1.1], [1, 0, 0, 1], [0, 10, 1, 11], [0, 0, 0, 0], [0, 0, 1, 0.5]]], np.float32)
    score = np.asarray([[[0.9, 0.75, 0.6, 0.95, 0.5, 0.4], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]]], np.float32)
    for name, most, iou, least, center in (
        ("plain", 3, 0.5, 0.0, 0), ("threshold", 9, 0.5, 0.4, 0), ("half", 9, 0.25, 0.0, 1), ("none", 0, 0.5, 0.0, 0),
    ):
        y = node("NonMaxSuppression", ["box", "score", "most", "iou", "least"], ["y"], center_point_box=center)
        constants = {"box": box, "score": score, "most": ints(most), "iou": np.asarray([iou], np.float32), "least": np.asarray([least], np.float32)}
        check(f"nms_{name}", y, {}, constants, opset=11)


def from_onnx():
    """Cases of ONNX's own generator, whose wheel holds no data since 1.18."""
    from onnx.backend.test.case.node import collect_testcases

    wanted = """attention_3d attention_3d_causal attention_3d_gqa attention_3d_with_past_and_present attention_4d_softcap
        attention_4d_attn_mask_bool_4d attention_4d_gqa_with_past_and_present attention_4d_with_qk_matmul_softmax
        attention_4d_with_past_and_present_qk_matmul_bias_4d_mask_causal attention_4d_causal_nonpad_batch_prefill
        attention_causal_boolmask_nan_robustness attention_local_window swish
        rms_normalization_2d_axis1 rms_normalization_4d_axis_negative_2 rotary_embedding rotary_embedding_interleaved
        rotary_embedding_3d_input rotary_embedding_with_rotary_dim rotary_embedding_no_position_ids""".split()
    # Of constants.
    known = """bitcast_2d_float32_to_int32 bitcast_int64_to_float64 bitcast_bool_to_uint8 cumprod_1d cumprod_2d_axis_1
        cumprod_1d_reverse_exclusive dft_irfft""".split()
    found = 0
    for case in collect_testcases(None):
        name = case.name.removeprefix("test_")
        if name not in wanted + known or not case.data_sets:
            continue
        found += 1
        inputs, outputs = case.data_sets[0]
        if name in known:
            for info, value in zip(case.model.graph.input, inputs):
                case.model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), info.name))
        named = lambda infos, values: {info.name: value for info, value in zip([i for i in infos if i.name], values)}
        save(f"onnx_{case.name[5:]}", case.model, named(case.model.graph.input, inputs), named(case.model.graph.output, outputs))
    print(found, "of", len(wanted + known), "cases of ONNX", file=sys.stderr)


for old in HERE.glob("*.onnx"):
    old.unlink()
ort.set_default_logger_severity(3)
sampling()
windows()
algebra()
microsoft()
quantised()
boxes()
from_onnx()
