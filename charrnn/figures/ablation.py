"""Changes to a program, and what each is worth: effects with their intervals, and two trainings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from charrnn.figures.look import DASHES, INK, PALETTE, blank, colour_key, style, write
from charrnn.figures.measures import nothing

MARKERS = ("o", "D")
"""Of the first and the second kind of rows."""
APART = 0.17
"""How far a row's two kinds stand above and below its middle; rows are 1 apart."""


@style()
def which_mattered(panels: Mapping[str, Sequence[Mapping]]) -> Figure:
    """What each of some changes does to a loss, with its interval: a panel a text, a row a change.

    panels: title to rows of `name` (of the change), `kind` (at most two: how the loss was taken),
    `value`, `low` and `high`, in nats per character; below zero is a lower loss. Panels have one
    scale. ValueError: an interval that doesn't hold its value, more than two kinds.
    """
    if not panels or not any(panels.values()):
        return nothing("nothing was trained")
    rows = [row for panel in panels.values() for row in panel]
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    if len(kinds) > len(MARKERS):
        raise ValueError(f"{len(kinds)} kinds of rows; at most {len(MARKERS)} stand side by side")
    names = list(dict.fromkeys(row["name"] for row in rows))
    height = 1.0 + (0.75 + 0.52 * len(names)) * len(panels)
    fig, axes = blank(height, len(panels), squeeze=False, sharex=True)
    for ax, (title, panel) in zip(axes[:, 0], panels.items(), strict=True):
        for row in panel:
            _interval(ax, row, names.index(row["name"]), kinds.index(row["kind"]), len(kinds))
        _rows(ax, names, title)
    room = max(max(abs(row[end]) for end in ("low", "high")) for row in rows) or 1.0
    low, high = min(row["low"] for row in rows), max(row["high"] for row in rows)
    axes[-1, 0].set_xlim(min(low, 0) - 0.06 * room, max(high, 0) + 0.06 * room)
    axes[-1, 0].set_xlabel("change of the held-out loss, nats a character")
    axes[-1, 0].xaxis.set_major_locator(MaxNLocator(5))
    axes[-1, 0].xaxis.set_major_formatter(FuncFormatter(_signed))
    entries = [(k, c, m) for k, c, m in zip(kinds, PALETTE, MARKERS, strict=False)]
    colour_key(axes[0, 0], entries, loc="lower left", bbox_to_anchor=(0, 1.16), ncols=len(kinds))
    return fig


def _interval(ax: Axes, row: Mapping, place: int, kind: int, kinds: int) -> None:
    """A mark at a value and a line over its interval."""
    value, low, high = row["value"], row["low"], row["high"]
    if not low <= value <= high:
        raise ValueError(f"{row['name']}: {low} to {high} does not hold {value}")
    y = place + (2 * kind - kinds + 1) * APART
    ax.plot((low, high), (y, y), color=PALETTE[kind], linewidth=3.4, alpha=0.45)
    ax.plot(value, y, MARKERS[kind], color=PALETTE[kind], markersize=8)


def _rows(ax: Axes, names: Sequence[str], title: str) -> None:
    ax.axvline(0, color=INK, linewidth=1.3, linestyle=DASHES)
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(len(names) - 0.5, -0.5), title=title)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=INK, alpha=0.25)


def _signed(value: float, _place: int) -> str:
    """A tick of a scale of differences: "−0.02", "0", "+0.02"."""
    return "0" if abs(value) < 1e-9 else f"{value:+g}".replace("-", "\N{MINUS SIGN}")


@style()
def two_programs(panels: Mapping[str, Mapping[str, Mapping]], marks: Sequence[int] = ()) -> Figure:
    """Trainings by step, on a logarithmic axis: a panel a measure, a curve a program.

    panels: title to at most four curves, each a name to `step`, `mean`, `low` and `high`, flat and
    of one length; low to high (the range over seeds) is shaded. marks: steps to point out.
    """
    if not panels or not any(panels.values()):
        return nothing("nothing was trained")
    fig, axes = blank(0.9 + 2.6 * len(panels), len(panels), squeeze=False, sharex=True)
    for ax, (title, curves) in zip(axes[:, 0], panels.items(), strict=True):
        if len(curves) > len(PALETTE):
            raise ValueError(f"{len(curves)} curves; at most {len(PALETTE)} have a colour")
        for number, (name, curve) in enumerate(curves.items()):
            _course(ax, name, curve, PALETTE[number])
            write(ax, name, (0.985, 0.92 - 0.12 * number), PALETTE[number], ha="right",
                  va="center", xycoords="axes fraction", fontsize=11.5)  # fmt: skip
        for step in marks:
            ax.axvline(step, color=INK, linewidth=0.9, linestyle=DASHES, alpha=0.6)
        ax.set(title=title, xscale="log")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
        ax.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
        ax.grid(axis="y", color=INK, alpha=0.25)
    axes[-1, 0].set_xlabel("iteration")
    return fig


def _course(ax: Axes, name: str, curve: Mapping, colour: str) -> None:
    parts = [np.asarray(curve[k], dtype=float) for k in ("step", "mean", "low", "high")]
    if len({part.shape for part in parts}) > 1 or parts[0].ndim != 1:
        raise ValueError(f"{name}: shapes {[p.shape for p in parts]}; they must be equal and flat")
    step, mean, low, high = parts
    ax.fill_between(step, low, high, color=colour, alpha=0.25, linewidth=0)
    ax.plot(step, mean, color=colour, marker="o" if len(step) == 1 else None)
