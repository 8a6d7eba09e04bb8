r"""Diagrams in LaTeX: what is tried with \xymatrix, and whether its arrows point anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from charrnn.structure.shares import Share
from charrnn.structure.tex import IN_TEXT, Passage, Token, passages, tokens

ARROW = re.compile(r"\\ar(?![A-Za-z])\s?(?:@[^][&\\']{0,40})?\[(?P<hop>[udlr]+)\]")
r"""An arrow with a plain target, such as \ar[dr] or \ar@{=}[r]."""


@dataclass(frozen=True)
class Diagram:
    r"""An \xymatrix: where it begins, where it ends, and what is in it."""

    start: int
    end: int | None
    """None where its braces don't match before the formula or the passage ends."""
    arrows: Share
    r"""arrows that point at a cell which is there, of those with a plain target, \ar[dr]"""
    lost: tuple[tuple[int, int], ...]
    """where the others stand: start and end, with their targets"""

    @property
    def drawn(self) -> bool:
        """Whether its braces match and every arrow has a cell to point at."""
        return self.end is not None and self.arrows.hits == self.arrows.total


def diagrams(text: str, cut_ends: bool = True) -> list[Diagram]:
    r"""The diagrams of a text. `cut_ends`: not those of its first and last passage.

    Cells are divided by & and \\ outside of braces, as in Xy-pic: a row is as long as it is
    written, and a last row without anything in it is none.
    """
    return diagrams_in(text, passages(tokens(text), cut_ends))


def diagrams_in(text: str, found_in: Iterable[Passage]) -> list[Diagram]:
    found = []
    for passage in found_in:
        kept = [t for t in passage.tokens if t.kind != "comment"]
        for i, token in enumerate(kept):
            if token.name == r"\xymatrix":
                found.append(_diagram(text, kept, i))
    return found


def _diagram(text: str, kept: Sequence[Token], i: int) -> Diagram:
    start = kept[i].start
    none = Diagram(start, None, Share(0, 0), ())
    opening = next((k for k in range(i + 1, min(i + 6, len(kept))) if kept[k].name == "{"), None)
    if opening is None:
        return none
    groups: list[bool] = []  # a brace that waits: is text inside of it?
    rows, begun = [[]], kept[opening].end
    for k in range(opening, len(kept)):
        token = kept[k]
        if token.name == "{":
            groups.append((bool(groups) and groups[-1]) or kept[k - 1].name in IN_TEXT)
        elif token.name == "$" and not groups[-1]:
            return none
        elif len(groups) == 1 and token.name in ("&", r"\\"):
            rows[-1].append((begun, token.start))
            begun = token.end
            if token.name == r"\\":
                rows.append([])
        elif token.name == "}":
            groups.pop()
            if not groups:
                rows[-1].append((begun, token.start))
                return Diagram(start, token.end, *_landed(text, rows))
    return none


def _landed(
    text: str, rows: list[list[tuple[int, int]]]
) -> tuple[Share, tuple[tuple[int, int], ...]]:
    """How many arrows of a diagram's cells have a target, and the places of those that don't."""
    if len(rows) > 1 and len(rows[-1]) == 1 and not text[slice(*rows[-1][0])].strip():
        rows = rows[:-1]
    hits, lost = 0, []
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            for match in ARROW.finditer(text, *cell):
                hop = match["hop"]
                down, right = (hop.count(a) - hop.count(b) for a, b in ("du", "rl"))
                if 0 <= r + down < len(rows) and 0 <= c + right < len(rows[r + down]):
                    hits += 1
                else:
                    lost.append(match.span())
    return Share(hits, hits + len(lost)), tuple(lost)
