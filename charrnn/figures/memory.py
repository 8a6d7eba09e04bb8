"""How long a network remembers: its gates, its gradients, what becomes of a changed state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, PercentFormatter
from numpy.typing import ArrayLike

from charrnn.figures.look import (
    DASHES,
    INK,
    MODEL,
    PALETTE,
    PINK,
    blank,
    colour_key,
    paired,
    style,
    write,
)
from charrnn.figures.measures import nothing
from charrnn.figures.neurons import named_curves

SHAPES = ("o", "^", "s", "D")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LEFT = {"xycoords": ("axes fraction", "data"), "va": "bottom"}
FIRST, EVER = 0.5, 1e9  # characters: where an axis begins, and further right than any


@style()
def half_lives(layers: Mapping[str, ArrayLike]) -> Figure:
    """How many cells still hold half of what they held, after so many characters.

    layers: at most five, name to the half-lives of its cells (N,) in characters, above 0: inf for
    a cell that never forgets, NaN where there is none (left out). Medians stand by the names.
    """
    if not layers:
        return nothing("too little text to follow gates in")
    curves, finite = {}, []
    for name, lives in layers.items():
        lives = np.asarray(lives, dtype=float)
        known = np.sort(lives[~np.isnan(lives)])
        if lives.ndim != 1 or not len(known) or known[0] <= 0:
            raise ValueError(
                f"{name}: shape {lives.shape}; it must be flat and hold half-lives, all above 0"
            )
        finite += known[np.isfinite(known)].tolist()
        x = np.minimum([min(FIRST, known[0]), *known, known[-1]], EVER)
        left = 1 - np.arange(len(known)) / len(known)  # of the cells, at least as long
        curves[f"{name}: median {np.median(known):.3g}"] = (x, [1, *left, 0])
    fig, ax = blank(4.2)
    named_curves(ax, curves, "cells that still hold half after so many characters", "steps-pre")
    ax.axhline(0.5, color=INK, linewidth=1.3, linestyle=DASHES)
    ax.set(xscale="log", xlim=(FIRST, 1.1 * max([10, *finite])), ylim=(0, 1.03))
    ax.set_xlabel("characters")
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.10g}".replace(",", " "))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return fig


@style()
def saturation(gates: Mapping[str, Mapping[str, tuple[ArrayLike, ArrayLike]]]) -> Figure:
    """How often gates stand open and shut: a panel a gate, a mark a unit.

    gates: one to three, name to layers (one to four), each a name to two (N,): the fraction of
    time that each unit's gate is right-saturated (above 0.9), and left-saturated (below 0.1); as
    in Karpathy, Johnson & Fei-Fei (2015). The two sum to 1 at most: the line is where they do.
    """
    if not gates:
        return nothing("too little text to follow gates in")
    layers = list(dict.fromkeys(name for gate in gates.values() for name in gate))
    if not 1 <= len(gates) <= 3 or not 1 <= len(layers) <= len(PALETTE):
        raise ValueError(f"{len(gates)} gates of {len(layers)} layers; one figure holds 1 to 3 of "
                         f"1 to {len(PALETTE)}")  # fmt: skip
    entries = [(n, c, m) for n, c, m in zip(layers, PALETTE, SHAPES, strict=False)]
    fig, axes = blank(3.5, 1, ncols=len(gates), sharey=True, squeeze=False)
    for ax, (gate, found) in zip(axes[0], gates.items(), strict=True):
        for name, colour, shape in entries:
            if name in found:
                right, left = _fractions(f"{gate}, {name}", *found[name])
                ax.plot(right, left, shape, color=colour, markersize=5.5, alpha=0.55,
                        markeredgewidth=0, clip_on=False, label=name)  # fmt: skip
        ax.plot((0, 1), (1, 0), color=INK, linewidth=1, linestyle=DASHES)
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="above 0.9")
        ax.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
        ax.set_yticks((0, 0.5, 1), ("0", "0.5", "1"))
        write(ax, gate, (1, 1), INK, ha="right", va="top")
    first = axes[0, 0]
    first.set_ylabel("below 0.1")
    first.set_title("fraction of the time that a unit's gate is", pad=34)
    key = first.legend(loc="lower left", bbox_to_anchor=(0, 1.02), ncols=4, frameon=False,
                       markerscale=1.6, handletextpad=0.1, columnspacing=1, borderaxespad=0,
                       labelcolor="markerfacecolor")  # fmt: skip
    key.set_in_layout(False)  # it reaches over the panels beside
    return fig


def _fractions(what: str, right: ArrayLike, left: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    right, left = paired(what, right, left)
    if (np.minimum(right, left) < 0).any() or (right + left > 1 + 1e-6).any():
        raise ValueError(f"{what}: fractions below 0, or that sum to more than 1")
    return right, left


@style()
def connectivity(distance: ArrayLike, curves: Mapping[str, ArrayLike]) -> Figure:
    """How far back a prediction's gradient reaches: both axes logarithmic.

    distance (K,): characters back, from 1; curves: at most five, name to the mean size of the
    gradient (K,); where it is 0 or NaN there is a gap.
    """
    if np.min(distance, initial=1) < 1:
        raise ValueError(f"a distance is {np.min(distance):g}; allowed are 1 and more")
    fig, ax = blank(4.2)
    sizes = {name: np.asarray(curve, dtype=float) for name, curve in curves.items()}
    shown = {name: (distance, np.where(size > 0, size, np.nan)) for name, size in sizes.items()}
    named_curves(ax, shown, "mean size of the gradient")
    ax.set(xscale="log", yscale="log", xlabel="characters back")
    top = ax.get_ylim()[1]
    ax.set_ylim(max(ax.get_ylim()[0], 1e-9 * top), top)
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    ax.yaxis.set_major_formatter(lambda y, _: f"10{f'{np.log10(y):.0f}'.translate(_RAISED)}")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_formatter(NullFormatter())
    return fig


@style()
def effects(
    rows: Sequence[Mapping],
    measure: str = "",
    fmt: str = "{:.0%}",
    names: tuple[str, str] = ("changed", "unchanged"),
) -> Figure:
    """What changes of a state do: a row a change, its value with an interval, and what was before.

    rows: dicts of `title`, `value`, `low`, `high` and, optionally, `reference` (the value without
    the change) and `group`: a new group's name stands above its rows. fmt: how a value is printed.
    names: of the point and of the stroke at the reference.
    """
    if not rows:
        return nothing("nothing was changed")
    if any(not r["low"] <= r["value"] <= r["high"] for r in rows):
        raise ValueError("an interval does not hold its value; low <= value <= high is needed")
    tops = np.cumsum([0.42 * _begins(rows, i) + 0.6 for i in range(len(rows))])
    fig, ax = blank(1.0 + tops[-1])
    for i, (row, y) in enumerate(zip(rows, tops, strict=True)):
        if _begins(rows, i):
            write(ax, row["group"], (0, y - 0.47), INK, (2, 2), fontweight="bold", **_LEFT)
        _effect(ax, row, y, fmt)
    numbers = [r[k] for r in rows for k in ("low", "high", "reference") if r.get(k) is not None]
    ax.set(xlim=(min(0, *numbers), max(numbers) * 1.005 or 1.0), ylim=(tops[-1] + 0.25, -0.05))
    ax.set(yticks=[], xlabel=measure)
    ax.xaxis.set_major_formatter(lambda x, _: fmt.format(x))
    entries = [(names[0], MODEL, "."), (names[1], PINK, "|")]
    compared = any(r.get("reference") is not None for r in rows)
    colour_key(ax, entries[: 1 + compared], loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return fig


def _begins(rows: Sequence[Mapping], i: int) -> bool:
    """Whether row i is the first of a group."""
    group = rows[i].get("group")
    return bool(group) and (i == 0 or rows[i - 1].get("group") != group)


def _effect(ax: Axes, row: Mapping, y: float, fmt: str) -> None:
    before = row.get("reference")
    ax.axhline(y, color=INK, linewidth=0.8, alpha=0.35)
    if before is not None:
        ax.plot((before, before), (y - 0.1, y + 0.1), color=PINK, linewidth=3.4, clip_on=False)
        write(ax, fmt.format(before), (1, y), PINK, (0, 8), ha="right", **_LEFT)
    ax.plot((row["low"], row["high"]), (y, y), color=MODEL, linewidth=2.6)
    ax.plot(row["value"], y, "o", color=MODEL, markersize=9, clip_on=False)
    write(ax, row["title"], (0, y), INK, (2, 9), **_LEFT)
    write(ax, fmt.format(row["value"]), (0.87, y), MODEL, (0, 8), ha="right", **_LEFT)
