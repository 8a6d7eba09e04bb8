r"""The form of LaTeX: environments, formulas, braces, diagrams, labels, lemmas with their proofs.

A *passage* is what stands between two borders: an empty line, \begin or \end of an environment
that does not stand inside a formula, \item, or a heading. In TeX no formula crosses such a border,
and in orderly LaTeX no brace does, so that a passage must balance on its own. The first and the
last passage of a text may be cut and are left out. What an environment may have open at either end
of a text is left to `nesting`, which counts neither.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from charrnn.structure.diagrams import diagrams_in
from charrnn.structure.nesting import Mark, Nesting, nest
from charrnn.structure.shares import Share
from charrnn.structure.tex import (
    HEADINGS,
    IN_TEXT,
    STATEMENTS,
    TOP,
    Passage,
    Token,
    environments,
    passages,
    tokens,
)

CLOSERS = {"$": "$", "$$": "$$", r"\(": r"\)", r"\[": r"\]"}
KINDS = (
    "lemma", "proposition", "theorem", "corollary", "definition", "section", "subsection",
    "equation", "remarks", "remark", "situation", "example", "exercise", "item",
)  # fmt: skip
"""What a label's name says that it names: lemma-finite, algebra-lemma-finite."""

_KIND = re.compile(rf"(?:^|-)({'|'.join(KINDS)})-")
_NAMED = re.compile(
    rf"(?<![A-Za-z])({'|'.join(KINDS)})[~ \n]{{1,2}}\\ref\{{([^{{}}\\$\n]*)\}}", re.IGNORECASE
)
_LABELLED = re.compile(r"\\begin\{([a-z]+)\}\s{0,3}\\label\{([^{}\\$\n]*)\}")
_LABEL = re.compile(r"\\label\{([^{}\\$\n]*)\}")
_REFERENCE = re.compile(r"\\ref\{([^{}\\$\n]*)\}")
_OMITTED = re.compile(r"\s*(?:the )?(?:proof )?(?:is )?omitted\b", re.IGNORECASE)


@dataclass(frozen=True)
class Balance:
    """What became of the formulas and braces of a passage."""

    formulas: Share
    """formulas closed by the mark that closes them, of all that were opened or closed by a mark"""
    braces: Share
    """braces that make pairs, each pair counted once, of pairs and single braces"""

    @property
    def math(self) -> Share:
        """1 of 1 if every formula is closed, 0 of 1 if not, 0 of 0 without any."""
        return _all(self.formulas)

    @property
    def groups(self) -> Share:
        """The same of the braces."""
        return _all(self.braces)


def balance(passage: Passage) -> Balance:
    r"""Follows a passage as TeX would.

    A formula opened by $, $$, \( or \[ lasts to the mark that closes it; braces inside that wait
    then are single. A brace that closes while a formula waits inside its group leaves the formula
    open. The argument of \text, \mbox and the like is text, in which $ opens a formula anew. In an
    `equation`, or another environment that is a formula, a dollar outside such text is wrong.
    """
    outside = "display" if passage.display else ""
    stack: list[tuple[str, str]] = []  # what waits, and whether formula or text is inside of it
    waiting = paired = single = closed = wrong = 0

    def take() -> str:
        nonlocal waiting
        kind, _ = stack.pop()
        waiting -= kind == "{"
        return kind

    for token, adjacent, argument in _looked_at(passage.tokens):
        inside = stack[-1][1] if stack else outside
        if token.name == "{":
            stack.append(("{", "" if argument in IN_TEXT else inside))
            waiting += 1
        elif token.name == "}":
            if not waiting:
                single += 1
                continue
            while take() != "{":
                wrong += 1
            paired += 1
        elif token.name in ("$", r"\(", r"\[") and not inside:
            kind = "$$" if adjacent else token.name
            stack.append((kind, kind))
        elif token.name in ("$", r"\)", r"\]") and inside and inside != "display":
            right = CLOSERS[inside] == ("$$" if adjacent and inside == "$$" else token.name)
            while take() == "{":
                single += 1
            closed, wrong = closed + right, wrong + (not right)
            if adjacent and inside != "$$":  # the second dollar opens the next formula
                stack.append(("$", "$"))
        elif token.name in ("$", r"\(", r"\)", r"\[", r"\]"):
            wrong += 1
    left = sum(kind != "{" for kind, _ in stack)
    single += len(stack) - left
    return Balance(Share(closed, closed + wrong + left), Share(paired, paired + single))


def _all(share: Share) -> Share:
    return Share(int(share.hits == share.total > 0), min(1, share.total))


def _looked_at(found: Sequence[Token]) -> Iterator[tuple[Token, bool, str]]:
    """Tokens that open or close, with: is it a dollar with another right behind it, which then is
    taken with it; and, for a brace, the command right before."""
    skip = False
    for i, token in enumerate(found):
        if skip:
            skip = False
            continue
        if token.kind == "special" and token.name in "{}$":
            after = found[i + 1] if i + 1 < len(found) else None
            twin = token.name == "$" == (after.name if after else "") and after.start == token.end
            before = found[i - 1] if i else None
            command = before.name if before and before.end == token.start else ""
            yield token, twin, command
            skip = twin
        elif token.kind == "command" and token.name in (r"\(", r"\)", r"\[", r"\]"):
            yield token, False, ""


def labels(text: str) -> list[str]:
    r"""The names that \label gives, in order."""
    return _LABEL.findall(text)


def references(text: str) -> list[str]:
    r"""The names that \ref refers to, in order."""
    return _REFERENCE.findall(text)


def refers_to(reference: str, known: Collection[str]) -> bool:
    """Whether a reference names one of the known labels.

    In a text of several files a reference may carry the name of a file before that of the label:
    algebra-lemma-finite stands for lemma-finite in the file `algebra`. Which file a label stands in
    is not looked at, so this is generous.
    """
    if reference in known:
        return True
    kind = _KIND.search(reference)
    return kind is not None and reference[kind.start(1) :] in known


@dataclass(frozen=True)
class LatexStructure:
    """How well a LaTeX text holds together, what its cut may have caused not counted."""

    nesting: Nesting
    """its environments"""
    forgotten: Share
    """environments that were still open when a new statement, a proof, a section or the like began,
    of all whose end the text decides (closed, left open or so interrupted)"""
    formulas: Share
    """formulas closed by their own mark"""
    math: Share
    """passages with a formula in which all formulas are closed"""
    braces: Share
    """braces that make pairs, of pairs and single braces"""
    groups: Share
    """passages with a brace in which all braces make pairs"""
    diagrams: Share
    """diagrams whose braces match, of those tried"""
    drawn: Share
    """diagrams whose braces match and whose arrows all point at a cell, of those tried"""
    arrows: Share
    """arrows that point at a cell which is there, in diagrams whose braces match"""
    proved: Share
    """theorems, propositions and lemmas followed by a proof, of those followed by any statement,
    proof, definition, heading or the like"""
    stated: Share
    """proofs preceded by a theorem, a proposition or a lemma, of those preceded by anything"""
    omitted: Share
    """proofs of which the text is "Omitted" or "Proof omitted", perhaps with a hint, of those that
    the text holds whole"""
    label_kinds: Share
    r"""labels right after \\begin{lemma} whose names begin with lemma-, and so on"""
    reference_kinds: Share
    r"""references such as Lemma \\ref{...-lemma-...} in which word and label agree"""
    known_references: Share
    """references to a label of the reference text"""
    own_references: Share
    """references to a label of this text itself"""
    new_labels: Share
    """different labels that the reference text lacks"""


def latex_structure(
    text: str, reference: Collection[str] = frozenset(), cut_ends: bool = True
) -> LatexStructure:
    """The form of a text. `reference`: the labels that exist, such as those of the training text;
    held-out text refers to labels of its own which that lacks, so it is no yardstick of quality for
    the last three shares, and a model can hardly do better on `own_references`, where a sample is
    far shorter than a chapter.
    """
    found = list(tokens(text))
    marks = environments(found)
    nesting = nest(marks)
    whole = passages(found, cut_ends)
    balances = [balance(passage) for passage in whole]
    tried = diagrams_in(text, whole)
    tops = _tops(found)
    own, refers = set(labels(text)), references(text)
    zero = Share(0, 0)
    return LatexStructure(
        nesting=nesting,
        forgotten=_forgotten(nesting, [t.start for t in tops], len(text)),
        formulas=sum((b.formulas for b in balances), zero),
        math=sum((b.math for b in balances), zero),
        braces=sum((b.braces for b in balances), zero),
        groups=sum((b.groups for b in balances), zero),
        diagrams=Share.of(d.end is not None for d in tried),
        drawn=Share.of(d.drawn for d in tried),
        arrows=sum((d.arrows for d in tried), zero),
        proved=Share.of(b.name == "proof" for a, b in pairwise(tops) if a.name in STATEMENTS),
        stated=Share.of(a.name in STATEMENTS for a, b in pairwise(tops) if b.name == "proof"),
        omitted=Share.of(
            _OMITTED.match(text, p.opening.end, p.closing.start) is not None
            for p in nesting.pairs
            if p.right and p.opening.name == "proof"
        ),
        label_kinds=Share.of(
            label.startswith(f"{name}-") for name, label in _LABELLED.findall(text) if name in KINDS
        ),
        reference_kinds=Share.of(
            (kind := _KIND.search(label)) is not None and kind[1] == word.lower()
            for word, label in _NAMED.findall(text)
        ),
        known_references=Share.of(refers_to(name, reference) for name in refers),
        own_references=Share.of(name in own for name in refers),
        new_labels=Share.of(name not in reference for name in own),
    )


def _tops(found: Iterable[Token]) -> list[Token]:
    """Where a statement, a proof or the like begins, or a heading stands."""
    return [
        t
        for t in found
        if (t.kind == "begin" and t.name in TOP) or (t.kind == "command" and t.name in HEADINGS)
    ]


def _forgotten(nesting: Nesting, tops: Sequence[int], end: int) -> Share:
    def interrupted(opening: Mark, until: int) -> bool:
        at = bisect_left(tops, opening.end)
        return at < len(tops) and tops[at] < until

    decided = [interrupted(p.opening, p.closing.start) for p in nesting.pairs + nesting.left_open]
    waiting = [interrupted(mark, end) for mark in nesting.pending]
    return Share(sum(decided) + sum(waiting), len(decided) + sum(waiting))
