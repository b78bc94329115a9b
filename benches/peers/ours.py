"""Ours: `tilewright kernels bench`, one process for each work and round."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    """The program; operands stay on the device, and a convolution's weight is packed once, as the peers' are."""

    name = "Tilewright"

    def __init__(self, program: Path) -> None:
        self._program = program
        result = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        self.version = result.stdout.strip()

    def adapter(self) -> dict[str, str]:
        """Name and kind of the device that the program chooses."""
        return self._answer("devices", "--chosen", "--json")

    def time(self, work: Work, repeat: int) -> Timing:
        """Runs `work` for 50 ms to warm up, and then `repeat` times."""
        answer = self._answer("kernels", "bench", *_arguments(work), "--chosen", "--json", "--repeat", str(repeat))
        row = next(row for row in answer["rows"] if row["chosen"])
        return Timing(
            row["algorithm"], row["median_ms"], row["min_ms"], row["error"], answer["device"], answer["driver"]
        )

    def _answer(self, *arguments: str) -> Any:
        result = subprocess.run([self._program, *arguments], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"{' '.join(arguments)}: {result.stderr.strip()}")
        return json.loads(result.stdout)


def _arguments(work: Work) -> list[str]:
    if isinstance(work, Conv):
        shape, weight = ("x".join(map(str, extents)) for extents in (work.x_shape, work.w_shape))
        numbers = {"stride": work.stride, "padding": work.padding, "groups": work.groups}
        settings = [text for name, value in numbers.items() for text in (f"--{name}", str(value))]
        return ["conv2d", "--shape", shape, "--weight", weight, *settings]
    return ["matmul", "--shape", f"{work.m}x{work.n}x{work.k}"]
