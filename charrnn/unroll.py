"""The three cells spelled out, one step at a time, and a layer run through them.

The kernels that do a whole layer at once are quicker, and all hold to these. A layer is unrolled
where a step must do what they have no way to do: look rows up, drop units out of what it hands to
the next step, or keep the gradient from going back through it.

Leading dimensions ("..." below) are several networks side by side, each with weights of its own.
"""

from __future__ import annotations

import torch
from torch import Tensor


def lstm_step(
    x_gates: Tensor, h: Tensor, c: Tensor, weight_hh: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    """One step of one LSTM layer, spelled out (Hochreiter & Schmidhuber 1997; Gers et al. 2000).

    x_gates: (B, 4H), what the input adds to the gates. h, c: (B, H). weight_hh: (4H, H).
    bias: (4H,), the sum of torch's two. Returns the new h and c, each (B, H).
    """
    write, keep, content, show = (x_gates + h @ weight_hh.mT + bias).chunk(4, dim=-1)  # i f g o
    kept = torch.sigmoid(keep) * c  # how much of each memory stays
    written = torch.sigmoid(write) * torch.tanh(content)  # what is added to it
    c = kept + written
    return torch.sigmoid(show) * torch.tanh(c), c  # how much of it is shown


def gru_step(x_gates: Tensor, h: Tensor, weight_hh: Tensor, bias: Tensor) -> Tensor:
    """One step of one GRU layer (Cho et al. 2014, in torch's form: r applies after the product).

    x_gates: (B, 3H) with the input's bias inside; bias: (3H,), the recurrent one. Returns (B, H).
    """
    x_r, x_z, x_n = x_gates.chunk(3, dim=-1)
    h_r, h_z, h_n = (h @ weight_hh.mT + bias).chunk(3, dim=-1)
    reset, keep = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
    return keep * h + (1 - keep) * torch.tanh(x_n + reset * h_n)


def rnn_step(x_gates: Tensor, h: Tensor, weight_hh: Tensor, bias: Tensor) -> Tensor:
    """One step of one plain tanh layer (Elman 1990): h = tanh(W_xh x + W_hh h + b), (B, H)."""
    return torch.tanh(x_gates + h @ weight_hh.mT + bias)


STEPS = {"lstm": lstm_step, "gru": gru_step, "rnn": rnn_step}


def unroll(
    cell: str,
    gates: Tensor,
    state: tuple[Tensor, ...],
    weight_hh: Tensor,
    bias: Tensor,
    kept: Tensor | None = None,
    scale: float = 1.0,
    recurrent: bool = False,
    detach: bool = False,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One layer over T steps: what it hands upwards, (T, ..., B, H), and its state after the last.

    gates: (T, ..., B, parts * H), what the input adds to them, the input's bias inside. state:
    (h, c) for the LSTM, (h,) else, each (..., B, H). weight_hh: (..., parts * H, H). bias: the
    recurrent one, (parts * H,), or (..., 1, parts * H) where each network has its own.
    kept: bool (T, ..., B, H), the units that dropout lets through; they are multiplied by `scale`,
    1 / (1 - p). None: no dropout. Whichever it is, what is handed upwards is dropped out.
    recurrent: dropout multiplies h itself, so the next step reads the dropped h too, and the state
    that is returned holds it; else both have the h before dropout.
    detach: the h that a step reads carries no gradient to the step before; an LSTM's c does.
    """
    step, shown = STEPS[cell], []
    factors = None if kept is None else kept.to(state[0].dtype) * scale
    for t, x in enumerate(gates):
        h, *memory = state
        state = step(x, h.detach() if detach else h, *memory, weight_hh, bias)
        state = state if isinstance(state, tuple) else (state,)
        if factors is not None and recurrent:
            state = (state[0] * factors[t], *state[1:])
        shown.append(state[0])
    above = torch.stack(shown)
    return above if factors is None or recurrent else above * factors, state
