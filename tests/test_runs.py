"""Runs: trained into a folder, found, opened, resumed, and published."""

import json
import shutil
from dataclasses import replace
from importlib import import_module as module

import numpy as np
import pytest
import torch
from fox_run import LINES, TRAINING

from charrnn import runs
from charrnn.checkpoint import CheckpointError, load_checkpoint
from charrnn.export import save_model
from charrnn.recipe import Recipe
from charrnn.runs import (
    RunError,
    find_run,
    held_out_losses,
    list_runs,
    load_run,
    recipe_from_dict,
    recipe_to_dict,
    resume_run,
    train_recipe,
)
from charrnn.score import loss
from charrnn.train import Interrupted


class TestTraining:
    def test_run_json_says_what_was_done(self, folder, texts):
        info = json.loads((folder / "run.json").read_text())
        assert (info["name"], info["title"], info["scale"]) == ("fox", "A fox", "smoke")
        assert info["corpus"]["sha256"] == texts.corpus.sha256
        assert info["corpus"]["characters"] == info["corpus"]["used"] == 1760
        assert info["model"] == {
            "vocab_size": 28, "cell": "lstm", "hidden": 8, "layers": 1, "dropout": 0.0,
            "forget_bias": -2.0, "parameters": 4 * 8 * (28 + 8 + 2) + 28 * 9,
        }  # fmt: skip
        assert info["split"] == {
            "kind": "contiguous", "fractions": [0.9, 0.05, 0.05],
            "train": 1584, "val": 88, "test": 88,
        }  # fmt: skip
        assert (info["steps"], info["seed"], info["finished"]) == (6, 3, True)
        assert info["epochs"] == pytest.approx(6 / 79)
        assert info["chars_per_second"] == pytest.approx(120 / info["seconds"])
        assert torch.__version__.startswith(
            info["versions"]["torch"]
        )  # a package may leave out "+cu130"
        assert info["init_from"] is None

    def test_losses_are_those_of_the_best_weights_on_the_held_out_parts(self, folder, texts):
        model = load_checkpoint(folder / "best.safetensors").model()
        losses = json.loads((folder / "run.json").read_text())["losses"]
        for part, ids in (("val", texts.split.val), ("test", texts.split.test)):
            assert losses[part] == pytest.approx(loss(model, np.asarray(ids)), abs=1e-6)

    def test_a_part_that_is_empty_has_no_loss(self, folder, texts):
        model = load_checkpoint(folder / "best.safetensors").model()
        none = replace(texts, split=replace(texts.split, test=texts.split.test[:0]))
        assert held_out_losses(model, none)["test"] is None

    def test_a_folder_with_a_training_is_left_alone(self, recipe, texts, folder):
        with pytest.raises(FileExistsError, match="already holds a training"):
            train_recipe(recipe, folder, progress=False, texts=texts)

    def test_an_interrupted_training_keeps_its_run_json_true(
        self, recipe, texts, tmp_path, monkeypatch
    ):
        def stop(training, progress):
            training.progress.step = 4
            raise Interrupted("stopped at step 4")

        monkeypatch.setattr(runs, "run", stop)
        with pytest.raises(Interrupted):
            train_recipe(recipe, tmp_path / "r", progress=False, texts=texts)
        info = json.loads((tmp_path / "r" / "run.json").read_text())
        assert (info["steps"], info["finished"]) == (4, False)
        assert info["losses"] == {"val": None, "test": None}

    def test_init_from_takes_the_weights(self, recipe, texts, folder, tmp_path):
        still = replace(recipe, training=replace(TRAINING, steps=1, lr=1e-12))
        run = train_recipe(still, tmp_path / "r", init_from=folder, progress=False, texts=texts)
        wanted = load_run(folder).model
        assert torch.allclose(run.model.decoder.weight, wanted.decoder.weight, atol=1e-7)
        assert run.info["init_from"] == str(folder)

    def test_init_from_another_shape(self, recipe, texts, folder, tmp_path):
        wider = replace(recipe, model={"hidden": 9, "layers": 1})
        with pytest.raises(CheckpointError, match="have hidden 8, this model 9"):
            train_recipe(wider, tmp_path / "r", init_from=folder, progress=False, texts=texts)
        assert not (tmp_path / "r").exists()

    def test_a_recipe_survives_run_json(self, recipe):
        kept = json.loads(json.dumps(recipe_to_dict(recipe)))
        assert recipe_from_dict(kept) == recipe


class TestResuming:
    def test_a_longer_total_gives_what_it_would_have_given_at_once(
        self, recipe, texts, copy, tmp_path
    ):
        longer = replace(recipe, training=replace(TRAINING, steps=9))
        at_once = train_recipe(longer, tmp_path / "r", progress=False, texts=texts)
        resumed = resume_run(copy, progress=False, steps=9)
        for one, other in zip(at_once.model.parameters(), resumed.model.parameters(), strict=True):
            assert torch.equal(one, other)
        assert resumed.info["training"]["steps"] == 9
        assert resumed.info["recipe"]["training"]["steps"] == 9
        assert resumed.info["losses"] == at_once.info["losses"]

    def test_another_text_is_refused(self, copy, tmp_path):
        info = json.loads((copy / "run.json").read_text())
        info["corpus"]["sha256"] = "0" * 64
        (copy / "run.json").write_text(json.dumps(info))
        with pytest.raises(RunError, match="its hash has changed"):
            resume_run(copy, progress=False)

    def test_what_holds_no_training(self, copy):
        (copy / "last.safetensors").unlink()
        with pytest.raises(RunError, match="holds no training to resume"):
            resume_run(copy, progress=False)

    def test_without_run_json(self, copy):
        (copy / "run.json").unlink()
        with pytest.raises(RunError, match=r"has no run\.json that says which text"):
            resume_run(copy, progress=False)

    def test_a_run_json_that_lacks_what_a_recipe_has(self, copy):
        info = json.loads((copy / "run.json").read_text())
        del info["recipe"]["training"]
        (copy / "run.json").write_text(json.dumps(info))
        with pytest.raises(RunError, match=r"run\.json is damaged \(KeyError: 'training'\)"):
            resume_run(copy, progress=False)

    def test_a_text_that_has_moved(self, file, tmp_path):
        here, there = tmp_path / "fox.txt", tmp_path / "there.txt"
        shutil.copy(file, here)
        recipe = Recipe("fox", "A fox", "smoke", str(here), {"hidden": 8, "layers": 1}, TRAINING)
        train_recipe(recipe, tmp_path / "r", progress=False)
        here.rename(there)
        with pytest.raises(RunError, match=r"fox.txt is not there; say where it is now \(--text"):
            resume_run(tmp_path / "r", progress=False, steps=8)
        resume_run(tmp_path / "r", progress=False, text=there, steps=8)
        assert resume_run(tmp_path / "r", progress=False, steps=9).info["steps"] == 9
        there.write_text(LINES + "more")
        with pytest.raises(RunError, match="its hash has changed"):
            resume_run(tmp_path / "r", progress=False, steps=10)

    def test_a_checkout_that_has_moved(self, tmp_path, monkeypatch):
        """The texts that come with the project are known by their place in it."""
        recipe = module("charrnn.recipe")
        for name in ("one", "two"):
            (tmp_path / name / "data" / "samples").mkdir(parents=True)
            (tmp_path / name / "charrnn").mkdir()
        text = tmp_path / "one" / "data" / "samples" / "fox.txt"
        text.write_text(LINES)
        monkeypatch.setattr(recipe, "repository", lambda: tmp_path / "one")
        first = Recipe("fox", "A fox", "smoke", str(text), {"hidden": 8, "layers": 1}, TRAINING)
        run = train_recipe(first, tmp_path / "r", progress=False)
        assert run.info["recipe"]["corpus"] == "data/samples/fox.txt"
        text.rename(tmp_path / "two" / "data" / "samples" / "fox.txt")
        monkeypatch.setattr(recipe, "repository", lambda: tmp_path / "two")
        assert resume_run(tmp_path / "r", progress=False, steps=8).info["steps"] == 8

    def test_regular_samples_go_on_in_a_longer_training(self, recipe, texts, tmp_path):
        regular = replace(recipe, training=replace(TRAINING, sample_every=3))
        train_recipe(regular, tmp_path / "r", progress=False, texts=texts)
        resumed = resume_run(tmp_path / "r", progress=False, steps=11)
        assert [s["step"] for s in resumed.samples] == [3, 6, 9, 11]


class TestOpening:
    def test_a_training_gives_its_best_weights(self, folder):
        run = load_run(folder)
        best = load_checkpoint(folder / "best.safetensors").model()
        assert torch.equal(run.model.decoder.weight, best.decoder.weight)
        assert run.name == "fox" and not run.model.training
        assert run.history["step"][-1] == 6 and np.isfinite(run.history["val_loss"][-1])
        assert [s["step"] for s in run.samples] == [6] and len(run.samples[0]["text"]) == 8
        assert run.measures == {} and run.to("cpu") is run

    def test_a_model_file_opens_on_its_own(self, folder, tmp_path):
        run = load_run(folder)
        corpus = {k: run.info["corpus"][k] for k in ("name", "licence", "attribution", "sha256")}
        save_model(tmp_path / "m", run.model, run.vocab, {"run": "fox", "corpus": corpus})
        opened = load_run(tmp_path / "m")
        assert (opened.name, opened.vocab, opened.history) == ("fox", run.vocab, {})
        assert opened.info["corpus"] == corpus

    def test_a_file_that_is_no_model(self, file):
        with pytest.raises(CheckpointError, match="not a complete safetensors file"):
            load_run(file)

    def test_what_is_no_run(self, tmp_path):
        with pytest.raises(RunError, match="holds no run; "):
            find_run(tmp_path)
        with pytest.raises(RunError, match="nobody is neither a folder nor the name of a run; "):
            find_run("nobody")

    def test_a_training_before_its_first_validation(self, copy):
        for name in ("best.safetensors", "last.safetensors"):
            (copy / name).unlink()
        with pytest.raises(RunError, match="holds no model yet"):
            load_run(copy)

    @pytest.mark.parametrize(
        ("name", "damage"),
        [
            ("run.json", b"{"),
            ("run.json", b"\xff\xfe"),
            ("run.json", b"[1]"),
            ("measures.json", b"nonsense"),
            ("history.csv", b"step,epoch\n1,2\n"),
            ("history.csv", b"\xff"),
            ("samples.jsonl", b"{}\n{"),
            ("run.json", b"[" * 100_000),
            ("run.json", b'{"name": 3}'),
            ("run.json", b'{"losses": []}'),
            ("run.json", b'{"earlier_lengths": 1}'),
            ("measures.json", b'{"a":' * 100_000),
            ("history.csv", b'"' + b"a" * 200_000),
            ("history.csv", b"1,2\n3,4\n"),
            ("samples.jsonl", b"[" * 100_000 + b"\n"),
            ("samples.jsonl", b"3\n"),
            ("samples.jsonl", b'{"step": NaN, "text": "a"}\n'),
        ],
    )
    def test_damage_is_named(self, name, damage, copy):
        (copy / name).write_bytes(damage)
        with pytest.raises(RunError, match=f"{name} is damaged"):
            load_run(copy)

    def test_recorded_runs_go_by_their_names(self, copy, monkeypatch):
        monkeypatch.setattr(runs, "runs_folder", lambda: copy.parent)
        assert list_runs() == [copy] and find_run("copy") == copy
        with pytest.raises(RunError, match="recorded runs: copy"):
            find_run("nobody")
        monkeypatch.setattr(runs, "runs_folder", lambda: None)
        assert list_runs() == []
