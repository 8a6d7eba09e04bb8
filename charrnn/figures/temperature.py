"""What the temperature divides: texts and predictions both ways, against the temperature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator, PercentFormatter

from charrnn.figures.look import BLUE, DASHES, INK, ORANGE, PINK, TEAL, blank, style
from charrnn.figures.measures import nothing

LOOKS = ((BLUE, "o", "-"), (PINK, "D", DASHES))
"""Colour, marker and line of the two ways."""
HUES = (BLUE, ORANGE, TEAL, PINK, INK)
MARKERS = "osDv^P"
DODGE = 0.07
"""How far the two ways stand apart, so that neither hides the other; places are 1 apart."""


@style()
def divided(
    temperatures: Sequence[float],
    shares: Mapping[str, Mapping[str, Sequence[Mapping | None]]],
    distances: Mapping[str, Sequence[Mapping | None]],
) -> Figure:
    """Shares of texts drawn in two ways, a panel each, and below them how far the predictions of
    the two ways lie apart, a line a network, on a logarithmic axis.

    shares: title to two curves, each a name and, for every temperature, `value`, `low` and `high`,
    or None. distances: network to the same, at most six. A distance of 0 has no place on the axis.
    Temperatures stand at equal steps, whatever their size. ValueError: a curve of another length,
    more than two ways, more than six networks.
    """
    if not temperatures:
        return nothing("nothing was drawn")
    _check(temperatures, shares, distances)
    count = len(shares) + 1
    fig, axes = blank(1.1 + 2.55 * count, count, sharex=True, squeeze=False)
    for ax, (title, ways) in zip(axes[:, 0], shares.items(), strict=False):
        for (name, rows), look, side in zip(ways.items(), LOOKS, (-1, 1), strict=False):
            _curve(ax, rows, look, side * DODGE, name)
        ax.set_title(title, pad=28)
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
        ax.yaxis.set_major_locator(MaxNLocator(4))
        ax.set_ylim(bottom=min(0, ax.get_ylim()[0]))
        _key(ax)
    _apart(axes[-1, 0], distances)
    axes[-1, 0].set_xticks(range(len(temperatures)), [f"{t:g}" for t in temperatures])
    axes[-1, 0].tick_params(axis="x", labelsize=11)
    axes[-1, 0].set_xlabel("temperature")
    return fig


def _check(temperatures: Sequence, shares: Mapping, distances: Mapping) -> None:
    curves = {f"{title}, {n}": rows for title, ways in shares.items() for n, rows in ways.items()}
    for name, rows in (curves | dict(distances)).items():
        if len(rows) != len(temperatures):
            raise ValueError(f"{name}: {len(rows)} points for {len(temperatures)} temperatures")
    most = max([len(ways) for ways in shares.values()], default=0)
    if most > len(LOOKS) or len(distances) > len(MARKERS):
        raise ValueError(
            f"{most} ways and {len(distances)} networks; there are looks for {len(LOOKS)} ways and "
            f"{len(MARKERS)} networks"
        )


def _curve(ax: Axes, rows: Sequence[Mapping | None], look: tuple, dodge: float, name: str) -> None:
    """A line through what is known, with its intervals."""
    colour, marker, line = look
    known = [(place, row) for place, row in enumerate(rows) if row and row["value"] is not None]
    if not known:
        return
    x = np.array([place for place, _ in known]) + dodge
    value, low, high = (np.array([row[k] for _, row in known]) for k in ("value", "low", "high"))
    bars = np.maximum([value - low, high - value], 0)
    ax.errorbar(x, value, yerr=bars, color=colour, marker=marker, linestyle=line, markersize=5.5,
                linewidth=1.8, elinewidth=1.6, label=name)  # fmt: skip


def _apart(ax: Axes, distances: Mapping[str, Sequence[Mapping | None]]) -> None:
    ax.set_yscale("log")
    for number, (name, rows) in enumerate(distances.items()):
        seen = [row if row and row["value"] > 0 else None for row in rows]
        kept = [row and {**row, "low": max(row["low"], row["value"] / 10)} for row in seen]
        look = (HUES[number % len(HUES)], MARKERS[number], "-" if number < len(HUES) else DASHES)
        _curve(ax, kept, look, 0, name)
    lines = -(-len(distances) // 2)
    ax.set_title("KL divergence of the two predictions, nats a character", pad=10 + 19 * lines)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    ax.yaxis.set_minor_locator(NullLocator())
    _key(ax)


def _key(ax: Axes) -> None:
    """The names of the curves above the panel, two a row, in their colours."""
    drawn, names = ax.get_legend_handles_labels()
    looks = [bar[0] for bar in drawn]
    handles = [
        Line2D([], [], color=line.get_color(), marker=line.get_marker(), markersize=6,
               linestyle=line.get_linestyle(), linewidth=1.8)
        for line in looks
    ]  # fmt: skip
    if names:
        ax.legend(handles, names, labelcolor=[line.get_color() for line in looks], frameon=False,
                  loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=11,
                  handlelength=2, columnspacing=1.2, borderaxespad=0.1)  # fmt: skip
