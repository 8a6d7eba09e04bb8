"""`import charrnn`: the names it promises, and training from Python in the command line's words."""

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch

import charrnn
from charrnn import chapters
from charrnn.plan import NEEDS, TRAINING, free_folder, plan_training
from charrnn.runs import RunError
from charrnn.settings import TrainConfig

ROOT = Path(__file__).parents[1]
PLAY = (ROOT / "data" / "samples" / "play.txt").read_text(encoding="utf-8")[:4000]
SMALL = {"hidden": 8, "layers": 1, "batch": 2, "seq": 20, "steps": 4, "sample_length": 10}
IMPORTS = """
import sys
orders = [
    "import charrnn; charrnn.sample; charrnn.train",
    "from charrnn.sample import Sampling; import charrnn",
    "import charrnn.train; import charrnn.score; import charrnn.sample",
    "import charrnn.score; from charrnn.train import TrainConfig; import charrnn.sample",
    "import charrnn.runs; import charrnn.train",
    "import charrnn.cli; import charrnn.train",
]
for order in orders:
    for name in [n for n in sys.modules if n.split(".")[0] == "charrnn"]:
        del sys.modules[name]
    scope = {}
    exec(order, scope)
    import charrnn
    for name in ("train", "sample", "score", "stream", "resume"):
        assert type(getattr(charrnn, name)).__name__ == "function", (order, name)
    import charrnn.train, charrnn.sample, charrnn.score
    for name in ("train", "sample", "score"):
        assert type(getattr(charrnn, name)).__name__ == "function", (order, name)
print("ok")
"""


@pytest.fixture
def text(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "play.txt").write_text(PLAY, encoding="utf-8")
    return Path("play.txt")


def test_functions_stay_functions_in_whatever_order_modules_are_imported():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTS],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.stdout == "ok\n", ended.stderr


def test_every_promised_name_is_there_and_explained():
    for name in charrnn.__all__:
        assert getattr(charrnn, name).__doc__, name
        assert not isinstance(getattr(charrnn, name), types.ModuleType)
    assert charrnn.__version__.count(".") == 2


def test_train_sample_score_resume(text):
    run = charrnn.train(text, progress=False, **SMALL)
    assert run.folder == Path("runs/play") and run.info["steps"] == 4
    assert len(charrnn.sample(run, "The ", length=12)) == 12
    assert "".join(charrnn.stream(run, "The ", length=12)) == charrnn.sample(run, "The ", length=12)
    assert len(charrnn.sample_many(run, 3, length=5)) == 3
    assert charrnn.score(run, PLAY[:50]).targets == 49
    again = charrnn.resume(run.folder, progress=False, steps=6)
    assert again.info["steps"] == 6 and again.info["finished"]
    assert charrnn.load_run("runs/play").info == again.info
    assert "earlier_lengths" not in run.info
    assert again.info["earlier_lengths"] == [{"steps": 4, "until_step": 4}]
    facts = chapters.facts(again).iloc[:, 0]
    assert facts["learning rate"] == "planned for 4 steps until step 4, then for 6 steps"
    kept = charrnn.resume(run.folder, progress=False)  # the same total: nothing to tell
    assert kept.info["earlier_lengths"] == again.info["earlier_lengths"]


def test_the_same_call_gives_the_same_weights(text):
    first, second = (charrnn.train(text, out, progress=False, **SMALL) for out in ("a", "b"))
    for mine, other in zip(first.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(mine, other)
    third = charrnn.train(text, "c", progress=False, seed=5, **SMALL)
    assert not torch.equal(first.model.decoder.weight, third.model.decoder.weight)


class TestPlan:
    def plan(self, text, **options):
        return plan_training(text, progress=False, **options)

    def test_a_recipe_and_what_replaces_its_settings(self, text):
        plan = self.plan("tinyshakespeare", scale="smoke", hidden=12, steps=7, lr=0.5)
        assert plan.recipe.model == {"hidden": 12, "layers": 2}
        training = plan.recipe.training
        assert (training.steps, training.epochs, training.lr, training.batch) == (7, None, 0.5, 8)
        assert plan.folder == Path("runs/tinyshakespeare") and plan.total_steps == 7
        assert plan.origin == "the recipe tinyshakespeare at scale smoke"

    def test_the_scale_follows_the_device(self, text):
        assert self.plan("hello", device="cpu").recipe.scale == "laptop"

    def test_epochs_count_in_steps(self, text):
        plan = self.plan(text, **{**SMALL, "steps": None, "epochs": 2})
        assert plan.steps_per_epoch == 89 and plan.total_steps == 178
        assert self.plan(text, minutes=1.0, hidden=4).total_steps is None

    def test_clipping_is_switched_off_by_0(self, text):
        training = self.plan(text, clip_norm=0, clip_value=0.1).recipe.training
        assert (training.clip_norm, training.clip_value) == (None, 0.1)
        assert self.plan(text).recipe.training.clip_norm == 1.0

    def test_a_short_training_warms_up_quickly_unless_told(self, text):
        assert self.plan(text, steps=50).recipe.training.warmup == 5
        assert self.plan(text, steps=50, warmup=40).recipe.training.warmup == 40
        assert self.plan("hello", scale="smoke").recipe.training.warmup == 10

    def test_regular_samples(self, text):
        training = self.plan(text, steps=10, sample_every=4).recipe.training
        assert (training.sample_every, training.sample_steps) == (4, ())
        recipe = self.plan("war_and_peace", scale="smoke").recipe.training
        assert recipe.sample_steps, "a recipe's own steps, which give way"
        given = self.plan("war_and_peace", scale="smoke", sample_every=50).recipe.training
        assert (given.sample_every, given.sample_steps) == (50, ())

    def test_a_step_is_shortened_for_a_short_text_unless_told(self, text):
        Path("short.txt").write_text(PLAY[:60], encoding="utf-8")
        assert self.plan("short.txt", scale="smoke").recipe.training.seq == 6  # 54 in 8 lanes
        with pytest.raises(ValueError, match="too few for batch 8 x seq 50"):
            self.plan("short.txt", scale="smoke", seq=50)

    def test_a_prompt_that_the_text_lacks(self, text):
        assert self.plan("hello", scale="smoke").recipe.training.sample_prompt == ""
        Path("flat.txt").write_text("no line ends " * 50)
        assert self.plan("flat.txt").recipe.training.sample_prompt == ""
        with pytest.raises(ValueError, match=r"sample_prompt holds '\\n'"):
            self.plan("flat.txt", sample_prompt="\n")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"hiden": 3}, "no option 'hiden'; there are cell, hidden"),
            ({"epochs": 1, "steps": 2}, "only one of epochs and steps"),
            ({"scale": "huge"}, "scale is 'huge'"),
            ({"split_kind": "odd"}, "split is 'odd'"),
            ({"level": "word"}, "level is 'word'"),
            ({"sample_every": 0}, "sample_every is 0"),
            ({"sample_length": 0}, "sample_length is 0"),
            ({"seed": -1}, "seed is -1"),
            ({"save_minutes": -1}, "save_minutes is -1"),
            ({"lr_decay": 2.0, "schedule": "decay"}, "lr_decay is 2.0"),
        ],
    )
    def test_wrong_options(self, options, message, text):
        with pytest.raises(ValueError, match=message):
            self.plan(text, **options)

    @pytest.mark.parametrize("name", NEEDS)
    def test_an_option_without_effect_is_refused(self, name, text):
        setting, wanted = NEEDS[name]
        other = {"schedule": "constant", "optimizer": "adam", "cell": "gru"}[setting]
        value = getattr(TrainConfig(steps=1), name) if name in TRAINING else 1.0
        self.plan(text, **{name: value, setting: wanted})
        with pytest.raises(ValueError, match=f"{name} has no effect with {setting} {other}"):
            self.plan(text, **{name: value, setting: other})

    def test_a_named_text_and_a_file_of_that_name(self, text):
        Path("hello").write_text(PLAY, encoding="utf-8")
        with pytest.warns(UserWarning, match="for the file write ./hello"):
            assert self.plan("hello", scale="smoke").texts.characters == 1000
        assert self.plan("./hello", scale="smoke").texts.characters == 4000
        assert self.plan(Path("hello"), scale="smoke").texts.characters == 4000


class TestStartingFromWeights:
    def test_their_shape_and_the_symbols_both_know(self, text):
        old = charrnn.train(text, "old", progress=False, **SMALL)
        Path("new.txt").write_text((PLAY + "\N{SNOWMAN}") * 2, encoding="utf-8")
        plan = plan_training("new.txt", "new", init_from="old", progress=False, steps=1)
        assert plan.recipe.model["hidden"] == 8 and plan.fresh == 1
        new = charrnn.train("new.txt", "new", init_from="old", progress=False, steps=1, lr=1e-9)
        shared = [new.vocab.ids[s] for s in old.vocab.symbols]
        assert torch.allclose(new.model.decoder.weight[shared], old.model.decoder.weight, atol=1e-6)
        assert new.info["init_from"] == "old"

    def test_another_shape_or_level_is_refused(self, text):
        charrnn.train(text, "old", progress=False, **SMALL)
        for options, message in (
            ({"hidden": 9}, "hidden is 9, but the weights to start from have hidden 8"),
            ({"cell": "gru"}, "cell is gru, but"),
            ({"level": "byte"}, "level is byte, but"),
        ):
            with pytest.raises(ValueError, match=message):
                plan_training(text, "new", init_from="old", progress=False, **options)
        with pytest.raises(RunError, match="nobody is neither"):
            plan_training(text, "new", init_from="nobody", progress=False)


class TestFreeFolder:
    def test_new_and_empty_ones_are_free(self, tmp_path):
        assert free_folder(tmp_path) == tmp_path
        assert free_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
        assert not (tmp_path / "a").exists()

    @pytest.mark.parametrize("names", [["notes"], ["history.csv"], ["run.json", "notes"]])
    def test_what_is_not_ours_is_left_alone(self, names, tmp_path):
        for name in names:
            (tmp_path / name).write_text("x")
        with pytest.raises(FileExistsError, match="is not empty"):
            free_folder(tmp_path)
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names)

    def test_a_training_is_left_alone(self, tmp_path):
        (tmp_path / "last.safetensors").write_text("x")
        with pytest.raises(FileExistsError, match="already holds a training"):
            free_folder(tmp_path)

    def test_an_attempt_without_a_checkpoint_is_cleared(self, tmp_path):
        for name in ("run.json", "history.csv"):
            (tmp_path / name).write_text("x")
        free_folder(tmp_path)
        assert not list(tmp_path.iterdir())
