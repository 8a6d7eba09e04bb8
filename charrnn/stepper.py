"""The network one character at a time on the CPU, in plain NumPy.

`torch.nn.LSTM` repacks its weights at every call, which is most of the time of a one-character
call. Here the weights of a layer are laid out once, both products as one matrix, and a step is one
matrix-vector product a layer (NumPy's BLAS runs it at the speed of memory), written into buffers
that are reused. A logistic gate is computed as sigmoid(x) = (1 + tanh(x / 2)) / 2, with the
halving folded into the weights, so all four gates of a layer take one call of tanh, and nothing can
overflow.

The hidden states of one stream lie side by side, (S, L, H), so what a layer reads, the layer
below and its own past, is a stretch of memory that needs no copying:

    h of one stream   | layer 0 | layer 1 | layer 2 |
    layer 1 reads     |=========|=========|
    layer 2 reads               |=========|=========|
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from charrnn.model import CharRNN, ModelConfig

State = tuple[np.ndarray, ...]
HALF = np.float32(0.5)
LARGEST = float(np.finfo(np.float32).max)
ORDERS = {"lstm": (0, 1, 3, 2), "gru": (0, 1, 2), "rnn": (0,)}
"""Where torch keeps what this file computes: the logistic gates first (i, f, o, then g)."""


class Holding:
    """Units that a stepper holds at a value, whatever it reads.

    After each step's update of a layer the value takes the place of the unit's cell c in an LSTM
    (h becomes o * tanh(value), with that step's own output gate), of its h in the other networks,
    before the layer above and the decoder read it. It is held in every stream.
    """

    config: ModelConfig
    _held: dict[int, tuple[np.ndarray, np.ndarray]]
    """By layer: which units (n,), and their values (n,) float32. Empty where nothing is held."""

    def hold(self, layer: int, units: Sequence[int], values: Sequence[float]) -> None:
        """Hold units of a layer at values too, from the next step on; one that is held already
        gets the new value. Layers and units count from 0.

        ValueError where there is no such layer or unit, or a value is not a finite number.
        """
        kept = _checked(self.config, layer, list(units), list(values))
        before = dict(zip(*self._held.get(layer, ((), ())), strict=True))
        both = {int(unit): value for unit, value in (before | kept).items()}
        if both:
            where = np.array(list(both), np.int64)
            self._held[layer] = where, np.array(list(both.values()), np.float32)

    def release(self) -> None:
        """Hold nothing any more; the states go on from where they are."""
        self._held.clear()

    def _clamp(self, layer: int, states: np.ndarray) -> None:
        """Put the values of a layer's held units into its new states (S, H)."""
        units, values = self._held[layer]
        states[:, units] = values


def _checked(config: ModelConfig, layer: int, units: list, values: list) -> dict[int, np.float32]:
    """The value of each unit that is to be held, if it can be."""
    if not _counts(layer, config.layers):
        raise ValueError(f"layer is {layer!r}; it must be {_range(config.layers)}")
    if len(units) != len(values):
        raise ValueError(f"there are {len(units)} units and {len(values)} values; give each one")
    for unit, value in zip(units, values, strict=True):
        if not _counts(unit, config.hidden):
            raise ValueError(f"unit is {unit!r}; it must be {_range(config.hidden)}")
        if not abs(float(value)) <= LARGEST:
            raise ValueError(f"unit {unit} is held at {value}; give a finite number")
    return {int(unit): np.float32(value) for unit, value in zip(units, values, strict=True)}


def _counts(number: object, of: int) -> bool:
    """Whether it is one of the whole numbers from 0 to `of` - 1."""
    whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
    return whole and 0 <= number < of


def _range(of: int) -> str:
    return f"a whole number, 0 to {of - 1}" if of > 1 else "0, the only one"


class Stepper(Holding):
    """A model's forward step for S independent streams of text.

    The same numbers as `CharRNN.forward` with T = 1, to float32 rounding (tested). `h` and `c`
    are the states, (L, S, H) float32; writing into them changes what the next step reads.
    """

    def __init__(self, model: CharRNN, streams: int = 1) -> None:
        if streams < 1:
            raise ValueError(f"streams is {streams}; it must be at least 1")
        self.config, self.streams = model.config, streams
        self._held = {}
        self._load(model)
        self._allocate()

    def _load(self, model: CharRNN) -> None:
        """Lay out the weights."""
        config = model.config
        weights = {k: v.detach().cpu().float().numpy() for k, v in model.state_dict().items()}
        layers = [_LayerWeights(config, weights, layer) for layer in range(config.layers)]
        self._rows = np.ascontiguousarray(layers[0].w_ih.T) + layers[0].bias
        self._recurrent = [np.ascontiguousarray(layer.w_hh) for layer in layers]
        self._below = [np.ascontiguousarray(layer.w_ih) for layer in layers[1:]]
        if config.cell != "gru":  # the GRU needs the two products apart
            both = [np.concatenate([x.w_ih, x.w_hh], axis=1) for x in layers[1:]]
            self._recurrent[1:] = both
        self._biases = [layer.bias for layer in layers]
        self._new_biases = [layer.new_bias for layer in layers]
        self._decoder = np.ascontiguousarray(weights["decoder.weight"])
        self._decoder_bias = weights["decoder.bias"]
        self._advance = {"lstm": self._lstm, "gru": self._gru, "rnn": self._rnn}[config.cell]

    def _allocate(self) -> None:
        """The states and the buffers that a step writes into."""
        layers, hidden, streams = self.config.layers, self.config.hidden, self.streams
        states = np.zeros((streams, layers, hidden), np.float32)
        self.h = states.transpose(1, 0, 2)
        self.c = np.zeros((layers, streams, hidden), np.float32)
        flat = states.reshape(streams, layers * hidden)
        self._pairs = [self.h[0]]  # what each layer reads: its own h, or the one below and its own
        for above in range(1, layers):
            self._pairs.append(flat[:, (above - 1) * hidden : (above + 1) * hidden])
        wide = (streams, self.config.parts * hidden)
        self._gates, self._inputs = np.zeros(wide, np.float32), np.zeros(wide, np.float32)
        self._scratch = np.zeros((streams, hidden), np.float32)

    def reset(self) -> None:
        """Forget everything: all states zero."""
        self.h[...] = 0
        self.c[...] = 0

    def state(self) -> State:
        """A copy of (h, c) (LSTM) or (h,): each (L, S, H) float32."""
        return (self.h.copy(), self.c.copy()) if self.config.cell == "lstm" else (self.h.copy(),)

    def set_state(self, state: State) -> None:
        """Go on from a state that `state` returned."""
        self.h[...] = state[0]
        if self.config.cell == "lstm":
            self.c[...] = state[1]

    def step(self, ids: np.ndarray) -> np.ndarray:
        """Read a symbol in every stream, ids (S,); return the next one's logits, (S, V) float32."""
        if self.config.restart is not None:
            self._restart(ids)
        rows = self._rows[ids[0]] if self.streams == 1 else self._rows[ids]
        for layer in range(self.config.layers):
            self._advance(layer, rows)
            if layer in self._held and self.config.cell != "lstm":  # an LSTM holds c, on its way
                self._clamp(layer, self.h[layer])
        logits = np.empty((self.streams, self.config.vocab_size), np.float32)
        _times(self.h[-1], self._decoder, logits)
        logits += self._decoder_bias
        return logits

    def _restart(self, ids: np.ndarray) -> None:
        """Empty the state of every stream that is about to read the `restart` symbol."""
        again = np.asarray(ids) == self.config.restart
        self.h[:, again] = 0
        self.c[:, again] = 0

    def _sum(self, layer: int, rows: np.ndarray) -> np.ndarray:
        """The input's and the state's products and the bias, in `_gates`, (S, parts * H)."""
        gates = self._gates
        _times(self._pairs[layer], self._recurrent[layer], gates)
        gates += rows if layer == 0 else self._biases[layer]
        return gates

    def _lstm(self, layer: int, rows: np.ndarray) -> None:
        hidden, c, t = self.config.hidden, self.c[layer], self._scratch
        gates = self._sum(layer, rows)
        np.tanh(gates, out=gates)
        logistic = gates[:, : 3 * hidden]
        logistic *= HALF
        logistic += HALF
        c *= gates[:, hidden : 2 * hidden]  # what stays of the memory
        np.multiply(gates[:, :hidden], gates[:, 3 * hidden :], out=t)  # what is written to it
        c += t
        if layer in self._held:
            self._clamp(layer, c)
        np.tanh(c, out=t)
        np.multiply(gates[:, 2 * hidden : 3 * hidden], t, out=self.h[layer])

    def _rnn(self, layer: int, rows: np.ndarray) -> None:
        np.tanh(self._sum(layer, rows), out=self.h[layer])

    def _gru(self, layer: int, rows: np.ndarray) -> None:
        hidden, h, t = self.config.hidden, self.h[layer], self._scratch
        x, u = rows, self._gates
        if layer > 0:
            x = self._inputs
            _times(self.h[layer - 1], self._below[layer - 1], x)
            x += self._biases[layer]
        _times(h, self._recurrent[layer], u)
        logistic, new = u[:, : 2 * hidden], u[:, 2 * hidden :]
        logistic += x[..., : 2 * hidden]
        np.tanh(logistic, out=logistic)
        logistic *= HALF
        logistic += HALF
        new += self._new_biases[layer]
        new *= logistic[:, :hidden]  # r applies after the product, its bias included
        new += x[..., 2 * hidden :]
        np.tanh(new, out=new)
        np.subtract(h, new, out=t)  # h' = n + z (h - n)
        t *= logistic[:, hidden:]
        np.add(new, t, out=h)


class _LayerWeights:
    """One layer's weights in this file's order, the rows of logistic gates halved."""

    def __init__(self, config: ModelConfig, weights: dict[str, np.ndarray], layer: int) -> None:
        hidden, order = config.hidden, ORDERS[config.cell]
        rows = np.concatenate([np.arange(i * hidden, (i + 1) * hidden) for i in order])
        factors = np.where(np.arange(len(order)) < len(order) - 1, HALF, np.float32(1))
        half = np.repeat(factors, hidden)
        w_ih, w_hh, b_ih, b_hh = (
            weights[f"rnn.{layer}.{name}_l0"][rows]
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        self.new_bias = None
        if config.cell == "gru":  # r multiplies the recurrent part of n, bias included
            self.new_bias = b_hh[2 * hidden :].copy()
            b_hh[2 * hidden :] = 0
        self.w_ih, self.w_hh = w_ih * half[:, None], w_hh * half[:, None]
        self.bias = (b_ih + b_hh) * half


def _times(x: np.ndarray, matrix: np.ndarray, out: np.ndarray) -> None:
    """out (S, m) = x (S, n) times the transposed matrix (m, n); matrix times vector where S = 1."""
    if len(x) == 1:
        np.dot(matrix, x[0], out=out[0])
    else:
        np.matmul(x, matrix.T, out=out)
