"""Training steps that are compared: this library's, and those of ordinary programs.

Each builder returns `run(steps)`. "Plain" is what most programs have: one `nn.LSTM` with all its
layers, 1-of-k input, float32, clipping, Adam, the loss read at every step. All read the same random
text with carried state (truncated BPTT).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from charrnn import minimal
from charrnn.batches import Lanes
from charrnn.cuda.captured import step_for
from charrnn.devices import PRECISIONS, choose_precision
from charrnn.model import ModelConfig
from charrnn.native.memory import keep_pages
from charrnn.train import TrainConfig, Training, _advance, start
from charrnn.vocab import Vocab

Run = Callable[[int], None]


@dataclass(frozen=True)
class Size:
    """A network and the batch that it is trained on."""

    hidden: int
    layers: int
    batch: int
    seq: int
    vocab: int = 97
    """As large as that of the essays up to the month of the post."""
    dropout: float = 0.0
    cell: str = "lstm"

    @property
    def model(self) -> ModelConfig:
        return ModelConfig(self.vocab, self.cell, self.hidden, self.layers, self.dropout)

    @property
    def lanes(self) -> Lanes:
        """Random text, forty batches of it."""
        n = self.batch * self.seq * 40 + 1
        ids = np.random.default_rng(0).integers(0, self.vocab, n).astype(np.uint8)
        return Lanes(ids, self.batch, self.seq)


def our_step(size: Size, device: str, precision: str) -> Callable[[], None]:
    """A call is one step of this library's training, as `charrnn.train.run` takes it."""
    ids, vocab = size.lanes.ids, Vocab(tuple(chr(33 + i) for i in range(size.vocab)))
    config = TrainConfig(
        batch=size.batch,
        seq=size.seq,
        steps=10**6,
        device=device,
        precision=precision,
        schedule="constant",
    )
    with TemporaryDirectory() as folder:  # nothing is saved on the way
        return stepping(start(size.model, vocab, ids, ids[:1000], config, folder))


def stepping(training: Training) -> Callable[[], None]:
    """A step of a training: recorded as a whole where a GPU does that, else an ordinary one."""
    on_cpu = training.device.type == "cpu"
    data = training.data if on_cpu else training.data.on(training.device)
    return step_for(training, data) or partial(_advance, training, data)


def ours(device: str, precision: str, **size) -> Run:
    """This library's training step."""
    step = our_step(Size(**size), device, precision)

    def run(steps: int) -> None:
        for _ in range(steps):
            step()
        wait_for(device)

    return run


class Plain(nn.Module):
    """`nn.LSTM` (or `nn.RNN`) and a decoder: ids (T, B), targets (T, B) to loss and state."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.vocab = size.vocab
        layers = {"lstm": nn.LSTM, "rnn": nn.RNN}[size.cell]
        self.recurrent = layers(size.vocab, size.hidden, size.layers, dropout=size.dropout)
        self.decoder = nn.Linear(size.hidden, size.vocab)

    def forward(self, x: Tensor, y: Tensor, state):
        out, state = self.recurrent(F.one_hot(x, self.vocab).float(), state)
        return F.cross_entropy(self.decoder(out).flatten(0, 1), y.flatten()), state


class Cells(nn.Module):
    """The same network as a Python loop over `nn.LSTMCell`."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        inputs = [size.vocab] + [size.hidden] * (size.layers - 1)
        self.cells = nn.ModuleList(nn.LSTMCell(n, size.hidden) for n in inputs)
        self.drop = nn.Dropout(size.dropout)
        self.decoder = nn.Linear(size.hidden, size.vocab)

    def forward(self, x: Tensor, y: Tensor, state):
        states = list(state) if state is not None else [None] * len(self.cells)
        tops = []
        for below in F.one_hot(x, self.cells[0].input_size).float():
            for layer, cell in enumerate(self.cells):
                below = self.drop(below) if layer else below
                states[layer] = cell(below, states[layer])
                below = states[layer][0]
            tops.append(below)
        out = self.decoder(torch.stack(tops))
        return F.cross_entropy(out.flatten(0, 1), y.flatten()), states


def plain(device: str, **size) -> Run:
    """An ordinary loop around `nn.LSTM`."""
    size = Size(**size)
    return ordinary(_seeded(Plain, size), size, device)


def plain_kept(device: str, **size) -> Run:
    """The same in a process that keeps the memory that a step gives back, as ours does."""
    if not keep_pages():
        raise RuntimeError("the C library has no mallopt, or the environment has its own settings")
    return plain(device, **size)


def cells(device: str, **size) -> Run:
    """An ordinary loop around `nn.LSTMCell`."""
    size = Size(**size)
    return ordinary(_seeded(Cells, size), size, device)


def compiled(device: str, **size) -> Run:
    """The loop around `nn.LSTM` with network and loss through `torch.compile`, as it comes."""
    size = Size(**size)
    return ordinary(torch.compile(_seeded(Plain, size)), size, device)


def _seeded(network: type, size: Size) -> nn.Module:
    torch.manual_seed(0)
    return network(size)


def ordinary(network: nn.Module, size: Size, device: str) -> Run:
    """Truncated BPTT of a network that returns a loss and a state, with Adam and clipping."""
    network.to(device)
    lanes, parameters = size.lanes, list(network.parameters())
    optimizer, state, count = torch.optim.Adam(parameters, lr=2e-3), None, 0

    def run(steps: int) -> None:
        nonlocal state, count
        for _ in range(steps):
            x, y = (ids.to(device) for ids in lanes.step(count % lanes.steps))
            count += 1
            loss, state = network(x, y, state)
            state = detached(state)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            loss.item()
        wait_for(device)

    return run


def detached(state):
    """A state, however nested, cut off from the steps before it."""
    return state.detach() if isinstance(state, Tensor) else tuple(detached(s) for s in state)


def numpy_rnn(**size) -> Run:
    """`charrnn.minimal` at its own settings: float64, Adagrad; its samples of 200 characters after
    every 2,500 are in it."""
    size = Size(**size)
    ids = size.lanes.ids
    text = "".join(chr(33 + i) for i in np.tile(ids, -(-200_000 // len(ids))))
    moments = minimal.train(text, size.hidden, size.seq)

    def run(steps: int) -> None:
        for _ in range(steps):
            next(moments)

    return run


def wait_for(device: str) -> None:
    """Until a GPU has done all that it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


def precisions(device: str, model: ModelConfig) -> list[str]:
    """The precisions that a device trains a network in."""
    found = []
    for name in PRECISIONS:
        try:
            found.append(choose_precision(torch.device(device), name, model))
        except ValueError:
            continue
    return found


def chosen_precision(device: str, model: ModelConfig) -> str:
    """The precision that this library takes by itself."""
    return choose_precision(torch.device(device), model=model)
