"""Units against rules: counts in bins beside what the values themselves give."""

import numpy as np
import pytest

from charrnn.probe.ranking import (
    BINS,
    Correlations,
    Ranking,
    bins_of,
    edge_value,
    exact_auc,
    histogram_auc,
)

N, UNITS = 3000, 4


def example(n=N, units=UNITS, seed=0, decimals=None):
    """Values of units that know something of a label, some with the other sign, and the label."""
    rng = np.random.default_rng(seed)
    label = np.repeat(rng.random(n // 5 + 1) < 0.3, 5)[:n]
    values = rng.normal(size=(n, units)) + np.outer(label, np.linspace(-1.5, 2, units))
    values = values if decimals is None else values.round(decimals)
    return values.astype(np.float32), label


def ranked(values, labels, block=1000, shown=None, order=None, **options) -> Ranking:
    ranking = Ranking(labels, **options)
    order = np.arange(len(values)) if order is None else order
    for i in range(0, len(values), block):
        at = order[i : i + block]
        ranking.add(at, values[at], None if shown is None else shown[at])
    return ranking


def pairs_won(values, label) -> float:
    """The share of pairs (inside, outside) in which the value inside is higher; ties count half."""
    a, b = values[label][:, None], values[~label][None]
    return float(((a > b) + 0.5 * (a == b)).mean())


def f1(said, label) -> float:
    return 2 * (said & label).sum() / (said.sum() + label.sum())


def naive_f1(values, label) -> float:
    """The best F1 of all thresholds and both sides."""
    edges = [*np.unique(values), np.inf]
    return max(max(f1(values >= edge, label), f1(values < edge, label)) for edge in edges)


# The area under the ROC curve


@pytest.mark.parametrize("decimals", [None, 1, 0])
def test_auc_by_ranks_is_the_share_of_pairs(decimals):
    values, label = example(300, decimals=decimals)
    assert decimals is None or len(np.unique(values)) < 120
    expected = [pairs_won(column, label) for column in values.T]
    np.testing.assert_allclose(exact_auc(values, label), expected, atol=1e-12)


def test_auc_by_hand():
    """Inside 1 and 3, outside 1 and 2: 3 beats both, 1 ties with one and loses to the other."""
    values = np.array([[1.0], [3.0], [1.0], [2.0]])
    assert exact_auc(values, np.array([True, True, False, False])) == [2.5 / 4]
    inside, outside = np.array([0, 1, 0, 1]), np.array([0, 1, 1, 0])
    assert histogram_auc(inside, outside) == 2.5 / 4
    assert histogram_auc(outside, inside) == 1.5 / 4


@pytest.mark.parametrize(("label", "count"), [([True] * 3, 3), ([False] * 3, 0)])
def test_an_auc_needs_both_kinds(label, count):
    with pytest.raises(ValueError, match=f"{count} of 3 characters are inside"):
        exact_auc(np.zeros((3, 1)), np.array(label))
    assert np.isnan(histogram_auc(np.zeros(4), np.ones(4)))


def test_auc_by_counts_is_that_of_the_bins():
    values, label = example()
    found = ranked(values, {"rule": label}).scores()["rule"]
    half = N // 2
    codes = bins_of(values)
    first, second = (exact_auc(codes[s], label[s]) for s in (slice(half), slice(half, None)))
    up = first >= 0.5
    assert 0 < up.sum() < UNITS
    assert np.array_equal(found.sign, np.where(up, 1, -1))
    np.testing.assert_allclose(found.auc_found, np.where(up, first, 1 - first), atol=1e-12)
    np.testing.assert_allclose(found.auc, np.where(up, second, 1 - second), atol=1e-12)


def test_auc_by_counts_comes_close_to_the_values():
    values, label = example()
    found = ranked(values, {"rule": label}).scores()["rule"]
    exact = exact_auc(values[N // 2 :], label[N // 2 :])
    np.testing.assert_allclose(found.auc, np.where(found.sign > 0, exact, 1 - exact), atol=1e-3)


def test_heavy_ties_count_half():
    """A unit of three values only, which the bins tell apart: nothing is lost."""
    values, label = example(decimals=0)
    values = values.clip(-1, 1)
    found = ranked(values, {"rule": label}).scores()["rule"]
    for unit in range(UNITS):
        won = pairs_won(values[N // 2 :, unit], label[N // 2 :])
        assert found.auc[unit] == pytest.approx(won if found.sign[unit] > 0 else 1 - won)


# Bins


def test_bins_are_in_order_and_reach_everywhere():
    values = np.array([-1e30, -50, -1, -0.01, 0, 0.01, 1, 50, 1e30], np.float32)
    codes = bins_of(values)
    assert codes.dtype == np.int16
    assert (np.diff(codes) > 0).all()
    assert codes[0] == 0 and codes[4] == BINS // 2 and codes[-1] == BINS - 1


@pytest.mark.parametrize("bins", [16, 512])
def test_an_edge_is_where_a_bin_begins(bins):
    for k in range(1, bins):
        edge = edge_value(np.array(k), bins)
        nudge = 1e-6 * (1 + abs(edge)) ** 2
        below, above = bins_of(np.array([edge - nudge, edge + nudge]), bins)
        assert (below, above) == (k - 1, k)


# F1 at a threshold


@pytest.mark.parametrize("decimals", [None, 0])
def test_f1_is_that_of_the_best_threshold(decimals):
    values, label = example(600, decimals=decimals)
    found = ranked(values, {"rule": label}).scores()["rule"]
    codes = bins_of(values)
    for unit in range(UNITS):
        assert found.f1_found[unit] == pytest.approx(naive_f1(codes[:300, unit], label[:300]))
        close = naive_f1(values[:300, unit], label[:300])
        assert found.f1_found[unit] == pytest.approx(close, abs=0.02)


def test_threshold_and_side_carry_over_to_the_second_half():
    values, label = example()
    found = ranked(values, {"rule": label}).scores()["rule"]
    assert 0 < found.above.sum() < UNITS
    for half, scores in ((slice(N // 2), found.f1_found), (slice(N // 2, None), found.f1)):
        for unit in range(UNITS):
            column, edge = values[half, unit], found.threshold[unit]
            said = column >= edge if found.above[unit] else column < edge
            assert scores[unit] == pytest.approx(f1(said, label[half]), abs=1e-3)


def test_nothing_of_the_second_half_decides_what_is_found():
    """The second half turned upside down: the same choices, and scores that show it."""
    values, label = example()
    turned = values.copy()
    turned[N // 2 :] *= -1
    one, other = (ranked(v, {"rule": label}).scores()["rule"] for v in (values, turned))
    for name in ("sign", "auc_found", "threshold", "above", "f1_found"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    np.testing.assert_allclose(one.auc, 1 - other.auc, atol=1e-2)
    assert np.array_equal(one.best(), other.best())


def test_a_unit_that_says_nothing_says_yes_everywhere():
    """Of 1,500 characters 450 are inside: F1 is 2 x 450 / (1,500 + 450)."""
    label = np.tile([True] * 3 + [False] * 7, N // 10)
    values = np.full((N, 2), 0.25, np.float32)
    found = ranked(values, {"rule": label}).scores()["rule"]
    assert found.positives == 0.3 and found.guessing == pytest.approx(900 / 1950)
    np.testing.assert_allclose(found.f1, 900 / 1950)
    np.testing.assert_allclose(found.f1_found, 900 / 1950)
    np.testing.assert_allclose(found.auc, 0.5)


def test_the_best_units_come_first():
    label = np.arange(N) % 4 == 0
    noise = np.random.default_rng(0).normal(size=N)
    values = np.stack([noise, label - 0.5, 5.0 * label + noise, 0.5 - label], axis=1)
    found = ranked(values.astype(np.float32), {"rule": label}).scores()["rule"]
    assert found.best(3).tolist() == [1, 3, 2]
    assert found.best(3, by="auc").tolist() == [1, 3, 2]
    assert found.sign[[1, 3]].tolist() == [1, -1] and found.above[[1, 3]].tolist() == [True, False]
    assert found.f1[[1, 3]].tolist() == [1, 1]


# Counting


def test_labels_are_counted_however_many_there_are():
    """25 rules share sums by threes: each is what it is alone, and what a plain histogram says."""
    values = example()[0]
    rng = np.random.default_rng(1)
    labels = {f"rule {k}": rng.random(N) < (k + 1) / 27 for k in range(25)}
    together = ranked(values, labels)
    found = together.scores()
    assert list(found) == list(labels)
    codes = bins_of(values)
    for k, (name, label) in enumerate(labels.items()):
        alone = ranked(values, {name: label}).scores()[name]
        for part in ("auc", "f1", "auc_found", "f1_found", "threshold"):
            assert np.array_equal(getattr(found[name], part), getattr(alone, part)), name
        for half, which in enumerate((np.arange(N) < N // 2, np.arange(N) >= N // 2)):
            counts = np.bincount(codes[label & which, 2], minlength=BINS)
            assert np.array_equal(together.counts[k, half, 2], counts)


@pytest.mark.parametrize("block", [1, 7, N])
def test_counts_do_not_depend_on_blocks_or_their_order(block):
    values, label = example(N if block > 1 else 300)
    labels = {"rule": label, "grade": np.arange(len(label), dtype=np.float32)}
    order = np.random.default_rng(2).permutation(len(label))
    one, other = ranked(values, labels), ranked(values, labels, block=block, order=order)
    first, second = one.scores(), other.scores()
    assert np.array_equal(one.counts, other.counts)
    np.testing.assert_allclose(first["grade"].r, second["grade"].r, atol=1e-5)


def test_more_states_than_a_packed_sum_holds_may_come_at_once():
    """200,000 equal states in one piece: a field of 17 bits alone would run over."""
    n = 200_000
    label = np.arange(n) % 2 == 0
    ranking = ranked(np.full((n, 1), 0.5, np.float32), {"a": label, "b": label, "c": ~label}, n)
    ranking.scores()
    assert ranking.counts[:, :, 0].max(axis=-1).tolist() == [[50_000] * 2] * 3 + [[100_000] * 2]
    assert ranking.counts.sum() == 5 * n // 2


def test_what_is_kept_does_not_grow_with_the_text():
    for n in (2_000, 90_000):
        values, label = example(n, units=3)
        ranking = ranked(values, {"a": label, "b": ~label}, 500)
        waiting = sum(part[1].nbytes for part in ranking._waiting)
        ranking.scores()
        assert ranking.counts.nbytes == (2 + 1) * 2 * 3 * BINS * 4
        assert waiting <= 32_768 * 3 * 4


def test_only_states_that_came_count():
    """Of a text of 3,000 characters 1,000 were read."""
    values, label = example()
    ranking = Ranking({"rule": label})
    ranking.add(np.arange(1000, 2000), values[1000:2000])
    found = ranking.scores()["rule"]
    assert found.positives == label[1500:2000].mean()


@pytest.mark.parametrize(("count", "kept"), [(9, False), (10, True)])
@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("kind", ["few inside", "few outside"])
def test_a_rule_with_too_few_characters_is_left_out(count, kept, half, kind):
    values = example()[0]
    label = np.arange(N) % 2 == 0
    label[half * N // 2 : (half + 1) * N // 2] = False
    label[half * N // 2 : half * N // 2 + count] = True
    label = ~label if kind == "few outside" else label
    assert ("rule" in ranked(values, {"rule": label}).scores()) == kept


def test_labels_are_some_and_of_one_length():
    with pytest.raises(ValueError, match=r"labels have lengths \[3, 4\]; give some"):
        Ranking({"a": np.zeros(3, bool), "b": np.zeros(4, bool)})
    with pytest.raises(ValueError, match=r"labels have lengths \[\]; give some"):
        Ranking({})
    with pytest.raises(ValueError, match="no states were counted; add some first"):
        Ranking({"a": np.zeros(3, bool)}).scores()


# Graded rules


def graded(seed=3):
    """Values with a part that follows a grade, and the grade, NaN in many places."""
    rng = np.random.default_rng(seed)
    grade = rng.gamma(2, 20, N).astype(np.float32)
    values = rng.normal(size=(N, UNITS)) + np.outer(grade / 30, np.linspace(-1, 1.2, UNITS))
    grade[rng.random(N) < 0.4] = np.nan
    return values.astype(np.float32), grade


def correlations(values, grade) -> list[float]:
    told = ~np.isnan(grade)
    wide = values.astype(np.float64)
    return [np.corrcoef(column[told], grade[told])[0, 1] for column in wide.T]


def test_correlation_is_numpys_where_the_rule_says_something():
    values, grade = graded()
    found = ranked(values, {"grade": grade}).scores()["grade"]
    assert isinstance(found, Correlations)
    np.testing.assert_allclose(found.r_found, correlations(values[:1500], grade[:1500]), atol=1e-5)
    np.testing.assert_allclose(found.r, correlations(values[1500:], grade[1500:]), atol=1e-5)
    assert found.n == (~np.isnan(grade[1500:])).sum()
    assert found.best(2).tolist() == np.argsort(-np.abs(found.r_found))[:2].tolist()


def test_correlations_are_of_what_is_shown():
    values, grade = graded()
    label = np.arange(N) % 3 == 0
    found = ranked(values, {"rule": label, "grade": grade}, shown=np.tanh(values)).scores()
    expected = correlations(np.tanh(values[1500:]), grade[1500:])
    np.testing.assert_allclose(found["grade"].r, expected, atol=1e-5)
    plain = ranked(values, {"rule": label}).scores()["rule"]
    assert np.array_equal(found["rule"].threshold, plain.threshold)


def test_a_unit_that_hardly_leaves_one_is_not_drowned_in_rounding():
    """Values of 0.9999 with a ripple of 1e-5 that follows the grade, 40,000 of them."""
    grade = (np.arange(40_000) % 61).astype(np.float32)
    noise = np.random.default_rng(0).normal(size=40_000)
    ripple = 1e-5 * ((grade - 30) / 18 + noise)
    values = (0.9999 + ripple).astype(np.float32)[:, None]
    found = ranked(values, {"grade": grade}).scores()["grade"]
    assert found.r == pytest.approx(correlations(values[20_000:], grade[20_000:]), abs=1e-3)
    assert found.r == pytest.approx(0.7, abs=0.05)


def test_nothing_correlates_with_what_never_changes():
    values, grade = graded()
    values[:, 1] = 0.7
    found = ranked(values, {"grade": grade, "same": np.full(N, 3.25, np.float32)}).scores()
    assert found["grade"].r[1] == found["grade"].r_found[1] == 0
    assert not found["same"].r.any()


@pytest.mark.parametrize(("count", "kept"), [(9, False), (10, True)])
def test_a_graded_rule_that_says_too_little_is_left_out(count, kept):
    values, grade = graded()
    grade[1500:] = np.nan
    grade[1500 : 1500 + count] = np.arange(count)
    assert ("grade" in ranked(values, {"grade": grade}).scores()) == kept


# Units by lot


def test_shuffled_units_are_measured_at_the_best_ones_threshold():
    values, label = example()
    ranking = ranked(values, {"other": ~label, "rule": label})
    found, others = ranking.scores()["rule"], ranking.shuffled("rule")
    best = int(found.f1_found.argmax())
    edge, above = found.threshold[best], found.above[best]
    rest = np.delete(values[N // 2 :], best, axis=1)
    for column, score in zip(rest.T, others, strict=True):
        said = column >= edge if above else column < edge
        assert score == pytest.approx(f1(said, label[N // 2 :]), abs=2e-3)
