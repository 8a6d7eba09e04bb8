"""Copying: which parts of a generated text stand, character for character, in its training text?

The samples are made into a suffix automaton (Blumer et al. 1985) and the source runs through it
once, piece by piece. So memory depends on the samples alone, about 1 kB a character, and the source
may be of any size: it takes some 0.1 s a million characters in pieces of a megabyte, five times as
long in small ones. All results are exact; nothing is hashed or sampled. Texts are str, or bytes for
models at byte level.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.structure.shares import Share
from charrnn.structure.suffixes import SuffixAutomaton, Text

COPY_LIMIT = 60
"""Longest run of a text that may not be passed on which a published one may hold, in characters."""
Source = Text | Iterable[Text]


class CopyError(ValueError):
    """A sample has a longer run of its training text than is allowed."""


@dataclass(frozen=True)
class CopiedRun:
    """The `length` characters of a sample from `start` on, which stand in the source too."""

    start: int
    length: int


@dataclass(frozen=True)
class Matches:
    """What a sample shares with a source, place by place.

    `lengths` (N,) int64, N the sample's length: the longest run that begins at each place of the
    sample and stands somewhere in the source ("matching statistics", Chang and Lawler 1994).
    """

    lengths: np.ndarray

    def longest(self) -> CopiedRun:
        """The longest copied run, the first of several; of length 0 at 0 if nothing is shared."""
        if not self.lengths.any():
            return CopiedRun(0, 0)
        start = int(self.lengths.argmax())
        return CopiedRun(start, int(self.lengths[start]))

    def longest_before(self, end: int) -> int:
        """The length of the longest copied run of the sample's first `end` characters."""
        lengths = self.lengths[:end]
        return int(np.minimum(lengths, len(lengths) - np.arange(len(lengths))).max(initial=0))

    def allowed(self, limit: int = COPY_LIMIT) -> int:
        """How much of the sample copies no more than `limit` characters in a row."""
        long = self.runs(limit + 1)
        return long[0].start + limit if long else len(self.lengths)

    def runs(self, min_length: int = 1) -> list[CopiedRun]:
        """The copied runs that can't be made longer on either side; they may overlap.

        ValueError: min_length < 1.
        """
        if min_length < 1:
            raise ValueError(f"min_length {min_length}: must be at least 1")
        # A run that begins one place earlier and ends at the same place contains this one.
        inside = np.zeros(len(self.lengths), dtype=bool)
        inside[1:] = self.lengths[:-1] == self.lengths[1:] + 1
        starts = np.flatnonzero(~inside & (self.lengths >= min_length))
        return [CopiedRun(int(i), int(self.lengths[i])) for i in starts]

    def novelty(self, lengths: Sequence[int]) -> dict[int, Share]:
        """For each length, the share of the sample's substrings of it that the source lacks.

        Substrings are counted by place, so a repeated one counts again. They overlap: take the
        interval from `bootstrap_share` over samples. ValueError: a length < 1.
        """
        shares = {}
        for length in lengths:
            if length < 1:
                raise ValueError(f"length {length}: must be at least 1")
            total = max(0, len(self.lengths) - length + 1)
            shares[length] = Share(int((self.lengths[:total] < length).sum()), total)
        return shares


def compare(samples: Sequence[Text], source: Source) -> list[Matches]:
    """What each sample shares with the source, in one pass over the source.

    `source`: a text, or an iterable of its pieces, such as a file opened in text mode; pieces are
    joined, so a run may reach over several.
    ValueError: str and bytes mixed, or one text in place of a list.
    """
    kind = _kind(samples)
    automaton = SuffixAutomaton(samples)
    for piece in [source] if isinstance(source, str | bytes) else source:
        if kind is not None and not isinstance(piece, kind):
            found = type(piece).__name__
            raise ValueError(f"samples are {kind.__name__}, source is {found}: decode the bytes")
        automaton.feed(piece)
    return [Matches(_from_start(ends)) for ends in automaton.matched()]


def longest_copied_run(sample: Text, source: Source) -> CopiedRun:
    """The longest run of the sample that stands in the source. Several samples: `compare`."""
    return compare([sample], source)[0].longest()


def copied_runs(sample: Text, source: Source, min_length: int = 20) -> list[CopiedRun]:
    """All maximal runs of at least `min_length` that stand in the source: `Matches.runs`."""
    return compare([sample], source)[0].runs(min_length)


def novelty(sample: Text, source: Source, lengths: Sequence[int]) -> dict[int, Share]:
    """Share of the sample's substrings that the source lacks, by length: `Matches.novelty`."""
    return compare([sample], source)[0].novelty(lengths)


def check_no_long_copies(
    samples: Sequence[Text] | Mapping[str, Text],
    source: Source,
    limit: int = COPY_LIMIT,
    reveal: bool = False,
) -> None:
    """Raises if a sample holds more than `limit` characters in a row of the source.

    `samples`: a list, or a mapping from names to texts. The message names the sample with the
    longest such run, its offset and its length; the copied text is printed only with `reveal`,
    since what may not be published may not be logged either. CopyError (a ValueError): such a run.
    """
    named = dict(samples) if isinstance(samples, Mapping) else dict(enumerate(samples))
    longest = [matches.longest() for matches in compare(list(named.values()), source)]
    bad = [(run, name) for run, name in zip(longest, named, strict=True) if run.length > limit]
    if not bad:
        return
    run, name = max(bad, key=lambda pair: pair[0].length)
    text = f": {named[name][run.start : run.start + run.length]!r}" if reveal else ""
    raise CopyError(
        f"sample {name!r} copies {run.length} characters of the source from offset {run.start} on"
        f" (allowed: {limit}; {len(bad)} of {len(named)} samples copy more){text}"
    )


def _from_start(ends: np.ndarray) -> np.ndarray:
    """Longest runs by their first character, from longest runs by their last."""
    places = np.arange(len(ends))
    # The first places of the runs never go back, so the last run reaching a place is found sorted.
    reach = np.searchsorted(places + 1 - ends, places, side="right")
    return np.maximum(reach - places, 0).astype(np.int64)


def _kind(samples: Sequence[Text]) -> type | None:
    if isinstance(samples, str | bytes):
        raise ValueError("samples is one text: pass a list of texts")
    kinds = {type(sample) for sample in samples}
    if len(kinds) > 1 or not kinds <= {str, bytes}:
        names = " and ".join(sorted(k.__name__ for k in kinds))
        raise ValueError(f"samples are {names}: all must be str or all bytes")
    return kinds.pop() if kinds else None
