"""Words, lexicons, spelling, footnote marks, and the intervals that all shares carry."""

import itertools
import json
import math
import random

import pytest

from charrnn.structure.essays import FootnoteMark, footnote_marks, share_with_marks
from charrnn.structure.shares import (
    Estimate,
    Share,
    bootstrap_mean,
    bootstrap_share,
    largest_of,
    pieces,
)
from charrnn.structure.words import (
    Lexicon,
    known_share,
    known_share_by_length,
    spelling_errors,
    words,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Is't so?", ["Is't", "so"]),
        ("'tis o'er, boys'", ["tis", "o'er", "boys"]),
        ("don\u2019t", ["don't"]),
        ("well-known sleep--die -x-", ["well-known", "sleep", "die", "x"]),
        ("the 4th x86 do_fork run", ["the", "run"]),
        ("na\u00efve Zürich", ["na\u00efve", "Zürich"]),
        ("a\nb\tc", ["a", "b", "c"]),
    ],
)
def test_tokeniser(text, expected):
    assert words(text) == expected


def test_cut_ends_drop_only_words_that_touch_an_end():
    assert words("lf a word and anoth", cut_ends=True) == ["a", "word", "and"]
    assert words(" whole words.", cut_ends=True) == ["whole", "words"]


def test_lexicon_rules():
    lexicon = Lexicon.of(["Zero", "sum", "startup", "banished", "o'er"])
    for word in ("zero", "ZERO", "zero-sum", "startup's", "banish'd", "o'er", "Startup's-sum"):
        assert word in lexicon, word
    for word in ("zer", "zero-sun", "startups", "banish", "banish'ed", "sum'd"):
        assert word not in lexicon, word
    assert len(lexicon) == 5


def test_lexicon_from_text_and_union():
    text = "The honour of the honour"
    assert Lexicon.from_text(text).entries == {"the", "honour", "of"}
    assert Lexicon.from_text(text, min_count=2).entries == {"the", "honour"}
    both = Lexicon.from_text(text, name="play") | Lexicon.of(["king"], name="list")
    assert both.name == "play or list"
    assert "king" in both
    assert "of" in both
    with pytest.raises(ValueError, match="min_count 0"):
        Lexicon.from_text(text, min_count=0)


def test_english_knows_words_and_not_jumbles():
    english = Lexicon.english()
    for word in ("the", "unreasonable", "startups", "don't", "thou", "a", "I", "web-based"):
        assert word in english, word
    for word in ("teh", "recieve", "wordd", "e", "hg", "kb", "vhf", "qwxz"):
        assert word not in english, word
    assert len(english) > 100_000


def test_jumbled_letters_are_far_below_real_text():
    text = (
        "The measure of a thing is taken beside another thing, and a measure that every text passes"
        " measures nothing. So the letters of these sentences are shuffled, and counted again."
    )
    letters = [c for c in text.lower() if c.isalpha()]
    random.Random(0).shuffle(letters)
    shuffled = "".join(letters.pop() if c.isalpha() else c for c in text)
    english = Lexicon.english()
    assert known_share(text, english, cut_ends=False).value == 1
    assert known_share(shuffled, english, min_letters=4, cut_ends=False).value < 0.15


def test_known_share_counts():
    lexicon = Lexicon.of(["the", "cat", "sat"])
    text = "the cta sat on the cat"
    assert known_share(text, lexicon, cut_ends=False) == Share(4, 6)
    assert known_share(text, lexicon) == Share(2, 4)
    assert known_share(text, lexicon, min_letters=3, cut_ends=False) == Share(4, 5)
    assert known_share("", lexicon) == Share(0, 0)


def test_known_share_by_length_counts_letters():
    lexicon = Lexicon.of(["the", "on", "o'er"])
    found = known_share_by_length("the on in o'er cta", lexicon, cut_ends=False)
    assert found == {2: Share(1, 2), 3: Share(2, 3)}
    assert list(found) == [2, 3]


def test_spelling_errors_leave_names_alone():
    lexicon = Lexicon.of(["the", "prince", "went"])
    found = spelling_errors("the prince Volkonsky wnet. Teh prnice iPod", lexicon, cut_ends=False)
    assert found.words == ("wnet", "prnice")
    assert found.share == Share(2, 4)


def test_wilson_interval_against_published_values():
    # Newcombe 1998 (Statistics in Medicine 17:857-872), table I, method 3.
    for hits, total, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        assert Share(hits, total).interval() == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_edges():
    assert Share(0, 0).interval() == (0.0, 1.0)
    assert math.isnan(Share(0, 0).value)
    assert Share(20, 20).interval()[1] == 1.0
    wide, narrow = Share(3, 10).interval(0.99), Share(3, 10).interval(0.5)
    assert wide[0] < narrow[0] < 0.3 < narrow[1] < wide[1]
    with pytest.raises(ValueError, match=r"confidence 95"):
        Share(1, 2).interval(95)


def test_share_refuses_and_adds():
    assert sum([Share(1, 2), Share(2, 3)], Share(0, 0)) == Share(3, 5)
    with pytest.raises(ValueError, match="3 in 2"):
        Share(3, 2)
    with pytest.raises(ValueError, match="-1 in 2"):
        Share(-1, 2)
    assert json.loads(json.dumps(Share(0, 0).as_dict(), allow_nan=False))["value"] is None
    assert Share(1, 4).as_dict()["value"] == 0.25


def test_bootstrap_mean():
    rng = random.Random(0)
    values = [rng.gauss(5, 2) for _ in range(400)]
    found = bootstrap_mean(values, seed=0)
    assert found.value == pytest.approx(sum(values) / 400)
    assert found.samples == 400
    # The normal interval has half-width 1.96 x 2 / 20 = 0.196.
    assert found.high - found.low == pytest.approx(0.39, rel=0.15)
    assert found == bootstrap_mean(values, seed=0)
    assert found != bootstrap_mean(values, seed=1)
    assert bootstrap_mean([3, 3, 3], seed=0) == Estimate(3.0, 3.0, 3.0, 3)


def test_a_share_of_answers():
    assert Share.of([]) == Share(0, 0)
    assert Share.of(n > 1 for n in range(5)) == Share(3, 5)
    assert Share.of(["a", "", None]) == Share(1, 3)  # whatever counts as yes


def test_bootstrap_share_pools_and_keeps_samples_whole():
    # Every sample is all right or all wrong: 20 draws, not 2000, and Wilson cannot know it.
    shares = [Share(100 * (i % 2), 100) for i in range(20)]
    found = bootstrap_share([*shares, Share(0, 0)], seed=0)
    assert found.value == 0.5
    assert found.samples == 20
    low, high = sum(shares, Share(0, 0)).interval()
    assert found.high - found.low > 5 * (high - low)
    # Pooled, not the mean of the shares: 1 of 1 and 0 of 9 make 1 of 10.
    assert bootstrap_share([Share(1, 1), Share(0, 9)], seed=0).value == 0.1


def test_where_nothing_or_everything_hits_the_interval_is_wilsons():
    for shares in ([Share(0, 11), Share(0, 11)], [Share(1, 1), Share(1, 1)]):
        found, pooled = bootstrap_share(shares, seed=0), sum(shares, Share(0, 0))
        assert (found.low, found.high) == pooled.interval()
        assert found.high - found.low > 0.1 and found.samples == 2


def test_the_largest_of_few_is_the_median_over_all_ways_to_choose_them():
    values = [3, 1, 4, 1, 5, 9, 2, 6]
    for n in (1, 2, 3, 7):
        drawn = sorted(max(chosen) for chosen in itertools.combinations(values, n))
        assert largest_of(values, n) == drawn[(len(drawn) - 1) // 2]
    assert largest_of(values, 8) == largest_of(values, 100) == 9
    with pytest.raises(ValueError, match="both must be 1 or more"):
        largest_of([], 3)


def test_bootstrap_refuses():
    with pytest.raises(ValueError, match="1 samples"):
        bootstrap_mean([1.0], seed=0)
    with pytest.raises(ValueError, match="finite"):
        bootstrap_mean([1.0, math.nan], seed=0)
    with pytest.raises(ValueError, match="n=0"):
        bootstrap_mean([1.0, 2.0], seed=0, n=0)
    with pytest.raises(ValueError, match="0 samples"):
        bootstrap_share([Share(0, 0)], seed=0)


def test_pieces():
    assert pieces("abcdefg", 3) == ["abc", "def"]
    assert pieces("ab", 3) == []
    with pytest.raises(ValueError, match="length 0"):
        pieces("ab", 0)


def test_footnote_marks():
    text = "So. [1] And \\[12\\]\n\n[1] A note.\nNo: [0] [x] [123] [2\\] \\[2]"
    assert footnote_marks(text) == [
        FootnoteMark(4, 1, False),
        FootnoteMark(12, 12, False),
        FootnoteMark(20, 1, True),
    ]


def test_share_with_marks():
    assert share_with_marks(["a [1]", "b", "\\[3\\]"]) == Share(2, 3)
    assert share_with_marks([]) == Share(0, 0)
