"""Broken UTF-8, against Python's own decoder and against sequences broken by hand."""

import pytest

from charrnn.structure.shares import Share
from charrnn.structure.utf8 import known_characters, valid_sequences, whole

TEXT = "naïve 日本語 🙂 ASCII".encode()


@pytest.mark.parametrize(
    ("text", "share"),
    [
        (b"", Share(0, 0)),
        (b"plain ASCII\n", Share(0, 0)),
        (TEXT, Share(5, 5)),
        (b"a\xc3 b", Share(0, 1)),  # a first byte and nothing after it
        (b"abc\xa9 b", Share(0, 1)),  # a continuation byte alone, not at the beginning
        (b"a\xe6\x97 b", Share(0, 1)),  # two of three bytes: one broken character
        (b"a\xc3\xc3\xa9 b", Share(1, 2)),
        (b"a\xc0\xaf b", Share(0, 2)),  # overlong
        (b"a\xed\xa0\x80 b", Share(0, 3)),  # a surrogate
        (b"a\xf5 b", Share(0, 1)),  # above U+10FFFF
        ("a\ufffdb".encode(), Share(1, 1)),  # U+FFFD itself is a valid character
        (b"a\xef\xbf\xbd\xc3 b", Share(1, 2)),
        ("a\u2028b\x85c".encode(), Share(2, 2)),
    ],
)
def test_by_hand(text, share):
    assert valid_sequences(text) == share


def test_a_character_that_either_end_cuts_is_no_error():
    for start in range(len(TEXT)):
        for end in range(start, len(TEXT) + 1):
            found = valid_sequences(TEXT[start:end])
            assert found.hits == found.total


def test_whole_leaves_out_no_more_than_the_cut_characters():
    assert whole(TEXT) == TEXT and whole(b"") == b""
    assert whole(TEXT[3:]) == TEXT[4:]  # ï is cut in half
    assert whole("🙂".encode()[1:]) == b""
    assert whole(b"\x80\x80\x80\x80a") == b"\x80a"  # one more than any cut could leave
    assert whole(b"a\xf0\x9f\x99") == b"a" and whole(b"a\xc3\xc3") == b"a\xc3"


def test_known_characters():
    assert known_characters("aéöé日".encode() + b"\xc3 ", {"é", "日", "x"}) == Share(3, 4)
    assert known_characters(b"ASCII", {"A"}) == Share(0, 0)
