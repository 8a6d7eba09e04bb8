"""Words: are they real ones, and how often are they misspelt?"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from charrnn.structure.shares import Share

# The quantifiers are possessive (`++`): without them "x86" would give up a digit's neighbour
# letter by letter until some rest of the word fits.
_WORD = re.compile(r"(?<!\w)[^\W\d_]++(?:['-][^\W\d_]++)*+(?!\w)")

# Of its short entries the dictionary's floor count (50) marks abbreviations and symbols ("hg",
# "kb", "vhf"): kept, they make every second jumble of two letters a word.
_LEAST_COUNT = {2: 1000, 3: 51}
_ONE_LETTER = {"a", "i", "o"}


def words(text: str, cut_ends: bool = False) -> list[str]:
    """The words of a text, as written: letters, joined by single inner apostrophes or hyphens.

    Letters are those of Unicode. A run of letters that touches a digit or an underscore is no word
    ("4th", "do_fork"). A typographic apostrophe becomes a plain one; outer ones are dropped.
    `cut_ends`: the text is a piece cut out of a longer one, so a word that touches either end may
    be half a word, and is left out.

    >>> words("Is't so? 'tis well-known--the 2nd time")
    ["Is't", 'so', 'tis', 'well-known', 'the', 'time']
    """
    text = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    found = [m for m in _WORD.finditer(text)]
    if cut_ends:
        found = [m for m in found if m.start() > 0 and m.end() < len(text)]
    return [m.group() for m in found]


@dataclass(frozen=True)
class Lexicon:
    """A set of known words, in lower case. `word in lexicon` ignores case and knows three rules.

    Besides the listed words it takes: words joined by hyphens, each of them known
    ("zero-sum"); the possessive of a known word ("startup's"); and the old spelling 'd of a known
    word's -ed ("banish'd").
    """

    name: str
    entries: frozenset[str]

    @classmethod
    def of(cls, entries: Iterable[str], name: str = "list") -> "Lexicon":
        """A lexicon of the given words."""
        return cls(name, frozenset(word.lower() for word in entries))

    @classmethod
    def from_text(cls, text: str, min_count: int = 1, name: str = "text") -> "Lexicon":
        """All words that a text has at least `min_count` times. ValueError: min_count < 1."""
        if min_count < 1:
            raise ValueError(f"min_count {min_count}: must be at least 1")
        counts = Counter(word.lower() for word in words(text))
        return cls(name, frozenset(word for word, n in counts.items() if n >= min_count))

    @classmethod
    def english(cls) -> "Lexicon":
        """About 160,000 English words, American spelling, from the package pyspellchecker (MIT).

        The list comes with the package: nothing is downloaded. Of its entries of one letter only
        a, i and o are kept, and of two or three letters only those that it has counted in use.
        """
        return _english()

    def __or__(self, other: "Lexicon") -> "Lexicon":
        return Lexicon(f"{self.name} or {other.name}", self.entries | other.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, word: str) -> bool:
        word = word.lower()
        if word in self.entries:
            return True
        if "-" in word:
            return all(part in self for part in word.split("-"))
        if word.endswith("'s"):
            return word[:-2] in self.entries
        return word.endswith("'d") and word[:-2] + "ed" in self.entries


@cache
def _english() -> Lexicon:
    # Imported here because loading the list takes a quarter of a second that few callers need.
    from spellchecker import SpellChecker

    counts = SpellChecker(language="en").word_frequency.dictionary
    kept = {w for w, n in counts.items() if len(w) > 1 and n >= _LEAST_COUNT.get(len(w), 0)}
    return Lexicon("English", frozenset(kept | _ONE_LETTER))


@dataclass(frozen=True)
class SpellingErrors:
    """The misspelt words in the order of the text, and their share of the words looked at."""

    words: tuple[str, ...]
    share: Share


def known_share(text: str, lexicon: Lexicon, min_letters: int = 1, cut_ends: bool = True) -> Share:
    """Share of a text's words, of at least `min_letters` letters, that the lexicon knows.

    Short words are known by chance: see `known_share_by_length`. `cut_ends` as in `words`; pass
    False for a text that is whole.
    """
    return _known([w for w in words(text, cut_ends) if _letters(w) >= min_letters], lexicon)


def known_share_by_length(text: str, lexicon: Lexicon, cut_ends: bool = True) -> dict[int, Share]:
    """`known_share` by the number of letters, in rising order, without absent lengths.

    The same call on the text with its letters shuffled gives the level of chance.
    """
    by_length: dict[int, list[str]] = {}
    for word in words(text, cut_ends):
        by_length.setdefault(_letters(word), []).append(word)
    return {n: _known(by_length[n], lexicon) for n in sorted(by_length)}


def spelling_errors(text: str, lexicon: Lexicon, cut_ends: bool = True) -> SpellingErrors:
    """The unknown words among those written in lower case throughout.

    Words with a capital are not looked at: many are names, which no dictionary knows. The share
    is of the words looked at.
    """
    lower = [word for word in words(text, cut_ends) if word.islower()]
    wrong = tuple(word for word in lower if word not in lexicon)
    return SpellingErrors(wrong, Share(len(wrong), len(lower)))


def _known(found: list[str], lexicon: Lexicon) -> Share:
    return Share(sum(word in lexicon for word in found), len(found))


def _letters(word: str) -> int:
    return sum(character.isalpha() for character in word)
