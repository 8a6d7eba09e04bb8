"""Which units dropout lets through (Srivastava et al. 2014), drawn fast on a CPU.

torch draws its random numbers one by one on a CPU, which takes a twentieth of a training step. The
compiled loop draws the very same ones many at a time, and leaves the generator where torch would.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from charrnn import native
from charrnn.masks import LaneMasks, uniform

STATE = 5056
"""Bytes of a CPU generator's state whose layout `native/dropout.c` knows."""


def draw_kept(
    shape: Sequence[int], source: torch.Generator | LaneMasks | None, p: float, device: torch.device
) -> Tensor:
    """`uniform(shape, source, device) >= p`: bool of shape (T, B, H), B being the lanes at hand."""
    generator = source.generator if isinstance(source, LaneMasks) else source
    generator = torch.default_generator if generator is None else generator
    library = native.load("dropout") if device.type == "cpu" else None
    if library is None or generator.get_state().numel() != STATE:
        return uniform(shape, source, device) >= p
    if not isinstance(source, LaneMasks):
        return _drawn(library, shape, generator, p)
    steps, lanes, units = shape
    whole = _drawn(library, (steps, source.batch, units), generator, p)
    return whole[:, source.first : source.first + lanes].contiguous()


def _drawn(library, shape: Sequence[int], generator: torch.Generator, p: float) -> Tensor:
    """torch.rand(shape, generator=generator) >= p, by the compiled loop."""
    kept = torch.empty(shape, dtype=torch.bool)
    least = math.ceil(torch.tensor(p, dtype=torch.float32).item() * 2**24)  # as torch compares
    state = generator.get_state()
    places = ctypes.c_void_p(state.data_ptr()), ctypes.c_void_p(kept.data_ptr())
    library.draw_kept(places[0], ctypes.c_int64(kept.numel()), ctypes.c_uint32(least), places[1])
    generator.set_state(state)
    return kept
