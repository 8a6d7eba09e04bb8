"""What is measured of units, on a training of seconds, and what chapters show of it."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from charrnn.chapters import neurons as chapter
from charrnn.measure import causes, measure_run, neurons
from charrnn.recipe import load_recipe
from charrnn.rules import labels
from charrnn.runs import load_run, train_recipe


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A network that has read a little of the novel, with what was measured inside it."""
    folder = tmp_path_factory.mktemp("neurons") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARRNN_CACHE", str(tmp_path_factory.mktemp("cache")))
        recipe = load_recipe("war_and_peace", "smoke", steps=3, sample_steps=())
        train_recipe(recipe, folder, progress=False)
        (folder / "measures.json").write_text('{"samples": 16}')
        measure_run(folder, progress=lambda line: None, only="neurons")
    return folder


@pytest.fixture(scope="module")
def run(folder):
    return load_run(folder)


def test_the_rest_of_the_file_is_kept(run):
    assert run.measures["samples"] == 16
    assert run.measures["neurons"]["kind"] == "prose"


def test_every_rule_names_its_best_units(run):
    for facts in run.measures["neurons"]["rules"].values():
        found = [row["found"] for row in facts["units"]["c"]]
        assert found == sorted(found, reverse=True)
        assert len(found) == neurons.TOP
        assert all(0 <= row["layer"] < 2 and 0 <= row["unit"] < 64 for row in facts["units"]["h"])


def test_every_unit_is_counted_with_its_controls(run):
    kept = run.measures["neurons"]
    assert {name: len(each) for name, each in kept["census"]["scores"].items()} == dict.fromkeys(
        ("trained", "rotated", "untrained", "shifted"), 128
    )
    assert len(kept["memory"]["half_life"]) == 128
    assert set(kept["memory"]["left"]) == {"input", "forget", "output"}


def test_it_is_small(run):
    assert len(json.dumps(run.measures["neurons"])) < 60_000


def test_another_part_is_refused(folder):
    with pytest.raises(ValueError, match="only is 'all'; it must be one of samples, neurons"):
        measure_run(folder, only="all")


def test_tables_of_the_chapters(run):
    assert chapter.best_units(run)["layer"].between(1, 2).all()
    assert len(chapter.curves(run)["trained units"]) == 128
    table = chapter.shares_table(run)
    assert table["cells"].tolist() == [128]
    assert set(chapter.by_layer(run)) == {"layer 1", "layer 2"}
    right, left = chapter.saturation(run)["forget"]["layer 2"]
    assert right.shape == left.shape == (64,)
    assert "reach a score of 0.5 and of 0.7" in chapter.answer([run], {"rows": []})
    assert chapter.named(run, "no such rule").startswith("layer ")
    rows = chapter.widget_rules(run)
    assert {row["quantity"] for row in rows} == {"c", "h"}


def test_passages_come_with_the_project():
    assert "[[" in chapter.passage("wiki")
    with pytest.raises(ValueError, match="no passage 'poem'; there are dialogue, function"):
        chapter.passage("poem")


def test_a_ramp_is_the_mean_at_each_position():
    position = np.tile([np.nan, 0, 1, 2], 30)
    found = neurons.ramp(np.tile([9.0, 0.1, 0.2, 0.3], 30), position)
    assert found["position"] == [0, 1, 2]
    assert found["mean"] == [0.1, 0.2, 0.3]


def test_around_an_event():
    label = np.zeros(100, bool)
    label[[5, 40, 60]] = True  # the first is too close to the start
    values = np.where(np.arange(100) >= 40, 1.0, 0.0)
    found = neurons.around(values, label)
    mean = dict(zip(found["offset"], found["mean"], strict=True))
    assert (found["events"], mean[-1], mean[0]) == (2, 0.5, 1.0)
    assert neurons.around(values, np.zeros(100, bool))["events"] == 0


def test_a_switch_is_found_where_the_text_has_one(run):
    text = ('He said "no". ' * 60).strip()
    ids = run.vocab.encode(text).astype(np.int64)
    label = np.array([c == "s" for c in text])
    found = neurons.switch(run, ids, label)
    mean = dict(zip(found["offset"], found["mean"], strict=True))
    assert abs(mean[0] - mean[-1]) > 0
    assert found["events"] == pytest.approx(label.sum() / 2, abs=10)
    assert neurons.switch(run, ids, np.zeros(len(ids), bool)) is None


def test_levels_are_medians():
    values, label = np.array([1.0, 0.8, -1.0, -0.6, -0.8]), np.array([1, 1, 0, 0, 0], bool)
    assert neurons.levels(values, label) == {"inside": 0.9, "outside": -0.8}
    assert neurons.levels(values, np.arange(5.0)) is None


def test_probabilities_of_a_prefix(run):
    text = 'He said "no". She said "no". They said "no".'
    ids = run.vocab.encode(text)
    found = neurons.prefix_probabilities(run, ids, "said")
    assert (found["count"], len(found["p"])) == (3, 3)
    assert all(0 < p < 1 for p in found["p"])
    assert neurons.prefix_probabilities(run, ids, "wrote") is None


def test_the_posts_passages_are_found_by_their_ends():
    text = "x. The sole importance of the crossing was that to block its path. y"
    run = SimpleNamespace(info={"recipe": {"name": "war_and_peace"}, "corpus": {"shareable": True}})
    found = neurons.passages(run, text)
    assert list(found.values()) == [text[3:-2]]
    run.info["corpus"]["shareable"] = False
    assert neurons.passages(run, text) == {}


def test_moments_lie_behind_an_opening_and_a_context():
    inside, closing = np.zeros((2, 1000), bool)
    inside[100:120] = inside[400:404] = inside[700:710] = True
    closing[709] = True
    assert causes.moments(inside, closing).tolist() == [705, 706, 707, 708]


def test_closing_marks_begin_before_what_they_close_ends():
    text = "[[one]] and [[two]]."
    inside = labels("inside_link", text)  # the first ] of each still counts as inside
    begins, closing = causes.closing_marks(text, inside, ("]]",))
    assert begins.tolist() == [5, 17]
    assert np.flatnonzero(closing).tolist() == [5, 17]


def test_other_units_are_of_the_same_layer():
    others = causes.other_units(64 + 60, hidden=64)
    assert len(set(others)) == causes.OTHERS
    assert all(64 <= u < 128 and u != 124 for u in others)


def test_memories_are_parts_by_layer():
    parts = causes.memories(np.array([3, 70, 5]), hidden=64)
    assert [(p.what, p.layers, p.units) for p in parts] == [("c", (0,), (3, 5)), ("c", (1,), (6,))]
