"""What is learned when: each count by hand, the order of steps, and a training of seconds."""

import json
from dataclasses import replace

import numpy as np
import pytest

from charrnn.chapters import evolution as chapter
from charrnn.measure import evolution, measure_run
from charrnn.measure.evolution import MEASURES, Known, closed_quotations, pooled, reached
from charrnn.recipe import load_recipe
from charrnn.runs import RunError, load_run, run_texts, train_recipe
from charrnn.structure.shares import Share
from charrnn.structure.words import Lexicon

KNOWN = Known(Lexicon.of(["the", "prince", "commander"]), frozenset({"Pierre"}))
COUNT = {measure.name: measure.count for measure in MEASURES}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A network that has read a little of the novel, with what was measured of its samples."""
    folder = tmp_path_factory.mktemp("evolution") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARRNN_CACHE", str(tmp_path_factory.mktemp("cache")))
        recipe = load_recipe("war_and_peace", "smoke", steps=4, sample_steps=(1, 2))
        train_recipe(recipe, folder, progress=False)
        (folder / "measures.json").write_text('{"samples": 16, "neurons": {"kind": "prose"}}')
        measure_run(folder, progress=lambda line: None, only="evolution")
    return folder


@pytest.fixture(scope="module")
def run(folder):
    return load_run(folder)


@pytest.mark.parametrize(
    ("name", "text", "hits", "total"),
    [
        ("spaces", "a b\nc", 2, 5),
        ("single", "a b  c d", 2, 4),
        ("single", " a ", 0, 0),  # ends decide nothing
        ("stops", 'no, yes. "So." a,b ,,c.', 3, 6),
        ("capitals", 'He came. "So," he said. it was. She went.', 2, 3),
        ("quotes", 'x "no," said "he. "\n\n"Yes" x', 5, 6),
        ("quotes", 'a"b " c', 0, 2),
        ("marks", 'So! he?" a ?b c!d !', 2, 4),
        ("short", "a the xyz commander a", 1, 2),
        ("middle", "a prince trince x a", 1, 2),
        ("long", "a commander comander a", 1, 2),
        ("names", "a man, Pierre, and Bierre said. Pierre I", 1, 2),
    ],
)
def test_counts_by_hand(name, text, hits, total):
    assert COUNT[name](text, KNOWN) == Share(hits, total)


def test_every_measure_counts_nothing_in_no_text():
    assert {count("", KNOWN) for count in COUNT.values()} == {Share(0, 0)}


@pytest.mark.parametrize(
    ("text", "hits", "total"),
    [
        ('He said "no" and went.', 1, 1),
        ('"No," said he, "no."', 2, 2),
        ('He said "no and\n\nwent "so" home.', 1, 2),
        ('He said "no and "so" went.', 1, 2),
        ('no," said he, and "so', 0, 0),  # cut on both sides
    ],
)
def test_quotations_close_in_their_paragraph(text, hits, total):
    assert closed_quotations(text) == Share(hits, total)


def test_names_are_those_of_the_training_text():
    known = Known.of("Pierre saw Ann and the Count. Kitty saw the Count. So did Pierre. Ann sat.")
    assert known.names == {"Count"}  # the others stand inside a sentence once at most
    assert "kitty" in known.lexicon


def test_pools_are_as_wide_behind_as_before_up_to_the_end():
    counts = [Share(i % 2, 1) for i in range(7)]
    assert pooled(counts, 2) == [
        Share(0, 1), Share(1, 3), Share(2, 5), Share(3, 5), Share(2, 5), Share(2, 4), Share(1, 3),
    ]  # fmt: skip


def test_a_bar_is_reached_once_and_for_good():
    values = [0.0, 0.6, float("nan"), 0.4, 0.6, 0.8]
    assert reached(values, 0, 1, 0.5) == (1, 4)
    assert reached(values, 0, 1, 0.9) == (None, None)
    assert reached([0.6, 0.4], 0, 1, 0.5) == (0, None)
    assert reached([0.9, 0.4, 0.1], 1, 0, 0.5) == (1, 1)  # downwards
    assert reached(values, 0, 1, 0.5, lasting=2) == (1, 4)
    assert reached(values, 0, 1, 0.5, lasting=3) == (1, None)
    assert reached([0.5], 1, 1, 0.5) == (None, None)  # no way to go
    assert reached([], 0, 1, 0.5) == (None, None)


def test_a_training_is_measured_and_the_rest_of_the_file_kept(run):
    assert run.measures["samples"] == 16 and run.measures["neurons"] == {"kind": "prose"}
    found = run.measures["evolution"]
    assert found["steps"] == [1, 2, 4] and found["chars"] == [400, 800, 1600]
    assert found["length"] == 200 and found["pieces"] > 10
    assert set(found["measures"]) == set(COUNT)
    spaces = found["measures"]["spaces"]
    assert spaces["total"] == [200] * 3
    assert spaces["hits"] == [sum(c in " \n" for c in s["text"]) for s in run.samples]
    assert spaces["even"] == pytest.approx(2 / len(run.vocab), rel=0.1)
    assert spaces["held_out"]["value"] == pytest.approx(0.18, abs=0.03)
    assert len(json.dumps(found)) < 20_000


def test_frequencies_alone_cost_their_entropy(run):
    assert 2.5 < run.measures["evolution"]["unigram"] < np.log(len(run.vocab))
    assert evolution._unigram(np.array([0, 2, 2, 0])) == pytest.approx(np.log(2))


def test_words_that_are_none_are_named(run):
    for words, record in zip(run.measures["evolution"]["unreal"], run.samples, strict=True):
        assert all(word in record["text"] for word in words)
    assert any(run.measures["evolution"]["unreal"])


def test_a_run_without_samples_is_refused(folder):
    run = load_run(folder)
    _, texts = run_texts(folder, progress=False)
    with pytest.raises(RunError, match="wrote nothing while it was trained; give it sample_steps"):
        evolution.measure(replace(run, samples=[]), texts, lambda line: None)


def test_the_post_s_iterations_or_those_next_to_them():
    assert chapter.marked([50, 100, 280, 310, 2500]) == [1, 3, 4]
    assert chapter.marked([7]) == [0]


def test_tables_of_the_chapter(run):
    table = chapter.shares(run)
    assert list(table.columns) == ["evenly drawn", "4", "held-out text"]
    assert table.loc["blanks among all characters", "held-out text"].endswith("%")
    order = chapter.order(run)
    assert len(order) == len(MEASURES) and set(order["half of the way"]) == {"never"}
    assert set(order["examples"]) == {"never"}  # four samples last for no pool
    assert "nats; the training loss is " in chapter.plateau(run)


def test_the_order_is_that_of_half_the_way(run):
    measures = {name: dict(row) for name, row in run.measures["evolution"]["measures"].items()}
    for name, step in (("names", 1), ("spaces", 2)):
        measures[name]["half"] = measures[name]["half"] | {"stays": step}
    given = replace(run, measures={"evolution": run.measures["evolution"] | {"measures": measures}})
    order = chapter.order(given)
    assert list(order.index[:2]) == ["names from the text", "blanks among all characters"]
    assert order["half of the way"].tolist()[:3] == ["1", "2", "never"]
    assert (
        order["examples"].iloc[1] == "800"
    )  # every character read is an example of a blank or not
