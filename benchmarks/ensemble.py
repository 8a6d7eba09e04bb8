"""Networks of one shape trained side by side: every product of a step is one batched product.

M LSTM networks read the same text in the same lanes; each has its own weights and its own learning
rate, and its own dropout masks unless some are to share theirs. A small network leaves a GPU idle,
and twenty of them take hardly longer than one. The arithmetic is that of `charrnn.train` with
RMSProp, in float32: a test holds the two together, step by step.

Two switches belong to the whole ensemble, as they change what a step computes: whether dropout
multiplies h itself (`ModelConfig.recurrent_dropout`) and whether the top layer's h carries no
gradient from a step to the one before (`ModelConfig.detach_top_h`).

Shapes: M networks, B lanes, T time steps, H units, V symbols. A layer's backward pass is written
out (`Layer`), so that a step of it is one product and one elementwise kernel on a GPU; there a step
of training is recorded as a CUDA graph as well (`charrnn.cuda.graphs`).
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.cuda.graphs import record, warn
from charrnn.model import CharRNN

EPSILON = 1e-8
"""RMSProp's, as torch has it."""


@dataclass(frozen=True)
class Pointwise:
    """What an LSTM step does beside its product, forwards and backwards."""

    forward: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
    """(input gates, recurrent gates, c) to (h, c, what the way back needs)."""
    backward: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
    """(dh, dc, c before, c, what was kept) to the gradients of (gates, c before)."""


def _spelled_forward(x: Tensor, hidden: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    write, keep, content, show = (x + hidden).chunk(4, dim=-1)  # i f g o
    gates = write.sigmoid(), keep.sigmoid(), content.tanh(), show.sigmoid()
    c = gates[1] * c + gates[0] * gates[2]
    return gates[3] * c.tanh(), c, torch.cat(gates, dim=-1)


def _spelled_backward(dh: Tensor, dc: Tensor, before: Tensor, c: Tensor, gates: Tensor):
    i, f, g, o = gates.chunk(4, dim=-1)
    shown = c.tanh()
    dc = dc + dh * o * (1 - shown * shown)
    parts = (dc * g * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - g * g),
             dh * shown * o * (1 - o))  # fmt: skip
    return torch.cat(parts, dim=-1), dc * f


def _fused_forward(x: Tensor, hidden: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    flat = (part.flatten(0, 1) for part in (x, hidden, c))
    h, new, kept = torch.ops.aten._thnn_fused_lstm_cell(*flat)
    return h.view_as(c), new.view_as(c), kept


def _fused_backward(dh: Tensor, dc: Tensor, before: Tensor, c: Tensor, kept: Tensor):
    flat = (part.flatten(0, 1) for part in (dh, dc, before, c))
    gates, dc, _ = torch.ops.aten._thnn_fused_lstm_cell_backward_impl(*flat, kept, False)
    return gates.view(*c.shape[:-1], -1), dc.view_as(c)


SPELLED = Pointwise(_spelled_forward, _spelled_backward)
FUSED = Pointwise(_fused_forward, _fused_backward)


def choose_pointwise(device: torch.device) -> Pointwise:
    """Torch's own elementwise kernels of an LSTM on CUDA, where they give what the spelled-out
    formulas give (else a warning); the formulas elsewhere."""
    if device.type != "cuda":
        return SPELLED
    try:
        _compare(FUSED, device)
    except Exception as error:  # an operator that is gone, refuses its arguments or differs
        why = next(iter(str(error).splitlines()), type(error).__name__)
        warnings.warn(f"the ensemble's steps are spelled out, more slowly ({why})", stacklevel=2)
        return SPELLED
    return FUSED


def _compare(pointwise: Pointwise, device: torch.device) -> None:
    """ValueError where a step's values or gradients are not those of `SPELLED`."""
    generator = torch.Generator().manual_seed(0)
    x, hidden = torch.randn((2, 2, 3, 20), generator=generator).to(device)
    c, dh, dc = torch.randn((3, 2, 3, 5), generator=generator).to(device)
    found = []
    for way in (pointwise, SPELLED):
        h, new, kept = way.forward(x, hidden, c)
        found.append((h, new, *way.backward(dh, dc, c, new, kept)))
    for got, wanted in zip(*found, strict=True):
        if got.shape != wanted.shape or not torch.allclose(got, wanted, atol=1e-5):
            raise ValueError("torch's fused LSTM kernels give other numbers here")


class Layer(torch.autograd.Function):
    """One LSTM layer of M networks over T steps, with `charrnn.unroll`'s two switches.

    gates: (M, T, B, 4H), what the input adds to them. bias: (M, 4H), all of it. h, c: (M, B, H).
    weight: (M, 4H, H). factors: (T, M, B, H), what dropout multiplies h by, or None. recurrent,
    detach: as in `charrnn.unroll.unroll`. Gives what goes up, (M, T, B, H), and h and c after the
    last step, which carry no gradient; nor do the entering ones, as BPTT is truncated here.
    """

    @staticmethod
    def forward(ctx, gates, bias, h, c, weight, factors, recurrent, detach, pointwise):
        x = gates.new_empty((gates.shape[1], gates.shape[0], *gates.shape[2:]))
        torch.add(gates.transpose(0, 1), bias[:, None], out=x)  # (T, M, B, 4H), each step whole
        hs, cs, kept, turned = [h], [c], [], weight.mT
        for t, x_t in enumerate(x):
            h, c, work = pointwise.forward(x_t, torch.bmm(h, turned), c)
            if recurrent and factors is not None:
                h = h * factors[t]
            hs.append(h)
            cs.append(c)
            kept.append(work)
        ctx.save_for_backward(weight, factors, *hs[:-1], *cs, *kept)
        ctx.settings = len(x), recurrent, detach, pointwise
        ctx.mark_non_differentiable(h, c)
        up = torch.stack(hs[1:], dim=1)
        if factors is not None and not recurrent:
            up = up * factors.transpose(0, 1)
        return up, h, c

    @staticmethod
    def backward(ctx, up, _h, _c):
        steps, recurrent, detach, pointwise = ctx.settings
        weight, factors, *saved = ctx.saved_tensors
        hs, cs, kept = saved[:steps], saved[steps : 2 * steps + 1], saved[2 * steps + 1 :]
        above = torch.empty((steps, up.shape[0], *up.shape[2:]), dtype=up.dtype, device=up.device)
        above.copy_(up.transpose(0, 1))
        if factors is not None and not recurrent:
            above *= factors
        dc, dgates = torch.zeros_like(cs[0]), [None] * steps
        for t in reversed(range(steps)):
            dh = above[t] * factors[t] if recurrent and factors is not None else above[t]
            dgates[t], dc = pointwise.backward(dh, dc, cs[t], cs[t + 1], kept[t])
            if t and not detach:
                above[t - 1].baddbmm_(dgates[t], weight)
        dgates = torch.stack(dgates, dim=1)  # (M, T, B, 4H)
        flat = dgates.flatten(1, 2)
        dweight = torch.bmm(flat.mT, torch.stack(hs, dim=1).flatten(1, 2))
        return dgates, flat.sum(1), None, None, dweight, None, None, None, None


@dataclass(frozen=True)
class HeldOut:
    """A held-out text in lanes: `columns` int64 (N + 1, B) and `counted` float32 (N, B), N whole
    steps of T; 1 where a target counts. Every lane reads some text before its own targets first."""

    columns: Tensor
    counted: Tensor

    @property
    def targets(self) -> int:
        """How many characters are predicted and counted."""
        return int(self.counted.sum(dtype=torch.float64))


def held_out(
    ids: np.ndarray, starts: np.ndarray, width: int, end: int, seq: int, warmup: int = 128
) -> HeldOut:
    """Targets ids[start : start + width] of each lane (those before `end`), each counted once.

    ids: one-dimensional. starts: (B,), where each lane's targets begin. A lane's state is built up
    from the `warmup` characters before them (fewer where the first lane has fewer).
    """
    warmup = min(warmup, int(starts.min()) - 1)
    if warmup < 0:
        raise ValueError("a held-out lane begins with the text; something must stand before it")
    steps = -(-(warmup + width) // seq) * seq
    offsets = np.arange(steps + 1)[:, None] - warmup - 1
    where = np.minimum(starts + offsets, len(ids) - 1)  # (N + 1, B)
    targets = starts + offsets[1:]
    counted = (targets >= starts) & (targets < np.minimum(starts + width, end))
    columns = torch.from_numpy(ids[where].astype(np.int64))
    return HeldOut(columns, torch.from_numpy(counted.astype(np.float32)))


class Ensemble:
    """M networks, RMSProp's memory of each, and their place in one text.

    `advance` takes steps, a `reader` reads held-out text, `network` gives one network back.
    """

    def __init__(
        self,
        models: Sequence[CharRNN],
        columns: Tensor,
        seq: int,
        rates: Sequence[float],
        clip: float,
        alpha: float = 0.95,
        seed: int = 0,
        masks: Sequence[int] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        """models: of equal `config` but for the forget gate's initial bias. columns: int64
        (steps * seq + 1, B), the text in lanes. rates: a learning rate each. clip: the largest
        absolute value of an element of the mean loss's gradient. seed: of the dropout masks.
        masks: a number each, 0 to N - 1; networks of equal numbers have the same dropout masks
        (None: each its own)."""
        self.config, self.names = models[0].config, [n for n, _ in models[0].named_parameters()]
        self.shapes = [p.shape for p in models[0].parameters()]
        _check(models, self.config)
        self.device, self.seq = torch.device(device), seq
        self.alpha, self.clip = alpha, clip
        self.columns = columns.to(self.device)
        self.steps_per_epoch = (len(columns) - 1) // seq
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.masks = torch.tensor(range(len(models)) if masks is None else masks).to(self.device)
        self.mask_sets = int(self.masks.max()) + 1
        self.pointwise = choose_pointwise(self.device)
        self._place_weights(models)
        self.state = self.zero_state(columns.shape[1])
        self.rates = torch.tensor(list(rates), dtype=self.flat.dtype, device=self.device)[:, None]
        self.place = torch.zeros((), dtype=torch.int64, device=self.device)
        self.window = torch.arange(seq + 1, device=self.device)
        self.alphabet = torch.arange(self.config.vocab_size, device=self.device)
        self.meter = torch.zeros((2, len(models)), dtype=torch.float64, device=self.device)
        """Summed since the last `read_meter`: losses, and norms before clipping."""
        self.step, self.metered = 0, 0
        self.launch = self._recorded()

    @property
    def members(self) -> int:
        return len(self.flat)

    def _place_weights(self, models: Sequence[CharRNN]) -> None:
        """All weights in one tensor (M, P), and a view of each kind of them to compute with.

        P is rounded up to four numbers, so that no network's weights begin off 16 bytes.
        """
        rows = [torch.cat([p.detach().flatten() for p in m.parameters()]) for m in models]
        self.size = len(rows[0])
        self.flat = F.pad(torch.stack(rows), (0, -self.size % 4)).to(self.device)
        self.square = torch.zeros_like(self.flat)
        ends = np.cumsum([shape.numel() for shape in self.shapes])
        self.weights = {
            name: self.flat[:, end - shape.numel() : end].unflatten(1, shape).requires_grad_()
            for name, shape, end in zip(self.names, self.shapes, ends.tolist(), strict=True)
        }

    def zero_state(self, lanes: int) -> list[tuple[Tensor, Tensor]]:
        """(h, c) of each layer, (M, B, H) each."""
        shape = (self.members, lanes, self.config.hidden)
        return [
            (self.flat.new_zeros(shape), self.flat.new_zeros(shape))
            for _ in range(self.config.layers)
        ]

    def _recorded(self) -> Callable[[], None]:
        """A step as a CUDA graph where that can be had; nothing has changed afterwards."""
        if self.device.type != "cuda":
            return self.compute
        written = [self.flat, self.square, self.place, self.meter]
        written += [part for pair in self.state for part in pair]
        before, drawn = [t.detach().clone() for t in written], self.generator.get_state()
        gc.collect()  # or an old graph might be taken apart in the midst of the recording
        try:
            return record(self.compute, self.device, self.generator)
        except Exception as error:  # of CUDA: the capture was refused
            warn("the ensemble goes on", error)
            self.generator = torch.Generator(self.device)  # the old one may still be captured
            return self.compute
        finally:
            with torch.no_grad():
                for tensor, kept in zip(written, before, strict=True):
                    tensor.copy_(kept)
            self.generator.set_state(drawn)

    def advance(self, steps: int) -> None:
        """Take steps of truncated BPTT; waits for nothing on a GPU."""
        for _ in range(steps):
            if self.step % self.steps_per_epoch == 0:
                _empty(self.state)
            self.launch()
            self.step += 1
            self.metered += 1

    def compute(self) -> None:
        """One step on the device: text, masks, losses, gradients, update, carried state."""
        self.take(*self._text(), self._factors())

    def take(self, ids: Tensor, targets: Tensor, factors: Sequence[Tensor | None]) -> None:
        """A step on ids and targets (T, B), dropout's factors (T, M, B, H) of each layer given."""
        logits, state = self.forward(ids, self.state, factors)
        losses = _nats(logits, targets).mean(dim=1)  # (M,)
        found = torch.autograd.grad(losses.sum(), list(self.weights.values()))
        with torch.no_grad():
            gradient = torch.cat([g.flatten(1) for g in found], dim=1)  # (M, P)
            self.meter += torch.stack([losses.detach(), gradient.norm(dim=1)])
            self._update(gradient.clamp_(-self.clip, self.clip))
            _carry(self.state, state)
            self.place.add_(1)

    def _update(self, gradient: Tensor) -> None:
        """RMSProp (Tieleman & Hinton 2012), as torch spells it."""
        flat, square = self.flat[:, : self.size], self.square[:, : self.size]
        square.mul_(self.alpha).addcmul_(gradient, gradient, value=1 - self.alpha)
        flat.sub_(gradient.div_(square.sqrt().add_(EPSILON)).mul_(self.rates))

    def _text(self) -> tuple[Tensor, Tensor]:
        """Inputs and targets (T, B) of the step at `place`."""
        place = self.place % self.steps_per_epoch
        both = self.columns.index_select(0, place * self.seq + self.window)
        return both[:-1], both[1:]

    def _factors(self) -> list[Tensor | None]:
        """What dropout multiplies each layer's h by, drawn anew: (T, M, B, H)."""
        if self.config.dropout == 0:
            return [None] * self.config.layers
        return [self._drawn() for _ in range(self.config.layers)]

    def _drawn(self) -> Tensor:
        shape = (self.seq, self.mask_sets, self.columns.shape[1], self.config.hidden)
        p = self.config.dropout
        kept = torch.rand(shape, generator=self.generator, device=self.device) >= p
        factors = kept.to(self.flat.dtype) / (1 - p)
        return factors if self.mask_sets == self.members else factors.index_select(1, self.masks)

    def forward(
        self, ids: Tensor, state: list[tuple[Tensor, Tensor]], factors: Sequence[Tensor | None]
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """ids (T, B) to logits (M, T * B, V), and the state after the last of them."""
        x = (ids.flatten()[:, None] == self.alphabet).to(self.flat.dtype)  # 1-of-k, (T * B, V)
        x, after, w = x.expand(self.members, -1, -1), [], self.weights
        for layer, entering in enumerate(state):
            name = f"rnn.{layer}."
            gates = torch.bmm(x, w[name + "weight_ih_l0"].mT).unflatten(1, ids.shape)
            bias = w[name + "bias_ih_l0"] + w[name + "bias_hh_l0"]
            detach = self.config.detach_top_h and layer == len(state) - 1
            up, *left = Layer.apply(
                gates, bias, *entering, w[name + "weight_hh_l0"], factors[layer],
                self.config.recurrent_dropout, detach, self.pointwise,
            )  # fmt: skip
            x = up.flatten(1, 2)
            after.append(tuple(left))
        return torch.baddbmm(w["decoder.bias"][:, None], x, w["decoder.weight"].mT), after

    def read_meter(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean loss and mean norm of the gradient before clipping since the last call, (M,) each,
        of the mean loss in nats per character. Waits for the device."""
        loss, norm = (self.meter / max(1, self.metered)).cpu().numpy()
        self.meter.zero_()
        self.metered = 0
        return loss, norm

    def reader(self, text: HeldOut) -> Reader:
        """What reads a held-out text with the weights of the moment."""
        return Reader(self, text)

    def snapshot(self, members: Sequence[int]) -> Tensor:
        """The weights of some networks as they are now, (n, P), on the CPU."""
        return self.flat[list(members)].detach().cpu()

    def network(self, row: Tensor) -> CharRNN:
        """A row of `snapshot` as a network on the CPU, in evaluation mode."""
        model = CharRNN(self.config)
        torch.nn.utils.vector_to_parameters(row[: self.size], model.parameters())
        return model.eval()


class Reader:
    """A held-out text, streamed through all networks of an ensemble: call it for their losses."""

    def __init__(self, ensemble: Ensemble, text: HeldOut) -> None:
        self.ensemble, self.targets = ensemble, text.targets
        self.columns = text.columns.to(ensemble.device)
        self.counted = text.counted.to(ensemble.device)
        self.pieces = len(text.counted) // ensemble.seq
        self.state = ensemble.zero_state(text.columns.shape[1])
        self.place = torch.zeros_like(ensemble.place)
        self.total = torch.zeros_like(ensemble.meter[0])
        self.launch = self.read_piece
        if ensemble.device.type == "cuda":
            try:
                self.launch = record(self.read_piece, ensemble.device)
            except Exception as error:  # of CUDA: the capture was refused
                warn("held-out text is read", error)

    def __call__(self) -> np.ndarray:
        """Mean nats per character of each network, (M,), over the targets that count."""
        _empty(self.state)
        self.place.zero_()
        self.total.zero_()
        for _ in range(self.pieces):
            self.launch()
        return (self.total / self.targets).cpu().numpy()

    @torch.no_grad()
    def read_piece(self) -> None:
        """Read T columns at `place`, add up the losses that count, and go on."""
        ensemble, place = self.ensemble, self.place % self.pieces
        rows = place * ensemble.seq + ensemble.window
        both = self.columns.index_select(0, rows)
        none = [None] * ensemble.config.layers
        logits, after = ensemble.forward(both[:-1], self.state, none)
        weights = self.counted.index_select(0, rows[:-1]).flatten()  # (T * B,)
        self.total.add_((_nats(logits, both[1:]) * weights).sum(dim=1))
        _carry(self.state, after)
        self.place.add_(1)


def _empty(state: list[tuple[Tensor, Tensor]]) -> None:
    """The state before any text, in place."""
    for pair in state:
        for part in pair:
            part.zero_()


def _carry(state: list[tuple[Tensor, Tensor]], after: list[tuple[Tensor, Tensor]]) -> None:
    """Take a new state over, in place."""
    for kept, new in zip(state, after, strict=True):
        for part, value in zip(kept, new, strict=True):
            part.copy_(value)


def _check(models: Sequence[CharRNN], config) -> None:
    """ValueError unless the networks can be computed side by side."""
    if config.cell != "lstm" or config.restart is not None:
        raise ValueError(f"cell is {config.cell!r}; an ensemble has LSTM networks of one stream")
    for model in models[1:]:
        same = {**model.config.to_dict(), "forget_bias": config.forget_bias}
        if same != {**config.to_dict(), "forget_bias": config.forget_bias}:
            raise ValueError("the networks of an ensemble differ in more than their forget bias")


def _nats(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of every target: logits (M, T * B, V) and targets (T, B) to (M, T * B)."""
    repeated = targets.flatten().repeat(len(logits))
    return F.cross_entropy(logits.flatten(0, 1), repeated, reduction="none").view(len(logits), -1)


def quick_products(device: torch.device) -> None:
    """Let a GPU multiply in TF32: numbers of 10 bits behind the point, summed in float32."""
    if device.type == "cuda":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.set_float32_matmul_precision("high")
