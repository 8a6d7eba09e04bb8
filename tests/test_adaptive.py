"""The n-gram that goes on counting: against a recount before every character, by hand, its sums."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from charrnn.adaptive import adaptive_losses, adaptive_nats
from charrnn.ngram import NGram, discounts

TRAIN = "the cat sat on the mat. the rat sat on the cat, and that was that: the mat was flat. "
TEXT = "the gnat spat at the bat, and the gnat sat; the gnat spat at the bat, and the rat ran."
LINES = "\nanna\nhanna\nhannah\nnan\nana\njohanna\nanna\njan\nnina\n"
NEW = "hana\n\nhan\njohan\nhana\njohan\nnanna\n"


def encoded(text, alphabet):
    alphabet = sorted(set(alphabet))
    return np.array([alphabet.index(c) for c in text], dtype=np.uint8), len(alphabet)


class Recounted:
    """The formulas of `charrnn.ngram` with dictionaries, all counted afresh for a prediction."""

    def __init__(self, train, read, size, order, restart=None):
        self.size, self.restart, self.d, self.tables = size, restart, [], []
        for k in range(1, order + 1):
            self.d.append(discounts(np.array(list(self.table([train], k, order).values()))))
            self.tables.append(self.table([train, read], k, order))

    def table(self, texts, k, order):
        counts, before = Counter(), defaultdict(set)
        for which, text in enumerate(texts):
            for i in range(len(text) - k + 1):
                gram = tuple(text[i : i + k])
                if self.restart not in gram[1:-1]:
                    counts[gram] += 1
                    before[gram].add(text[i - 1] if i else f"the beginning of text {which}")
        if k == order:
            return counts
        return {g: n if g[0] == self.restart else len(before[g]) for g, n in counts.items()}

    def p(self, symbol, context):
        for i in range(len(context) - 1, -1, -1):
            if context[i] == self.restart:
                context = context[i:]
                break
        return self.of_order(min(len(self.tables), len(context) + 1), symbol, context)

    def of_order(self, k, symbol, context):
        if k == 0:
            return 1 / self.size
        context = context[len(context) - k + 1 :]
        lower = self.of_order(k - 1, symbol, context[1:])
        amounts = {g[-1]: n for g, n in self.tables[k - 1].items() if g[:-1] == tuple(context)}
        if not amounts:
            return lower
        taken = {c: self.d[k - 1][min(n, 3) - 1] for c, n in amounts.items()}
        kept = amounts.get(symbol, 0) - taken.get(symbol, 0)
        return (kept + sum(taken.values()) * lower) / sum(amounts.values())


def recounted(train, text, size, order, restart=None):
    train, text = train.tolist(), text.tolist()
    return [
        -math.log(Recounted(train, text[:t], size, order, restart).p(text[t], text[:t]))
        for t in range(1, len(text))
    ]


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_all_before_a_character_is_counted_when_it_is_predicted(order):
    train, size = encoded(TRAIN, TRAIN + TEXT)
    text, _ = encoded(TEXT, TRAIN + TEXT)
    found = adaptive_nats(train, text, size, order)
    assert found.shape == (len(text) - 1,) and found.dtype == np.float64
    np.testing.assert_allclose(found, recounted(train, text, size, order), rtol=1e-9)


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("first", ["\n", ""])
def test_no_context_reaches_back_beyond_a_restart(order, first):
    train, size = encoded(LINES, LINES)
    text, _ = encoded(first + NEW, LINES)
    restart = int(train[0])
    found = adaptive_nats(train, text, size, order, restart)
    np.testing.assert_allclose(found, recounted(train, text, size, order, restart), rtol=1e-9)


@pytest.mark.parametrize("restart", [None, 3])
def test_probabilities_sum_to_one_at_every_moment(restart):
    rng = np.random.default_rng(0)
    train, text = (rng.choice(9, size=n, p=np.arange(1, 10) / 45) for n in (400, 300))
    text[250:] = text[50:100]
    for t in (1, 2, 3, 40, 250, 251, 257, 299):
        ends = [np.append(text[:t], c) for c in range(10)]  # the vocabulary's tenth never occurs
        p = [math.exp(-adaptive_nats(train, end, 10, 5, restart)[-1]) for end in ends]
        assert sum(p) == pytest.approx(1, abs=1e-9) and min(p) > 0


def test_what_follows_a_character_does_not_count():
    train, size = encoded(TRAIN, TRAIN + TEXT)
    text, _ = encoded(TEXT, TRAIN + TEXT)
    changed = np.concatenate([text[:40], text[:30]])
    np.testing.assert_allclose(
        adaptive_nats(train, changed, size, 5)[:39],
        adaptive_nats(train, text, size, 5)[:39],
        rtol=1e-12,
    )


def test_a_text_that_repeats_itself_costs_less_than_by_fixed_counts():
    rng = np.random.default_rng(1)
    train, once = rng.integers(0, 8, 500), rng.integers(0, 8, 100)
    nats = adaptive_nats(train, np.concatenate([once, once]), 8, 6)
    fixed = NGram.train(train, 8, 6).nats(np.concatenate([once, once]))
    assert nats[110:].mean() < 0.4 * fixed[110:].mean()
    # The very first character is predicted by the training text's counts and one beginning.
    assert nats[0] == pytest.approx(fixed[0], rel=0.05)


def test_a_bigram_by_hand():
    """Training text abab, then ab read: discounts 0.5, 1 and 1.5, as no counts of counts are there.

    Order 2: ab 2 + 1, ba 1. Order 1, characters before: a 2 + 1 (a beginning), b 1. So for b a:
    """
    p1_a = (3 - 1.5) / 4 + (1.5 + 0.5) / 4 / 2
    p_a_after_b = (1 - 0.5) / 1 + 0.5 / 1 * p1_a
    nats = adaptive_nats(np.array([0, 1, 0, 1]), np.array([0, 1, 0]), 2, 2)
    assert nats[-1] == pytest.approx(-math.log(p_a_after_b), rel=1e-12)


def test_all_orders_at_once_are_those_of_each_alone():
    train, size = encoded(TRAIN, TRAIN + TEXT)
    text, _ = encoded(TEXT, TRAIN + TEXT)
    losses = adaptive_losses(train, text, size, (4, 1, 7))
    assert list(losses) == [1, 4, 7]
    for order, loss in losses.items():
        assert loss == pytest.approx(adaptive_nats(train, text, size, order).mean(), rel=1e-12)
    short = adaptive_losses(train[:3], text, size, range(1, 10))
    assert list(short) == [1, 2, 3]
    assert adaptive_nats(train[:3], text, size, 9).mean() == pytest.approx(short[3], rel=1e-12)


def test_what_is_refused():
    ids = np.array([0, 1, 2])
    with pytest.raises(ValueError, match=r"orders are \[0\]"):
        adaptive_nats(ids, ids, 3, 0)
    with pytest.raises(ValueError, match=r"orders are \[\]"):
        adaptive_losses(ids, ids, 3, ())
    with pytest.raises(ValueError, match="1 characters hold nothing to predict; at least 2"):
        adaptive_nats(ids, ids[:1], 3, 2)
    with pytest.raises(ValueError, match="the text is empty"):
        adaptive_nats(ids[:0], ids, 3, 2)
    for texts in ((ids, np.array([0, 3])), (np.array([0, 3]), ids)):
        with pytest.raises(ValueError, match="ids from 0 to 3; the vocabulary has 0 to 2"):
            adaptive_nats(*texts, 3, 2)
    with pytest.raises(ValueError, match="too short for order 9"):
        adaptive_losses(ids, ids, 3, (9,))
