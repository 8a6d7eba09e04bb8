"""Names: how many are new, how far they are from known ones, how they begin and end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from charrnn.figures.look import (
    DASHES,
    INK,
    MODEL,
    MONO,
    REAL,
    TEAL,
    blank,
    colour_key,
    paired,
    style,
    visible,
    write,
)
from charrnn.figures.measures import nothing


@style()
def new_names(
    temperature: ArrayLike, exact: ArrayLike, drawn: ArrayLike, low: ArrayLike, high: ArrayLike
) -> Figure:
    """The share of new names against temperature: as the network's probabilities give it (a line)
    and as counted among drawn names (points with their intervals)."""
    t, line = paired("exact", temperature, exact)
    dots, least, most = (paired("drawn", t, values)[1] for values in (drawn, low, high))
    fig, ax = blank(3.9)
    ax.axhline(0.9, color=INK, linewidth=1.5, linestyle=DASHES)
    write(ax, "the post: 90 %", (t[0], 0.9), INK, (0, 5))
    ax.plot(t, line, color=MODEL)
    ax.errorbar(t, dots, (dots - least, most - dots), fmt="o", color=TEAL, markersize=5,
                elinewidth=1.6, linewidth=0)  # fmt: skip
    ax.set(xlabel="temperature", ylim=(0, 1.04))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_title("share of names that the training list lacks", pad=28)
    entries = [("summed over the list", MODEL, "s"), ("counted among drawn names", TEAL, "s")]
    colour_key(ax, entries, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return fig


@style()
def name_distances(rows: Mapping[str, Mapping[str, Mapping | None]]) -> Figure:
    """How many letters new names are away from the nearest name of the training list.

    rows: at most three series, by name, each a distance ("1", "2", ...) to a share as in
    measures.json; the last one is real names'.
    """
    if not 1 <= len(rows) <= 3:
        raise ValueError(f"{len(rows)} series; one figure holds 1 to 3")
    if any(share["value"] is None for row in rows.values() for share in row.values()):
        return nothing("no new name to measure: train for longer, or differently")
    fig, ax = blank(3.7)
    colours = dict(zip(rows, [*(MODEL, TEAL)[: len(rows) - 1], REAL], strict=True))
    width = 0.8 / len(rows)
    for i, (name, row) in enumerate(rows.items()):
        at = np.arange(len(row)) + (i - (len(rows) - 1) / 2) * width
        value, low, high = (
            np.array([s[k] for s in row.values()]) for k in ("value", "low", "high")
        )
        ax.bar(at, value, width * 0.9, color=colours[name], alpha=0.6, linewidth=0)
        ax.vlines(at, low, high, color=colours[name], linewidth=2)
    *places, last = next(iter(rows.values()))
    ax.set_xticks(range(len(places) + 1), [*places, f"{last} and more"])
    ax.set_xlabel("letters to change")
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_title("from a new name to the nearest of the training list", pad=28)
    entries = [(name, colour, "s") for name, colour in colours.items()]
    colour_key(ax, entries, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return fig


@style()
def name_parts(panels: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Figure:
    """How often names begin with a letter, or end in two, in three lists.

    panels: title to `model`, `training` and `held_out`, each a part to its frequency, with the same
    parts in the same order.
    """
    if not panels or not all(table["training"] for table in panels.values()):
        return nothing("no names to count")
    fig, axes = blank(0.7 + 2.3 * len(panels), len(panels), squeeze=False)
    for ax, (title, table) in zip(axes[:, 0], panels.items(), strict=True):
        parts = list(table["training"])
        x = np.arange(len(parts))
        ax.bar(x, [table["model"][p] for p in parts], 0.7, color=MODEL, alpha=0.45, linewidth=0)
        for key, marker, colour in (("training", "_", REAL), ("held_out", "x", INK)):
            values = [table[key][p] for p in parts]
            ax.plot(x, values, color=colour, marker=marker, linestyle="", markersize=11 if marker
                    == "_" else 5, markeredgewidth=3 if marker == "_" else 1.6)  # fmt: skip
        shown = ["".join(map(visible, part)) for part in parts]
        ax.set_xticks(x, shown, fontfamily=MONO, fontsize=11)
        ax.tick_params(axis="x", length=0)
        ax.margins(x=0.01)
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.set_title(title, pad=28 if ax is axes[0, 0] else 9)
    entries = [("drawn", MODEL, "s"), ("training list", REAL, "_"), ("held-out list", INK, "x")]
    colour_key(axes[0, 0], entries, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return fig


@style()
def spelled_name(letters: Sequence[str], probabilities: ArrayLike) -> Figure:
    """A name letter by letter, each with the probability it had after the ones before it; the last
    is the line end. A logarithmic axis: heights are factors, and they multiply."""
    x, p = paired("probabilities", np.arange(len(letters)), probabilities)
    if not len(p) or p.min() <= 0:
        raise ValueError("give a name's letters and its line end, each with a probability above 0")
    fig, ax = blank(3.3)
    least = min(1e-3, 10 ** np.floor(np.log10(p.min()) - 0.3))
    ax.bar(x, p - least, 0.7, bottom=least, color=MODEL, alpha=0.5, linewidth=0)
    for place, value in zip(x, p, strict=True):
        text = f"{value:.0%}" if value >= 0.0095 else f"{100 * value:.1g}%"
        write(ax, text, (place, value), MODEL, (0, 3), ha="center", va="bottom", fontsize=11)
    ax.set(yscale="log", ylim=(least, 3))
    ax.yaxis.set_major_formatter(lambda y, _: f"{y:.0%}" if y >= 0.01 else f"{100 * y:g}%")
    ax.set_xticks(x, [visible(letter) for letter in letters], fontfamily=MONO, fontsize=15)
    ax.tick_params(axis="x", length=0)
    ax.margins(x=0.02 if len(letters) > 4 else 0.5)
    ax.set_title("probability of each letter, given those before it")
    return fig
