"""The compiled loops of the fixed-point LSTM (native/lstm.c): buffers and packed weights."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from threading import Lock

import torch
from torch import Tensor

from charrnn import native
from charrnn.native.team import in_threads

MOST = 4095
"""Greatest magnitude of an integer on the side of the activations; as in products.h."""
UNITS = 16
"""The hidden size must be a multiple of this: the columns that are computed at a time."""
SIZES = ("steps", "lanes", "hidden", "width", "width_above")
READ = ("ids", "base", "up", "down", "up_scale", "down_scale", "z", "z_above", "kept")
WRITTEN = ("gates", "unit", "c", "h", "y", "dy", "dx", "dh", "dc", "dw_ih", "dw_hh", "dbias")


class _Layer(ctypes.Structure):
    """What lstm.c is told of a layer: native/layer.h, in its order and under its names."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in SIZES),
        *((name, ctypes.c_void_p) for name in READ),
        ("factor", ctypes.c_float),
        *((name, ctypes.c_void_p) for name in WRITTEN),
        ("input_factor", ctypes.c_float),
    ]


class _Packing(ctypes.Structure):
    """What lstm.c is told of a matrix to pack: the struct of that name in native/columns.h."""

    _fields_ = [
        ("matrix", ctypes.c_void_p),
        *((name, ctypes.c_int64) for name in ("depth", "columns", "parts")),
        *((name, ctypes.c_void_p) for name in ("panels", "scales")),
    ]


class Layer:
    """One layer in one pass: its buffers, by the names of native/layer.h, and calls into lstm.c."""

    def __init__(self, steps: int, lanes: int, hidden: int, width: int) -> None:
        self.sizes = {"steps": steps, "lanes": lanes, "hidden": hidden, "width": width}
        self.z = torch.empty(steps, lanes, width, dtype=torch.int16)
        self.gates = torch.empty(steps, lanes, 4 * hidden, dtype=torch.int16)
        self.c = torch.empty(steps + 1, lanes, hidden)
        self.unit = torch.empty(steps, lanes)
        if width > hidden:
            self.dx = torch.empty(steps, lanes, hidden)

    def call(self, name: str, count: int, grain: int = 1, **more) -> None:
        """The function `name` of lstm.c over `count` lanes or rows, shared out among threads."""
        told = self.sizes | {k: v for k, v in vars(self).items() if isinstance(v, Tensor)} | more
        layer = _Layer(**{k: v.data_ptr() if isinstance(v, Tensor) else v for k, v in told.items()})
        in_threads(getattr(native.load("lstm"), name), layer, count, grain)


_spare: list[Layer] = []
_spare_lock = Lock()  # trainings may run in several threads


def take(*sizes: int) -> Layer:
    """A layer of these steps, lanes, hidden and width: one that was given back, or a new one.

    Its buffers are some hundred megabytes, which the system takes its time to hand out anew. Those
    of the latest shape of a batch are kept.
    """
    with _spare_lock:
        for i, layer in enumerate(_spare):
            if tuple(layer.sizes.values()) == sizes:
                return _spare.pop(i)
        _spare.clear()
    return Layer(*sizes)


def give_back(layers: Sequence[Layer]) -> None:
    """Layers that are done with, for `take`."""
    with _spare_lock:
        _spare.extend(layers)


def forget() -> None:
    """Give the memory of all layers that are done with back."""
    with _spare_lock:
        _spare.clear()


def pack_down(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """matrix (K, N) float32 as panels of 16-bit integers (N / 16, K / 2, 16, 2) and scales (N,).

    Entry (k, n) is about scales[n] * panels[n // 16, k // 2, n % 16, k % 2], and MOST times the sum
    of a column's magnitudes is below 2^31. K is even, N a multiple of 16.
    """
    return _pack("pack_down", matrix, *matrix.shape)


def pack_up(matrix: Tensor, parts: int = 4) -> tuple[Tensor, Tensor]:
    """`pack_down` of the transpose of matrix (N, K), with its columns in another order.

    Column block p of 16 is p // parts of part p % parts, so that all gates of a unit lie together.
    K and N / parts are multiples of 16.
    """
    rows, depth = matrix.shape
    return _pack("pack_up", matrix, depth, rows, parts)


def _pack(name: str, matrix: Tensor, depth: int, columns: int, parts: int = 1):
    panels = torch.empty(columns // 16, depth // 2, 16, 2, dtype=torch.int16)
    scales = torch.empty(columns)
    source, *places = (x.data_ptr() for x in (matrix, panels, scales))
    packing = _Packing(source, depth, columns, parts, *places)
    in_threads(getattr(native.load("lstm"), name), packing, columns // 16)
    return panels, scales
