"""C: comments, strings, brackets, conditions, preprocessor lines.

Brackets count in code only: not in comments, strings and character constants. A closing bracket
closes the innermost opening of its kind, and what was opened inside that was left open; one that
nothing waits for is passed over. As both branches of an #if are read, a text holds braces that have
no partner. So that they do not shift all that follows, a } in column 0 closes the innermost { on a
line that begins in column 0 too, where there is one.
"""

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

from charrnn.rules.spans import Span, depth, inside

_LEXEME = re.compile(
    r"(?P<comment>/\*.*?(?:\*/|\Z)|//(?:\\\n|[^\n])*+)"
    r'|(?P<string>"(?:\\.|[^"\\\n])*+")'
    r"|(?P<character>'(?:\\.|[^'\\\n]){1,5}+')"
    r"|(?P<bracket>[()\[\]{}])",
    re.DOTALL,
)
_OPENS = {")": "(", "}": "{", "]": "["}
_IF = re.compile(r"#[ \t]*if|\bif\s*+(\()")
_DIRECTIVE = re.compile(r"^[ \t]*+(#(?:\\\n|[^\n])*+)", re.MULTILINE)


def inside_comment(text: str) -> np.ndarray:
    """Inside /* */, or from the second slash of // up to the end of its line."""
    return inside(len(text), _comments(text))


def inside_string(text: str) -> np.ndarray:
    r"""Inside "...", closed on its line or on one that a \ joins to it."""
    found = (m for m in _LEXEME.finditer(text) if m.lastgroup == "string")
    return inside(len(text), [(m.start(), m.end() - 1) for m in found])


def bracket_depth(text: str) -> np.ndarray:
    """How many ( [ { are open; in comments and strings as many as around them."""
    return depth(len(text), [(p.start, p.end) for p in _pairs(text)])


def expression_depth(text: str) -> np.ndarray:
    """How many ( are open."""
    return depth(len(text), [(p.start, p.end) for p in _pairs(text) if p.sign == "("])


def inside_if_condition(text: str) -> np.ndarray:
    """From the ( of `if (` up to its closing partner; not in #if."""
    openings = {m.start(1) for m in _IF.finditer(text) if m[1]}
    pairs = (p for p in _pairs(text) if p.start in openings)
    return inside(len(text), [(p.start, p.end) for p in pairs])


def inside_preprocessor(text: str) -> np.ndarray:
    r"""From a # that begins a line up to the end of it, or of the last line that a \ joins to it;
    not in comments."""
    comment = inside_comment(text)
    spans = (m.span(1) for m in _DIRECTIVE.finditer(text))
    return inside(len(text), [(start, end) for start, end in spans if not comment[start]])


def _comments(text: str) -> list[Span]:
    found = (m for m in _LEXEME.finditer(text) if m.lastgroup == "comment")
    spans = []
    for start, end in (m.span() for m in found):
        if text.startswith("//", start):
            spans.append((start + 1, end))
        elif text.endswith("*/", start + 2, end):  # else the text ends first
            spans.append((start + 1, end - 1))
    return spans


@dataclass(frozen=True, slots=True)
class _Pair:
    """An opening bracket `sign` at `start` and its partner at `end`."""

    start: int
    end: int
    sign: str


@dataclass(frozen=True, slots=True)
class _Opening:
    place: int
    sign: str
    outer: bool
    """A brace on a line that begins in column 0."""

    @property
    def names(self) -> tuple[str, ...]:
        """What it waits as."""
        return (self.sign, "outer") if self.outer else (self.sign,)


def _pairs(text: str) -> list[_Pair]:
    """The brackets of the code that have a partner, in the order of the closing ones."""
    stack: list[_Opening] = []
    waiting: Counter[str] = Counter()
    pairs = []
    for place in (m.start() for m in _LEXEME.finditer(text) if m.lastgroup == "bracket"):
        sign = text[place]
        if sign not in _OPENS:
            stack.append(_Opening(place, sign, sign == "{" and _outer(text, place)))
            waiting.update(stack[-1].names)
        elif waiting[_OPENS[sign]]:
            opening = _closed(stack, waiting, sign, _column_0(text, place))
            pairs.append(_Pair(opening.place, place, opening.sign))
    return pairs


def _closed(stack: list[_Opening], waiting: Counter[str], sign: str, first: bool) -> _Opening:
    """Take what a closing bracket closes off the stack, and what was opened inside it."""
    name = "outer" if first and sign == "}" and waiting["outer"] else _OPENS[sign]
    while True:
        opening = stack.pop()
        waiting.subtract(opening.names)
        if name in opening.names:
            return opening


def _column_0(text: str, place: int) -> bool:
    return place == 0 or text[place - 1] == "\n"


def _outer(text: str, place: int) -> bool:
    """Whether the line of a place begins in column 0."""
    return not text[text.rfind("\n", 0, place) + 1].isspace()
