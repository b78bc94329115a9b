"""What the scripts that train share: running `tilewright train`, keeping a run's numbers, showing them on a page."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def program(built: Path | None) -> Path:
    """The program that is given, else the one that is built now."""
    if built is not None:
        return built.resolve()
    subprocess.run(["cargo", "build", "--release", "--bin", "tilewright"], cwd=ROOT, check=True)
    return ROOT / "target" / "release" / "tilewright"


def train(tilewright: Path, output: Path, *arguments: str) -> list[dict[str, Any]]:
    """Runs `tilewright train`; the lines of its metrics: the epochs, and the whole run at the end."""
    command = [str(tilewright), "train", "--output", str(output), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]


def device(tilewright: Path) -> dict[str, Any]:
    """The device that the program takes."""
    chosen = subprocess.run([str(tilewright), "devices", "--chosen", "--json"], capture_output=True, check=True)
    return json.loads(chosen.stdout)


def keep(tilewright: Path, run: str, numbers: dict[str, Any]) -> str:
    """Writes the numbers to benches/results, beside the machine that they are of; the file's name."""
    found = device(tilewright)
    words = "".join(c if c.isalnum() else " " for c in found["name"].split("(")[0].lower()).split()
    name = f"{datetime.date.today().isoformat()}-{'-'.join(words)}-{run}.json"
    result = {"device": found["name"], "driver": found.get("driver"), "threads": os.cpu_count(), "cpu": cpu(), **numbers}
    (ROOT / "benches" / "results" / name).write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    return name


def cpu() -> str:
    """The widest vectors of this CPU, for its figures depend on them."""
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    return next((words for flag, words in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), "unknown")


def show(page: Path, mark: str, text: str) -> None:
    """Puts the text between `<!-- MARK -->` and the next comment of a page."""
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, rest = page.read_text().split(begin)
    _, after = rest.split(end)
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}")
