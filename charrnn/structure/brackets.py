r"""Brackets that are closed by their own kind, inside the unit of text they were opened in.

`nest` judges an opening only when something around it is closed. A bracket in prose has nothing
around it but its line, its paragraph or its section, so `nest_within` takes the end of that unit
for what closes it: an opening that still waits there was left open. Units are what stands between
the borders of a text. The first unit may have been cut in front and the last one behind, so in the
first a closing bracket may lack its opening, in the last an opening its closing bracket, and
neither counts.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from charrnn.structure.nesting import Mark, Nesting, Pair, nest
from charrnn.structure.shares import Share

KINDS = ("()", "[]", "{}")
LINE = re.compile(r"\n")
PARAGRAPH = re.compile(r"\n[ \t]*\n")


def brackets(text: str, kinds: Iterable[str] = KINDS) -> list[Mark]:
    """Every bracket of these kinds, each of two characters, as a mark named by its kind.

    >>> [(m.start, m.name, m.opens) for m in brackets("f(x[0])", ["()"])]
    [(1, '()', True), (6, '()', False)]
    """
    names = {character: kind for kind in kinds for character in kind}
    if not names:
        return []
    found = re.finditer("[" + re.escape("".join(names)) + "]", text)
    return [
        Mark(m.start(), m.end(), names[m.group()], m.group() == names[m.group()][0]) for m in found
    ]


def borders(text: str, border: re.Pattern = LINE) -> list[int]:
    """Where units of a text end: the start of every match of `border`."""
    return [m.start() for m in border.finditer(text)]


def nest_within(marks: Iterable[Mark], ends: Sequence[int]) -> list[Nesting]:
    """The marks of a text nested unit by unit; units without a mark are left out.

    marks: in the order of the text; ends: `borders`, rising. In each Nesting, `left_open` also
    holds the openings that the unit's end left open, `pending` only those of the last unit, and
    `unopened` none of the first.

    >>> found = nest_within(brackets("a) (b\n(c) (d\n(e"), [5, 12])
    >>> [(len(n.pairs), len(n.left_open), len(n.unopened), len(n.pending)) for n in found]
    [(0, 1, 0, 0), (1, 1, 0, 0), (0, 0, 0, 1)]
    """
    units: dict[int, list[Mark]] = {}
    for mark in marks:
        units.setdefault(bisect_right(ends, mark.start), []).append(mark)
    return [_judged(nest(found), unit, ends) for unit, found in units.items()]


def _judged(found: Nesting, unit: int, ends: Sequence[int]) -> Nesting:
    unopened = found.unopened if unit else ()
    if unit == len(ends):
        return Nesting(found.pairs, found.left_open, unopened, found.pending)
    end = Mark(ends[unit], ends[unit], "", False)
    left = tuple(Pair(opening, end) for opening in found.pending)
    return Nesting(found.pairs, found.left_open + left, unopened, ())


def nest_brackets(
    text: str, kinds: Iterable[str] = KINDS, border: re.Pattern = LINE
) -> list[Nesting]:
    """The brackets of a text, unit by unit."""
    return nest_within(brackets(text, kinds), borders(text, border))


def closed(found: Iterable[Nesting]) -> Share:
    """Openings closed by their own name, of all that were closed or left open."""
    return sum((nesting.kept() for nesting in found), Share(0, 0))


def closing_right(found: Iterable[Nesting]) -> Share:
    """Closing marks that close the innermost opening by its name, of all closing marks.

    One that nothing waits for is wrong, but in the first unit of a text, where `nest_within` does
    not keep it. One that leaves inner openings open is not right.
    """
    shares = [(nesting.closed_right(), len(nesting.unopened)) for nesting in found]
    return sum((s + Share(0, unopened) for s, unopened in shares), Share(0, 0))


def paired(found: Iterable[Nesting]) -> Share:
    """Brackets that find their partner: pairs of one kind, of all pairs, openings left open, and
    closing marks that nothing waits for (but in the first unit of a text, as in `closing_right`).
    """
    found = list(found)
    return closed(found) + Share(0, sum(len(nesting.unopened) for nesting in found))
