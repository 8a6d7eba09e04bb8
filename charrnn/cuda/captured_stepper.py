"""Text from a model on a GPU, a block of characters at a time, each block one CUDA graph.

Character by character, Python and the way to the host and back take many times what the network
takes. Here step, draw and the feedback of the drawn symbol stay on the device for a whole block,
recorded once and launched as one. The numbers that are drawn with come from the host, the same that
`charrnn.sample.uniform_stream` gives a model on the CPU, and the symbols are chosen by the rule of
`charrnn.sample.pick`; so the same seed gives the same text, but for float32 sums that are taken in
another order.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

import numpy as np
import torch
from torch import Tensor

from charrnn.cuda.graphs import record, warn
from charrnn.model import CharRNN, State

BLOCK = 32
"""Characters a block: about a millisecond's worth, so that a text that is watched flows."""
WORTH = 4 * BLOCK
"""Characters from which a recording pays."""
MOST_SYMBOLS = 2048
"""V up to which the 1-of-k vectors of all symbols are kept, V x V numbers."""
LEAST_TEMPERATURE = 1e-200
"""Below, a logit divided by it may not be a number in float64 any more."""
CELLS = {"lstm": torch.lstm_cell, "gru": torch.gru_cell, "rnn": torch.rnn_tanh_cell}


def blocks_for(model: CharRNN, settings, streams: int) -> BlockStepper | None:
    """A recorded `BlockStepper`; None where the model is not on CUDA, where one does not pay, and,
    with a warning, where the recording fails. `settings`: a `charrnn.sample.Sampling`."""
    if model.device.type != "cuda" or not pays(model, settings):
        return None
    stepper = BlockStepper(model, settings, streams)
    try:
        stepper.launch = record(stepper.compute, model.device)
    except Exception as error:  # whatever it is, the ordinary way is still there
        warn("sampling goes on", error)
        return None
    stepper.reset()
    return stepper


def pays(model: CharRNN, settings) -> bool:
    """Whether blocks can draw with these settings, and a text is long enough for a recording."""
    cold = 0 < settings.temperature < LEAST_TEMPERATURE
    small = model.config.vocab_size <= MOST_SYMBOLS
    on_the_cpu = settings.portable or settings.held
    return settings.length >= WORTH and small and not cold and not on_the_cpu


class BlockStepper:
    """S streams of a model, advanced and drawn from `block` symbols at a time where the model is.

    `launch` is the device's part of a block: `compute` itself, or its recording.
    """

    def __init__(self, model: CharRNN, settings, streams: int = 1, block: int = BLOCK) -> None:
        self.model, self.settings, self.block = model.eval(), settings, block
        config, device = model.config, model.device
        self.symbols = torch.eye(config.vocab_size, device=device)
        self.temperature = torch.full((1, 1), settings.temperature, dtype=torch.float64).to(device)
        self.ids = torch.zeros(streams, dtype=torch.int64, device=device)
        self.uniforms = torch.zeros((block, streams), dtype=torch.float64, device=device)
        self.drawn = torch.zeros((block, streams), dtype=torch.int64, device=device)
        self.largest = torch.zeros((block, streams), device=device)
        self.state: list[State] = list(zip(*model.zero_state(streams), strict=True))  # (S, H) each
        self.launch = self.compute

    def reset(self) -> None:
        """Forget everything that was read."""
        for kept in chain(*self.state):
            kept.zero_()

    def draw(
        self, primer: np.ndarray, numbers: Iterator[np.ndarray], length: int
    ) -> Iterator[np.ndarray]:
        """Read `primer` (n,), then draw `length` symbols: ids (S,) one by one.

        numbers: uniform in [0, 1), (S,) a symbol. A block is computed when its first symbol is
        asked for, and no further. ValueError where the logits are not numbers.
        """
        self.read(primer)
        for start in range(0, length, self.block):
            wanted = min(self.block, length - start)
            yield from self._next(np.stack(list(islice(numbers, wanted))))

    @torch.no_grad()
    def read(self, primer: np.ndarray) -> None:
        """Read all symbols but the last, which the first block begins with."""
        for i in primer[:-1]:
            _, state = self._step(self.ids.fill_(int(i)), self.state)
            self._keep(state)
        self.ids.fill_(int(primer[-1]))

    def _next(self, uniforms: np.ndarray) -> np.ndarray:
        """The next symbols, (n, S), with numbers (n, S); n is `block`, or less in the last one."""
        self.uniforms[: len(uniforms)].copy_(torch.from_numpy(uniforms))
        self.launch()
        drawn = self.drawn[: len(uniforms)].cpu().numpy().copy()  # written again by the next block
        if not bool(self.largest[: len(uniforms)].isfinite().all()):
            from charrnn.sample import BROKEN  # which imports this module

            raise ValueError(BROKEN)
        return drawn

    @torch.no_grad()
    def compute(self) -> None:
        """A block on the device: from `ids` and `state` to `drawn`, and to those of the next."""
        ids, state = self.ids, self.state
        for i in range(self.block):
            logits, state = self._step(ids, state)
            ids = self._pick(logits, self.uniforms[i])
            self.drawn[i].copy_(ids)
            self.largest[i].copy_(logits.amax(dim=-1))  # which is no number where a logit is none
        self.ids.copy_(ids)
        self._keep(state)

    def _keep(self, state: list[State]) -> None:
        for kept, new in zip(chain(*self.state), chain(*state), strict=True):
            kept.copy_(new)

    def _step(self, ids: Tensor, state: list[State]) -> tuple[Tensor, list[State]]:
        """Read ids (S,): logits (S, V), and the state of each layer after it."""
        config, after = self.model.config, []
        x = self.symbols.index_select(0, ids)
        for rnn, entering in zip(self.model.rnn, state, strict=True):
            if config.restart is not None:
                kept = (ids != config.restart)[:, None]
                entering = tuple(part * kept for part in entering)
            hx = entering if config.cell == "lstm" else entering[0]
            left = CELLS[config.cell](x, hx, *rnn.all_weights[0])
            after.append(left if isinstance(left, tuple) else (left,))
            x = after[-1][0]
        return self.model.decoder(x), after

    def _pick(self, logits: Tensor, uniforms: Tensor) -> Tensor:
        """As `charrnn.sample.pick`: logits (S, V) and numbers (S,) to ids (S,)."""
        if self.settings.temperature == 0:
            return logits.argmax(dim=-1)
        weights = torch.softmax(logits / self.temperature, dim=-1)  # in float64
        if self.settings.top_k is not None or self.settings.top_p is not None:
            order = logits.sort(dim=-1, descending=True, stable=True).indices
            weights = truncated(weights, order, self.settings.top_k, self.settings.top_p)
        cumulative = weights.cumsum(dim=-1)
        scaled = uniforms[:, None] * cumulative[:, -1:]
        return (cumulative <= scaled).sum(dim=-1)


def truncated(
    weights: Tensor, order: Tensor, top_k: int | None = None, top_p: float | None = None
) -> Tensor:
    """Weights (S, V) with zeros where `top_k` and then `top_p` leave out; `order` ranks symbols."""
    ranked = weights.gather(-1, order)
    if top_k is not None:
        ranked[:, min(top_k, ranked.shape[1]) :] = 0
    if top_p is not None:
        reached = ranked.cumsum(dim=-1)
        ranked[:, 1:].masked_fill_(reached[:, :-1] >= top_p * reached[:, -1:], 0.0)
    return torch.zeros_like(weights).scatter_(-1, order, ranked)
