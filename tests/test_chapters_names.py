"""What the chapter on names shows: from hand-made measures, and a network of three letters."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from charrnn.chapters import names as shown
from charrnn.model import CharRNN, ModelConfig
from charrnn.vocab import UnknownCharacterError, Vocab


def share(value):
    return {"value": value, "low": 0.0, "high": 1.0}


def row(new, known, listed):
    return {"new": share(new), "mass": {"training": known, "held_out": 0.02}, "listed": listed}


@pytest.fixture
def run():
    names = {
        "by_temperature": {
            "0.5": row(0.4, 0.58, share(0.3)), "1.0": row(0.8, 0.21, None),
            "1.5": row(None, 0.1, share(None)),
        },
        "held_out": row(1.0, 0.0, share(0.6)),
        "lists": {"training": {"lines": 9, "different": 8},
                  "held_out": {"lines": 2, "different": 2}},
        "cost": {"training": {"value": 12.349, "low": 12.0, "high": 13.0, "total": 8},
                 "held_out": None},
    }  # fmt: skip
    return SimpleNamespace(measures={"names": names})


def test_the_share_of_new_names_as_the_figure_takes_it(run):
    found = shown.new_names(run)
    np.testing.assert_allclose(found["temperature"], [0.5, 1.0])  # none was drawn at 1.5
    np.testing.assert_allclose(found["exact"], [0.42, 0.79])
    np.testing.assert_allclose(found["drawn"], [0.4, 0.8])


def test_a_panel_leaves_out_what_was_not_measured(run):
    found = shown.panel(run, "listed")
    np.testing.assert_allclose(found["temperature"], [0.5])
    np.testing.assert_allclose(found["mean"], [0.3])
    assert found["real"] == (0.0, 1.0)
    run.measures["names"]["held_out"]["listed"] = None
    assert "real" not in shown.panel(run, "listed")
    for kept in run.measures["names"]["by_temperature"].values():
        kept["listed"] = None
    assert len(shown.panel(run, "listed")["temperature"]) == 0


def test_tables(run):
    assert shown.sizes(run).loc["held out", "lines"] == 2
    costs = shown.costs(run)
    assert list(costs.index) == ["training"]
    assert costs.loc["training", "nats a name"] == "12.35 [12.00, 13.00]"


def test_masses_of_the_lists_and_of_what_is_in_neither(run):
    table = shown.masses(run)
    assert list(table.index) == ["T = 0.5", "T = 1"]  # the others were not drawn at
    assert list(table.loc["T = 1"]) == ["21.0%", "2.0%", "77.0%"]


def test_names_in_a_row():
    assert shown.in_a_row("Ada\nZsa Zsa\nGra") == "Ada, Zsa Zsa"


def test_names_and_the_lists_that_have_them():
    records = [
        {"name": "Ada", "p": 0.00126, "training": True, "held_out": False, "listed": True},
        {"name": "Ida", "p": None, "training": False, "held_out": True, "listed": None},
        {"name": "Uxo", "p": 0.5, "training": False, "held_out": False, "listed": False},
    ]
    table = shown.told(records)
    assert list(table.loc["Ada"]) == ["790", "training", "yes"]
    assert list(table.loc["Ida"]) == ["a letter is unknown", "held out", "not at hand"]
    assert list(table.loc["Uxo"]) == ["2", "no", "no"]
    assert shown.told([]).empty


@pytest.mark.parametrize(("p", "told"), [(1e-6, "1,000,000"), (0.0, "never"), (1.0, "1")])
def test_once_in(p, told):
    assert shown.once_in(p) == told


@pytest.fixture(scope="module")
def small():
    config = ModelConfig(vocab_size=5, hidden=5, layers=1, restart=0)
    model = CharRNN(config, torch.Generator().manual_seed(0)).eval()
    return SimpleNamespace(model=model, vocab=Vocab.of("\nAdan"))


def test_a_name_is_spelled_from_an_empty_state(small):
    table = shown.spell(small, "Anna")
    assert list(table["letter"]) == [*"Anna", "\n"]
    ids = torch.from_numpy(small.vocab.encode("\nAnna").astype(np.int64))[:, None]
    with torch.inference_mode():
        p = small.model(ids)[0][:, 0].softmax(dim=-1).numpy()
    expected = p[np.arange(5), small.vocab.encode("Anna\n")]
    np.testing.assert_allclose(table["p"], expected, rtol=1e-5)
    np.testing.assert_allclose(table["so far"], np.cumprod(expected), rtol=1e-5)
    assert shown.probability(small, "Anna") == pytest.approx(np.prod(expected), rel=1e-5)


def test_probabilities_of_what_can_follow_sum_to_one(small):
    after_a = [shown.spell(small, "A" + c)["p"].iloc[1] for c in ("A", "a", "n", "d", "")]
    assert sum(after_a) == pytest.approx(1, abs=1e-5)


def test_a_letter_that_was_never_seen(small):
    with pytest.raises(UnknownCharacterError, match="never saw 'M' 'x'"):
        shown.spell(small, "Max")
