"""A text on disk as ids on disk, and the ids cut into training, validation and test.

Both passes, one that finds the vocabulary and one that writes the ids, take a few megabytes at a
time; the ids are then a read-only memory map, of which training reads only what a step needs.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from charrnn.corpora.texts import CorpusError, cache_folder, decoded, pieces, workspace
from charrnn.vocab import Vocab

FORMAT = 1  # of the cached files; a change makes every text be encoded anew
CODES = {"byte": 256, "char": 0x110000}  # how many symbols each level can have


class Text(Protocol):
    """What encoding needs to know of a corpus."""

    name: str
    path: Path
    sha256: str
    level: str


def encode_corpus(corpus: Text) -> tuple[np.memmap, Vocab]:
    """The ids of a text, shape (n,), and its vocabulary; from the cache where it has them.

    The ids are a read-only memory map of `vocab.dtype`: uint8 where V <= 256, else uint16, else
    uint32. Memory stays at a few megabytes a pass, however long the text. Raises CorpusError where
    the text is not UTF-8 and the level is char.
    """
    stem = f"{corpus.sha256}-{corpus.level}-v{FORMAT}"
    path, about = (cache_folder() / "ids" / f"{stem}{end}" for end in (".ids", ".json"))
    if (cached := _cached(path, about)) is None:
        with workspace() as work:
            vocab = _vocab(corpus)
            count = _write_ids(corpus, vocab, work / "ids")
            (work / "json").write_text(json.dumps({"count": count, "vocab": vocab.to_json()}))
            path.parent.mkdir(exist_ok=True)
            os.replace(work / "ids", path)
            os.replace(work / "json", about)  # last: it says that the ids are whole
        cached = count, vocab
    count, vocab = cached
    return np.memmap(path, dtype=vocab.dtype, mode="r", shape=(count,)), vocab


def _cached(path: Path, about: Path) -> tuple[int, Vocab] | None:
    """Length and vocabulary of cached ids; None where they are missing, cut short or unreadable."""
    try:
        read = json.loads(about.read_text())
        count, vocab = read["count"], Vocab.from_json(read["vocab"])
        whole = path.stat().st_size == count * vocab.dtype.itemsize
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (count, vocab) if whole else None


def _codes(corpus: Text) -> Iterator[np.ndarray]:
    """The text as numbers, a piece at a time: bytes, or code points."""
    source = pieces(corpus.path)
    if corpus.level == "byte":
        yield from (np.frombuffer(piece, np.uint8) for piece in source)
    else:
        for text in decoded(source, "utf-8", corpus.name):
            yield np.frombuffer(text.encode("utf-32-le"), "<u4")


def _vocab(corpus: Text) -> Vocab:
    seen = np.zeros(CODES[corpus.level], bool)
    for codes in _codes(corpus):
        seen[codes] = True
    symbols = np.flatnonzero(seen).tolist()
    if not symbols:
        raise CorpusError(f"{corpus.name} is empty; there is nothing to encode")
    return Vocab(tuple(symbols if corpus.level == "byte" else map(chr, symbols)), corpus.level)


def _write_ids(corpus: Text, vocab: Vocab, target: Path) -> int:
    """Writes the ids of the whole text through a table from code to id; how many there are."""
    known = vocab.symbols if corpus.level == "byte" else [ord(s) for s in vocab.symbols]
    table = np.zeros(CODES[corpus.level], vocab.dtype)
    table[list(known)] = np.arange(len(vocab), dtype=vocab.dtype)
    count = 0
    with target.open("wb") as out:
        for codes in _codes(corpus):
            out.write(table[codes].data)
            count += len(codes)
    return count


@dataclass(frozen=True, eq=False)
class Split:
    """One-dimensional arrays of ids: to train on, to select by, and to read once at the end."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray


def split_contiguous(
    ids: np.ndarray, fractions: tuple[float, float, float] = (0.9, 0.05, 0.05)
) -> Split:
    """The beginning of a text to train on, then a stretch for validation, then one for test.

    With the alphabet and fractions (0.7, 0.15, 0.15):

        train                                val      test
        a b c d e f g h i j k l m n o p q r  s t u    v w x y z

    Of n ids, train has floor(n * f0). Where f2 is above 0, val has floor(n * f1) and test the rest;
    where f2 is 0, val has the rest. The parts are views of `ids` and cover it. Raises ValueError
    where the fractions are not three numbers of 0 or more that sum to 1 with the first above 0, or
    a part asked for would be empty.
    """
    sizes = _sizes(_stream(ids), fractions, "ids")
    ends = np.cumsum(sizes)
    return Split(ids[: ends[0]], ids[ends[0] : ends[1]], ids[ends[1] : ends[2]])


def split_char_rnn(
    ids: np.ndarray,
    batch: int,
    seq: int,
    fractions: tuple[float, float, float] = (0.95, 0.05, 0.0),
) -> Split:
    """The split of the 2015 program char-rnn: the end of every lane is held out, not of the text.

    The text is cut to a multiple of batch * seq, laid out as `batch` lanes, and every lane cut into
    chunks of `seq`; the first chunks of all lanes train, the next validate, the rest test. With the
    alphabet, batch 2, seq 4 and fractions (0.67, 0.33, 0):

                    train             val
        lane 0   [a b c d e f g h]  [i j k l]
        lane 1   [m n o p q r s t]  [u v w x]      y z are cut off

    Of the n chunks of a lane, train has floor(n * f0), and val and test follow as in
    `split_contiguous`. Each part is returned lane after lane (train is a..h m..t, val i..l u..x),
    so `part.reshape(batch, -1)` gives char-rnn's lanes back; the parts are copies in memory.

    A loss on this validation part is not comparable to one on a contiguous tail. Here a held-out
    stretch has training text right before it, and right after it too (l is followed by m), so its
    subject, names and style were trained on, and it moves when batch or seq do. A tail stays where
    it is and can hold chapters or authors that nothing in training resembles.

    Raises ValueError as `split_contiguous` does, and for a batch or seq below 1.
    """
    if batch < 1 or seq < 1:
        raise ValueError(f"batch {batch} x seq {seq}: both must be at least 1")
    chunks = _stream(ids) // (batch * seq)
    sizes = _sizes(chunks, fractions, f"chunks of {batch} x {seq} ids")
    lanes = ids[: chunks * batch * seq].reshape(batch, chunks * seq)
    ends = np.cumsum(sizes) * seq
    parts = (lanes[:, : ends[0]], lanes[:, ends[0] : ends[1]], lanes[:, ends[1] :])
    return Split(*(np.array(part).reshape(-1) for part in parts))


def _stream(ids: np.ndarray) -> int:
    """The length of a one-dimensional array."""
    if ids.ndim != 1:
        raise ValueError(f"ids has shape {ids.shape}; a split needs one dimension")
    return len(ids)


def _sizes(n: int, fractions: tuple[float, float, float], what: str) -> tuple[int, int, int]:
    """How many of n go to training, validation and test."""
    good = len(fractions) == 3 and all(f >= 0 for f in fractions) and fractions[0] > 0
    if not good or not math.isclose(sum(fractions), 1, rel_tol=0, abs_tol=1e-9):
        raise ValueError(
            f"split fractions are {tuple(fractions)}; they must be three numbers of 0 or more that "
            "sum to 1, the first above 0, like 0.9, 0.05, 0.05"
        )
    train = math.floor(n * fractions[0])
    val = math.floor(n * fractions[1]) if fractions[2] > 0 else n - train
    sizes = train, val, n - train - val
    for part, size, fraction in zip(("train", "val", "test"), sizes, fractions, strict=True):
        if fraction > 0 and size < 1:
            raise ValueError(
                f"{n} {what} leave nothing for {part} at fractions {tuple(fractions)}; "
                "give a longer text or a larger share"
            )
    return sizes
