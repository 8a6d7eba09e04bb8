"""The form of C source: by temperature, and in held-out files of the kernel.

Functions are long, so texts twice as long as the others, and twice as many, are drawn for this;
the held-out text is cut into pieces as long as these. Bytes are read as Latin-1, a character each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from charrnn.measure import scope
from charrnn.measure.material import Material, as_text, quantiles, share, share_by_distance
from charrnn.sample import sample_units
from charrnn.structure import brackets, copying, licence
from charrnn.structure.c_source import LINES, CSource, c_source, findings
from charrnn.structure.c_text import CText
from charrnn.structure.copying import Matches
from charrnn.structure.indentation import indentation
from charrnn.structure.nesting import Nesting
from charrnn.structure.preprocessor import defined, included, preprocessor
from charrnn.structure.shares import Share

TEMPERATURES = (0.5, 0.7, 0.8, 1.0, 1.2)
LONGER = 2
"""How many times as long, and as many, the texts are that are drawn here."""
DISTANCES = (0, 10, 30, 100, 300, 1000, 3000)
"""Edges of the bins of `brackets_by_distance`, in characters."""
COPIED = 40
"""Characters of a run from which on it counts as copied."""
RECITED = 60
PIECES = 64
"""Held-out pieces whose copied runs are looked at, at most."""
SHOWN = 30
MARKED = {"temperature": 0.8, "length": 1000}
"""The texts that are kept with what is the matter in them, seeds 0 to 2: those that every run
keeps."""


def measure(material: Material) -> dict:
    """`rows`, a temperature by its number as text, and `held_out` files; `samples` and `length` of
    the texts that were drawn, the <`paths`> that the training text includes; texts with what is the
    matter in them `marked`; and the `scope` of names, by `scope.measure`."""
    samples, length = LONGER * material.samples, LONGER * material.length
    known = _known_paths(material.source())
    marked = [sample_units(material.run, 1, seed=seed, **MARKED)[0] for seed in (0, 1, 2)]
    runs = _copied(material, marked)
    rows = {}
    for t in TEMPERATURES:
        drawn = sample_units(material.run, samples, length=length, temperature=t, seed=2000)
        rows[str(t)] = row(map(plain, drawn), known) | {"copied": runs[str(t)]}
    real = material.held_out_in(length)
    rows["held_out"] = row(map(plain, real), known) | {"copied": runs["held_out"]}
    return {
        "samples": samples,
        "length": length,
        "paths": len(known),
        "rows": rows,
        "marked": runs["marked"],
        "scope": scope.measure(material.run),
    }


def plain(text: str | bytes) -> str:
    """A text a character for each of its units."""
    return text.decode("latin-1") if isinstance(text, bytes) else text


def row(samples: Iterable[str], known: set[str]) -> dict:
    """The form of a set of texts of equal length. `known`: the <paths> that training text includes.

    `mistakes` is a share of characters; what it counts are places.
    """
    texts = [CText(sample) for sample in samples]
    found = [c_source(text) for text in texts]
    return {
        "functions": sum(f.functions for f in found),
        "characters": sum(len(text.text) for text in texts),
        **_grammar(found),
        **_brackets([text.brackets() for text in texts]),
        **_quotes(texts),
        **_preprocessor(texts, known),
        **_indentation(texts),
        "licence": share([Share(bool(licence.marks(t.text)), 1) for t in texts]),
        "licence_whole": share([Share(licence.whole(t.text), 1) for t in texts]),
    }


def _grammar(found: Sequence[CSource]) -> dict:
    names = (
        "sound", "mistakes", "balanced", "declared", "all_declared", "used", "void_returns",
        "missing_returns", "vacuous", "self_assigned", "labels", "own_calls",
    )  # fmt: skip
    lines = zip(*(f.declared_by_line for f in found), strict=True)
    return {name: share([getattr(f, name) for f in found]) for name in names} | {
        "declared_by_line": {
            str(edge): share(bins) for edge, bins in zip(LINES, lines, strict=False)
        },
        "undeclared": _first(f.undeclared_names for f in found),
        "returning": _first(f.returning for f in found),
        "compared": _first(f.compared for f in found),
    }


def _brackets(found: Sequence[Sequence[Nesting]]) -> dict:
    return {
        "brackets": share([brackets.paired(text) for text in found]),
        "brackets_by_distance": share_by_distance(found, DISTANCES),
    }


def _quotes(texts: Sequence[CText]) -> dict:
    return {
        "comment_lines": share([text.comment_lines() for text in texts]),
        "comments_closed": share([text.comments_closed() for text in texts]),
        "strings_closed": share([text.strings_closed() for text in texts]),
    }


def _preprocessor(texts: Sequence[CText], known: set[str]) -> dict:
    found = [preprocessor(text, known) for text in texts]
    names = ("keywords", "includes", "known", "guards", "ends", "inside")
    distances = [distance for f in found for distance in f.end_distances]
    return {name: share([getattr(f, name) for f in found]) for name in names} | {
        "macros": sum(1 for text in texts for _ in defined(text)),
        "included": _first(f.paths for f in found),
        "invented": _first(f.invented for f in found),
        "end_distances": quantiles(distances),
    }


def _indentation(texts: Sequence[CText]) -> dict:
    found = [indentation(text) for text in texts]
    bins = zip(*(f.by_depth for f in found), strict=True)
    return {
        "indented": share([f.right for f in found]),
        "indented_by_depth": {str(depth): share(b) for depth, b in enumerate(bins, 1)},
        "bare": share([f.bare for f in found]),
        "tabs": share([f.tabs for f in found]),
        "within": share([f.within for f in found]),
        "trimmed": share([f.trimmed for f in found]),
    }


def _first(lists: Iterable[Sequence[str]]) -> list[str]:
    """What is in most of some lists, the most frequent first."""
    counts = Counter(name for names in lists for name in dict.fromkeys(names))
    return [name for name, _ in counts.most_common(SHOWN)]


def _known_paths(source: Iterable[str | bytes]) -> set[str]:
    """The <paths> that a text includes; a line that is cut between two of its pieces is lost."""
    return {path for piece in source for path in included(plain(piece))}


def _copied(material: Material, marked: Sequence[str | bytes]) -> dict:
    """What the texts of every run copy, at TEMPERATURES, and what held-out text does; and the
    `marked` texts, all in one pass over the training text."""
    real = material.held_out_units
    kept = np.linspace(0, len(real) - 1, min(len(real), PIECES)).astype(int)
    groups = {str(t): material.units[t] for t in TEMPERATURES}
    groups |= {"held_out": [real[i] for i in kept], "marked": marked}
    texts = [text for group in groups.values() for text in group]
    found = iter(copying.compare(texts, material.source()))
    shareable = material.texts.corpus.shareable
    pairs = {name: (group, [next(found) for _ in group]) for name, group in groups.items()}
    kept_texts = zip(*pairs.pop("marked"), strict=True)
    rows = {name: copied(*pair, shareable) for name, pair in pairs.items()}
    return rows | {"marked": [mark(*pair) for pair in kept_texts] if shareable else []}


def mark(text: str | bytes, match: Matches) -> dict:
    """A text with `marks`: start, end (by its characters) and kind of all that is the matter in it,
    and of its copied runs."""
    found = [(f.start, f.end, f.kind) for f in findings(plain(text))]
    found += [(r.start, r.start + r.length, "copied") for r in match.runs(COPIED)]

    def place(unit: int) -> int:
        return len(as_text(text[:unit]))

    marks = [[place(start), place(end), kind] for start, end, kind in found]
    return {"text": as_text(text), "marks": marks}


def copied(
    texts: Sequence[str | bytes], matches: Sequence[Matches], shareable: bool = True
) -> dict:
    """The three longest copied runs of a set of texts, one a text, and where copied runs stand.

    `in_comments` and `in_code`: of the characters there, the share that stands in a copied run of
    at least COPIED characters; includes and other directives are neither. `licence`: of the texts
    with a run of at least RECITED characters, those with such a run that holds a phrase of the
    licence; `licence_run`: the longest run that does, in characters. Without `shareable` the runs
    are left out.
    """
    longest = [match.longest() for match in matches]
    recited, lengths = [], [0]
    for text, match in zip(texts, matches, strict=True):
        long = match.runs(COPIED)
        of_licence = [
            run.length
            for run in long
            if licence.marks(as_text(text[run.start : run.start + run.length]))
        ]
        lengths += of_licence
        if any(run.length >= RECITED for run in long):
            recited.append(Share(max(of_licence, default=0) >= RECITED, 1))
    runs = [
        {
            "length": run.length,
            "start": run.start,
            "licence": bool(licence.marks(as_text(text[run.start : run.start + run.length]))),
            "text": as_text(text[run.start : run.start + run.length]) if shareable else "",
        }
        for text, run in zip(texts, longest, strict=True)
    ]
    runs.sort(key=lambda run: -run["length"])
    places = [_places(plain(t), m) for t, m in zip(texts, matches, strict=True)]
    return {
        "longest": runs[:3],
        "licence": share(recited),
        "licence_run": max(lengths),
        "in_comments": share([comments for comments, _ in places]),
        "in_code": share([code for _, code in places]),
    }


def _places(text: str, match: Matches) -> tuple[Share, Share]:
    """Of the characters in comments, and of those in code, how many stand in copied runs."""
    inside = np.zeros(len(text) + 1, dtype=np.int64)
    for run in match.runs(COPIED):
        inside[run.start] += 1
        inside[run.start + run.length] -= 1
    held = np.cumsum(inside)[:-1] > 0
    piece = CText(text)
    comment, code = np.zeros(len(text), dtype=bool), np.ones(len(text), dtype=bool)
    code[: piece.begin] = False
    for quote in piece.comments:
        comment[quote.start : quote.end] = True
    for start, end in piece.directives:
        code[start:end] = False
    code &= ~comment
    return tuple(Share(int(held[where].sum()), int(where.sum())) for where in (comment, code))
