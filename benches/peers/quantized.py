"""Networks in bytes: ours beside the peers on one QDQ file, in turn, in one run; and how many numbers are equal.

torchvision's networks with random weights and random BatchNorm statistics are exported once and quantised by ONNX Runtime
(`quantize_static`: QDQ, int8 activations, int8 weights for each channel, four samples). Ours and ONNX Runtime read both files.
Results are held to ONNX Runtime's on the CPU, in steps of the last scale: without its optimiser, which computes what lies between
bytes in f32, and with it, in integers (exact ones on processors with VNNI: `grep vnni /proc/cpuinfo`).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from networks import SIZES, Case, Skip, ncnn_on, pytorch
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import runs  # noqa: E402

NETWORKS = ["resnet18", "mobilenet_v2"]


class Samples(CalibrationDataReader):
    """What ONNX Runtime calibrates on."""

    def __init__(self, samples: list[np.ndarray]) -> None:
        self.samples = iter(samples)

    def get_next(self) -> dict[str, np.ndarray] | None:
        sample = next(self.samples, None)
        return None if sample is None else {"input": sample}


def quantised(case: Case) -> Path:
    """The QDQ file of a network."""
    path = case.onnx.with_suffix(".qdq.onnx")
    random = np.random.default_rng(3)
    samples = [case.x] + [random.standard_normal(case.x.shape, np.float32) for _ in range(3)]
    quantize_static(
        case.onnx, path, Samples(samples), quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QInt8, weight_type=QuantType.QInt8,
    )
    return path


def last_scale(path: Path) -> float:
    """The scale of the bytes that the last result was."""
    model = onnx.load(path)
    makers = {name: node for node in model.graph.node for name in node.output}
    constants = {value.name: value for value in model.graph.initializer}
    step = makers[model.graph.output[0].name]
    return float(numpy_helper.to_array(constants[step.input[1]]))


def session(path: Path, provider: str, optimised: bool = True) -> onnxruntime.InferenceSession:
    """ONNX Runtime on a file."""
    if provider not in onnxruntime.get_available_providers():
        raise Skip(f"this build of ONNX Runtime has no {provider}")
    onnxruntime.set_default_logger_severity(4)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = os.cpu_count() or 1
    settings.add_session_config_entry("session.force_spinning_stop", "1")
    if not optimised:
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), settings, providers=[provider])


def runner(path: Path, provider: str) -> Callable[[Case], Callable[[], np.ndarray]]:
    """Runs a file by a provider."""

    def prepare(case: Case) -> Callable[[], np.ndarray]:
        it = session(path, provider)
        return lambda: it.run(None, {"input": case.x})[0]

    return prepare


def ours(program: Path, case: Case, model: Path, repeat: int) -> tuple[dict[str, Any], np.ndarray]:
    """One process of `tilewright infer`: its report and its result."""
    output = case.npy.with_suffix(".npz")
    command = [program, "infer", model, "--input", case.npy, "--output", output, "--repeat", str(repeat), "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise SystemExit(f"error: {case.name}: {answer.stderr.strip()}")
    return json.loads(answer.stdout), np.load(output)["output"]


def steps(found: np.ndarray, expected: np.ndarray, scale: float) -> dict[str, Any]:
    """How many results are how many steps apart."""
    apart = np.abs(np.rint(found / scale) - np.rint(expected / scale))
    return {"numbers": apart.size, "unequal": int((apart > 0).sum()), "most_steps": int(apart.max())}


def measure(program: Path, case: Case, rounds: int, seconds: float) -> dict[str, Any]:
    """A network by everybody, in turn."""
    qdq = quantised(case)
    scale = last_scale(qdq)
    expected = [
        session(qdq, "CPUExecutionProvider", optimised).run(None, {"input": case.x})[0] for optimised in (False, True)
    ]
    peers = {
        "ONNX Runtime CPU, int8": runner(qdq, "CPUExecutionProvider"),
        "ONNX Runtime CPU, f32": runner(case.onnx, "CPUExecutionProvider"),
        "ONNX Runtime WebGPU, int8": runner(qdq, "WebGpuExecutionProvider"),
        "ONNX Runtime WebGPU, f32": runner(case.onnx, "WebGpuExecutionProvider"),
        "ncnn Vulkan, f32": ncnn_on(True),
        "PyTorch CPU, f32": pytorch,
    }
    results: dict[str, Any] = {}
    ready: dict[str, tuple[Callable[[], np.ndarray], int]] = {}
    for name, prepare in peers.items():
        try:
            run = prepare(case)
            found = run()
            begun = time.perf_counter()
            run()
            taken = time.perf_counter() - begun
        except Exception as error:  # A peer's failure is a line of the table.
            results[name] = {"failed": str(error) or type(error).__name__}
            continue
        ready[name] = (run, max(1, min(20, int(seconds / taken))))
        results[name] = {"apart": [steps(found, other, scale) for other in expected]}
    both = {"Tilewright, int8": qdq, "Tilewright, f32": case.onnx}
    times: dict[str, list[float]] = {name: [] for name in [*both, *ready]}
    for _ in range(rounds):
        for name, model in both.items():
            report, found = ours(program, case, model, 12)
            times[name] += report["times_ms"][2:]
            results[name] = {
                "apart": [steps(found, other, scale) for other in expected],
                "memory": report["memory"],
                "precision": report["precision"],
            }
        for name, (run, count) in ready.items():
            for _ in range(count):
                begun = time.perf_counter()
                run()
                times[name].append((time.perf_counter() - begun) * 1e3)
    fast = statistics.median(times["Tilewright, int8"])
    for name, taken in times.items():
        median = statistics.median(taken)
        results[name] |= {"median_ms": median, "min_ms": min(taken), "runs": len(taken), "int8_is_faster_by": median / fast}
    return {"name": case.name, "input": case.x.shape, "last_scale": scale, "results": results}


def table(rows: list[dict[str, Any]]) -> str:
    """For the page."""
    lines = [
        "| network | by | median, ms | ours in int8 is faster by | unequal to the file's in f32, most steps | in integers |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        for name, result in row["results"].items():
            if "failed" in result:
                lines.append(f"| {row['name']} | {name} | failed: {result['failed'][:80]} | | | |")
                continue
            apart = [f"{one['unequal']} of {one['numbers']}, {one['most_steps']}" for one in result["apart"]]
            shown = " | ".join(apart if "int8" in name else ["", ""])
            lines.append(
                f"| {row['name']} | {name} | {result['median_ms']:.1f} | {result['int8_is_faster_by']:.2f} | {shown} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Measures, keeps the JSON, and shows the table in docs/quantization.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, help="a tilewright program that is built already")
    parser.add_argument("--network", action="append", choices=NETWORKS, help="all if none is named")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each peer")
    parser.add_argument("--seconds", type=float, default=2.0, help="of a peer's turn")
    parser.add_argument("--folder", type=Path, default=Path("target/peers-quantized"), help="for models and inputs")
    parser.add_argument("--trial", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    program = runs.program(arguments.program)
    rows = []
    for name in arguments.network or NETWORKS:
        assert name in SIZES
        print(f"quantized: {name}", file=sys.stderr, flush=True)
        rows.append(measure(program, Case(name, arguments.folder.resolve()), max(1, arguments.rounds), arguments.seconds))
        print(table(rows[-1:]), flush=True)
    if arguments.trial:
        return
    kept = runs.keep(program, "int8-peers", {"onnxruntime": onnxruntime.__version__, "rounds": arguments.rounds, "networks": rows})
    page = runs.ROOT / "docs" / "quantization.md"
    runs.show(page, "int8 peers", table(rows) + f"\n\n`benches/results/{kept}`, ONNX Runtime {onnxruntime.__version__}")


if __name__ == "__main__":
    main()
