"""Names drawn, and the exact probabilities of names: against enumeration, and on a tiny run."""

import json
from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from charrnn.measure import KINDS, names
from charrnn.measure.material import Material
from charrnn.model import CharRNN, ModelConfig
from charrnn.recipe import load_recipe
from charrnn.runs import run_texts, train_recipe
from charrnn.score import score
from charrnn.vocab import UnknownCharacterError, Vocab


@pytest.fixture(scope="module")
def small():
    """A network of three symbols, line by line, whose names can all be written down."""
    config = ModelConfig(vocab_size=3, hidden=6, layers=2, restart=0)
    model = CharRNN(config, torch.Generator().manual_seed(1)).eval()
    with torch.no_grad():
        model.decoder.weight *= 3  # less even probabilities
    return SimpleNamespace(model=model, vocab=Vocab.of("\nab"), info={})


def every(longest):
    return ["".join(letters) for n in range(longest + 1) for letters in product("ab", repeat=n)]


@pytest.fixture(scope="module")
def all_names(small):
    """All names of up to 11 letters, and their probabilities."""
    listed = every(11)
    return listed, np.exp(names.log_probabilities(small, listed)[0])


def test_probability_of_a_name_is_what_the_score_says(small):
    listed = ["ab", "b", "", "bbaab"]
    found = names.log_probabilities(small, listed)[0]
    expected = [-score(small, name + "\n").nats for name in listed]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_probabilities_at_a_temperature_are_those_of_divided_scores(small):
    found = names.log_probabilities(small, ["ab", "a"], (1.0, 0.5))
    np.testing.assert_allclose(found[0], names.log_probabilities(small, ["ab", "a"])[0])
    ids = torch.tensor([[0], [1], [2]])  # line end, a, b
    with torch.inference_mode():
        cold = (small.model(ids)[0][:, 0] / 0.5).log_softmax(dim=-1)
    assert found[1, 0] == pytest.approx(float(cold[0, 1] + cold[1, 2] + cold[2, 0]), rel=1e-5)


def test_all_names_together_have_all_the_probability(all_names):
    listed, p = all_names
    up_to_8 = sum(q for name, q in zip(listed, p, strict=True) if len(name) <= 8)
    assert up_to_8 < p.sum() < 1
    assert 1 - p.sum() < (1 - up_to_8) / 2  # the rest, of longer names, dies away


def test_an_unknown_letter_is_refused(small):
    with pytest.raises(UnknownCharacterError):
        names.log_probabilities(small, ["abc"])


@pytest.mark.parametrize("least", [0.2, 0.01, 0.001])
def test_the_likeliest_are_all_those_that_enumeration_finds(small, all_names, least):
    listed, p = all_names
    expected = sorted(
        ((q, name) for q, name in zip(p, listed, strict=True) if q >= least and name), reverse=True
    )
    assert max(len(name) for _, name in expected or [(0, "")]) < 11
    found = names.likeliest(small, least)
    assert [name for name, _ in found] == [name for _, name in expected]
    np.testing.assert_allclose([q for _, q in found], [q for q, _ in expected], rtol=1e-5)


def test_a_search_that_grows_too_large_is_given_up(small):
    assert names.likeliest(small, 1e-6, most=10) is None


def test_names_are_drawn_as_often_as_they_are_probable(small):
    drawn, unfinished = names.draw(small, 4000, 1.0)
    listed = [name for name in every(3) if name]
    exact = np.exp(names.log_probabilities(small, listed)[0])
    counted = np.array([drawn.count(name) for name in listed])
    spread = np.sqrt(4000 * exact * (1 - exact))
    assert (abs(counted - 4000 * exact) < 4.5 * spread + 1).all()  # one false alarm in 10,000
    assert len(drawn) + unfinished <= 4000 and "" not in drawn


LIST = "\n".join(
    a + b + c for a in ("An", "Be", "Ma", "Jo") for b in ("n", "l", "ri") for c in ("a", "e", "o")
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    (folder / "list.txt").write_text(LIST + "\n", encoding="utf-8")
    recipe = load_recipe("names", "smoke", steps=60, warmup=5, batch=8, seq=20)
    recipe = replace(
        recipe, corpus=str(folder / "list.txt"), model={"hidden": 12, "layers": 1},
        fractions=(0.7, 0.15, 0.15),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARRNN_CACHE", str(folder / "cache"))
        patch.delenv("CHARRNN_DATA", raising=False)
        return train_recipe(recipe, folder / "run", progress=False)


@pytest.fixture(scope="module")
def measured(run):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CHARRNN_DATA", raising=False)
        texts = run_texts(run.folder, progress=False)[1]
        material = Material(run, texts, 4, 400, {0.5: [], 1.0: []})
        return names.measure(material), texts


def test_it_is_measured_of_runs_of_that_recipe_and_is_plain_json(measured):
    assert KINDS["names"] == ("names", names)
    json.dumps(measured[0], allow_nan=False)


def test_the_sampled_share_agrees_with_the_exact_one(measured):
    found, _ = measured
    for t in ("0.5", "1.0"):
        row = found["by_temperature"][t]
        assert row["names"] <= found["drawn"] == 266
        n, exact = row["names"], 1 - row["mass"]["training"]
        assert abs(row["new"]["value"] - exact) < 4.5 * np.sqrt(0.25 / n)
        assert 0 < row["mass"]["training"] + row["mass"]["held_out"] < 1


def test_held_out_names_are_all_new_and_the_lists_are_counted(measured):
    found, texts = measured
    held_out = found["held_out"]
    assert held_out["new"]["value"] == held_out["held_out"]["value"] == 1.0
    assert held_out["well_formed"]["value"] == 1.0
    assert held_out["near"]["1"]["value"] > 0.8  # Anna and Anno differ in a letter
    lists = found["lists"]
    assert lists["training"]["lines"] + lists["held_out"]["lines"] == 36
    assert lists["training"]["different"] == len(set(texts.vocab.decode(texts.split.train).split()))


def test_without_the_outside_list_nothing_is_said_of_it(measured):
    found, _ = measured
    assert found["outside"] is None and found["by_temperature"]["1.0"]["listed"] is None
    assert all(record["listed"] is None for record in found["post"]["favourites"])


def test_the_likeliest_names_come_with_the_lists_that_have_them(measured):
    found, texts = measured
    training = set(texts.vocab.decode(texts.split.train).split())
    for record in found["likeliest"]["top"]:
        assert record["training"] == (record["name"] in training)
    top = [record["p"] for record in found["likeliest"]["top"]]
    assert top == sorted(top, reverse=True)
    assert not any(record["training"] for record in found["likeliest"]["new"])
    assert not any(record["training"] for record in found["unlikeliest"] + found["found"])


def test_names_with_letters_that_the_network_lacks_have_no_probability(measured):
    post = {record["name"]: record["p"] for record in measured[0]["post"]["favourites"]}
    assert post["Mars"] is None and post["Baby"] is None and list(post) == list(names.FAVOURITES)


def test_a_row_by_hand():
    drawn = ["Ada", "Ida", "Ida", "Max", "xx", "Grte"]
    found = names.row(drawn, ["Ada", "Grete", "Otto"], ["Ida", "Eva"], {"max", "ada"})
    assert (found["new"]["hits"], found["new"]["total"]) == (5, 6)
    assert (found["held_out"]["hits"], found["distinct"]["hits"]) == (2, 5)
    assert (found["listed"]["hits"], found["listed"]["total"]) == (1, 4)  # Max of the four new
    near = {d: s["hits"] for d, s in found["near"].items()}
    assert near == {"1": 2, "2": 0, "3": 2, "4": 0}  # Ida and Grte; Max and xx
    assert found["lengths"]["max"] == 4
    # Three lots of two, as many as are held out.
    assert found["first_letters"]["total"] == 3


def test_a_row_of_nothing():
    found = names.row([], ["Ada"], ["Ida"], ())
    assert found["new"]["value"] is None and found["lengths"] is None
    assert found["first_letters"] is None and found["near"]["1"]["value"] is None


def test_an_outside_list_that_is_not_at_hand_is_empty(monkeypatch):
    monkeypatch.setattr(names, "OUTSIDE", "no such list")
    assert names._outside() == frozenset()
