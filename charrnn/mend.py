r"""Edits that make LaTeX compile, found by a fixed procedure, so that they can be counted.

A text that does not compile is set right on paper first (`structure.balancing`). Then the engine's
first error is answered by an edit at its place, mostly by deleting the command there; the text is
balanced anew; and so on until it compiles, or a bound is hit. An edit inserts, deletes or replaces
one token: a brace, a dollar, a \begin{...} or \end{...}, a command, one of & ^ _ #, or an arrow of
a diagram with its target. The procedure does not know what a text means, so its count is an upper
bound on what a patient person needs.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from charrnn.structure.balancing import balanced
from charrnn.structure.diagrams import ARROW, diagrams
from charrnn.structure.tex import tokens
from charrnn.typeset import SECONDS, Engine, Fault, Outcome, typeset

TRIES = 40
"""Times that the engine is asked about a text, at most."""
DENSITY = 0.1
"""Edits a character, at most (100 in 1000); a short text may have 10 in any case."""

_LAST_COMMAND = re.compile(r"(\\(?:[A-Za-z]+|.))\s*$")


@dataclass(frozen=True)
class Mended:
    """What became of a text."""

    text: str
    """the text as far as it was mended"""
    reasons: Counter[str]
    """how many edits for which reason: brace, dollar, environment, item, alignment, delimiter,
    command, arrow"""
    outcome: Outcome
    first: Fault | None
    """the first error of the text as it was"""
    tries: int
    """how often the engine was asked"""

    @property
    def edits(self) -> int | None:
        """How many edits it took; None where a bound was hit first."""
        return self.reasons.total() if self.outcome.compiled else None


def mend(
    body: str,
    engine: Engine,
    tries: int = TRIES,
    density: float = DENSITY,
    seconds: float = SECONDS,
) -> Mended:
    """Edit a body until it compiles, or until the engine has been asked `tries` times, or until
    there are more than `density` edits a character (and more than 10). `seconds` as in `typeset`.
    """
    outcome = typeset(body, engine, seconds=seconds)
    if outcome.compiled:
        return Mended(body, Counter(), outcome, None, 1)
    limit = max(10, int(density * len(body)))
    text, reasons = balanced(body)
    asked, first = 1, outcome.fault
    while len(reasons) <= limit and asked < tries:
        outcome = typeset(text, engine, seconds=seconds)
        asked += 1
        if outcome.compiled:
            break
        wrong = (
            _undefined(text, engine, seconds)
            if "Undefined control" in outcome.fault.message
            else ()
        )
        asked += bool(wrong)
        answer = _delete_all(text, wrong) if wrong else _answer(text, outcome.fault)
        if answer is None:
            break
        text, more = answer
        reasons += more
        text, more = balanced(text)
        reasons += more
    return Mended(text, Counter(reasons), outcome, first, asked)


def _undefined(text: str, engine: Engine, seconds: float) -> set[str]:
    """The commands of a text that the engine does not know, from one run through all errors."""
    log, found = typeset(text, engine, True, seconds).log.split("\n"), set()
    for message, read in pairwise(log):
        if message.endswith("Undefined control sequence.") and (last := _LAST_COMMAND.search(read)):
            found.add(last[1])
    return found & {t.name for t in tokens(text) if t.kind == "command"}


def _delete_all(text: str, names: set[str]) -> tuple[str, list[str]]:
    parts, place, count = [], 0, 0
    for token in tokens(text):
        if token.kind == "command" and token.name in names:
            parts.append(text[place : token.start])
            place, count = token.end, count + 1
    return "".join([*parts, text[place:]]), ["command"] * count


def _answer(text: str, fault: Fault) -> tuple[str, list[str]] | None:
    """The text after an edit for one error, and its reasons; None where nothing can be done."""
    if fault.place is None:
        return None
    if "Xy-pic" in fault.message and (lost := _lost_arrows(text, fault.place)):
        for start, end in reversed(lost):
            text = text[:start] + text[end:]
        return text, ["arrow"] * len(lost)
    place = _place(text, fault)
    wanted = {"superscript": "^", "subscript": "_", "alignment": "&", "macro parameter": "#"}
    named = next((sign for word, sign in wanted.items() if word in fault.message), None)
    known = [t for t in tokens(text) if t.kind in ("command", "refers", "special")]
    known = [t for t in known if t.end <= place and t.name not in ("{", "}", "$", r"\item")]
    exact = [t for t in known if t.name == named]
    if not known:
        return None
    token = (exact or known)[-1]
    return text[: token.start] + text[token.end :], ["command"]


def _lost_arrows(text: str, place: int) -> list[tuple[int, int]]:
    """Where the arrows without a target stand in the diagram that ends at or before a place, or, if
    all have one, its last arrow."""
    here = [d for d in diagrams(text, cut_ends=False) if d.end is not None and d.start < place]
    if not here:
        return []
    last = here[-1]
    if last.lost:
        return list(last.lost)
    arrows = [m.span() for m in ARROW.finditer(text, last.start, last.end)]
    return arrows[-1:]


def _place(text: str, fault: Fault) -> int:
    """Where an error is: at the end of what was read last of the text. Inside an argument that was
    read as a whole, the end of that is looked for, blanks aside."""
    for read in fault.read[:-1]:
        if read.startswith("<argument>"):
            wanted = re.sub(r"\s", "", read[len("<argument>") :].removeprefix(" ..."))[-40:]
            for size in (40, 20, 10, 5):
                pattern = r"\s*".join(map(re.escape, wanted[-size:]))
                found = list(re.finditer(pattern, text[: fault.place])) if pattern else []
                if found:
                    return found[-1].end()
    return fault.place
