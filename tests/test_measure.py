"""What is measured of a run: against hand counts, and on a whole training of a few steps."""

import json
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from charrnn import measure
from charrnn.export import published
from charrnn.measure import general, plays
from charrnn.measure.material import share_by_distance, spread
from charrnn.portable import PortableStepper
from charrnn.recipe import load_recipe
from charrnn.runs import RunError, load_run, run_texts, train_recipe
from charrnn.score import loss
from charrnn.structure import words
from charrnn.structure.brackets import brackets
from charrnn.structure.copying import COPY_LIMIT
from charrnn.structure.nesting import nest
from charrnn.structure.plays import speakers

ESSAY = "We went out to see the boats. The wind had dropped, and nobody spoke. [1]\n\n" * 40


def tiny(name, path, folder):
    """A training of a few steps of a recipe's smallest form on a text of our own."""
    recipe = load_recipe(name, "smoke", steps=3, warmup=1, batch=4, seq=20)
    recipe = replace(recipe, corpus=str(path), model={"hidden": 8, "layers": 1})
    return train_recipe(recipe, folder, progress=False)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """An essay run, measured once for all tests."""
    folder = tmp_path_factory.mktemp("measure")
    text = folder / "essay.txt"
    text.write_text(ESSAY, encoding="utf-8")
    run = tiny("paul_graham", text, folder / "run")
    measure.measure_run(run.folder, samples=2, length=60, progress=lambda line: None)
    return load_run(run.folder)


def test_every_temperature_is_measured_and_the_file_is_plain_json(measured):
    kept = measured.measures
    assert [r["temperature"] for r in kept["sweep"]] == list(measure.TEMPERATURES)
    assert kept["samples"] == 2 and kept["length"] == 60
    assert kept["corpus"]["sha256"] == measured.info["corpus"]["sha256"]
    json.dumps(kept, allow_nan=False)  # neither NaN nor infinity, which JSON does not have


def test_entropy_rises_with_temperature_and_the_loss_at_one_is_the_runs(measured):
    entropy = [r["entropy"] for r in measured.measures["sweep"]]
    assert all(a < b for a, b in pairwise(entropy))
    at_one = next(r for r in measured.measures["sweep"] if r["temperature"] == 1.0)
    expected = measured.info["losses"]["val"] / np.log(2)
    assert at_one["cross_entropy"] == pytest.approx(expected, abs=1e-3)


def test_the_portable_arithmetic_costs_what_its_logits_say(measured):
    """Read with one lane, as so short a text is: character by character."""
    kept, ids = measured.measures["portable"], np.asarray(validation(measured))
    assert kept["characters"] == len(ids) - 1 == measured.info["split"]["val"] - 1
    rounded = published(measured.model)
    stepper, nats = PortableStepper(measured.model), []
    for now, then in pairwise(ids.tolist()):
        logits = torch.from_numpy(stepper.step(np.array([now]))[0]).double()
        nats.append(-logits.log_softmax(dim=0)[then].item())
    assert kept["portable"] == pytest.approx(np.mean(nats), abs=1e-12)
    assert kept["float"] == pytest.approx(loss(rounded, ids), abs=1e-6)
    assert kept["cost"] == kept["portable"] - kept["float"] != 0
    assert kept["int8"] is None, "a training's run.json does not say"


def validation(run):
    return run_texts(run.folder)[1].split.val


def test_no_portable_part_where_there_is_nothing_to_read_or_no_int8_file(measured):
    def measure_portable(val, **info):
        texts = SimpleNamespace(split=SimpleNamespace(val=val))
        run = SimpleNamespace(model=measured.model, info={**measured.info, **info})
        return general.portable_cost(run, texts)

    ids = np.arange(20) % len(measured.vocab)
    assert measure_portable(ids[:0]) is None and measure_portable(ids[:1]) is None
    assert measure_portable(ids[:2])["characters"] == 1
    assert measure_portable(ids, published_precision="fp16") is None
    losses = {"val": 1.5, "val_published": 1.75}
    assert measure_portable(ids, published_precision="int8", losses=losses)["int8"] == 0.25


def test_held_out_text_of_the_same_sentences_is_known_and_copied(measured):
    held_out = measured.measures["held_out"]
    assert held_out["known"]["value"] == 1.0
    assert held_out["longest_copy"]["max"] == 60  # the text repeats: a piece is copied whole
    assert held_out["novel"]["20"]["value"] == 0.0


def test_kept_texts_are_unselected_seeds_and_slider_stops(measured):
    kept = measured.measures["shown"]["samples"]
    plain = [(r["temperature"], r["seed"]) for r in kept if not r["slider"]]
    assert plain == [(t, s) for t in (0.5, 0.8, 1.0) for s in (0, 1, 2)]
    assert [r["temperature"] for r in kept if r["slider"]] == list(general.SLIDER)
    assert measured.measures["shown"]["limit"] is None  # a file of one's own may be shown


def test_greedy_loops_repeat_as_recorded(measured):
    for found in measured.measures["loops"]["greedy"]:
        if "period" in found:
            assert len(found["text"]) == found["period"]
            assert found["repeats"] >= 3
        assert found["longest_copy"] >= 0
    assert set(measured.measures["loops"]["near_zero"]) == {"0.1", "0.2", "0.3", "0.4", "0.5"}


def test_essays_have_their_share_of_footnote_marks(measured):
    marks = measured.measures["essays"]
    assert marks["held_out"]["total"] >= 2
    assert marks["1.0"]["total"] == 2


def test_another_text_than_the_runs_own_is_refused(tmp_path):
    text = tmp_path / "essay.txt"
    text.write_text(ESSAY, encoding="utf-8")
    run = tiny("paul_graham", text, tmp_path / "run")
    text.write_text(ESSAY + "More.\n", encoding="utf-8")
    with pytest.raises(RunError, match="is not what this run was trained on: its hash has changed"):
        measure.measure_run(run.folder, samples=2, length=60, progress=lambda line: None)


def test_a_text_that_has_moved(tmp_path):
    text = tmp_path / "essay.txt"
    text.write_text(ESSAY, encoding="utf-8")
    run = tiny("paul_graham", text, tmp_path / "run")
    elsewhere = text.rename(tmp_path / "moved.txt")
    quiet = {"samples": 2, "length": 60, "progress": lambda line: None}
    with pytest.raises(RunError, match=r"essay.txt is not there; say where it is now \(--text"):
        measure.measure_run(run.folder, **quiet)
    assert measure.measure_run(run.folder, text=elsewhere, **quiet).is_file()


def test_one_sample_has_no_interval_and_is_refused():
    with pytest.raises(ValueError, match="samples is 1; it must be 2 or more"):
        measure.measure_run("tinyshakespeare", samples=1)


def test_a_row_counts_words_copies_and_novelty():
    lexicon = words.Lexicon.of(["the", "cat", "sat"])
    samples = [" the cat sat. the cat satt. ", " the cot sat. the cat sat. "]
    copied = general.compared({"ours": samples, "none": []}, ["so the ", "cat sat."])
    assert copied["none"] == []
    row = general.row(samples, copied["ours"], lexicon)
    assert row["known"]["value"] == pytest.approx(10 / 12)
    assert row["misspelt"]["value"] == pytest.approx(2 / 12)
    assert row["longest_copy"]["max"] == len(" the cat sat.")
    assert 0 < row["novel"]["5"]["value"] < 1
    alone = general.row(samples[:1], copied["ours"][:1], lexicon)
    assert alone["known"] is None  # no interval


def material(shareable, source="", drawn=None, held_out=()):
    """What measures are taken of, without a network."""
    corpus = SimpleNamespace(shareable=shareable)
    return SimpleNamespace(
        run=None,
        texts=SimpleNamespace(corpus=corpus),
        source=lambda: [source[:150], source[150:]],
        held_out_units=list(held_out),
        drawn=drawn,
    )


def test_what_may_not_be_shared_is_cut_where_the_copy_gets_too_long(monkeypatch):
    source = "".join(chr(33 + i * i % 89) for i in range(400))
    drawn = {0: "XY" + source[:100] + "Z", 1: "XY" + source[:50], 2: "new", 7: source[:61]}
    monkeypatch.setattr(general, "sample_units", lambda run, n, seed, **rest: [drawn[seed]])
    shown = general._shown(material(False, source))
    assert shown["limit"] == COPY_LIMIT == 60
    kept = {r["seed"]: (r["text"], r["cut"], r["longest_copy"]) for r in shown["samples"]}
    assert kept == {
        0: ("XY" + source[:60], 62, 60), 1: (drawn[1], None, 50), 2: ("new", None, 1),
        7: (source[:60], 60, 60),
    }  # fmt: skip
    whole = general._shown(material(True, source))["samples"]
    assert [r["text"] for r in whole] == [drawn[r["seed"]] for r in whole]
    assert whole[0]["longest_copy"] == 100


def test_what_greedy_decoding_recites_is_not_kept_where_it_may_not_be_shared(monkeypatch):
    recited = "all work and no play makes jack a dull boy, and this goes on for longer than sixty. "
    monkeypatch.setattr(general, "sample_units", lambda run, n, prompt, **rest: [recited * 5])
    drawn = {t: ["once", "twice"] for t in (0.1, 0.2, 0.3, 0.4, 0.5)}
    open_ = general._loops(material(True, recited * 2, drawn, [recited]), 400)["greedy"][0]
    assert open_["period"] == len(recited) and open_["text"] == recited
    assert open_["longest_copy"] > COPY_LIMIT
    closed = general._loops(material(False, recited * 2, drawn, [recited]), 400)["greedy"][0]
    assert closed["period"] == len(recited)
    assert closed["text"] == closed["opening"] == ""


def play(*names):
    return "".join(f"{name}:\nGood morrow to you, sir.\n\n" for name in names)


def test_speakers_of_a_play_are_known_recombined_or_new():
    known = speakers(play("First Lord", "DUKE OF YORK", "First Lord"))
    elsewhere = speakers(play("Third Lord"))
    sample = play("First Lord", "First Lord", "DUKE Lord", "Third Lord", "Zounds", "First Lord")
    row = plays.row([sample, sample], known, elsewhere)
    # The first and the last block of a sample may be cut, so they are left out.
    assert row["speeches"] == 2 * 5 and row["speakers"] == 4
    assert set(row["invented"]) == {"DUKE Lord", "Third Lord", "Zounds"}
    assert row["invented_in_all"] == 3
    assert row["of_known_words"] == 1  # DUKE and Lord
    assert row["in_held_out"] == 1  # the Third Lord
    assert row["well_formed"]["value"] == 1.0
    assert row["speech_lines"]["max"] == 1


def test_the_longest_of_many_pieces_is_told_as_that_of_few():
    def speech(lines):
        return "A:\nOne.\n\n" + "B:\n" + "A line.\n" * lines + "\nA:\nTwo.\n\nB:\nTwo.\n\n"

    pieces, known = [speech(n) for n in (2, 3, 4, 5, 60)], speakers(speech(1))
    assert plays.row(pieces, known, {})["speech_lines"]["max"] == 60
    assert plays.row(pieces, known, {}, few=2)["speech_lines"]["max"] == 5
    lexicon = words.Lexicon.of(["the", "cat", "sat"])
    copied = general.compared({"x": ["a cat", "a c", "a", "q"]}, "a cat")["x"]
    maxima = [
        general.row(["the cat"] * 4, copied, lexicon, few)["longest_copy"]["max"]
        for few in (None, 2)
    ]
    assert maxima == [5, 3]


def test_half_words_at_the_cuts_are_not_counted_by_length():
    lexicon = words.Lexicon.of(["the", "cat", "sat", "on", "mat", "of", "important"])
    samples = [" the cat sat on the impor", "tant mat of the cat "]
    found = general._by_length(samples, samples, lexicon)["samples"]
    assert set(found) == {"2", "3"} and all(kept["value"] == 1.0 for kept in found.values())


def test_a_play_without_a_speech_has_no_quantiles():
    row = plays.row(["no play", "none"], {}, {})
    assert row["speeches"] == 0 and row["speech_lines"] is None and row["headings"] is None


def test_prompts_are_spread_evenly_over_the_held_out_pieces():
    assert general._places(1041, wanted=3) == [260, 520, 780]
    assert general._places(3) == [0, 1] and general._places(0) == []


def test_of_many_things_some_are_taken_evenly():
    assert spread(range(3), 5) == [0, 1, 2] and spread([], 5) == []
    assert spread(range(101), 5) == [0, 25, 50, 75, 100]


def test_shares_by_distance_are_pooled_over_texts():
    texts = ["(a) (b", "((a))", "(" + "x" * 20 + ")"]
    found = share_by_distance([[nest(brackets(text))] for text in texts], (0, 10, 100))
    assert found["0"]["value"] == 1.0 and found["0"]["total"] == 3
    assert found["10"] is None, "one text with such a distance gives no interval"
    assert share_by_distance([], (0, 10, 100)) == {"0": None, "10": None}


def test_a_model_of_bytes_is_measured_by_its_bytes(tmp_path):
    """Drawn bytes that are no UTF-8 are compared as bytes and shown as U+FFFD."""
    text = tmp_path / "bytes.txt"
    text.write_bytes(bytes([97, 228, 98, 10, 99, 252, 10]) * 400)
    recipe = load_recipe("paul_graham", "smoke", steps=3, warmup=1, batch=4, seq=20)
    recipe = replace(recipe, corpus=str(text), level="byte", model={"hidden": 8, "layers": 1})
    run = train_recipe(recipe, tmp_path / "run", progress=False)
    measure.measure_run(run.folder, samples=2, length=60, progress=lambda line: None)
    kept = load_run(run.folder).measures
    assert kept["held_out"]["longest_copy"]["max"] == 60  # the text repeats, bytes and all
    shown = "".join(r["text"] for r in kept["shown"]["samples"])
    assert "\ufffd" in shown and set(shown) <= set("abc\n\ufffd")


def test_logits_are_one_pass_over_the_text(measured):
    ids = np.arange(12) % len(measured.vocab)
    run = SimpleNamespace(model=measured.model)
    with torch.inference_mode():
        expected = measured.model(torch.from_numpy(ids)[:, None])[0][:, 0].numpy()
    np.testing.assert_allclose(general._logits(run, ids), expected)


def test_each_text_is_also_kept_on_its_own(measured):
    row = next(r for r in measured.measures["sweep"] if r["temperature"] == 1.0)
    assert [len(values) for values in row["each"].values()] == [2, 2]
    held_out = measured.measures["held_out"]["each"]["misspelt"]
    assert len(held_out) > 2 and set(held_out) == {0.0}  # words of the training text
