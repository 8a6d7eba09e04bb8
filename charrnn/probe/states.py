"""The states of a network over a long text, block by block, in bounded memory.

The text is read in equal stretches side by side, as exact evaluation does, each after a run-up that
is not handed out:

    lane 0   |run-up = empty|  0 ....... 99 |
    lane 1        | 90 .. 99| 100 ..... 199 |
    lane 2        |190 .. 199| 200 .... 299 |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from charrnn.model import CharRNN
from charrnn.probe.inside import Inside, gates, look_inside
from charrnn.score import blank_first_lane, in_lanes

STEPS = 128
"""Characters of each lane in a block."""


@dataclass(frozen=True)
class Block:
    """What a network was like after some characters of a text: n of them, in no particular order.

    Units are counted through all layers: layer l's unit u stands at l H + u.
    """

    where: np.ndarray
    """(n,) int64: which characters of the text."""
    h: np.ndarray
    """(n, L H) float32, in [-1, 1]."""
    c: np.ndarray | None
    """(n, L H) float32, an LSTM's memories; None for other cells."""
    gates: dict[str, np.ndarray]
    """Gate to (n, L H) float32 in [0, 1], where they were asked for."""

    def of(self, quantity: str) -> np.ndarray:
        """`h`, or `c` (which is `h` in a network that has no c)."""
        return self.c if quantity == "c" and self.c is not None else self.h


def states(
    model: CharRNN,
    ids: np.ndarray,
    lanes: int = 64,
    warmup: int = 200,
    with_gates: bool = False,
) -> Iterator[Block]:
    """The states after every character of ids (n,), each once; `lanes` are read side by side.

    warmup: characters that a lane reads before its own stretch. The numbers are those of reading
    the text in one go, but for what lies farther back than that at the start of a lane.
    """
    starts, width = in_lanes(len(ids), lanes, warmup)
    stretches = [range(i, min(i + STEPS, width)) for i in range(0, width, STEPS)]
    if len(starts) > 1 and warmup:
        stretches.insert(0, range(-warmup, 0))
    state, device = None, model.device
    for stretch in stretches:
        where = starts[:, None] + np.asarray(stretch)  # (lanes, steps)
        x = torch.from_numpy(np.asarray(ids)[where.clip(0, len(ids) - 1)].T.astype(np.int64))
        inside = look_inside(model, x.to(device), state)
        state = inside.state
        if stretch.start < 0:
            state = tuple(blank_first_lane(s) for s in state)
            continue
        yield _block(model, inside, where.T.reshape(-1), len(ids), with_gates)


def _block(
    model: CharRNN, inside: Inside, where: np.ndarray, length: int, with_gates: bool
) -> Block:
    """Lanes and steps as rows, without what lies beyond the text's end."""
    real = where < length

    def rows(layers: list[torch.Tensor]) -> np.ndarray:
        flat = [x.reshape(-1, x.shape[-1]).float().cpu().numpy() for x in layers]
        return np.concatenate(flat, axis=1)[real] if not real.all() else np.concatenate(flat, 1)

    found = [gates(model, inside, n) for n in range(model.config.layers)] if with_gates else [{}]
    return Block(
        where=where[real],
        h=rows(inside.h),
        c=rows(inside.c) if inside.c else None,
        gates={name: rows([layer[name] for layer in found]) for name in found[0]},
    )
