r"""Nesting: which openings are closed, by what, and how far away?

One rule for brackets, XML tags and LaTeX environments; each of those is a function from a text to
`Mark`s, in the order of the text. An open mark waits on a stack. A closing mark of name n

    closes the innermost opening, if that has the name n;
    else closes the innermost opening of name n, and all inside it were left open;
    else, where no opening of name n waits, closes the innermost opening by the wrong name;
    else, where nothing waits at all, was never opened.

Openings that still wait where the text ends are pending. A text that was cut out of a longer one
may well end before they are closed, and may begin behind an opening, so neither `pending` nor
`unopened` marks are counted as mistakes: shares are taken of what the text itself could decide.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from charrnn.structure.shares import Share


@dataclass(frozen=True)
class Mark:
    """Characters `start` to `end` of a text, that open or close something called `name`."""

    start: int
    end: int
    name: str
    opens: bool


@dataclass(frozen=True)
class Pair:
    """An opening and the mark that closed it, by the right name or by a wrong one."""

    opening: Mark
    closing: Mark

    @property
    def distance(self) -> int:
        """Characters between the two marks."""
        return self.closing.start - self.opening.end

    @property
    def right(self) -> bool:
        """Whether the names agree."""
        return self.opening.name == self.closing.name


@dataclass(frozen=True)
class Nesting:
    """What became of every mark of a text, each list in the order of the closing marks."""

    pairs: tuple[Pair, ...]
    """Openings closed by their own name, or by a wrong one."""
    left_open: tuple[Pair, ...]
    """Openings inside something that was closed while they waited, with the mark that closed it."""
    unopened: tuple[Mark, ...]
    pending: tuple[Mark, ...]

    def closed_right(self) -> Share:
        """Closing marks that close the innermost opening by its name, of those with any opening.

        A closing mark that leaves inner openings open is not right, though its own name is.
        """
        skipped = {pair.closing.start for pair in self.left_open}
        right = sum(p.right and p.closing.start not in skipped for p in self.pairs)
        return Share(right, len(self.pairs))

    def wrong_names(self) -> Share:
        """Openings closed by a wrong name, of all that were closed or left open."""
        wrong = sum(not pair.right for pair in self.pairs)
        return Share(wrong, len(self.pairs) + len(self.left_open))

    def never_closed(self) -> Share:
        """Openings left open inside something closed, of all that were closed or left open."""
        return Share(len(self.left_open), len(self.pairs) + len(self.left_open))

    def kept(self) -> Share:
        """Openings closed by their own name, of all that were closed or left open."""
        right = sum(pair.right for pair in self.pairs)
        return Share(right, len(self.pairs) + len(self.left_open))


def nest(marks: Iterable[Mark]) -> Nesting:
    """Match the marks of a text by the rule above.

    >>> found = nest([Mark(0, 1, "(", True), Mark(1, 2, "[", True), Mark(2, 3, "(", False)])
    >>> len(found.pairs), len(found.left_open)
    (1, 1)
    """
    stack: list[Mark] = []
    waiting: dict[str, int] = {}
    pairs, left_open, unopened = [], [], []

    def take() -> Mark:
        opening = stack.pop()
        waiting[opening.name] -= 1
        return opening

    for mark in marks:
        if mark.opens:
            stack.append(mark)
            waiting[mark.name] = waiting.get(mark.name, 0) + 1
        elif not stack:
            unopened.append(mark)
        elif waiting.get(mark.name):
            while stack[-1].name != mark.name:
                left_open.append(Pair(take(), mark))
            pairs.append(Pair(take(), mark))
        else:
            pairs.append(Pair(take(), mark))
    return Nesting(tuple(pairs), tuple(left_open), tuple(unopened), tuple(stack))


def by_distance(found: Iterable[Nesting], edges: Sequence[int]) -> list[Share]:
    """Openings closed by their own name, by how far away what closed them (or what closed the thing
    around them) stands: a share for each bin edges[i] <= distance < edges[i + 1].

    ValueError: fewer than two edges, or edges that do not rise.
    """
    if len(edges) < 2 or any(a >= b for a, b in pairwise(edges)):
        raise ValueError(f"edges {list(edges)}: at least two numbers, each above the last")
    hits, totals = [0] * (len(edges) - 1), [0] * (len(edges) - 1)
    for nesting in found:
        judged = [(p.distance, p.right) for p in nesting.pairs]
        judged += [(p.distance, False) for p in nesting.left_open]
        for distance, right in judged:
            place = sum(edge <= distance for edge in edges) - 1
            if 0 <= place < len(hits):
                totals[place] += 1
                hits[place] += right
    return [Share(h, t) for h, t in zip(hits, totals, strict=True)]
