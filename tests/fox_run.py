"""A training of seconds on a line about a fox: its text, recipe, folder, and a copy to spoil."""

import shutil
from pathlib import Path

import pytest

from charrnn.recipe import Recipe, open_texts
from charrnn.runs import train_recipe
from charrnn.settings import TrainConfig

LINES = "the quick brown fox jumps over the lazy dog\n" * 40
TRAINING = TrainConfig(
    batch=2, seq=10, steps=6, eval_every=2, lr=0.01, schedule="constant", sample_length=8, seed=3
)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("text") / "fox.txt"
    path.write_text(LINES)
    return path


@pytest.fixture(scope="module")
def recipe(file) -> Recipe:
    return Recipe("fox", "A fox", "smoke", str(file), {"hidden": 8, "layers": 1}, TRAINING)


@pytest.fixture(scope="module")
def texts(recipe, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARRNN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield open_texts(recipe, progress=False)


@pytest.fixture(scope="module")
def folder(recipe, texts, tmp_path_factory) -> Path:
    """A finished training, never written to."""
    target = tmp_path_factory.mktemp("run") / "fox"
    train_recipe(recipe, target, progress=False, texts=texts)
    return target


@pytest.fixture
def copy(folder, tmp_path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))
