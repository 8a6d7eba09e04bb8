"""Find a unit by what it does: select a stretch of a text, and get the units that go with it.

LSTMVis (Strobelt et al. 2018) finds the cells that are on in a selection and off around it. Here
they are ranked by how well they tell the selection from the rest of the text, and beside the best
stands what the best would reach on a stretch that was chosen without looking: with a thousand
units, some fit anything short.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charrnn.probe.ranking import exact_auc
from charrnn.probe.trace import Trace

SHIFTS = 20


@dataclass(frozen=True)
class Fit:
    """A unit, and how well it tells a selection from the rest."""

    layer: int
    unit: int
    auc: float
    """0.5 to 1: of a character inside and one outside, how often the unit tells which is which."""
    on: bool
    """Whether it is higher inside."""


def select_units(
    seen: Trace, start: int, stop: int, quantity: str = "c", count: int = 10
) -> tuple[list[Fit], float]:
    """The units that best tell characters start to stop (exclusive) of a trace from the others.

    Returns the best `count`, best first, and the chance level: the median over shifts of the same
    stretch round the text of the best AUC that any unit has there. ValueError where the stretch is
    empty, is all of the text, or lies beyond it.
    """
    length = len(seen)
    if not (0 <= start < stop <= length and stop - start < length):
        raise ValueError(
            f"the selection is {start} to {stop}; it must hold some of the text's {length} "
            "characters, and not all"
        )
    values = seen.values(quantity)
    hidden, flat = values.shape[2], values.reshape(length, -1)
    inside = np.zeros(length, bool)
    inside[start:stop] = True
    auc = exact_auc(flat, inside)
    size = np.maximum(auc, 1 - auc)
    best = np.argsort(-size, kind="stable")[:count]
    fits = [
        Fit(int(u) // hidden, int(u) % hidden, float(size[u]), bool(auc[u] >= 0.5)) for u in best
    ]
    moved = [np.roll(inside, k) for k in np.linspace(0, length, SHIFTS + 2).astype(int)[1:-1]]
    levels = [exact_auc(flat, other) for other in moved]
    return fits, float(np.median([np.maximum(a, 1 - a).max() for a in levels]))
