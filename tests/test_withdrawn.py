"""The claim that was withdrawn: its recipe, and the study that tries its network on less text."""

import json
import math

import pytest
import torch

from benchmarks import withdrawn
from charrnn.corpora.catalogue import find_entry
from charrnn.recipe import load_recipe, sample_text


def test_the_recipe_is_what_the_claim_says():
    recipe = load_recipe("enwik8", "post")
    assert (recipe.model["layers"], recipe.model["hidden"]) == (3, 700)
    assert recipe.training.epochs == 7 and recipe.corpus == "enwik8"
    text = find_entry(recipe.corpus)
    assert text.level == "byte" and recipe.split == "contiguous"
    assert recipe.fractions[0] * text.bytes == 96e6 and recipe.fractions[2] == 0
    assert load_recipe("enwik8", "laptop").model == recipe.model


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_both_ways_of_holding_out_are_tried(one_thread, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(withdrawn, "TEXT", str(sample_text("wiki.xml")))
    ask = ["--epochs", "0.5", "--hidden", "8", "--device", "cpu", "--out", str(tmp_path)]
    load = withdrawn.load_recipe

    def small(name, scale):
        return load(name, scale, batch=4, seq=20)

    monkeypatch.setattr(withdrawn, "load_recipe", small)
    withdrawn.main(ask)
    (file,) = tmp_path.glob("withdrawn-*.json")
    rows = json.loads(file.read_text())["rows"]
    assert [row["split"] for row in rows] == list(withdrawn.KINDS)
    told = capsys.readouterr().out
    for row in rows:
        assert row["model"]["hidden"] == 8 and row["model"]["layers"] == 3
        assert row["parts"]["test"] == 0 and row["parts"]["val"] > 0
        assert f"{row['val'] / math.log(2):.3f} bits" in told
