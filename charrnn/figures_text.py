"""Figures of what a text is like beside real text, drawn straight from a run's measures.

They share the look of `figures.py` and, like it, return a matplotlib Figure. Where a text is too
short for a measure (a training of seconds), the figure says so in place of an axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, PercentFormatter

from charrnn.figures import (
    DASHES,
    INK,
    MODEL,
    PALETTE,
    REAL,
    _key,
    _panels,
    _word,
    bars_with_intervals,
    speech_lengths,
    style,
)


@style()
def nothing(why: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    fig, ax = _panels(0.9)
    ax.axis("off")
    _word(ax, why, (0, 0.5), INK, xycoords="axes fraction", va="center")
    return fig


def compared(table: pd.DataFrame) -> Figure:
    """`chapters.comparison` as bars: the model's shares with intervals, and real text's."""
    if not len(table):
        return nothing("too little text to measure: train for longer")
    columns = (table[c] for c in ("value", "low", "high", "real"))
    return bars_with_intervals(list(table.index), *columns, fmt="{:.1%}")


@style()
def by_number(
    ours: Mapping[str, dict | None], real: Mapping[str, dict | None], title: str, xlabel: str
) -> Figure:
    """A share against a number (of letters, of characters), the model's and real text's.

    Both as in measures.json: the number to `value`, `low`, `high`, or None where there was nothing
    to count. The band is the interval.
    """
    model, person = _curve(ours), _curve(real)
    if not len(model) or not len(person):
        return nothing("too little text to measure: train for longer")
    fig, ax = _panels(3.9)
    for rows, colour, marker, line in ((person, REAL, "s", DASHES), (model, MODEL, "o", "-")):
        x, value, low, high = rows.T
        ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        ax.plot(x, value, color=colour, marker=marker, markersize=5, linestyle=line)
    ax.set_title(title, pad=28)
    ax.set_xlabel(xlabel)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    few = len(person) <= 8
    ax.xaxis.set_major_locator(FixedLocator(person[:, 0]) if few else MaxNLocator(8, integer=True))
    entries = [("model", MODEL, "s"), ("real text", REAL, "s")]
    _key(ax, entries, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return fig


def _curve(found: Mapping[str, dict | None]) -> np.ndarray:
    """Rows (number, value, low, high) of what was counted."""
    keys = ("value", "low", "high")
    known = {int(n): s for n, s in found.items() if s and s["value"] is not None}
    return np.array([[n, *(s[k] for k in keys)] for n, s in known.items()]).reshape(-1, 4)


def speeches(plays: Mapping[str, dict], temperatures: Sequence[float] = (0.8,)) -> Figure:
    """How long the speeches of a run's samples are, beside those of held-out text.

    plays: the part of measures.json of that name.
    """
    named = {f"T = {t:g}": plays[str(float(t))]["lengths"] for t in temperatures}
    named = {name: lengths for name, lengths in named.items() if lengths}
    real = plays["held_out"]["lengths"]
    if not named or not real:
        return nothing("no whole speech to measure: train for longer")
    return speech_lengths(named, real, unit="characters")


@style()
def closing_in(distances: Mapping[str, Sequence[float]], period: int) -> Figure:
    """How far parts of the network's state move from one lap of a loop to the next, on a log axis.

    distances: name to what `loops.state_recurrence` gave, at most four. A lap that changed nothing,
    to the last bit, has no place on such an axis; the first of them is named instead.
    """
    fig, ax = _panels(3.9)
    entries = []
    for (name, values), colour in zip(distances.items(), PALETTE, strict=False):
        distance = np.asarray(values, dtype=float)
        laps, moved = np.arange(1, len(distance) + 1), distance > 0
        ax.plot(laps[moved], distance[moved], color=colour, marker="o", markersize=4)
        still = f" (unchanged from lap {laps[~moved][0] + 1} on)" if not moved.all() else ""
        entries.append((name + still, colour, "s"))
    ax.set(yscale="log", xscale="log", xlabel=f"lap of {period} characters")
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    ax.yaxis.set_major_locator(LogLocator(numticks=6))
    ax.yaxis.set_major_formatter(lambda y, _: f"{y:g}")
    ax.minorticks_off()
    ax.set_title("largest change since the lap before", pad=28)
    _key(ax, entries, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return fig
