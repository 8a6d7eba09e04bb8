"""What is learned when: measures of samples while a network is trained, and their order."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, PercentFormatter
from numpy.typing import ArrayLike

from charrnn.figures.look import (
    DASHES,
    INK,
    MODEL,
    REAL,
    TEAL,
    blank,
    colour_key,
    style,
    write,
)
from charrnn.figures.measures import nothing

COLUMNS = 3
LEAST = 5
"""Samples, for a line over the training to say anything."""
POST = (100, 2000)
"""The post's first iteration and its last."""


@style()
def evolution(found: Mapping, history: Mapping[str, ArrayLike]) -> Figure:
    """Measures of samples over the training, a panel each, behind one of the loss.

    found: the part `evolution` of measures.json: `steps`, and `measures`, each with a `title`,
    `hits` and `total` of each sample, pooled shares (`smooth`) and that of `held_out` text; and
    `unigram`, a level in the panel of the loss.
    history: a run's, of which `step`, `train_loss` and `val_loss` are drawn. The steps between the
    post's first and last iteration have a ground.
    """
    measures = list(found["measures"].values())
    if len(found["steps"]) < LEAST:
        return nothing("too few samples to follow: train for longer")
    rows = -(-(len(measures) + 1) // COLUMNS)
    fig, axes = blank(0.6 + 2.05 * rows, rows, ncols=COLUMNS, sharex=True)
    for ax in axes.flat:
        ax.axis("off")
    _losses(axes.flat[0], history, found["unigram"])
    for ax, measure in zip(axes.flat[1:], measures, strict=False):
        _measure(ax, found["steps"], measure)
    used = list(axes.flat)[: len(measures) + 1]
    for ax in used:
        ax.axis("on")
        ax.set(xscale="log", xlim=(found["steps"][0] * 0.8, found["steps"][-1] * 1.1))
        ax.axvspan(*POST, color=INK, alpha=0.13, linewidth=0)
        ax.xaxis.set_major_locator(LogLocator(numticks=9))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
        ax.tick_params(labelsize=10.5)
    for ax in used[-COLUMNS:]:
        ax.tick_params(labelbottom=True)
        ax.set_xlabel("iteration", fontsize=11.5)
    return fig


def _losses(ax: Axes, history: Mapping[str, ArrayLike], unigram: float) -> None:
    """Nats per character, of the training text and of validation text, and of letters alone."""
    for name, colour, width in (("train_loss", TEAL, 1.2), ("val_loss", MODEL, 2.2)):
        x, y = (np.asarray(history[key], dtype=float) for key in ("step", name))
        known = np.isfinite(y)
        ax.plot(x[known], y[known], color=colour, linewidth=width)
    ax.axhline(unigram, color=INK, linewidth=1.3, linestyle=DASHES)
    ax.set_title("loss in nats", fontsize=11.5, linespacing=1.1)
    ax.yaxis.set_major_locator(MaxNLocator(4))
    named = {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "bottom", "fontsize": 11}
    write(ax, "frequencies", (1, unigram), INK, (0, 1), **named)
    named |= {"xycoords": "axes fraction", "ha": "left"}
    write(ax, "training", (0.02, 0.17), TEAL, **named)
    write(ax, "validation", (0.02, 0.02), MODEL, **named)


def _measure(ax: Axes, steps: list[int], measure: Mapping) -> None:
    """Each sample's own share as a faint point, the pooled ones as a line, held-out text's."""
    hits, total = (np.asarray(measure[key], dtype=float) for key in ("hits", "total"))
    own = np.divide(hits, total, out=np.full(len(hits), np.nan), where=total > 0)
    smooth = np.array([np.nan if x is None else x for x in measure["smooth"]])
    known = np.isfinite(smooth)
    ax.plot(steps, own, "o", color=MODEL, markersize=3.4, alpha=0.3, markeredgewidth=0)
    ax.plot(np.array(steps)[known], smooth[known], color=MODEL)
    if measure["held_out"]:
        ax.axhline(measure["held_out"]["value"], color=REAL, linewidth=1.6, linestyle=DASHES)
    ax.set_title(fill(measure["title"], 21), fontsize=11.5, linespacing=1.1)
    ax.set_ylim(bottom=min(0, ax.get_ylim()[0]))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))


@style()
def learning_order(found: Mapping) -> Figure:
    """At which iteration each measure had come half of the way to held-out text, and nine tenths.

    found: as for `evolution`, of whose measures `half` and `most` are drawn. A dot stands where
    the pooled share has come so far for good, a thin line reaches back to where it first had. What
    never comes so far has no dot; measures are in the order of their first dot.
    """
    rows = sorted(found["measures"].values(), key=lambda m: m["half"]["stays"] or np.inf)
    rows = [m for m in rows if m["half"]["stays"] is not None]
    if len(found["steps"]) < LEAST or not rows:
        return nothing("too few samples to tell an order: train for longer")
    fig, ax = blank(1.2 + 0.56 * len(rows))
    for y, measure in enumerate(reversed(rows)):
        ax.axhline(y, color=INK, linewidth=0.8, alpha=0.4)
        for key, colour, filled, sign in (("most", TEAL, "none", "D"), ("half", MODEL, MODEL, "o")):
            first, stays = measure[key]["first"], measure[key]["stays"]
            if stays is not None:
                ax.plot([first, stays], [y, y], color=colour, linewidth=1.6)
                ax.plot(stays, y, sign, color=colour, markerfacecolor=filled, markersize=8.5,
                        markeredgewidth=2, clip_on=False)  # fmt: skip
        coords = {"xycoords": ("axes fraction", "data"), "va": "bottom"}
        write(ax, measure["title"], (0, y), INK, (2, 6), **coords)
        write(ax, f"{measure['half']['stays']:,}", (1, y), MODEL, (0, 6), ha="right", **coords)
    ax.axvspan(*POST, color=INK, alpha=0.13, linewidth=0)
    ax.set(xscale="log", xlim=(found["steps"][0] * 0.8, found["steps"][-1] * 1.2), yticks=[],
           ylim=(-0.5, len(rows) - 0.3), xlabel="iteration")  # fmt: skip
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    ax.spines["left"].set_visible(False)
    entries = [("half of the way, for good", MODEL, "o"), ("nine tenths", TEAL, "D")]
    colour_key(ax, entries, loc="lower left", bbox_to_anchor=(0, 1.01), ncols=2)
    return fig
