"""Copying: how new a text is by the length of its stretches, and the longest copied run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter, ScalarFormatter

from charrnn.figures.look import DASHES, MODEL, REAL, WIDTH, style
from charrnn.figures.measures import COLD_TO_HOT, nothing

ACROSS = 3
MARKERS = "ov^sDP"
REAL_TEXT = "real text"


@style()
def novelty(panels: Mapping[str, Mapping[str, Mapping]]) -> Figure:
    """Share of stretches that are new against their length, a panel a corpus.

    panels: title to curves, the coldest first, each as in measures.json: length to `value`, `low`
    and `high`; the one called "real text" is the yardstick. What has no `value` is left out.
    ValueError: panels that do not have the same curves.
    """
    names = list(next(iter(panels.values()), {}))
    for title, curves in panels.items():
        if list(curves) != names:
            raise ValueError(f"{title}: curves {', '.join(curves)}; the first has {names}")
    drawn = {t: {n: _rows(c) for n, c in curves.items()} for t, curves in panels.items()}
    drawn = {t: c for t, c in drawn.items() if all(len(rows) for rows in c.values())}
    if not drawn:
        return nothing("too little text to measure: train for longer")
    looks = _looks(names)
    fig, axes = _grid(len(drawn), rows_high=2.0)
    for ax, (title, curves) in zip(axes, drawn.items(), strict=True):
        for name, rows in curves.items():
            x, value, low, high = rows.T
            colour, marker, line = looks[name]
            ax.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
            ax.plot(x, value, color=colour, marker=marker, markersize=4, linestyle=line, lw=1.8)
        ax.set_title(title, fontsize=11.5)
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.xaxis.set_major_locator(FixedLocator([5, 20, 40, 60]))
    fig.supxlabel("characters in the stretch", color=axes[0].xaxis.label.get_color(), size=12.5)
    _key(fig, looks)
    return fig


@style()
def longest_copies(panels: Mapping[str, Mapping]) -> Figure:
    """The longest copied run of a text against temperature, in characters, a panel a corpus.

    panels: title to `temperature`, `median` and `max` over samples, `real_median` and `real_max`
    over as many real texts. The axis is logarithmic and the same for all.
    """
    if not panels:
        return nothing("nothing was measured")
    looks = {
        "samples, median": (MODEL, "o", "-"),
        "samples, longest": (MODEL, "^", ":"),
        "real text, median": (REAL, "", DASHES),
        "real text, longest": (REAL, "", ":"),
    }
    fig, axes = _grid(len(panels), rows_high=1.9)
    for ax, (title, rows) in zip(axes, panels.items(), strict=True):
        lines = (rows["median"], rows["max"], rows["real_median"], rows["real_max"])
        for y, (colour, marker, line) in zip(lines, looks.values(), strict=True):
            x = rows["temperature"]
            y = np.broadcast_to(np.maximum(y, 1), np.shape(x))  # there is no logarithm of 0
            ax.plot(x, y, color=colour, marker=marker, markersize=3.5, linestyle=line, lw=1.6)
        ax.set_title(title, fontsize=11.5)
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(ScalarFormatter())
        ax.yaxis.set_major_locator(FixedLocator([1, 3, 10, 30, 100, 300, 1000]))
        ax.yaxis.set_minor_locator(NullLocator())
    fig.supxlabel("temperature", color=axes[0].xaxis.label.get_color(), size=12.5)
    _key(fig, looks)
    return fig


def _rows(curve: Mapping[str, Mapping | None]) -> np.ndarray:
    """Rows (length, value, low, high) of what was measured."""
    keys = ("value", "low", "high")
    known = {int(n): s for n, s in curve.items() if s and s["value"] is not None}
    return np.array([[n, *(s[k] for k in keys)] for n, s in known.items()]).reshape(-1, 4)


def _looks(names: Sequence[str]) -> dict[str, tuple]:
    """Colour, marker and line of each curve: temperatures from cold to hot, and the yardstick."""
    drawn = [n for n in names if n != REAL_TEXT]
    steps = np.linspace(0, 1, max(2, len(drawn)))
    looks = {
        name: (COLD_TO_HOT(steps[i]), MARKERS[i % len(MARKERS)], "-")
        for i, name in enumerate(drawn)
    }
    return looks | ({REAL_TEXT: (REAL, "X", DASHES)} if REAL_TEXT in names else {})


def _grid(count: int, rows_high: float) -> tuple[Figure, list[Axes]]:
    """A figure of `count` small panels, three a row, and their axes; scales are shared."""
    across = min(ACROSS, count)
    down = -(-count // across)
    fig = Figure(figsize=(WIDTH, 0.9 + rows_high * down), layout="constrained")
    axes = fig.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    for ax in axes[count:]:
        ax.axis("off")
    for ax in axes[max(0, count - across) : count]:  # the lowest of each column has the numbers
        ax.tick_params(labelbottom=True)
    return fig, list(axes[:count])


def _key(fig: Figure, looks: Mapping[str, tuple]) -> None:
    """The names of the curves above the panels, in their colours."""
    handles = [
        Line2D([], [], color=c, marker=m, linestyle=line, markersize=6, linewidth=1.8)
        for c, m, line in looks.values()
    ]
    colours = [look[0] for look in looks.values()]
    fig.legend(handles, list(looks), labelcolor=colours, frameon=False, loc="outside upper left",
               ncols=min(5, len(looks)), fontsize=10.5, handlelength=1.8, columnspacing=1.2,
               borderaxespad=0)  # fmt: skip
