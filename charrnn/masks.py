"""The random numbers of dropout: for a whole batch, or for some of its lanes as in the whole."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LaneMasks:
    """A generator as some lanes of a batch use it.

    The numbers of all lanes are drawn and those of the lanes at hand are kept. So a batch that is
    shared out, over processes or over time, is masked as in one piece, and its generator goes on
    to the same state.
    """

    generator: torch.Generator
    first: int
    """The first of the lanes at hand."""
    batch: int
    """B: how many there are in all."""


def uniform(
    shape: tuple[int, ...], source: torch.Generator | LaneMasks | None, device: torch.device
) -> Tensor:
    """Numbers in [0, 1) of a shape (T, B, H), B being the lanes at hand. None: torch's own."""
    if not isinstance(source, LaneMasks):
        return torch.rand(shape, generator=source, device=device)
    steps, lanes, units = shape
    whole = torch.rand((steps, source.batch, units), generator=source.generator, device=device)
    return whole[:, source.first : source.first + lanes]
