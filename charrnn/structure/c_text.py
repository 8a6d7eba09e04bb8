r"""C as lines: what is code and what comment, where a top-level item begins and ends, brackets.

Nothing is parsed here. A piece of source was cut anywhere, so where it begins is decided first:

    a comment that the cut went through ends at the first */, if that stands before any /*;
    the line there may be half a line, and is left out with the lines that a \ joins to it.

*Code* is a text of the same length in which comments, and what stands inside quotation marks, are
spaces; line ends stay. *Directives* are lines that begin with #, and what continues them.

An *item* is a definition, a declaration or a macro's call at file level. It begins in column 0 with
a letter or _ that begins no label, as the kernel's style has it, and ends

    with a line that begins with } in column 0 and does not end in {, whatever is open;
    or with a line that ends in ; or }, where none of its brackets is open;
    or at an empty line, where none of its brackets is open, and whatever is open at one behind
    which the next item begins.

So a mistake stays in its item. The first item has to stand behind an empty line, a comment, a
directive or a line that ends in ; or }. What is before it, an item that the text does not end, and
a last line without its line end are the cut's business. *Stray* lines stand behind an item and in
none; up to the next item, an empty line or a } in column 0 they count as one.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from charrnn.structure.brackets import nest_within
from charrnn.structure.nesting import Mark, Nesting
from charrnn.structure.shares import Share

_QUOTED = re.compile(
    r"/\*.*?(?:(?P<comment>\*/)|\Z)"
    r"|//[^\n]*"
    r'|"(?:\\.|[^"\\\n])*(?:(?P<string>")|(?=\n)|\\?\Z)'
    r"|'(?:\\.|[^'\\\n])*(?:(?P<character>')|(?=\n)|\\?\Z)",
    re.DOTALL,
)
_DIRECTIVE = re.compile(r"^[ \t]*(#(?:[^\n]*\\\n)*[^\n]*)", re.MULTILINE)
_VISIBLE = re.compile(r"[^\n\t]")
_BRACKET = re.compile(r"[(){}\[\]]")
_LABEL = re.compile(r"[A-Za-z_]\w*[ \t]*:(?!:)")
_LETTER = re.compile(r"[A-Za-z_]")
_OPENS = {")": "(", "}": "{", "]": "["}


@dataclass(frozen=True)
class Quote:
    """A comment, a string or a character constant, characters `start` to `end` of a text."""

    start: int
    end: int
    sign: str
    """What it begins with: /*, // or a quotation mark."""
    closed: bool
    """It has its closing sign, a string's or a character's on the line where it is due."""


@dataclass(frozen=True)
class Item:
    """Whole lines of a `CText`, characters `start` to `end`, that stand for themselves."""

    start: int
    end: int
    stray: bool = False
    """Lines that belong to no item."""
    body: bool = False
    """It is no stray one, and a brace opens in column 0, as that of a function does."""
    balanced: bool = False
    """It ends with a } in column 0, and that closes the last of its brackets."""


@dataclass(frozen=True)
class Line:
    """A whole line of a `CText`, from `start` on, without its line end."""

    start: int
    raw: str
    plain: str
    """Without comments, what is quoted, and directives."""
    directive: bool

    @property
    def empty(self) -> bool:
        return not self.raw.strip()

    @property
    def closes(self) -> bool:
        """Whether it ends an item whatever is open."""
        return self.plain.startswith("}") and not self.plain.rstrip().endswith("{")

    @property
    def ends(self) -> bool:
        """Whether it ends a statement, a declaration or a block."""
        return self.plain.rstrip().endswith((";", "}"))


@dataclass(frozen=True)
class CText:
    """A piece of C source, taken apart by character and by line.

    `code` and `plain` are as long as `text`, so that places agree.
    """

    text: str

    @cached_property
    def begin(self) -> int:
        """Where the first line begins that the cut has left whole."""
        opening, closing = self.text.find("/*"), self.text.find("*/")
        inside = closing >= 0 and (opening < 0 or closing < opening)
        at = closing + 2 if inside else 0
        while (newline := self.text.find("\n", at)) >= 0:
            at = newline + 1
            if not self.text.endswith("\\", 0, newline):
                return at
        return len(self.text)

    @cached_property
    def quotes(self) -> list[Quote]:
        """Every comment, string and character constant, in the order of the text."""
        found = []
        for m in _QUOTED.finditer(self.text, self.begin):
            sign = m.group()[:2] if m.group()[0] == "/" else m.group()[0]
            found.append(Quote(m.start(), m.end(), sign, m.lastgroup is not None))
        return found

    @property
    def comments(self) -> list[Quote]:
        return [quote for quote in self.quotes if quote.sign[0] == "/"]

    @cached_property
    def code(self) -> str:
        """The text without comments and without what is quoted, and without what the cut took."""
        spans = [(0, self.begin)]
        for q in self.quotes:
            mark = q.sign[0] != "/"  # quotation marks stay
            spans.append((q.start + mark, q.end - (mark and q.closed)))
        return _without(self.text, spans)

    @cached_property
    def directives(self) -> list[tuple[int, int]]:
        """From its # to its end, every preprocessor line with the lines that continue it."""
        return [m.span(1) for m in _DIRECTIVE.finditer(self.code)]

    @cached_property
    def plain(self) -> str:
        """`code` without its directives: of an #if both branches stay."""
        return _without(self.code, self.directives)

    @cached_property
    def lines(self) -> list[Line]:
        """All whole lines, in order; the last one may be half."""
        raws, plains = (t[self.begin :].split("\n") for t in (self.text, self.plain))
        starts = accumulate((len(raw) + 1 for raw in raws), initial=self.begin)
        ends = [b for _, b in self.directives]
        begins = [a for a, _ in self.directives]

        def directive(start: int, end: int) -> bool:
            after = bisect_right(begins, end)
            return after > 0 and ends[after - 1] > start

        return [
            Line(at, raw, plain, directive(at, at + len(raw)))
            for at, raw, plain in zip(starts, raws, plains, strict=False)
        ]

    @cached_property
    def items(self) -> list[Item]:
        """The complete items and the stray lines, in the order of the text."""
        before = self.text[: self.begin].rstrip("\n").rpartition("\n")[2].strip()
        return list(_items(self.lines[:-1], not before or before.endswith((";", "}", "*/"))))

    def brackets(self) -> list[Nesting]:
        """How (), [] and {} are nested in the code outside directives: in each item, in what stands
        between two of them, and in front of the first and behind the last, which were cut."""
        ends = sorted({place for item in self.items for place in (item.start, item.end)})
        return nest_within(bracket_marks(self.plain), ends)

    def comment_lines(self) -> Share:
        """Lines that hold a part of a comment, of all lines that are not empty."""
        starts, held = [line.start for line in self.lines], set()
        for c in self.comments:
            held.update(range(bisect_right(starts, c.start) - 1, bisect_right(starts, c.end - 1)))
        filled = [number for number, line in enumerate(self.lines) if not line.empty]
        return Share(sum(number in held for number in filled), len(filled))

    def comments_closed(self) -> Share:
        """Comments /* that reach their */ before another /* begins, of those that reach either."""
        found = [(c, "/*" in self.text[c.start + 1 : c.end]) for c in self.comments]
        judged = [(c, again) for c, again in found if c.sign == "/*" and (c.closed or again)]
        return Share(sum(not again for _, again in judged), len(judged))

    def strings_closed(self) -> Share:
        r"""Strings that are closed on the line they begin on, or on one that a \ joins to it.

        A string that the text ends in is not counted.
        """
        found = [q for q in self.quotes if q.sign == '"' and (q.closed or q.end < len(self.text))]
        return Share(sum(q.closed for q in found), len(found))


def bracket_marks(code: str) -> Iterator[Mark]:
    """The brackets of a text without strings and comments, named by their opening form."""
    for m in _BRACKET.finditer(code):
        sign = m.group()
        yield Mark(m.start(), m.end(), _OPENS.get(sign, sign), sign not in _OPENS)


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    """A text with spaces in place of some spans; line ends and tabs stay."""
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], _VISIBLE.sub(" ", text[start:end])]
        at = end
    return "".join([*parts, text[at:]])


def _items(lines: list[Line], fresh: bool) -> Iterator[Item]:
    """`fresh`: the first of the lines may begin an item."""
    started, first, stray, body = False, None, False, False
    depth, reached, behind_empty = _Depth(), 0, False
    for line in lines:
        closes, begins = line.closes, _LETTER.match(line.plain)
        begins = begins and not _LABEL.match(line.plain)
        if stray and first is not None and (begins or line.empty or closes):
            end = line.start if begins or line.empty else line.start + len(line.raw)
            yield Item(first, end, stray=True)
            first = None
            if closes:
                continue
        if first is not None and begins and behind_empty:  # braces of the item are missing
            yield Item(first, reached, body=body)
            first = None
        behind_empty = line.empty
        if first is None and not line.plain.strip():
            fresh = fresh or line.directive or line.empty or line.raw.rstrip().endswith("*/")
            continue
        if first is None:
            if (started or fresh) and begins:
                started, first, stray, body, depth = True, line.start, False, False, _Depth()
            elif started:
                first, stray = line.start, True
                continue
            else:
                fresh = line.ends
                continue
        if stray:
            continue
        depth.read(line.plain)
        body = body or line.plain.startswith("{")
        end = line.start + len(line.raw)
        reached = reached if line.empty else end
        if closes or (not depth.open and (line.ends or line.empty)):
            yield Item(first, end, body=body, balanced=closes and depth.closed)
            first = None


class _Depth:
    """How many brackets are open, by form; closing marks that close nothing are held against it."""

    def __init__(self) -> None:
        self.counts = {"(": 0, "{": 0, "[": 0}
        self.below = False

    def read(self, line: str) -> None:
        for mark in bracket_marks(line):
            self.counts[mark.name] += 1 if mark.opens else -1
            if self.counts[mark.name] < 0:
                self.counts[mark.name], self.below = 0, True

    @property
    def open(self) -> bool:
        return any(self.counts.values())

    @property
    def closed(self) -> bool:
        return not self.open and not self.below
