"""Ids that lie in a file, as a read-only memory map: read in bounded memory, however long.

The system counts every page of a map that was looked at as this process's memory, until someone
else needs it. So a training would seem to grow to the size of its text.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterable
from contextlib import suppress

import numpy as np

CHUNK = 1 << 20  # ids hashed at a time
LARGE = 1 << 24  # bytes of a map from which on rows are read from its file


def rows(ids: np.ndarray, starts: np.ndarray, count: int) -> np.ndarray:
    """ids[start : start + count] for each start, as rows.

    Rows of a large memory map are read from its file: the system brings in up to two megabytes
    around a place of a map that is looked at, so the lanes' places would bring in the whole text.
    """
    large = isinstance(ids, np.memmap) and ids.nbytes > LARGE
    if large and ids.mode == "r" and ids.filename is not None and ids.flags.c_contiguous:
        with suppress(FileNotFoundError):  # removed since; the map still has it
            return _rows_of_file(ids, starts, count)
    return ids[starts[:, None] + np.arange(count)]


def _rows_of_file(ids: np.memmap, starts: np.ndarray, count: int) -> np.ndarray:
    """`rows` of a memory map, or of a part of one, through its file."""
    whole = ids
    while isinstance(whole.base, np.ndarray):  # a part does not know its place in the file
        whole = whole.base
    first = whole.offset + ids.ctypes.data - whole.ctypes.data
    with open(ids.filename, "rb", buffering=0) as file:
        read = []
        for start in starts.tolist():
            file.seek(first + start * ids.itemsize)
            read.append(file.read(count * ids.itemsize))
    return np.frombuffer(b"".join(read), ids.dtype).reshape(len(read), count)


def digest(arrays: Iterable[np.ndarray]) -> str:
    """One sha256 of arrays, each read a few megabytes at a time."""
    found = hashlib.sha256()
    for array in arrays:
        flat = array.reshape(-1)
        found.update(f"{flat.dtype} {len(flat)} ".encode())
        for start in range(0, len(flat), CHUNK):
            found.update(np.ascontiguousarray(flat[start : start + CHUNK]))
            let_go(flat)
    return found.hexdigest()


def let_go(ids: np.ndarray) -> None:
    """Let the pages of a memory map go that reading it brought in; they stay in the system's cache.

    Nothing is done to an array in memory, to a map that can be written, and where the system has
    no such call.
    """
    if not isinstance(ids, np.memmap) or ids.mode != "r" or not hasattr(mmap, "MADV_DONTNEED"):
        return
    mapped = ids
    while not isinstance(mapped, mmap.mmap | None):
        mapped = getattr(mapped, "base", None)
    if mapped is not None:
        mapped.madvise(mmap.MADV_DONTNEED)
