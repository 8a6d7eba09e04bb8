"""What the measures of a run are taken of: the texts it drew, its training text, and real text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from charrnn.recipe import Texts
from charrnn.runs import Run
from charrnn.sample import sample_units
from charrnn.structure import shares
from charrnn.structure.nesting import Nesting, by_distance
from charrnn.vocab import Vocab

PIECE = 1 << 20
YARDSTICK = 256
"""Pieces of held-out text that are measured, at most: as many as two passes over the largest
training text have room for."""
READ = 64_000_000
"""Characters of a training text that are held in memory at once, at most."""


@dataclass(frozen=True)
class Material:
    """A run with what it is measured by.

    Texts come twice: as `str`, in which bytes that are not UTF-8 show as U+FFFD, and in the units
    of the model's vocabulary (`bytes` at byte level, otherwise the same `str`), which is what
    copying and encodings are measured on.
    """

    run: Run
    texts: Texts
    samples: int
    """Texts drawn at each temperature."""
    length: int
    """Characters (bytes at byte level) in each of them."""
    units: dict[float, list[str] | list[bytes]]
    """The texts drawn at each temperature, in the vocabulary's units."""

    @classmethod
    def draw(
        cls,
        run: Run,
        texts: Texts,
        temperatures: Sequence[float],
        samples: int,
        length: int,
    ) -> Material:
        """Draws `samples` texts of `length` at each temperature, always from the same seed."""
        units = {
            t: sample_units(run, samples, length=length, temperature=t, seed=1000)
            for t in temperatures
        }
        return cls(run, texts, samples, length, units)

    @cached_property
    def drawn(self) -> dict[float, list[str]]:
        """The texts drawn at each temperature."""
        return {t: [as_text(text) for text in found] for t, found in self.units.items()}

    def held_out_in(self, length: int) -> list[str] | list[bytes]:
        """Real text that was not trained on, as neighbouring pieces of a length, in the
        vocabulary's units. Of a long text `YARDSTICK` pieces, evenly spread over validation and
        test."""
        vocab, split = self.texts.vocab, self.texts.split
        ids = np.concatenate([np.asarray(split.val), np.asarray(split.test)])
        starts = spread(range(0, len(ids) - length + 1, length))
        return [units(vocab, ids[i : i + length]) for i in starts]

    @cached_property
    def held_out_units(self) -> list[str] | list[bytes]:
        """`held_out_in` pieces as long as the samples."""
        return self.held_out_in(self.length)

    @cached_property
    def pieces(self) -> list[str]:
        """`held_out_units` as text: the yardstick of every measure."""
        return [as_text(piece) for piece in self.held_out_units]

    @cached_property
    def held_out(self) -> str:
        """All that was held out, in one text; of a very long one the first `READ` characters."""
        split, vocab = self.texts.split, self.texts.vocab
        parts = (vocab.decode(np.asarray(part[:READ])) for part in (split.val, split.test))
        return "".join(parts)

    @cached_property
    def train(self) -> str:
        """The training text; of a very long one the first `READ` characters."""
        return self.texts.vocab.decode(np.asarray(self.texts.split.train[:READ]))

    def source(self) -> Iterator[str | bytes]:
        """The whole training text, piece by piece, in the vocabulary's units."""
        ids = self.texts.split.train
        for start in range(0, len(ids), PIECE):
            yield units(self.texts.vocab, ids[start : start + PIECE])


def spread(things: Sequence, most: int = YARDSTICK) -> list:
    """At most so many of some things, evenly spread over them, the first and the last included."""
    if len(things) <= most:
        return list(things)
    return [things[int(i)] for i in np.linspace(0, len(things) - 1, most)]


def units(vocab: Vocab, ids: np.ndarray) -> str | bytes:
    """The symbols that ids stand for: bytes at byte level, text at character level."""
    ids = np.asarray(ids)
    if vocab.level == "byte":
        return np.array(vocab.symbols, dtype=np.uint8)[ids].tobytes()
    return "".join(map(vocab.symbols.__getitem__, ids.tolist()))


def as_text(text: str | bytes) -> str:
    """Bytes as text, what is not UTF-8 as U+FFFD."""
    return text.decode(errors="replace") if isinstance(text, bytes) else text


def share(found: Sequence[shares.Share]) -> dict | None:
    """The pooled share of several texts with its bootstrap interval over texts: value, low, high,
    and `total`, the number of things counted. None where fewer than two texts had any."""
    counted = [s for s in found if s.total]
    if len(counted) < 2:
        return None
    e = shares.bootstrap_share(counted, seed=0)
    return {"value": e.value, "low": e.low, "high": e.high, "total": sum(s.total for s in counted)}


def share_by_distance(
    nestings: Sequence[Sequence[Nesting]], edges: Sequence[int]
) -> dict[str, dict | None]:
    """`nesting.by_distance` of several texts, each nested unit by unit, a `share` for each bin, by
    its lower edge."""
    bins = zip(*(by_distance(text, edges) for text in nestings), strict=True)
    found = {str(edge): None for edge in edges[:-1]}
    return found | {str(edge): share(b) for edge, b in zip(edges[:-1], bins, strict=False)}


def each(found: Sequence[shares.Share]) -> list[float | None]:
    """The share in each text on its own; None in one that had nothing to count."""
    return [round(s.value, 5) if s.total else None for s in found]


def mean(values: Sequence[float]) -> dict | None:
    """The mean over texts with its bootstrap interval; None for fewer than two."""
    if len(values) < 2:
        return None
    e = shares.bootstrap_mean(values, seed=0)
    return {"value": e.value, "low": e.low, "high": e.high, "total": e.samples}


def quantiles(values: Sequence[float]) -> dict | None:
    """Tenth percentile, median, ninetieth percentile and the largest; None of nothing."""
    if not values:
        return None
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
    return {"p10": float(low), "median": float(middle), "p90": float(high), "max": int(max(values))}
