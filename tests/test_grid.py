"""The grid's command: matched sizes, what is trained and what is not, an end in the midst of it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import grid
from charrnn.model import CharRNN, ModelConfig
from charrnn.recipe import sample_text
from charrnn.saving import TrainingError

ROOT = Path(__file__).resolve().parents[1]
SMALL = grid.Cell("rnn", 1, 64, seed=1, epochs=0.5, batch=8, seq=20, device="cpu")


@pytest.mark.parametrize("cell", grid.CELLS)
@pytest.mark.parametrize("layers", [1, 3])
def test_parameters_are_those_of_the_network(cell, layers):
    model = CharRNN(ModelConfig(grid.SYMBOLS, cell, 21, layers))
    assert grid.parameters(cell, 21, layers) == model.n_parameters


@pytest.mark.parametrize("size", grid.SIZES)
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_sizes_are_matched_at_the_same_depth(size, layers):
    wanted = grid.parameters("lstm", size, layers)
    assert grid.matched("lstm", layers, size) == size
    for cell in ("gru", "rnn"):
        hidden = grid.matched(cell, layers, size)
        assert abs(grid.parameters(cell, hidden, layers) / wanted - 1) < 0.025
        if size >= 256:
            assert hidden % 8 == 0
        else:  # no neighbour is nearer
            gaps = [
                abs(grid.parameters(cell, h, layers) - wanted)
                for h in (hidden - 1, hidden, hidden + 1)
            ]
            assert gaps[1] == min(gaps)


def test_every_cell_has_its_settings():
    for cell in grid.CELLS:
        for layers in (1, 2, 3):
            for size in grid.SIZES:
                found = grid.Cell(cell, layers, size, 1, 12, 100, 100, "cpu")
                recipe = found.recipe(found.lr)
                assert 1e-4 < found.lr <= 4e-2 and 0 <= found.dropout < 0.5
                assert recipe.fractions == (0.8, 0.1, 0.1) and recipe.split == "contiguous"
                assert recipe.training.precision == "auto" and not recipe.training.sample_steps
                assert recipe.model["hidden"] == found.hidden


def test_validation_comes_once_an_epoch():
    recipe = grid.Cell("lstm", 1, 64, 1, 12, 100, 100, "cpu").recipe(1e-2)
    assert recipe.training.eval_every == 2_556_968 // 10_000 + 1


def test_a_cell_that_the_grid_has_not():
    with pytest.raises(ValueError, match="size is 65; it must be one of 64, 128, 256, 512"):
        replace_("size", 65)
    with pytest.raises(ValueError, match="layers is 4; it must be one of 1, 2, 3"):
        replace_("layers", 4)
    with pytest.raises(ValueError, match="cell is 'elman'; it must be one of lstm, gru, rnn"):
        replace_("cell", "elman")


def replace_(name, value):
    given = {k: v for k, v in asdict(SMALL).items() if k not in ("hidden", "lr", "dropout")}
    return grid.Cell(**given | {name: value})


@pytest.fixture
def short(monkeypatch):
    """The recipe's text is a sample of this repository, and its networks are tiny."""
    load = grid.load_recipe

    def small(name, scale):
        return replace(load(name, scale), corpus=str(sample_text("novel.txt")))

    monkeypatch.setattr(grid, "load_recipe", small)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_row_says_how_and_what(short, tmp_path):
    row = grid.train(SMALL, tmp_path)
    assert asdict(SMALL).items() <= row.items()
    assert row["lr_used"] == SMALL.lr and row["precision"] in ("fp32", "bf16")
    assert 0 < row["best_step"] <= row["steps"]
    assert row["losses"]["test"] > 0 and row["losses"]["val"] > 0
    assert len(row["blocks"]) == grid.BLOCKS
    assert np.mean(row["blocks"]) == pytest.approx(row["losses"]["test"], abs=1e-3)
    assert json.loads(json.dumps(row)) == row


def test_a_network_that_is_lost_is_trained_again_at_half_the_rate(short, tmp_path, monkeypatch):
    train_recipe, rates = grid.train_recipe, []

    def lost_at_first(recipe, *given, **named):
        rates.append(recipe.training.lr)
        if len(rates) < 2:
            raise TrainingError("the loss is not a number")
        return train_recipe(recipe, *given, **named)

    monkeypatch.setattr(grid, "train_recipe", lost_at_first)
    row = grid.train(SMALL, tmp_path)
    assert rates == [SMALL.lr, SMALL.lr / 2]
    assert (row["lr"], row["lr_used"]) == (SMALL.lr, SMALL.lr / 2)
    assert "(again)" in grid.line(row)

    def always(*given, **named):
        raise TrainingError("the loss is not a number")

    monkeypatch.setattr(grid, "train_recipe", always)
    with pytest.raises(TrainingError):
        grid.train(SMALL, tmp_path / "other")


def test_the_largest_come_first_and_all_of_a_seed_before_the_next():
    args = grid.options(["--sizes", "64,512", "--layers", "1,3", "--seeds", "2"])
    cells = grid.wanted(args, "cpu")
    assert len(cells) == 2 * 3 * 2 * 2
    assert [c.seed for c in cells] == [1] * 12 + [2] * 12
    first = [(c.size, c.layers) for c in cells[:12:3]]
    assert first == [(512, 3), (512, 1), (64, 3), (64, 1)]


ROW = asdict(SMALL) | {"losses": {"val": 2.0, "test": 2.1}}


def test_rates_are_tried_after_all_of_the_first():
    args = grid.options(["--sizes", "64", "--layers", "1", "--factors", "1,0.5"])
    cells = grid.wanted(args, "cpu")
    assert [c.factor for c in cells] == [1.0] * 3 + [0.5] * 3
    assert cells[3].lr == cells[0].lr / 2 and not grid.has([asdict(cells[0])], cells[3])
    assert grid.row_name(cells[0]) != grid.row_name(cells[3])


def test_an_lstms_forget_gate_begins_as_asked():
    args = grid.options(["--sizes", "64", "--layers", "1", "--forget-biases=1,-2"])
    cells = grid.wanted(args, "cpu")
    assert [(c.cell, c.forget_bias) for c in cells] == [
        ("lstm", 1.0),
        ("lstm", -2.0),
        ("gru", 1.0),
        ("rnn", 1.0),
    ]
    assert [c.recipe(1e-3).model.get("forget_bias") for c in cells] == [1.0, -2.0, None, None]
    assert not grid.has([asdict(cells[0])], cells[1])
    assert grid.row_name(cells[0]) != grid.row_name(cells[1])
    shown = asdict(cells[1]) | {"parameters": 1, "lr_used": 1.0, "train_loss": 1.0, "steps": 1}
    shown |= {"best_step": 1, "seconds": 1.0, "losses": {"val": 2.0, "test": 2.0}}
    assert "forget bias -2" in grid.line(shown)
    assert "forget bias" not in grid.line(shown | {"forget_bias": 1.0})


def test_a_notebook_trains_small_ones_on_a_sample():
    rows = grid.measure("smoke")
    assert [(row["cell"], row["layers"]) for row in rows][:3] == [
        ("lstm", 1),
        ("lstm", 2),
        ("gru", 1),
    ]
    assert all(row["split"]["train"] < 100_000 and row["losses"]["test"] > 0 for row in rows)


def test_a_cell_is_trained_again_only_with_other_settings():
    assert grid.has([ROW], SMALL)
    assert not grid.has([ROW], replace_("seed", 2))
    assert not grid.has([ROW], replace_("epochs", 1))
    assert not grid.has([ROW], replace_("device", "cuda"))
    assert not grid.has([ROW | {"lr": 1.0}], SMALL)
    assert not grid.has([], SMALL)


CHILD = """
import json, sys, time
from pathlib import Path
out = Path(sys.argv[sys.argv.index("--out") + 1])
for cell in json.loads(sys.argv[sys.argv.index("--only") + 1]):
    time.sleep(0.05 if cell["cell"] == "lstm" else 600)
    print("a warning", file=sys.stderr, flush=True)
    name = "{cell}-{layers}-{size}-{factor:g}-{forget_bias:g}-{seed}.row".format(**cell)
    (out / ".part").write_text(json.dumps(cell | {"parameters": 1}))
    (out / ".part").rename(out / name)
"""


@pytest.fixture
def children(monkeypatch, tmp_path):
    """Processes that take an instant for an LSTM, and ten minutes for others."""
    popen, started = subprocess.Popen, []

    def instead(ask, **named):
        started.append(popen([sys.executable, "-c", CHILD, *ask[3:]], **named))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", instead)
    monkeypatch.setattr(grid, "TemporaryDirectory", in_folder(tmp_path / "work"))
    return started


def in_folder(folder):
    from tempfile import TemporaryDirectory

    folder.mkdir()
    return lambda prefix: TemporaryDirectory(prefix=prefix, dir=folder)


def test_what_is_done_is_kept_and_the_rest_ended_when_time_is_up(children, tmp_path, capsys):
    cells, kept = [replace_("cell", c) for c in ("lstm", "gru", "rnn")], []
    left = grid.train_all(cells, 3, 2 / 60, lambda cell, row: kept.append(row))
    assert left == 2 and [row["cell"] for row in kept] == ["lstm"]
    assert len(children) == 3 and all(p.poll() is not None for p in children)
    assert not list((tmp_path / "work").iterdir())
    assert "a warning" in capsys.readouterr().err


def test_a_process_of_several_gives_each_as_it_is_done(children):
    cells, kept = [replace_("cell", c) for c in ("lstm", "gru", "rnn")], []
    assert grid.train_all(cells, 1, 2 / 60, lambda cell, row: kept.append(cell), together=2) == 2
    assert [cell.cell for cell in kept] == ["lstm"] and len(children) == 1


def test_jobs_bound_how_many_there_are_at_a_time(children):
    cells = [replace_("cell", c) for c in ("gru", "lstm", "lstm")]
    assert grid.train_all(cells, 1, 0.5 / 60, lambda cell, row: None) == 3
    assert len(children) == 1


@pytest.mark.skipif(os.name != "posix", reason="sends itself a signal")
def test_a_signal_ends_it_with_what_is_done(children):
    cells, kept = [replace_("cell", c) for c in ("lstm", "gru")], []

    def keep(cell, row):
        kept.append(row)
        os.kill(os.getpid(), signal.SIGTERM)

    began = time.monotonic()
    assert grid.train_all(cells, 2, None, keep) == 1 and len(kept) == 1
    assert time.monotonic() - began < 60
    assert all(p.poll() is not None for p in children)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_process_that_fails_leaves_a_line_and_no_row(monkeypatch, capsys):
    popen = subprocess.Popen
    failing = [sys.executable, "-c", "raise SystemExit('no such text')"]
    monkeypatch.setattr(subprocess, "Popen", lambda ask, **named: popen(failing, **named))
    assert grid.train_all([SMALL], 1, None, lambda cell, row: None) == 1
    assert "no such text" in capsys.readouterr().err


def test_main_writes_each_as_it_is_done_and_asks_for_what_is_missing(monkeypatch, tmp_path, capsys):
    facts, asked = {"cpu": "A Chip", "cores": 2, "gpu": None}, []
    monkeypatch.setattr(grid, "facts_of", lambda device: {"machine": facts, "device": "cpu"})

    def train_all(cells, jobs, minutes, keep, together):
        asked.append([(c.cell, c.layers) for c in cells])
        for cell in cells[:2]:
            row = asdict(cell) | {"lr_used": cell.lr, "parameters": 1, "train_loss": 1.0}
            keep(
                cell,
                row | {"losses": {"val": 2, "test": 2}, "best_step": 1, "steps": 1, "seconds": 1},
            )
        return len(cells[2:])

    monkeypatch.setattr(grid, "train_all", train_all)
    ask = ["--sizes", "64", "--layers", "1", "--out", str(tmp_path)]
    assert grid.main(ask) == 3
    assert grid.main(ask) == 0
    assert asked == [[("lstm", 1), ("gru", 1), ("rnn", 1)], [("rnn", 1)]]
    kept = json.loads((tmp_path / "grid-a-chip-2-cores.json").read_text())
    assert kept["benchmark"] == "grid" and kept["machine"] == facts
    assert [row["cell"] for row in kept["rows"]] == ["lstm", "gru", "rnn"]
    assert "2 of 3 are there" in capsys.readouterr().out


def test_settings_out_of_range_are_refused(capsys):
    with pytest.raises(SystemExit):
        grid.options(["--jobs", "0"])
    assert "jobs is 0; it must be above 0" in capsys.readouterr().err


def test_the_process_that_starts_the_others_touches_no_gpu():
    found = grid.facts_of("cpu")
    assert found["device"] == "cpu" and found["machine"]["cores"] >= 1
    with pytest.raises(ValueError, match="device is 'abacus'"):
        grid.facts_of("abacus")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--layers", "x"], "'x' is not whole numbers with commas between them"),
        (["--factors", "1,no"], "'1,no' is not numbers with commas between them"),
        (["--factors", "0"], "factors has 0.0; each must be above 0, and finite"),
        (["--factors", "nan"], "factors has nan"),
        (["--forget-biases", "inf"], "forget-biases has inf; each must be a finite number"),
    ],
)
def test_lists_that_make_no_sense(asked, told, capsys):
    with pytest.raises(SystemExit):
        grid.options(asked)
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", '{"rows"'])
def test_a_file_that_is_no_result_is_left_alone(tmp_path, text):
    path = tmp_path / "grid.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="is no result of the grid; move it away"):
        grid.known(path)
    assert path.read_text() == text


def test_a_place_that_cannot_be_written_is_told_before_anything_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(grid.os, "access", lambda *_: False)
    with pytest.raises(ValueError, match="cannot be written; give another --out"):
        grid.known(tmp_path / "new" / "grid.json")


def test_the_committed_networks_are_those_of_the_defaults():
    """So that the command as it stands goes on with them, and not with others."""
    (path,) = (p for p in grid.RESULTS.glob("grid-*.json") if "h200" in p.name)
    cells = grid.wanted(grid.options([]), "cuda")
    assert sum(grid.has(grid.known(path), cell) for cell in cells) == len(grid.known(path)) >= 28
