"""The lanes of a large piece against the plain reading, symbol by symbol."""

import random

import numpy as np
import pytest

from charrnn.structure import suffixes
from charrnn.structure.copying import compare
from charrnn.structure.suffixes import SuffixAutomaton


def random_texts(rng, letters, count, longest):
    return ["".join(rng.choices(letters, k=rng.randrange(longest))) for _ in range(count)]


def in_lanes(texts, pieces, lanes, large=1):
    automaton = SuffixAutomaton(texts)
    for piece in pieces:
        automaton.feed(piece, large=large, lanes=lanes)
    return automaton


def one_by_one(texts, pieces):
    return in_lanes(texts, pieces, lanes=1, large=float("inf"))


def assert_same(one, other):
    for a, b in zip(one.matched(), other.matched(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (one._state, one._matched) == (other._state, other._matched)


@pytest.mark.parametrize("letters", ["a", "ab", "abc", "abcdefgh"])
@pytest.mark.parametrize("lanes", [1, 2, 7, 100])
def test_lanes_find_what_the_plain_reading_finds(letters, lanes):
    rng = random.Random(lanes)
    for _ in range(40):
        texts = random_texts(rng, letters, 3, 30)
        pieces = random_texts(rng, letters + "x", 3, 80)
        assert_same(in_lanes(texts, pieces, lanes), one_by_one(texts, pieces))


def test_small_and_large_pieces_may_take_turns():
    rng = random.Random(8)
    for _ in range(100):
        texts = random_texts(rng, "ab", 2, 40)
        pieces = random_texts(rng, "abx", 6, 60)
        assert_same(in_lanes(texts, pieces, lanes=5, large=30), one_by_one(texts, pieces))


def test_a_run_over_many_lanes_and_over_pieces():
    text = "".join(random.Random(2).choices("abcdef", k=3000))
    for size in (700, 3000):  # longer and shorter than the part that is read again at a piece's end
        pieces = [text[i : i + size] for i in range(0, len(text), size)]
        found = in_lanes([text], ["xy", *pieces, "y"], lanes=64)
        assert found.matched()[0][-1] == 3000
        assert found._matched == 0


def test_bytes_and_all_of_unicode_and_symbols_that_no_text_has():
    texts = ["Zürich ☃ 𝄞", "\ud800x"]
    pieces = ["in Zürich ☃ 𝄞, x\ud800x", "\U0010ffff" * 50]
    assert_same(in_lanes(texts, pieces, lanes=4), one_by_one(texts, pieces))
    raw, other = [bytes(range(256))], [bytes(range(100, 256)) * 2, b"\xff\x00"]
    assert_same(in_lanes(raw, other, lanes=4), one_by_one(raw, other))


def test_texts_too_large_for_the_table_are_read_symbol_by_symbol(monkeypatch):
    monkeypatch.setattr(suffixes, "LARGEST_TABLE", 10)
    texts, pieces = ["abcabdabe"], ["xxabdxx", "abca"]
    found = in_lanes(texts, pieces, lanes=3)
    assert not found._lanes.fits
    assert_same(found, one_by_one(texts, pieces))


def test_no_text_and_empty_texts():
    assert in_lanes([], ["abc"], lanes=2).matched() == []
    assert [m.tolist() for m in in_lanes(["", "a"], ["abc"], lanes=2).matched()] == [[], [1]]


def test_a_megabyte_is_compared_in_lanes(monkeypatch):
    """At the size that the book's sources come in, against the plain reading of the same."""
    rng = np.random.default_rng(5)
    source = rng.integers(97, 101, 2 * suffixes.LARGE, dtype=np.uint8).tobytes()
    samples = [source[1000:1400], b"ab" * 40 + source[-60:]]
    reads = []
    monkeypatch.setattr(suffixes.Lanes, "read", spied(suffixes.Lanes.read, reads))
    quick = compare(samples, source)
    assert len(reads) == 1
    monkeypatch.setattr(suffixes, "LARGEST_TABLE", 0)
    slow = compare(samples, source)
    for a, b in zip(quick, slow, strict=True):
        np.testing.assert_array_equal(a.lengths, b.lengths)
    assert quick[0].longest().length == 400


def spied(method, calls):
    def call(*arguments):
        calls.append(arguments)
        return method(*arguments)

    return call
