"""LaTeX: its form by temperature and in held-out text, and what a LaTeX engine makes of it.

The engine is asked here, once, and its answers are kept: whether a text compiles untouched, how
many edits it needs if not, and the picture of the best page, `figures/page-1.png` in the run's
folder. Without an engine `typesetting` says so, and the rest is measured all the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from charrnn import typeset
from charrnn.measure.material import Material, share, share_by_distance, spread
from charrnn.mend import Mended, mend
from charrnn.sample import sample_units
from charrnn.structure import latex, tex
from charrnn.structure.nesting import nest
from charrnn.structure.shares import Share

TEMPERATURES = (0.5, 0.7, 0.8, 1.0)
TYPESET = (0.5, 0.8)
"""Temperatures whose texts are given to the engine."""
EDGES = (0, 100, 200, 400, 800, 1600)
"""Distances from an opening to what closes it, in characters."""
REAL = 32
"""Pieces of held-out text that are given to the engine, at most."""
PAGE = "figures/page-1.png"
PARTICULARS = {
    r"(\\begin\{).*?(\}).*(ended by \\end\{).*?(\}).*": r"\1...\2 \3...\4",
    r"Environment .* undefined": "Environment ... undefined",
    r"Xy-pic error: .*": "Xy-pic error",
    r"ended before \S+ +was complete": "ended before ... was complete",
    r"while scanning use of \S+": "while scanning use of ...",
}
"""What differs from text to text in the engine's messages."""


def measure(material: Material) -> dict:
    """A row a temperature, by its number as text, one of `held_out` text, what guessing would
    reach (`chance`), and `typesetting`, at two temperatures, for which twice as many texts are
    drawn as for the rest; their form is counted too."""
    known = frozenset(latex.labels(material.train))
    more = {t: drawn(material, t) for t in TYPESET}
    rows = {str(t): row(material.drawn[t] + more.get(t, []), known) for t in TEMPERATURES}
    rows["held_out"] = row(material.pieces, known)
    chance, made = guessing(material.pieces), typesetting(material, more)
    return rows | {"edges": list(EDGES), "chance": chance, "typesetting": made}


def drawn(material: Material, temperature: float) -> list[str]:
    """Twice as many further texts as there are at a temperature."""
    length, seed = material.length, 2000
    count = 2 * material.samples
    return sample_units(material.run, count, length=length, temperature=temperature, seed=seed)


def row(texts: Sequence[str], known: Collection[str]) -> dict:
    """The form of texts; `known` are the labels of the training text."""
    found = [latex.latex_structure(text, known) for text in texts]
    shares = [f.name for f in fields(latex.LatexStructure) if f.type in (Share, "Share")]
    nestings = [f.nesting for f in found]
    wrong = Counter(
        f"{p.opening.name} closed as {p.closing.name}"
        for nesting in nestings for p in nesting.pairs if not p.right
    )  # fmt: skip
    refers = {name: None for text in texts for name in latex.references(text)}
    return {
        **{name: share([getattr(f, name) for f in found]) for name in shares},
        "closed_right": share([n.closed_right() for n in nestings]),
        "wrong_names": share([n.wrong_names() for n in nestings]),
        "never_closed": share([n.never_closed() for n in nestings]),
        "kept": share([n.kept() for n in nestings]),
        "by_distance": share_by_distance([[n] for n in nestings], EDGES),
        "wrong": dict(wrong.most_common(8)),
        "environments": sum(len(n.pairs) for n in nestings),
        "diagrams_tried": sum(f.diagrams.total for f in found),
        "proofs_omitted": sum(f.omitted.hits for f in found),
        "invented_references": [name for name in refers if not latex.refers_to(name, known)][:12],
    }


def guessing(texts: Sequence[str]) -> dict | None:
    """What share of the environments of real texts would be closed by their own name by someone who
    has forgotten which one is open: `always` with the most frequent name, `drawn` with names drawn
    by their frequency. None where there are no environments."""
    nestings = [nest(tex.environments(text)) for text in texts]
    names = Counter(p.opening.name for nesting in nestings for p in nesting.pairs)
    if not names:
        return None
    shares = {name: count / names.total() for name, count in names.items()}
    name = max(shares, key=shares.get)
    drawn = sum(share * share for share in shares.values())
    return {"name": name, "always": shares[name], "drawn": drawn}


@dataclass(frozen=True)
class Tried:
    """A text, and what became of it."""

    cut: typeset.Cut
    mended: Mended

    @property
    def untouched(self) -> bool:
        return self.mended.edits == 0

    @property
    def per_1000(self) -> float:
        """Edits in 1000 characters; infinite where a bound was hit."""
        edits = self.mended.edits
        return np.inf if edits is None else 1000 * edits / len(self.cut.text)


def typesetting(material: Material, drawn: Mapping[float, list[str]]) -> dict:
    """What the engine makes of texts drawn at each temperature, and of real pieces of the same
    length."""
    engine = typeset.find_engine()
    if engine is None:
        return {"engine": None}
    groups = {**{str(t): s for t, s in drawn.items()}, "held_out": spread(material.pieces, REAL)}
    found = {name: tried(texts, engine) for name, texts in groups.items()}
    kept = {name: outcomes(found[name], len(groups[name])) for name in groups}
    best = choose(found["0.8"], material.length)
    return {"engine": engine.version, **kept, "page": page(best, material.run.folder)}


def tried(texts: Sequence[str], engine: typeset.Engine) -> list[Tried | None]:
    """Texts cut, compiled and mended, two at a time; None where the cut leaves nothing."""

    def one(text: str) -> Tried | None:
        cut = typeset.cut(text)
        return Tried(cut, mend(cut.body, engine)) if cut.text.strip() else None

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, texts))


def outcomes(found: Sequence[Tried | None], texts: int) -> dict:
    """Counts of texts that were compiled: `compiled` untouched, of all; `edits` a character of
    those that could be mended; `median` edits in 1000 characters of all, None where that is one
    that could not."""
    known = [f for f in found if f is not None]
    mended = [f for f in known if f.mended.edits is not None]
    characters = sum(len(f.cut.text) for f in mended)
    reasons = sum((f.mended.reasons for f in mended), Counter())
    errors = Counter(_first_error(f) for f in known if not f.untouched)
    median = float(np.median([f.per_1000 for f in known])) if known else np.inf
    return {
        "texts": texts,
        "nothing_left": texts - len(known),
        "compiled": Share(sum(f.untouched for f in known), len(known)).as_dict(),
        "mended": Share(len(mended), len(known)).as_dict(),
        "edits": share([Share(f.mended.edits, len(f.cut.text)) for f in mended]),
        "median": median if np.isfinite(median) else None,
        "characters": characters,
        "reasons": dict(reasons.most_common()),
        "first_errors": dict(errors.most_common(6)),
        "each": [None if np.isinf(f.per_1000) else round(f.per_1000, 3) for f in known],
    }


def _first_error(tried: Tried) -> str:
    """A message without what is particular about it."""
    message = tried.mended.first.message
    for pattern, general in PARTICULARS.items():
        message = re.sub(pattern, general, message)
    return message.strip()[:80]


def choose(found: Sequence[Tried | None], length: int) -> tuple[int, Tried] | None:
    """The best of the texts and its number: the longest that compiles untouched, or, where none
    does, the one with the fewest edits a character. Texts of which the cut left less than half of
    `length` are passed over, unless all are so."""
    known = [(i, f) for i, f in enumerate(found) if f is not None and f.mended.edits is not None]
    long = [(i, f) for i, f in known if 2 * len(f.cut.text) >= length]
    ranked = sorted(long or known, key=lambda x: (x[1].per_1000, -len(x[1].cut.text)))
    return ranked[0] if ranked else None


def page(best: tuple[int, Tried] | None, folder: Path) -> dict | None:
    """Keep the picture of a text's first page, and what it is a picture of."""
    if best is None:
        return None
    number, tried = best
    try:
        image = typeset.picture(tried.mended.outcome.pdf)
    except ImportError:  # no reader of PDF here: the source is kept alone
        image = None
    if image is not None:
        (folder / PAGE).parent.mkdir(exist_ok=True)
        (folder / PAGE).write_bytes(image)
    return {
        "file": PAGE if image else None,
        "temperature": 0.8,
        "number": number,
        "edits": tried.mended.edits,
        "reasons": dict(tried.mended.reasons),
        "pages": tried.mended.outcome.pages,
        "source": tried.cut.text,
        "mended": tried.mended.text,
    }
