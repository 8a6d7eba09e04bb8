"""The ids of a text cut into training, validation and test.

contiguous   the beginning to train on, the end held out; the views of a memory map
char-rnn     the end of every lane, as the program of 2015 did
lines        a list: whole lines, in an order drawn from a seed, equal lines on one side
pages        a dump of wiki pages: whole pages, chosen by their titles
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from charrnn.vocab import Vocab


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
    sizes = _sizes(chunks, fractions, f"chunks of {batch} x {seq} ids", "a smaller batch or seq")
    lanes = ids[: chunks * batch * seq].reshape(batch, chunks * seq)
    ends = np.cumsum(sizes) * seq
    parts = (lanes[:, : ends[0]], lanes[:, ends[0] : ends[1]], lanes[:, ends[1] :])
    return Split(*(np.array(part).reshape(-1) for part in parts))


def split_lines(
    ids: np.ndarray,
    newline: int,
    fractions: tuple[float, float, float] = (0.9, 0.05, 0.05),
    seed: int = 0,
) -> Split:
    """A list of lines cut between lines, after shuffling them: an alphabetical list split at its
    end would hold out other letters than those trained on.

    The distinct lines are drawn into an order by `seed` and cut as `split_contiguous` cuts ids; a
    line that the list has twice stays in one part, twice. Within a part the order is drawn as well.
    Every line ends with one `newline`, empty lines are dropped. Parts are copies in memory. Raises
    ValueError as `split_contiguous` does, and where there are no lines.
    """
    stop = np.array([newline], ids.dtype).tobytes()
    whole = np.ascontiguousarray(ids).tobytes()
    width = ids.dtype.itemsize
    ends = [0, *((np.flatnonzero(ids == newline) + 1) * width).tolist(), len(whole)]
    lines = [whole[a:b].removesuffix(stop) for a, b in pairwise(ends)]
    counts = Counter(line for line in lines if line)
    if not counts:
        raise ValueError("there are no lines to split; the text is empty")
    names, rng = list(counts), np.random.default_rng(seed)
    order = rng.permutation(len(names))
    stops = np.cumsum(_sizes(len(names), fractions, "distinct lines"))
    parts = []
    for chosen in np.split(order, stops[:-1]):
        copies = [names[i] for i in chosen for _ in range(counts[names[i]])]
        joined = b"".join(copies[i] + stop for i in rng.permutation(len(copies)))
        parts.append(np.frombuffer(joined, ids.dtype))
    return Split(*parts)


def split_pages(
    ids: np.ndarray,
    vocab: Vocab,
    fractions: tuple[float, float, float] = (0.9, 0.05, 0.05),
    seed: int = 0,
) -> Split:
    """A dump of wiki pages cut between pages: which part a page falls into depends on its title and
    on `seed` alone, so pages of one title, in whatever revisions, are on one side.

    A page runs from the line of its `<page>` to that of the next; what stands before the first is
    trained on. The hash of the title (SHA-256) is read as a number u in [0, 1): training where
    u < f0, validation where u < f0 + f1, else test; so the sizes of the parts are only roughly as
    asked for. Parts keep the order of the text and are copies in memory. Raises ValueError where
    the fractions are not as for `split_contiguous`, where there are no pages, where one has no
    title, and where a part asked for stays empty.
    """
    _stream(ids)
    _check(fractions)
    starts = _places(ids, vocab, "<page>")
    if not len(starts):
        raise ValueError("there is no <page> in this text; split it contiguous, not by pages")
    newline = vocab.encode("\n")[0]
    parts: tuple[list, list, list] = ([], [], [])
    begins = []
    for start in starts.tolist():
        lead = np.asarray(ids[max(0, start - 80) : start])
        breaks = np.flatnonzero(lead == newline)
        begins.append(start - (len(lead) - 1 - int(breaks[-1])) if len(breaks) else start)
    parts[0].append(ids[: begins[0]])
    for begin, end in zip(begins, [*begins[1:], len(ids)], strict=True):
        page = np.asarray(ids[begin:end])
        u = int.from_bytes(hashlib.sha256(f"{seed}:{_title(page, vocab)}".encode()).digest()[:7])
        share = u / 2**56
        part = 0 if share < fractions[0] else 1 if share < fractions[0] + fractions[1] else 2
        parts[part].append(page)
    for name, pages, fraction in zip(("train", "val", "test"), parts, fractions, strict=True):
        if fraction > 0 and sum(map(len, pages)) == 0:
            raise ValueError(
                f"{len(starts)} pages leave nothing for {name} at fractions {tuple(fractions)}; "
                "give a longer text or a larger share"
            )
    empty = np.zeros(0, ids.dtype)
    return Split(*(np.concatenate(pages) if pages else empty for pages in parts))


def _title(page: np.ndarray, vocab: Vocab) -> str:
    text = vocab.decode(page[:2000])
    _, opened, rest = text.partition("<title>")
    title, closed, _ = rest.partition("</title>")
    if not opened or not closed:
        raise ValueError(f"a page has no <title>: it begins {text[:60]!r}")
    return title


def _places(ids: np.ndarray, vocab: Vocab, marker: str) -> np.ndarray:
    """Where a marker begins in a text of ids, in rising order."""
    if vocab.unknown(marker):
        return np.zeros(0, np.int64)
    wanted = vocab.encode(marker)
    places = np.flatnonzero(np.asarray(ids[: len(ids) - len(wanted) + 1]) == wanted[0])
    for offset, symbol in enumerate(wanted[1:], start=1):
        places = places[np.asarray(ids)[places + offset] == symbol]
    return places


def _stream(ids: np.ndarray) -> int:
    """The length of a one-dimensional array."""
    if ids.ndim != 1:
        raise ValueError(f"ids has shape {ids.shape}; a split needs one dimension")
    return len(ids)


def _sizes(
    n: int, fractions: tuple[float, float, float], what: str, other: str = "a longer text"
) -> tuple[int, int, int]:
    """How many of n go to training, validation and test. other: what to give where they are few,
    besides a larger share."""
    _check(fractions)
    train = math.floor(n * fractions[0])
    val = math.floor(n * fractions[1]) if fractions[2] > 0 else n - train
    sizes = train, val, n - train - val
    for part, size, fraction in zip(("train", "val", "test"), sizes, fractions, strict=True):
        if fraction > 0 and size < 1:
            raise ValueError(
                f"{n} {what} leave nothing for {part} at fractions {tuple(fractions)}; "
                f"give {other} or a larger share"
            )
    return sizes


def _check(fractions: tuple[float, float, float]) -> None:
    """ValueError unless they are three shares that sum to 1, the first above 0."""
    good = len(fractions) == 3 and all(f >= 0 for f in fractions) and fractions[0] > 0
    if not good or not math.isclose(sum(fractions), 1, rel_tol=0, abs_tol=1e-9):
        raise ValueError(
            f"split fractions are {tuple(fractions)}; they must be three numbers of 0 or more that "
            "sum to 1, the first above 0, like 0.9, 0.05, 0.05"
        )
