#!/usr/bin/env python3
"""Measures what README.md and docs/ show, as one run: benches/results/<date>-<device>[-<part>].json.

    scripts/measure.py                     # every part; the peers' first run installs and tunes them, which takes long
    scripts/measure.py memory first-use    # these parts of today's run
    scripts/measure.py --quick --folder /tmp/x memory    # a trial: few repetitions, and nothing in benches/results

Run it on a machine that does nothing else. `scripts/figures.py --run NAME` then shows the run. TILEWRIGHT_PROGRAM names a
program that is built already.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Of a processor's many features those that decide how wide a software driver computes and what it can fuse.
FEATURES = ("avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "amx_tile", "asimd", "sve")
Json = dict[str, Any]


class Measuring:
    """A run under way."""

    def __init__(self, program: Path, folder: Path, quick: bool) -> None:
        self.program, self.folder, self.quick = program, folder, quick
        self.adapter: Json = self.ask("devices", "--chosen", "--json")
        self.date = datetime.date.today().isoformat()
        words = "".join(c if c.isalnum() else " " for c in self.adapter["name"].split("(")[0].lower())
        self.name = f"{self.date}-{'-'.join(words.split()) or 'unknown'}"

    def path(self, part: str) -> Path:
        """Where a part lies; `peers` is the file without a part."""
        return self.folder / (f"{self.name}.json" if part == "peers" else f"{self.name}-{part}.json")

    def write(self, part: str, value: Json) -> None:
        """Stores a part with the date and the device."""
        head = {"date": self.date, "device": self.adapter["name"], "driver": self.adapter["driver_info"]}
        self.path(part).write_text(json.dumps(head | value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def ask(self, *arguments: str) -> Any:
        """The JSON that the program prints."""
        return json.loads(run([str(self.program), *arguments]))

    # --- The parts -----------------------------------------------------------------------------------------------------

    def machine(self) -> None:
        """The processor, its features and caches, and what the device can do at most."""
        info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
        fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
        fields = {key.strip(): value.strip() for key, value in fields.items()}
        flags = set(fields.get("flags", fields.get("Features", "")).split())
        caches = sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"))
        sizes = [path.read_text().strip() for path in caches]
        largest = max((int(s[:-1]) >> (10 if s.endswith("K") else 0) for s in sizes), default=0)
        value = {"processor": fields.get("model name", "unknown"), "cores": len(os.sched_getaffinity(0))}
        value |= {"cpu_features": [name for name in FEATURES if name in flags], "last_level_cache_mib": largest}
        if not self.quick:
            # Shares of the roof are of what is probed now.
            value["probe"] = self.ask("devices", "--probe", "--fresh", "--json")["probe"]
        self.write("machine", value | {"commit": run(["git", "-C", str(ROOT), "rev-parse", "HEAD"]).strip()})

    def peers(self) -> None:
        """Matrix products and convolutions beside other libraries."""
        size = ["--quick", "--rounds", "1"] if self.quick else ["--full"]
        environment = os.environ | {"TILEWRIGHT_PROGRAM": str(self.program)}
        run([str(ROOT / "benches/peers/run.sh"), *size, "--output", str(self.path("peers"))], environment)

    def networks(self) -> None:
        """Whole networks beside other libraries, which `peers` installs."""
        python, script = ROOT / "target/peers-python/bin/python", ROOT / "benches/peers/networks.py"
        rounds = "1" if self.quick else "5"
        arguments = ["--program", str(self.program), "--rounds", rounds, "--output", str(self.path("networks"))]
        run([str(python), str(script), *arguments])

    def training(self) -> None:
        """Steps of training beside PyTorch."""
        environment = os.environ | {"OMP_NUM_THREADS": str(len(os.sched_getaffinity(0)))}
        for name, part, steps in (("small_cnn", "training", 300), ("resnet18", "training-resnet18", 20)):
            size = ["--rounds", "1", "--steps", "2"] if self.quick else ["--steps", str(steps)]
            arguments = ["--program", str(self.program), "--network", name, *size]
            answer = run(["/usr/bin/python3", str(ROOT / "benches/peers/training.py"), *arguments], environment)
            self.write(part, json.loads(answer))

    def suite(self) -> None:
        """The table's choice against the best candidate."""
        for name in ("forward", "backward-input", "backward-weight"):
            size = ["--network", "resnet18", "--repeat", "1"] if self.quick else []
            self.write(f"suite-{name}", self.ask("kernels", "bench", "suite", "--pass", name, "--json", *size))

    def memory(self) -> None:
        """Memory-bound kernels: the shortest time of each row over several processes, and of the copy."""
        sizes, processes = ("1,2", 2) if self.quick else ("16,120", 5)
        arguments = ["kernels", "bench", "memory", "--size", sizes, "--repeat", "3", "--json"]
        best: dict[tuple[int, str], Json] = {}
        for _ in range(processes):
            for row in self.ask(*arguments)["rows"]:
                key = (row["mib"], row["name"])
                best[key] = min(best.get(key, row), row, key=lambda r: r["min_ms"])
        for (mib, _), row in best.items():
            row["share_of_copy"] = row["gb_per_s"] / best[mib, "copy_buffer"]["gb_per_s"]
        self.write("memory", {"repeat": 3, "processes": processes, "rows": list(best.values())})

    def first_use(self) -> None:
        """What the first run of ResNet-18 takes longer than the next."""
        network, shape, rounds = ("small_cnn", [2, 1, 12, 12], 1) if self.quick else ("resnet18", [1, 3, 224, 224], 3)
        command = ["kernels", "compile-time", "--network", network, "--input", "x".join(map(str, shape)), "--json"]
        works = []
        for more in (["--training"], []):
            answers = [self.ask(*command, *more) for _ in range(rounds)]
            work = {"what": answers[0]["what"], "pipelines": answers[0]["cold"]["pipelines"]}
            for caches in ("cold", "empty", "warm"):
                work[f"{caches}_s"] = [answer[caches]["first_use_s"] for answer in answers]
            works.append(work)
        self.write("first-use", {"network": network, "input": shape, "works": works})

    def demo(self) -> None:
        """What `make demo` trains."""
        size = ["--epochs", "1", "--limit", "640"] if self.quick else []
        with tempfile.TemporaryDirectory() as folder:
            run([str(self.program), "train", "--demo", "--output", folder, *size])
            last = json.loads(Path(folder, "metrics.jsonl").read_text().splitlines()[-1])
        keys = ("model", "epochs", "train_seconds", "images_per_second", "test_accuracy", "test_images")
        self.write("demo", {key: last[key] for key in keys})


PARTS: dict[str, Callable[[Measuring], None]] = {
    "machine": Measuring.machine,
    "peers": Measuring.peers,
    "networks": Measuring.networks,
    "training": Measuring.training,
    "suite": Measuring.suite,
    "memory": Measuring.memory,
    "first-use": Measuring.first_use,
    "demo": Measuring.demo,
}


def run(command: list[str], environment: dict[str, str] | None = None) -> str:
    """Standard output of a command that must succeed; what it says on standard error is shown."""
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=environment)
    if answer.returncode != 0:
        raise SystemExit(f"error: `{' '.join(command)}` ended with {answer.returncode}")
    return answer.stdout


def main() -> int:
    """Measures the parts that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="few repetitions: to see that it works, not for figures")
    parser.add_argument("--folder", type=Path, default=ROOT / "benches/results", help="where the files go")
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"no part is called {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    program = os.environ.get("TILEWRIGHT_PROGRAM")
    if program is None:
        run([os.environ.get("CARGO", "cargo"), "build", "--release", "--bin", "tilewright"])
        program = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "tilewright"
    arguments.folder.mkdir(parents=True, exist_ok=True)
    measuring = Measuring(Path(program).resolve(), arguments.folder.resolve(), arguments.quick)
    for part in arguments.parts or PARTS:
        print(f"measure: {part}", file=sys.stderr, flush=True)
        PARTS[part](measuring)
    print(f"measure: the run is {measuring.name}; `scripts/figures.py --run {measuring.name}` shows it", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
