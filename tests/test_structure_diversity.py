"""Diversity, by hand."""

import math

import pytest

from charrnn.structure.diversity import (
    distinct_n,
    ngram_entropy,
    repeated_share,
    type_token_ratio,
)
from charrnn.structure.shares import Share


def test_distinct_words_and_characters():
    assert distinct_n("The cat, the dog.", 1) == Share(3, 4)
    assert distinct_n("the cat the cat", 2) == Share(2, 3)
    assert distinct_n("abab", 2, level="char") == Share(2, 3)
    assert distinct_n("Aa", 1, level="char") == Share(2, 2)
    assert distinct_n("one", 2) == Share(0, 0)


def test_repeated_share_is_the_rest():
    text = "we know what we know what we know"
    assert distinct_n(text, 4) == Share(3, 5)
    assert repeated_share(text) == Share(2, 5)
    assert repeated_share("all of these words differ here") == Share(0, 3)


def test_a_loop_has_less_of_everything():
    loop, prose = "the same thing that was " * 5, "a b c d e f g h i j k l m n o p q r s t u v w"
    assert repeated_share(loop).value > 0.7
    assert repeated_share(prose).value == 0
    assert ngram_entropy(loop, 3) < 5


def test_type_token_ratio_by_segment():
    # Segments "a b", "a a", and a rest of one word.
    assert type_token_ratio("a b a a c", length=2) == pytest.approx((1 + 0.5) / 2)
    assert type_token_ratio("a b a a", length=4) == 0.5
    # Longer texts of the same kind keep their ratio, which the plain one does not.
    assert type_token_ratio("a b c a " * 50, length=4) == type_token_ratio("a b c a", length=4)


def test_entropy_by_hand():
    assert ngram_entropy("abab") == 1.0
    assert ngram_entropy("aabc") == 1.5
    assert ngram_entropy("abca", 2) == pytest.approx(math.log2(3))
    assert ngram_entropy("aaaa") == 0.0
    assert math.copysign(1, ngram_entropy("aaaa")) == 1  # not -0.0


def test_wrong_arguments_raise():
    with pytest.raises(ValueError, match="level 'byte': must be 'word' or 'char'"):
        distinct_n("abc", 1, level="byte")
    with pytest.raises(ValueError, match="n=0"):
        distinct_n("abc", 0)
    with pytest.raises(ValueError, match="2 words in the text: a segment needs 3"):
        type_token_ratio("a b", length=3)
    with pytest.raises(ValueError, match="length 0"):
        type_token_ratio("a b", length=0)
    with pytest.raises(ValueError, match="no 4-gram"):
        ngram_entropy("abc", 4)
