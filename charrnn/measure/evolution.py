"""What is learned when: measures of the samples that a network wrote while it was trained.

A sample is a few hundred characters long, too short for what is rare, so each measure is a share
(so many of so many) and neighbouring samples are pooled. How far a share has come is counted from
text of evenly drawn characters, which is what a network writes that has learned nothing, to
held-out text in pieces as long as the samples.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from math import isfinite, nan

import numpy as np

from charrnn.measure.material import YARDSTICK, Material, as_text, share, units
from charrnn.recipe import Texts
from charrnn.runs import Run, RunError, commit
from charrnn.structure.shares import Share
from charrnn.structure.words import Lexicon, known_share_by_length, words

LEAST = 10
"""Steps at which a run must have written, for a measure of everything to look at their order."""
NEIGHBOURS = 4
"""Samples on either side that are pooled with one. Before the first few there are fewer, and as
many are taken behind; after the last few those there are."""
BARS = {"half": 0.5, "most": 0.9}
"""Shares of the way at which something counts as learned by half, and for the most part."""
TWICE = 2
"""How often a capitalised word stands inside sentences of the training text, at least, that is
called one of its names."""

_PARAGRAPH = re.compile(r"\n\s*\n")
_OPENS, _CLOSES = r"""(?<![^\s(-])"(?=[\w'])""", r"""(?<=[\w.,!?'-])"(?![^\s),;-])"""
_QUOTE = re.compile(rf"""(?P<opens>{_OPENS})|(?P<closes>{_CLOSES})|\"""")
_NAME = re.compile(r"(?:(?<=[^\W\d_]\s)|(?<=[,;]\s))([^\W\d_]{2,})(?=\W)")
_START = re.compile(r"""(?<=[^\W\d_])[.?!]["')]*\s+["'(]*([^\W\d_])""")


@dataclass(frozen=True)
class Known:
    """What samples are held against."""

    lexicon: Lexicon
    names: frozenset[str]
    """Capitalised words that the training text has inside sentences."""

    @classmethod
    def of(cls, train: str) -> Known:
        """From the training text; words are those of it and of an English list."""
        lexicon = Lexicon.english() | Lexicon.from_text(train, name="its training text")
        counts = Counter(inner_capitals(train))
        return cls(lexicon, frozenset(name for name, n in counts.items() if n >= TWICE))


@dataclass(frozen=True)
class Measure:
    """A share that can be counted in a text."""

    name: str
    title: str
    """What is counted, for axes and tables."""
    count: Callable[[str, Known], Share]


def inner_capitals(text: str) -> list[str]:
    """Words such as "Pierre" behind a word, a comma or a semicolon, where no sentence begins.

    A capital and one or more small letters; a word that the text's end may have cut is left out.

    >>> inner_capitals("Then Pierre, the Count, said no. Then he, PIERRE, went to Mosc")
    ['Pierre', 'Count']
    """
    return [w for w in _NAME.findall(text) if w[0].isupper() and w[1:].islower()]


def closed_quotations(text: str) -> Share:
    """Opening marks behind which the next mark closes, in the same paragraph.

    Only straight double quotes; whether one opens or closes is told by what stands around it. One
    that the end of the text leaves open is not counted: nobody knows.

    >>> closed_quotations('He said "no" and "yes.\\n\\nShe said "')
    Share(hits=1, total=2)
    """
    found, paragraphs = [], _PARAGRAPH.split(text)
    for number, paragraph in enumerate(paragraphs, 1):
        kinds = [match.lastgroup for match in _QUOTE.finditer(paragraph)]
        if number < len(paragraphs):
            kinds.append(None)
        found += [b == "closes" for a, b in pairwise(kinds) if a == "opens"]
    return Share.of(found)


def _placed(mark: str, where: str) -> Callable[[str, Known], Share]:
    """How many of a mark stand `where` they should; the text's two ends decide nothing."""
    every, right = re.compile(rf"(?s)(?<=.){mark}(?=.)"), re.compile(where)

    def count(text: str, known: Known) -> Share:
        return Share.of(right.match(text, m.start()) is not None for m in every.finditer(text))

    return count


def _real(least: int, most: int) -> Callable[[str, Known], Share]:
    """Real words among those of so many letters."""

    def count(text: str, known: Known) -> Share:
        found = known_share_by_length(text, known.lexicon)
        return sum((s for n, s in found.items() if least <= n <= most), Share(0, 0))

    return count


MEASURES = (
    Measure("spaces", "blanks among all characters", lambda t, _: Share.of(c in " \n" for c in t)),
    Measure("single", "spaces that stand alone", _placed(" ", r"(?<! ) (?! )")),
    Measure("stops", "commas and full stops in place", _placed("[.,]", r"""[.,](?=[\s"')])""")),
    Measure(
        "capitals",
        "sentences that begin with a capital",
        lambda text, _: Share.of(letter.isupper() for letter in _START.findall(text)),
    ),
    Measure(
        "quotes",
        "quotation marks in place",
        _placed('"', f"{_OPENS}|{_CLOSES}"),
    ),
    Measure("closed", "quotations opened and closed", lambda text, _: closed_quotations(text)),
    Measure(
        "marks",
        "? and ! in place",
        _placed("[?!]", r"""(?<=[^\W\d_])[?!](?=[\s"')-])"""),
    ),
    Measure("short", "real words of 1 to 3 letters", _real(1, 3)),
    Measure("middle", "real words of 4 to 6 letters", _real(4, 6)),
    Measure("long", "real words of 7 letters and more", _real(7, 99)),
    Measure(
        "names",
        "names from the text",
        lambda text, known: Share.of(name in known.names for name in inner_capitals(text)),
    ),
)
"""In the order in which they are shown."""


def measure(run: Run, texts: Texts, progress=print) -> dict:
    """The part of measures.json, of a run's samples while training; `texts` is the run's own.

    Each measure has its `hits` and `total` a sample, the pooled shares (`smooth`), the shares of
    `even` and `held_out` text, and the steps at which it has come so far (`half`, `most`): `first`,
    and from which on it `stays` there, None where it never does or for hardly longer than is
    pooled, with the share of `real` stretches of as many held-out pieces that have come so far.
    `unreal`: the words of each sample that are none. `unigram`: what a network pays, in nats per
    character, that knows how often each stands in the training text, and no more. RunError where
    there is no sample.
    """
    if not run.samples:
        raise RunError(f"{run.name} wrote nothing while it was trained; give it sample_steps")
    progress(f"{run.name}: measuring {len(run.samples)} samples of the training")
    length = len(run.samples[0]["text"])
    steps = [record["step"] for record in run.samples]
    material = Material(run, texts, 1, length, {})
    known = Known.of(material.train)
    groups = {
        "sample": [record["text"] for record in run.samples],
        "even": _even(texts, length),
        "held_out": material.pieces,
    }
    return {
        "steps": steps,
        "chars": np.interp(steps, run.history["step"], run.history["chars"]).tolist(),
        "length": length,
        "neighbours": NEIGHBOURS,
        "pieces": len(material.pieces),
        "names": len(known.names),
        "unigram": _unigram(np.asarray(texts.split.train)),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "unreal": [_unreal(text, known.lexicon) for text in groups["sample"]],
        "measures": {m.name: _row(m, known, groups, steps) | {"title": m.title} for m in MEASURES},
    }


def _unreal(text: str, lexicon: Lexicon) -> list[str]:
    """The words of a text that the lexicon does not know, each once, in the order of the text."""
    return [w for w in dict.fromkeys(words(text, cut_ends=True)) if w not in lexicon]


def _unigram(ids: np.ndarray) -> float:
    """Entropy of the characters of a text, in nats."""
    p = np.bincount(ids) / max(1, len(ids))
    return float(-(p[p > 0] * np.log(p[p > 0])).sum())


def _even(texts: Texts, length: int) -> list[str]:
    """Texts whose characters are drawn evenly from the vocabulary."""
    ids = np.random.default_rng(0).integers(len(texts.vocab), size=(YARDSTICK, length))
    return [as_text(units(texts.vocab, row)) for row in ids]


def _row(measure: Measure, known: Known, groups: dict[str, list[str]], steps: list[int]) -> dict:
    """One measure of all texts."""
    counted = {
        name: [measure.count(text, known) for text in group] for name, group in groups.items()
    }
    samples, real = counted["sample"], counted["held_out"]
    start, goal = (sum(counted[name], Share(0, 0)).value for name in ("even", "held_out"))
    smooth = [s.value for s in pooled(samples)]
    found = {
        "hits": [s.hits for s in samples],
        "total": [s.total for s in samples],
        "smooth": [round(x, 5) if isfinite(x) else None for x in smooth],
        "even": start if isfinite(start) else None,
        "held_out": share(real),
    }
    width = 2 * NEIGHBOURS + 1
    stretches = [
        sum(real[i : i + width], Share(0, 0)).value for i in range(0, len(real) - width + 1, width)
    ]
    for name, bar in BARS.items():
        first, stays = reached(smooth, start, goal, bar, NEIGHBOURS + 1)
        found[name] = {
            "first": None if first is None else steps[first],
            "stays": None if stays is None else steps[stays],
            "real": Share.of(way(x, start, goal) >= bar for x in stretches).as_dict(),
        }
    return found


def pooled(counts: Sequence[Share], neighbours: int = NEIGHBOURS) -> list[Share]:
    """Each share with those of its neighbours: as many before as behind, but where the end is near,
    all that there are behind.

    >>> pooled([Share(0, 1), Share(1, 1), Share(1, 2)], 1)
    [Share(hits=0, total=1), Share(hits=2, total=4), Share(hits=2, total=3)]
    """
    reach = [min(i, neighbours) for i in range(len(counts))]
    return [sum(counts[i - r : i + r + 1], Share(0, 0)) for i, r in enumerate(reach)]


def way(value: float, start: float, goal: float) -> float:
    """Which share of the way from start to goal a value has come; NaN where there is no way."""
    return (value - start) / (goal - start) if goal != start else nan


def reached(
    values: Sequence[float], start: float, goal: float, bar: float, lasting: int = 1
) -> tuple[int | None, int | None]:
    """The first place at which values have come that share of the way, and the first from which on
    all have, at least `lasting` of them; None where there is none. Values that are NaN say nothing.

    >>> reached([0.0, 0.6, 0.4, 0.7, float("nan"), 0.9], 0, 1, 0.5)
    (1, 3)
    """
    done = [
        (i, way(value, start, goal) >= bar) for i, value in enumerate(values) if isfinite(value)
    ]
    first = next((i for i, yes in done if yes), None)
    short = max((n for n, (_, yes) in enumerate(done) if not yes), default=-1)
    return first, done[short + 1][0] if short + lasting < len(done) else None
