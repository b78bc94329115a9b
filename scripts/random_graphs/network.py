"""A random network under construction."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

OPSETS = (13, 17, 18, 21, 22)
LARGEST_VALUE = 1e3
MOST_ELEMENTS = 6000
ort.set_default_logger_severity(4)


class Refused(Exception):
    """This node cannot be drawn here; another one is tried."""


def session(model: onnx.ModelProto) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class Network:
    """A network under construction: its nodes, and the value of everything so far."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.opset = int(self.rng.choice(OPSETS))
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.values: dict[str, np.ndarray] = {}
        self.inputs: list[str] = []
        self.made = 0

    # --- Drawing ---------------------------------------------------------------------------------------------------------

    def int(self, low: int, high: int) -> int:
        """low … high, both included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def pick(self, *choices):
        return choices[self.int(0, len(choices) - 1)]

    def normal(self, *shape: int) -> np.ndarray:
        return self.rng.standard_normal(shape).astype(np.float32)

    def tensor(self, rank: int | None = None) -> str:
        """One of the values so far, a late one rather than an early one."""
        names = [n for n, v in self.values.items() if v.dtype == np.float32 and v.size and v.ndim and (rank is None or v.ndim == rank)]
        if not names:
            raise Refused
        return names[-1] if self.chance(0.6) else self.pick(*names)

    def shape(self, name: str) -> tuple[int, ...]:
        return self.values[name].shape

    # --- Adding ----------------------------------------------------------------------------------------------------------

    def input(self, *shape: int) -> None:
        name = f"input_{len(self.inputs)}"
        self.inputs.append(name)
        self.values[name] = self.normal(*shape)

    def constant(self, value: np.ndarray, stem: str = "c") -> str:
        name = f"{stem}{len(self.constants)}"
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def int64(self, *values: int) -> str:
        return self.constant(np.asarray(values, np.int64), "i")

    def node(self, operator: str, inputs: list[str], results: int = 1, **attributes) -> list[str]:
        """Adds a node if its value is valid, finite and small."""
        names = [f"{operator.lower()}_{self.made}_{k}" if results > 1 else f"{operator.lower()}_{self.made}" for k in range(results)]
        node = helper.make_node(operator, inputs, names, name=names[0], **attributes)
        known = {name: self.values[name] for name in inputs if name in self.values}
        # Alone, so that it costs little however long the network is.
        model = self.model([node], list(known), names)
        try:
            values = session(model).run(None, known)
        except Exception as error:  # ONNX Runtime's own classes have no common one
            raise Refused from error
        for value in values:
            # A window larger than its input: ONNX Runtime gives nothing, PyTorch and we refuse.
            small = 0 < value.size <= MOST_ELEMENTS
            if value.dtype == np.float32:
                small = small and np.isfinite(value).all() and np.abs(value).max(initial=0) < LARGEST_VALUE
            if not small:
                raise Refused
        self.made += 1
        self.nodes.append(node)
        self.values.update(zip(names, values))
        return names

    def model(self, nodes: list[onnx.NodeProto], inputs: list[str], outputs: list[str]) -> onnx.ModelProto:
        used = {name for node in nodes for name in node.input}
        typed = lambda name: helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(self.values[name].dtype) if name in self.values else TensorProto.UNDEFINED,
            self.values[name].shape if name in self.values else None)
        out = [typed(name) if name in self.values else onnx.ValueInfoProto(name=name) for name in outputs]
        constants = [numpy_helper.from_array(v, k) for k, v in self.constants.items() if k in used]
        graph = helper.make_graph(nodes, "random", [typed(name) for name in inputs], out, constants)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        made.ir_version = 8
        return made

    def axes(self, operator: str, x: list[str], axes: list[int], since: int, **attributes) -> list[str]:
        """A node whose axes are an attribute before a version and an input from it on."""
        if self.opset >= since:
            return self.node(operator, [*x, self.int64(*axes)], **attributes)
        return self.node(operator, x, axes=axes, **attributes)

    def windows(self, name: str, dilate: bool) -> dict:
        """Kernel, strides, pads, dilations for the axes behind N and C."""
        space = self.shape(name)[2:]
        kernel = [self.int(1, min(4, extent)) for extent in space]
        attributes: dict = {"kernel_shape": kernel, "strides": [self.int(1, 3) for _ in space]}
        if dilate and self.chance(0.25):
            attributes["dilations"] = [self.int(1, 2) for _ in space]
        # ONNX Runtime 1.32 pads a dilated window as if it were not, refuses in a convolution what is dilated, and has three
        # answers where a stride is longer than the window (findings/onnxruntime_auto_pad.sh).
        plain = "dilations" not in attributes and all(s <= k for s, k in zip(attributes["strides"], kernel))
        if plain and self.chance(0.3):
            attributes["auto_pad"] = self.pick("SAME_UPPER", "SAME_LOWER", "VALID")
        elif self.chance(0.7):
            same = self.chance(0.5)
            begin = [self.int(0, k - 1) for k in kernel]
            end = begin if same else [self.int(0, k - 1) for k in kernel]
            attributes["pads"] = begin + end
        # ONNX Runtime rounds a negative number of steps towards zero and answers; PyTorch and we refuse such a window.
        pads = attributes.get("pads", [0] * (2 * len(kernel)))
        for at, extent in enumerate(space):
            dilation = attributes.get("dilations", [1] * len(kernel))[at]
            if (kernel[at] - 1) * dilation + 1 > extent + pads[at] + pads[at + len(kernel)]:
                raise Refused
        return attributes
