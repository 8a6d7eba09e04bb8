"""CUDA graphs: what a device does in one call of a function, recorded once and launched as a whole.

A step of a recurrent network is hundreds of small kernels. Started one by one from Python they keep
the device waiting; recorded, they start back to back, in one launch. A recording repeats the very
kernels on the very addresses, so what it reads and writes must stay in place, and nothing in it may
ask for a value on the host.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch

WARM_UP = 3
"""Calls before the recording, in which libraries set themselves up and choose their kernels."""


def record(
    work: Callable[[], None], device: torch.device, generator: torch.Generator | None = None
) -> Callable[[], None]:
    """`work` as a recorded graph; calling what is returned launches it and waits for nothing.

    `work` is called `WARM_UP` times for real before it is recorded; the recording itself computes
    nothing. `generator` is the one that `work` draws from: each launch draws new numbers from it
    and leaves it where a call would. Raises RuntimeError where the device cannot record `work`.
    """
    graph = torch.cuda.CUDAGraph()
    if generator is not None and hasattr(graph, "register_generator_state"):
        graph.register_generator_state(generator)
    with torch.cuda.device(device):
        before, side = torch.cuda.current_stream(), torch.cuda.Stream()
        try:
            _warm_up(work, side)
            with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
                work()
        finally:
            torch.cuda.set_stream(before)  # torch leaves the side stream on where recording fails
    return graph.replay


def _warm_up(work: Callable[[], None], side: torch.cuda.Stream) -> None:
    """Call `work` on another stream, with this one waiting for it whether it fails or not."""
    here = torch.cuda.current_stream()
    side.wait_stream(here)
    try:
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                work()
    finally:
        here.wait_stream(side)


def warn(what: str, error: Exception) -> None:
    """Say in one line that `what` goes on without a graph, more slowly and to the same result."""
    why = next(iter(str(error).strip().splitlines()), type(error).__name__)
    warnings.warn(f"{what} without a CUDA graph, more slowly ({why})", stacklevel=3)
