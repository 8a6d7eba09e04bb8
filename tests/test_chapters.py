"""What chapters do with a run: opened by mode, its measures picked and laid side by side."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from charrnn import chapters
from charrnn.model import CharRNN, ModelConfig
from charrnn.runs import RunError, load_run
from charrnn.sample import sample
from charrnn.structure.shares import Share
from charrnn.vocab import Vocab


def share(value, low=None, high=None, total=100):
    return {
        "value": value,
        "low": value if low is None else low,
        "high": value if high is None else high,
        "total": total,
    }


def row(temperature, known, novel=0.9):
    return {
        "temperature": temperature,
        "entropy": 2 * temperature,
        "known": None if known is None else share(known, known - 0.1, known + 0.1),
        "novel": {"20": share(novel)},
        "each": {"misspelt": [0.1, None], "distinct_2": [0.5, temperature]},
    }


def kept(temperature, seed, slider=False, **more):
    text = f"text at {temperature}"
    record = {"temperature": temperature, "seed": seed, "slider": slider, "text": text}
    return record | {"longest_copy": 3} | more


@pytest.fixture
def run():
    vocab = Vocab.of("hello world\n")
    model = CharRNN(ModelConfig(len(vocab), hidden=12, layers=2), torch.Generator().manual_seed(1))
    measures = {
        "sweep": [row(0.5, 0.9), row(1.0, 0.7), row(1.5, None)],
        "held_out": {"known": share(0.95, 0.94, 0.96), "novel": {"20": None},
                     "each": {"misspelt": [0.0], "distinct_2": [0.9]}},
        "shown": {"samples": [kept(1.0, 0), kept(0.5, 7, slider=True, longest_copy=9)]},
        "loops": {"greedy": [{"prompt": "", "start": 3, "period": 13, "repeats": 40},
                             {"prompt": "The "}]},
        "plays": {"0.8": {"headings": share(0.8, 0.7, 0.9)}, "1.0": {"headings": None},
                  "held_out": {"headings": share(1.0, 0.99, 1.0)}},
    }  # fmt: skip
    return SimpleNamespace(model=model.eval(), vocab=vocab, measures=measures)


def test_a_panel_of_the_sweep_holds_what_was_measured_and_the_real_band(run):
    panel = chapters.sweep_panel(run, "known")
    assert panel["temperature"].tolist() == [0.5, 1.0]  # at 1.5 there was too little to count
    assert panel["mean"].tolist() == [0.9, 0.7]
    np.testing.assert_allclose(panel["low"], [0.8, 0.6])
    assert panel["real"] == (0.94, 0.96)


def test_a_measure_without_an_interval_is_a_plain_curve(run):
    panel = chapters.sweep_panel(run, "entropy")
    assert set(panel) == {"temperature", "mean"}
    assert panel["mean"].tolist() == [1.0, 2.0, 3.0]


def test_a_nested_measure_and_a_missing_yardstick(run):
    panel = chapters.sweep_panel(run, "novel.20")
    assert panel["mean"].tolist() == [0.9, 0.9, 0.9]
    assert "real" not in panel


def test_every_text_is_a_row_and_real_ones_have_no_temperature(run):
    table = chapters.each_sample(run)
    assert len(table) == 3 * 2 + 1
    hot = table[table.temperature == 1.5]
    assert hot.distinct_2.tolist() == [0.5, 1.5] and np.isnan(hot.misspelt.iloc[1])
    real = table[table.temperature.isna()]
    assert real[["misspelt", "distinct_2"]].values.tolist() == [[0.0, 0.9]]


def test_a_row_of_the_sweep_is_found_by_its_temperature(run):
    assert chapters.sweep_row(run, 1.0)["known"]["value"] == 0.7
    with pytest.raises(ValueError, match=r"temperature 0\.55 is not in the sweep; it has \[0\.5"):
        chapters.sweep_row(run, 0.55)


def test_a_play_panel_leaves_out_what_could_not_be_counted(run):
    panel = chapters.plays_panel(run, "headings")
    assert panel["temperature"].tolist() == [0.8]
    assert panel["real"] == (0.99, 1.0)


def test_kept_texts_by_seed_and_by_slider(run):
    assert chapters.shown(run, 1.0, 0) == "text at 1.0"
    with pytest.raises(ValueError, match=r"no text was kept for temperature 0\.5 and seed 7"):
        chapters.shown(run, 0.5, 7)  # that one is the slider's
    assert chapters.slider_texts(run) == {0.5: "text at 0.5"}
    assert chapters.longest_copy(run) == 9


def test_loops_are_a_row_a_prompt_with_gaps_where_there_is_none(run):
    table = chapters.loops_found(run)
    assert list(table.index) == ["(none)", "The "]
    assert table["period"].iloc[0] == 13
    assert table["period"].isna().tolist() == [False, True]


def test_a_comparison_has_both_texts_and_drops_what_is_not_known():
    ours = {"known": share(0.5, 0.4, 0.6, 1024), "gone": None, "empty": Share(0, 0).as_dict()}
    real = {"known": share(0.9, 0.8, 1.0), "gone": share(1.0), "empty": share(1.0)}
    table = chapters.comparison(ours, real, {"real words": "known", "x": "gone", "y": "empty"})
    assert list(table.index) == ["real words"]
    assert table.loc["real words"].tolist() == [0.5, 0.4, 0.6, 1024, 0.9, 0.8, 1.0, 100]
    read = chapters.with_intervals(table)
    assert read.loc["real words", "model"] == "50.0% [40.0%, 60.0%] of 1,024"
    assert read.loc["real words", "real text"] == "90.0% [80.0%, 100.0%] of 100"


def test_a_mean_that_is_no_share_of_a_number_is_told_without_one():
    mean = {"value": 0.5, "low": 0.4, "high": 0.6}
    table = chapters.comparison({"k": mean}, {"k": mean}, {"pairs": "k"})
    assert chapters.with_intervals(table).loc["pairs", "model"] == "50.0% [40.0%, 60.0%]"


def test_the_standing_tells_what_falls_short_of_real_text():
    ours = {"a": share(0.5, 0.4, 0.6), "b": share(0.5, 0.4, 0.8), "c": share(0.2)}
    real = {"a": share(0.9, 0.8, 1.0), "b": share(0.9, 0.8, 1.0), "c": share(0.1)}
    tables = [chapters.comparison(ours, real, {k: k}) for k in "abc"]
    told = chapters.standing(*tables)
    assert told == "short of real text:\n  a\nnot to be told from it:\n  b\n  c"
    none = chapters.comparison({"k": None}, {"k": None}, {"words": "k"})
    assert chapters.standing(none, none) == "short of real text:\n  -\nnot to be told from it:\n  -"


def test_a_comparison_of_nothing_is_an_empty_table():
    table = chapters.comparison({"k": None}, {"k": None}, {"words": "k"})
    assert len(table) == 0
    assert list(chapters.with_intervals(table).columns) == ["model", "real text"]


def test_the_basis_names_scale_machine_time_and_seed(run):
    run.name, run.info = "essays", {"scale": "laptop", "device": "a CPU", "seconds": 120, "seed": 1}
    run.info["corpus"] = {"level": "char"}
    run.measures |= {"samples": 16, "length": 2000}
    said = chapters.basis(run)
    assert said.startswith("essays: scale laptop, on a CPU, 2 minutes, one training, seed 1")
    assert said.endswith("16 samples of 2,000 characters a temperature")
    run.info |= {"corpus": {"level": "byte"}, "seconds": 61}
    said = chapters.basis(run)
    assert ", 1 minute, " in said
    assert said.endswith("16 samples of 2,000 bytes a temperature")
    run.measures = {}
    assert chapters.basis(run).endswith("seed 1")


def test_facts_tell_how_long_a_training_was_meant_to_be_before_it_was_changed(folder):
    run = load_run(folder)
    assert "learning rate" not in chapters.facts(run).index
    run.info["earlier_lengths"] = [
        {"epochs": 1, "until_step": 2016},
        {"epochs": 0.75, "until_step": 3374},
    ]
    run.info["training"] |= {"steps": None, "epochs": None, "minutes": None} | {"epochs": 2.75}
    assert chapters.facts(run).loc["learning rate"].item() == (
        "planned for 1 epoch until step 2,016, for 0.75 epochs until step 3,374, "
        "then for 2.75 epochs"
    )


def test_facts_tell_what_the_pages_arithmetic_costs_where_it_was_measured(folder):
    run = load_run(folder)
    name = "validation, in the page"
    assert name not in chapters.facts(run).index
    for cost, told in ((-9e-8, "less than 0.0001"), (0.00012, "+0.0001"), (-0.02, "-0.0200")):
        measured = {"characters": 57_000, "portable": 1.15912, "float": 1.15907, "cost": cost}
        run.measures = {"portable": measured}
        expected = (
            "1.1591 nats on its first 57,000 characters, where single precision has 1.1591 "
            f"(this arithmetic costs {told})"
        )
        assert chapters.facts(run).loc[name].item() == expected


def test_the_next_scores_are_the_models(run):
    prompt = "hello w"
    ids = torch.from_numpy(run.vocab.encode(prompt).astype(np.int64))[:, None]
    with torch.inference_mode():
        expected = run.model(ids)[0][-1, 0].numpy()
    np.testing.assert_allclose(chapters.next_logits(run, prompt), expected, atol=1e-5)
    np.testing.assert_array_equal(
        chapters.next_logits(run, "héllo w"), chapters.next_logits(run, "hllo w")
    )


def test_greedy_text_is_that_of_temperature_zero_and_comes_with_its_states(run):
    text, (h, c) = chapters.greedy(run, "hel", 40)
    assert text == sample(run, "hel", length=40, temperature=0)
    assert h.shape == c.shape == (40, 2 * 12)
    weight, bias = (p.detach().numpy() for p in run.model.decoder.parameters())
    chosen = (h[:, -12:] @ weight.T + bias).argmax(axis=1)  # the top layer's h chose the character
    assert run.vocab.decode(chosen) == text


def test_only_the_three_modes_are_known():
    with pytest.raises(
        ValueError, match="mode is 'live'; it must be one of recorded, train, smoke"
    ):
        chapters.open_run("paul_graham", "live")


def test_a_run_that_is_not_recorded(monkeypatch):
    monkeypatch.setattr(chapters, "list_runs", lambda: [])
    assert chapters.second_run("tinyshakespeare") is None
    with pytest.raises(RunError, match="no_such_run"):
        chapters.first_recorded("no_such_run", "nor_this")


def test_the_benchmarks_of_truncation_lengths_and_of_a_batch(monkeypatch):
    rows = [{"seq": 50, "seed": 1, "losses": {"val": 1.5}, "steps": 120}]
    times = {"median": 1.5, "min": 1.4, "max": 1.7, "chars_per_s": 6666.7}
    training = {"machine": {"cpu": "a CPU", "gpu": None}, "batch_seconds": {"cpu 100 x 100": times}}
    kept = {"bptt": {"x": {"rows": rows, "epochs": 2}}, "training": {"x": training}}
    monkeypatch.setattr(chapters, "result", kept.get)
    assert chapters.bptt().loc[50].tolist() == [1, 2, 120, 1.5]
    row = chapters.batch_seconds().loc["100 x 100"]
    assert row.tolist() == [1.5, 1.4, 1.7, "6,667", "a CPU"]

    def missing(name):
        raise FileNotFoundError(name)

    monkeypatch.setattr(chapters, "result", missing)
    for table in (chapters.bptt(), chapters.batch_seconds()):
        assert isinstance(table, pd.DataFrame) and not len(table)


def test_what_rounding_costs_is_told_of_each_run_as_far_as_it_is_known(monkeypatch):
    def one(title, losses, measures):
        return SimpleNamespace(info={"title": title, "losses": losses}, measures=measures)

    known = one("A", {"val": 1.5, "val_published": 1.50012}, {"portable": {"cost": -4.2e-8}})
    runs = [known, one("B", {"val": 1.25}, {})]
    monkeypatch.setattr(chapters, "recorded", lambda: runs)
    table = chapters.rounding_costs()
    assert table.loc["A"].tolist() == ["1.5000", "1.5001", "+0.00012", "-4e-08"]
    assert table.loc["B"].tolist() == ["1.2500", "", "", ""]


def test_the_benchmark_of_the_pages(monkeypatch):
    row = {"chars_per_s_throttled": 604.5, "chars_per_s_worker": 5686.1, "first_character_ms": 39.1}
    kept = {"throttling": {"rate": 6}, "machine": {"cpu": "a CPU"}, "runs": {"essays": row}}
    monkeypatch.setattr(chapters, "result", {"page": {"x": kept}}.get)
    found = chapters.page_speeds().loc["essays"].tolist()
    assert found == ["5,686", "604 (6 times)", 39, "one thread of a CPU"]

    def missing(name):
        raise FileNotFoundError(name)

    monkeypatch.setattr(chapters, "result", missing)
    assert not len(chapters.page_speeds())
