r"""LaTeX set right on paper: what is missing is put in, what is too much is taken out.

A text is read once from the left with a stack of what is open: braces, formulas, environments,
\left. What closes something further out gets what is missing in between; a border (an empty line,
an environment, \item, a heading) closes formulas and braces; a statement, a proof or a heading
closes all environments. A wrong \end is renamed where an environment waits, and deleted where none
does. A forgotten dollar is put where the text shows it: before prose in a formula, or before a
command that only formulas know, outside of one.

An edit inserts, deletes or replaces one token: a brace, a dollar, a \begin{...} or \end{...}, an
\item, one of & and #, \left or \right.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from charrnn.structure.tex import (
    DISPLAYS,
    ENVIRONMENTS,
    HEADINGS,
    IN_TEXT,
    INNER,
    LISTS,
    TOP,
    Token,
    is_border,
    tokens,
)

DIVIDED = INNER | {"align", "align*", "eqnarray", "eqnarray*", "tabular"}
"""Environments in which & divides."""

_GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi "
    "pi rho sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi "
    "Psi Omega"
)
_SIGNS = (
    "to in notin subset subseteq supset times otimes oplus circ cap cup bigcap bigcup bigoplus "
    "bigotimes prod coprod sum amalg wedge vee leq geq le ge not neq cong simeq sim equiv mapsto "
    "longmapsto longrightarrow longleftarrow rightarrow leftarrow Rightarrow Leftarrow "
    "Leftrightarrow leftrightarrow hookrightarrow xrightarrow bullet cdot infty ell partial nabla "
    "emptyset setminus forall exists langle rangle prime sharp star ast mid ll gg bmod leadsto"
)
_ALPHABETS = (
    "mathcal mathfrak mathbf mathit mathrm mathscr overline underline widetilde widehat tilde bar "
    "hat check frac sqrt left right lim colim Spec Hom Mor Ob NL dim det deg max min sup nolimits "
    "limits etale proetale SheafHom xymatrix"
)
MATH_ONLY = frozenset(
    {"^", "_"} | {f"\\{name}" for name in f"{_GREEK} {_SIGNS} {_ALPHABETS}".split()}
)
"""What stands in formulas only."""

_PROSE = re.compile(r"(?<![A-Za-z\\])[A-Za-z]?[a-z]+[ \n]+(?:[a-z]+[ \n]+)?[a-z]{2,}(?![A-Za-z])")
_WORD = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{2,}")


@dataclass
class _Open:
    """Something that waits to be closed."""

    kind: str
    """brace, formula, environment or left"""
    name: str
    index: int
    """its place in the output"""
    formula: str
    """the formula that one is in, inside of it: "" in text, "display" in an equation"""
    divided: bool = False
    """whether & divides in it"""
    guessed: bool = False
    """a formula that was opened by an edit"""
    empty: bool = False
    r"""a list without its first \item"""

    @property
    def cell(self) -> bool:
        """Whether an ampersand does not look past it."""
        return self.kind != "brace" or self.divided


_CLOSERS = {"{": "}", r"\(": r"\)", r"\[": r"\]"}
_REASONS = {"brace": "brace", "formula": "dollar", "environment": "environment"}


@dataclass
class _Balancer:
    """Reads tokens from the left, and writes them out with what is missing."""

    out: list[str] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
    """a reason an edit"""
    written: int = 0
    """the length of `out` without the blanks at its end"""
    depths: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """the places in the stack of each kind; `cell`: of all that no ampersand looks past"""

    @property
    def formula(self) -> str:
        return self.stack[-1].formula if self.stack else ""

    def insert(self, new: str, why: str) -> None:
        """Write a token before the blanks that were written last."""
        comment = self.written and self.out[self.written - 1].startswith("%")
        blanks = "".join(self.out[self.written :])
        self.out[self.written :] = ["\n" + new if comment else new, blanks]
        self.written += 1
        self.why.append(why)

    def write(self, *pieces: str) -> None:
        for piece in pieces:
            self.out.append(piece)
            if piece.strip():
                self.written = len(self.out)

    def erase(self, index: int) -> None:
        """Take back what was written at a place of the output."""
        self.out[index] = ""
        while self.written and not self.out[self.written - 1].strip():
            self.written -= 1

    def push(self, kind: str, name: str, formula: str, **more) -> None:
        item = _Open(kind, name, len(self.out), formula, **more)
        self.depths[kind].append(len(self.stack))
        if item.cell:
            self.depths["cell"].append(len(self.stack))
        self.stack.append(item)
        self.write(f"\\begin{{{name}}}" if kind == "environment" else name)

    def pop(self) -> _Open:
        item = self.stack.pop()
        self.depths[item.kind].pop()
        if item.cell:
            self.depths["cell"].pop()
        return item

    def guess(self) -> None:
        """Open a formula here that the text forgot to open."""
        self.push("formula", "$", "$", guessed=True)
        self.why.append("dollar")

    def close(self) -> None:
        r"""Close the innermost thing by an edit. A \left, or the dollar of a formula with nothing
        in it, is deleted instead."""
        item = self.pop()
        nothing = self.written == item.index + 1
        if item.kind == "left" or (item.kind == "formula" and nothing):
            self.erase(item.index)
            if item.guessed:
                self.why.remove("dollar")
            else:
                self.why.append("delimiter" if item.kind == "left" else "dollar")
            return
        if item.empty:
            self.insert("\\item", "item")
        closer = _CLOSERS.get(item.name, item.name)
        if item.kind == "environment":
            closer = f"\n\\end{{{item.name}}}"
        self.insert(closer, _REASONS[item.kind])

    def close_to(self, depth: int) -> None:
        while len(self.stack) > depth:
            self.close()

    def find(self, kind: str, stop: Sequence[str] = ()) -> int | None:
        """Where in the stack the innermost of a kind lies, looking past no `stop`."""
        depth = self._last(kind)
        return None if depth < 0 or any(self._last(other) > depth for other in stop) else depth

    def _last(self, kind: str) -> int:
        return self.depths[kind][-1] if self.depths[kind] else -1

    def finish(self, depth: int, written: str) -> None:
        """Close the item at a depth by what the text has for it, what is inside of it by edits."""
        self.close_to(depth + 1)
        self.pop()
        self.write(written)

    # What the text holds, by kind

    def gap(self, text: str) -> None:
        """Words and blanks between two tokens."""
        if text.strip() and self.stack and self.stack[-1].empty and text.lstrip()[0] != "[":
            self.first_item()
        if self.formula not in ("", "display"):
            depth = self.find("formula")
            match = (_WORD if self.stack[depth].guessed else _PROSE).search(text)
            if match:
                self.blanks(text[: match.start()])
                self.close_to(depth)
                text = text[match.start() :]
        self.blanks(text)

    def blanks(self, text: str) -> None:
        """Write a text, its trailing blanks apart."""
        words = text.rstrip()
        self.write(words, text[len(words) :])

    def first_item(self) -> None:
        self.write("\\item ")
        self.why.append("item")
        self.stack[-1].empty = False

    def dollar(self, token: Token, twin: bool, starts_line: bool) -> int:
        """A dollar, or two; how many of them were taken."""
        formula, written = self.formula, "$$" if twin else "$"
        if not formula:
            self.push("formula", written, written)
        elif formula == "display":
            self.why.append("dollar")
        elif formula == "$" and twin and starts_line:
            self.close_to(self.find("formula"))
            self.push("formula", "$$", "$$")
        elif formula == "$":
            self.finish(self.find("formula"), "$")
            return 1
        else:
            right = _CLOSERS.get(formula, formula)
            self.finish(self.find("formula"), right)
            self.why += ["dollar"] * (written != right)
        return len(written)

    def bracket(self, name: str) -> None:
        r"""One of \( \) \[ \]."""
        if name in _CLOSERS and not self.formula:
            self.push("formula", name, name)
        elif name not in _CLOSERS and self.formula not in ("", "display"):
            right = _CLOSERS.get(self.formula, self.formula)
            self.finish(self.find("formula"), right)
            self.why += ["dollar"] * (name != right)
        else:
            self.why.append("dollar")

    def closing_brace(self) -> None:
        depth = self.find("brace", ("environment",))
        if depth is None:
            self.why.append("brace")
        else:
            self.finish(depth, "}")

    def divider(self) -> None:
        """An ampersand: braces that wait in a cell are closed, if nothing else does."""
        depth = self._last("cell") + 1
        if depth and self.stack[depth - 1].divided:
            self.close_to(depth)
            self.write("&")
        else:
            self.why.append("alignment")

    def right(self) -> None:
        depth = self.find("left", ("formula", "environment"))
        if depth is None:
            self.why.append("delimiter")
        else:
            self.finish(depth, "\\right")

    def inner(self, token: Token) -> None:
        """An environment inside a formula begins or ends."""
        if token.kind == "begin":
            if not self.formula:
                self.guess()
            self.push("environment", token.name, self.formula, divided=True)
            return
        depth = self.find("environment", ("formula",))
        if depth is None or self.stack[depth].name not in INNER:
            self.why.append("environment")
        else:
            self.why += ["environment"] * (self.stack[depth].name != token.name)
            self.finish(depth, f"\\end{{{self.stack[depth].name}}}")

    def border(self, token: Token, written: str) -> None:
        environments = reversed(self.depths["environment"])
        outer = list(islice((i for i in environments if self.stack[i].name not in INNER), 2))
        self.close_to(outer[0] + 1 if outer else 0)
        name = self.stack[-1].name if outer else ""
        lists = len(outer) > 1 and self.stack[outer[1]].name in LISTS
        if name in DISPLAYS and (
            token.kind in ("blank", "begin") or (token.name == r"\item" and lists)
        ):
            self.close()
            name = self.stack[-1].name if self.stack else ""
        if token.kind == "end":
            self.end(token, written)
        elif token.kind == "begin" and token.name not in ENVIRONMENTS:
            self.why.append("environment")
        elif token.kind == "begin":
            if token.name in TOP:
                self.close_to(0)
            if self.stack and self.stack[-1].empty:
                self.first_item()
            self.push(
                "environment", token.name, "display" if token.name in DISPLAYS else "",
                divided=token.name in DIVIDED, empty=token.name in LISTS,
            )  # fmt: skip
        elif token.name == r"\item" and name not in LISTS:
            self.why.append("item")
        else:
            if token.name in HEADINGS:
                self.close_to(0)
            elif token.name == r"\item":
                self.stack[-1].empty = False
            self.write(written)

    def end(self, token: Token, written: str) -> None:
        r"""An \end, when nothing waits inside of the innermost environment."""
        depths = self.depths["environment"]
        if not depths:
            self.why.append("environment")
            return
        same = next((i for i in reversed(depths) if self.stack[i].name == token.name), None)
        if self.stack[-1].empty and same in (None, depths[-1]):
            self.first_item()
        if same is not None:
            self.finish(same, written)
        else:
            self.why.append("environment")
            self.finish(depths[-1], f"\\end{{{self.stack[-1].name}}}")

    def read(self, token: Token, before: Token | None, written: str, starts_line: bool) -> int:
        """Any token; how many characters of it, or of it and its twin, were taken."""
        name = token.name
        if is_border(token):
            self.border(token, written)
        elif token.kind in ("begin", "end"):
            self.inner(token)
        elif token.kind == "special" and name == "$":
            return self.dollar(token, written == "$$", starts_line)
        else:
            if self.stack and self.stack[-1].empty and token.kind != "comment":
                self.first_item()
            if name in MATH_ONLY and not self.formula:
                self.guess()
            if name == "{" and token.kind == "special":
                argument = before.name if before else ""
                text = argument in IN_TEXT and before.end == token.start
                formula = "" if text else self.formula
                self.push("brace", "{", formula, divided=argument == r"\xymatrix")
            elif name == "}" and token.kind == "special":
                self.closing_brace()
            elif name in (r"\(", r"\)", r"\[", r"\]"):
                self.bracket(name)
            elif name == "&" and token.kind == "special":
                self.divider()
            elif name == "#" and token.kind == "special":
                self.why.append("command")
            elif name == r"\left":
                self.push("left", name, self.formula)
            elif name == r"\right":
                self.right()
            else:
                self.write(written)
        return len(written)


def balanced(text: str) -> tuple[str, list[str]]:
    """A text with its braces, formulas, environments, items and alignments set right, and a reason
    for each edit that took. A text in which they are right comes back as it is."""
    reader, place, before, starts_line = _Balancer(), 0, None, True
    for token in tokens(text):
        if token.start < place:
            continue  # the second dollar of two
        gap = text[place : token.start]
        reader.gap(gap)
        written = text[token.start : token.end]
        if written == "$" and text[token.end : token.end + 1] == "$":
            written = "$$"
        starts_line = _at_start(starts_line, gap)
        place = token.start + reader.read(token, before, written, starts_line)
        starts_line = _at_start(starts_line, text[token.start : place])
        before = token
    reader.gap(text[place:])
    reader.close_to(0)
    return "".join(reader.out), reader.why


def _at_start(before: bool, piece: str) -> bool:
    """Whether only blanks stand between a piece's end and the begin of its line; so `before` it."""
    _, newline, last = piece.rpartition("\n")
    return (before or bool(newline)) and not last.strip()
