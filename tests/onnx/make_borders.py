#!/usr/bin/env python3
"""Writes the cases `resize`, `slice` and `pool` of tests/onnx/cases: many small nodes in one model each, with what ONNX
Runtime 1.32.0 answers. Their results are one output, one behind the other, and their shapes another.

    python3 -m venv venv && venv/bin/pip install onnx==1.23.2 onnxruntime==1.32.0
    venv/bin/python tests/onnx/make_borders.py tests/onnx/cases

Left out is where ONNX Runtime is not followed (docs/semantics.md): align_corners by scales that were rounded, the end
INT_MAX of a slice backwards, and negative axes of Resize, which it does not resize.
"""

import itertools
import os
import random
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

assert onnxruntime.__version__ == "1.32.0", onnxruntime.__version__
onnxruntime.set_default_logger_severity(4)


class Case:
    def __init__(self, opset):
        self.opset, self.nodes, self.constants, self.inputs, self.arrays, self.outputs = opset, [], [], [], [], []

    def constant(self, values, kind):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def operand(self, array):
        for name, other in zip(self.inputs, self.arrays):
            if other.shape == array.shape and (other == array).all():
                return name
        self.inputs.append(f"x{len(self.inputs)}")
        self.arrays.append(array)
        return self.inputs[-1]

    def model(self, nodes, outputs):
        info = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        graph = helper.make_graph(
            nodes, "borders", [info(n, a.shape) for n, a in zip(self.inputs, self.arrays)], [info(n, None) for n in outputs], self.constants
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        model.ir_version = 8
        return model

    def run(self, model):
        # Its optimiser would fold Shape by the shapes that onnx infers, which still have the windows that it drops.
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        wanted = {value.name for value in session.get_inputs()}
        return session.run(None, {n: a for n, a in zip(self.inputs, self.arrays) if n in wanted})

    def add(self, operator, inputs, **attributes):
        """A node that ONNX Runtime runs; one that it refuses is left out."""
        output = f"y{len(self.outputs)}"
        node = helper.make_node(operator, inputs, [output], **attributes)
        try:
            self.run(self.model([node], [output]))
        except Exception as error:
            print(f"left out: {operator} {attributes}: {str(error).splitlines()[0][:100]}")
            return
        self.nodes.append(node)
        self.outputs.append(output)

    def write(self, folder):
        nodes, parts = list(self.nodes), [[], []]
        for output in self.outputs:
            nodes.append(helper.make_node("Flatten", [output], [f"{output}_flat"], axis=0))
            nodes.append(helper.make_node("Shape", [output], [f"{output}_shape"]))
            parts[0].append(f"{output}_flat")
            parts[1].append(f"{output}_shape")
        nodes.append(helper.make_node("Concat", parts[0], ["values"], axis=1))
        nodes.append(helper.make_node("Concat", parts[1], ["shapes"], axis=0))
        model = self.model(nodes, ["values", "shapes"])
        model.graph.output[1].type.tensor_type.elem_type = TensorProto.INT64
        data = os.path.join(folder, "test_data_set_0")
        os.makedirs(data, exist_ok=True)
        with open(os.path.join(folder, "model.onnx"), "wb") as file:
            file.write(model.SerializeToString())
        for kind, names, arrays in [("input", self.inputs, self.arrays), ("output", ["values", "shapes"], self.run(model))]:
            for at, (name, array) in enumerate(zip(names, arrays)):
                with open(os.path.join(data, f"{kind}_{at}.pb"), "wb") as file:
                    file.write(numpy_helper.from_array(array, name).SerializeToString())
        print(f"{folder}: {len(self.nodes)} nodes")


def image(shape):
    return np.random.default_rng(7).standard_normal(shape).astype(np.float32)


def resize():
    case = Case(19)
    x = case.operand(image((1, 1, 5, 7)))
    modes = ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"]
    scales = [(2.3, 1.7), (0.6, 0.6), (0.3, 0.7)]
    targets = [((), (1, 1, a, b)) for a, b in [(8, 9), (3, 4), (1, 1)]]
    targets += [((1, 1, a, b), ()) for a, b in scales]
    kinds = [("nearest", {"nearest_mode": r}) for r in ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]]
    kinds += [("linear", {}), ("cubic", {}), ("cubic", {"cubic_coeff_a": -0.5, "exclude_outside": 1})]
    anti = [(mode, {"antialias": 1, "exclude_outside": e}) for mode in ["linear", "cubic"] for e in [0, 1]]
    for (mode, more), coordinates, (scale, size) in itertools.product(kinds + anti, modes, targets):
        if "antialias" in more and coordinates != "half_pixel":
            continue
        if coordinates == "align_corners" and scale:
            continue
        # Places halfway between two elements but for the rounding of f32, which is another one here.
        symmetric = coordinates == "half_pixel_symmetric" and scale not in [(), (1, 1, 2.3, 1.7)]
        if mode == "nearest" and (symmetric or size in [(1, 1, 1, 1), (1, 1, 3, 4)]):
            continue
        names = [x, "", case.constant(scale, np.float32) if scale else "", case.constant(size, np.int64) if size else ""]
        while not names[-1]:
            names.pop()
        case.add("Resize", names, mode=mode, coordinate_transformation_mode=coordinates, **more)
    for policy, size in itertools.product(["not_larger", "not_smaller"], [(8, 9), (3, 3), (10, 2)]):
        sizes = case.constant(size, np.int64)
        case.add("Resize", [x, "", "", sizes], mode="linear", axes=[2, 3], keep_aspect_ratio_policy=policy)
        case.add("Resize", [x, "", "", sizes], mode="nearest", axes=[2, 3], keep_aspect_ratio_policy=policy)
    for mode, (roi, size, value) in itertools.product(
        ["linear", "cubic"],
        [((0.2, 0.3, 0.8, 0.7), (3, 4), 0.0), ((-0.2, 0.3, 1.2, 0.7), (3, 4), 10.0), ((0.2, 0.3, 0.8, 0.7), (1, 4), 0.0), ((1.5, 0.0, 2.0, 1.0), (2, 2), -1.5)],
    ):
        names = [x, case.constant(roi, np.float32), "", case.constant(size, np.int64)]
        case.add("Resize", names, mode=mode, axes=[2, 3], coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=value)
    return case


def slices():
    case, draw = Case(17), random.Random(3)
    least, most = -(2**63), 2**63 - 1
    shapes = [(5,), (4, 3), (2, 0), (2, 3, 4), (1,)]
    # Also of a constant, which the host computes.
    constants = {shape: case.constant(np.arange(np.prod(shape)).reshape(shape), np.float32) for shape in shapes}
    for at in range(120):
        shape = draw.choice(shapes)
        x = case.operand(np.arange(np.prod(shape), dtype=np.float32).reshape(shape)) if at % 3 else constants[shape]
        axes = draw.sample(range(len(shape)), draw.randint(1, len(shape)))
        place = lambda extent: draw.choice([draw.randint(-2 * extent - 3, 2 * extent + 3)] * 5 + [least, most, least + 1, -(2**31)])
        starts, ends = [place(shape[a]) for a in axes], [place(shape[a]) for a in axes]
        steps = [draw.choice([1, 1, 2, 3, most, -1, -1, -2, -3, least]) for _ in axes]
        ends = [end - 2 if step < 0 and end == most else end for end, step in zip(ends, steps)]
        axes = [a - len(shape) if draw.random() < 0.5 else a for a in axes]
        case.add("Slice", [x] + [case.constant(v, np.int64) for v in (starts, ends, axes, steps)])
    # The row of the documents: from −6 to −9 of three elements.
    x = case.operand(np.arange(3, dtype=np.float32))
    case.add("Slice", [x] + [case.constant([v], np.int64) for v in (-6, -9, 0, -1)])
    return case


def pools():
    case, draw = Case(19), random.Random(5)
    extents = {
        1: [(5,), (8,)],
        2: [(4, 4), (5, 7), (2, 9)],
        3: [(3, 4, 5), (5, 2, 6)],
    }
    for _ in range(90):
        rank = draw.choice([1, 1, 2, 2, 3, 3])
        kernel = [draw.randint(1, 4) for _ in range(rank)]
        dilations = [draw.choice([1, 1, 2]) for _ in range(rank)]
        before = [draw.randint(0, k - 1) for k in kernel]
        behind = before if draw.random() < 0.4 else [draw.randint(0, k - 1) for k in kernel]
        shape = (1, 2) + draw.choice(extents[rank])
        # ONNX Runtime also takes a kernel that is larger than the padded extent, which is no window.
        spans = [d * (k - 1) + 1 for d, k in zip(dilations, kernel)]
        if any(span > extent + a + b for span, extent, a, b in zip(spans, shape[2:], before, behind)):
            continue
        more = {"count_include_pad": draw.choice([0, 1])} if draw.random() < 0.5 else None
        attributes = dict(kernel_shape=kernel, strides=[draw.randint(1, 4) for _ in range(rank)], pads=before + behind, ceil_mode=draw.choice([0, 1, 1]))
        if max(dilations) > 1:
            attributes["dilations"] = dilations
            # A window of padding alone has no maximum: ONNX Runtime gives the lowest number, and this program −∞.
            if more is None and any(a or b for a, b in zip(before, behind)):
                continue
        case.add("MaxPool" if more is None else "AveragePool", [case.operand(image(shape))], **attributes, **(more or {}))
    # Windows that begin in the padding behind.
    x = case.operand(np.arange(1, 6, dtype=np.float32).reshape(1, 1, 5))
    attributes = dict(kernel_shape=[3], strides=[3], pads=[0, 2], ceil_mode=1)
    case.add("MaxPool", [x], **attributes)
    for count in (0, 1):
        case.add("AveragePool", [x], count_include_pad=count, **attributes)
    return case


if __name__ == "__main__":
    for name, made in [("resize", resize), ("slice", slices), ("pool", pools)]:
        made().write(os.path.join(sys.argv[1], name))
