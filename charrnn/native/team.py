"""A compiled loop over lanes or rows, its parts side by side in the threads that torch has.

torch's OpenMP library keeps its threads awake for a moment after each loop of torch's own. A thread
of ours that starts then is often put on the very processor where the calling one goes on, and the
two take turns: on small networks nothing was won by a second processor. In torch's own threads
(`team.c`) the parts begin at once. Without that library, threads of Python's are used.
"""

from __future__ import annotations

import ctypes
import os
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path

import torch

from charrnn import native

ASKED = ("GOMP_parallel", "omp_get_thread_num", "omp_get_num_threads")
"""What is asked of OpenMP; GNU's, Intel's and LLVM's libraries all have these."""


def in_threads(part, data: ctypes.Structure, count: int, grain: int = 1) -> None:
    """part(data, first, last), a compiled function, over 0 to count in as many parts as torch has
    threads, side by side. Parts begin at multiples of `grain`.

    MemoryError where a part returns anything but 0.
    """
    pieces = -(-count // grain)
    parts = max(1, min(torch.get_num_threads(), pieces))
    bounds = [min(count, pieces * i // parts * grain) for i in range(parts + 1)]
    if parts == 1:
        failed = part(ctypes.byref(data), *map(ctypes.c_int64, bounds))
    elif (openmp := _openmp()) is not None:
        places = (ctypes.c_int64 * len(bounds))(*bounds)
        function = ctypes.cast(part, ctypes.c_void_p)
        team = native.load("team").together
        failed = team(*openmp, function, ctypes.byref(data), places, ctypes.c_int64(parts))
    else:
        failed = _in_pythons_threads(part, data, bounds)
    if failed:
        raise MemoryError("there is no memory for the layer's sums; use a smaller batch")


@cache
def _openmp() -> tuple[ctypes.c_void_p, ...] | None:
    """Pointers to `ASKED` in the OpenMP library that torch has loaded; None where there is none."""
    maps = Path("/proc/self/maps")
    if native.load("team") is None or not maps.exists():
        return None
    loaded = re.findall(
        r"/\S*/lib(?:gomp|iomp5|omp)\b[^/\s]*\.so\S*$", maps.read_text(), re.MULTILINE
    )
    own = [path for path in loaded if Path(torch.__file__).parent.parent in Path(path).parents]
    if not own:
        return None
    library = ctypes.CDLL(own[0])
    if not all(hasattr(library, name) for name in ASKED):
        return None
    return tuple(ctypes.cast(getattr(library, name), ctypes.c_void_p) for name in ASKED)


def _in_pythons_threads(part, data: ctypes.Structure, bounds: list[int]) -> bool:
    pieces = [tuple(map(ctypes.c_int64, ends)) for ends in pairwise(bounds)]
    others = [_pool(len(pieces) - 1).submit(part, ctypes.byref(data), *p) for p in pieces[1:]]
    failed = [part(ctypes.byref(data), *pieces[0]), *(other.result() for other in others)]
    return any(failed)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """The threads beside the caller's own, which takes a part itself; kept from call to call."""
    return ThreadPoolExecutor(threads)


if hasattr(os, "register_at_fork"):  # a process that is forked off has none of these threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
