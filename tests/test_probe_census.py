"""A census of a network whose quote cell we know, of its controls, and of linear readings."""

from pathlib import Path

import numpy as np
import pytest
import torch
from quote_network import CELL, HIDDEN, LAYER, UNIT, quote_run

from charrnn import rules
from charrnn.model import CharRNN, ModelConfig
from charrnn.probe.census import (
    best_unit,
    counted,
    decoded,
    is_scores,
    measured,
    rank_units,
    take_census,
    unit_labels,
    unit_scores,
)
from charrnn.probe.controls import Rotation, shifted, untrained
from charrnn.probe.linear import Sample, best_cut, f1_above, linear_probes
from charrnn.probe.ranking import Correlations, Ranking, Scores
from charrnn.probe.states import states
from charrnn.probe.trace import trace
from charrnn.vocab import UnknownCharacterError, Vocab

NOVEL = (
    (Path(__file__).parents[1] / "data/samples/novel.txt").read_text()[:6000].rpartition("\n\n")[0]
)
NAMES = ["inside_quotes", "capitalised_word", "inside_comment", "position_in_line"]


@pytest.fixture(scope="module")
def run():
    return quote_run(Vocab.of(NOVEL))


@pytest.fixture(scope="module")
def ranked(run):
    return rank_units(run, NOVEL, NAMES, lanes=1)


@pytest.fixture(scope="module")
def census(run):
    ids = run.vocab.encode(NOVEL)
    return take_census(run.model, ids, unit_labels(NOVEL, NAMES), lanes=1)


# A quote cell


def test_the_cell_is_one_inside_quotes(run):
    values = trace(run, NOVEL[:2000]).unit(LAYER, CELL)
    first = NOVEL.index('"')
    inside = rules.labels("inside_quotes", NOVEL[:2000])[first:]
    np.testing.assert_allclose(values[first:], np.where(inside, 1, -1) * np.tanh(1), atol=3e-3)


def test_the_best_unit_is_the_cell(ranked):
    scores = ranked["inside_quotes"]
    assert scores.best(1).tolist() == scores.best(1, by="auc").tolist() == [UNIT]
    assert divmod(UNIT, HIDDEN) == (LAYER, CELL) and best_unit(scores) == UNIT
    assert min(scores.f1[UNIT], scores.f1_found[UNIT], scores.auc[UNIT]) > 0.99
    assert scores.sign[UNIT] == 1 and scores.above[UNIT] and -1 < scores.threshold[UNIT] < 1
    assert np.sort(scores.f1)[-2] < scores.guessing + 0.1


def test_the_cell_is_found_by_what_it_shows_too(run):
    found = rank_units(run, NOVEL[:3000], "inside_quotes", quantity="h", lanes=1)
    assert list(found) == ["inside_quotes"]
    assert best_unit(found["inside_quotes"]) == UNIT and found["inside_quotes"].f1[UNIT] > 0.99


def test_all_rules_are_ranked_that_the_text_has(run):
    """A novel has no comments, and hardly a number."""
    found = rank_units(run, NOVEL[:2500], lanes=1)
    assert {"inside_quotes", "word_length", "line_ends_next"} <= set(found)
    assert not {"inside_comment", "inside_url", "position_in_link"} & set(found)
    assert isinstance(found["word_length"], Correlations)
    assert isinstance(found["inside_quotes"], Scores)


def test_a_byte_network_is_ranked_byte_by_byte():
    """Letters of two bytes before the quotation: labels stay where the bytes are."""
    text = 'é—ü "yes" said “é” \n' * 60
    run = quote_run(Vocab.of(text.encode()))
    scores = rank_units(run, text, "inside_quotes", lanes=1)["inside_quotes"]
    assert best_unit(scores) == UNIT and scores.f1[UNIT] > 0.99
    ids = run.vocab.encode(text)
    assert decoded(run.vocab, ids) == text.encode()
    assert scores.positives == rules.labels("inside_quotes", text.encode())[len(ids) // 2 :].mean()


def test_ranking_refuses_what_it_does_not_know(run):
    with pytest.raises(ValueError, match="no rule 'inside_qoutes'; there are inside_url"):
        rank_units(run, NOVEL, "inside_qoutes")
    with pytest.raises(UnknownCharacterError, match="never saw '☃'"):
        rank_units(run, "☃", "inside_quotes")


# The census and its controls


def test_a_census_finds_the_cell_at_the_ceiling(census):
    assert (census.layers, census.hidden) == (2, HIDDEN)
    assert (census.quantity, census.characters) == ("c", len(NOVEL))
    assert list(census.real) == ["inside_quotes", "capitalised_word", "position_in_line"]
    scores = census.real["inside_quotes"]
    assert best_unit(scores) == UNIT and scores.f1[UNIT] > 0.99
    probe = census.probes["inside_quotes"]
    assert probe.auc > 0.999 and probe.f1 > 0.95 and probe.r is None
    assert list(census.probes) == list(census.real)


def test_labels_moved_in_time_come_out_at_chance(run, census):
    """On average over moves: a single one in a text this short may do well by luck, and which does
    depends on the last bits of a machine's sums."""
    ids, labels = run.vocab.encode(NOVEL), unit_labels(NOVEL, NAMES)
    moves = [Ranking(shifted(labels, seed)) for seed in range(16)]
    for block in states(run.model, ids, lanes=1):
        for ranking in moves:
            ranking.add(block.where, block.c, block.c)
    found = [ranking.scores()["inside_quotes"] for ranking in moves]
    scores = census.shifted["inside_quotes"]
    assert np.mean([s.f1[best_unit(s)] for s in found]) < scores.guessing + 0.03
    assert np.abs(scores.auc - 0.5).max() < 0.2
    line = census.shifted["position_in_line"]
    assert abs(line.r[line.best(1)[0]]) < 0.1


def test_neither_an_untrained_nor_a_turned_network_has_the_cell(census):
    for control in (census.untrained, census.rotated):
        scores = control["inside_quotes"]
        assert scores.f1[best_unit(scores)] < 0.8
    assert census.untrained["inside_quotes"].auc.max() < 0.75


def test_units_by_lot_do_no_better_than_guessing(census):
    assert set(census.shuffled) == {"inside_quotes", "capitalised_word"}
    real = census.real["inside_quotes"]
    assert 0 < census.shuffled["inside_quotes"] < real.guessing


def test_a_census_is_what_ranking_says(census, ranked):
    assert list(ranked) == list(census.real)
    for name, scores in census.real.items():
        for one, other in zip(measured(scores), measured(ranked[name]), strict=True):
            assert np.array_equal(one, other), name


def test_a_units_score_is_of_the_rule_it_was_best_at_before():
    def scores(rule, f1_found, f1, positives=0.1):
        fields = {"sign": 1, "auc_found": 1, "auc": 1, "threshold": 0, "above": 1}
        return Scores(
            rule, f1_found=np.array(f1_found), f1=np.array(f1), positives=positives, **fields
        )

    found = {
        "a": scores("a", [0.9, 0.2, 0.1], [0.5, 1.0, 0.3]),
        "b": Correlations("b", np.array([0.8, -0.6, -0.7]), np.array([0.7, -0.4, 0.6]), 99),
        "easy": scores("easy", [1, 1, 1], [1, 1, 1], positives=0.4),
    }
    assert found["easy"].guessing == pytest.approx(0.8 / 1.4)
    assert counted(found) == ["a", "b"]
    # the first by a; the second by b, in the same direction; the third by b, which then turned
    assert unit_scores(found, ["a", "b"]).tolist() == [0.5, 0.4, 0.0]
    assert unit_scores(found, ["a", "not there"]).tolist() == [0.5, 1.0, 0.3]
    assert [is_scores(v) for v in found.values()] == [True, False, True]
    assert [best_unit(v) for v in found.values()] == [0, 0, 0]


# Controls


def test_moved_labels_keep_their_shares_and_runs():
    labels = unit_labels(NOVEL, NAMES)
    moved = shifted(labels, seed=3)
    n = len(NOVEL)
    for name, label in labels.items():
        assert moved[name].dtype == label.dtype and len(moved[name]) == n
        assert np.array_equal(np.sort(moved[name]), np.sort(label))
        fits = [
            by
            for by in range(n // 3, 2 * n // 3)
            if np.array_equal(np.roll(label, by), moved[name])
        ]
        assert len(fits) >= 1
    again, other = shifted(labels, seed=3), shifted(labels, seed=4)
    assert np.array_equal(again["inside_quotes"], moved["inside_quotes"])
    assert not np.array_equal(other["inside_quotes"], moved["inside_quotes"])


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_short_labels_are_moved_too(n):
    assert len(shifted({"a": np.zeros(n, bool)})["a"]) == n


def test_an_untrained_network_has_the_same_shape_and_other_weights():
    model = CharRNN(ModelConfig(9, "gru", hidden=6, layers=3, restart=1)).train()
    fresh, again, other = untrained(model), untrained(model), untrained(model, seed=1)
    assert fresh.config == model.config and not fresh.training and model.training
    for name, value in model.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], again.state_dict()[name])
        if value.any():  # biases begin with zeros
            assert not torch.equal(fresh.state_dict()[name], value), name
            assert not torch.equal(fresh.state_dict()[name], other.state_dict()[name]), name


def test_a_rotation_turns_each_layer_and_keeps_its_lengths():
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(500, 24)) * rng.uniform(0.1, 3, 24) + 1).astype(np.float32)
    rotation = Rotation(layers=3, hidden=8)
    turned = rotation(values)
    assert turned.dtype == np.float32 and turned.shape == values.shape
    centred = values - values.mean(axis=0)
    for layer in range(3):
        columns = slice(8 * layer, 8 * layer + 8)
        lengths = [np.linalg.norm(v[:, columns], axis=1) for v in (turned, centred)]
        np.testing.assert_allclose(*lengths, rtol=1e-4)
        turn = rotation.turns[layer]
        np.testing.assert_allclose(turn @ turn.T, np.eye(8), atol=1e-5)
        np.testing.assert_allclose(turned[:, columns] @ turn.T, centred[:, columns], atol=1e-4)
    assert not np.allclose(rotation.turns[0], rotation.turns[1])
    np.testing.assert_allclose(rotation(values[7:9]), turned[7:9], atol=1e-5)  # the first centre


# Linear readings


def sampled(values, most=40_000, block=100) -> Sample:
    sample = Sample(len(values), most)
    for i in range(0, len(values), block):
        sample.add(np.arange(i, min(i + block, len(values))), values[i : i + block])
    return sample


def test_a_sample_is_even_and_the_same_for_both_halves():
    values = np.arange(5000, dtype=np.float32)[:, None]
    (first, x), (second, y) = sampled(values, most=400).halves()
    assert len(first) == len(second) == 400
    assert first.max() < 2500 <= second.min() and len(set(first)) == len(set(second)) == 400
    assert np.array_equal(x[:, 0], first) and np.array_equal(y[:, 0], second)
    assert 1100 < first.mean() < 1400 and 3600 < second.mean() < 3900
    assert [len(at) for at, _ in sampled(values[:301]).halves()] == [150, 151]


def example(n=4000, units=6):
    rng = np.random.default_rng(0)
    return rng, rng.normal(size=(n, units)).astype(np.float32)


def test_a_reading_finds_what_no_unit_tells_alone():
    """Inside is where the sum of six units is high: each alone has an AUC of about 0.7."""
    rng, values = example()
    label = values.sum(axis=1) > 1
    noise = rng.random(len(label)) < 0.5
    found = linear_probes(
        sampled(values * np.float32([1, 5, 0.1, 1, 1, 20])), {"sum": label, "noise": noise}
    )
    assert found["sum"].auc > 0.999 and found["sum"].f1 > 0.98
    assert 0.45 < found["noise"].auc < 0.55
    ranking = Ranking({"sum": label})
    ranking.add(np.arange(len(label)), values)
    assert ranking.scores()["sum"].auc.max() < 0.8


def test_a_reading_of_a_grade_is_least_squares():
    """On the characters where the rule says something, which have means of their own."""
    rng, values = example()
    grade = (values @ [1, -0.5, 1, 3, 0, 0.5] + rng.normal(size=len(values))).astype(np.float32)
    told = values[:, 3] > 0.5
    grade[~told] = np.nan
    found = linear_probes(sampled(values), {"grade": grade})["grade"]
    fit, test = told.copy(), told.copy()
    fit[2000:], test[:2000] = False, False
    design = np.column_stack([values, np.ones(len(values))])
    weights = np.linalg.lstsq(design[fit], grade[fit], rcond=None)[0]
    expected = np.corrcoef(design[test] @ weights, grade[test])[0, 1]
    assert found.r == pytest.approx(expected, abs=2e-3) and found.auc is found.f1 is None


def test_a_reading_is_fitted_on_the_first_half_alone():
    """A rule that turns round in the middle is read backwards in the second half."""
    values = example()[1]
    label = values[:, 0] > 0
    label[2000:] = ~label[2000:]
    assert linear_probes(sampled(values), {"rule": label})["rule"].auc < 0.01


def test_a_unit_that_wakes_in_the_second_half_does_not_spoil_a_reading():
    values = example()[1]
    label = values[:, 0] > 0
    values[:, 4] = 0.3
    values[2000::3, 4] = -0.9
    assert linear_probes(sampled(values), {"rule": label})["rule"].auc > 0.99


def test_rules_that_a_sample_hardly_has_are_left_out():
    values = example()[1]
    few = np.arange(4000) < 9
    grade = np.where(np.arange(4000) < 3000, 2.0, np.nan).astype(np.float32)
    assert linear_probes(sampled(values), {"few": few, "none": ~few, "same": grade}) == {}


def test_the_best_cut_is_that_of_a_search():
    rng = np.random.default_rng(0)
    for decimals in (9, 1, 0):
        scores = rng.normal(size=200).round(decimals)
        inside = rng.random(200) < 1 / (1 + np.exp(-2 * scores))
        best = max(f1_above(scores, inside, cut) for cut in scores)
        assert f1_above(scores, inside, best_cut(scores, inside)) == pytest.approx(best, abs=1e-12)


def test_equal_scores_are_on_one_side_of_a_cut():
    """Three at 1, of which the first by order is inside, and one inside at 2: only 2 is apart."""
    scores, inside = np.array([1.0, 1, 1, 1, 1, 2]), np.array([1, 0, 0, 0, 0, 1], bool)
    assert best_cut(scores, inside) == 1.5
    assert f1_above(scores, inside, 2) == 2 / 3 and f1_above(scores, inside, 1) == 0.5
    assert f1_above(scores, np.zeros(6, bool), 3) == 0


def test_another_quantity_is_refused():
    with pytest.raises(ValueError, match="quantity is 'o'; it must be c or h"):
        rank_units(None, "text", quantity="o")
