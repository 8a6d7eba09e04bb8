r"""LaTeX as tokens, and as passages between borders.

What stands in a comment or a verbatim environment, and escapes such as \$, \{ and \%, open and
close nothing. A text is not expanded as TeX would; `typeset` asks TeX itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from charrnn.structure.nesting import Mark

STATEMENTS = frozenset({"theorem", "proposition", "lemma"})
TOP = STATEMENTS | {
    "corollary", "proof", "definition", "example", "exercise", "situation", "remark", "remarks",
}  # fmt: skip
"""Environments that stand in no other one but the whole document."""
HEADINGS = frozenset({r"\part", r"\chapter", r"\section", r"\subsection", r"\subsubsection"})
INNER = frozenset(
    {
        "matrix", "pmatrix", "bmatrix", "vmatrix", "smallmatrix", "array", "cases", "aligned",
        "gathered", "split",
    }
)  # fmt: skip
"""Environments that stand inside a formula."""
DISPLAYS = frozenset(
    name + star
    for name in ("equation", "align", "eqnarray", "gather", "multline")
    for star in ("", "*")
)
"""Environments that are a formula themselves."""
VERBATIM = frozenset({"verbatim", "verbatim*", "comment"})
IN_TEXT = frozenset(
    {
        r"\text", r"\textit", r"\textbf", r"\textrm", r"\mbox", r"\hbox", r"\fbox", r"\footnote",
        r"\intertext",
    }
)  # fmt: skip
"""Commands whose argument is text again, even inside a formula."""
LISTS = frozenset({"enumerate", "itemize", "description"})
r"""Environments whose text is a row of \item."""
ASIDES = frozenset({"slogan", "reference", "history"})
ENVIRONMENTS = (
    TOP | INNER | DISPLAYS | VERBATIM | LISTS | ASIDES
    | {"center", "quote", "quotation", "flushleft", "flushright", "tabular", "multicols"}
)  # fmt: skip
"""Environments that a text may use: those that amsart and the preamble of `typeset` know."""

_TOKEN = re.compile(
    r"""
    (?P<comment>%[^\n]*)
  | (?P<blank>\n[ \t]*\n[ \t\n]*)
  | \\(?P<mark>begin|end)[ ]?\{(?P<name>[^{}\\$\n]*)\}
  | \\(?P<refers>label|ref|cite|hyperref|input|bibliography|bibliographystyle|url|externaldocument)
    (?:\[[^][\n]*\])?\{(?P<key>[^{}\\$\n]*)\}
  | \\hyperref\[[^][\n]*\]
  | \\verb(?P<bar>[|!+/])[^\n]*?(?P=bar)
  | (?P<command>\\(?:[A-Za-z]+|.|\Z))
  | (?P<special>[{}$&^_\#])
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    r"""Characters `start` to `end` of a text.

    `kind` is one of comment, verbatim, blank (an empty line), begin, end (with the environment as
    `name`), refers (\label, \ref, \cite and others, with their argument), command and special (one
    of { } $ & ^ _ #); `name` is the token itself where nothing else is said.
    """

    kind: str
    start: int
    end: int
    name: str


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a text in order; what is none (words, digits, punctuation) is left out."""
    place = 0
    while match := _TOKEN.search(text, place):
        kind, place = match.lastgroup, match.end()
        if kind == "name":
            yield Token(match["mark"], match.start(), place, match["name"])
            if match["mark"] == "begin" and match["name"] in VERBATIM:
                stop = text.find(f"\\end{{{match['name']}}}", place)
                stop = len(text) if stop < 0 else stop
                yield Token("verbatim", place, stop, "")
                place = stop
        elif kind in ("key", None):
            yield Token("refers", match.start(), place, match["refers"] or "hyperref")
        elif kind == "bar":
            yield Token("verbatim", match.start(), place, "")
        else:
            yield Token(kind, match.start(), place, match[0])


def environments(text: str | Iterable[Token]) -> list[Mark]:
    r"""The \begin and \end of a text as marks, for `nesting.nest`; those of `document` left out,
    since they are the frame of a file, and a text may be cut out of several."""
    found = tokens(text) if isinstance(text, str) else text
    return [
        Mark(t.start, t.end, t.name, t.kind == "begin")
        for t in found
        if t.kind in ("begin", "end") and t.name != "document"
    ]


@dataclass(frozen=True)
class Passage:
    """Tokens between two borders; `display` if the passage is a formula by its environment."""

    tokens: tuple[Token, ...]
    display: bool


def is_border(token: Token) -> bool:
    """Whether no formula crosses this token."""
    if token.kind in ("begin", "end"):
        return token.name not in INNER
    return token.kind == "blank" or (
        token.kind == "command" and (token.name == r"\item" or token.name in HEADINGS)
    )


def passages(found: Iterable[Token], cut_ends: bool = True) -> list[Passage]:
    """The passages of a text; without its first and last where the ends may be cut."""
    all_of_them, current, display = [], [], False
    for token in found:
        if is_border(token):
            all_of_them.append(Passage(tuple(current), display))
            current, display = [], token.kind == "begin" and token.name in DISPLAYS
        else:
            current.append(token)
    all_of_them.append(Passage(tuple(current), display))
    return all_of_them[1:-1] if cut_ends else all_of_them
