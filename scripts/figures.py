#!/usr/bin/env python3
"""Writes the figures of README.md and docs/ from the JSON files of one run, or checks that they are the same.

    scripts/figures.py               # write
    scripts/figures.py --check       # fail, and show how, if a figure differs from what the JSON gives
    scripts/figures.py --run NAME    # show another run: benches/results/NAME*.json; then write

A run is a set of files benches/results/<date>-<device>[-<part>].json, which scripts/measure.py makes. The one that the
documents show is named in benches/results/shown.txt. A figure stands between two marks, and everything else of a document
stays as it is:

    <!-- figures: NAME -->
    <!-- end -->
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benches" / "results"
SHOWN = RESULTS / "shown.txt"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "benches" / "peers"))
import report  # noqa: E402: it lies beside the peers

Json = dict[str, Any]
# Only these hold figures; a mark elsewhere would never be written, and is an error.
DOCUMENTS = ("README.md", "docs/benchmarks.md", "docs/benchmarks/layers.md", "docs/benchmarks/memory.md")
MARK = re.compile(r"<!-- figures: (?P<name>[a-z-]+) -->\n(?P<body>.*?)<!-- end -->", re.DOTALL)


class Run:
    """The files of one run."""

    def __init__(self, name: str) -> None:
        self.name = name

    def part(self, part: str) -> Json:
        """What `<run>-<part>.json` holds; `peers` is the file without a part."""
        path = RESULTS / (f"{self.name}.json" if part == "peers" else f"{self.name}-{part}.json")
        if not path.exists():
            raise SystemExit(f"error: the run lacks {path.relative_to(ROOT)}; `scripts/measure.py {part}` measures it")
        return json.loads(path.read_text(encoding="utf-8"))

    def suites(self) -> list[Json]:
        """The choice against the best: forward, by the input, by the weight."""
        return [self.part(f"suite-{name}") for name in report.PASSES.values()]


def machine(run: Run) -> list[str]:
    """One sentence: the device, the driver, the processor, the date."""
    m = run.part("machine")
    features = ", ".join(m["cpu_features"]) if m.get("cpu_features") else "features not recorded"
    cache = f", {m['last_level_cache_mib']} MiB of last-level cache" if m.get("last_level_cache_mib") else ""
    return [f"{m['device']}, {m['driver']}; {m['processor']} ({features}), {m['cores']} cores{cache}; {m['date']}."]


def readme(run: Run) -> list[str]:
    """The table of the first page."""
    peers, demo = run.part("peers"), run.part("demo")
    training, networks = run.part("training"), run.part("networks")
    resnet = next(n["results"] for n in networks["networks"] if n["name"] == "resnet18")
    ratios = {name: r["ours_is_faster_by"] for name, r in resnet.items() if "ours_is_faster_by" in r}
    minutes = f"{demo['train_seconds']:.0f} s of training at {report.number(demo['images_per_second'])} images/s"
    ours, theirs = (report.number(training["images_per_second"][peer]) for peer in ("ours", "pytorch"))
    convolutions = sum(w["kind"] == "conv" for w in peers["works"])
    means = {kind: {name: e["geometric_mean"] for name, e in of.items()} for kind, of in peers["summary"].items()}
    lines = [*machine(run), "", "| | measured |", "| --- | --- |"]
    lines += [
        f"| the demo: {demo['epochs']} epochs of Fashion-MNIST | {minutes}, {100 * demo['test_accuracy']:.1f} % on the "
        f"{report.number(demo['test_images'])} test images |",
        f"| the demo's network, a step of training | {ours} images/s, {training['ratio']:.2f} of PyTorch's {theirs} on the same "
        f"{training['threads']} cores |",
        f"| matrix products 512³ and 1024³ | {_against(means['gemm'])} |",
        f"| the {convolutions} distinct convolutions of ResNet-18, ResNet-50, VGG-16, MobileNetV2 and a U-Net | "
        f"{_against(means['conv'])} |",
        f"| ResNet-18, batch 1, from an ONNX file | {resnet[report.OURS]['median_ms']:.1f} ms: {_against(ratios)} |",
    ]
    if demo.get("note"):
        lines += ["", f"The demo's row: {demo['note']}."]
    return lines


def _against(ratios: dict[str, float]) -> str:
    """The peers on the same device first, then PyTorch on the CPU; all of them are in docs/benchmarks.md."""
    parts = []
    for name, words in (
        ("ONNX Runtime WebGPU", "times as fast as ONNX Runtime's WebGPU provider"),
        ("ncnn Vulkan", "times as fast as ncnn's Vulkan"),
        ("PyTorch CPU", "of the speed of PyTorch's CPU kernels"),
    ):
        if name in ratios:
            parts.append(f"{report.number(ratios[name])} {words}")
    return ", ".join(parts)


def layers(run: Run) -> list[str]:
    """Every work beside the peers, with their versions."""
    peers = run.part("peers")
    return report.joined([report.peers_run(peers), report.peers_works(peers), report.peers_versions(peers)])


FIGURES: dict[str, Callable[[Run], list[str]]] = {
    "readme": readme,
    "machine": machine,
    "peers": lambda run: report.peers_means(run.part("peers")),
    "kinds": lambda run: report.peers_kinds(run.part("peers")),
    "layers": layers,
    "networks": lambda run: report.networks(run.part("networks")),
    "training": lambda run: report.training([run.part("training"), run.part("training-resnet18")]),
    "choice": lambda run: report.choice(run.suites()),
    "choice-layers": lambda run: report.choice_layers(run.suites()),
    "memory": lambda run: report.memory_families(run.part("memory")),
    "memory-rows": lambda run: report.memory_rows(run.part("memory")),
    "first-use": lambda run: report.first_use(run.part("first-use")),
}


def filled(text: str, document: str, run: Run, used: set[str]) -> str:
    """The document with its figures."""

    def figure(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in FIGURES:
            raise SystemExit(f"error: {document}: no figure is called `{name}`; there are: {', '.join(sorted(FIGURES))}")
        used.add(name)
        body = "\n".join(FIGURES[name](run))
        return f"<!-- figures: {name} -->\n{body}\n<!-- end -->"

    answer, count = MARK.subn(figure, text)
    if count != text.count("<!-- figures:"):
        raise SystemExit(f"error: {document}: {text.count('<!-- figures:')} marks begin and {count} end with <!-- end -->")
    return answer


def main() -> int:
    """Writes or checks; 1 if a figure differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a figure differs")
    parser.add_argument("--run", metavar="NAME", help="the run to show from now on")
    arguments = parser.parse_args()
    name = arguments.run or SHOWN.read_text(encoding="utf-8").strip()
    run, used, differs = Run(name), set(), False
    for document in DOCUMENTS:
        path = ROOT / document
        text = path.read_text(encoding="utf-8")
        wanted = filled(text, document, run, used)
        if wanted == text:
            continue
        if arguments.check:
            differs = True
            lines = text.splitlines(), wanted.splitlines()
            print("\n".join(difflib.unified_diff(*lines, document, f"{document} from {name}", lineterm="", n=0)))
        else:
            path.write_text(wanted, encoding="utf-8")
            print(f"figures: {document}, from {name}")
    if missing := set(FIGURES) - used:
        raise SystemExit(f"error: no document holds the figures {', '.join(sorted(missing))}")
    if differs:
        print("error: the figures above differ from benches/results; `make figures` writes them", file=sys.stderr)
        return 1
    if arguments.run and not arguments.check:
        SHOWN.write_text(f"{name}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
