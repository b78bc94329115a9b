#!/usr/bin/env python3
"""Random small networks with ONNX Runtime's answers, which crates/onnx/tests/random_graphs.rs runs.

    scripts/random_graphs --count 50 --seed 1 --output crates/onnx/tests/data/random_graphs.safetensors
    scripts/random-graphs.sh 1000 7      # writes 1,000 others and runs them

A network is made node by node; each node's value is computed at once, so that a node is only taken if it is valid, finite
and of a modest size. The file holds, per case, the model and its inputs and outputs as ONNX writes them (`000/model`,
`000/input_0`, `000/output_0`) and how far an output may be off (`000/tolerance_0`): what ONNX Runtime's own answer moves by
when the inputs move by their last bits, times a factor. Networks that amplify too much are left out, since no answer of
theirs could be called wrong.

Needs numpy, onnx and onnxruntime of the versions in `VERSIONS`, since they are the truth here.
"""

from __future__ import annotations

import argparse
import json
import struct
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from draws import DRAWN
from network import Network, Refused, session
from onnx import numpy_helper

VERSIONS = {"onnx": "1.23.2", "onnxruntime": "1.32.0"}


def draw(seed: int) -> tuple[Network, list[str], list[np.ndarray]] | None:
    """A network, its outputs' names and how far each element of them may be off; None if it amplifies too much."""
    n = Network(seed)
    n.input(n.int(1, 2), n.int(1, 6), n.int(3, 11), n.int(3, 11))
    if n.chance(0.3):
        n.input(*n.shape("input_0"))
    if n.chance(0.15):
        n.input(n.int(1, 3), n.int(2, 9))
    weights = np.array([w for w, _ in DRAWN])
    wanted, tries = n.int(4, 16), 0
    while len(n.nodes) < wanted and tries < 200:
        tries += 1
        before = (len(n.nodes), dict(n.values), dict(n.constants))
        try:
            DRAWN[int(n.rng.choice(len(DRAWN), p=weights / weights.sum()))][1](n)
        except Refused:
            # What a compound had added before stays: it is valid.
            n.constants = {k: v for k, v in n.constants.items() if k in before[2] or any(k in m.input for m in n.nodes)}
    read = {name for node in n.nodes for name in node.input}
    outputs = [name for node in n.nodes for name in node.output if name not in read][-4:]
    if n.nodes and n.chance(0.2):
        outputs.append(n.pick(*[name for node in n.nodes for name in node.output]))
    outputs = list(dict.fromkeys(outputs))
    if not outputs:
        return None
    try:
        run = session(n.model(n.nodes, n.inputs, outputs))
    except Exception:
        # Before version 22 ONNX's shape inference counts windows of ceil_mode that the kernel drops, so that ONNX Runtime
        # refuses what follows (findings/onnxruntime_ceil_mode.sh).
        return None
    feeds = {name: n.values[name] for name in n.inputs}
    right = run.run(None, feeds)
    n.values.update(zip(outputs, right))
    moved = [np.zeros(v.shape) for v in right]
    for _ in range(6):
        shaken = {k: (v * (1 + n.rng.choice([-1, 1], v.shape) * np.float32(4e-7))).astype(np.float32) for k, v in feeds.items()}
        for at, value in enumerate(run.run(None, shaken)):
            moved[at] = np.maximum(moved[at], np.abs(value.astype(np.float64) - right[at].astype(np.float64)))
    tolerances = []
    for value, by in zip(right, moved):
        if value.dtype != np.float32:
            if by.max(initial=0) > 0:
                return None  # An index that turns on the last bit.
            tolerances.append(np.float32(0))
            continue
        largest = float(np.abs(value).max(initial=0))
        tolerance = 2e-5 * largest + 20 * float(by.max(initial=0)) + 1e-6
        if tolerance > 2e-3 * max(largest, 1e-3):
            return None
        tolerances.append(np.float32(tolerance))
    return n, outputs, tolerances


def write(path: Path, entries: dict[str, bytes], note: dict[str, str]) -> None:
    """A safetensors file of byte strings."""
    header, at = {"__metadata__": note}, 0
    for name, value in entries.items():
        header[name] = {"dtype": "U8", "shape": [len(value)], "data_offsets": [at, at + len(value)]}
        at += len(value)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(entries.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    versions = {"onnx": onnx.__version__, "onnxruntime": ort.__version__}
    if versions != VERSIONS:
        raise SystemExit(f"the truth is {VERSIONS}, and {versions} is installed; install those, or change VERSIONS with a look at what differs")
    entries: dict[str, bytes] = {}
    seed, made, operators = arguments.seed * 1_000_000, 0, {}
    while made < arguments.count:
        seed += 1
        drawn = draw(seed)
        if drawn is None:
            continue
        n, outputs, tolerances = drawn
        case = f"{made:04}"
        entries[f"{case}/model"] = n.model(n.nodes, n.inputs, outputs).SerializeToString()
        for kind, names in (("input", n.inputs), ("output", outputs)):
            for at, name in enumerate(names):
                entries[f"{case}/{kind}_{at}"] = numpy_helper.from_array(n.values[name], name).SerializeToString()
        for at, tolerance in enumerate(tolerances):
            entries[f"{case}/tolerance_{at}"] = struct.pack("<f", tolerance)
        for node in n.nodes:
            operators[node.op_type] = operators.get(node.op_type, 0) + 1
        made += 1
    write(arguments.output, entries, {key: str(value) for key, value in versions.items()} | {"seed": str(arguments.seed)})
    print(f"{made} networks of {sum(operators.values())} nodes, {len(operators)} operators, {arguments.output.stat().st_size} bytes")
    print(", ".join(f"{name} {count}" for name, count in sorted(operators.items(), key=lambda item: -item[1])))


if __name__ == "__main__":
    main()
