"""A network beside what counts, matches or reads along: losses in bits a character."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from charrnn.figures.look import DASHES, INK, PALETTE, REAL, blank, style, write
from charrnn.figures.measures import nothing

HUES = (PALETTE[0], REAL)
"""Of the network, and of what it is held against."""


@style()
def by_order(panels: Mapping[str, Mapping]) -> Figure:
    """The loss of n-grams by their order, beside a network's: a panel a text, one to three.

    panels: name to `curves`, each a name to losses by order, and `levels`, each a name to a loss
    that doesn't depend on it. All in one unit; ValueError where a loss is not finite.
    """
    if not panels:
        return nothing("no n-gram was counted")
    fig, axes = blank(3.3 * len(panels), len(panels), squeeze=False)
    for ax, (title, panel) in zip(axes[:, 0], panels.items(), strict=True):
        names, lowest, last = [], [*panel["levels"].values()], 1.0
        for (name, losses), colour in zip(panel["curves"].items(), PALETTE[1:], strict=False):
            orders, values = _finite(f"{title}, {name}", losses)
            ax.plot(orders, values, "-o", color=colour, markersize=4.5)
            best = int(values.argmin())
            names.append((f"{name}: {values[best]:.3f} with {orders[best]:.0f}", colour))
            lowest, last = [*lowest, values[best]], max(last, orders[-1])
        for name, loss in panel["levels"].items():
            _finite(f"{title}, {name}", {0: loss})
            ax.axhline(loss, color=PALETTE[0], linewidth=1.6, linestyle=DASHES)
            names.append((f"{name}: {loss:.3f}", PALETTE[0]))
        low = min(lowest)
        ax.set(title=title, xlim=(0.6, last + 0.4), ylim=(low - 0.12, low + 1.1))
        _named(ax, names)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[-1, 0].set_xlabel("characters of the n-gram")
    return fig


def _finite(what: str, losses: Mapping) -> tuple[np.ndarray, np.ndarray]:
    orders = np.array([float(order) for order in losses])
    values = np.array(list(losses.values()), dtype=float)
    if not np.isfinite(values).all():
        raise ValueError(f"{what}: a loss is not finite")
    return orders, values


def _named(ax: Axes, names: Sequence[tuple[str, str]]) -> None:
    """Names in their colours, one below the other in the upper right corner."""
    for number, (name, colour) in enumerate(names):
        write(ax, name, (0.985, 0.94 - 0.1 * number), colour, ha="right", va="center",
              xycoords="axes fraction", fontsize=11.5)  # fmt: skip


@style()
def ladder(rows: Sequence[Mapping], unit: str = "bits a character") -> Figure:
    """Losses from the highest to the lowest, a row each, with its value beside it.

    rows: dicts of `name`, `value`, `kind` (rows of a kind share a colour, at most four kinds) and,
    optionally, `low` and `high`. ValueError where an interval doesn't hold its value.
    """
    if not rows:
        return nothing("nothing was measured")
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    if len(kinds) > len(PALETTE):
        raise ValueError(f"{len(kinds)} kinds of rows; at most {len(PALETTE)} have a colour")
    ordered = sorted(rows, key=lambda row: -row["value"])
    fig, ax = blank(0.9 + 0.42 * len(rows))
    for place, row in enumerate(ordered):
        value, colour = row["value"], PALETTE[kinds.index(row["kind"])]
        low, high = row.get("low", value), row.get("high", value)
        if not low <= value <= high:
            raise ValueError(f"{row['name']}: {low} to {high} does not hold {value}")
        ax.plot((low, high), (place, place), color=colour, linewidth=4, alpha=0.4)
        ax.plot(value, place, "o", color=colour, markersize=9)
        write(ax, f"{value:.3f}", (value, place), colour, (9, 0), va="center")
    values = [row["value"] for row in rows]
    room = max(0.1, max(values) - min(values))
    ax.set(xlim=(min(values) - 0.06 * room, max(values) + 0.2 * room), xlabel=unit)
    ax.set(ylim=(len(rows) - 0.4, -0.6))
    ax.set_yticks(range(len(rows)), [row["name"] for row in ordered])
    for label, row in zip(ax.get_yticklabels(), ordered, strict=True):
        label.set_color(PALETTE[kinds.index(row["kind"])])
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=INK, alpha=0.25)
    return fig


@style()
def closing(panels: Mapping[str, Mapping]) -> Figure:
    """Share of closing marks that were likely, by the distance from the mark they close.

    panels: name to the part of measures.json that `charrnn.measure.yardsticks.closing` makes, one
    to three. The first side is drawn in the model's colour. Bars are Wilson's 95 % intervals, the
    small numbers how many marks stand behind a point.
    """
    panels = {name: p for name, p in panels.items() if any(p["count"])}
    if not panels:
        return nothing("no closing mark in the held-out text")
    fig, axes = blank(3.4 * len(panels), len(panels), squeeze=False)
    for ax, (title, found) in zip(axes[:, 0], panels.items(), strict=True):
        kept = [i for i, n in enumerate(found["count"]) if n]
        x = np.array([max(1.0, found["distance"][i]) for i in kept])
        sides = _sides(found)
        for name, colour, dodge in zip(sides, HUES, (0.97, 1.03), strict=False):
            shares = [found[name]["likely"][i] for i in kept]
            y = np.array([s["value"] for s in shares])
            bars = [y - [s["low"] for s in shares], np.array([s["high"] for s in shares]) - y]
            ax.errorbar(dodge * x, y, yerr=np.maximum(bars, 0), fmt="-o", color=colour,
                        markersize=5, elinewidth=1.4, capsize=0)  # fmt: skip
        _named(ax, [*zip(sides, HUES, strict=False)])
        for place, i in zip(x, kept, strict=True):
            write(ax, f"{found['count'][i]:,}", (place, 0.02), INK, ha="center", fontsize=9.5,
                  xycoords=("data", "axes fraction"))  # fmt: skip
        ax.set(xscale="log", xlim=(0.8 * x[0], 1.25 * x[-1]), ylim=(-0.1, 1.04), title=title)
        ax.set_yticks((0, 0.25, 0.5, 0.75, 1))
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.xaxis.set_major_formatter(lambda v, _: f"{v:,.10g}".replace(",", " "))
    axes[-1, 0].set_xlabel("characters between the two marks")
    return fig


def _sides(found: Mapping) -> list[str]:
    return [name for name, side in found.items() if isinstance(side, dict) and "likely" in side]
