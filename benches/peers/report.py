"""The Markdown tables of stored results. Only Python's standard library is needed, as `make test` runs this everywhere.

Each function takes what one JSON file of benches/results/ holds and gives lines of Markdown. `scripts/figures.py` puts them
into the documents.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

OURS = "Tilewright"
Json = dict[str, Any]

# --- Numbers and rows ------------------------------------------------------------------------------------------------


def geometric_mean(values: Iterable[float]) -> float:
    """Of positive numbers, of which there is at least one."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))


def number(value: float) -> str:
    """Three digits at most: 0.25, 4.6, 123, 5,300."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def row(cells: Iterable[str]) -> str:
    """A row of a table."""
    return "| " + " | ".join(cells) + " |"


def head(cells: list[str]) -> list[str]:
    """The first two rows of a table: names on the left, numbers on the right."""
    return [row(cells), row(["---", *["---:"] * (len(cells) - 1)])]


def span(values: list[float]) -> str:
    """The shortest and the longest of several rounds: `7.5 to 7.7`."""
    low, high = f"{min(values):.2g}", f"{max(values):.2g}"
    return low if low == high else f"{low} to {high}"


# --- Peers: matrix products and convolutions -------------------------------------------------------------------------


def summary(run: Json) -> dict[str, Json]:
    """For each kind of work and peer: the geometric mean of how many times as fast ours is, and over how many works.

    Once by the median times, once by the shortest, which tell more where others load the machine.
    """
    answer: dict[str, Json] = {}
    for kind in ("gemm", "conv"):
        for peer in run["peers"]:
            results = [w["results"].get(peer["name"], {}) for w in run["works"] if w["kind"] == kind]
            results = [result for result in results if "ours_is_faster_by" in result]
            if results:
                answer.setdefault(kind, {})[peer["name"]] = {
                    "geometric_mean": geometric_mean(r["ours_is_faster_by"] for r in results),
                    "geometric_mean_at_best": geometric_mean(r["ours_is_faster_by_at_best"] for r in results),
                    "works": len(results),
                }
    return answer


def peers_run(run: Json) -> list[str]:
    """One line: the device, and how the run went."""
    start, end = (" ".join(f"{x:.2f}" for x in run["load_average"][key]) for key in ("start", "end"))
    return [
        f"{run['device']}, {run['driver']}; {run['processor']}, {run['cores']} cores; {run['precision']}; {run['date']}, "
        f"{run['suite']} suite, {run['rounds']} rounds; load average {start} at the start, {end} at the end."
    ]


def peers_means(run: Json) -> list[str]:
    """Geometric means: how many times as fast as each peer ours is."""
    names = [peer["name"] for peer in run["peers"]]
    lines = head(["work", *names])
    for kind, title in (("gemm", "matrix products"), ("conv", "convolutions, forward")):
        total = sum(w["kind"] == kind for w in run["works"])
        cells = []
        for name in names:
            entry = run["summary"].get(kind, {}).get(name)
            if entry is None:
                cells.append("–")
                continue
            median, best = number(entry["geometric_mean"]), number(entry["geometric_mean_at_best"])
            of = f", {entry['works']} of {total}" if entry["works"] < total else ""
            cells.append(f"**{median}** ({best}{of})")
        lines.append(row([f"{title}, {total}", *cells]))
    return lines


# Kinds of layers, each with the test of a work's shape that it must pass.
KINDS = {
    "3×3, stride 1": lambda s: s["kernel"] == 3 and s["stride"] == 1 and s["groups"] == 1,
    "3×3, stride 2": lambda s: s["kernel"] == 3 and s["stride"] == 2 and s["groups"] == 1,
    "1×1, stride 1": lambda s: s["kernel"] == 1 and s["stride"] == 1,
    "1×1, stride 2": lambda s: s["kernel"] == 1 and s["stride"] == 2,
    "depthwise 3×3": lambda s: s["groups"] > 1,
}


def peers_kinds(run: Json) -> list[str]:
    """The convolutions' means by kinds of layers."""
    names = [peer["name"] for peer in run["peers"]]
    lines = head(["layers", *names])
    for kind, is_one in KINDS.items():
        works = [w for w in run["works"] if w["kind"] == "conv" and is_one(w["shape"])]
        cells = []
        for name in names:
            results = [w["results"].get(name, {}) for w in works]
            ratios = [r["ours_is_faster_by"] for r in results if "ours_is_faster_by" in r]
            cells.append(number(geometric_mean(ratios)) if ratios else "–")
        if works:
            lines.append(row([f"{kind}, {len(works)}", *cells]))
    return lines


def peers_works(run: Json) -> list[str]:
    """Every work: GFLOP/s, and in brackets how many times as fast ours is."""
    names = [peer["name"] for peer in run["peers"]]
    lines = head(["work", "ours", *names])
    for work in run["works"]:
        results = work["results"]
        lines.append(row([work["name"], *(_gflops(results.get(name, {})) for name in (OURS, *names))]))
    return lines


def _gflops(result: Json) -> str:
    if "gflops" not in result:
        return "–"
    ratio = result.get("ours_is_faster_by")
    return number(result["gflops"]) + (f" ({number(ratio)})" if ratio else "")


def peers_versions(run: Json) -> list[str]:
    """Who took part, and what did not run, with the reason."""
    lines = [f"Versions: {run['ours']}; " + "; ".join(f"{p['name']} {p['version']}" for p in run["peers"]) + "."]
    missing = [f"- {name}: {reason}" for name, reason in run["not_run"].items()]
    for work in run["works"]:
        results = work["results"].items()
        missing += [f"- {name}, {work['name']}: {r['failed']}" for name, r in results if "failed" in r]
    return lines + (["", "Not run:", "", *missing] if missing else [])


def peers(run: Json) -> list[str]:
    """All of a run, as `benches/peers/run.sh` prints it."""
    parts = [
        peers_run(run),
        ["How many times as fast as the peer ours is, by median and by shortest times (geometric means; above 1, ours is faster):"],
        peers_means(run),
        ["Each work in GFLOP/s, and in brackets how many times as fast ours is:"],
        peers_works(run),
        peers_versions(run),
    ]
    return joined(parts)


def joined(parts: list[list[str]]) -> list[str]:
    """Paragraphs with an empty line between them."""
    lines: list[str] = []
    for part in parts:
        lines += ([""] if lines else []) + part
    return lines


# --- Whole networks, training ----------------------------------------------------------------------------------------


def networks(run: Json) -> list[str]:
    """Milliseconds of an inference, and from the file to the first result."""
    names = [OURS, *(name for name in run["networks"][0]["results"] if name != OURS)]
    lines = head(["median ms (ours is faster by)", *names])
    missing = []
    for network in run["networks"]:
        cells = []
        for name in names:
            result = network["results"][name]
            if "failed" in result:
                missing.append(f"- {name}, {network['name']}: {result['failed']}")
                cells.append("–")
            elif name == OURS:
                cells.append(f"{result['median_ms']:.1f}")
            else:
                cells.append(f"{result['median_ms']:.1f} ({number(result['ours_is_faster_by'])})")
        lines.append(row([f"{network['name']}, {'×'.join(map(str, network['input']))}", *cells]))
    for network in run["networks"]:
        firsts = [network["results"][name].get("load_and_first_ms") for name in names]
        cells = ["–" if first is None else f"{first:.0f}" for first in firsts]
        lines.append(row([f"{network['name']}, from the file to the first result", *cells]))
    return lines + (["", "Not run:", "", *missing] if missing else [])


TRAINED = {
    "small_cnn": "`small_cnn`, the demo's network, batches of 64 images of 28×28",
    "resnet18": "ResNet-18 with one input channel, batches of 8 images of 64×64",
}


def training(runs: list[Json]) -> list[str]:
    """Images a second beside PyTorch."""
    lines = head(["network", "Tilewright, images/s", f"PyTorch {runs[0]['torch']}, {runs[0]['threads']} threads", "ours / PyTorch", "rounds"])
    for run in runs:
        ours, theirs = (run["images_per_second"][peer] for peer in ("ours", "pytorch"))
        lines.append(row([TRAINED[run["network"]], number(ours), number(theirs), f"{run['ratio']:.2f}", str(len(run["rounds"]["ours"]))]))
    return lines


# --- Ours alone: the choice, memory-bound kernels, the first use -----------------------------------------------------

PASSES = {"conv2d": "forward", "conv2d_backward_input": "backward-input", "conv2d_backward_weight": "backward-weight"}


def choice(suites: list[Json]) -> list[str]:
    """How near the table's pick is to the best candidate, and how near that is to the roof."""
    names = ["pass", "layers", "pick / best", "at worst", "in", "share of the roof", "speed / forward"]
    lines = head(names)
    forward = {r["work"]: r for r in suites[0]["rows"]}
    for suite in suites:
        worst = suite["worst"]
        # FLOPs of a layer are the same in all three passes.
        speed = geometric_mean(forward[r["work"]]["chosen_ms"] / r["chosen_ms"] for r in suite["rows"])
        cells = [str(len(suite["rows"])), f"{suite['geometric_mean_ratio']:.4f}", f"{worst['ratio']:.2f}", worst["work"]]
        cells += [f"{suite['geometric_mean_roof_share']:.2f}", f"{speed:.2f}"]
        lines.append(row([PASSES[suite["pass"]], *cells]))
    return lines


def choice_layers(suites: list[Json]) -> list[str]:
    """Every layer: the pick, its speed, and its share of the best candidate's."""
    lines = head(["layer", *PASSES.values()])
    found = [{r["work"]: r for r in suite["rows"]} for suite in suites]
    for work in found[0]:
        cells = []
        for rows in found:
            r = rows[work]
            worse = "" if r["ratio"] >= 0.995 else f", {r['ratio']:.2f} of {r['best']}"
            cells.append(f"{number(r['gflops'])} ({r['chosen']}{worse})")
        lines.append(row([work, *cells]))
    return lines


# Families of memory-bound kernels, by the first row of each, in the order in which the program prints them.
FAMILIES = {
    "relu": "elementwise, casts, dropout",
    "batch norm + relu, training": "batch normalisation",
    "max pool 2×2": "pooling",
    "NCHW to NHWC": "layout, copies, slices",
    "sum of all": "reductions, argmax",
    "softmax of rows of 1000": "softmax",
    "SGD with momentum": "optimizers",
}


def memory_families(run: Json) -> list[str]:
    """Geometric means of the share of the device's own copy, by families."""
    sizes = sorted({r["mib"] for r in run["rows"]})
    shares: dict[str, dict[int, list[float]]] = {}
    slowest: dict[str, tuple[float, str]] = {}
    family = None
    for r in run["rows"]:
        if r["name"] == "copy_buffer":
            family = None
        family = FAMILIES.get(r["name"], family)
        if family:
            shares.setdefault(family, {}).setdefault(r["mib"], []).append(r["share_of_copy"])
            if r["mib"] == sizes[-1]:
                slowest[family] = min(slowest.get(family, (math.inf, "")), (r["share_of_copy"], r["name"]))
    lines = head(["family", "kernels", *(f"{mib} MiB" for mib in sizes), f"slowest at {sizes[-1]} MiB"])
    for name, of_size in shares.items():
        cells = [f"{geometric_mean(of_size[mib]):.2f}" for mib in sizes]
        share, kernel = slowest[name]
        lines.append(row([name, str(len(of_size[sizes[0]])), *cells, f"{kernel}: {share:.2f}"]))
    return lines


def memory_rows(run: Json) -> list[str]:
    """Every kernel: its rate, and its share of the device's own copy."""
    sizes = sorted({r["mib"] for r in run["rows"]})
    lines = head(["kernel", *(cell for mib in sizes for cell in (f"{mib} MiB, GB/s", "of copy"))])
    found = {(r["name"], r["mib"]): r for r in run["rows"]}
    for name in dict.fromkeys(r["name"] for r in run["rows"]):
        cells = []
        for mib in sizes:
            r = found.get((name, mib))
            cells += [f"{r['gb_per_s']:.2f}", f"{r['share_of_copy']:.2f}"] if r else ["–", "–"]
        lines.append(row([name, *cells]))
    return lines


def first_use(run: Json) -> list[str]:
    """Seconds that the first run takes longer than the next."""
    lines = head(["ResNet-18", "kernels", "caches off", "empty caches", "warm"])
    for work in run["works"]:
        cells = [span(work[key]) for key in ("cold_s", "empty_s", "warm_s")]
        lines.append(row([work["what"], str(work["pipelines"]), *cells]))
    return lines
