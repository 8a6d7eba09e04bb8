"""The steppers of `charrnn.stepper` and `charrnn.portable` in compiled code, drawing included.

One call reads a symbol or draws a block of them: products, gates, scores and the draw follow one
another in `native/step.c` at the speed of the caches that the weights lie in, on as many threads
as are worth it. The numbers are those of the steppers in NumPy: of `PortableStepper` bit for bit,
of `Stepper` to float32 rounding; how many threads there are changes none.

A vector of the processor holds eight float32 numbers, so units come in blocks of eight. W is H
rounded up to whole blocks, P the parts of a unit (4 in an LSTM, 3 in a GRU, 1 in a plain RNN), and
a block's weights lie side by side in the order in which they are read:

    block 0                                 | block 1 ...
    k = 0: 8 of i, 8 of f, 8 of g, 8 of o   |
    k = 1: 8 of i, ...                      |
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence

import numpy as np

from charrnn import native
from charrnn.export import Arrays, plain_weights
from charrnn.model import CharRNN
from charrnn.native.pace import Pace, processors
from charrnn.portable import PortableStepper, activation_scale
from charrnn.stepper import Stepper

LANES = 8
"""Numbers in a vector."""
CACHE_LINE, LARGE_PAGE = 64, 1 << 21
"""Bytes."""
STREAMS = 4096
"""Streams that one compiled stepper takes, at most."""
SHARED = 8
"""Streams from which on a single step is worth the start of threads."""
SECONDS, BLOCK = 0.005, 64
"""A block of symbols ends after about so many seconds, or with so many symbols."""


class _Matrix(ctypes.Structure):
    _fields_ = [("weights", ctypes.c_void_p), ("factor", ctypes.c_void_p)]


class _Layer(ctypes.Structure):
    _fields_ = [
        ("below", _Matrix),
        ("recurrent", _Matrix),
        *((name, ctypes.c_void_p) for name in ("bias", "bias_new", "held", "value")),
    ]


SIZES = ("parts", "layers", "width", "vocab", "rows", "restart", "whole", "streams")


class _Network(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int32) for name in SIZES),
        ("scale", ctypes.c_float),
        ("lookup", ctypes.c_void_p),
        ("decoder", _Matrix),
        ("decoder_bias", ctypes.c_void_p),
        ("layer", ctypes.POINTER(_Layer)),
    ]


def usable(streams: int = 1) -> bool:
    """Whether compiled steppers can be had here, for so many streams."""
    return 1 <= streams <= STREAMS and native.load("step") is not None


class _Fused:
    """What both compiled steppers share; before the stepper in NumPy among a class's bases."""

    whole: bool
    """Whether the weights are int8."""

    def _allocate(self) -> None:
        """The states, (S, L, W) with W - H zeros each, and what a call writes into."""
        config, width = self.config, _filled(self.config.hidden)
        shape, rows = (self.streams, config.layers, width), _filled(config.vocab_size)
        self._states = [_aligned(np.zeros(shape, np.float32)) for _ in range(3)]
        self._rounded = [_aligned(np.zeros(shape, np.int16)) for _ in range(2)]
        self.h, self.c = (s.transpose(1, 0, 2)[:, :, : config.hidden] for s in self._states[:2])
        self._logits = _aligned(np.zeros((self.streams, rows), np.float32))
        self._zeros = _aligned(np.zeros(width, np.float32))
        self._threads = processors()
        self._sums = np.zeros((self._threads, rows))
        self._ranked = np.zeros((self._threads, rows), np.dtype("f4, i4"))
        self._ids = np.zeros(self.streams, np.int64)
        self._pace, self._broken = Pace(self._threads), False
        self._run = native.load("step").run
        self._run.restype = ctypes.c_int64
        h, c, h_next = self._states
        after = (self._zeros, self._logits, self._sums, self._ranked, self._ids)
        buffers = (h, c, h_next, *self._rounded, *after)
        self._pointers = ctypes.byref(self._network), *map(_pointer, buffers)

    def _lay_out(self, tensors: Arrays) -> None:
        """All that `native/step.c` reads, from tensors under the names of a published file."""
        config, self._kept = self.config, []
        self._holds = np.zeros((2, config.layers, _filled(config.hidden)), np.float32)
        self._holds = _aligned(self._holds)
        layers = (_Layer * config.layers)(*(self._layer(tensors, n) for n in range(config.layers)))
        width, rows = _filled(config.hidden), _filled(config.vocab_size)
        restart = -1 if config.restart is None else config.restart
        sizes = (config.parts, config.layers, width, config.vocab_size, rows, restart)
        bias = np.full(rows, -np.inf, np.float32)
        bias[: config.vocab_size] = tensors["decoder.bias"]
        self._network = _Network(
            *(*sizes, self.whole, self.streams),
            activation_scale(config.hidden),
            self._keep(_by_block(self._lookup_of(tensors).T, config.parts).transpose(3, 0, 1, 2)),
            self._matrix(tensors, "decoder.weight", 1),
            self._keep(bias),
            layers,
        )

    def _layer(self, tensors: Arrays, n: int) -> _Layer:
        parts, held = self.config.parts, self._holds[:, n]
        new = tensors.get(f"layers.{n}.bias_new")
        return _Layer(
            self._matrix(tensors, f"layers.{n}.below", parts) if n else _Matrix(),
            self._matrix(tensors, f"layers.{n}.recurrent", parts),
            self._keep(_by_block(tensors[f"layers.{n}.bias"], parts)),
            None if new is None else self._keep(_by_block(new, 1)),
            *(row.ctypes.data for row in held),
        )

    def _keep(self, values: np.ndarray) -> int:
        """Where a copy lies that begins with a cache line and lives as long as the stepper."""
        self._kept.append(_aligned(values))
        return self._kept[-1].ctypes.data

    def hold(self, layer: int, units: Sequence[int], values: Sequence[float]) -> None:
        """As `charrnn.stepper.Holding.hold`."""
        super().hold(layer, units, values)
        for n, (where, held) in self._held.items():
            self._holds[0, n, where] = -1
            self._holds[1, n, where] = held

    def release(self) -> None:
        """As `charrnn.stepper.Holding.release`."""
        super().release()
        self._holds[...] = 0

    def step(self, ids: np.ndarray) -> np.ndarray:
        """Read a symbol in every stream, ids (S,); return the next one's logits, (S, V) float32."""
        self._call(ids, None, None, (0.0, 1, 2.0), None if self.streams >= SHARED else 1)
        return self._logits[:, : self.config.vocab_size].copy()

    def draw(
        self, ids: np.ndarray, uniforms: np.ndarray, settings, threads: int | None = None
    ) -> np.ndarray:
        """Read ids (S,), draw a symbol in every stream, read that, and so on: ids (n, S).

        uniforms: (m, S) in [0, 1), one for each symbol, turned into one as by `charrnn.sample.pick`
        with those settings, a `charrnn.sample.Sampling`. The last symbols drawn are not read yet.
        n is at most m: the call ends after SECONDS, but draws at least once. It is 0 where the
        scores are not finite numbers. threads: None for the quickest number of late, and at most
        `processors()`.
        """
        uniforms = np.ascontiguousarray(uniforms, np.float64)
        drawn = np.empty(uniforms.shape, np.int64)
        if self._broken:
            return drawn[:0]
        top_k = self.config.vocab_size if settings.top_k is None else settings.top_k
        top_p = 2.0 if settings.top_p is None else settings.top_p
        rule = (settings.temperature, min(top_k, self.config.vocab_size), top_p)
        done = self._call(ids, uniforms, drawn, rule, threads)
        self._broken = done < 0
        return drawn[: -1 - done if self._broken else done]

    def _call(self, ids, uniforms, drawn, rule, threads: int | None) -> int:
        """`run` of `native/step.c`, and what it returns."""
        self._ids[...] = ids
        count = self._pace.threads() if threads is None else max(1, min(threads, self._threads))
        temperature, top_k, top_p = rule
        began = time.perf_counter()
        done = self._run(
            *self._pointers,
            *(None if values is None else _pointer(values) for values in (uniforms, drawn)),
            ctypes.c_int64(1 if drawn is None else len(drawn)),
            ctypes.c_double(temperature),
            ctypes.c_int64(top_k),
            ctypes.c_double(top_p),
            ctypes.c_double(SECONDS),
            ctypes.c_int(count),
        )
        if done < 0 and not ((self._ids >= 0) & (self._ids < self.config.vocab_size)).all():
            raise IndexError(f"ids are {ids}; they must be 0 to {self.config.vocab_size - 1}")
        if threads is None and done > 0:
            self._pace.took(count, (time.perf_counter() - began) / done)
        return done


class FusedStepper(_Fused, Stepper):
    """`charrnn.stepper.Stepper`, compiled."""

    whole = False

    def _load(self, model: CharRNN) -> None:
        self._lay_out(plain_weights(model))

    def _lookup_of(self, tensors: Arrays) -> np.ndarray:
        return tensors["layers.0.lookup"]

    def _matrix(self, tensors: Arrays, name: str, parts: int) -> _Matrix:
        rows = _by_block(_square(tensors[name], self.config.hidden), parts)
        return _Matrix(self._keep(rows.transpose(0, 3, 1, 2)), None)


class FusedPortableStepper(_Fused, PortableStepper):
    """`charrnn.portable.PortableStepper`, compiled: the same bits."""

    whole = True

    def _load(self, tensors: Arrays) -> None:
        self._lay_out(tensors)

    def _lookup_of(self, tensors: Arrays) -> np.ndarray:
        scale = tensors["layers.0.lookup.scale"]
        return tensors["layers.0.lookup"].astype(np.float32) * scale[:, None]

    def _matrix(self, tensors: Arrays, name: str, parts: int) -> _Matrix:
        rows = _by_block(_square(tensors[name], self.config.hidden), parts)
        twos = rows.reshape(*rows.shape[:3], -1, 2).transpose(0, 3, 1, 2, 4)
        factor = tensors[f"{name}.scale"] / activation_scale(self.config.hidden)
        return _Matrix(self._keep(twos), self._keep(_by_block(factor, parts)))


def _filled(n: int) -> int:
    """n rounded up to whole blocks."""
    return -(-n // LANES) * LANES


def _square(rows: np.ndarray, hidden: int) -> np.ndarray:
    """A matrix with W columns, of which those from H on are zero."""
    filled = np.zeros((len(rows), _filled(hidden)), rows.dtype)
    filled[:, :hidden] = rows[:, :hidden]
    return filled


def _by_block(rows: np.ndarray, parts: int) -> np.ndarray:
    """Rows (P n, ...) as (blocks, P, 8, ...), with rows of zeros where n is no whole blocks."""
    n, rest = len(rows) // parts, rows.shape[1:]
    filled = np.zeros((parts, _filled(n), *rest), rows.dtype)
    filled[:, :n] = rows.reshape(parts, n, *rest)
    return filled.reshape(parts, -1, LANES, *rest).swapaxes(0, 1)


def _aligned(values: np.ndarray) -> np.ndarray:
    """A contiguous copy that begins with a cache line; a large one with a page of the large kind,
    which Linux gives to NumPy's large arrays: reading through them meets fewer borders."""
    edge = LARGE_PAGE if values.nbytes >= LARGE_PAGE else CACHE_LINE
    room = np.empty(values.nbytes + edge, np.uint8)
    begin = -room.ctypes.data % edge
    copy = room[begin : begin + values.nbytes].view(values.dtype).reshape(values.shape)
    copy[...] = values
    return copy


def _pointer(values: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(values.ctypes.data)
