"""Where in its line a character stands, how the line is indented, and who speaks in a play."""

import re

import numpy as np

from charrnn.rules.spans import codes, inside
from charrnn.structure.plays import heading

_NEWLINE, _TAB, _SPACE = map(ord, "\n\t ")
_HEADING = re.compile(r"(?:\A|\n[ \t]*\n)(\S[^\n]*+)")


def position_in_line(text: str) -> np.ndarray:
    """Characters since the last line end, at which it is 0; a text begins behind one."""
    places = np.arange(len(text))
    return (places - _last(codes(text) == _NEWLINE)).astype(np.float32)


def line_ends_next(text: str) -> np.ndarray:
    """Whether the next character is a line end."""
    return np.append(codes(text)[1:] == _NEWLINE, [False])[: len(text)]


def indentation(text: str) -> np.ndarray:
    """Tabs that the line begins with, as far as they are read; 8 spaces count as a tab.

    At a line end it is 0: there the next line begins.
    """
    found = codes(text)
    tab, space, newline = found == _TAB, found == _SPACE, _last(found == _NEWLINE)
    leading = _last(~(tab | space)) == newline
    tabs, spaces = (_in_line(mark & leading, newline) for mark in (tab, space))
    return (tabs + spaces // 8).astype(np.float32)


def _last(marked: np.ndarray) -> np.ndarray:
    """The place of the last marked character up to each one, -1 where there is none."""
    return np.maximum.accumulate(np.where(marked, np.arange(len(marked)), -1))


def _in_line(marked: np.ndarray, newline: np.ndarray) -> np.ndarray:
    """Marked characters since the last line end, whose place is given for each."""
    counts = np.append(0, np.cumsum(marked))
    return counts[1:] - counts[newline + 1]


def speaker_name(text: str) -> np.ndarray:
    """In the name of a heading, as `plays` defines it, behind an empty line; its colon ends it."""
    found = (m for m in _HEADING.finditer(text) if heading(m[1]) is not None)
    return inside(len(text), [(m.start(1), m.end(1) - 1) for m in found])
