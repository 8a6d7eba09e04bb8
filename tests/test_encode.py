"""A text as ids on disk, and the ids split."""

import gzip
import re
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from charrnn.corpora import (
    CorpusError,
    encode,
    encode_corpus,
    load_corpus,
    split_char_rnn,
    split_contiguous,
    split_lines,
    split_pages,
    texts,
)
from charrnn.vocab import Vocab

TEXT = "Hör auf!\n\n€ Nein.\n" * 50
RAW = TEXT.encode()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CHARRNN_DATA", raising=False)
    return tmp_path / "cache"


def write(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("level", ["char", "byte"])
@pytest.mark.parametrize("chunk", [1, 5, 1 << 22])
def test_ids_agree_with_the_vocabulary_of_the_text(tmp_path, monkeypatch, level, chunk):
    monkeypatch.setattr(texts, "CHUNK", chunk)
    corpus = load_corpus(write(tmp_path / "t.txt", ("😀" + TEXT).encode()), level=level)
    ids, vocab = encode_corpus(corpus)
    whole = corpus.read_text() if level == "char" else corpus.read_bytes()
    assert vocab == Vocab.of(whole)
    assert np.array_equal(ids, vocab.encode(whole)) and ids.dtype == np.uint8
    assert isinstance(ids, np.memmap) and not ids.flags.writeable


@pytest.mark.parametrize("size, dtype", [(256, "u1"), (257, "u2"), (65536, "u2"), (65537, "u4")])
def test_ids_are_as_wide_as_the_vocabulary_needs(tmp_path, size, dtype):
    text = "".join(map(chr, range(0x10000, 0x10000 + size)))
    ids, vocab = encode_corpus(load_corpus(write(tmp_path / "t.txt", text.encode())))
    assert ids.dtype == np.dtype(dtype) and len(vocab) == size
    assert np.array_equal(ids, np.arange(size))


def test_ids_are_cached_and_made_again_when_cut_short(tmp_path, cache, monkeypatch):
    corpus = load_corpus(write(tmp_path / "t.txt", RAW))
    first = np.array(encode_corpus(corpus)[0])
    with monkeypatch.context() as patch:
        patch.setattr(encode, "pieces", lambda _: pytest.fail("encoded again"))
        assert np.array_equal(encode_corpus(corpus)[0], first)
    for damage in (lambda f: f.write_bytes(f.read_bytes()[:-1]), Path.unlink):
        for suffix in ("ids", "json"):
            damage(next((cache / "ids").glob(f"*.{suffix}")))
            assert np.array_equal(encode_corpus(corpus)[0], first)


def test_a_corpus_that_is_not_utf8_is_refused_at_character_level(tmp_path):
    corpus = load_corpus(write(tmp_path / "t.txt", b"caf\xe9"), level="byte")
    with pytest.raises(CorpusError, match="byte 0xe9 at offset 3"):
        encode_corpus(replace(corpus, level="char"))
    with pytest.raises(CorpusError, match="level is 'word'"):
        replace(corpus, level="word")


@pytest.mark.parametrize("level", ["char", "byte"])
def test_preparing_and_encoding_take_little_memory(tmp_path, monkeypatch, level):
    """Pieces of 64 kB, a text of 8 MB: holding the text once would already show."""
    monkeypatch.setattr(texts, "CHUNK", 1 << 16)
    file = write(tmp_path / "t.txt.gz", gzip.compress(RAW * 8_000, 1))
    tracemalloc.start()
    corpus = load_corpus(file, level=level)
    ids, _ = encode_corpus(corpus)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert corpus.n_bytes > 8e6 and len(ids) > 7e6
    assert peak < 5e6


# Splits

ALPHABET = np.arange(26, dtype=np.uint8)


def letters(part):
    return "".join(chr(97 + i) for i in part)


def test_a_contiguous_split_is_cut_where_the_docstring_draws_it():
    split = split_contiguous(ALPHABET, (0.7, 0.15, 0.15))
    drawn = "abcdefghijklmnopqr", "stu", "vwxyz"
    assert (letters(split.train), letters(split.val), letters(split.test)) == drawn
    assert all(part.base is ALPHABET for part in (split.train, split.val, split.test))


@pytest.mark.parametrize(
    "n, fractions, sizes",
    [
        (1_115_394, (0.9, 0.1, 0.0), (1_003_854, 111_540, 0)),
        (1_115_394, (0.9, 0.05, 0.05), (1_003_854, 55_769, 55_771)),
        (100_000_000, (0.96, 0.04, 0.0), (96_000_000, 4_000_000, 0)),
        (7, (1.0, 0.0, 0.0), (7, 0, 0)),
        (7, (0.5, 0.0, 0.5), (3, 0, 4)),
        (10, (0.1 + 0.2, 0.7, 0.0), (3, 7, 0)),
    ],
)
def test_sizes_of_a_contiguous_split(n, fractions, sizes):
    split = split_contiguous(np.zeros(n, np.uint8), fractions)
    assert (len(split.train), len(split.val), len(split.test)) == sizes


@pytest.mark.parametrize(
    "fractions",
    [(0.9, 0.1), (0.9, 0.05, 0.04), (0.0, 0.5, 0.5), (1.1, -0.1, 0.0), (float("nan"), 0.5, 0.5)],
)
def test_fractions_that_do_not_split(fractions):
    with pytest.raises(ValueError, match="three numbers of 0 or more that sum to 1, the first"):
        split_contiguous(ALPHABET, fractions)
    with pytest.raises(ValueError, match="three numbers of 0 or more that sum to 1, the first"):
        split_char_rnn(ALPHABET, 2, 4, fractions)


def test_a_part_that_would_be_empty_is_refused():
    with pytest.raises(ValueError, match="10 ids leave nothing for val at fractions"):
        split_contiguous(ALPHABET[:10], (0.9, 0.05, 0.05))
    with pytest.raises(ValueError, match="0 chunks of 5 x 6 ids leave nothing for train"):
        split_char_rnn(ALPHABET, 5, 6)
    with pytest.raises(ValueError, match="batch 0 x seq 4: both must be at least 1"):
        split_char_rnn(ALPHABET, 0, 4)
    with pytest.raises(ValueError, match=r"ids has shape \(2, 13\)"):
        split_contiguous(ALPHABET.reshape(2, 13))


def test_the_split_of_char_rnn_is_cut_where_the_docstring_draws_it():
    split = split_char_rnn(ALPHABET, batch=2, seq=4, fractions=(0.67, 0.33, 0.0))
    assert (letters(split.train), letters(split.val)) == ("abcdefghmnopqrst", "ijkluvwx")
    assert len(split.test) == 0


def test_the_split_of_char_rnn_gives_its_batches_back():
    """A second, slower truth: batch k is chunk k of every lane, and batches are dealt in order."""
    batch, seq, fractions = 3, 5, (0.5, 0.25, 0.25)
    ids = np.random.default_rng(0).integers(0, 200, 3 * 5 * 9 + 11).astype(np.uint8)
    length = len(ids) // (batch * seq) * seq
    batches = [
        [ids[lane * length + k : lane * length + k + seq].tolist() for lane in range(batch)]
        for k in range(0, length, seq)
    ]
    counts = 4, 2, 3  # floor(9 * 0.5), floor(9 * 0.25), the rest
    split = split_char_rnn(ids, batch, seq, fractions)
    for part, count in zip((split.train, split.val, split.test), counts, strict=True):
        lanes = part.reshape(batch, -1)
        assert lanes.shape == (batch, count * seq)
        for k in range(count):
            assert lanes[:, k * seq : (k + 1) * seq].tolist() == batches.pop(0)
    assert batches == []


# Lists, cut between lines


def as_ids(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def lines_of(part: np.ndarray) -> list[str]:
    text = part.tobytes().decode()
    assert not text or text.endswith("\n")
    return text.splitlines()


def test_lines_are_shuffled_and_equal_ones_stay_on_one_side():
    names = [f"name{i % 70}" for i in range(100)]  # thirty of them twice
    ids = as_ids("\n".join(names) + "\n")
    split = split_lines(ids, ord("\n"), (0.6, 0.2, 0.2), seed=1)
    parts = [lines_of(part) for part in (split.train, split.val, split.test)]
    assert sorted(line for part in parts for line in part) == sorted(names)
    assert [len(set(part)) for part in parts] == [42, 14, 14]
    assert not set(parts[0]) & set(parts[1]) and not set(parts[0]) & set(parts[2])
    assert not set(parts[1]) & set(parts[2])
    assert parts[0] != sorted(parts[0], key=names.index)
    again = split_lines(ids, ord("\n"), (0.6, 0.2, 0.2), seed=1)
    other = split_lines(ids, ord("\n"), (0.6, 0.2, 0.2), seed=2)
    assert again.train.tolist() == split.train.tolist() != other.train.tolist()
    assert split.train.dtype == ids.dtype


def test_a_last_line_without_its_newline_gets_one_and_empty_lines_go():
    split = split_lines(as_ids("b\n\n\na"), ord("\n"), (0.5, 0.5, 0.0))
    assert sorted(lines_of(split.train) + lines_of(split.val)) == ["a", "b"]
    assert len(split.test) == 0


def test_lines_of_wide_ids():
    ids = np.array([300, 2, 10, 400, 10], np.uint16)
    split = split_lines(ids, 10, (0.5, 0.5, 0.0))
    both = sorted([split.train.tolist(), split.val.tolist()])
    assert both == [[300, 2, 10], [400, 10]] and split.train.dtype == np.uint16


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_nothing_to_split_by_lines_is_an_error(text):
    with pytest.raises(ValueError, match="there are no lines to split; the text is empty"):
        split_lines(as_ids(text), ord("\n"))


# Dumps, cut between pages


def page(title: str, text: str) -> str:
    return f"  <page>\n    <title>{title}</title>\n    <text>{text}</text>\n  </page>\n"


def pages_of(text: str, fractions=(0.6, 0.2, 0.2), seed=0) -> list[str]:
    vocab = Vocab.of(text.encode())
    split = split_pages(vocab.encode(text.encode()), vocab, fractions, seed)
    return [vocab.decode(part) for part in (split.train, split.val, split.test)]


def test_pages_stay_whole_and_pages_of_one_title_together():
    dump = "<mediawiki>\n" + "".join(page(f"T{i % 60}", f"text {i}") for i in range(120))
    parts = pages_of(dump)
    assert sum(map(len, parts)) == len(dump) and parts[0].startswith("<mediawiki>\n  <page>")
    titles = [set(re.findall("<title>(.*?)</title>", part)) for part in parts]
    assert len(titles[0] | titles[1] | titles[2]) == sum(map(len, titles)) == 60
    for part in parts:
        assert part.count("<page>") == part.count("</page>")
        for title in re.findall("<title>(.*?)</title>", part):
            assert part.count(f"<title>{title}<") == 2
    assert pages_of(dump) == parts != pages_of(dump, seed=1)
    assert len(titles[0]) > len(titles[1]) + len(titles[2])


def test_pages_need_pages_and_titles():
    with pytest.raises(ValueError, match="there is no <page> in this text"):
        pages_of("<pag\n" * 40)
    with pytest.raises(ValueError, match="a page has no <title>"):
        pages_of("<page>\n<titl\n" * 40 + "</title>")
    with pytest.raises(ValueError, match="1 pages leave nothing for"):
        pages_of(page("One", "a"))
