"""A small training for the tests on a GPU: its text, its settings, its losses."""

from importlib import import_module

import numpy as np
import pytest
import torch

from charrnn.devices import choose_precision
from charrnn.model import ModelConfig
from charrnn.records import read_history
from charrnn.settings import TrainConfig
from charrnn.vocab import Vocab

train = import_module("charrnn.train")  # `charrnn.train` by itself is the function

NEEDS_CUDA = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"),
]

GPU = "cuda"
TEXT = "the quick brown fox jumps over the lazy dog; pack my box with five dozen jugs.\n" * 100
VOCAB = Vocab.of(TEXT)
TRAIN, VAL = np.split(VOCAB.encode(TEXT), [7000])


def settings(**changes):
    kept = {"batch": 8, "seq": 20, "steps": 120, "lr": 3e-3, "warmup": 10, "eval_every": 20}
    return TrainConfig(**{**kept, "schedule": "constant", "device": GPU, **changes})


def begin(folder, dropout=0.0, hidden=64, cell="lstm", **changes):
    model = ModelConfig(len(VOCAB), cell, hidden, layers=2, dropout=dropout)
    return train.start(model, VOCAB, TRAIN, VAL, settings(**changes), folder)


def run(training):
    return train.run(training, progress_bar=False)


def losses(folder) -> np.ndarray:
    return read_history(folder / "history.csv")["train_loss"]


def skip_without(precision: str) -> None:
    try:
        choose_precision(torch.device(GPU), precision)
    except ValueError as refused:
        pytest.skip(str(refused))
