"""Names, one a line: which of them are new, and are they made as real ones are?

A name is *new* if the training list does not hold it, letter for letter. As a list may well have
"JoAnn" and lack "Jo-Ann", there is a laxer reading beside that: *folded*, names are the same when
they have the same letters, whatever their case and whatever stands between them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.structure.shares import Share

_MARKS = "-' "
LONGEST = 64
"""Letters of a name that a distance is measured for; what is longer is far from everything."""


@dataclass(frozen=True)
class NameShares:
    """What part of drawn names is new, and so on; every draw counts, repeats included."""

    new: Share
    """names that the training list lacks"""
    new_folded: Share
    """names that it lacks even when folded"""
    held_out: Share
    """names that it lacks and the held-out list has"""
    distinct: Share
    """different names, of all that were drawn"""
    well_formed: Share
    """names made as names are, see `well_formed`"""


def lines(text: str, cut_begin: bool = False) -> list[str]:
    """The names of a text, one a line, without empty lines.

    The last line counts only if its line end is there, since the text may be cut in the middle of
    it. `cut_begin`: so may the first, which is then left out as well.
    """
    found = text.split("\n")[:-1]
    return [line for line in found[1 if cut_begin else 0 :] if line]


def folded(name: str) -> str:
    """The letters of a name, all small: "Jo-Ann", "JoAnn" and "Jo Ann" are all "joann"."""
    return "".join(filter(str.isalpha, name)).casefold()


def well_formed(name: str) -> bool:
    """Whether a name consists of parts that are each one capital and then small letters (or the
    capital alone), joined by single hyphens, apostrophes or spaces.

    >>> [well_formed(name) for name in ("Ada", "Anna-Maria", "E'Lane", "JoAnn", "ada", "Jo-")]
    [True, True, True, False, False, False]
    """
    for mark in _MARKS:
        name = name.replace(mark, "\n")
    return all(map(_part, name.split("\n")))


def _part(part: str) -> bool:
    return part.isalpha() and part[0].isupper() and part[1:] == part[1:].lower()


def name_shares(
    names: Sequence[str], training: Collection[str], held_out: Collection[str] = ()
) -> NameShares:
    """What is new, distinct and well formed among names, by the lists given."""
    known, elsewhere = frozenset(training), frozenset(held_out)
    letters = frozenset(map(folded, known))
    counts = Counter(names)

    def share(holds: Callable[[str], bool]) -> Share:
        return Share(sum(n for name, n in counts.items() if holds(name)), len(names))

    return NameShares(
        new=share(lambda name: name not in known),
        new_folded=share(lambda name: folded(name) not in letters),
        held_out=share(lambda name: name not in known and name in elsewhere),
        distinct=Share(len(counts), len(names)),
        well_formed=share(well_formed),
    )


def listed(names: Iterable[str], outside: Collection[str]) -> Share:
    """Different names that a list of other origin has, whatever its spelling of capitals and marks.

    `outside`: that list, folded already.
    """
    different = set(names)
    return Share(sum(folded(name) in outside for name in different), len(different))


def nearest(names: Sequence[str], reference: Iterable[str], most: int = 4) -> np.ndarray:
    """For each name the edit distance to the nearest of `reference`, int64 (len(names),).

    Letters to insert, delete or replace, at least (Levenshtein 1966); counted up to `most`, which
    stands for all that is further. Names of more than `LONGEST` characters get `most`.
    ValueError: nothing to compare with.
    """
    kept = sorted({name for name in reference if len(name) <= LONGEST}, key=len)
    if not kept:
        raise ValueError("the reference has no name to compare with")
    letters, lengths = _padded(kept)
    found: dict[str, int] = {}
    for name in names:
        if name not in found:
            near = slice(
                np.searchsorted(lengths, len(name) - most, side="right"),
                np.searchsorted(lengths, len(name) + most),
            )
            close = len(name) <= LONGEST and near.start < near.stop
            found[name] = _nearest(name, letters[:, near], lengths[near], most) if close else most
    return np.array([found[name] for name in names], dtype=np.int64)


def _padded(names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Code points (longest, N), 0 behind the end of a name, and the names' lengths (N,)."""
    lengths = np.array([len(name) for name in names])
    letters = np.zeros((max(lengths), len(names)), dtype=np.int32)
    for i, name in enumerate(names):
        letters[: len(name), i] = [ord(c) for c in name]
    return letters, lengths


def _nearest(name: str, letters: np.ndarray, lengths: np.ndarray, most: int) -> int:
    """Dynamic programming over one name's letters, for all reference names side by side."""
    longest = int(lengths[-1])
    table = np.arange(longest + 1, dtype=np.int16)[:, None].repeat(len(lengths), axis=1)
    for i, letter in enumerate(name, start=1):
        before, table[0] = table[0].copy(), i  # `before` is what stood above the cell at the left
        for j in range(1, longest + 1):
            replaced = before + (letters[j - 1] != ord(letter))
            before = table[j].copy()
            table[j] = np.minimum(np.minimum(before, table[j - 1]) + 1, replaced)
    return min(most, int(table[lengths, np.arange(len(lengths))].min()))


def first_letter(name: str) -> str:
    """The character that a name begins with, as it is."""
    return name[:1]


def ending(name: str) -> str:
    """The last two characters of a name."""
    return name[-2:]


def frequencies(names: Iterable[str], part: Callable[[str], str]) -> dict[str, float]:
    """How often each part (first letter, ending) occurs, the most frequent first; sums to 1."""
    counts = Counter(map(part, names))
    whole = sum(counts.values())
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {key: count / whole for key, count in ranked}


def total_variation(p: dict[str, float], q: dict[str, float]) -> float:
    """Half the sum of |p - q|: 0 for equal frequencies, 1 where nothing is shared.

    It is above 0 for two draws from the same names, the more so the smaller they are, so compare
    only what was computed from equally many.
    """
    return sum(abs(p.get(key, 0) - q.get(key, 0)) for key in {**p, **q}) / 2
