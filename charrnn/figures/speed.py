"""Programs side by side at one task: how fast each is, at what cost, and below which bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from charrnn.figures.curves import spread
from charrnn.figures.look import (
    DASHES,
    INK,
    MODEL,
    PALETTE,
    REAL,
    blank,
    colour_key,
    style,
    write,
)
from charrnn.figures.measures import nothing

FAR = 6
"""Times the lowest value that the highest one is, before `race` goes over to a log scale."""


@style()
def race(rows: Sequence[Mapping], unit: str, bounds: Mapping[str, float] | None = None) -> Figure:
    """How many of `unit` each side does, from the slowest to the fastest, a row each.

    The scale begins at 0 where all lie within a factor of `FAR`, and is logarithmic elsewhere.

    rows: dicts of `name`, `value`, `low`, `high` (the ends of the rounds) and `ours`, whether it is
    drawn in the model's colour. bounds: what the machine could do at most, by name, dashed.
    ValueError where an interval doesn't hold its value, or a value is not above 0.
    """
    if not rows:
        return nothing("nothing was measured")
    bounds = dict(bounds or {})
    ordered = sorted(rows, key=lambda row: row["value"])
    fig, ax = blank(1.0 + 0.42 * len(rows) + 0.35 * len(bounds))
    for place, row in enumerate(ordered):
        value, low, high = row["value"], row["low"], row["high"]
        if not 0 < low <= value <= high:
            raise ValueError(
                f"{row['name']}: {low} to {high} does not hold {value}, or is not above 0"
            )
        colour = MODEL if row["ours"] else REAL
        ax.plot((low, high), (place, place), color=colour, linewidth=4, alpha=0.4)
        ax.plot(value, place, "o", color=colour, markersize=9)
        write(ax, short(value), (value, place), colour, (9, 0), va="center")
    _scaled(ax, [r[end] for r in rows for end in ("low", "high")] + list(bounds.values()))
    ax.set(xlabel=unit, ylim=(len(rows) - 0.4, -0.6 - 0.9 * len(bounds)))
    for number, (name, bound) in enumerate(sorted(bounds.items(), key=lambda item: -item[1])):
        ax.axvline(bound, color=INK, linewidth=1.4, linestyle=DASHES)
        at = (bound, -0.95 - 0.9 * number)  # each on a line of its own
        write(ax, f"{name}: {short(bound)}", at, INK, (-6, 0), ha="right", va="center")
    ax.set_yticks(range(len(rows)), [row["name"] for row in ordered])
    for label, row in zip(ax.get_yticklabels(), ordered, strict=True):
        label.set_color(MODEL if row["ours"] else REAL)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    _plain_numbers(ax.xaxis)
    ax.grid(axis="x", color=INK, alpha=0.25)
    return fig


def _scaled(ax: Axes, values: Sequence[float]) -> None:
    """The x axis of `race`, with room for what is written right of the largest value."""
    low, high = min(values), max(values)
    if high / low <= FAR:
        ax.set_xlim(0, 1.2 * high)
        return
    room = (high / low) ** 0.17
    ax.set(xscale="log", xlim=(low / room**0.3, high * room))
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 3) if high / low > 30 else (1, 2, 5)))


def short(value: float) -> str:
    """A rate or a ratio as it is read aloud: 12,300 and 2.31, three figures that count."""
    digits = max(0, 2 - int(np.floor(np.log10(value)))) if value < 100 else 0
    rounded = value if value < 1000 else float(f"{value:.3g}")
    return f"{rounded:,.{digits}f}"


def _plain_numbers(axis) -> None:
    """1,000 instead of powers of ten, and nothing at the small ticks."""
    axis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axis.set_minor_formatter(NullFormatter())


@style()
def cost_curves(panels: Mapping[str, Mapping[str, Mapping[float, float]]], unit: str) -> Figure:
    """What something costs over one size at a time: a panel each, both axes on a log scale.

    panels: name of what changes to sides, each a name to values by size.
    """
    if not panels:
        return nothing("nothing was measured")
    rows = -(-len(panels) // 2)
    fig, axes = blank(0.4 + 2.75 * rows, rows, ncols=2, squeeze=False, sharey=True)
    hues = (MODEL, REAL, *PALETTE[2:])
    for ax, (name, sides) in zip(axes.flat, panels.items(), strict=False):
        for found, colour in zip(sides.values(), hues, strict=False):
            x = np.array(list(found), dtype=float)
            y = np.array(list(found.values()), dtype=float)
            ax.plot(x, y, "-o", color=colour, markersize=5)
        ax.set(xscale="log", yscale="log", title=name)
        ax.minorticks_off()
        ax.set_xticks(x, [f"{value:g}" for value in x], fontsize=10)
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
        _plain_numbers(ax.yaxis)
        ax.grid(axis="y", color=INK, alpha=0.25)
    names = next(iter(panels.values()))
    key = [(side, colour, ".") for side, colour in zip(names, hues, strict=False)]
    colour_key(axes.flat[0], key, loc="upper left", fontsize=11)
    for ax in axes.flat[len(panels) :]:
        ax.set_visible(False)
    for ax in axes[:, 0]:
        ax.set_ylabel(unit, fontsize=11)
    return fig


@style()
def caches(reading: Mapping[str, Mapping[float, float]], sizes: Mapping[str, float]) -> Figure:
    """Gigabytes a second that are read, by how much is read again and again.

    reading: name (of a number of threads) to speeds by megabytes. sizes: megabytes that a network's
    weights take, by name, as dashed lines.
    """
    if not reading:
        return nothing("no reading speed was measured")
    fig, ax = blank(4.0)
    for (name, found), colour in zip(reading.items(), (REAL, MODEL, *PALETTE[2:]), strict=False):
        x, y = np.array(list(found), dtype=float), np.array(list(found.values()), dtype=float)
        ax.plot(x, y, "-o", color=colour, markersize=5)
        write(ax, name, (x[0], y[0]), colour, (4, 9), fontsize=11.5)
    top = max(max(found.values()) for found in reading.values())
    for number, (name, size) in enumerate(sorted(sizes.items(), key=lambda item: item[1])):
        ax.axvline(size, color=INK, linewidth=1.3, linestyle=DASHES)
        left = number % 2 == 0  # one on either side, so that no line crosses a name
        write(ax, name, (size, 1.2 * top), INK, (-5 if left else 5, 0), fontsize=11, va="center",
              ha="right" if left else "left")  # fmt: skip
    ax.set(xscale="log", ylim=(0, 1.27 * top), xlabel="megabytes that are read again and again")
    ax.set_title("gigabytes a second")
    _plain_numbers(ax.xaxis)
    ax.grid(axis="y", color=INK, alpha=0.25)
    return fig


@style()
def distances(curves: Mapping[str, Mapping[float, float]], what: str) -> Figure:
    """How far trainings are from a first one, over their steps, on a log scale; one to four."""
    if not curves:
        return nothing("no training was compared")
    fig, ax = blank(3.6)
    ends = []
    for (name, found), colour in zip(curves.items(), PALETTE, strict=False):
        x, y = np.array(list(found), dtype=float), np.array(list(found.values()), dtype=float)
        y = np.maximum(y, 1e-7)  # equal to the last bit has no logarithm
        ax.plot(x, y, "-o", color=colour, markersize=4)
        ends.append((float(np.log(y[-1])), name, colour))
    ax.set(yscale="log", xlabel="steps", title=what, xlim=(0, 1.5 * x[-1]))
    _plain_numbers(ax.yaxis)
    ax.set_xticks([tick for tick in ax.get_xticks() if tick <= x[-1]])
    low, high = np.log(ax.get_ylim())
    ends.sort()
    places = spread([(e[0] - low) / (high - low) for e in ends], [0.1] * len(ends))
    for place, (_, name, colour) in zip(places, ends, strict=True):
        at = (1.02 * x[-1], float(np.exp(low + place * (high - low))))
        write(ax, name, at, colour, va="center", fontsize=11.5)
    ax.spines["bottom"].set_bounds(0, x[-1])
    ax.grid(axis="y", color=INK, alpha=0.25)
    return fig
