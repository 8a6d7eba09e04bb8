"""The portable arithmetic that `charrnn.export` specifies, in NumPy: the reference for every other
program that computes it, such as the one in the book's pages.

Each line of the specification is one NumPy operation on float32 arrays, so every result is rounded
once, as it says; constants are float32 numbers too, or NumPy before version 2 would go over to
float64. The integer products run through float64 matrix products: all sums stay below 2^31, where
float64 is exact whatever the order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from charrnn.export import Arrays, int8_tensors, load_model
from charrnn.model import CharRNN
from charrnn.stepper import Holding, State

f32 = np.float32
ONE, TWO, MINUS_TWO = f32(1), f32(2), f32(-2)
FARTHEST = f32(87)
"""exp is computed in [-87, 87], where neither a result nor its reciprocal is subnormal."""
LOG2_E, LN2_HIGH, LN2_LOW = f32(1.44269504), f32(0.693359375), f32(-0.00021219444)
SEVENTH, SIXTH, FIFTH = f32(1.98756915e-4), f32(1.39819995e-3), f32(8.33345191e-3)
EXPONENTIAL = (SEVENTH, SIXTH, FIFTH, f32(4.16657959e-2), f32(0.166666655), f32(0.5))
"""What multiplies r^7, r^6, ..., r^2 in exp(r) = 1 + r + r^2 (...)."""


def exp32(v: np.ndarray) -> np.ndarray:
    """exp of a float32 array, in [-87, 87]; beyond, that of the nearer end. Float32 again."""
    v = np.minimum(np.maximum(v, -FARTHEST), FARTHEST)
    n = np.rint(v * LOG2_E)
    r = v - n * LN2_HIGH
    r -= n * LN2_LOW
    p = r * EXPONENTIAL[0]
    for c in EXPONENTIAL[1:-1]:
        p += c
        p *= r
    p += EXPONENTIAL[-1]
    p *= r * r
    p += r
    p += ONE
    p *= _power_of_two(n)
    return p


def _power_of_two(n: np.ndarray) -> np.ndarray:
    """2^n for whole numbers from -126 to 127: n is what stands in a float32's eight exponent bits,
    plus 127."""
    with np.errstate(invalid="ignore"):  # what is not a number stays so in the product
        exponent = n.astype(np.int32)
    return ((exponent + np.int32(127)) << np.int32(23)).view(np.float32)


def sigmoid32(v: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-v)) of a float32 array, float32."""
    e = exp32(-v)
    e += ONE
    return np.divide(ONE, e, out=e)


def tanh32(v: np.ndarray) -> np.ndarray:
    """2 / (1 + exp(-2 v)) - 1 of a float32 array, float32, in [-1, 1]."""
    e = exp32(MINUS_TWO * v)
    e += ONE
    np.divide(TWO, e, out=e)
    e -= ONE
    return e


def activation_scale(hidden: int) -> np.float32:
    """A: what stands for 1 among the whole numbers that the H states of a layer are rounded to."""
    return f32(min(32767, (2**31 - 1) // (127 * hidden)))


def weights32(logits: np.ndarray, temperature: float) -> np.ndarray:
    """exp(logit / temperature), the largest 1: logits (..., V) float32 to float64 weights of the
    same shape, each a float32 number. `temperature` is above 0."""
    v = np.subtract(logits, logits.max(axis=-1, keepdims=True), dtype=np.float64)
    with np.errstate(over="ignore", under="ignore"):
        v /= temperature
        v = v.astype(np.float32)
    weights = exp32(v)
    weights[v < -FARTHEST] = 0
    return weights.astype(np.float64)


class Product:
    """One int8 matrix X (R, H) times activations that are rounded to whole numbers."""

    def __init__(self, tensors: Arrays, name: str, hidden: int) -> None:
        self.whole = np.ascontiguousarray(tensors[name][:, :hidden], dtype=np.float64)
        self.factor = tensors[f"{name}.scale"] / activation_scale(hidden)

    def sums(self, q: np.ndarray) -> np.ndarray:
        """Sums of integer products: q (S, H), whole float64 numbers, to (S, R) of the same kind."""
        return (self.whole @ q[0])[None] if len(q) == 1 else q @ self.whole.T

    def __call__(self, q: np.ndarray) -> np.ndarray:
        """The product X h (S, R), float32, of h that was rounded to q (S, H)."""
        return self.sums(q).astype(np.float32) * self.factor


class PortableStepper(Holding):
    """One character at a time for S independent streams, the same bits on every machine.

    As `charrnn.stepper.Stepper`: `h` and `c` are the states, (L, S, H) float32; writing into them
    changes what the next step reads. A stream's numbers do not depend on the others.
    """

    def __init__(self, model: CharRNN, streams: int = 1) -> None:
        """model: on any device, computed on the CPU; its published tensors where it was read from
        a file, else its weights rounded as for one. Raises as `charrnn.export.int8_tensors`."""
        if streams < 1:
            raise ValueError(f"streams is {streams}; it must be at least 1")
        self.config, self.streams = model.config, streams
        self._held = {}
        self._load(int8_tensors(model))
        self._allocate()

    @classmethod
    def from_file(cls, path: str | Path, streams: int = 1) -> PortableStepper:
        """A published int8 file. Raises FileNotFoundError, or CheckpointError where the file is
        broken, something else, or in half precision."""
        return cls(load_model(path)[0], streams)

    def _load(self, tensors: Arrays) -> None:
        """Lay out the weights."""
        config = self.config

        def product(name: str) -> Product:
            return Product(tensors, name, config.hidden)

        layers = range(config.layers)
        scale = tensors["layers.0.lookup.scale"]
        self._lookup = tensors["layers.0.lookup"].astype(np.float32) * scale[:, None]
        self._below = [product(f"layers.{n}.below") for n in layers[1:]]
        self._recurrent = [product(f"layers.{n}.recurrent") for n in layers]
        self._bias = [tensors[f"layers.{n}.bias"] for n in layers]
        self._bias_new = [tensors.get(f"layers.{n}.bias_new") for n in layers]
        self._decoder, self._decoder_bias = product("decoder.weight"), tensors["decoder.bias"]
        self._scale = activation_scale(config.hidden)
        self._cell = {"lstm": self._lstm, "gru": self._gru, "rnn": self._rnn}[config.cell]

    def _allocate(self) -> None:
        """The states."""
        shape = (2, self.config.layers, self.streams, self.config.hidden)
        self.h, self.c = np.zeros(shape, np.float32)

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
            again = np.asarray(ids) == self.config.restart
            self.h[:, again] = self.c[:, again] = 0
        with np.errstate(over="ignore", invalid="ignore"):  # whoever draws looks at the logits
            x = self._lookup[ids]
            for layer in range(self.config.layers):
                u = self._recurrent[layer](self._rounded(layer))
                self.h[layer] = self._cell(layer, x, u)
                if layer in self._held and self.config.cell != "lstm":  # an LSTM holds c, in _lstm
                    self._clamp(layer, self.h[layer])
                q = self._rounded(layer)
                if layer + 1 < self.config.layers:
                    x = self._below[layer](q)
            return self._decoder(q) + self._decoder_bias

    def _rounded(self, layer: int) -> np.ndarray:
        """q: the states of a layer, (S, H), as whole float64 numbers from -A to A."""
        q = np.rint(self.h[layer] * self._scale)
        return np.minimum(np.maximum(q, -self._scale), self._scale).astype(np.float64)

    def _lstm(self, layer: int, x: np.ndarray, u: np.ndarray) -> np.ndarray:
        hidden, c = self.config.hidden, self.c[layer]
        a = (x + u) + self._bias[layer]
        open_ = sigmoid32(a[:, : 2 * hidden])  # i and f
        new = tanh32(a[:, 2 * hidden : 3 * hidden])
        c *= open_[:, hidden:]
        c += open_[:, :hidden] * new
        if layer in self._held:
            self._clamp(layer, c)
        return sigmoid32(a[:, 3 * hidden :]) * tanh32(c)

    def _gru(self, layer: int, x: np.ndarray, u: np.ndarray) -> np.ndarray:
        hidden, h = self.config.hidden, self.h[layer]
        a = x + self._bias[layer]
        open_ = sigmoid32(a[:, : 2 * hidden] + u[:, : 2 * hidden])
        r, z = open_[:, :hidden], open_[:, hidden:]
        inner = u[:, 2 * hidden :] + self._bias_new[layer]
        new = tanh32(a[:, 2 * hidden :] + (r * inner))
        return ((ONE - z) * new) + (z * h)

    def _rnn(self, layer: int, x: np.ndarray, u: np.ndarray) -> np.ndarray:
        return tanh32((x + u) + self._bias[layer])
