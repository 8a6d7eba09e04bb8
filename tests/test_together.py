"""Trainings in threads of one process, with the GPU's streams stood in for."""

import threading
from contextlib import nullcontext

import numpy as np
import pytest
from short_training import VOCAB

from benchmarks import together
from benchmarks.together import side_by_side
from charrnn.model import ModelConfig
from charrnn.settings import TrainConfig

TEXT = np.random.default_rng(0).integers(0, len(VOCAB), 3000).astype(np.uint8)


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(together.torch.cuda, "Stream", lambda: None)
    monkeypatch.setattr(together.torch.cuda, "stream", lambda _: nullcontext())


def training(folder, seed, steps=6):
    model = ModelConfig(len(VOCAB), hidden=8, layers=1)
    config = TrainConfig(batch=4, seq=10, steps=steps, seed=seed, device="cpu", precision="fp32")
    return together.train.start(model, VOCAB, TEXT, TEXT[:200], config, folder)


def test_none_begins_before_all_are_set_up_and_none_is_set_up_beside_another(
    tmp_path, no_gpu, monkeypatch
):
    inside, most, ready, begun = [], [], [], []

    def step_for(each, data):
        ready.append(each)
        return lambda: (begun.append(len(ready)), together.train._advance(each, data))

    monkeypatch.setattr(together.train, "step_for", step_for)

    def work(seed):
        inside.append(seed)
        most.append(len(inside) - len(ready))
        together.train.run(training(tmp_path / str(seed), seed), progress_bar=False)

    side_by_side([lambda s=s: work(s) for s in range(4)], "cuda")
    assert set(begun) == {4}, "all were ready before the first step"
    assert max(most) == 1, "one at a time is being set up"
    assert together.train.step_for is step_for


def test_they_are_the_trainings_that_they_are_alone(tmp_path, no_gpu):
    found = {}

    def work(where, seed):
        done = together.train.run(training(tmp_path / where / str(seed), seed), progress_bar=False)
        found[where, seed] = done.progress.best_loss

    for where, device in (("beside", "cuda"), ("alone", "cpu")):
        side_by_side([lambda s=s, w=where: work(w, s) for s in (1, 2, 3)], device)
    for seed in (1, 2, 3):
        assert found["beside", seed] == pytest.approx(found["alone", seed], abs=1e-6)
    assert len(set(found.values())) >= 3


def test_one_that_fails_holds_nobody_up_and_is_told(tmp_path, no_gpu):
    done = []

    def good(seed):
        together.train.run(training(tmp_path / str(seed), seed), progress_bar=False)
        done.append(seed)

    def bad():
        raise ValueError("no such text")

    with pytest.raises(ValueError, match="no such text"):
        side_by_side([bad, lambda: good(1), bad, lambda: good(2)], "cuda")
    assert sorted(done) == [1, 2]


def test_a_second_training_in_a_thread_waits_for_nobody(tmp_path, no_gpu):
    """As where a loss stops being a number and the network is trained again."""
    names = []

    def twice(seed):
        for part in "ab":
            folder = tmp_path / f"{seed}{part}"
            together.train.run(training(folder, seed, 2), progress_bar=False)
        names.append(threading.current_thread().name)

    side_by_side([lambda: twice(1), lambda: twice(2)], "cuda")
    assert len(set(names)) == 2
