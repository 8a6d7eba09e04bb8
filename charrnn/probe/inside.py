"""The network with nothing thrown away: every state and every gate, at every step.

The fused kernels that training uses return a layer's hidden states and only the last of its
memories, so here the steps of `charrnn.model` are taken one by one; the gates, which those do not
return either, are computed afterwards from what entered each step, for all steps at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.model import STEPS, CharRNN, State, input_gates

GATES = {"lstm": ("input", "forget", "output"), "gru": ("reset", "update"), "rnn": ()}
"""The logistic gates of each cell, by the names of the literature."""


@dataclass(frozen=True)
class Inside:
    """What happened in a network while it read ids (T, B)."""

    h: list[Tensor]
    """Hidden states of each layer, (T, B, H)."""
    c: list[Tensor]
    """Memories of each LSTM layer, (T, B, H); empty for other cells."""
    entering: list[tuple[Tensor, Tensor]]
    """Of each layer: what its input adds to the gates (T, B, P H), and the h before the step."""
    logits: Tensor
    """(T, B, V)"""
    state: State
    """As `CharRNN.forward` returns it."""


@torch.no_grad()
def look_inside(model: CharRNN, ids: Tensor, state: State | None = None) -> Inside:
    """Read ids (T, B) from a state (None: zeros) and keep all there is to see; nothing is dropped
    out, in training mode either."""
    state = model.zero_state(ids.shape[1]) if state is None else state
    kept = _kept(model, ids)
    x, layers = ids, []
    for n, weights in enumerate(model.rnn):
        read = input_gates(x, weights.weight_ih_l0) if n == 0 else x @ weights.weight_ih_l0.t()
        layers.append(_layer(model, n, read + weights.bias_ih_l0, [s[n] for s in state], kept))
        x = layers[-1][0][0]  # h (T, B, H)
    sequences, before = zip(*layers, strict=True)
    reads = [(read, h) for read, h in before]
    left = tuple(torch.stack([s[part][-1] for s in sequences]) for part in range(len(state)))
    cells = [s[1] for s in sequences] if model.config.cell == "lstm" else []
    return Inside([s[0] for s in sequences], cells, reads, model.decoder(x), left)


def _kept(model: CharRNN, ids: Tensor) -> Tensor | None:
    """Where the state lives on, (T, B, 1): 0 at the symbol that empties it; None: everywhere."""
    restart = model.config.restart
    if restart is None:
        return None
    return (ids != restart)[..., None].to(model.decoder.weight.dtype)


def _layer(
    model: CharRNN, n: int, read: Tensor, state: list[Tensor], kept: Tensor | None
) -> tuple[list[Tensor], tuple[Tensor, Tensor]]:
    """One layer, step by step: its state sequences (T, B, H), and what entered each step."""
    weights, step = model.rnn[n], STEPS[model.config.cell]
    steps, before = [], []
    for t, x in enumerate(read):
        if kept is not None:
            state = [s * kept[t] for s in state]
        before.append(state[0])
        after = step(x, *state, weights.weight_hh_l0, weights.bias_hh_l0)
        state = list(after) if isinstance(after, tuple) else [after]
        steps.append(state)
    sequences = [torch.stack(part) for part in zip(*steps, strict=True)]
    return sequences, (read, torch.stack(before))


@torch.no_grad()
def gates(model: CharRNN, inside: Inside, layer: int) -> dict[str, Tensor]:
    """The logistic gates of a layer by name, each (T, B, H) in [0, 1]; none for a plain RNN."""
    read, h = inside.entering[layer]
    weights, hidden = model.rnn[layer], model.config.hidden
    recurrent = F.linear(h, weights.weight_hh_l0, weights.bias_hh_l0)
    total = (read + recurrent).split(hidden, dim=-1)
    places = {"lstm": (0, 1, 3), "gru": (0, 1), "rnn": ()}[model.config.cell]
    names = GATES[model.config.cell]
    return {name: torch.sigmoid(total[i]) for name, i in zip(names, places, strict=True)}
