"""LSTM layers on a CPU with their products in 16-bit fixed point.

An x86 processor multiplies and adds sixteen pairs of 16-bit integers (`vpmaddwd`) where it does
eight of floats; with the addition that this takes, a Zen 3 core does 1.6 times as many a second. So
the two sides of every product of a layer, forward and backward, are rounded to multiples of shared
scales, and multiplied and summed exactly (Das et al. 2018, arXiv:1802.00930); gates, cell state,
scales and the sums of blocks stay float32, and so do the weights that the optimizer sees.
`native/lstm.c` has the arithmetic, and says why no sum can overflow.

`layers` is called by `CharRNN` while `switched_on` is open (see `devices.arithmetic`). Lanes do not
meet in a recurrence, so each thread takes some of them through all steps; rows of the weights'
gradients are shared out likewise. The result is the same, bit for bit, with any number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn

from charrnn import native
from charrnn.native.fixed_point_kernel import UNITS, Layer, give_back, pack_down, pack_up, take

NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
_on: ContextVar[bool] = ContextVar("fixed_point", default=False)


@contextmanager
def switched_on() -> Iterator[None]:
    """While it is open, `CharRNN` runs its layers here."""
    token = _on.set(True)
    try:
        yield
    finally:
        _on.reset(token)


def is_on() -> bool:
    return _on.get()


def why_not(cell: str, hidden: int) -> str | None:
    """Why layers of this kind cannot run here, in one line; None where they can."""
    if cell != "lstm":
        return f"it is for lstm cells, not {cell}"
    if hidden % UNITS:
        return f"it needs a hidden size that is a multiple of {UNITS}, not {hidden}"
    return native.why_not("lstm")


def layers(
    weights: Sequence[nn.LSTM],
    ids: Tensor,
    state: tuple[Tensor, Tensor],
    kept: Sequence[Tensor | None],
    factor: float,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """A stack of LSTM layers: output of the last, and the state after the last step.

    ids: (T, B) int64. state: h within [-1, 1], and c, each (L, B, H). kept: for each layer the
    (T, B, H) bool mask of the units that dropout lets through on their way up, or None; what goes
    through is multiplied by `factor`. Returns (T, B, H) and the new (h, c).
    """
    flat = [getattr(w, name) for w in weights for name in NAMES]
    y, h, c = _Stack.apply(ids, *state, kept, factor, *flat)
    return y, (h, c)


class _Stack(torch.autograd.Function):
    """All layers of a pass, forward and backward; nothing is kept between two passes."""

    @staticmethod
    def forward(ctx, ids, h, c, kept, factor, *flat):
        ids = _checked(ids, flat[0].shape[1])
        h = h.clone(memory_format=torch.contiguous_format)
        (steps, lanes), (n, _, hidden) = ids.shape, h.shape
        stack = [take(steps, lanes, hidden, hidden * (2 if i else 1)) for i in range(n)]
        y = torch.empty(steps, lanes, hidden)
        factors = [1.0 if mask is None else factor for mask in kept]
        for i, layer in enumerate(stack):
            _prepare(layer, None if i else ids, factors[i - 1], *flat[4 * i : 4 * i + 4])
            layer.c[0], layer.h, layer.kept = c[i], h[i], kept[i]
            out = {"y": y, "factor": factors[i]}
            if i + 1 < n:
                out = {"z_above": stack[i + 1].z, "width_above": stack[i + 1].z.shape[2]}
            layer.call("forward", lanes, **out)
        ctx.stack, ctx.factor, ctx.symbols = stack, factors[-1], flat[0].shape[1]
        return y, h, torch.stack([layer.c[steps] for layer in stack])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dy, dh, dc):
        stack, ctx.stack = ctx.stack, None
        if stack is None:
            raise RuntimeError("a fixed-point pass can be gone back through once; run it again")
        dy = dy.contiguous()
        dh, dc = (d.clone(memory_format=torch.contiguous_format) for d in (dh, dc))
        above, found = {"dy": dy, "y": dy, "factor": ctx.factor}, []
        for i, layer in reversed(list(enumerate(stack))):
            layer.dh, layer.dc = dh[i], dc[i]
            layer.call("backward", dy.shape[1], **above)
            found = [*_gradients(layer, i, ctx.symbols), *found]
            above = {"dy": layer.dx} if i else {}
        give_back(stack)
        return None, dh, dc, None, None, *found


def _checked(ids: Tensor, symbols: int) -> Tensor:
    """ids, which the compiled loops use as they are; IndexError where one is no symbol's."""
    low, high = ids.aminmax()
    if low < 0 or high >= symbols:
        raise IndexError(f"ids are {low} to {high}; they must be 0 to {symbols - 1}")
    return ids.contiguous()


def _prepare(layer: Layer, ids, factor, weight_ih, weight_hh, bias_ih, bias_hh) -> None:
    """The weights of a layer as the products want them; `factor` multiplies its input."""
    layer.ids, layer.input_factor = ids, factor
    layer.base, joined = (bias_ih + bias_hh)[None], weight_hh.contiguous()  # (1, 4H), (4H, H)
    if ids is None:
        joined = torch.cat((weight_ih * factor, weight_hh), dim=1)  # (4H, 2H)
    else:
        layer.base = (weight_ih.t() + layer.base).contiguous()  # (V, 4H)
    layer.up, layer.up_scale = pack_up(joined)
    layer.down, layer.down_scale = pack_down(joined)


def _gradients(layer: Layer, index: int, symbols: int) -> tuple[Tensor, ...]:
    """Of a layer's two weights and two biases, once `backward` has been through it."""
    rows, hidden = layer.gates.shape[2], layer.c.shape[2]
    dw_ih = torch.zeros((rows, hidden) if index else (symbols, rows))
    dw_hh, dbias = torch.zeros(rows, hidden), torch.zeros(rows)
    more = {"dw_ih": dw_ih, "dw_hh": dw_hh, "dbias": dbias, "input_factor": layer.input_factor}
    layer.call("weight_gradients", rows, UNITS, **more)
    return dw_ih if index else dw_ih.t(), dw_hh, dbias, dbias.clone()
