"""A text on disk as ids on disk.

Both passes, one that finds the vocabulary and one that writes the ids, take a few megabytes at a
time; the ids are then a read-only memory map, of which training reads only what a step needs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
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
