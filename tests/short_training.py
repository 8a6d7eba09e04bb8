"""A training of a few steps on a CPU, for tests that hold two ways of taking a step together."""

from importlib import import_module

import numpy as np

from charrnn.cuda.fixed_step import FixedStep
from charrnn.model import ModelConfig
from charrnn.settings import TrainConfig
from charrnn.vocab import Vocab

train = import_module("charrnn.train")  # `charrnn.train` by itself is the function

TEXT = "the quick brown fox jumps over the lazy dog; pack my box with five dozen jugs.\n" * 20
VOCAB = Vocab.of(TEXT)
TRAIN, VAL = np.split(VOCAB.encode(TEXT), [1300])
SMALL = {"batch": 5, "seq": 8, "steps": 70, "lr": 0.02, "warmup": 4}  # an epoch has 32 steps


def begin(folder, cell="lstm", dropout=0.3, **changes):
    config = TrainConfig(**{**SMALL, "device": "cpu", "precision": "fp32", **changes})
    model = ModelConfig(len(VOCAB), cell=cell, hidden=16, layers=2, dropout=dropout)
    return train.start(model, VOCAB, TRAIN, VAL, config, folder)


def fixed(training, *sizes) -> FixedStep:
    return FixedStep(training, training.data.on(training.device), *sizes)


def ordinary(training):
    return lambda: train._advance(training, training.data)


def walk(training, step, n: int) -> list[float]:
    """The losses of `n` steps."""
    losses = []
    for _ in range(n):
        before = training.meter.item()
        step()
        losses.append(training.meter.item() - before)
    return losses


def differ(ours, theirs) -> float:
    """The largest difference between the weights of two trainings, or their carried states."""
    pairs = zip(ours.model.parameters(), theirs.model.parameters(), strict=True)
    states = zip(ours.state, theirs.state, strict=True)
    return max((a - b).abs().max().item() for a, b in [*pairs, *states])
