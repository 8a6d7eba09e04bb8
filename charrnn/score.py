"""How likely is this text? The loss of a model on a text, every target counted exactly once.

The text streams through the network with its state carried from the first character to the last,
so later characters are predicted from everything before them. Read that way, the loss is lower
than on crops that each start from nothing, and the two must not be compared. Nor must a static loss
and a dynamic one, of a model that goes on learning from the text.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from charrnn.adaptive import adaptive_nats
from charrnn.dynamic import dynamic_nats
from charrnn.model import CharRNN
from charrnn.ngram import Baseline
from charrnn.vocab import Vocab

LN2 = math.log(2)
LOGITS = 1 << 25
"""Logits that `stream_nats` has in memory at once, at most, in float32 128 MiB: the stretches are
shorter where more than some thousand symbols would make more of them."""


@dataclass(frozen=True)
class Score:
    """The likelihood of a text under a model."""

    nats: float
    """Total negative log-likelihood of the targets, in nats."""
    targets: int
    """Characters (or bytes, at byte level) that were predicted: all but the first."""
    n_bytes: int
    """UTF-8 bytes of those targets."""

    @property
    def nats_per_char(self) -> float:
        return self.nats / self.targets

    @property
    def bits_per_char(self) -> float:
        return self.nats_per_char / LN2

    @property
    def bits_per_byte(self) -> float:
        return self.nats / LN2 / self.n_bytes


@torch.inference_mode()
def stream_nats(
    model: CharRNN,
    ids: np.ndarray,
    lanes: int = 1,
    warmup: int = 0,
    seq: int = 256,
    precision: torch.dtype | None = None,
) -> np.ndarray:
    """Negative log-likelihood of every target ids[1:], in nats: float32 of shape (len(ids) - 1,).

    With one lane this is the exact stream. More lanes cut the text into equal stretches read side
    by side, which is many times faster; each reads `warmup` characters before its own stretch
    first, to build up its state, and those are not counted. Either way each target is counted once.
    `precision` autocasts to that dtype (None: float32). Of a network of very many symbols shorter
    stretches than `seq` are read, to bounded memory; the state is carried along, so the losses are
    the same. ValueError: fewer than two ids, no lane, no step, or a run-up below 0.
    """
    n = _targets(ids)
    if seq < 1:
        raise ValueError(f"seq is {seq}; it must be at least 1")
    starts, width = in_lanes(n, lanes, warmup)
    lanes = len(starts)
    most = max(1, LOGITS // (lanes * model.config.vocab_size))
    nats = np.zeros((lanes, width), dtype=np.float32)
    was_training, device = model.training, model.device
    model.eval()
    state = None
    run_up = warmup if lanes > 1 else 0
    for stretch in (*_cut(-run_up, 0, most), *_cut(0, width, min(seq, most))):
        columns = np.asarray(stretch)
        where = (starts[:, None] + columns).clip(0, n - 1)
        x = torch.from_numpy(ids[where].T.astype(np.int64)).to(device)
        y = torch.from_numpy(ids[where + 1].T.astype(np.int64)).to(device)
        with torch.autocast(device.type, dtype=precision, enabled=precision is not None):
            logits, state = model(x, state)
        if stretch.start < 0:
            state = tuple(blank_first_lane(s) for s in state)
            continue
        losses = F.cross_entropy(logits.float().flatten(0, 1), y.flatten(), reduction="none")
        nats[:, columns] = losses.view(x.shape).T.cpu().numpy()
    model.train(was_training)
    return nats.reshape(-1)[:n]


def _cut(begin: int, end: int, length: int) -> list[range]:
    """The columns from begin to end in stretches of a length; the last may be shorter."""
    return [range(i, min(i + length, end)) for i in range(begin, end, length)]


def _targets(ids: np.ndarray) -> int:
    """How many symbols are predicted: all but the first. ValueError where there is none."""
    if len(ids) < 2:
        raise ValueError(f"{len(ids)} characters hold nothing to predict; at least 2 are needed")
    return len(ids) - 1


def in_lanes(n: int, lanes: int, warmup: int) -> tuple[np.ndarray, int]:
    """Where equal stretches of n targets begin, and their width; fewer than `lanes` where the text
    is so short that most of the work would be run-up. ValueError: no lane, a run-up below 0."""
    if lanes < 1 or warmup < 0:
        raise ValueError(f"lanes {lanes}, warmup {warmup}; they must be at least 1 and 0")
    lanes = max(1, min(lanes, n // max(1, 2 * warmup)))
    width = -(-n // lanes)
    return np.arange(lanes) * width, width


def stepped_nats(
    stepper: Callable[[int], object], ids: np.ndarray, lanes: int = 64, warmup: int = 200
) -> np.ndarray:
    """What `stream_nats` gives, float64 of shape (len(ids) - 1,), from logits of a stepper.

    stepper: given a number of streams, a new one, as `charrnn.sample.make_stepper` makes. Here
    every lane takes one step at a time, and what follows the logits is in float64.
    """
    n, ids = _targets(ids), np.asarray(ids, dtype=np.int64)
    starts, width = in_lanes(n, lanes, warmup)
    reader, nats = stepper(len(starts)), np.zeros((len(starts), width))
    for column in range(-warmup if len(starts) > 1 else 0, width):
        where = (starts + column).clip(0, n - 1)
        logits = reader.step(ids[where])
        if column >= 0:
            nats[:, column] = _cross_entropy(logits, ids[where + 1])
        elif column == -1:
            state = reader.state()
            for part in state:
                part[:, 0] = 0  # as in `blank_first_lane`
            reader.set_state(state)
    return nats.reshape(-1)[:n]


def _cross_entropy(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """-ln p of targets (S,) by logits (S, V), in float64."""
    shifted = logits - logits.max(axis=-1, keepdims=True).astype(np.float64)
    return np.log(np.exp(shifted).sum(axis=-1)) - shifted[np.arange(len(targets)), targets]


def blank_first_lane(state: torch.Tensor) -> torch.Tensor:
    """The first lane has no text before its stretch: while the others warm up, it stays at zero."""
    state = state.clone()
    state[:, 0] = 0
    return state


def loss(model: CharRNN, ids: np.ndarray, **options) -> float:
    """Mean nats per character over every target of `ids`; options as for `stream_nats`."""
    return float(stream_nats(model, ids, **options).mean(dtype=np.float64))


def score(run, text: str | bytes, unknown: str = "error", dynamic: bool = False) -> Score:
    """How likely a model finds a text, streamed from an empty state.

    `run` is a recorded run or a training (it has `.model` and `.vocab`), or the n-gram, a
    `charrnn.ngram.Baseline`. Where the model has a `restart` symbol, that is read first, so that
    the first character counts as well. `dynamic` lets it learn from what it has scored: a network
    by `charrnn.dynamic.dynamic_nats`, the n-gram by counting on (`charrnn.adaptive`). Raises
    UnknownCharacterError on characters it never saw, unless unknown="skip".
    """
    vocab: Vocab = run.vocab
    ids = vocab.encode(text, unknown=unknown)
    counted = isinstance(run, Baseline)
    restart = run.ngram.restart if counted else run.model.config.restart
    if restart is not None:
        ids = np.concatenate([np.array([restart], ids.dtype), ids])
    nats = (_counted_nats if counted else _network_nats)(run, ids, dynamic)
    n_bytes = len(vocab.decode_bytes(ids[1:]))
    return Score(float(nats.sum(dtype=np.float64)), len(nats), n_bytes)


def _network_nats(run, ids: np.ndarray, dynamic: bool) -> np.ndarray:
    return dynamic_nats(run.model, ids) if dynamic else stream_nats(run.model, ids)


def _counted_nats(baseline: Baseline, ids: np.ndarray, dynamic: bool) -> np.ndarray:
    ngram = baseline.ngram
    if not dynamic:
        return ngram.nats(ids)
    return adaptive_nats(baseline.train, ids, ngram.vocab_size, ngram.order, ngram.restart)
