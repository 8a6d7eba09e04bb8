"""Programs that write text, one character a step: this library's and those that it is held against.

All are built from one network (`charrnn.model.CharRNN`), so all give the same logits, but for what
a narrower arithmetic costs. Each builder returns `run(steps)`, which goes on with S endless texts
at temperature 1. The torch sides draw as most programs do (softmax, `torch.multinomial`), ONNX
Runtime's with this library's own drawing.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.loops import Run, detached, wait_for
from charrnn.model import CharRNN, ModelConfig
from charrnn.sample import Sampling, draw, generate, pick, uniform_stream
from charrnn.vocab import Vocab


def network(hidden: int, layers: int, vocab: int, file: str | None = None) -> CharRNN:
    """Random weights of that size, the same at each call; or a state dict kept by `torch.save`."""
    model = CharRNN(ModelConfig(vocab, hidden=hidden, layers=layers), torch.manual_seed(0)).eval()
    if file is not None:
        model.load_state_dict(torch.load(file, weights_only=True))
    return model


def symbols(vocab: int) -> Vocab:
    """A vocabulary of that size."""
    return Vocab(tuple(chr(40 + i) for i in range(vocab)))


def ours(streams: int, device: str, portable: bool = False, **size) -> Run:
    """`charrnn.sample`: `generate` for one text, `draw` for many; `portable`: integers."""
    model, vocab = network(**size).to(device), symbols(size["vocab"])
    settings = Sampling(length=10**12, portable=portable)
    if streams == 1:
        endless = generate(model, vocab, "A", settings)
    else:
        endless = draw(model, vocab, "A", settings, streams)

    def run(steps: int) -> None:
        for _ in itertools.islice(endless, steps):
            pass

    return run


class Layers(nn.Module):
    """A `CharRNN`'s weights in one `nn.LSTM`, as most programs have it: ids (T, S), state to logits
    (T, S, V), state."""

    def __init__(self, model: CharRNN) -> None:
        super().__init__()
        config = model.config
        self.vocab = config.vocab_size
        self.lstm = nn.LSTM(config.vocab_size, config.hidden, config.layers)
        kept = {}
        for layer, one in enumerate(model.rnn):
            for name, weights in one.state_dict().items():
                kept[name.replace("_l0", f"_l{layer}")] = weights
        self.lstm.load_state_dict(kept)
        self.decoder = nn.Linear(config.hidden, config.vocab_size)
        self.decoder.load_state_dict(model.decoder.state_dict())

    def forward(self, ids: Tensor, state=None):
        out, state = self.lstm(F.one_hot(ids, self.vocab).float(), state)
        return self.decoder(out), state


class Cells(nn.Module):
    """The same as `nn.LSTMCell`s; T is 1."""

    def __init__(self, model: CharRNN) -> None:
        super().__init__()
        self.vocab, self.cells = model.config.vocab_size, nn.ModuleList()
        for one in model.rnn:
            cell = nn.LSTMCell(one.input_size, one.hidden_size)
            kept = {name.removesuffix("_l0"): w for name, w in one.state_dict().items()}
            cell.load_state_dict(kept)
            self.cells.append(cell)
        self.decoder = nn.Linear(model.config.hidden, model.config.vocab_size)
        self.decoder.load_state_dict(model.decoder.state_dict())

    def forward(self, ids: Tensor, state=None):
        below, after = F.one_hot(ids[0], self.vocab).float(), []
        for layer, cell in enumerate(self.cells):
            after.append(cell(below, state[layer] if state is not None else None))
            below = after[-1][0]
        return self.decoder(below)[None], after


def quantised(model: CharRNN) -> nn.Module:
    """`Layers` through torch's dynamic quantisation: int8 weights, activations as they come."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has been announced that the function will go
        return torch.ao.quantization.quantize_dynamic(
            Layers(model), {nn.LSTM, nn.Linear}, dtype=torch.qint8
        )


FORMS: dict[str, Callable[[CharRNN], nn.Module]] = {
    "lstm": Layers,
    "cells": Cells,
    "quantised": quantised,
}


class Reader:
    """One of `FORMS` as `charrnn.score.stepped_nats` wants it: ids (S,) to logits (S, V)."""

    def __init__(self, module: nn.Module) -> None:
        self.module, self.carried = module.eval(), None

    @torch.inference_mode()
    def step(self, ids: np.ndarray) -> np.ndarray:
        logits, self.carried = self.module(torch.as_tensor(ids)[None], self.carried)
        return logits[0].numpy()


def stepped(streams: int, device: str, form: str = "lstm", **size) -> Run:
    """A torch module, one character at a time."""
    module = FORMS[form](network(**size)).eval().to(device)
    ids, state = torch.zeros(1, streams, dtype=torch.int64, device=device), None

    @torch.inference_mode()
    def run(steps: int) -> None:
        nonlocal ids, state
        for _ in range(steps):
            logits, state = module(ids, state)
            state = detached(state)
            ids = torch.multinomial(torch.softmax(logits[0], dim=-1), 1).T
            ids.tolist()  # the text is wanted on the way
        wait_for(device)

    return run


def onnx(streams: int, form: str, int8: bool, threads: int, folder: str, **size) -> Run:
    """ONNX Runtime on the CPU, with a number of threads inside an operator."""
    from benchmarks.onnx_models import OnnxStepper, write

    file = write(network(**size), form, int8, Path(folder))
    pack = int8 or form == "lstm" or streams > 1
    stepper = OnnxStepper(file, streams, threads, pack)
    settings, numbers = Sampling(), uniform_stream(0, streams)
    ids = np.zeros(streams, dtype=np.int64)

    def run(steps: int) -> None:
        nonlocal ids
        for _ in range(steps):
            ids = pick(stepper.step(ids), next(numbers), settings)

    return run
