"""A smoothed character n-gram: the baseline that counts and does not learn.

Interpolated modified Kneser-Ney smoothing over all orders up to n (S. F. Chen & J. Goodman 1999,
"An empirical study of smoothing techniques for language modeling", Computer Speech & Language 13;
R. Kneser & H. Ney 1995). With s the k - 1 characters before c, and s' those without the first,

    p_k(c | s) = (a(s c) - D(a(s c))) / A(s) + g(s) p_{k-1}(c | s'),        p_0 = 1 / V,

where a of the highest order are counts; a of a lower order say how many different characters stand
before s c; A(s) is the sum of a(s c) over c; D is D1, D2 or D3+ by whether a is 1, 2 or more; and
g(s) is what was discounted, over A(s). A context that was never seen leaves p_k = p_{k-1}. Every
character has a probability above 0, and they sum to 1.

The grams of a text are kept as a trie, a sorted array of whole numbers an order: a gram's number is
V times the place of its first k - 1 characters in the array before, plus its last character. So
gram k is found from gram k - 1 by bisection, exactly. A suffix array holds the same order; the trie
needs nothing but NumPy, where that would be one more compiled package to keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

from charrnn.vocab import Vocab

BLOCK = 1 << 20
"""Characters that are scored at once."""
FALLBACK = (0.5, 1.0, 1.5)
"""D1, D2 and D3+ where the counts of counts give none (too few grams, as of order 1)."""


@dataclass(frozen=True)
class Order:
    """The grams of one length k, sorted, and what the formula above needs of them."""

    keys: np.ndarray
    """int64: V times the place of the first k - 1 characters in the order before, plus the last."""
    kept: np.ndarray
    """float32, a gram: (a - D(a)) / A of its context."""
    passed: np.ndarray
    """float32, a gram of the order before: g, what goes to the order below; 1 where it never had a
    successor."""

    @classmethod
    def of(cls, keys: np.ndarray, amounts: np.ndarray, contexts: int, vocab_size: int) -> Order:
        """From the amounts a of the grams, all at least 1, and the number of possible contexts."""
        discount = np.array([0.0, *discounts(amounts)])[np.minimum(amounts, 3)]
        context = keys // vocab_size
        whole = np.bincount(context, weights=amounts, minlength=contexts)
        freed = np.bincount(context, weights=discount, minlength=contexts)
        passed = np.ones(contexts, dtype=np.float32)
        np.divide(freed, whole, out=passed, where=whole > 0, casting="same_kind")
        return cls(keys, ((amounts - discount) / whole[context]).astype(np.float32), passed)


@dataclass(frozen=True)
class NGram:
    """A trained model; `NGram.train` makes one."""

    orders: tuple[Order, ...]
    """Of 1 character, of 2, and so on to n."""
    vocab_size: int
    restart: int | None = None
    """A symbol that no context reaches back beyond, as a line-wise text's newline."""

    @property
    def order(self) -> int:
        """n: it predicts from n - 1 characters."""
        return len(self.orders)

    @classmethod
    def train(
        cls, ids: np.ndarray, vocab_size: int, order: int, restart: int | None = None
    ) -> NGram:
        """Count the grams of up to `order` characters of a text, one array of ids 0 to V - 1.

        Fewer orders where the text is shorter. ValueError: no text, an id that is not in the
        vocabulary, order < 1.
        """
        if order < 1:
            raise ValueError(f"order is {order}; it must be at least 1")
        orders: list[Order] = []
        for below, highest in islice(_growing(ids, vocab_size, restart), order):
            orders[-1:] = [highest] if below is None else [below, highest]
        return cls(tuple(orders), vocab_size, restart)

    def nats(self, ids: np.ndarray) -> np.ndarray:
        """Negative log-likelihood of every target ids[1:], in nats: float64, (len(ids) - 1,).

        A context is what stands before the target in `ids`, up to n - 1 characters of it.
        ValueError: fewer than two ids, an id that is not in the vocabulary.
        """
        ids = to_predict(ids, self.vocab_size)
        blocks = [-np.log(self._read(ids[s]).p[new:]) for s, new in _blocks(len(ids), self.order)]
        return np.concatenate(blocks)

    def next_probabilities(self, context: np.ndarray) -> np.ndarray:
        """p(. | context) for all V symbols, float64; an empty context is that of order 1."""
        context = _checked(context, self.vocab_size)[-(self.order - 1) or len(context) :]
        texts = np.empty((self.vocab_size, len(context) + 1), dtype=np.int64)
        texts[:, :-1], texts[:, -1] = context, np.arange(self.vocab_size)
        return np.array([self._read(text).p[-1] for text in texts])

    def _read(self, ids: np.ndarray) -> _Reading:
        reading = _Reading.start(ids, self.vocab_size, self.restart)
        for order in self.orders:
            reading = reading.further(order)
        return reading


@dataclass(frozen=True)
class Baseline:
    """A model with its alphabet and the text that it counted: what `charrnn.score.score` takes in
    the place of a run."""

    vocab: Vocab
    ngram: NGram
    train: np.ndarray
    """The ids that `ngram` was trained on; where counts go on while a text is read, from these."""

    @classmethod
    def of(
        cls, vocab: Vocab, train: np.ndarray, order: int, restart: int | None = None
    ) -> Baseline:
        """Count a text, as `NGram.train` does; ValueError as there."""
        return cls(vocab, NGram.train(train, len(vocab), order, restart), train)


def best_order(
    train: np.ndarray,
    val: np.ndarray,
    vocab_size: int,
    orders: Iterable[int] = range(1, 13),
    restart: int | None = None,
) -> tuple[NGram, dict[int, float]]:
    """The model of the order with the lowest loss on `val`, and the loss (nats per character) of
    each that was tried: `orders` from the smallest up, until one is no better than the one before.

    All come from one pass: a model of order n + 1 differs from one of order n in its two highest
    orders only. ValueError as for `NGram.train` and `NGram.nats`, or where `orders` is empty.
    """
    wanted = checked_orders(orders)
    lower, losses, best = [], {}, None
    for k, below, highest, found in _climb(train, {"val": val}, vocab_size, wanted, restart):
        lower += [below] if below else []
        if not found:
            continue
        losses[k] = found["val"]
        if best is not None and losses[k] >= losses[best.order]:
            break
        best = NGram((*lower, highest), vocab_size, restart)
    if best is None:
        raise too_short(wanted)
    return best, losses


def losses_by_order(
    train: np.ndarray,
    texts: Mapping[str, np.ndarray],
    vocab_size: int,
    orders: Iterable[int] = range(1, 21),
    restart: int | None = None,
) -> dict[str, dict[int, float]]:
    """The mean loss (nats per character) of the model of every order on each of several texts.

    Those that `NGram.train(train, vocab_size, order, restart).nats(text)` has, all from one pass
    over the training text, with one order in memory at a time; an order that the training text is
    too short for is left out. ValueError as for `best_order`.
    """
    wanted = checked_orders(orders)
    losses: dict[str, dict[int, float]] = {name: {} for name in texts}
    for k, _, _, found in _climb(train, texts, vocab_size, wanted, restart):
        for name, loss in found.items():
            losses[name][k] = loss
    if texts and not any(losses.values()):
        raise too_short(wanted)
    return losses


def _climb(
    train: np.ndarray,
    texts: Mapping[str, np.ndarray],
    vocab_size: int,
    wanted: set[int],
    restart: int | None,
) -> Iterator[tuple[int, Order | None, Order, dict[str, float]]]:
    """Each order k from 1 to the highest that is wanted: what `_growing` has of it, and the loss on
    every text of the model that ends there, where k is wanted."""
    readings = {
        name: _Reading.blocks(to_predict(ids, vocab_size), vocab_size, restart, max(wanted))
        for name, ids in texts.items()
    }
    growing = enumerate(_growing(train, vocab_size, restart), start=1)
    for k, (below, highest) in islice(growing, max(wanted)):
        if below:
            for blocks in readings.values():
                blocks[:] = [(block.further(below), new) for block, new in blocks]
        losses = {name: _loss(blocks, highest) for name, blocks in readings.items() if k in wanted}
        yield k, below, highest, losses


def _loss(blocks: list[tuple[_Reading, int]], highest: Order) -> float:
    """Nats per character of a text, in blocks, by a model that ends with this order."""
    nats, targets = 0.0, 0
    for block, new in blocks:
        p = block.further(highest).p[new:]
        nats, targets = nats - np.log(p).sum(), targets + len(p)
    return float(nats / targets)


def discounts(amounts: np.ndarray) -> tuple[float, float, float]:
    """D1, D2 and D3+ from how many of the amounts are 1, 2, 3 and 4 (Chen & Goodman 1999, eq. 26);
    `FALLBACK` where one of the four is 0 or a discount is not between 0 and what it is taken from.
    """
    n1, n2, n3, n4 = (int((amounts == i).sum()) for i in (1, 2, 3, 4))
    if not (n1 and n2 and n3 and n4):
        return FALLBACK
    y = n1 / (n1 + 2 * n2)
    found = 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
    fit = all(0 < d < most for d, most in zip(found, (1, 2, 3), strict=True))
    return found if fit else FALLBACK


@dataclass(frozen=True)
class _Reading:
    """A text being scored, an order at a time."""

    ids: np.ndarray
    vocab_size: int
    restart: int | None
    k: int
    p: np.ndarray
    """float64: the probability of each character by its orders so far."""
    place: np.ndarray
    """int32: where the gram of k characters that begins here stands in its order, or -1."""

    @classmethod
    def start(cls, ids: np.ndarray, vocab_size: int, restart: int | None) -> _Reading:
        n = len(ids)
        p, place = np.full(n, 1 / vocab_size), np.zeros(n, dtype=np.int32)
        return cls(ids, vocab_size, restart, 0, p, place)

    @classmethod
    def blocks(
        cls, ids: np.ndarray, vocab_size: int, restart: int | None, order: int
    ) -> list[tuple[_Reading, int]]:
        """The start of a long text in pieces, and where in each its own characters begin."""
        cuts = _blocks(len(ids), order)
        return [(cls.start(ids[s], vocab_size, restart), new) for s, new in cuts]

    def further(self, order: Order) -> _Reading:
        """The same text with the next order interpolated."""
        k = self.k + 1
        place, p = np.full(len(self.ids), -1, dtype=np.int32), self.p.copy()
        begins = np.flatnonzero(may_begin(self.place, self.ids, k, self.restart))
        context, ends = self.place[begins].astype(np.int64), begins + k - 1
        keys = context * self.vocab_size + self.ids[ends]
        at = np.minimum(np.searchsorted(order.keys, keys), len(order.keys) - 1)
        seen = order.keys[at] == keys
        p[ends] = order.passed[context] * p[ends] + np.where(seen, order.kept[at], 0)
        place[begins[seen]] = at[seen]
        return _Reading(self.ids, self.vocab_size, self.restart, k, p, place)


def _blocks(n: int, order: int) -> Iterator[tuple[slice, int]]:
    """Pieces that hold each of n characters but the first once, behind those of its context: where
    each lies, and how many of its characters are context alone."""
    for first in range(1, n, BLOCK):
        begin = max(0, first - order + 1)
        yield slice(begin, first + BLOCK), first - begin


def _growing(
    ids: np.ndarray, vocab_size: int, restart: int | None
) -> Iterator[tuple[Order | None, Order]]:
    """For each order from 1 on: the order before it as a lower one, and itself as the highest."""
    before, contexts = None, 1
    for keys, counts, amounts in grams(ids, vocab_size, restart):
        below = None
        if before is not None:
            below = Order.of(before, amounts, contexts, vocab_size)
            contexts = len(before)
        yield below, Order.of(keys, counts, contexts, vocab_size)
        before = keys


def grams(
    ids: np.ndarray, vocab_size: int, restart: int | None
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """For each order from 1 on that the text has a gram of: its keys, how often each stands there,
    and the amounts a of the order *before* as a lower order (None at order 1).

    An amount is the number of different characters before a gram, where the beginning of the text
    counts as one. A gram that begins with `restart` has nothing before it: its count stands.
    """
    ids = _checked(ids, vocab_size)
    if not len(ids):
        raise ValueError("the text is empty; at least one character is needed")
    place, before = np.zeros(len(ids), dtype=np.int32), None
    for k in range(1, len(ids) + 1):
        begins = np.flatnonzero(may_begin(place, ids, k, restart)).astype(np.int32)
        if not len(begins):
            return
        keys = place[begins].astype(np.int64) * vocab_size + ids[begins + (k - 1)]
        by_key = np.argsort(keys).astype(np.int32)  # half the memory from here on
        keys, begins = keys[by_key], begins[by_key]
        del by_key
        new = np.concatenate([[True], keys[1:] != keys[:-1]])
        starts = np.flatnonzero(new)
        counts = np.diff(starts, append=len(keys)).astype(np.int32)
        firsts, keys = begins[starts], keys[starts]  # of each gram one place in the text
        amounts = None
        if before is not None:
            amounts = np.bincount(place[firsts + 1], minlength=len(before[0]))
            if place[0] >= 0:
                amounts[place[0]] += 1
            if restart is not None:
                alone = ids[before[1]] == restart
                amounts[alone] = before[0][alone]
        place = np.full(len(ids), -1, dtype=np.int32)
        place[begins] = np.cumsum(new, dtype=np.int32) - 1
        del begins, new, starts
        before = counts, firsts
        yield keys, counts, amounts


def may_begin(place: np.ndarray, ids: np.ndarray, k: int, restart: int | None) -> np.ndarray:
    """Where a gram of k characters may begin: its first k - 1 are known, it ends inside the text,
    and of those only the first may be `restart`."""
    n = len(ids) - k + 1
    known = place[: max(n, 0)] >= 0
    if restart is not None and k >= 3:
        known &= ids[k - 2 : k - 2 + len(known)] != restart
    return known


def to_predict(ids: np.ndarray, vocab_size: int) -> np.ndarray:
    """Ids of a text that holds something to predict. ValueError: fewer than two, or one that the
    vocabulary lacks."""
    ids = _checked(ids, vocab_size)
    if len(ids) < 2:
        raise ValueError(f"{len(ids)} characters hold nothing to predict; at least 2 are needed")
    return ids


def checked_orders(orders: Iterable[int]) -> set[int]:
    """The orders that are asked for. ValueError where there is none, or one below 1."""
    wanted = set(orders)
    if not wanted or min(wanted) < 1:
        raise ValueError(f"orders are {sorted(wanted)}; at least one, and none below 1")
    return wanted


def too_short(orders: set[int]) -> ValueError:
    """What to raise where a training text has no gram of even the lowest order."""
    return ValueError(f"the text is too short for order {min(orders)}")


def _checked(ids: np.ndarray, vocab_size: int) -> np.ndarray:
    ids = np.asarray(ids)
    if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < vocab_size:
        raise ValueError(f"ids from {ids.min()} to {ids.max()}; the vocabulary has 0 to "
                         f"{vocab_size - 1}")  # fmt: skip
    return ids
