r"""Indentation in the kernel's style: a tab for each open brace, and one more for a body without.

Lines are judged in the items of `c_text`, inside braces. A line that begins a statement, a
declaration or an entry of a list is *due* one tab more than the line that began what opened the
innermost brace. Of the rest,

    a line that begins with } is due as many as what opened that brace;
    so are `case` and `default`, which stand as deep as their `switch`;
    a body without braces, behind if (...), else, for (...), while (...) or do, is due one more than
    the line that began that head; such *bare* bodies are counted once more on their own.

Not judged are empty lines, preprocessor lines, lines that begin with or in a comment, labels, lines
in a brace behind which its own line goes on, and lines that go on with what one before them began:
where a ( or [ is open, or the line before ends in none of ; { } : , and, after a comma, where the
line does not begin with a dot, [ or {.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from charrnn.structure.c_text import CText, Line, bracket_marks
from charrnn.structure.shares import Share

DEEPEST = 6
"""Tabs due from which on lines share a bin."""
COLUMNS = 80
_CASE = re.compile(r"\s*(?:case\b|default\s*:)")
_LABEL = re.compile(r"\s*[A-Za-z_]\w*\s*:(?!:)")
_HEAD = re.compile(r"\s*(?:\}\s*)?(?:(?:else\s+)?(?:if|for|while|\w*for_each\w*)\s*\(|else\b|do\b)")
_HEAD_ENDS = re.compile(r"(?:\)|\belse|\bdo)\s*\Z")
_ENTRY = re.compile(r"\s*[.\[{]")


@dataclass(frozen=True)
class Judged:
    """A line's leading white space, and the tabs that are due."""

    lead: str
    due: int
    bare: bool
    """It is a body without braces."""

    @property
    def right(self) -> bool:
        return self.lead == "\t" * self.due


@dataclass(frozen=True)
class Indentation:
    """How the lines of a piece of source are indented."""

    right: Share
    """lines whose white space is just the tabs that are due, of those due any"""
    by_depth: tuple[Share, ...]
    """the same by the tabs due: 1, 2, ..., and DEEPEST or more"""
    bare: Share
    """the same of bodies without braces"""
    tabs: Share
    """judged lines with white space before them that is all tabs"""
    within: Share
    """lines of at most 80 columns, a tab going to the next multiple of 8, of all not empty"""
    trimmed: Share
    """lines that do not end in white space, of all not empty"""


def indentation(text: str | CText) -> Indentation:
    """How the lines of a piece of C source are indented; the piece may be cut anywhere."""
    piece = text if isinstance(text, CText) else CText(text)
    found = [line for line in judged(piece) if line.due > 0]
    filled = [line.raw for line in piece.lines[:-1] if not line.empty]
    at = {d: [j.right for j in found if min(j.due, DEEPEST) == d] for d in range(1, DEEPEST + 1)}
    return Indentation(
        right=Share.of(line.right for line in found),
        by_depth=tuple(map(Share.of, at.values())),
        bare=Share.of(line.right for line in found if line.bare),
        tabs=Share.of(set(line.lead) == {"\t"} for line in found if line.lead),
        within=Share.of(len(raw.expandtabs(8)) <= COLUMNS for raw in filled),
        trimmed=Share.of(raw == raw.rstrip() for raw in filled),
    )


def judged(piece: CText) -> Iterator[Judged]:
    """The lines of the items of a piece that are judged, in order."""
    lines = iter(piece.lines)
    for item in piece.items:
        if not item.stray:
            inside = (line for line in lines if line.start >= item.start)
            yield from _judged(_until(inside, item.end))


def _until(lines: Iterator[Line], end: int) -> Iterator[Line]:
    """Lines up to the one that ends at `end`."""
    for line in lines:
        yield line
        if line.start + len(line.raw) >= end:
            return


def _judged(lines: Iterable[Line]) -> Iterator[Judged]:
    """Of the lines of one item."""
    inner = [(0, False)]  # inside each open brace, the tabs due, and whether its line ends there
    began = 0  # tabs due where the statement began
    rounds = 0  # ( and [ that are open
    goes_on, comma, head = False, False, False
    for line in lines:
        plain = line.plain
        if not plain.strip():
            continue
        closing = plain.lstrip().startswith("}")
        follows = rounds > 0 or (goes_on and not head) or (comma and not _ENTRY.match(plain))
        opens_only = head and plain.lstrip().startswith("{")
        if closing or not (follows or opens_only):
            bare = head and not closing
            left = closing or _CASE.match(plain)
            began = began + 1 if bare else max(0, inner[-1][0] - bool(left))
            stands = len(line.raw) - len(line.raw.lstrip())
            in_comment = plain[: stands + 1].isspace()
            if inner[-1][1] and not in_comment and not (_LABEL.match(plain) and not left):
                yield Judged(line.raw[:stands], began, bare)
            heads = _HEAD.match(plain) is not None
        elif opens_only:
            heads = False
        for mark in bracket_marks(plain):
            if mark.name != "{":
                rounds = max(0, rounds + (1 if mark.opens else -1))
            elif mark.opens:
                inner.append((began + 1, not plain[mark.end :].strip()))
            elif len(inner) > 1:
                inner.pop()
        end = plain.rstrip()[-1]
        goes_on, comma = end not in ";{}:,", end == ","
        head = goes_on and heads and rounds == 0 and _HEAD_ENDS.search(plain) is not None
