import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from charrnn.vocab import UnknownCharacterError, Vocab

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "text", ["", "h", "hello", "line\nline\ttab\0", "žluťoučký 漢字 🙂 é e\u0301"]
)
def test_text_round_trip(text):
    vocab = Vocab.of(text + "x")
    ids = vocab.encode(text)
    assert ids.shape == (len(text),)
    assert vocab.decode(ids) == text
    assert vocab.decode_bytes(ids) == text.encode()


@pytest.mark.parametrize("data", [b"", b"h", "漢字 🙂".encode(), b"ok \xff\xfe \xe6\xbc broken"])
def test_bytes_round_trip(data):
    vocab = Vocab.of(data + b"x")
    assert vocab.level == "byte"
    assert vocab.decode_bytes(vocab.encode(data)) == data


def test_bytes_that_are_no_text_show_as_replacement_characters():
    vocab = Vocab.of(bytes(range(256)))
    assert vocab.decode(vocab.encode(b"a\xffb\xe6\xbc")) == "a\ufffdb\ufffd"
    assert vocab.decode(vocab.encode("漢")) == "漢"


def test_a_worked_example():
    vocab = Vocab.of("hello")
    assert vocab.symbols == ("e", "h", "l", "o")
    assert vocab.encode("hello").tolist() == [1, 0, 2, 2, 3]
    assert len(vocab) == 4
    assert Vocab.of(b"ba\xff").symbols == (97, 98, 255)


def test_each_level_takes_str_and_bytes():
    chars, data = Vocab.of("né"), Vocab.of("né".encode())
    assert chars.encode("né".encode()).tolist() == chars.encode("né").tolist() == [0, 1]
    assert data.encode("né").tolist() == data.encode("né".encode()).tolist() == [0, 1 + 1, 1]


def test_ids_are_the_same_in_every_process():
    text = "the quick brown fox, žluťoučký kůň 漢字"
    program = f"from charrnn.vocab import Vocab; print(Vocab.of({text!r}).symbols)"
    environment = {"PYTHONHASHSEED": "12345", "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    out = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True
    )
    assert out.stdout.decode().strip() == repr(Vocab.of(text).symbols)
    assert list(Vocab.of(text).symbols) == sorted(set(text))


@pytest.mark.parametrize(
    ("size", "dtype"), [(1, np.uint8), (256, np.uint8), (257, np.uint16), (65536, np.uint16)]
)
def test_ids_are_as_small_as_they_can_be(size, dtype):
    vocab = Vocab(tuple(chr(c) for c in range(0xE000, 0xE000 + size)))
    ids = vocab.encode(vocab.symbols[-1])
    assert ids.dtype == dtype
    assert ids.tolist() == [size - 1]


def test_ids_grow_to_four_bytes_where_they_must():
    vocab = Vocab(tuple(chr(c) for c in range(0x10000, 0x10000 + 65537)))
    assert vocab.encode(vocab.symbols[-1]).tolist() == [65536]
    assert vocab.dtype.itemsize == 4


def test_unknown_characters_are_an_error_that_names_them():
    with pytest.raises(UnknownCharacterError, match=r"the model never saw 'x' '\?'; leave") as told:
        Vocab.of("hello").encode("hexo?x")
    assert isinstance(told.value, ValueError)
    assert "\n" not in str(told.value)
    with pytest.raises(UnknownCharacterError, match=r"never saw 0; leave"):
        Vocab.of(b"hello").encode(b"\0")


def test_a_long_list_of_unknown_characters_is_cut():
    with pytest.raises(UnknownCharacterError, match=r"'a' 'b' 'c' 'd' 'e' 'f' 'g' 'h' \.\.\.;"):
        Vocab.of("x").encode("abcdefghij")


def test_unknown_characters_can_be_skipped():
    vocab = Vocab.of("hello")
    assert vocab.decode(vocab.encode("héllo!", unknown="skip")) == "hllo"
    assert vocab.encode("???", unknown="skip").shape == (0,)
    assert vocab.unknown("a?ha?") == ["a", "?"]
    assert vocab.unknown("hello") == []


def test_other_policies_are_refused():
    with pytest.raises(ValueError, match="unknown is 'ignore'; it must be one of error, skip"):
        Vocab.of("a").encode("a", unknown="ignore")


@pytest.mark.parametrize("text", ['hello\n"\\\0', "é漢🙂\u2028", b"\x00\xff\n", bytes(range(256))])
def test_json_round_trip(text):
    vocab = Vocab.of(text)
    line = vocab.to_json()
    assert "\n" not in line
    assert Vocab.from_json(line) == vocab


@pytest.mark.parametrize(
    ("symbols", "level", "message"),
    [
        ((), "char", "at least one symbol; the text is empty"),
        (("b", "a"), "char", "must be sorted and distinct"),
        (("a", "a"), "char", "must be sorted and distinct"),
        (("a",), "word", "level is 'word'; it must be one of char, byte"),
    ],
)
def test_impossible_vocabularies_are_refused(symbols, level, message):
    with pytest.raises(ValueError, match=message):
        Vocab(symbols, level)


def test_the_vocabulary_of_nothing_is_refused():
    for nothing in ("", b""):
        with pytest.raises(ValueError, match="the text is empty"):
            Vocab.of(nothing)
