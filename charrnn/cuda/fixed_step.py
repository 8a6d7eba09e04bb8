"""A training step as one function on buffers that stay where they are.

What a step does on the device (columns of the text, forward, loss, backward, clipping, update,
carried state) is `FixedStep.compute`, which asks the device for nothing: so it can be recorded
(`charrnn.cuda.captured`). The host says which step it is and at which rate, in two numbers that
lie on the device.

The lanes and the 1-of-k inputs can be filled up with zeros to sizes that suit the hardware. The
lanes that are added read nothing, reach no loss and get no gradient.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.batches import LanesOnDevice
from charrnn.cuda.graphs import warn
from charrnn.devices import PRECISIONS
from charrnn.model import State
from charrnn.optimize import finite_lanes, learning_rate, update

if TYPE_CHECKING:
    from charrnn.train import Training


class FixedStep:
    """A step of truncated BPTT on buffers that stay in place, over the lanes a device holds.

    A call does what an ordinary step does and leaves the training as that would, so the two can
    take turns. `launch` is the device's part: `compute` itself, or its recording.
    """

    def __init__(
        self, training: Training, data: LanesOnDevice, lanes: int = 0, symbols: int = 0
    ) -> None:
        """lanes, symbols: sizes to compute with, at least B and V (left out: those)."""
        model, device = training.model, training.device
        self.training, self.columns, self.seq = training, data.columns, data.seq
        self.batch = data.columns.shape[1]
        self.extra = (lanes or self.batch) - self.batch
        self.state = model.zero_state(self.batch + self.extra)  # (L, lanes, H) each
        self.shown = tuple(s[:, : self.batch] for s in self.state)
        self.place = torch.zeros((), dtype=torch.int64, device=device)
        self.rate = torch.zeros((), device=device)
        self.window = torch.arange(self.seq + 1, device=device)
        self.alphabet = torch.arange(symbols or model.config.vocab_size, device=device)
        self.launch = self.compute
        self.recorded: list[int] | None = None
        """The addresses that a recording knows."""

    def __call__(self) -> None:
        """One step: tell the device, launch, count. Waits for nothing on the device."""
        began = time.perf_counter()
        training, progress = self.training, self.training.progress
        training.model.train()
        self._tell()
        self._check()
        self.launch()
        training.state = self.shown
        progress.step += 1
        progress.meter_steps += 1
        elapsed = time.perf_counter() - began
        progress.seconds += elapsed
        progress.meter_seconds += elapsed

    def _tell(self) -> None:
        """What the host knows of the next step: its place in the text, rate and entering state."""
        training, config = self.training, self.training.config
        step, epoch = training.progress.step, training.steps_per_epoch
        if step % epoch == 0:
            training.state = None
        if training.state is not self.shown:
            self._enter(training.state)
        rate = learning_rate(config, step, step / epoch, training.done)
        for group in training.optimizer.param_groups:
            group["lr"] = rate
        self.rate.fill_(rate)
        self.place.fill_(step % epoch)

    def _enter(self, state: State | None) -> None:
        """Take over a state (L, B, H) from elsewhere; None: zeros."""
        for i, kept in enumerate(self.state):
            kept.zero_()
            if state is not None:
                self.shown[i].copy_(state[i])

    def _check(self) -> None:
        """Compute anew what can no longer be launched as it was recorded."""
        if self.recorded is not None and self.recorded != addresses(self.training):
            self.launch, self.recorded = self.compute, None
            warn("training goes on", RuntimeError("its weights have moved"))

    def compute(self) -> None:
        """All that a step does on the device."""
        training, scaler = self.training, self.training.scaler
        loss, state = self._loss(*self._text())
        training.optimizer.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()
        left_out = update(training.model, training.optimizer, scaler, training.config)
        training.count(left_out)
        training.meter += loss.detach()
        after = finite_lanes(tuple(new.detach() for new in state))
        for kept, new in zip(self.state, after, strict=True):
            kept.copy_(new)  # only now: the gradient needs the state that was entered with

    def _text(self) -> tuple[Tensor, Tensor]:
        """Inputs and targets of the step at `place`, each int64 (T, B)."""
        both = self.columns.index_select(0, self.place * self.seq + self.window).long()
        return both[:-1], both[1:]

    def _loss(self, ids: Tensor, targets: Tensor) -> tuple[Tensor, State]:
        """Mean cross-entropy of a step in nats per character, and the state after it.

        On CUDA the log-softmax reads fp16 logits as they are and computes in float32: no float32
        copy of them is written. Autocast keeps no casts; one that it kept would stay that of the
        weights as they were recorded.
        """
        training, dtype = self.training, PRECISIONS[self.training.precision]
        on, kind = dtype is not None, training.device.type
        with torch.autocast(kind, dtype=dtype, enabled=on, cache_enabled=False):
            logits, state = self._forward(ids)
            logs = F.log_softmax(logits, dim=-1, dtype=torch.float32)  # (T, B, V)
        return F.nll_loss(logs.flatten(0, 1), targets.flatten()), state

    def _forward(self, ids: Tensor) -> tuple[Tensor, State]:
        """`CharRNN.forward` in the sizes at hand: logits (T, B, V) of the lanes that there are."""
        model, after = self.training.model, []
        x = (ids[..., None] == self.alphabet).to(model.decoder.weight.dtype)
        for layer in range(model.config.layers):
            entering = tuple(s[layer : layer + 1] for s in self.state)
            if model.config.unrolls:
                x, left = self._unrolled(layer, x, entering)
            else:
                x, left = self._layer(layer, self._fill_up(x), entering)
                x = self._drop(x[:, : self.batch] if self.extra else x)
            after.append(left)
        return model.decoder(x), tuple(torch.cat(parts) for parts in zip(*after, strict=True))

    def _fill_up(self, x: Tensor) -> Tensor:
        """Lanes of zeros behind those that there are: (T, B, n) to (T, lanes, n)."""
        return F.pad(x, (0, 0, 0, self.extra)) if self.extra else x

    def _layer(self, layer: int, x: Tensor, entering: State) -> tuple[Tensor, State]:
        """A layer through cuDNN: x (T, lanes, n) to hidden states (T, lanes, H)."""
        rnn = self.training.model.rnn[layer]
        missing = x.shape[-1] - rnn.input_size
        if missing:  # of an LSTM's 1-of-k input
            w_ih, *others = rnn.all_weights[0]
            weights = [F.pad(w_ih, (0, missing)), *others]
            x, *left = torch.lstm(x, entering, weights, True, 1, 0.0, True, False, False)
            return x, tuple(left)
        x, left = rnn(x, entering if len(entering) == 2 else entering[0])
        return x, left if isinstance(left, tuple) else (left,)

    def _unrolled(self, layer: int, x: Tensor, entering: State) -> tuple[Tensor, State]:
        """A layer step by step, dropout included; nothing is filled up then."""
        model, weights = self.training.model, self.training.model.rnn[layer]
        kept = self._kept((*x.shape[:2], model.config.hidden))
        gates = F.linear(x, weights.weight_ih_l0, weights.bias_ih_l0)
        return model.unrolled(layer, gates, entering, kept)

    def _drop(self, x: Tensor) -> Tensor:
        """Dropout of the lanes that there are."""
        kept, p = self._kept(x.shape), self.training.model.config.dropout
        return x if kept is None else x * (kept.to(x.dtype) / (1 - p))

    def _kept(self, shape: Sequence[int]) -> Tensor | None:
        """The masks that `CharRNN` draws, bool (T, B, H); None without dropout."""
        training, p = self.training, self.training.model.config.dropout
        if p == 0:
            return None
        return torch.rand(shape, generator=training.generator, device=training.device) >= p


def written(training: Training) -> list[Tensor]:
    """Every tensor that a step writes but the carried state."""
    memories = [t for memory in training.optimizer.state.values() for t in memory.values()]
    return [*training.model.parameters(), *memories, training.meter, training.left_out]


def addresses(training: Training) -> list[int]:
    """Where the tensors are that a step writes."""
    return [t.data_ptr() for t in written(training)]
