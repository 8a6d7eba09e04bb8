r"""The preprocessor's lines in C: includes, header guards, conditionals, macros.

All measures are of a `CText` (or a text, which becomes one), so a directive in a comment is none,
and one that the cut went through is left out.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from charrnn.structure.c_text import CText
from charrnn.structure.nesting import Mark, nest
from charrnn.structure.shares import Share

_KEYWORD = re.compile(r"#[ \t]*(\w*)")
_PATH = re.compile(r'#[ \t]*include[ \t]+(?:<([\w./+-]+)>|"([\w./+-]+)")[ \t]*(?:/[/*].*)?', re.S)
_MACRO = re.compile(r"#[ \t]*define[ \t]+([A-Za-z_]\w*)")
_GUARD = re.compile(r"#[ \t]*ifndef[ \t]+([A-Za-z_]\w*)[ \t]*")
_NAMED_END = re.compile(r"#[ \t]*endif[ \t]*/\*[ \t]*!?[ \t]*([A-Za-z_]\w*)[ \t]*\*/")
_WORD = re.compile(r"[A-Za-z_]\w*")
KEYWORDS = {
    "include", "define", "undef", "if", "ifdef", "ifndef", "elif", "else", "endif", "error",
    "warning", "pragma", "line",
}  # fmt: skip


@dataclass(frozen=True)
class _Directive:
    start: int
    text: str

    @property
    def keyword(self) -> str:
        return _KEYWORD.match(self.text)[1]

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True)
class Preprocessor:
    """What the preprocessor lines of a piece of source are like."""

    keywords: Share
    """directives that exist, of all lines that begin with #; # alone is one"""
    includes: Share
    """includes of the form <path> or "path", of all"""
    known: Share
    """included <paths> that are in the reference"""
    paths: tuple[str, ...]
    """different <paths>, the most frequent first"""
    invented: tuple[str, ...]
    """those of them that the reference lacks"""
    guards: Share
    """#ifndef NAME right above a #define, at file level, that defines the same name"""
    ends: Share
    """#endif /* NAME */ whose name stands in the condition that it ends"""
    end_distances: tuple[int, ...]
    """characters from the condition to the #endif, for each of these that is right"""
    inside: Share
    """items with conditionals that close in the item all that they open, and no other"""


def preprocessor(text: str | CText, reference: Collection[str] = ()) -> Preprocessor:
    """What the preprocessor lines of a piece are like. `reference`: the <paths> that exist, such as
    `included(training_text)`; without it all are invented."""
    piece = text if isinstance(text, CText) else CText(text)
    found = [_Directive(a, piece.text[a:b]) for a, b in piece.directives if b < len(piece.text)]
    asked = [d.text for d in found if d.keyword == "include"]
    shaped = [m for line in asked if (m := _PATH.fullmatch(line))]
    paths = Counter(m[1] for m in shaped if m[1])
    ends = list(_named_ends(found))
    return Preprocessor(
        keywords=Share.of(not d.keyword or d.keyword in KEYWORDS for d in found),
        includes=Share(len(shaped), len(asked)),
        known=Share(sum(n for p, n in paths.items() if p in reference), paths.total()),
        paths=tuple(p for p, _ in paths.most_common()),
        invented=tuple(p for p, _ in paths.most_common() if p not in reference),
        guards=Share.of(_guards(found)),
        ends=Share.of(right for right, _ in ends),
        end_distances=tuple(distance for right, distance in ends if right),
        inside=Share.of(_inside(piece, found)),
    )


def included(text: str) -> Counter[str]:
    """How often each <path> is included in a whole text: the reference for `preprocessor`."""
    lines = re.findall(r"^[ \t]*#[ \t]*include[ \t]+<([\w./+-]+)>", text, re.MULTILINE)
    return Counter(lines)


def defined(piece: CText) -> Iterator[str]:
    """The names of the macros that a piece defines."""
    for start, end in piece.directives:
        if match := _MACRO.match(piece.code, start, end):
            yield match[1]


def _guards(found: Sequence[_Directive]) -> Iterator[bool]:
    for first, second in pairwise(found):
        asked, made = _GUARD.fullmatch(first.text), _MACRO.match(second.text)
        if asked and made and second.start == first.end + 1:
            yield asked[1] == made[1]


def _marks(found: Iterable[_Directive]) -> Iterator[Mark]:
    for d in found:
        if d.keyword in ("if", "ifdef", "ifndef", "endif"):
            yield Mark(d.start, d.end, "if", d.keyword != "endif")


def _named_ends(found: Sequence[_Directive]) -> Iterator[tuple[bool, int]]:
    texts = {d.start: d.text for d in found}
    for pair in nest(_marks(found)).pairs:
        if named := _NAMED_END.match(texts[pair.closing.start]):
            condition = _WORD.findall(texts[pair.opening.start])
            yield named[1] in condition[1:], pair.distance


def _inside(piece: CText, found: Sequence[_Directive]) -> Iterator[bool]:
    marks = list(_marks(found))
    starts = [mark.start for mark in marks]
    for item in piece.items:
        held = marks[bisect_left(starts, item.start) : bisect_left(starts, item.end)]
        if held and not item.stray:
            nesting = nest(held)
            yield not nesting.unopened and not nesting.pending
