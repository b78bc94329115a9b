"""Times every peer and ours on the same works, in turn, in one run; see docs/benchmarks.md."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import report
from ours import Ours, Timing
from peer import Unavailable
from remote import Failed, Remote
from works import Work, suite

# By name: the module, what makes the peer, and its arguments; `OURS` stands for our device's name and kind.
OURS = "our device"
PEERS: dict[str, tuple[Any, ...]] = {
    "ONNX Runtime WebGPU": ("onnx_peer", "OnnxRuntime", "webgpu"),
    "ncnn Vulkan": ("ncnn_peer", "Ncnn", "vulkan"),
    "burn (wgpu)": ("burn_peer", "Burn", OURS),
    "PyTorch CUDA": ("torch_peer", "Torch", "cuda"),
    "PyTorch CPU": ("torch_peer", "Torch", "cpu"),
    "ONNX Runtime CPU": ("onnx_peer", "OnnxRuntime", "cpu"),
    "ncnn CPU": ("ncnn_peer", "Ncnn", "cpu"),
}
# It is the reference of every result.
REFERENCE = "PyTorch CPU"
TOLERANCE = 1e-4
# What a peer computes in one turn of one round; the full suite is ten times as long as the quick one.
TURN_SECONDS = {False: 0.3, True: 0.12}
ROUNDS = {False: 3, True: 2}


def main() -> int:
    """Runs the suite; 1 when ours fails on a work, or a peer is wrong on one."""
    arguments = _arguments()
    root = Path(__file__).resolve().parents[2]
    begun, started = os.getloadavg(), time.monotonic()
    ours = Ours(arguments.program)
    peers, unavailable = _make_peers(ours, arguments.without)
    works = suite(arguments.full)
    rounds = arguments.rounds or ROUNDS[arguments.full]
    results: list[dict[str, Any]] = []
    device, driver = "", ""
    for number, work in enumerate(works, 1):
        left = (time.monotonic() - started) / max(1, number - 1) * (len(works) - number + 1)
        _say(f"{number}/{len(works)} {work.name}" + (f", {left / 60:.0f} min left" if number > 3 else ""))
        result, last = _time(work, ours, peers, rounds, TURN_SECONDS[arguments.full])
        results.append(result)
        device, driver = (last.device, last.driver) if last else (device, driver)
    for peer in peers.values():
        peer.close()
    run = {
        "date": datetime.date.today().isoformat(),
        "suite": "full" if arguments.full else "quick",
        "device": device,
        "driver": driver,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "precision": "fp32",
        "rounds": rounds,
        "minutes": round((time.monotonic() - started) / 60, 1),
        "load_average": {"start": begun, "end": os.getloadavg()},
        "ours": ours.version,
        "peers": [{"name": p.name, "version": p.version, "device": p.device} for p in peers.values()],
        "not_run": unavailable,
        "works": results,
    }
    run["summary"] = report.summary(run)
    path = arguments.output or root / "benches" / "results" / f"{run['date']}-{_slug(device)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n")
    print("\n".join(report.peers(run)))
    failed = [f"{w['name']}: {name}: {r['failed']}" for w in results for name, r in w["results"].items() if "wrong" in r]
    for line in failed:
        print(f"error: {line}", file=sys.stderr)
    return 1 if failed else 0


def _make_peers(ours: Ours, without: list[str]) -> tuple[dict[str, Remote], dict[str, str]]:
    peers, unavailable = {}, {}
    for name, (module, maker, *arguments) in PEERS.items():
        if name in without:
            unavailable[name] = "left out by --without"
            continue
        try:
            peers[name] = Remote(module, maker, *(ours.adapter() if a == OURS else a for a in arguments))
        except Unavailable as error:
            unavailable[name] = str(error)
            _say(f"{name} cannot run: {error}")
    if REFERENCE not in peers:
        raise SystemExit("error: PyTorch is the reference of every result; install python3-torch (Debian, Ubuntu)")
    return peers, unavailable


def _time(
    work: Work, ours: Ours, peers: dict[str, Remote], rounds: int, turn_seconds: float
) -> tuple[dict[str, Any], Timing | None]:
    """Validates every peer, then lets them run in turn, `rounds` times; ours runs between the peers' rounds."""
    results: dict[str, dict[str, Any]] = {}
    ready: dict[str, int] = {}
    expected: np.ndarray | None = None
    for name in sorted(peers, key=lambda name: name != REFERENCE):
        begun = time.monotonic()
        try:
            prepared = peers[name].prepare(work)
        except Failed as failure:
            if name == REFERENCE:
                raise SystemExit(f"error: {name}, the reference, fails on {work.name}: {failure}") from failure
            results[name] = {"failed": str(failure)}
            continue
        expected = prepared.output if expected is None else expected
        error = relative_error(prepared.output, expected)
        if not error <= TOLERANCE:
            results[name] = {"failed": f"differs from PyTorch by {error:.1e} of the largest element", "wrong": error}
            continue
        ready[name] = max(2, min(20, int(turn_seconds / max(1e-6, prepared.again))))
        results[name] = {"error": error, "first_ms": prepared.first * 1e3, "note": prepared.note}
        # Model, compilation, tuning, and two runs.
        results[name]["prepare_s"] = round(time.monotonic() - begun, 3)
    times: dict[str, list[float]] = {name: [] for name in ready}
    transfers: dict[str, list[float]] = {name: [] for name in ready}
    timings: list[Timing] = []
    failure = None
    for _ in range(rounds):
        for name, repeat in list(ready.items()):
            try:
                taken, moved = peers[name].turn(repeat)
            except Failed as error:
                results[name] = {"failed": str(error)}
                del ready[name]
                continue
            times[name] += taken
            transfers[name] += moved
        try:
            timings.append(ours.time(work, 10))
        except RuntimeError as error:
            failure = str(error)
            break
    for name in ready:
        _fill(results[name], work, statistics.median(times[name]), min(times[name]), transfers[name])
    if failure or not timings:
        results[ours.name] = {"failed": failure, "wrong": True}
    else:
        mine = results[ours.name] = {"error": max(t.error for t in timings), "note": timings[0].algorithm}
        median, least = statistics.median(t.median_ms for t in timings), min(t.min_ms for t in timings)
        _fill(mine, work, median / 1e3, least / 1e3, [])
        for name in ready:
            for key in ("ours_is_faster_by", "ours_is_faster_by_at_best"):
                time_of = "kernel_ms" if key == "ours_is_faster_by" else "best_kernel_ms"
                results[name][key] = results[name][time_of] / mine[time_of]
    kind = {"kind": type(work).__name__.lower(), "name": work.name, "flops": work.flops}
    return kind | {"shape": asdict(work), "results": results}, timings[-1] if timings else None


def _fill(result: dict[str, Any], work: Work, median: float, least: float, transfers: list[float]) -> None:
    """`kernel_ms` is without the transfers; were those measured too long by noise, a tenth remains."""
    moved = statistics.median(transfers) if transfers else 0.0
    kernel = max(median - moved, 0.1 * median)
    best = max(least - min(transfers, default=0.0), 0.1 * least)
    result |= {"median_ms": median * 1e3, "min_ms": least * 1e3, "transfer_ms": moved * 1e3}
    result |= {"kernel_ms": kernel * 1e3, "best_kernel_ms": best * 1e3, "gflops": work.flops / kernel / 1e9}


def relative_error(actual: np.ndarray, expected: np.ndarray) -> float:
    """max |difference| / max |expected|; not a number when the shapes differ."""
    if actual.shape != expected.shape:
        return float("nan")
    return float(np.max(np.abs(actual - expected)) / np.max(np.abs(expected)))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def _slug(device: str) -> str:
    """`llvmpipe (LLVM 15.0.6, 256 bits)` becomes `llvmpipe`."""
    words = "".join(c if c.isalnum() else "-" for c in device.split("(")[0].lower())
    return "-".join(filter(None, words.split("-"))) or "unknown"


def _say(text: str) -> None:
    print(f"peers: {text}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    suites = parser.add_mutually_exclusive_group()
    suites.add_argument("--quick", dest="full", action="store_false", help="eight convolutions (the default)")
    suites.add_argument("--full", action="store_true", help="every distinct convolution of the five networks")
    parser.set_defaults(full=False)
    parser.add_argument("--rounds", type=int, help="turns of each peer (3, and 2 of the full suite)")
    parser.add_argument("--without", action="append", default=[], metavar="PEER", help="leave this one out", choices=[*PEERS])
    parser.add_argument("--program", type=Path, required=True, help="the tilewright program")
    parser.add_argument("--output", type=Path, help="where the JSON goes (benches/results/<date>-<device>.json)")
    arguments = parser.parse_args()
    if arguments.rounds is not None and arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
