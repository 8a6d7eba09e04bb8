"""The chapter on the grid: rows side by side, differences with both errors, verdicts by rule."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from charrnn.chapters import grid
from charrnn.claims import paper
from charrnn.runs import load_run

BLOCKS = np.linspace(-0.1, 0.1, 64)
"""What some stretches of the test text are harder than others, for every network."""


def row(cell="lstm", layers=1, size=64, test=1.5, seed=1, **other):
    noise = 0.02 * np.sin(np.arange(64) * (1 + seed + layers + size))
    blocks = test + BLOCKS + noise - noise.mean()
    given = {"cell": cell, "layers": layers, "size": size, "seed": seed, "device": "cuda"}
    given |= {"epochs": 12, "batch": 100, "seq": 100, "hidden": size, "parameters": 1000 * size}
    given |= {
        "factor": 1.0,
        "forget_bias": 1.0,
        "lr": 0.002,
        "lr_used": 0.002,
        "dropout": 0.0,
        "steps": 3000,
        "best_step": 1500,
    }
    given |= {"losses": {"val": test - 0.01, "test": test}, "blocks": [*blocks]}
    given |= {"device_name": "A GPU", "precision": "fp16", "optimizer": "adamw, cosine"}
    return given | {"train_loss": test - 0.1, "split": {"train": 2_556_968}, **other}


def whole(gain=0.1, third=0.0, gates=0.2, seeds=(1,)):
    """A grid in which a second layer gains, a third adds `third`, and gates gain."""
    rows = []
    for cell in paper.CELLS:
        for layers in (1, 2, 3):
            for size in (64, 128):
                loss = 1.8 - 0.001 * size - (gain if layers > 1 else 0.0)
                loss += (third if layers == 3 else 0.0) + (gates if cell == "rnn" else 0.0)
                rows += [row(cell, layers, size, loss + 0.001 * seed, seed) for seed in seeds]
    return rows


class TestRows:
    def test_those_trained_alike_each_once(self):
        rows = [row(test=2.0), row(test=1.0, device="cpu"), row(layers=2, device="cpu")]
        rows += [row(layers=3, epochs=1), row(test=3.0, seed=2)]
        for order in (rows, rows[::-1]):
            found = paper.alike(order)
            assert [(r["layers"], r["seed"], r["device"]) for r in found] == [
                (1, 1, "cpu"),
                (1, 2, "cuda"),
                (2, 1, "cpu"),
            ]

    def test_networks_are_compared_at_the_tables_rates(self):
        rows = [row(test=1.5), row(test=1.4, factor=2.0), row(test=1.3, layers=2, factor=0.5)]
        for order in (rows, rows[::-1]):
            assert [(r["layers"], r["factor"]) for r in paper.alike(order)] == [(1, 1.0)]

    def test_of_several_first_biases_the_lower_validation_loss(self):
        rows = [row(test=1.5), row("gru"), row(test=1.4, forget_bias=-2.0), row(layers=2)]
        rows += [row(layers=2, test=1.6, forget_bias=-2.0), row(epochs=50, test=1.0)]
        for order in (rows, rows[::-1]):
            told = [(r["cell"], r["layers"], r["forget_bias"]) for r in paper.alike(order)]
            assert told == [("lstm", 1, -2), ("lstm", 2, 1), ("gru", 1, 1)]
        found = grid.settings(paper.alike(rows))["first forget bias"]
        assert found.tolist() == ["-2", "1", ""]

    def test_of_two_machines_the_lower_validation_loss(self):
        rows = [row(test=1.5, lr=0.1), row(test=1.4, lr=0.2), row(test=1.6, lr=0.3)]
        rows[1]["losses"]["val"] = 1.55
        for order in (rows, rows[::-1]):
            assert [r["lr"] for r in paper.alike(order)] == [0.1]

    def test_the_longer_trainings_where_there_are_as_many(self):
        assert [r["epochs"] for r in paper.alike([row(epochs=20), row(epochs=2)])] == [20]

    def test_none(self):
        assert paper.alike([]) == [] and grid.told([]) == "no network was trained"
        with pytest.raises(ValueError, match="no network to choose"):
            paper.best([])

    def test_all_results_are_read_together(self, monkeypatch):
        kept = {"benchmark": "grid", "machine": {"gpu": "a"}, "rows": [row()]}
        other = {"benchmark": "grid", "machine": {"gpu": None}, "rows": [row(layers=2)]}
        strange = {"benchmark": "grid_of_another_kind", "machine": {}, "rows": [{}]}
        results = {"grid-a": kept, "grid-b": other, "grid_c": strange}
        monkeypatch.setattr(paper, "result", lambda name: results)
        assert [r["layers"] for r in paper.recorded()] == [1, 2]


class TestDifferences:
    def test_the_texts_error_is_of_the_difference_and_not_of_the_losses(self):
        one, other = row(test=1.5), row(layers=2, test=1.4)
        gap = np.array(one["blocks"]) - np.array(other["blocks"])
        found = paper.difference([one], [other], math.nan)
        assert found.value == pytest.approx(0.1)
        joined = gap.reshape(16, 4).mean(axis=1)  # neighbours say something about each other
        assert found.error == pytest.approx(joined.std(ddof=1) / 4)
        assert found.error < paper.text_error(np.array(one["blocks"]))

    def test_seeds_add_to_it_and_more_of_them_less(self):
        one, other = [row(test=1.5)], [row(layers=2, test=1.4)]
        without = paper.difference(one, other, math.nan).error
        single = paper.difference(one, other, 0.03).error
        assert single == pytest.approx(math.sqrt(without**2 + 2 * 0.03**2))
        many = paper.difference(one * 4, other * 4, 0.03).error
        assert many == pytest.approx(math.sqrt(without**2 + 2 * 0.03**2 / 4))

    def test_the_spread_over_seeds_is_pooled(self, monkeypatch):
        monkeypatch.setattr(paper, "LEAST", 2)
        rows = [row(test=1.0), row(test=1.2, seed=2), row(layers=2, test=3.0)]
        rows += [row(layers=3, test=2.0), row(layers=3, test=2.4, seed=2)]
        assert paper.seed_error(rows) == pytest.approx(math.sqrt((0.02 + 0.08) / 2))

    def test_few_seeds_leave_it_to_the_ablations(self, monkeypatch):
        """Two programs, two seeds each, at each of two rates that had not begun to decay."""
        rows = [
            {"added": added, "upward": False, "decay": decay, "forget": False, "seed": seed}
            | {"train": [1.0], "norm": [1.0], "lanes": [1.0], "tail": [1.0 + 0.2 * (seed == 2)]}
            for added in (False, True)
            for decay in (False, True)
            for seed in (1, 2)
        ]
        groups = [{"group": str(i), "steps": [5], "rows": rows if i == 0 else []} for i in range(4)]
        kept = {"text": "war_and_peace", "groups": groups, "steps_per_epoch": 5}
        monkeypatch.setattr(paper.changes, "recorded", lambda: {"war_and_peace": kept})
        assert paper.seed_error([row()]) == pytest.approx(math.sqrt(0.02))
        monkeypatch.setattr(paper.changes, "recorded", dict)
        assert math.isnan(paper.seed_error([row()]))

    def test_what_counts(self):
        assert paper.Difference(-0.03, 0.01).sign == -1
        assert paper.Difference(0.03, 0.01).sign == 1
        assert paper.Difference(0.02, 0.01).sign == 0
        assert str(paper.Difference(-0.03, 0.01)) == "-0.030 ± 0.020"


class TestVerdicts:
    def judged(self, **given):
        return grid.verdicts(whole(**given))["verdict"].tolist()

    def test_as_in_the_paper(self):
        found = grid.verdicts(whole())
        assert found["verdict"].tolist() == ["held", "held with a change", "held"]
        assert (
            "lower in 6, higher in 0, within chance in 0 of 6 pairs (6 of 12 not"
            in found["here"].iloc[0]
        )
        assert found["here"].iloc[2] == (
            "LSTM: lower in 6 of 6, higher in 0, gains +0.200 nats in the median; "
            "GRU: lower in 6 of 6, higher in 0, gains +0.200 nats in the median; "
            "12 of 24 pairs not trained"
        )

    def test_the_other_side_of_each_rule(self):
        assert self.judged(gain=-0.1)[0] == "not held"
        assert self.judged(third=0.1)[1] == "not held"
        assert self.judged(third=-0.1)[1] == "not held", "better everywhere is not mixed"
        assert self.judged(gates=-0.2)[2] == "not held"

    def test_most_is_held_with_a_change(self):
        rows = whole()
        lost = next(r for r in rows if (r["cell"], r["layers"], r["size"]) == ("rnn", 2, 64))
        lost["blocks"] = [b + 0.3 for b in lost["blocks"]]
        lost["losses"] = {"val": 2.0, "test": lost["losses"]["test"] + 0.3}
        assert paper.two_layers(rows)[2] == "held with a change"
        assert paper.three_layers(rows)[2] == "held with a change"
        worse = next(r for r in rows if (r["cell"], r["layers"], r["size"]) == ("gru", 3, 64))
        worse["losses"] = {"val": 2.0, "test": worse["losses"]["test"] + 0.3}
        assert paper.three_layers(rows)[2] == "held", "one is lower and one is higher"

    def test_one_cell_with_gates_that_is_behind(self):
        rows = whole()
        for each in (r for r in rows if r["cell"] == "lstm"):
            each["losses"]["test"] += 0.3
        _, number, verdict = paper.gates(rows)
        assert verdict == "held with a change"
        assert "LSTM: lower in 0 of 6, higher in 6, gains -0.100" in number

    def test_without_the_networks_there_is_no_test(self):
        found = grid.verdicts([row()])
        assert found["verdict"].tolist() == ["not tested"] * 3
        assert "no network of two layers" in found["here"].iloc[0]


class TestTables:
    def test_losses_are_means_over_seeds_with_gaps_where_nothing_is(self):
        rows = [row(test=1.0), row(test=1.5, seed=2), row("gru", 2, 128, 1.25)]
        table = grid.losses(rows)
        assert table.loc["LSTM, 1 layer"].tolist() == ["1.250", ""]
        assert table.loc["GRU, 2 layers"].tolist() == ["", "1.250"]
        assert table.columns.tolist() == ["64", "128"]

    def test_chance_is_in_brackets(self):
        table = grid.depth_table(whole(), 3, 2)
        assert table.loc["LSTM", "64"].startswith("(") and table.shape == (3, 2)
        assert grid.depth_table(whole(), 2, 1).loc["GRU", "128"].startswith("-0.100 ±")
        assert grid.gates_table(whole()).shape == (6, 2)

    def test_settings_say_what_was_lost(self):
        rows = [row(lr_used=0.001), row(layers=2)]
        found = grid.settings(rows)
        assert found.loc["LSTM, 1 x 64", "learning rate"] == "0.001 (after 0.002 was lost)"
        assert found.loc["LSTM, 2 x 64", "learning rate"] == "0.002"
        assert found.loc["LSTM, 2 x 64", "best at"] == "50% of 3,000 steps"

    def test_rates_of_what_was_trained_at_several(self):
        rows = [
            row(factor=1.0),
            row(layers=2, factor=1.0),
            row(layers=2, factor=0.5, lr=1e-3, lr_used=1e-3),
        ]
        rows += [row(layers=2, factor=2.0, lr=4e-3, seed=2)]
        table = grid.rates(rows)
        assert table.index.tolist() == ["LSTM, 2 x 64"]
        assert table.columns.tolist() == ["x 0.5", "x 1"]
        assert grid.rates(rows[:2]).empty

    def test_lengths_of_what_was_trained_for_several(self):
        rows = [row(test=1.5), row(test=1.4, epochs=50), row(layers=2), row(test=1.3, epochs=50)]
        rows[3]["losses"]["val"] = 1.6
        table = grid.lengths(rows)
        assert table.columns.tolist() == ["12 epochs", "50 epochs"]
        assert table.loc["LSTM, 1 x 64"].tolist() == ["1.500", "1.400"] and len(table) == 1
        assert grid.lengths(rows[:1]).empty

    def test_starts_of_what_was_trained_from_several(self):
        rows = [row(test=1.5), row("gru", test=1.3), row("rnn", test=1.45), row(layers=2)]
        rows += [row(test=1.2, forget_bias=-2.0), row(test=1.1, forget_bias=0.0, epochs=50)]
        table = grid.starts(rows)
        assert table.columns.tolist() == ["bias -2", "bias 1", "GRU", "plain RNN"]
        assert table.index.tolist() == ["LSTM, 1 x 64"]
        assert table.iloc[0].tolist() == ["1.200", "1.500", "1.300", "1.450"]
        assert grid.starts(rows[:4]).empty
        assert grid.rates([row(), row(factor=2.0, forget_bias=-2.0)]).empty
        assert grid.lengths([row(), row(epochs=50, forget_bias=-2.0)]).empty

    def test_what_the_two_grids_are_made_of(self):
        table = grid.beside_the_papers(whole())
        assert table.loc["cells"].tolist() == ["LSTM, GRU, plain RNN"] * 2
        assert table.loc["sizes", "here"].startswith("2: LSTMs of 64, 128 units")
        assert table.loc["layers", "here"] == "1, 2, 3"
        assert load_run("war_and_peace").info["model"]["vocab_size"] == grid.SYMBOLS

    def test_what_they_rest_on(self):
        assert "18 networks, 12 epochs" in grid.told(whole()) and "one seed each" in grid.told(
            whole()
        )
        assert "18 of them with several seeds" in grid.told(whole(seeds=(1, 2)))

    def test_panels(self):
        found = grid.panels(whole())
        assert list(found) == ["LSTM", "GRU", "plain RNN"] and list(found["GRU"]) == [1, 2, 3]
        assert found["LSTM"][1] == [(64_000, pytest.approx(1.737)), (128_000, pytest.approx(1.673))]


class TestBesideCounting:
    @pytest.fixture
    def run(self):
        ngram = {"best": 8, "static": {"8": 1.25, "9": 1.26, "20": 1.3}}
        return SimpleNamespace(measures={"yardsticks": {"ngram": ngram}})

    def test_chosen_by_validation_and_rescaled(self, run, monkeypatch):
        monkeypatch.setattr(grid, "longer", lambda: 1.02)
        rows = [row(test=1.2), row(layers=2, test=1.0)]
        rows[1]["losses"]["val"] = 1.3
        table = grid.beside_counting(rows, run)
        ours, best, paper, copy = (table.iloc[i] for i in range(4))
        assert grid.levels(run) == {"20-gram": 1.3}
        assert (ours["network"], ours["n-gram"]) == ("1.200", "1.300")
        assert ours["the network saves"] == f"0.100, {1 - 1.2 / 1.3:.1%}"
        assert best["n-gram"] == "1.250" and "order 8" in table.index[1]
        assert (paper["network"], paper["n-gram"]) == ("1.077", "1.195")
        assert (copy["network"], copy["n-gram"]) == (f"{1.077 * 1.02:.3f}", f"{1.195 * 1.02:.3f}")

    def test_two_characters_a_line_end_are_nearly_a_fiftieth_more(self):
        assert 1.015 < grid.longer() < 1.025


class TestWithdrawn:
    def test_the_base_that_counts_and_the_one_that_does_not(self):
        assert grid.in_bits(math.log(2), base_counts=True) == pytest.approx(1)
        assert grid.in_bits(1.57, base_counts=False) == pytest.approx(1.57)

    def test_readings(self):
        table = grid.readings()
        assert table["prints"].tolist() == ["1.57", "1.57"]
        assert table["bits"].tolist() == ["1.570", f"{1.57 / math.log(2):.3f}"]
        assert table["against Graves's bits"].tolist() == ["-0.10", "+0.60"]

    def test_tried(self, monkeypatch):
        rows = [
            {"split": kind, "parts": {"train": 96, "val": 4}, "epochs": 7.0, "val": nats}
            | {"model": {"layers": 3, "hidden": 700}, "device": "A GPU"}
            for kind, nats in (("contiguous", math.log(4)), ("char-rnn", math.log(2)))
        ]
        wikipedia, results = load_run("wikipedia"), {"a": {"rows": rows}}
        monkeypatch.setattr(grid, "result", lambda name: results)
        table = grid.tried(wikipedia)
        assert table["bits"].tolist()[1:] == ["2.000", "1.000"]
        assert table["bits"].iloc[0] == f"{wikipedia.info['losses']['val'] / math.log(2):.3f}"
        assert table["held out"].tolist()[1:] == ["the end of the text", "the end of every lane"]

        def nothing(name):
            raise FileNotFoundError(name)

        monkeypatch.setattr(grid, "result", nothing)
        assert len(grid.tried(wikipedia)) == 1


def test_the_committed_rows_can_be_shown():
    """Whatever has been recorded: each table is made, and each block mean is the row's loss."""
    try:
        rows = paper.recorded()
    except FileNotFoundError:
        pytest.skip("no grid has been recorded")
    for one in rows:
        assert np.mean(one["blocks"]) == pytest.approx(one["losses"]["test"], abs=1e-3)
    assert len(grid.losses(rows)) and len(grid.settings(rows)) == len(paper.networks(rows))
    assert set(grid.verdicts(rows)["verdict"]) <= {"held", "held with a change", "not held"}
    assert json.loads(json.dumps(rows)) == rows
