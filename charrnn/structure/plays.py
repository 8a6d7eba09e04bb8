"""Plays: speakers, speeches and monologues, in the form

    First Citizen:
    Before we proceed any further, hear me speak.

    All:
    Speak, speak.

with a block a speech: a heading, the lines of the speech, and an empty line between blocks.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from charrnn.structure.shares import Share

_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
_SMALL_WORDS = {"a", "and", "of", "the", "to", "&"}
_HEADING_WORD = re.compile(r"[\['&]?[A-Z][A-Za-z'-]*[\],]?")
_LONGEST_HEADING = 40


@dataclass(frozen=True)
class Speech:
    """A well-formed block: its speaker, without the colon, and its lines."""

    speaker: str
    lines: tuple[str, ...]

    @property
    def characters(self) -> int:
        """Characters of the lines, with the line ends between them."""
        return len("\n".join(self.lines))


@dataclass(frozen=True)
class Spread:
    """How `n` counts are distributed: 10th percentile, median, 90th percentile, largest.

    All are nan, and `n` 0, where there was nothing to count.
    """

    n: int
    p10: float
    median: float
    p90: float
    largest: float

    @classmethod
    def of(cls, counts: Iterable[int]) -> "Spread":
        values = np.array(list(counts), dtype=np.float64)
        if not len(values):
            return cls(0, *[float("nan")] * 4)
        p10, median, p90 = np.percentile(values, [10, 50, 90])
        return cls(len(values), float(p10), float(median), float(p90), float(values.max()))


@dataclass(frozen=True)
class PlayStructure:
    """The form of a play, counted over complete blocks."""

    headings: Share
    """blocks whose first line is a heading"""
    well_formed: Share
    """blocks of a heading and at least one line of speech"""
    changes: Share
    """neighbouring speeches by different speakers"""
    capital_lines: Share
    """lines of speech whose first letter is a capital"""
    known_speeches: Share
    """speeches whose speaker is in the reference"""
    known_speakers: Share
    """different speakers that are in the reference"""
    speakers: tuple[str, ...]
    """different speakers, the one with most speeches first"""
    invented: tuple[str, ...]
    """those of them that the reference lacks"""
    speech_lines: Spread
    """lines of a speech; `largest` is the longest monologue"""
    speech_characters: Spread
    """characters of a speech"""
    line_characters: Spread
    """characters of a line of speech"""


def blocks(text: str, cut_ends: bool = True) -> list[str]:
    """The blocks of a text: what stands between lines that are empty or hold only blanks.

    `cut_ends`: the text is a piece cut out of a longer one, so its first and its last block may be
    half a block, and are left out.
    """
    found = _BLANK_LINES.split(text)
    if cut_ends:
        found = found[1:-1]
    lines = ([line for line in block.split("\n") if line.strip()] for block in found)
    return ["\n".join(block) for block in lines if block]


def heading(line: str) -> str | None:
    """The speaker that a line announces, or None if it is no heading.

    A heading ends with a colon, its only one, has at most 40 characters, and its words begin with a
    capital ("First Citizen:", "KING HENRY VI:") or are, after the first, one of a, and, of, the,
    to. An ampersand may stand for "and", and an apostrophe or brackets round a word are allowed.
    """
    name = line[:-1]
    if not line.endswith(":") or ":" in name or len(name) > _LONGEST_HEADING:
        return None
    first, *rest = name.split(" ")
    later = all(word in _SMALL_WORDS or _HEADING_WORD.fullmatch(word) for word in rest)
    return name if later and _HEADING_WORD.fullmatch(first) else None


def speeches(text: str, cut_ends: bool = True) -> list[Speech]:
    """The well-formed blocks, in the order of the text: a heading and at least one line."""
    found = (_speech(block) for block in blocks(text, cut_ends))
    return [speech for speech in found if speech is not None]


def speakers(text: str) -> Counter[str]:
    """How many speeches each speaker has in a whole text: the reference for `play_structure`."""
    return Counter(speech.speaker for speech in speeches(text, cut_ends=False))


def play_structure(
    texts: str | Sequence[str], reference: Collection[str] = (), cut_ends: bool = True
) -> PlayStructure:
    """The form of one text or of several samples, pooled.

    `reference`: the speakers that exist, such as `speakers(training_text)`; without it all are
    invented. A real text cut from a play that the training text lacks "invents" speakers as well,
    so read `known_speeches` beside that of held-out text. `cut_ends` as in `blocks`; long speeches
    are the likelier to be cut off, so the yardstick is real text in pieces as long as the samples.
    """
    samples = [texts] if isinstance(texts, str) else texts
    # One list a sample, so that a sample's last block and the next one's first are no neighbours.
    parsed = [[(block, _speech(block)) for block in blocks(text, cut_ends)] for text in samples]
    said = [speech for sample in parsed for _, speech in sample if speech is not None]
    firsts = [block.split("\n", 1)[0] for sample in parsed for block, _ in sample]
    lines = [line for speech in said for line in speech.lines]
    counts = Counter(speech.speaker for speech in said)
    invented = tuple(name for name, _ in counts.most_common() if name not in reference)
    return PlayStructure(
        headings=Share.of(heading(line) is not None for line in firsts),
        well_formed=Share(len(said), len(firsts)),
        changes=Share.of(
            a.speaker != b.speaker
            for sample in parsed
            for (_, a), (_, b) in pairwise(sample)
            if a is not None and b is not None
        ),
        capital_lines=Share.of(_begins_with_capital(line) for line in lines),
        known_speeches=Share.of(speech.speaker in reference for speech in said),
        known_speakers=Share(len(counts) - len(invented), len(counts)),
        speakers=tuple(name for name, _ in counts.most_common()),
        invented=invented,
        speech_lines=Spread.of(len(speech.lines) for speech in said),
        speech_characters=Spread.of(speech.characters for speech in said),
        line_characters=Spread.of(len(line) for line in lines),
    )


def _speech(block: str) -> Speech | None:
    first, *lines = block.split("\n")
    speaker = heading(first)
    return Speech(speaker, tuple(lines)) if speaker is not None and lines else None


def _begins_with_capital(line: str) -> bool:
    letter = next((character for character in line if character.isalpha()), "")
    return letter.isupper()
