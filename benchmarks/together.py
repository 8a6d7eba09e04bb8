"""Several trainings in one process of a GPU, a thread and a stream each.

A network of some hundred units leaves most of a GPU idle, since each of its moments waits for the
one before. Processes of their own take turns there; streams of one process run side by side. What
a training does is what `charrnn.train.run` does, recorded as a graph (`charrnn.cuda.captured`).
No two may be recorded at once, nor one while another allocates: so all are set up one after the
other, and none begins before the last is ready.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from threading import Condition, local

import torch

train = import_module("charrnn.train")  # `charrnn.train` by itself is the function


class Gate:
    """Lets threads set up one at a time, and on only when all have."""

    def __init__(self, threads: int) -> None:
        self.changed, self.busy, self.waiting = Condition(), False, threads
        self.mine = local()
        """Whether this thread is setting up."""

    def enter(self) -> None:
        """Wait for one's turn to set up."""
        with self.changed:
            self.changed.wait_for(lambda: not self.busy)
            self.busy = True
        self.mine.inside = True

    def leave(self) -> bool:
        """Say that one is set up, or never will be; False where that was said before."""
        inside, self.mine.inside = self.mine.inside, False
        if inside:
            with self.changed:
                self.busy, self.waiting = False, self.waiting - 1
                self.changed.notify_all()
        return inside

    def wait(self) -> None:
        """Until all have left."""
        with self.changed:
            self.changed.wait_for(lambda: self.waiting <= 0)


def side_by_side(works: list[Callable[[], None]], device: str) -> None:
    """Call each work, which trains once or more with `charrnn.train.run`, in a thread of its own.

    The first error of any is raised when all have ended. On other devices than CUDA: one by one.
    """
    if device != "cuda":
        for work in works:
            work()
        return
    gate = Gate(len(works))
    with _gated(gate), ThreadPoolExecutor(len(works)) as pool:
        running = [pool.submit(_one, work, gate) for work in works]
    for each in running:
        each.result()


def _one(work: Callable[[], None], gate: Gate) -> None:
    gate.enter()
    try:
        with torch.cuda.stream(torch.cuda.Stream()):
            work()
    finally:
        gate.leave()  # where it never came to its first step


@contextmanager
def _gated(gate: Gate) -> Iterator[None]:
    """Have each thread's first recording leave the gate, and wait for those of the others."""
    record = train.step_for

    def step_for(training, data):
        step = record(training, data)
        if gate.leave():
            gate.wait()
        return step

    train.step_for = step_for
    try:
        yield
    finally:
        train.step_for = record
