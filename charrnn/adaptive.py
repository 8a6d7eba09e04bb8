"""The n-gram baseline with counts that go on while it reads: how far a text repeats itself.

A network's state carries what it has read; a fixed count knows the training text alone. Here each
character of a text is predicted after all those before it in the text have been counted too, which
Kuhn & De Mori (1990, "A cache-based natural language model for speech recognition", IEEE
Transactions on Pattern Analysis and Machine Intelligence 12) called a cache. The formula is that of
`charrnn.ngram`, with the discounts D of the training text throughout; at every moment each
character has a probability above 0, and they sum to 1. No gram reaches from the training text into
the text; the beginning of each counts as a character before its first gram.

There is no loop over characters. An amount a is what training left plus the *events* of that gram
so far: in the highest order every occurrence, in a lower one an occurrence behind a character that
it never followed before, that is, one whose gram of one order more was new. A(s), and what is
discounted from it, change at the events of the grams that continue s. Both are sums over earlier
events of a group, so one sort by group and one cumulative sum an order find them for all moments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from charrnn.ngram import checked_orders, discounts, grams, may_begin, to_predict, too_short


def adaptive_nats(
    train: np.ndarray, text: np.ndarray, vocab_size: int, order: int, restart: int | None = None
) -> np.ndarray:
    """Negative log-likelihood of every target text[1:], in nats: float64, (len(text) - 1,).

    As `NGram.train(train, vocab_size, order, restart).nats(text)`, but when text[t] is predicted,
    the characters text[:t] have been counted as well. ValueError as for those two.
    """
    checked_orders([order])
    for p in islice(_climb(train, text, vocab_size, restart), order):
        nats = -np.log(p)
    return nats


def adaptive_losses(
    train: np.ndarray,
    text: np.ndarray,
    vocab_size: int,
    orders: Iterable[int] = range(1, 13),
    restart: int | None = None,
) -> dict[int, float]:
    """The mean of `adaptive_nats` (nats per character) for every order, from one pass.

    An order that the training text is too short for is left out. ValueError as for
    `adaptive_nats`, or where `orders` is empty or nothing is left of it.
    """
    wanted = checked_orders(orders)
    climb = enumerate(_climb(train, text, vocab_size, restart), start=1)
    losses = {k: float(-np.log(p).mean()) for k, p in islice(climb, max(wanted)) if k in wanted}
    if not losses:
        raise too_short(wanted)
    return losses


def _climb(
    train: np.ndarray, text: np.ndarray, vocab_size: int, restart: int | None
) -> Iterator[np.ndarray]:
    """The probabilities of text[1:] by the models of order 1, 2 and so on."""
    ids = to_predict(text, vocab_size)
    p, length = np.full(len(ids), 1 / vocab_size), _Length.none(len(ids), vocab_size, restart)
    for keys, counts, amounts in grams(train, vocab_size, restart):
        shorter, length = length, length.longer(ids, keys)
        if amounts is not None:
            p = shorter.interpolated(p, amounts, shorter.events(ids, length))
        every = np.ones(len(length.begins), dtype=bool)
        yield length.interpolated(p, counts, every)[1:]


@dataclass(frozen=True)
class _Length:
    """The grams of one length k: those of the training text, and those of the text in the order in
    which they are read."""

    vocab_size: int
    restart: int | None
    k: int
    keys: np.ndarray
    """int64, of the training text: V times a context's number plus the last character, sorted."""
    contexts: int
    """How many grams of k - 1 characters the training text has."""
    begins: np.ndarray
    """int64: where in the text they begin."""
    context: np.ndarray
    """int64: the number of each one's first k - 1 characters."""
    gram: np.ndarray
    """int64: its own number: its place in `keys`, or where it is not there, one above them all."""
    new: np.ndarray
    """bool: neither in the training text nor earlier in the text."""

    @classmethod
    def none(cls, n: int, vocab_size: int, restart: int | None) -> _Length:
        """Length 0, the same gram before each of n characters."""
        zero = np.zeros(n, dtype=np.int64)
        return cls(vocab_size, restart, 0, zero[:1], 1, np.arange(n), zero, zero, zero > 0)

    def longer(self, ids: np.ndarray, keys: np.ndarray) -> _Length:
        """Those of one character more, of which the training text has `keys`."""
        k, place = self.k + 1, np.full(len(ids), -1)
        place[self.begins] = self.gram
        begins = np.flatnonzero(may_begin(place, ids, k, self.restart))
        context = place[begins]
        own = context * self.vocab_size + ids[begins + k - 1]
        gram = np.minimum(np.searchsorted(keys, own), len(keys) - 1)
        unseen = np.flatnonzero(keys[gram] != own)
        _, first, number = np.unique(own[unseen], return_index=True, return_inverse=True)
        gram[unseen], new = len(keys) + number, np.zeros(len(begins), dtype=bool)
        new[unseen[first]] = True
        contexts = len(self.keys)
        return _Length(self.vocab_size, self.restart, k, keys, contexts, begins, context, gram, new)

    def events(self, ids: np.ndarray, longer: _Length) -> np.ndarray:
        """bool: the grams of the text that raise their amount as those of a lower order."""
        new = np.zeros(len(ids), dtype=bool)
        new[longer.begins] = longer.new
        alone = self.begins == 0
        if self.restart is not None:
            alone |= ids[self.begins] == self.restart
        return alone | new[self.begins - 1]

    def interpolated(self, p: np.ndarray, amounts: np.ndarray, events: np.ndarray) -> np.ndarray:
        """p (a character of the text) with this order, from the amounts in the training text."""
        taken = np.array([0.0, *discounts(amounts)])
        freed = np.bincount(self._heads, taken[np.minimum(amounts, 3)], self.contexts)
        whole = np.bincount(self._heads, amounts, self.contexts)
        amount = _at(self.gram, amounts) + _earlier(self.gram, events)
        discount = taken[np.minimum(amount, 3)]
        freeing = np.where(events, taken[np.minimum(amount + 1, 3)] - discount, 0.0)
        freed = _at(self.context, freed) + _earlier(self.context, freeing)
        whole = _at(self.context, whole) + _earlier(self.context, events)
        known, ends, p = whole > 0, self.begins + self.k - 1, p.copy()
        here = amount - discount + freed * p[ends]
        p[ends[known]] = here[known] / whole[known]
        return p

    @property
    def _heads(self) -> np.ndarray:
        """int64, a gram of the training text: the number of its context."""
        return self.keys // self.vocab_size


def _at(numbers: np.ndarray, values: np.ndarray) -> np.ndarray:
    """values[numbers], and 0 for a number that is above them all."""
    return np.where(numbers < len(values), values[np.minimum(numbers, len(values) - 1)], 0)


def _earlier(groups: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of each item the sum of `values` over the items before it in the same group."""
    by_group = np.argsort(groups, kind="stable")
    groups, values = groups[by_group], values[by_group]
    sums = np.cumsum(values) - values
    starts = np.flatnonzero(np.diff(groups, prepend=-1))  # numbers of groups begin at 0
    sums -= np.repeat(sums[starts], np.diff(starts, append=len(groups)))
    found = np.empty_like(sums)
    found[by_group] = sums
    return found
