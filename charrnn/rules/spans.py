"""Spans of a text as labels, one per character; a span is (start, end), its end not included."""

from collections.abc import Iterable

import numpy as np

Span = tuple[int, int]


def codes(text: str) -> np.ndarray:
    """The code points of a text: (len(text),) uint32; lone surrogates are taken as they are."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def depth(length: int, spans: Iterable[Span]) -> np.ndarray:
    """How many spans hold each character: (length,) float32."""
    found = np.array(list(spans), np.int64).reshape(-1, 2)
    opened, closed = (np.bincount(side, minlength=length + 1) for side in found.T)
    return np.cumsum(opened - closed)[:length].astype(np.float32)


def inside(length: int, spans: Iterable[Span]) -> np.ndarray:
    """Whether any span holds each character: (length,) bool."""
    return depth(length, spans) > 0


def since(length: int, spans: Iterable[Span]) -> np.ndarray:
    """Characters since the start of the innermost span, 0 at it, NaN outside: (length,) float32.

    Spans hold one another or do not meet.
    """
    found = np.full(length, np.nan, np.float32)
    for start, end in sorted(spans):
        found[start:end] = np.arange(end - start)
    return found
