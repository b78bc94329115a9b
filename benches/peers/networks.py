"""Whole networks, inference: ours beside the peers, in turn, in one run; every result against PyTorch's.

The networks are torchvision's (and a U-Net written here) with random weights and random BatchNorm statistics. They are
exported to ONNX once; ours and ONNX Runtime read that file, ncnn reads what pnnx makes of the same network.
"""

from __future__ import annotations

import argparse
import datetime
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
import torch
from torch import nn

from report import OURS, networks as table

TOLERANCE = 1e-4


class UNet(nn.Module):
    """Ronneberger et al., arXiv 1505.04597, with padded convolutions and BatchNorm; 16 to 256 channels."""

    def __init__(self, inputs: int = 3, classes: int = 2, width: int = 16, depth: int = 4) -> None:
        super().__init__()
        widths = [width << level for level in range(depth + 1)]
        self.down = nn.ModuleList(_double(a, b) for a, b in zip([inputs, *widths], widths))
        ups = list(zip(widths[:0:-1], widths[-2::-1]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, 2) for a, b in ups)
        self.merge = nn.ModuleList(_double(2 * b, b) for _, b in ups)
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """N×C×H×W, H and W multiples of 16."""
        skips = []
        for level, block in enumerate(self.down):
            x = block(nn.functional.max_pool2d(x, 2) if level else x)
            skips.append(x)
        for up, merge, skip in zip(self.up, self.merge, skips[-2::-1]):
            x = merge(torch.cat([skip, up(x)], 1))
        return self.head(x)


def _double(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def network(name: str) -> nn.Module:
    """In evaluation mode, with BatchNorm statistics that no fresh network has."""
    torch.manual_seed(1)
    if name == "unet":
        model: nn.Module = UNet()
    else:
        import torchvision

        model = getattr(torchvision.models, name)(weights=None)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.7, 1.3)
            nn.init.uniform_(module.weight, 0.8, 1.2)
            nn.init.uniform_(module.bias, -0.1, 0.1)
    return model.eval()


SIZES = {"resnet18": 224, "mobilenet_v2": 224, "unet": 128}


class Case:
    """A network as every peer reads it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.module = name, network(name)
        side = SIZES[name]
        self.x = np.random.default_rng(2).standard_normal((1, 3, side, side), np.float32)
        self.onnx, self.npy = folder / f"{name}.onnx", folder / f"{name}.npy"
        self.script = folder / f"{name}.pt"
        image = torch.from_numpy(self.x)
        torch.onnx.export(self.module, image, str(self.onnx), opset_version=13, input_names=["input"], output_names=["output"])
        np.save(self.npy, self.x)
        torch.jit.trace(self.module, image).save(str(self.script))
        with torch.inference_mode():
            self.expected = self.module(image).numpy()


class Skip(Exception):
    """The peer cannot run this; the message says why."""


def pytorch(case: Case) -> Callable[[], np.ndarray]:
    """On the CPU, with all its fusions that need no change of the module."""
    image = torch.from_numpy(case.x)
    module = torch.jit.optimize_for_inference(torch.jit.trace(case.module, image))

    def run() -> np.ndarray:
        with torch.inference_mode():
            return module(image).numpy()

    return run


def onnx_runtime(provider: str) -> Callable[[Case], Callable[[], np.ndarray]]:
    """One execution provider."""

    def prepare(case: Case) -> Callable[[], np.ndarray]:
        try:
            import onnxruntime
        except ImportError as error:
            raise Skip(str(error)) from error
        if provider not in onnxruntime.get_available_providers():
            raise Skip(f"this build of ONNX Runtime has no {provider}")
        onnxruntime.set_default_logger_severity(3)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = os.cpu_count() or 1
        settings.add_session_config_entry("session.force_spinning_stop", "1")
        session = onnxruntime.InferenceSession(str(case.onnx), settings, providers=[provider])
        return lambda: session.run(None, {"input": case.x})[0]

    return prepare


def ncnn_on(vulkan: bool) -> Callable[[Case], Callable[[], np.ndarray]]:
    """fp32 throughout: every option of narrower numbers is off, all others are ncnn's own."""

    def prepare(case: Case) -> Callable[[], np.ndarray]:
        try:
            import ncnn
        except ImportError as error:
            raise Skip(str(error)) from error
        if vulkan and ncnn.get_gpu_count() == 0:
            raise Skip("ncnn finds no Vulkan device")
        param = case.script.with_suffix(".ncnn.param")
        if not param.exists():
            pnnx = Path(sys.executable).with_name("pnnx")
            shape = "inputshape=[" + ",".join(map(str, case.x.shape)) + "]"
            answer = subprocess.run(
                [pnnx, case.script, shape, "fp16=0"], cwd=case.script.parent, capture_output=True, text=True, check=False
            )
            if answer.returncode != 0 or not param.exists():
                raise Skip(f"pnnx does not convert it: {answer.stderr.strip()[-200:]}")
        net = ncnn.Net()
        net.opt.num_threads = os.cpu_count() or 1
        net.opt.use_vulkan_compute = vulkan
        for option in dir(net.opt):
            if option.startswith(("use_fp16_", "use_bf16_", "use_int8_")):
                setattr(net.opt, option, False)
        if net.load_param(str(param)) != 0 or net.load_model(str(param.with_suffix(".bin"))) != 0:
            raise Skip("ncnn does not load what pnnx made")
        mat = ncnn.Mat(case.x[0]).clone()

        def run() -> np.ndarray:
            with net.create_extractor() as extractor:
                extractor.input("in0", mat)
                code, result = extractor.extract("out0")
                if code != 0:
                    raise RuntimeError(f"ncnn stops with {code}")
                return np.array(result).reshape(case.expected.shape)

        return run

    return prepare


PEERS: dict[str, Callable[[Case], Callable[[], np.ndarray]]] = {
    "ONNX Runtime WebGPU": onnx_runtime("WebGpuExecutionProvider"),
    "ncnn Vulkan": ncnn_on(True),
    "PyTorch CPU": pytorch,
    "ONNX Runtime CPU": onnx_runtime("CPUExecutionProvider"),
    "ncnn CPU": ncnn_on(False),
}


def ours(program: Path, case: Case, repeat: int) -> tuple[dict[str, Any], np.ndarray]:
    """One process of `tilewright infer`: its report and its result."""
    output = case.npy.with_suffix(".npz")
    command = [program, "infer", case.onnx, "--input", case.npy, "--output", output, "--repeat", str(repeat), "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise SystemExit(f"error: {case.name}: {answer.stderr.strip()}")
    return json.loads(answer.stdout), np.load(output)["output"]


def error_of(actual: np.ndarray, expected: np.ndarray) -> float:
    """max |difference| / max |expected|."""
    return float(np.max(np.abs(actual - expected)) / np.max(np.abs(expected)))


def measure(program: Path, case: Case, rounds: int, seconds: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Every result valid first, then in turn."""
    results: dict[str, Any] = {}
    runs: dict[str, tuple[Callable[[], np.ndarray], int]] = {}
    for name, prepare in PEERS.items():
        begun = time.perf_counter()
        try:
            run = prepare(case)
            found = run()
        except Exception as error:  # A peer's failure is a line of the table.
            results[name] = {"failed": str(error) or type(error).__name__}
            continue
        first = time.perf_counter() - begun
        wrong = error_of(found, case.expected)
        if not wrong <= TOLERANCE:
            results[name] = {"failed": f"differs from PyTorch by {wrong:.1e} of the largest element"}
            continue
        begun = time.perf_counter()
        run()
        taken = time.perf_counter() - begun
        runs[name] = (run, max(1, min(20, int(seconds / taken))))
        results[name] = {"error": wrong, "load_and_first_ms": first * 1e3}
    times: dict[str, list[float]] = {name: [] for name in [OURS, *runs]}
    loads, report = [], {}
    for _ in range(rounds):
        report, found = ours(program, case, 12)
        wrong = error_of(found, case.expected)
        if not wrong <= TOLERANCE:
            raise SystemExit(f"error: {case.name}: ours differs from PyTorch by {wrong:.1e} of the largest element")
        results[OURS] = {"error": wrong, "launches": report["launches"], "memory": report["memory"]}
        times[OURS] += report["times_ms"][2:]
        loads.append(report["load_ms"] + report["first_ms"])
        for name, (run, count) in runs.items():
            for _ in range(count):
                begun = time.perf_counter()
                run()
                times[name].append((time.perf_counter() - begun) * 1e3)
    for name, taken in times.items():
        results[name] |= {"median_ms": statistics.median(taken), "min_ms": min(taken), "runs": len(taken)}
    results[OURS]["load_and_first_ms"] = min(loads)
    for name in runs:
        results[name]["ours_is_faster_by"] = results[name]["median_ms"] / results[OURS]["median_ms"]
        results[name]["ours_is_faster_by_at_best"] = results[name]["min_ms"] / results[OURS]["min_ms"]
    return {"name": case.name, "input": case.x.shape, "results": results}, report


def main() -> None:
    """Measures, writes JSON, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, required=True, help="the tilewright program")
    parser.add_argument("--network", action="append", choices=[*SIZES], help="all if none is named")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each peer")
    parser.add_argument("--seconds", type=float, default=1.0, help="of a peer's turn")
    parser.add_argument("--folder", type=Path, default=Path("target/peers-networks"), help="for models and inputs")
    parser.add_argument("--output", type=Path, help="where the JSON goes (benches/results/<date>-<device>-networks.json)")
    arguments = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    program = arguments.program.resolve()
    rows, report = [], {}
    begun = os.getloadavg()
    for name in arguments.network or SIZES:
        print(f"networks: {name}", file=sys.stderr, flush=True)
        row, report = measure(program, Case(name, arguments.folder.resolve()), max(1, arguments.rounds), arguments.seconds)
        rows.append(row)
    date = datetime.date.today().isoformat()
    run = {"date": date, "device": report["device"], "driver": report["driver"], "cores": os.cpu_count()}
    run |= {"rounds": arguments.rounds, "load_average": {"start": begun, "end": os.getloadavg()}, "networks": rows}
    slug = "-".join("".join(c if c.isalnum() else " " for c in report["device"].split("(")[0].lower()).split())
    path = arguments.output or Path("benches/results") / f"{date}-{slug}-networks.json"
    path.write_text(json.dumps(run, indent=1) + "\n")
    print("\n".join(table(run)))


if __name__ == "__main__":
    main()
