"""A text that fell into a loop, and how its state closes in on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator

from charrnn.figures.look import (
    BLUE,
    DASHES,
    INK,
    MONO,
    PALETTE,
    TEAL,
    WIDTH,
    blank,
    colour_key,
    style,
    visible,
)


@style()
def cycle_figure(text: str, start: int, period: int, width: int = 52) -> Figure:
    """A text that fell into a loop: its laps on coloured ground, and where it repeats itself.

    text[i] == text[i - period] must hold for all i >= start + period (ValueError otherwise).
    Below, a stroke at (position, distance) says: the text here stood that far back as well.
    """
    if period < 1 or start < 0 or len(text) < start + period:
        raise ValueError(f"start {start}, period {period}: not inside {len(text)} characters")
    if text[start + period :] != text[start:-period]:
        raise ValueError(f"the text does not repeat with period {period} from character {start}")
    first = max(0, start - 2 * width)
    rows = min(9, -(-(min(len(text), start + 3 * period) - first) // width))
    grid_height = 0.26 * rows  # inches
    height = grid_height + 3.2
    fig = Figure(figsize=(WIDTH, height))
    grid = fig.add_axes((0.02, 1 - (grid_height + 0.42) / height, 0.96, grid_height / height))
    shown = text[first : first + rows * width]
    _text_grid(grid, shown, start - first, period, (rows, width))
    named = f"the loop: {period} characters, from character {start} on"
    fig.text(0.02, 1 - 0.1 / height, named, va="top", fontsize=13)
    lag = fig.add_axes((0.1, 0.62 / height, 0.88, 1.75 / height))
    _lag_plot(lag, text[: start + 6 * period], start, period)
    return fig


def _text_grid(
    ax: Axes, text: str, start: int, period: int, shape: tuple[int, int], size: float = 14.5
) -> None:
    rows, width = shape
    ax.set(xlim=(0, width), ylim=(rows, 0))
    ax.axis("off")
    for i, character in enumerate(text):
        y, x = divmod(i, width)
        lap = (i - start) // period
        if lap >= 0:
            ground = {"color": (BLUE, TEAL)[lap % 2], "alpha": 0.18, "linewidth": 0}
            ax.add_patch(Rectangle((x, y + 0.06), 1, 0.88, **ground))
        if character != " ":
            ax.text(x + 0.5, y + 0.72, visible(character), family=MONO, fontsize=size, ha="center")


def _lag_plot(ax: Axes, text: str, start: int, period: int, length: int = 8) -> None:
    """A stroke where at least `length` characters equal those `distance` before."""
    codes = np.array([ord(c) for c in text])
    most = min(len(codes) - 1, 4 * period)
    segments = []
    for distance in range(1, most + 1):
        same = np.concatenate([[0], codes[distance:] == codes[:-distance], [0]]).astype(int)
        begins, ends = (np.flatnonzero(np.diff(same) == step) + distance for step in (1, -1))
        runs = zip(begins, ends, strict=True)
        segments += [[(a, distance), (b, distance)] for a, b in runs if b - a >= length]
    ax.add_collection(LineCollection(segments, colors=BLUE, linewidths=2.6))
    ax.axvline(start, color=INK, linewidth=1.3, linestyle=DASHES)
    ax.set(xlim=(0, len(text)), ylim=(0, most * 1.08), xlabel="character")
    ax.set_yticks([period * k for k in range(1, 5) if period * k <= most])
    ax.set_title("repeats the text this many characters back")


@style()
def closing_in(distances: Mapping[str, Sequence[float]], period: int) -> Figure:
    """How far parts of the network's state move from one lap of a loop to the next, on a log axis.

    distances: name to what `loops.state_recurrence` gave, at most four. A lap that changed nothing,
    to the last bit, has no place on such an axis; the first of them is named instead.
    """
    fig, ax = blank(3.9)
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
    colour_key(ax, entries, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return fig
