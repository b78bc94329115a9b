"""What the harness knows of a peer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from works import Work


class Unavailable(Exception):
    """The peer cannot run here; the message says why."""


class Unsupported(Exception):
    """The peer cannot run this work; the message says why."""


@dataclass(frozen=True)
class Prepared:
    """A work made ready: model built, weights packed, pipelines compiled by the first run."""

    # Runs once and gives the result in the host's memory, N×C×H×W or M×N.
    run: Callable[[], np.ndarray]
    # Moves the same inputs to the device and a result back, and computes next to nothing; None on the CPU. It gives
    # seconds, so that the peer itself may weigh input and output.
    transfer: Callable[[], float] | None = None
    # What was chosen for this work, for the JSON.
    note: str | None = None
    # Runs once and says how long that took with operands and result on the device; None where only `run` can be timed.
    timed: Callable[[], float] | None = None

    def seconds(self) -> float:
        """How long one run takes."""
        return self.timed() if self.timed else seconds(self.run)


class Peer(Protocol):
    """One library on one kind of device."""

    name: str
    # Version and what else decides its speed.
    version: str
    device: str

    def prepare(self, work: Work, a: np.ndarray, b: np.ndarray) -> Prepared:
        """Makes a work ready, or raises Unsupported."""


def seconds(work: Callable[[], Any]) -> float:
    """How long one call takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
