"""A peer in a process of its own: when it crashes, hangs or eats the memory, only its own results are missing."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from peer import Peer, Prepared, Unavailable, seconds
from works import Work

# Seconds that a peer may take to start, to make a work ready (unless it names a `prepare_limit`), and to run a turn.
START, PREPARE, TURN = 120.0, 240.0, 60.0
# After so many ended or hanging processes a peer is not asked again.
PATIENCE = 4


@dataclass(frozen=True)
class Ready:
    """A work made ready, with its first result."""

    output: np.ndarray
    first: float
    # How long one run takes now, for the number of runs in a turn.
    again: float
    note: str | None


class Failed(Exception):
    """The peer could not do it; the message says why."""


class Remote:
    """What `module.maker(*arguments)` makes, elsewhere."""

    def __init__(self, module: str, maker: str, *arguments: Any) -> None:
        self._made_by = (module, maker, arguments)
        self._process: Any = None
        self._pipe: Any = None
        self._ended = 0
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, *self._made_by), daemon=True)
        self._process.start()
        theirs.close()
        try:
            self.name, self.version, self.device, self._prepare_limit = self._receive(START)
        except Failed as error:
            raise Unavailable(str(error)) from error

    def prepare(self, work: Work) -> Ready:
        """Makes a work ready and runs it, or raises Failed."""
        if self._process is None:
            if self._ended >= PATIENCE:
                raise Failed(f"not asked any more: its process ended or hung {PATIENCE} times")
            try:
                self._start()
            except Unavailable as error:
                raise Failed(f"could not start again: {error}") from error
        return self._ask(("prepare", work), self._prepare_limit or PREPARE)

    def turn(self, repeat: int) -> tuple[list[float], list[float]]:
        """Seconds of `repeat` runs after one that warms up, and of transfers."""
        return self._ask(("turn", repeat), TURN)

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            # A library that holds a device may crash when it is taken down in order. What the peer has started goes too.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.join()
            self._process = None

    def _ask(self, request: Any, limit: float) -> Any:
        try:
            self._pipe.send(request)
        except (BrokenPipeError, OSError):
            pass  # Receiving says how it ended.
        return self._receive(limit)

    def _receive(self, limit: float) -> Any:
        if not self._pipe.poll(limit):
            self._ended += 1
            self.close()
            raise Failed(f"took longer than {limit:.0f} s")
        try:
            kind, value = self._pipe.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            code, self._process = self._process.exitcode, None
            self._ended += 1
            how = f"by signal {-code}" if code < 0 else f"with code {code}"
            raise Failed(f"its process ended {how}") from None
        if kind == "failed":
            raise Failed(value)
        if kind == "ended":
            self._ended += 1
            self.close()
            raise Failed(value)
        return value


def _serve(pipe: Any, module: str, maker: str, arguments: tuple[Any, ...]) -> None:
    """The other process: makes the peer, then does what it is asked."""
    # A group of its own, for `close`.
    os.setpgid(0, 0)
    # What libraries print belongs to no report.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        peer: Peer = getattr(importlib.import_module(module), maker)(*arguments)
        pipe.send(("ready", (peer.name, peer.version, peer.device, getattr(peer, "prepare_limit", None))))
    except (Exception, SystemExit) as error:  # noqa: BLE001: whatever stops a peer is its result
        pipe.send(("failed", _words(error)))
        pipe.close()
        os._exit(0)
    prepared: Prepared | None = None
    while True:
        try:
            request, argument = pipe.recv()
        except EOFError:
            os._exit(0)
        try:
            if request == "prepare":
                prepared = None
                prepared = peer.prepare(argument, *argument.operands())
                first = seconds(prepared.run)
                output = prepared.run()
                pipe.send(("ready", Ready(output, first, prepared.seconds(), prepared.note)))
            elif prepared is not None:
                prepared.seconds()  # Whoever ran before has left its own data in the caches.
                times = [prepared.seconds() for _ in range(argument)]
                transfers = [prepared.transfer() for _ in range(min(argument, 5))] if prepared.transfer else []
                pipe.send(("ready", (times, transfers)))
                time.sleep(0.02)
        except SystemExit as error:
            pipe.send(("ended", _words(error)))
        except Exception as error:  # noqa: BLE001
            pipe.send(("failed", _words(error)))


def _words(error: BaseException) -> str:
    return str(error).strip().splitlines()[-1] if str(error).strip() else repr(error)
