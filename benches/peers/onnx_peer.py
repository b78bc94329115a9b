"""ONNX Runtime, on the CPU and through WebGPU, with models made in memory."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from peer import Prepared, Unavailable, seconds
from works import Conv, Gemm, Work

_PROVIDERS = {"webgpu": "WebGpuExecutionProvider", "cpu": "CPUExecutionProvider"}


class OnnxRuntime:
    """One execution provider; the graph may not fall back to another one."""

    def __init__(self, device: str) -> None:
        try:
            import onnx
            import onnxruntime
        except ImportError as error:
            raise Unavailable(f"cannot be imported: {error}") from error
        self._onnx, self._runtime = onnx, onnxruntime
        self._provider = _PROVIDERS[device]
        if self._provider not in onnxruntime.get_available_providers():
            raise Unavailable(f"this build of ONNX Runtime has no {self._provider}")
        onnxruntime.set_default_logger_severity(3)
        self.device = "gpu" if device == "webgpu" else "cpu"
        self.name = f"ONNX Runtime {'WebGPU' if device == 'webgpu' else 'CPU'}"
        self.version = onnxruntime.__version__
        if device == "webgpu":
            # A device that cannot be made shows itself only here.
            try:
                self._relu(np.zeros((1, 4), np.float32))()
            except Exception as error:
                raise Unavailable(f"no WebGPU device: {error}") from error

    def prepare(self, work: Work, a: np.ndarray, b: np.ndarray) -> Prepared:
        """A convolution's weight is an initializer; both operands of a product are inputs."""
        feeds = {"x": a, "w": b} if isinstance(work, Gemm) else {"x": a}
        layouts: list[dict[str, str]] = [{}]
        if self.device == "gpu" and isinstance(work, Conv):
            layouts = [{"preferredLayout": "NHWC"}, {"preferredLayout": "NCHW"}]
        best: tuple[float, Any, dict[str, str]] | None = None
        for options in layouts:
            session = self._session(self._model(work, b), options)
            session.run(None, feeds)
            taken = min(seconds(lambda: session.run(None, feeds)) for _ in range(2)) if len(layouts) > 1 else 0.0
            if best is None or taken < best[0]:
                best = (taken, session, options)
        assert best is not None
        _, session, options = best
        transfer = None
        if self.device == "gpu":
            inputs = [self._relu(values) for values in feeds.values()]
            output = self._relu(np.zeros(work.y_shape, np.float32))
            # Each of these goes up and comes down again; a work takes its inputs up and its output down.
            transfer = lambda: (sum(map(seconds, inputs)) + seconds(output)) / 2  # noqa: E731
        return Prepared(lambda: session.run(None, feeds)[0], transfer, options.get("preferredLayout"))

    def _model(self, work: Work, weight: np.ndarray) -> bytes:
        helper, numpy_helper = self._onnx.helper, self._onnx.numpy_helper
        a, b = (work.x_shape, work.w_shape) if isinstance(work, Conv) else ((work.m, work.k), (work.k, work.n))
        inputs, initializers = [self._value("x", a)], []
        if isinstance(work, Conv):
            initializers.append(numpy_helper.from_array(weight, "w"))
            node = helper.make_node(
                "Conv",
                ["x", "w"],
                ["y"],
                pads=[work.padding] * 4,
                strides=[work.stride] * 2,
                group=work.groups,
                kernel_shape=[work.kernel] * 2,
            )
        else:
            inputs.append(self._value("w", b))
            node = helper.make_node("MatMul", ["x", "w"], ["y"])
        return self._serialized(node, inputs, self._value("y", work.y_shape), initializers)

    def _relu(self, values: np.ndarray) -> Any:
        """A graph of next to no work; an Identity would be left out."""
        node = self._onnx.helper.make_node("Relu", ["x"], ["y"])
        shape = values.shape
        session = self._session(self._serialized(node, [self._value("x", shape)], self._value("y", shape), []), {})
        session.run(None, {"x": values})
        return lambda: session.run(None, {"x": values})

    def _value(self, name: str, shape: tuple[int, ...]) -> Any:
        return self._onnx.helper.make_tensor_value_info(name, self._onnx.TensorProto.FLOAT, shape)

    def _serialized(self, node: Any, inputs: list[Any], output: Any, initializers: list[Any]) -> bytes:
        helper = self._onnx.helper
        graph = helper.make_graph([node], "work", inputs, [output], initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        return model.SerializeToString()

    def _session(self, model: bytes, options: dict[str, str]) -> Any:
        settings = self._runtime.SessionOptions()
        settings.intra_op_num_threads = os.cpu_count() or 1
        # Threads that wait in a loop would take the cores from whoever is timed next.
        settings.add_session_config_entry("session.force_spinning_stop", "1")
        if self.device == "gpu":
            settings.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        return self._runtime.InferenceSession(model, settings, providers=[(self._provider, options)])
