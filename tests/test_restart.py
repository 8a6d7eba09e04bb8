"""Networks of single lines: nothing of one line reaches the next, wherever the network is run."""

import json
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from charrnn.batches import Lines
from charrnn.checkpoint import load_checkpoint
from charrnn.corpora import CorpusWarning
from charrnn.export import load_model, save_model
from charrnn.model import CELLS, CharRNN, ModelConfig
from charrnn.plan import plan_training
from charrnn.portable import PortableStepper
from charrnn.recipe import load_recipe, model_config
from charrnn.runs import load_run, resume_run, train_recipe
from charrnn.sample import Sampling, TorchStepper, draw, sample, sample_many
from charrnn.score import loss, score, stream_nats
from charrnn.stepper import Stepper
from charrnn.vocab import Vocab

train = import_module("charrnn.train")
VOCAB = Vocab.of("\nabcd")
NEWLINE = VOCAB.ids["\n"]
TEXT = "ab\ncab\n\nd\nabcd\nbad\n"
EVERY_CELL = pytest.mark.parametrize("cell", list(CELLS))


def make(cell="lstm", restart: int | None = NEWLINE, seed=0) -> CharRNN:
    """Weights loud enough that what was read before would show."""
    model = CharRNN(ModelConfig(len(VOCAB), cell, hidden=7, layers=2, restart=restart))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1, 1, generator=generator)
    return model.eval()


def columns(text: str) -> torch.Tensor:
    return torch.from_numpy(VOCAB.encode(text).astype(np.int64))[:, None]


@EVERY_CELL
def test_a_stream_is_its_lines_each_read_from_nothing(cell):
    model, plain = make(cell), make(cell, restart=None)
    with torch.inference_mode():
        whole, state = model(columns("\n" + TEXT))
        rows = ["\n" + line for line in TEXT.split("\n")]
        apart = torch.cat([plain(columns(row))[0] for row in rows])
        left = plain(columns("\n"))[1]
    assert torch.allclose(whole, apart, atol=1e-6)
    for ours, theirs in zip(state, left, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)
    assert not torch.allclose(plain(columns("\n" + TEXT))[0], whole, atol=1e-2)


def test_lanes_restart_each_at_its_own_newline():
    model, texts = make(), ["ab\ncd\na", "\n\nabcda", "abcdabc"]
    both = torch.cat([columns(text) for text in texts], dim=1)
    before = tuple(torch.randn_like(s) for s in model.zero_state(3))
    with torch.inference_mode():
        together, _ = model(both, before)
        for lane, text in enumerate(texts):
            alone, _ = model(columns(text), tuple(s[:, lane : lane + 1] for s in before))
            assert torch.allclose(together[:, lane], alone[:, 0], atol=1e-6)


def test_without_a_newline_the_fused_layers_read_all_at_once(monkeypatch):
    model, calls = make(), []
    stretch = model._stretch
    monkeypatch.setattr(model, "_stretch", lambda *a: calls.append(1) or stretch(*a))
    model(columns("\nabcd"))
    assert len(calls) == 1
    model(columns("\nab\ncd\n"))
    assert len(calls) == 1 + 3


@EVERY_CELL
@pytest.mark.parametrize("kind", [Stepper, TorchStepper])
def test_steppers_restart(cell, kind):
    model = make(cell)
    texts = [TEXT, TEXT[::-1], "a" * len(TEXT)]
    ids = np.stack([VOCAB.encode(text) for text in texts], axis=1).astype(np.int64)
    with torch.inference_mode():
        expected = model(torch.from_numpy(ids))[0].numpy()
    stepper, alone = kind(model, 3), kind(model, 1)
    for row, wanted in zip(ids, expected, strict=True):
        np.testing.assert_allclose(stepper.step(row), wanted, atol=2e-5)
        np.testing.assert_allclose(alone.step(row[:1]), wanted[:1], atol=2e-5)


@EVERY_CELL
def test_the_portable_arithmetic_restarts_to_the_bit(cell):
    model = make(cell)
    fresh, used = PortableStepper(model, 2), PortableStepper(model, 2)
    for symbol in VOCAB.encode("dbca"):
        used.step(np.array([symbol, symbol]))
    again = used.step(np.array([NEWLINE, 1]))
    first = fresh.step(np.array([NEWLINE, 1]))
    assert np.array_equal(again[0], first[0]) and not np.array_equal(again[1], first[1])


def test_a_prompt_is_read_behind_a_newline():
    run = SimpleNamespace(model=make(), vocab=VOCAB)
    settings = {"length": 40, "seed": 3}
    assert sample(run, "ab", **settings) == sample(run, "\nab", **settings)
    assert sample(run, "", **settings) == sample(run, "\n", **settings)
    assert sample(run, "c\nab", **settings) == sample(run, "ab", **settings)
    ids = [int(i[0]) for i in draw(run.model, VOCAB, "", Sampling(**settings))]
    assert VOCAB.decode(ids) == sample_many(run, 3, "", **settings)[0]


def test_a_score_counts_every_character_from_the_first():
    model = make()
    found = score(SimpleNamespace(model=model, vocab=VOCAB), TEXT)
    assert found.targets == len(TEXT) == found.n_bytes
    apart = [stream_nats(model, VOCAB.encode("\n" + line + "\n")) for line in TEXT.split("\n")[:-1]]
    assert found.nats == pytest.approx(float(np.concatenate(apart).sum()), abs=1e-4)


@pytest.mark.parametrize("restart", [-1, len(VOCAB), True, 1.0, "a"])
def test_impossible_restarts_are_refused(restart):
    with pytest.raises(ValueError, match="it must be the id of a symbol"):
        ModelConfig(len(VOCAB), restart=restart)


def test_settings_without_a_restart_are_written_as_before():
    assert "restart" not in ModelConfig(5).to_dict()
    assert ModelConfig(**ModelConfig(5, restart=0).to_dict()).restart == 0


def test_a_published_file_keeps_it(tmp_path):
    corpus = {"name": "n", "licence": "l", "attribution": "a", "sha256": "0"}
    path = tmp_path / "m.safetensors"
    save_model(path, make(), VOCAB, {"run": "r", "corpus": corpus})
    model, _, header = load_model(path)
    assert model.config.restart == NEWLINE == header["model"]["restart"]


# Training


NAMES = [a + b for a in ("an", "be", "ca", "do", "el") for b in ("na", "lla", "ra", "ris", "")]


def names_recipe(tmp_path, **changes):
    path = tmp_path / "names.txt"
    path.write_text("".join(name + "\n" for name in NAMES), encoding="utf-8")
    settings = {"steps": 40, "batch": 6, "lr": 0.03, "eval_every": 10, **changes}
    recipe = load_recipe("names", "smoke", **settings)
    return replace(recipe, corpus=str(path), model={"hidden": 12, "layers": 1})


def test_the_loss_of_a_step_is_that_of_its_lines():
    """What stands behind a line's end counts for nothing."""
    ids = VOCAB.encode("abcd\na\nbad\n")
    model, lines = make(), Lines(ids, NEWLINE, batch=3, seq=9)
    x, y = lines.step(0)
    with torch.inference_mode():
        ours = F.cross_entropy(model(x)[0].flatten(0, 1), y.flatten())
    apart = [stream_nats(model, VOCAB.encode(f"\n{line}\n")) for line in ("abcd", "a", "bad")]
    assert ours.item() == pytest.approx(np.concatenate(apart).mean(), abs=1e-5)


def test_a_list_is_learnt_line_by_line(tmp_path):
    recipe = names_recipe(tmp_path, steps=150)
    run = train_recipe(recipe, tmp_path / "run", progress=False)
    newline = run.vocab.ids["\n"]
    assert run.model.config.restart == newline
    assert run.info["epochs"] == pytest.approx(150 / 4)  # 22 or so of 25 lines, 6 a step
    read = run.info["split"]["train"] * run.info["epochs"]
    assert run.history["chars"][-1] == pytest.approx(read, abs=1)
    assert run.history["train_loss"][-1] < 0.6 * run.history["train_loss"][0]
    known = sample_many(run, 40, "", length=12, stop="\n", temperature=0.5)
    assert np.mean([name in NAMES for name in known]) > 0.6


def test_it_stops_and_goes_on_bit_for_bit(tmp_path):
    steady = {"schedule": "constant"}
    train_recipe(names_recipe(tmp_path, **steady), tmp_path / "whole", progress=False)
    train_recipe(names_recipe(tmp_path, **steady, steps=17), tmp_path / "parts", progress=False)
    resume_run(tmp_path / "parts", steps=40, progress=False)
    one, other = (load_checkpoint(tmp_path / p / "last.safetensors") for p in ("whole", "parts"))
    weights = [name for name in one.tensors if name.startswith("model.")]
    assert weights and all(torch.equal(one.tensors[k], other.tensors[k]) for k in weights)


def test_validation_is_the_loss_on_held_out_lines(tmp_path):
    run = train_recipe(names_recipe(tmp_path), tmp_path / "run", progress=False)
    from charrnn.runs import run_texts

    split = run_texts(run.folder, progress=False)[1].split
    assert run.info["losses"]["val"] == pytest.approx(loss(run.model, split.val), abs=1e-4)
    assert load_run(run.folder).model.config.restart is not None
    told = json.loads((run.folder / "run.json").read_text())
    assert told["split"]["kind"] == "lines" and told["model"]["restart"] == 0


def test_lines_that_are_too_long_are_counted(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("".join(f"name{i}\n" for i in range(60)) + "x" * 80 + "\n")
    with pytest.warns(CorpusWarning, match="1 lines are longer than 40 characters"):
        plan = plan_training(path, tmp_path / "out", split_kind="lines", seq=40, batch=4)
    assert plan.data.cut == 1 and plan.total_steps


def test_only_a_text_split_by_lines_has_restarts():
    assert model_config(load_recipe("names"), VOCAB).restart == NEWLINE
    assert model_config(load_recipe("linux"), VOCAB).restart is None
