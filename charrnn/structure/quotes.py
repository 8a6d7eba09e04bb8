r"""Double quotes: straight ones, typographic ones, and the `&quot;` of escaped XML.

A straight quote does not say whether it opens or closes. It alternates: in each unit of a text (a
line, or a paragraph) the first one opens, the second closes, and so on. Where a unit has been cut
in front, nobody knows which is the first, so the straight quotes of a text's first unit are left
out. Typographic quotes say themselves what they do.
"""

import re
from dataclasses import dataclass

from charrnn.structure.brackets import LINE, borders, nest_within
from charrnn.structure.nesting import Mark, Nesting
from charrnn.structure.shares import Share

_QUOTE = re.compile('"|&quot;|[\u201c\u201d]')


@dataclass(frozen=True)
class _Turn:
    """A straight quote and whether it is its turn to open."""

    start: int
    end: int
    opens: bool


def quotes(text: str, border: re.Pattern = LINE) -> list[Mark]:
    """The double quotes of a text as marks; straight ones alternate in each unit.

    >>> [(m.start, m.opens) for m in quotes('cut\\nhe said "no" and "yes')]
    [(12, True), (15, False), (21, True)]
    """
    turns = {turn.start: turn for turn in _turns(text, border)}
    marks = []
    for match in _QUOTE.finditer(text):
        start, end = match.span()
        if (turn := turns.get(start)) is not None:
            marks.append(Mark(start, end, "straight", turn.opens))
        elif match.group() in "\u201c\u201d":
            marks.append(Mark(start, end, "typographic", match.group() == "\u201c"))
    return marks


def nest_quotes(text: str, border: re.Pattern = LINE) -> list[Nesting]:
    """Which quotes are closed inside their unit, as `nest_within` judges it."""
    return nest_within(quotes(text, border), borders(text, border))


def placed(text: str, border: re.Pattern = LINE) -> Share:
    """Straight quotes that stand as their turn asks, of all whose turn is known.

    An opening one has no letter or digit before it and something other than a blank after it; a
    closing one has something other than a blank before it and no letter or digit after it. A writer
    that has lost count puts them on the wrong side of the word. The ends of the text decide
    nothing: a quote at either is left out.
    """
    inner = [t for t in _turns(text, border) if t.start > 0 and t.end < len(text)]
    right = sum(_stands(text[t.start - 1], text[t.end], t.opens) for t in inner)
    return Share(right, len(inner))


def _stands(before: str, after: str, opens: bool) -> bool:
    outside, inside = (before, after) if opens else (after, before)
    return not outside.isalnum() and not inside.isspace()


def _turns(text: str, border: re.Pattern) -> list[_Turn]:
    """The straight quotes of all units but the first."""
    ends = borders(text, border)
    found, unit, count = [], 0, 0
    for match in _QUOTE.finditer(text):
        while unit < len(ends) and ends[unit] <= match.start():
            unit, count = unit + 1, 0
        if unit and match.group() in ('"', "&quot;"):
            found.append(_Turn(*match.span(), opens=count % 2 == 0))
            count += 1
    return found
