"""The Markdown table of a run, and its place in a document."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- peers: begin (written by benches/peers/run.sh) -->", "<!-- peers: end -->"
OURS = "Tilewright"


def summary(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """For each kind of work and peer: the geometric mean of how many times faster ours is, and over how many works.

    Once by the median times, once by the shortest, which tell more where others load the machine.
    """
    answer: dict[str, dict[str, Any]] = {}
    for kind in ("gemm", "conv"):
        for peer in run["peers"]:
            results = [w["results"].get(peer["name"], {}) for w in run["works"] if w["kind"] == kind]
            results = [result for result in results if "ours_is_faster_by" in result]
            if results:
                answer.setdefault(kind, {})[peer["name"]] = {
                    "geometric_mean": _geometric_mean([r["ours_is_faster_by"] for r in results]),
                    "geometric_mean_at_best": _geometric_mean([r["ours_is_faster_by_at_best"] for r in results]),
                    "works": len(results),
                }
    return answer


def _geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def markdown(run: dict[str, Any]) -> str:
    """Tables of the means, of every work, and of who took part."""
    names = [peer["name"] for peer in run["peers"]]
    start, end = (" ".join(f"{x:.2f}" for x in run["load_average"][key]) for key in ("start", "end"))
    lines = [
        f"{run['device']}, {run['driver']}; {run['processor']}, {run['cores']} cores; {run['precision']}; {run['date']}, "
        f"{run['suite']} suite, {run['rounds']} rounds; load average {start} at the start, {end} at the end.",
        "",
        "How many times as fast as the peer ours is (geometric mean; above 1, ours is faster):",
        "",
        _row(["work", *names]),
        _row(["---", *["---:"] * len(names)]),
    ]
    for kind, title in (("gemm", "matrix products"), ("conv", "convolutions, forward")):
        total = sum(w["kind"] == kind for w in run["works"])
        for key, of_what in (("geometric_mean", "median times"), ("geometric_mean_at_best", "shortest times")):
            cells = []
            for name in names:
                entry = run["summary"].get(kind, {}).get(name)
                of = f" ({entry['works']} of {total})" if entry and entry["works"] < total else ""
                cells.append(f"**{_number(entry[key])}**{of}" if entry else "–")
            lines.append(_row([f"{title}, {total}, {of_what}", *cells]))
    lines += ["", "Each work in GFLOP/s, and in brackets how many times as fast ours is:", ""]
    lines += [_row(["work", "ours", *names]), _row(["---", "---:", *["---:"] * len(names)])]
    failures = []
    for work in run["works"]:
        cells = []
        for name in (OURS, *names):
            result = work["results"].get(name, {})
            if "failed" in result:
                failures.append(f"- {name}, {work['name']}: {result['failed']}")
            cells.append(_cell(result))
        lines.append(_row([work["name"], *cells]))
    lines += ["", f"Versions: {run['ours']}; " + "; ".join(f"{p['name']} {p['version']}" for p in run["peers"]) + "."]
    skipped = [f"- {name}: {reason}" for name, reason in run["not_run"].items()]
    if skipped or failures:
        lines += ["", "Not run:", "", *skipped, *failures]
    return "\n".join(lines)


def write(document: Path, run: dict[str, Any]) -> None:
    """Puts the tables between the marks of `document`; everything else of it stays."""
    text = document.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise SystemExit(f"error: {document.name} must hold one line `{BEGIN}` and one line `{END}`")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    document.write_text(f"{before}{BEGIN}\n\n{markdown(run)}\n\n{END}{after}")


def _cell(result: dict[str, Any]) -> str:
    if "gflops" not in result:
        return "–"
    ratio = result.get("ours_is_faster_by")
    return _number(result["gflops"]) + (f" ({_number(ratio)})" if ratio else "")


def _number(value: float) -> str:
    """Three digits at most: 0.25, 4.6, 123."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Writes the table of a stored run into a document.")
    parser.add_argument("run", type=Path, help="the JSON of a run")
    parser.add_argument("document", type=Path, help="the Markdown file with the marks")
    arguments = parser.parse_args()
    write(arguments.document, json.loads(arguments.run.read_text()))
