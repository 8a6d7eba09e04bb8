"""Diversity: how much of a text is said once, and how much again?

All of these depend on the text's length: compare texts of the same length only, and take
intervals from `bootstrap_mean` or `bootstrap_share` over samples, since n-grams that overlap are
not independent draws.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from charrnn.structure.shares import Share
from charrnn.structure.words import words


def distinct_n(text: str, n: int, level: str = "word") -> Share:
    """Different n-grams over all n-grams (Li et al. 2016, "distinct-n"), of words or characters.

    Words are compared in lower case. `level`: "word" or "char". ValueError: another level, n < 1.
    """
    grams = _ngrams(_symbols(text, level), n)
    return Share(len(set(grams)), len(grams))


def repeated_share(text: str, n: int = 4, level: str = "word") -> Share:
    """Share of the n-grams that the same text had before: 1 - distinct-n (Welleck et al. 2020)."""
    once = distinct_n(text, n, level)
    return Share(once.total - once.hits, once.total)


def type_token_ratio(text: str, length: int = 100) -> float:
    """Different words over words, in segments of `length` words each, averaged (Johnson 1944).

    Segments do not overlap and a shorter rest is left out, so texts of different length can be
    compared. ValueError: length < 1, or a text of fewer than `length` words.
    """
    if length < 1:
        raise ValueError(f"length {length}: a segment needs at least one word")
    found = _symbols(text, "word")
    if len(found) < length:
        raise ValueError(f"{len(found)} words in the text: a segment needs {length}, pass fewer")
    starts = range(0, len(found) - length + 1, length)
    return float(np.mean([len(set(found[i : i + length])) / length for i in starts]))


def ngram_entropy(text: str, n: int = 1) -> float:
    """Entropy in bits of the character n-grams as counted in the text: -sum p log2 p.

    The counted entropy is too low in short texts (Miller 1955), and never above
    log2(len(text) - n + 1). ValueError: n < 1, or a text shorter than n.
    """
    grams = _ngrams(text, n)
    if not grams:
        raise ValueError(f"{len(text)} characters in the text: no {n}-gram to count")
    p = np.array(list(Counter(grams).values())) / len(grams)
    return float(np.sum(p * np.log2(1 / p)))


def _symbols(text: str, level: str) -> Sequence[str]:
    if level == "char":
        return text
    if level == "word":
        return [word.lower() for word in words(text)]
    raise ValueError(f"level {level!r}: must be 'word' or 'char'")


def _ngrams(symbols: Sequence[str], n: int) -> list[Sequence[str]]:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one member")
    grams = (symbols[i : i + n] for i in range(len(symbols) - n + 1))
    return [gram if isinstance(gram, str) else tuple(gram) for gram in grams]
