"""Ours: `tilewright kernels bench`, one process for each work and round."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from works import Conv, Work


@dataclass(frozen=True)
class Timing:
    """What one process reports of the algorithm that the table picks."""

    algorithm: str
    median_ms: float
    min_ms: float
    # Against the program's own scalar reference; it fails by itself above 1e-4.
    error: float
    device: str
    driver: str


class Ours:
    """The program; operands stay on the device and a convolution packs its weight anew in every run."""

    name = "Tilewright"

    def __init__(self, program: Path) -> None:
        self._program = program
        result = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        self.version = result.stdout.strip()

    def time(self, work: Work, repeat: int) -> Timing:
        """Runs `work` two times to warm up and `repeat` times."""
        command = [str(self._program), "kernels", "bench", *_arguments(work)]
        command += ["--chosen", "--json", "--repeat", str(repeat)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"{' '.join(command[1:])}: {result.stderr.strip()}")
        answer = json.loads(result.stdout)
        row = next(row for row in answer["rows"] if row["chosen"])
        return Timing(
            row["algorithm"], row["median_ms"], row["min_ms"], row["error"], answer["device"], answer["driver"]
        )


def _arguments(work: Work) -> list[str]:
    if isinstance(work, Conv):
        shape, weight = ("x".join(map(str, extents)) for extents in (work.x_shape, work.w_shape))
        numbers = {"stride": work.stride, "padding": work.padding, "groups": work.groups}
        settings = [text for name, value in numbers.items() for text in (f"--{name}", str(value))]
        return ["conv2d", "--shape", shape, "--weight", weight, *settings]
    return ["matmul", "--shape", f"{work.m}x{work.n}x{work.k}"]
