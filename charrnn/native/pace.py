"""On how many threads to draw, found out while drawing."""

from __future__ import annotations

import os
from collections import deque

import torch

THREADS = 8
"""Threads of one call, at most: with more, little is left for each between two barriers."""
REMEMBERED, TRIAL = 4, 32
"""Blocks whose times are remembered, and between two trials of another number of threads."""


def processors() -> int:
    """Threads to use, at most: torch's number, but no more than this process has processors."""
    affinity = getattr(os, "sched_getaffinity", None)
    present = os.cpu_count() if affinity is None else len(affinity(0))
    return max(1, min(torch.get_num_threads(), present or 1, THREADS))


class Pace:
    """On how many threads to draw the next block of symbols.

    Two threads halve the time of a large network where two processors are idle, and multiply that
    of a small one, or where a processor is busy with something else. So all are tried, the
    quickest number is taken, and another is tried again now and then. The symbols do not depend
    on it.
    """

    def __init__(self, most: int) -> None:
        """most: threads that may be used; tried are powers of two, and that."""
        powers = (1 << k for k in range(most.bit_length()))
        self._times = {n: deque(maxlen=REMEMBERED) for n in sorted({*powers, most})}
        self._blocks = 0

    def threads(self) -> int:
        """For the next block."""
        counts = list(self._times)
        if self._blocks < REMEMBERED * len(counts):
            return counts[self._blocks % len(counts)]
        best, *others = sorted(counts, key=lambda n: min(self._times[n]))
        trial, turn = self._blocks % TRIAL == 0, self._blocks // TRIAL
        return others[turn % len(others)] if trial and others else best

    def took(self, threads: int, seconds: float) -> None:
        """So long a symbol, in the block that `threads` was asked for."""
        self._blocks += 1
        self._times[threads].append(seconds)
