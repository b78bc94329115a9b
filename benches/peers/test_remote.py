"""A peer that crashes, hangs or fails costs its own results only.

    python3 -m unittest discover benches/peers
"""

import os
import subprocess
import unittest

import numpy as np

import remote
from peer import Prepared, Unavailable, Unsupported
from works import Gemm, Work


class Odd:
    """Does what the number of rows of a product says."""

    name, version, device = "odd", "1", "cpu"

    def __init__(self, starts: bool = True) -> None:
        if not starts:
            raise Unavailable("not today")

    def prepare(self, work: Work, a: np.ndarray, b: np.ndarray) -> Prepared:
        """Crashes, hangs, fails, or computes."""
        assert isinstance(work, Gemm)
        if work.m == 1:
            os.abort()
        if work.m == 2:
            subprocess.run(["sleep", "12345"], check=True)
        if work.m == 3:
            raise Unsupported("no products of 3 rows")
        if work.m == 4:
            raise SystemExit("its program ended: panicked")
        return Prepared(lambda: a @ b)


class RemoteTest(unittest.TestCase):
    """Each in a process of its own."""

    def test_a_fault_is_a_result_and_the_next_work_runs(self) -> None:
        peer = remote.Remote("test_remote", "Odd")
        self.addCleanup(peer.close)
        self.assertEqual((peer.name, peer.version, peer.device), ("odd", "1", "cpu"))
        remote.PREPARE = 10.0
        faults = {1: "signal 6", 2: "longer than 10 s", 3: "no products of 3 rows", 4: "panicked"}
        for rows, reason in faults.items():
            with self.assertRaisesRegex(remote.Failed, reason):
                peer.prepare(Gemm(rows, 5, 6))
            work = Gemm(7, 5, 6)
            a, b = work.operands()
            np.testing.assert_allclose(peer.prepare(work).output, a @ b)
            times, transfers = peer.turn(3)
            self.assertEqual((len(times), transfers), (3, []))

    def test_what_a_peer_has_started_ends_with_it(self) -> None:
        peer = remote.Remote("test_remote", "Odd")
        remote.PREPARE = 2.0
        with self.assertRaises(remote.Failed):
            peer.prepare(Gemm(2, 5, 6))
        found = subprocess.run(["pgrep", "-f", "^sleep 12345$"], capture_output=True, text=True, check=False)
        self.assertEqual(found.stdout, "")

    def test_a_peer_that_always_crashes_is_given_up(self) -> None:
        peer = remote.Remote("test_remote", "Odd")
        self.addCleanup(peer.close)
        for _ in range(remote.PATIENCE):
            with self.assertRaisesRegex(remote.Failed, "signal 6"):
                peer.prepare(Gemm(1, 5, 6))
        with self.assertRaisesRegex(remote.Failed, "not asked any more"):
            peer.prepare(Gemm(7, 5, 6))

    def test_a_peer_that_does_not_start_says_why(self) -> None:
        with self.assertRaisesRegex(Unavailable, "not today"):
            remote.Remote("test_remote", "Odd", False)


if __name__ == "__main__":
    unittest.main()
