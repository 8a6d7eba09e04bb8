"""Loss against characters read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from charrnn.figures.look import BLUE, DASHES, INK, PALETTE, TEAL, blank, paired, style, write


@style()
def learning_curve(
    history: Mapping[str, ArrayLike], lines: Mapping[str, float] | None = None
) -> Figure:
    """Loss against characters seen, in nats on the left and bits per character on the right.

    history: the columns `chars`, `train_loss` and `val_loss` (nats per character; NaN where
    nothing was measured), as in a run's history. The lowest validation loss is marked.
    lines: losses to compare with, by name, in nats per character; drawn as dashed levels.
    """
    x, y = _column(history, "val_loss")
    seen, training = _column(history, "train_loss")
    best = int(np.argmin(y))
    named = f"validation,\nbest {y[best]:.3f}"
    fig = _curves([(named, x, y, BLUE), ("training", seen, training, TEAL)], lines or {})
    scale, _ = _unit(max(x[-1], seen[-1]))
    fig.axes[0].plot(x[best] / scale, y[best], "o", color=BLUE, markersize=9, zorder=3)
    return fig


@style()
def compare_curves(
    histories: Mapping[str, Mapping[str, ArrayLike]],
    column: str = "val_loss",
    lines: Mapping[str, float] | None = None,
) -> Figure:
    """One curve a history, by name, of the same column; axes as in `learning_curve`.

    Up to four histories: more hues could not be told apart by everybody.
    """
    if not 1 <= len(histories) <= len(PALETTE):
        raise ValueError(f"{len(histories)} histories; one figure holds 1 to {len(PALETTE)}")
    named = zip(histories.items(), PALETTE, strict=False)
    return _curves(
        [(fill(n, 18), *_column(h, column), colour) for (n, h), colour in named], lines or {}
    )


def _column(history: Mapping[str, ArrayLike], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Characters seen and a loss, where the loss was measured."""
    missing = [key for key in ("chars", name) if key not in history]
    if missing:
        raise ValueError(f"the history has no column {missing[0]!r}; it has {', '.join(history)}")
    x, y = paired(name, history["chars"], history[name])
    known = np.isfinite(y)
    if not known.any():
        raise ValueError(f"the history's column {name!r} holds no number")
    return x[known], y[known]


def _unit(most: float) -> tuple[float, str]:
    """A scale for counts of characters, and what to call it."""
    if most >= 2e6:
        return 1e6, "millions of characters seen"
    return (1e3, "thousands of characters seen") if most >= 2e3 else (1.0, "characters seen")


def _curves(curves: list[tuple], lines: Mapping[str, float]) -> Figure:
    """Curves (name, x, y, colour) and dashed levels, each named at its right end."""
    fig, ax = blank(4.3)
    end = max(x[-1] for _, x, _, _ in curves)
    scale, unit = _unit(end)
    for _, x, y, colour in curves:
        ax.plot(x / scale, y, color=colour, marker="o" if len(x) == 1 else None)
    for level in lines.values():
        ax.plot([0, end / scale], [level, level], color=INK, linewidth=1.3, linestyle=DASHES)
    settled = [y[(x >= 0.03 * end) | (x == x[-1])] for _, x, y, _ in curves]  # not the first fall
    levels = np.concatenate([*settled, list(lines.values())])
    margin = 0.08 * (np.ptp(levels) or 1.0)
    ax.set_ylim(levels.min() - margin, levels.max() + margin)
    ax.set_xlabel(unit, loc="left")
    ends = [(y[-1], x[-1] / scale, name, colour) for name, x, y, colour in curves]
    ends += [(level, end / scale, fill(name, 18), INK) for name, level in lines.items()]
    _name_ends(ax, end / scale, sorted(ends))
    bits = ax.secondary_yaxis("right", functions=(lambda n: n / np.log(2), lambda b: b * np.log(2)))
    bits.spines["right"].set_visible(True)
    ax.set_title("nats per character")
    ax.set_title("bits per character", loc="right")
    return fig


def _name_ends(ax: Axes, end: float, ends: list[tuple[float, float, str, str]]) -> None:
    """Names of line ends (y, x, text, colour) in a column right of `end`, none over another."""
    width, height = ax.figure.get_size_inches() * 72
    letters = max(len(line) for *_, text, _ in ends for line in text.split("\n"))
    ax.set_xlim(0, end / (1 - (8.6 * letters + 20) / (0.84 * width)))
    ax.set_xticks([tick for tick in ax.get_xticks() if 0 <= tick <= end * 1.001])
    ax.spines["bottom"].set_bounds(0, end)
    low, high = ax.get_ylim()
    heights = [(16 * (text.count("\n") + 1) + 3) / (0.72 * height) for *_, text, _ in ends]
    places = spread([(e[0] - low) / (high - low) for e in ends], heights)
    lowest = np.cumsum(heights) - np.array(heights) / 2  # stacked from the foot of the axis
    places = low + np.maximum(places, lowest) * (high - low)
    column = end + 16 / (0.84 * width) * ax.get_xlim()[1]
    for place, (y, x, text, colour) in zip(places, ends, strict=True):
        ax.plot([x, end, column], [y, y, place], color=colour, linewidth=0.9)
        write(ax, text, (column, place), colour, (4, 0), va="center", linespacing=1.1)


def spread(places: Sequence[float], heights: Sequence[float]) -> np.ndarray:
    """Centres nearest to `places` (sorted) such that pieces of these heights do not overlap.

    Nearest by least squares: an isotonic regression, found by pooling adjacent violators.
    """
    heights = np.asarray(heights, dtype=float)
    stacked = np.cumsum(heights) - heights / 2  # centres of the pieces, laid without gaps
    blocks: list[tuple[float, int]] = []  # mean shift, pieces
    for shift in np.asarray(places) - stacked:
        mean, count = shift, 1
        while blocks and blocks[-1][0] >= mean:
            below, n = blocks.pop()
            mean, count = (below * n + mean * count) / (n + count), n + count
        blocks.append((mean, count))
    return stacked + np.repeat([mean for mean, _ in blocks], [count for _, count in blocks])
