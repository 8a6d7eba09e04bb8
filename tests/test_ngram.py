"""The n-gram baseline: against a slow count with dictionaries, and as a distribution."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from charrnn.ngram import FALLBACK, Baseline, NGram, best_order, discounts, losses_by_order
from charrnn.vocab import Vocab

TEXT = (
    "the cat sat on the mat. the rat sat on the cat, and that was that: the mat was flat. "
    "a hat, a bat, a gnat; the gnat spat at the bat. "
) * 2 + "then the rat ran."
LINES = "\nanna\nhanna\nhannah\nnan\nana\njohanna\nanna\njan\nnina\n"


def encoded(text, alphabet=None):
    alphabet = sorted(set(alphabet or text))
    return np.array([alphabet.index(c) for c in text], dtype=np.uint8), len(alphabet)


class Slow:
    """The formulas of Chen & Goodman once more, on strings, a dictionary an order."""

    def __init__(self, ids, size, order, restart=None):
        self.size, self.restart, self.tables = size, restart, []
        text = tuple(int(i) for i in ids)
        for k in range(1, order + 1):
            grams = [text[i : i + k] for i in range(len(text) - k + 1)]
            counts = Counter(g for g in grams if restart not in g[1:-1])
            self.tables.append(counts if k == order else self.continued(text, counts, k))

    def continued(self, text, counts, k):
        before = defaultdict(set)
        for i in range(len(text) - k + 1):
            before[text[i : i + k]].add(text[i - 1] if i else "the beginning")
        return {g: n if g[0] == self.restart else len(before[g]) for g, n in counts.items()}

    def p(self, symbol, context):
        """p(symbol | context), by recursion from the longest order."""
        context = tuple(int(i) for i in context)
        for i, c in enumerate(context):
            if c == self.restart:
                begin = i
        if self.restart in context:
            context = context[begin:]
        return self.of_order(min(len(self.tables), len(context) + 1), int(symbol), context)

    def of_order(self, k, symbol, context):
        if k == 0:
            return 1 / self.size
        table, context = self.tables[k - 1], context[len(context) - k + 1 :]
        lower = self.of_order(k - 1, symbol, context)
        amounts = {g[-1]: n for g, n in table.items() if g[:-1] == context}
        if not amounts:
            return lower
        d = dict(zip((1, 2, 3), discounts(np.array(list(table.values()))), strict=True))
        taken = {c: d[min(n, 3)] for c, n in amounts.items()}
        whole = sum(amounts.values())
        kept = amounts.get(symbol, 0) - taken.get(symbol, 0)
        return (kept + sum(taken.values()) * lower) / whole


@pytest.mark.parametrize("order", [1, 2, 3, 5, 8])
def test_a_text_costs_what_a_count_with_dictionaries_says(order):
    ids, size = encoded(TEXT)
    train, new = ids[:200], ids[150:]
    slow = Slow(train, size, order)
    expected = [
        -math.log(slow.p(new[j], new[max(0, j - order + 1) : j])) for j in range(1, len(new))
    ]
    found = NGram.train(train, size, order).nats(new)
    assert found.shape == (len(new) - 1,)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("order", [1, 3, 4, 7])
def test_no_context_reaches_back_beyond_a_restart(order):
    ids, size = encoded(LINES)
    restart = int(ids[0])
    train, new = ids, encoded("\nhan\nanna\njohan\n", LINES)[0]
    slow = Slow(train, size, order, restart)
    expected = [
        -math.log(slow.p(new[j], new[:j][-order + 1 or len(new) :])) for j in range(1, len(new))
    ]
    model = NGram.train(train, size, order, restart)
    np.testing.assert_allclose(model.nats(new), expected, rtol=1e-5)
    # So a line costs the same, wherever it stands.
    line, twice = model.nats(new[:5]), model.nats(np.concatenate([new[4:9], new[:5]]))
    np.testing.assert_allclose(twice[-4:], line, rtol=1e-6)


@pytest.mark.parametrize("restart", [None, 3])
def test_probabilities_sum_to_one_and_none_is_zero(restart):
    rng = np.random.default_rng(0)
    ids = rng.choice(11, size=3000, p=np.arange(1, 12) / 66)  # the vocabulary's 12th never occurs
    model = NGram.train(ids, 12, 6, restart)
    for length in (0, 1, 2, 5, 9):
        for _ in range(20):
            p = model.next_probabilities(rng.integers(0, 12, length))
            assert p.sum() == pytest.approx(1, abs=1e-5)
            assert (p > 0).all()


def test_probabilities_are_those_that_a_text_is_scored_by():
    ids, size = encoded(TEXT)
    model = NGram.train(ids, size, 4)
    nats = model.nats(ids[:40])
    for j in (1, 2, 3, 4, 20, 39):
        p = model.next_probabilities(ids[:j])
        assert nats[j - 1] == pytest.approx(-np.log(p[ids[j]]), rel=1e-6)


def test_blocks_do_not_show(monkeypatch):
    ids, size = encoded(TEXT)
    model = NGram.train(ids[:150], size, 5)
    whole = model.nats(ids)
    for block in (1, 2, 7, len(ids) - 1):
        monkeypatch.setattr("charrnn.ngram.BLOCK", block)
        np.testing.assert_array_equal(model.nats(ids), whole)


def test_bigrams_by_hand():
    """Text abab, V = 2. Amounts of order 1: a, b stand behind b (or the beginning) and a: 2 and 1.

    Order 2, counts: ab 2, ba 1. No counts of counts, so D = 0.5, 1, 1.5.
    """
    p1_a = (2 - 1) / 3 + (1 + 0.5) / 3 / 2
    p_b_after_a = (2 - 1) / 2 + 1 / 2 * (1 - p1_a)
    p_a_after_b = (1 - 0.5) / 1 + 0.5 * p1_a
    model = NGram.train(np.array([0, 1, 0, 1]), 2, 2)
    expected = [-math.log(p_b_after_a), -math.log(p_a_after_b)]
    np.testing.assert_allclose(model.nats(np.array([0, 1, 0])), expected, rtol=1e-6)


def test_discounts():
    amounts = np.repeat([1, 2, 3, 4, 9], [40, 20, 12, 8, 30])
    y = 40 / 80
    by_formula = (1 - 2 * y * 20 / 40, 2 - 3 * y * 12 / 20, 3 - 4 * y * 8 / 12)
    assert discounts(amounts) == pytest.approx(by_formula)
    assert discounts(amounts[amounts != 3]) == FALLBACK
    # Far more twos than ones would ask for a negative discount.
    assert discounts(np.repeat([1, 2, 3, 4], [1, 2, 90, 90])) == FALLBACK


def test_the_best_order_is_the_one_with_the_lowest_loss_and_all_are_as_trained_alone():
    ids, size = encoded(TEXT * 3)
    train, val = ids[:300], ids[300:]
    best, losses = best_order(train, val, size, range(1, 13))
    for order, loss in losses.items():
        alone = NGram.train(train, size, order)
        assert alone.nats(val).mean() == pytest.approx(loss, rel=1e-9)
    assert losses[best.order] == min(losses.values())
    assert best.nats(val).mean() == pytest.approx(losses[best.order], rel=1e-9)
    tried = list(losses)
    assert tried == list(range(1, len(tried) + 1))
    assert len(tried) == 12 or losses[tried[-1]] >= losses[tried[-2]]  # then it stopped


def test_orders_that_are_asked_for_and_restarts():
    ids, size = encoded(LINES)
    best, losses = best_order(ids, ids, size, (5, 2), restart=int(ids[0]))
    assert list(losses) == [2, 5] and best.order == 5 and best.restart == int(ids[0])


@pytest.mark.parametrize("block", [1 << 20, 7])
def test_every_order_on_several_texts_is_as_trained_alone(block, monkeypatch):
    monkeypatch.setattr("charrnn.ngram.BLOCK", block)
    ids, size = encoded(TEXT)
    train, texts = ids[:150], {"val": ids[150:200], "test": ids[200:]}
    losses = losses_by_order(train, texts, size, range(1, 13))
    assert list(losses) == ["val", "test"]
    for name, text in texts.items():
        assert list(losses[name]) == list(range(1, 13))  # though it rises again before that
        for order, loss in losses[name].items():
            alone = NGram.train(train, size, order).nats(text).mean()
            assert loss == pytest.approx(alone, rel=1e-9)
    assert losses["val"] == pytest.approx(best_order(train, texts["val"], size)[1] | losses["val"])


def test_every_order_with_restarts_and_of_a_short_text():
    ids, size = encoded(LINES)
    restart = int(ids[0])
    losses = losses_by_order(ids, {"same": ids[5:]}, size, (6, 2), restart)["same"]
    alone = [NGram.train(ids, size, order, restart).nats(ids[5:]).mean() for order in (2, 6)]
    assert losses == pytest.approx(dict(zip((2, 6), alone, strict=True)), rel=1e-9)
    assert list(losses_by_order(ids[:3], {"same": ids}, size)["same"]) == [1, 2, 3]
    assert losses_by_order(ids, {}, size) == {}


def test_a_baseline_keeps_what_it_counted():
    vocab = Vocab.of(LINES)
    ids = vocab.encode(LINES)
    baseline = Baseline.of(vocab, ids, 3, restart=0)
    assert baseline.ngram.order == 3 and baseline.ngram.restart == 0 and baseline.train is ids
    expected = NGram.train(ids, len(vocab), 3, 0).nats(ids)
    np.testing.assert_array_equal(baseline.ngram.nats(ids), expected)


def test_longer_contexts_help_on_text_that_needs_them():
    """Period 3, where what follows a depends on two characters: aab aab aab."""
    ids = np.array([0, 0, 1] * 200)
    best, losses = best_order(ids[:300], ids[300:], 2)
    assert best.order >= 3 and losses[3] < losses[2] / 2


def test_a_text_shorter_than_the_order():
    model = NGram.train(np.array([0, 1, 1]), 2, 10)
    assert model.order == 3
    assert np.isfinite(model.nats(np.array([0, 1, 0, 1, 1, 1]))).all()
    assert NGram.train(np.array([1]), 2, 3).nats(np.array([0, 1])).shape == (1,)


def test_what_is_refused():
    ids = np.array([0, 1, 2])
    with pytest.raises(ValueError, match="order is 0"):
        NGram.train(ids, 3, 0)
    with pytest.raises(ValueError, match="ids from 0 to 2; the vocabulary has 0 to 1"):
        NGram.train(ids, 2, 1)
    with pytest.raises(ValueError, match="the text is empty"):
        NGram.train(ids[:0], 3, 2)
    model = NGram.train(ids, 3, 2)
    with pytest.raises(ValueError, match="1 characters hold nothing to predict"):
        model.nats(ids[:1])
    with pytest.raises(ValueError, match="the vocabulary has 0 to 2"):
        model.nats(np.array([0, 3]))
    with pytest.raises(ValueError, match="orders are"):
        best_order(ids, ids, 3, ())
    with pytest.raises(ValueError, match="too short for order 9"):
        best_order(ids, ids, 3, (9,))
    with pytest.raises(ValueError, match=r"orders are \[0, 2\]"):
        losses_by_order(ids, {"a": ids}, 3, (2, 0))
    with pytest.raises(ValueError, match="too short for order 8"):
        losses_by_order(ids, {"a": ids}, 3, (9, 8))
    with pytest.raises(ValueError, match="1 characters hold nothing to predict"):
        losses_by_order(ids, {"a": ids, "b": ids[:1]}, 3)
    with pytest.raises(ValueError, match="the text is empty"):
        losses_by_order(ids[:0], {"a": ids}, 3)
