"""How long a network remembers: by its gates, and by what its guesses depend on.

The statistics of gates follow Karpathy, Johnson & Fei-Fei 2015 (arXiv 1506.02078): a gate is
left-saturated below 0.1 and right-saturated above 0.9. The dependence on earlier characters is a
gradient, as in the connectivity of Madsen 2019 (Distill).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from charrnn.model import CharRNN
from charrnn.probe.inside import GATES, gates, look_inside

LEFT, RIGHT = 0.1, 0.9
LANES = 32
"""Guesses whose gradients are computed side by side."""
KEEPS = {"lstm": "forget", "gru": "update"}
"""The gate that multiplies what was in memory."""


@dataclass(frozen=True)
class Memory:
    """What the gates of a network do over a text, by unit; units counted through all layers."""

    half_life: np.ndarray
    """(L H,) float: characters until half of what a unit holds is gone, the median over moments of
    the text. What lasts beyond the stretch that was read counts as that long."""
    longest: int
    """Characters that could be followed."""
    left: dict[str, np.ndarray]
    """Gate to (L H,): the share of time below 0.1."""
    right: dict[str, np.ndarray]
    """Gate to (L H,): the share of time above 0.9."""


def remembering(model: CharRNN, ids: np.ndarray, lanes: int = 8, warmup: int = 200) -> Memory:
    """Gates over ids (n,), read as `lanes` stretches side by side after a run-up.

    ValueError for a plain RNN, which has no gates, and for a text that is too short.
    """
    keep = KEEPS.get(model.config.cell)
    if keep is None:
        raise ValueError("a plain rnn has no gates; ask an lstm or a gru")
    width = len(ids) // lanes
    if width < 2 * warmup:
        raise ValueError(
            f"the text has {len(ids):,} characters; {lanes} stretches need at least "
            f"{2 * warmup * lanes:,}"
        )
    folded = np.asarray(ids[: lanes * width]).reshape(lanes, width).T.astype(np.int64)
    inside = look_inside(model, torch.from_numpy(folded).to(model.device))
    life, left = [], {g: [] for g in GATES[model.config.cell]}
    right = {g: [] for g in left}
    for layer in range(model.config.layers):
        found = {
            g: v[warmup:].float().cpu().numpy() for g, v in gates(model, inside, layer).items()
        }
        life.append(half_lives(found[keep]))
        for name, values in found.items():
            left[name].append((values < LEFT).mean(axis=(0, 1)))
            right[name].append((values > RIGHT).mean(axis=(0, 1)))
    return Memory(
        half_life=np.concatenate(life),
        longest=(width - warmup) // 2,
        left={g: np.concatenate(v) for g, v in left.items()},
        right={g: np.concatenate(v) for g, v in right.items()},
    )


def half_lives(keeps: np.ndarray) -> np.ndarray:
    """Median characters until the product of the gates falls to a half: keeps (T, B, H) to (H,).

    Counted from every moment of the first half of the stretch; what never falls that far within T/2
    counts as T/2. Between two characters it is interpolated, as if the gate closed evenly.
    """
    steps, lanes, hidden = keeps.shape
    longest = steps // 2
    found = np.empty(hidden)
    for unit in range(hidden):
        lost = -np.log(np.maximum(keeps[:, :, unit].astype(np.float64), 1e-30)).cumsum(axis=0)
        lost = np.concatenate([np.zeros((1, lanes)), lost])
        found[unit] = np.median([_waits(lane, longest) for lane in lost.T])
    return found


def _waits(lost: np.ndarray, longest: int) -> np.ndarray:
    """(longest,) how long after each moment `lost` (T + 1,), which never falls, is ln 2 higher."""
    moments = np.arange(longest)
    goal = lost[:longest] + np.log(2)
    after = np.searchsorted(lost, goal)  # the first that has lost as much
    there = after < len(lost)
    at = np.minimum(after, len(lost) - 1)
    step = lost[at] - lost[at - 1]
    part = np.divide(lost[at] - goal, step, out=np.zeros(longest), where=step > 0)
    return np.where(there, np.minimum(at - part - moments, longest), longest)


def connectivity(model: CharRNN, ids: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """How much each guess depends on each earlier character: (len(targets), T), 0 from a target on.

    ids (T,): a text. targets: which of its characters were guessed, each at least 1. An entry is
    the Euclidean norm of the gradient of ln p(the character that came) by the 1-of-k vector of an
    earlier one. Raises ValueError on a target outside 1 to T - 1.
    """
    ids, targets = np.asarray(ids, dtype=np.int64), np.asarray(targets, dtype=np.int64)
    if len(targets) and not (targets.min() >= 1 and targets.max() < len(ids)):
        raise ValueError(
            f"targets are {targets.min()} to {targets.max()}; they must be 1 to {len(ids) - 1}"
        )
    found = np.zeros((len(targets), len(ids)))
    for start in range(0, len(targets), LANES):
        some = targets[start : start + LANES]
        longest = int(some.max())
        texts = np.repeat(ids[None, : longest + 1], len(some), axis=0)
        back = _gradients(model, texts, some)  # (lanes, longest)
        found[start : start + LANES, :longest] = back * (np.arange(longest) < some[:, None])
    return found


def looked_back(model: CharRNN, texts: np.ndarray) -> np.ndarray:
    """How much the last symbol's guess depends on each before it: texts (S, T) ids to (S, T - 1).

    As `connectivity`, for many texts of one length.
    """
    last = np.full(LANES, texts.shape[1] - 1)
    parts = [texts[i : i + LANES].astype(np.int64) for i in range(0, len(texts), LANES)]
    return np.concatenate([_gradients(model, part, last[: len(part)]) for part in parts])


def _gradients(model: CharRNN, texts: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Norms of the gradients of ln p(texts[s, targets[s]]), (S, T - 1)."""
    if model.config.restart is not None:
        raise ValueError("the network starts afresh at a symbol; ask one that never forgets")
    read = torch.from_numpy(texts[:, :-1].T.copy()).to(model.device)
    x = F.one_hot(read, model.config.vocab_size).to(model.decoder.weight.dtype).requires_grad_()
    with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):  # it refuses in eval mode
        h = x
        for rnn in model.rnn:
            h, _ = rnn(h)
        lanes = np.arange(len(texts))
        log_p = torch.log_softmax(model.decoder(h[targets - 1, lanes]), dim=-1)
        (grad,) = torch.autograd.grad(log_p[lanes, texts[lanes, targets]].sum(), x)
    return grad.norm(dim=-1).detach().cpu().numpy().T
