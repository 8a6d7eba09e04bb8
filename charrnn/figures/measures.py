"""Figures drawn straight from a run's measures.

Where a text is too short for a measure (a training of seconds), the figure says so in place of
an axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, PercentFormatter

from charrnn.figures.look import (
    BLUE,
    DASHES,
    INK,
    MODEL,
    PINK,
    REAL,
    blank,
    colour_key,
    style,
    write,
)
from charrnn.figures.samples import bars_with_intervals, speech_lengths

COLD_TO_HOT = LinearSegmentedColormap.from_list("cold to hot", (BLUE, PINK))


@style()
def nothing(why: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    fig, ax = blank(0.9)
    ax.axis("off")
    write(ax, why, (0, 0.5), INK, xycoords="axes fraction", va="center")
    return fig


def compared(table: pd.DataFrame) -> Figure:
    """`chapters.comparison` as bars: the model's shares with intervals, and real text's."""
    if not len(table):
        return nothing("too little text to measure: train for longer")
    columns = (table[c] for c in ("value", "low", "high", "real"))
    return bars_with_intervals(list(table.index), *columns, fmt="{:.1%}")


@style()
def by_number(
    ours: Mapping[str, dict | None], real: Mapping[str, dict | None], title: str, xlabel: str
) -> Figure:
    """A share against a number (of letters, of characters), the model's and real text's.

    Both as in measures.json: the number to `value`, `low`, `high`, or None where there was nothing
    to count. The band is the interval.
    """
    model, person = _curve(ours), _curve(real)
    if not len(model) or not len(person):
        return nothing("too little text to measure: train for longer")
    fig, ax = blank(3.9)
    for rows, colour, marker, line in ((person, REAL, "s", DASHES), (model, MODEL, "o", "-")):
        x, value, low, high = rows.T
        ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        ax.plot(x, value, color=colour, marker=marker, markersize=5, linestyle=line)
    ax.set_title(title, pad=28)
    ax.set_xlabel(xlabel)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    few = len(person) <= 8
    ax.xaxis.set_major_locator(FixedLocator(person[:, 0]) if few else MaxNLocator(8, integer=True))
    entries = [("model", MODEL, "s"), ("real text", REAL, "s")]
    colour_key(ax, entries, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return fig


def _curve(found: Mapping[str, dict | None]) -> np.ndarray:
    """Rows (number, value, low, high) of what was counted."""
    keys = ("value", "low", "high")
    known = {int(n): s for n, s in found.items() if s and s["value"] is not None}
    return np.array([[n, *(s[k] for k in keys)] for n, s in known.items()]).reshape(-1, 4)


@style()
def spread_of_samples(samples: pd.DataFrame, measure: str, title: str, percent=True) -> Figure:
    """A measure of every sample on its own, as a dot, at the temperature it was drawn at.

    samples: `chapters.each_sample`, a row a text: `temperature` (NaN for real text) and `measure`.
    The dash is the median of a temperature; the stroke goes from the lower to the upper quartile.
    """
    drawn = samples.dropna(subset=["temperature", measure])
    real = samples.loc[samples.temperature.isna(), measure].dropna()
    if drawn.empty or real.empty:
        return nothing("too little text to measure: train for longer")
    rows = pd.concat([drawn.assign(at=[f"{t:g}" for t in drawn.temperature]),
                      pd.DataFrame({"at": "real", measure: real})])  # fmt: skip
    stops = list(dict.fromkeys(rows["at"]))
    colours = {stop: REAL if stop == "real" else MODEL for stop in stops}
    fig, ax = blank(4.2)
    shared = {"data": rows, "x": "at", "y": measure, "order": stops, "hue": "at",
              "hue_order": stops, "palette": colours, "legend": False, "ax": ax}  # fmt: skip
    sns.stripplot(**shared, size=4, alpha=0.4, jitter=0.22)
    sns.pointplot(**shared, estimator="median", errorbar=("pi", 50), linestyle="none", marker="_",
                  markersize=20, markeredgewidth=2.4, err_kws={"linewidth": 2})  # fmt: skip
    ax.set_title(title)
    ax.set(xlabel="temperature", ylabel="")
    if percent:
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.get_xticklabels()[-1].set(color=REAL, fontweight="bold")
    return fig


@style()
def trade(samples: pd.DataFrame, x: str, y: str, xlabel: str, title: str) -> Figure:
    """Two measures of every sample against each other, coloured by temperature, beside real text.

    samples: `chapters.each_sample`. The shaded ground is a Gaussian kernel density estimate of the
    real pieces, down to where a twentieth of them is left out.
    """
    rows = samples.dropna(subset=[x, y])
    drawn, real = rows[rows.temperature.notna()], rows[rows.temperature.isna()]
    if drawn.empty or len(real) < 3:
        return nothing("too little text to measure: train for longer")
    fig, ax = blank(4.9)
    if np.linalg.matrix_rank(np.cov(real[[x, y]].T)) == 2:  # else there is no density to draw
        sns.kdeplot(real, x=x, y=y, levels=[0.05, 1], fill=True, color=REAL, alpha=0.25, ax=ax)
    sns.scatterplot(drawn, x=x, y=y, hue="temperature", palette=COLD_TO_HOT, s=26, linewidth=0,
                    alpha=0.8, ax=ax, legend=False)  # fmt: skip
    sns.scatterplot(real, x=x, y=y, color=REAL, marker="X", s=46, linewidth=0, ax=ax, legend=False)
    ax.set_ylim(bottom=-0.04 * rows[y].max())
    left = np.quantile(ax.get_xlim(), 0.15)  # no room for a name beside what lies there
    for t, group in drawn.groupby("temperature"):
        if t in (drawn.temperature.min(), 0.5, 1.0, drawn.temperature.max()):
            middle = (group[x].median(), group[y].median())
            place = ((0, 10), "center") if middle[0] < left else ((-14, 8), "right")
            write(ax, f"T = {t:g}", middle, INK, place[0], ha=place[1], fontweight="bold")
    ax.set_title(title, pad=28)
    ax.set(xlabel=xlabel, ylabel="")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    entries = [("cold", BLUE, "o"), ("hot", PINK, "o"), ("real text", REAL, "X")]
    colour_key(ax, entries, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return fig


def speeches(plays: Mapping[str, dict], temperatures: Sequence[float] = (0.8,)) -> Figure:
    """How long the speeches of a run's samples are, beside those of held-out text.

    plays: the part of measures.json of that name.
    """
    named = {f"T = {t:g}": plays[str(float(t))]["lengths"] for t in temperatures}
    named = {name: lengths for name, lengths in named.items() if lengths}
    real = plays["held_out"]["lengths"]
    if not named or not real:
        return nothing("no whole speech to measure: train for longer")
    return speech_lengths(named, real, unit="characters")
