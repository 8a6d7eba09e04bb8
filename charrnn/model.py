"""The network of the post: characters in, scores for the next character out.

Shapes, here and everywhere: B lanes of a batch, T time steps, H hidden size, L layers, V symbols
of the vocabulary. Time comes first: ids are (T, B), hidden sequences (T, B, H), logits (T, B, V).
State goes in and comes out; the model remembers nothing between two calls.

A character enters as a 1-of-k vector. Multiplying W_ih (4H, V) by it picks out one column, so that
is what `input_gates` does: a lookup of a row of the transposed matrix. Sampling reads its input so,
and training where the vocabulary is large. Kernels that do a whole layer at once (cuDNN, oneDNN)
take a dense input; where they are the faster way the 1-of-k vectors are written out for them. Tests
hold all of these to the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from charrnn.fields import ANYTHING, LARGEST, check_table, shown
from charrnn.masks import LaneMasks
from charrnn.native import fixed_point
from charrnn.native.dropout import draw_kept
from charrnn.unroll import STEPS as STEPS
from charrnn.unroll import gru_step as gru_step
from charrnn.unroll import lstm_step as lstm_step
from charrnn.unroll import rnn_step as rnn_step
from charrnn.unroll import unroll

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
INITS = ("scaled", "uniform")
UNIFORM = 0.08
"""Half the width of char-rnn's first weights (train.lua: params:uniform(-0.08, 0.08))."""
SWITCHES = {"init": "scaled", "recurrent_dropout": False, "detach_top_h": False}
"""Fields that only a training asks for, with what stands for them where nothing is written."""
MOST = {"vocab_size": 0x110000, "hidden": 1 << 16, "layers": 100}
"""What no one means: code points there are, and sizes that no machine at hand has memory for."""
FARTHEST_BIAS = 1_000_000
State = tuple[Tensor, ...]


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a network."""

    vocab_size: int
    """V: how many symbols it reads and predicts."""
    cell: str = "lstm"
    """lstm, gru, or rnn (one tanh layer)."""
    hidden: int = 512
    """H: units in each layer."""
    layers: int = 2
    """L."""
    dropout: float = 0.0
    """Probability of zeroing a unit's output on its way up: between layers and to the decoder."""
    forget_bias: float = -2.0
    """First bias of the LSTM's forget gate: nearly shut, so that a new network knows the last few
    characters and learns to remember; on prose far better than 0, the post's, or 1, char-rnn's in
    its last state, after Jozefowicz et al. 2015 (tried with benchmarks/grid.py)."""
    restart: int | None = None
    """Id of the symbol before which the state is emptied, in a network whose lines know nothing of
    each other: its newline. None: the state is never emptied."""
    init: str = "scaled"
    """First weights. scaled: by the size of what they multiply, biases 0 (`CharRNN.reset`);
    uniform: every number, biases too, from U(-0.08, 0.08), char-rnn's. There the forget gate's
    input bias then becomes `forget_bias`, where that is not 0."""
    recurrent_dropout: bool = False
    """Dropout multiplies h itself, in every layer, so its fresh mask of each step also hits what
    the next step reads: char-rnn's until its commit f22d4ae. False: only the way up."""
    detach_top_h: bool = False
    """The h that the top layer reads of its own past carries no gradient; an LSTM's c still does.
    char-rnn's until its commit c24e540: the decoder's gradient replaced the one that came back
    through h, where it should have been added to it."""

    def __post_init__(self) -> None:
        if not isinstance(self.cell, str) or self.cell not in CELLS:
            raise ValueError(f"cell is {shown(self.cell)}; it must be one of {', '.join(CELLS)}")
        for name, most in MOST.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise ValueError(f"{name} is {shown(value)}; it must be a whole number")
            if value < 1:
                raise ValueError(f"{name} is {shown(value)}; it must be at least 1")
            if value > most:
                raise ValueError(f"{name} is {shown(value)}; it must be at most {most:,}")
        for name in ("dropout", "forget_bias"):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not abs(value) <= LARGEST:
                must = "finite" if number else "a number"
                raise ValueError(f"{name} is {shown(value)}; it must be {must}")
        if abs(self.forget_bias) > FARTHEST_BIAS:
            raise ValueError(f"forget_bias is {self.forget_bias}; it must be within 1,000,000 of 0")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}; it must be at least 0 and below 1")
        if self.restart is not None:
            whole = isinstance(self.restart, int) and not isinstance(self.restart, bool)
            if not whole or not 0 <= self.restart < self.vocab_size:
                raise ValueError(
                    f"restart is {shown(self.restart)}; it must be the id of a symbol, 0 to "
                    f"{self.vocab_size - 1}, or left out"
                )
        self._check_switches()

    def _check_switches(self) -> None:
        if not isinstance(self.init, str) or self.init not in INITS:
            raise ValueError(f"init is {shown(self.init)}; it must be one of {', '.join(INITS)}")
        for name in ("recurrent_dropout", "detach_top_h"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(
                    f"{name} is {shown(getattr(self, name))}; it must be True or False"
                )

    @property
    def parts(self) -> int:
        """Gates (and candidates) of one unit: 4 in an LSTM, 3 in a GRU, 1 in a plain RNN."""
        return {"lstm": 4, "gru": 3, "rnn": 1}[self.cell]

    @property
    def unrolls(self) -> bool:
        """Whether training goes through its layers step by step: no kernel that does a whole layer
        at once drops out what the next step reads, or stops a gradient there."""
        return self.detach_top_h or (self.recurrent_dropout and self.dropout > 0)

    @classmethod
    def from_dict(cls, kept: object) -> ModelConfig:
        """The inverse of `to_dict`. ValueError where it is anything else."""
        kinds = {f.name: ANYTHING for f in fields(cls)}
        return cls(**check_table(kept, "model", kinds, ["vocab_size"]))

    def to_dict(self) -> dict:
        """The fields as a plain dictionary; `restart` and `SWITCHES` only where they are set."""
        unset = {"restart": None, **SWITCHES}
        return {k: v for k, v in asdict(self).items() if k not in unset or v != unset[k]}


class CharRNN(nn.Module):
    """Layers of recurrent units and a linear decoder.

    Parameters carry torch's own names (`rnn.0.weight_ih_l0` and so on, two biases a layer), and
    torch's order of gates: i, f, g, o for the LSTM; r, z, n for the GRU.
    """

    def __init__(self, config: ModelConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        cell, sizes = CELLS[config.cell], [config.vocab_size] + [config.hidden] * config.layers
        self.rnn = nn.ModuleList(cell(i, o) for i, o in pairwise(sizes))
        self.decoder = nn.Linear(config.hidden, config.vocab_size)
        self.reset(generator)

    @torch.no_grad()
    def reset(self, generator: torch.Generator | None = None) -> None:
        """Fresh weights, by `ModelConfig.init`; see `_scaled` and `_uniform`."""
        (self._uniform if self.config.init == "uniform" else self._scaled)(generator)

    def _uniform(self, generator: torch.Generator | None) -> None:
        """Every number from U(-0.08, 0.08), then the forget gates' input biases."""
        for parameter in self.parameters():
            parameter.uniform_(-UNIFORM, UNIFORM, generator=generator)
        hidden, bias = self.config.hidden, self.config.forget_bias
        if self.config.cell == "lstm" and bias != 0:
            for rnn in self.rnn:
                rnn.bias_ih_l0[hidden : 2 * hidden] = bias

    def _scaled(self, generator: torch.Generator | None) -> None:
        """All biases zero but the forget gate's.

        The first layer's input matrix is uniform in +-1: a 1-of-k vector picks one number a unit
        out of it, so the usual 1/sqrt(n) would make the signal so faint that hundreds of steps pass
        before the loss leaves the level of single-character frequencies. Higher input matrices
        follow Glorot & Bengio 2010, recurrent ones are orthogonal, gate by gate (Saxe et al.
        2014), the decoder is uniform in +-1/sqrt(H).
        """
        hidden, init = self.config.hidden, nn.init
        for layer, rnn in enumerate(self.rnn):
            if layer == 0:
                rnn.weight_ih_l0.uniform_(-1, 1, generator=generator)
            for part in range(self.config.parts):
                rows = slice(part * hidden, (part + 1) * hidden)
                if layer > 0:
                    init.xavier_uniform_(rnn.weight_ih_l0[rows], generator=generator)
                init.orthogonal_(rnn.weight_hh_l0[rows], generator=generator)
            rnn.bias_ih_l0.zero_()
            rnn.bias_hh_l0.zero_()
            if self.config.cell == "lstm":
                rnn.bias_ih_l0[hidden : 2 * hidden] = self.config.forget_bias
        bound = hidden**-0.5
        self.decoder.weight.uniform_(-bound, bound, generator=generator)
        self.decoder.bias.zero_()

    @property
    def n_parameters(self) -> int:
        """Trained numbers: (4H + H + 1) V + ... ; 5,426,755 for 3 x 512 and V = 67."""
        return sum(p.numel() for p in self.parameters())

    @property
    def device(self) -> torch.device:
        return self.decoder.weight.device

    def zero_state(self, batch: int) -> State:
        """The state before any text: (h, c) for the LSTM, (h,) else; (L, B, H), as the weights."""
        shape = (self.config.layers, batch, self.config.hidden)
        n = 2 if self.config.cell == "lstm" else 1
        return tuple(self.decoder.weight.new_zeros(shape) for _ in range(n))

    def forward(
        self,
        ids: Tensor,
        state: State | None = None,
        generator: torch.Generator | LaneMasks | None = None,
    ) -> tuple[Tensor, State]:
        """Scores for the next character at every position, and the state after the last.

        ids: (T, B) int64. state: as from `zero_state` or from an earlier call (None: zeros).
        generator: draws the dropout masks in training mode; it must be on the ids' device. With
        `LaneMasks` the ids are some lanes of a batch, and get the masks they have in the whole.
        Returns logits (T, B, V) and the new state. Wherever a lane reads the `restart` symbol, its
        state is emptied first.
        """
        if ids.dim() != 2:
            raise ValueError(f"ids have shape {tuple(ids.shape)}; they must be (T, B)")
        state = self.zero_state(ids.shape[1]) if state is None else state
        logits = []
        for stretch in self._stretches(ids):
            if self.config.restart is not None:
                kept = stretch[0] != self.config.restart  # (B,)
                state = tuple(s * kept[None, :, None].to(s.dtype) for s in state)
            scores, state = self._stretch(stretch, state, generator)
            logits.append(scores)
        return logits[0] if len(logits) == 1 else torch.cat(logits), state

    def _stretches(self, ids: Tensor) -> tuple[Tensor, ...]:
        """ids (T, B) cut in time wherever a lane restarts, so that none does inside a piece."""
        if self.config.restart is None:
            return (ids,)
        restarts = (ids[1:] == self.config.restart).any(dim=1).nonzero()[:, 0] + 1
        return torch.tensor_split(ids, restarts.tolist())

    def _stretch(
        self, ids: Tensor, state: State, generator: torch.Generator | LaneMasks | None
    ) -> tuple[Tensor, State]:
        """`forward` without restarts."""
        unrolls = self.training and self.config.unrolls
        if fixed_point.is_on() and not unrolls:
            x, left = self._in_fixed_point(ids, state, generator)
            return self.decoder(x), left
        x, after = ids, []
        for layer in range(self.config.layers):
            entering = tuple(s[layer : layer + 1] for s in state)
            if unrolls:
                kept = self._kept((*ids.shape, self.config.hidden), generator)
                x, left = self.unrolled(layer, self._gates(layer, x), entering, kept)
            else:
                x, left = self._way(layer)(layer, x, entering)  # (T, B, H)
                x = self._drop(x, generator)
            after.append(left)
        dtype = self.decoder.weight.dtype  # under autocast a layer's state may be narrower
        stacked = tuple(torch.cat(parts).to(dtype) for parts in zip(*after, strict=True))
        return self.decoder(x), stacked

    @property
    def looks_up(self) -> bool:
        """Whether the first layer reads its input by row lookup, step by step.

        On a CPU, once the vocabulary is so large that writing out 1-of-k vectors for the fused
        kernel costs more than that kernel saves. Below that, and on a GPU, the kernel is faster.
        """
        return self.device.type == "cpu" and self.config.vocab_size > 2 * self.config.hidden

    def _way(self, layer: int) -> Callable[[int, Tensor, State], tuple[Tensor, State]]:
        """The quickest way through a layer that does no more than the layer."""
        return self._layer if layer else self._by_rows if self.looks_up else self._first_layer

    def unrolled(
        self, layer: int, gates: Tensor, entering: State, kept: Tensor | None
    ) -> tuple[Tensor, State]:
        """A layer as `recurrent_dropout` and `detach_top_h` train it: `charrnn.unroll`.

        gates (T, B, parts * H): what the input adds to them, b_ih inside. entering: (1, B, H) each.
        kept (T, B, H): what dropout lets through. Returns what goes up, (T, B, H), dropped out
        already, and the state (1, B, H) after the last step.
        """
        config, weights = self.config, self.rnn[layer]
        above, left = unroll(
            config.cell,
            gates,
            tuple(s[0] for s in entering),
            weights.weight_hh_l0,
            weights.bias_hh_l0,
            kept,
            1 / (1 - config.dropout),
            config.recurrent_dropout,
            config.detach_top_h and layer == config.layers - 1,
        )
        return above, tuple(s[None] for s in left)

    def _gates(self, layer: int, x: Tensor) -> Tensor:
        """What a layer's input, ids (T, B) in the first or (T, B, H), adds to its gates."""
        weights = self.rnn[layer]
        if layer == 0:
            return input_gates(x, weights.weight_ih_l0) + weights.bias_ih_l0
        return F.linear(x, weights.weight_ih_l0, weights.bias_ih_l0)

    def _layer(self, layer: int, x: Tensor, entering: State) -> tuple[Tensor, State]:
        """A layer through torch's fused kernel: x (T, B, n) to hidden states (T, B, H)."""
        x, left = self.rnn[layer](x, entering if len(entering) == 2 else entering[0])
        return x, left if isinstance(left, tuple) else (left,)

    def _first_layer(self, layer: int, ids: Tensor, entering: State) -> tuple[Tensor, State]:
        """The first layer through the fused kernel, its 1-of-k input written out."""
        x = F.one_hot(ids, self.config.vocab_size).to(self.decoder.weight.dtype)  # (T, B, V)
        return self._layer(layer, x, entering)

    def _by_rows(self, layer: int, ids: Tensor, entering: State) -> tuple[Tensor, State]:
        """The first layer by row lookup and spelled-out steps: the same numbers."""
        weights, state = self.rnn[layer], tuple(s[0] for s in entering)
        above, left = unroll(
            self.config.cell,
            self._gates(layer, ids),
            state,
            weights.weight_hh_l0,
            weights.bias_hh_l0,
        )
        return above, tuple(s[None] for s in left)

    def _in_fixed_point(
        self, ids: Tensor, state: State, generator: torch.Generator | LaneMasks | None
    ) -> tuple[Tensor, State]:
        """All layers through the 16-bit kernel, with the dropout masks that `_drop` would draw."""
        shape = (*ids.shape, self.config.hidden)
        kept = [self._kept(shape, generator) for _ in self.rnn]
        return fixed_point.layers(self.rnn, ids, state, kept, 1 / (1 - self.config.dropout))

    def _drop(self, x: Tensor, generator: torch.Generator | LaneMasks | None) -> Tensor:
        """Inverted dropout (Srivastava et al. 2014), drawn from the generator that is passed in."""
        kept = self._kept(x.shape, generator)
        return x if kept is None else x * (kept.to(x.dtype) / (1 - self.config.dropout))

    def _kept(
        self, shape: Sequence[int], generator: torch.Generator | LaneMasks | None
    ) -> Tensor | None:
        """Which units dropout lets through, bool; None where it is off."""
        if not self.training or self.config.dropout == 0:
            return None
        return draw_kept(shape, generator, self.config.dropout, self.device)


def weight_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a network's parameters, without building it."""
    hidden, wide, shapes = config.hidden, config.parts * config.hidden, {}
    for layer in range(config.layers):
        below = hidden if layer else config.vocab_size
        shapes[f"rnn.{layer}.weight_ih_l0"] = (wide, below)
        shapes[f"rnn.{layer}.weight_hh_l0"] = (wide, hidden)
        shapes[f"rnn.{layer}.bias_ih_l0"] = shapes[f"rnn.{layer}.bias_hh_l0"] = (wide,)
    return shapes | {
        "decoder.weight": (config.vocab_size, hidden),
        "decoder.bias": (config.vocab_size,),
    }


def input_gates(ids: Tensor, weight_ih: Tensor) -> Tensor:
    """W_ih times the 1-of-k vectors of `ids`, as a row lookup: (*ids.shape, 4H) from (4H, V)."""
    return F.embedding(ids, weight_ih.t())
