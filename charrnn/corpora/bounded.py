"""Files that take so many bytes and no more: what comes from outside fills no disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from charrnn.corpora.texts import CorpusError

MOST = 1 << 40  # bytes, where nothing else is said


class Bounded:
    """A file to write to; CorpusError at the first byte that is more than `most`."""

    def __init__(self, file: IO[bytes], most: int, what: str) -> None:
        self._file, self._most, self._what, self.written = file, most, what, 0

    def write(self, piece: bytes) -> None:
        self.written += len(piece)
        if self.written > self._most:
            raise CorpusError(f"{self._what} has more than {self._most:,} bytes, the most it may")
        self._file.write(piece)


@contextmanager
def bounded(target: Path, most: int, what: str = "what it unpacks to") -> Iterator[Bounded]:
    """A new file at `target` of at most `most` bytes."""
    with target.open("wb") as file:
        yield Bounded(file, most, what)


class Counted:
    """A file to read from that gives at most `most` bytes; CorpusError for the first more."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self._most, self._left = file, most, most

    def read(self, size: int) -> bytes:
        piece = self._file.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise CorpusError(f"the archive has more than {self._most:,} bytes, the most it may")
        return piece
