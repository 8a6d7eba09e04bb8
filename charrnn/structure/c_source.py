r"""C: do its items parse, are names declared and used, do functions return what they should?

Measures of a piece of source, which may be cut anywhere: items as in `c_text`, mistakes as in
`c_grammar`, names as in `c_functions`, which see for how each is defined. Names, returns, jumps and
comparisons are looked at in sound functions only: where the grammar broke, nobody knows which name
was meant as what.

A real function uses what its file declares before the piece begins, and lower-case macros. So no
share of 100 % is to be expected; the yardstick is the same share in held-out files.
"""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass

from charrnn.structure import c_functions, c_grammar
from charrnn.structure.c_functions import Finding, Function
from charrnn.structure.c_grammar import Parsed
from charrnn.structure.c_text import CText
from charrnn.structure.preprocessor import defined
from charrnn.structure.shares import Share

LINES = (1, 5, 10, 20, 40)
"""Edges of the bins of `CSource.declared_by_line`, in lines."""


@dataclass(frozen=True)
class CSource:
    """What the items and the functions of a piece of source are like."""

    sound: Share
    """items without a mistake, of all; stray lines count as an item"""
    mistakes: Share
    """mistakes, of the characters of all items"""
    balanced: Share
    """items with a brace in column 0 that end with one there which closes the last bracket"""
    functions: int
    """sound functions: what follows is about these"""
    declared: Share
    """different names in each function that are declared wherever it uses them"""
    declared_by_line: tuple[Share, ...]
    """uses that are declared, by how many lines below the function's first they stand: at least
    each of LINES, and less than the next"""
    all_declared: Share
    """functions all of whose names are declared, of those that use any"""
    used: Share
    """locals whose name occurs in their function again"""
    void_returns: Share
    """`void` functions that return a value"""
    missing_returns: Share
    """functions that are not `void`, and have statements, but return no value"""
    vacuous: Share
    """comparisons of a thing with itself, of all comparisons"""
    self_assigned: Share
    """assignments of a thing to itself, of all with ="""
    labels: Share
    """`goto` whose label stands in the function"""
    own_calls: Share
    """calls of another function that the piece defines or declares, of all calls"""
    undeclared_names: tuple[str, ...]
    """those in most functions first"""
    returning: tuple[str, ...]
    """`void` functions that return a value"""
    compared: tuple[str, ...]
    """the vacuous comparisons"""


def c_source(text: str | CText) -> CSource:
    """What the items and functions of a piece of C source are like.

    ImportError: tree-sitter or its grammar of C is not installed.
    """
    piece = text if isinstance(text, CText) else CText(text)
    parsed, names, by_item = _parsed(piece)
    found = [f for functions in by_item for f in functions]
    bodies = [item for item in piece.items if item.body]
    missing = Counter(name for f in found for name in _undeclared(f))
    voids, others = [f for f in found if f.void], [f for f in found if not f.void and f.statements]
    used_names = [{use.name for use in f.uses} for f in found]
    locals_ = sum(len(set(f.locals)) for f in found)
    return CSource(
        sound=Share.of(item.sound for item in parsed),
        mistakes=Share(sum(i.mistakes for i in parsed), sum(len(i.text) for i in parsed)),
        balanced=Share.of(item.balanced for item in bodies),
        functions=len(found),
        declared=Share(
            sum(len(n - _undeclared(f)) for n, f in zip(used_names, found, strict=True)),
            sum(map(len, used_names)),
        ),
        declared_by_line=_by_line(found),
        all_declared=Share.of(not _undeclared(f) for f in found if f.uses),
        used=Share(locals_ - sum(len(f.unused) for f in found), locals_),
        void_returns=Share.of(f.values > 0 for f in voids),
        missing_returns=Share.of(f.values == 0 for f in others),
        vacuous=Share(sum(len(f.vacuous) for f in found), sum(f.comparisons for f in found)),
        self_assigned=Share(
            sum(len(f.self_assigned) for f in found), sum(f.assignments for f in found)
        ),
        labels=Share.of(label in f.labels for f in found for label in f.jumps),
        own_calls=Share.of(
            names.get(name, False) and name != f.name for f in found for name in f.calls
        ),
        undeclared_names=tuple(name for name, _ in missing.most_common()),
        returning=tuple(f.name for f in voids if f.values),
        compared=tuple(text for f in found for text in f.vacuous),
    )


def findings(text: str | CText) -> list[Finding]:
    """Where something is the matter in a piece of source, in the order of the text. Items that are
    not sound are `broken` as a whole."""
    piece = text if isinstance(text, CText) else CText(text)
    parsed, _, by_item = _parsed(piece)
    found = []
    for item, tree, functions in zip(piece.items, parsed, by_item, strict=True):
        if not tree.sound:
            found.append(Finding(item.start, item.end, "broken"))
        inside = (f for function in functions for f in function.findings)
        found += [Finding(item.start + f.start, item.start + f.end, f.kind) for f in inside]
    return sorted(found, key=lambda f: (f.start, f.end))


def _parsed(piece: CText) -> tuple[list[Parsed], dict[str, bool], list[list[Function]]]:
    """The items, the names they declare at file level, and the functions of each sound one."""
    parsed = [c_grammar.parse(piece, item) for item in piece.items]
    names = dict(pair for item in parsed for pair in c_functions.file_names(item))
    known = {*names, *defined(piece)}
    return parsed, names, [c_functions.functions(p, known) if p.sound else [] for p in parsed]


def _undeclared(function: Function) -> set[str]:
    return {use.name for use in function.uses if not use.declared}


def _by_line(found: list[Function]) -> tuple[Share, ...]:
    hits, totals = [0] * len(LINES), [0] * len(LINES)
    for use in (use for f in found for use in f.uses):
        place = bisect_right(LINES, use.line) - 1
        if place >= 0:
            totals[place] += 1
            hits[place] += use.declared
    return tuple(Share(h, t) for h, t in zip(hits, totals, strict=True))
