"""What single units know: rules, how many units follow one, what they do around an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from charrnn.figures.look import (
    BLUE,
    DASHES,
    INK,
    MONO,
    ORANGE,
    PINK,
    TEAL,
    blank,
    paired,
    style,
    visible,
    write,
)
from charrnn.figures.measures import nothing

MARKS = {
    "best": ("best unit", BLUE, "o", 9, BLUE),
    "probe": ("linear probe", TEAL, "|", 18, TEAL),
    "rotated": ("random rotation", PINK, "D", 8, "none"),
    "untrained": ("untrained", INK, "o", 9, "none"),
    "shifted": ("labels shifted", INK, "x", 9, INK),
    "trained": ("trained", BLUE, "o", 7, BLUE),
}
"""A number's key to its name in a figure, its mark's colour, sign, size and filling."""
RULE = ("best", "probe", "rotated", "untrained", "shifted")
SIZES = {"trained": -0.22, "rotated": 0.08, "untrained": 0.28}
HUES = (BLUE, PINK, TEAL, INK, ORANGE)
LINES = ("-", DASHES, (0, (1, 1.8)), (0, (6, 2, 1, 2)), (0, (9, 3)))
LEAST = 1e-3  # the smallest share on a logarithmic axis


@style()
def rule_scores(rows: Sequence[Mapping], measure: str) -> Figure:
    """How well the best unit follows each of several rules, and what else does: a row a rule.

    rows: dicts of `title` and scores up to 1, each of which may be missing or None: `best` unit,
    `probe` (linear, of the whole state), `rotated` (best direction after a random rotation),
    `untrained` (best unit before training), `shifted` (best unit for labels moved away: chance).
    The best unit's score is printed. measure: what the scores are.
    """
    known = [{k: r[k] for k in RULE if r.get(k) is not None and np.isfinite(r[k])} for r in rows]
    found = [score for scores in known for score in scores.values()]
    if not found:
        return nothing("too little text to measure: train for longer")
    if max(found) > 1:
        raise ValueError(f"a score is {max(found):g}; allowed are numbers up to 1")
    fig, ax = blank(1.3 + 0.62 * len(rows))
    for y, (row, scores) in enumerate(zip(reversed(rows), reversed(known), strict=True)):
        ax.axhline(y, color=INK, linewidth=0.8, alpha=0.5)
        for key in reversed(scores):
            _mark(ax, scores[key], y, key)
        coords = {"xycoords": ("axes fraction", "data"), "va": "bottom"}
        write(ax, row["title"], (0, y), INK, (2, 9), **coords)
        told = f"{scores['best']:.2f}" if "best" in scores else ""
        write(ax, told, (1, y), BLUE, (0, 9), ha="right", **coords)
    margin = 0.025 * (1 - min(found)) or 0.01
    ax.set(xlim=(min(found) - margin, 1 + margin), ylim=(-0.5, len(rows) - 0.3), yticks=[])
    ax.set_xlabel(measure)
    ax.spines["left"].set_visible(False)
    _mark_key(ax, [k for k in RULE if any(k in scores for scores in known)])
    return fig


def _mark(ax: Axes, x: ArrayLike, y: ArrayLike, key: str, **kwargs) -> None:
    _, colour, sign, size, filling = MARKS[key]
    ax.plot(x, y, sign, color=colour, markersize=size, markerfacecolor=filling, clip_on=False,
            markeredgewidth=3.2 if sign == "|" else 2, **kwargs)  # fmt: skip


def _mark_key(ax: Axes, keys: Sequence[str]) -> None:
    for key in keys:
        _mark(ax, [], [], key, label=MARKS[key][0], in_layout=False)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, handletextpad=0.2,
              columnspacing=1.2, borderaxespad=0.2, labelcolor="markeredgecolor")  # fmt: skip


@style()
def census(
    curves: Mapping[str, ArrayLike], bar: float, measure: str, marked: float | None = 0.05
) -> Figure:
    """How many units score at least x, for every x; the axis of shares is logarithmic.

    curves: at most five, name to the scores of all units (N,), up to 1; NaN is below everything.
    bar: the score from which a unit counts; a curve's share there is printed by its name.
    marked: the post's share, as a level; None for none.
    """
    ranked = {name: _ranked(name, scores) for name, scores in curves.items()}
    least = min(0.9, bar, *(s[s > -np.inf].min(initial=1.0) for s in ranked.values()))
    named = {}
    for name, scores in ranked.items():
        known = scores > -np.inf
        left = 1 - np.arange(len(scores)) / len(scores)  # of the units at least as high
        x = [least, *scores[known], scores.max() if known.any() else least]
        told = f"{name}: {100 * np.mean(scores >= bar):.3g}%"
        named[told] = (x, [known.mean(), *left[known], LEAST / 10])
    fig, ax = blank(4.6)
    named_curves(ax, named, "units that score at least so much (by name: at the bar)", "steps-pre")
    ax.set(xlim=(least, 1), ylim=(LEAST, 1.15), yscale="log", xlabel=measure)
    ax.yaxis.set_major_formatter(lambda y, _: f"{100 * y:g}%")
    ax.axvline(bar, color=INK, linewidth=1.3, linestyle=DASHES)
    shift, side = (5, "left") if bar < (1 + least) / 2 else (-5, "right")
    write(ax, f"the bar: {bar:g}", (bar, 1), INK, (shift, -2), ha=side, va="top",
          xycoords=("data", "axes fraction"))  # fmt: skip
    _level(ax, marked)
    return fig


def _ranked(name: str, scores: ArrayLike) -> np.ndarray:
    """(N,) scores in order, NaN as -inf."""
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 1 or not len(scores):
        raise ValueError(f"{name}: shape {scores.shape}; it must be flat, with a score at least")
    scores = np.sort(np.nan_to_num(scores, nan=-np.inf))
    if scores[-1] > 1:
        raise ValueError(f"{name}: a score is {scores[-1]:g}; allowed are numbers up to 1")
    return scores


def _level(ax: Axes, share: float | None) -> None:
    """The post's share of units, as a line across."""
    if share is not None:
        ax.axhline(share, color=INK, linewidth=1.3, linestyle=DASHES)
        write(ax, f"the post: about {100 * share:g} %", (1, share), INK, (-2, 4),
              xycoords=("axes fraction", "data"), ha="right")  # fmt: skip


def named_curves(ax: Axes, curves: Mapping[str, Sequence], title: str, drawstyle="default") -> None:
    """One to five curves by name, (x, y) or (x, y, low, high), each with its own dashes.

    Their names stand above the axes, and the title above those. ValueError: what can't be drawn.
    """
    if not 1 <= len(curves) <= len(HUES):
        raise ValueError(f"{len(curves)} curves; one figure holds 1 to {len(HUES)}")
    for (name, columns), colour, dashes in zip(curves.items(), HUES, LINES, strict=False):
        if len(columns) not in (2, 4):
            raise ValueError(f"{name}: {len(columns)} columns; allowed are 2 (x, y) and 4 (a band)")
        x, y, *band = (paired(name, columns[0], column)[1] for column in columns)
        ax.plot(x, y, color=colour, linestyle=dashes, drawstyle=drawstyle, label=name)
        if band:
            ax.fill_between(x, *band, color=colour, alpha=0.18, linewidth=0,
                            step=drawstyle[6:] or None)  # fmt: skip
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, handlelength=2.8,
              labelcolor="linecolor", borderaxespad=0.2, columnspacing=1.6)  # fmt: skip
    ax.set_title(title, pad=12 + 20 * -(-len(curves) // 2))


@style()
def shares_by_size(rows: Sequence[Mapping], measure: str, marked: float | None = 0.05) -> Figure:
    """The share of units that follow some rule, against the network's size: a mark a seed.

    rows: dicts of `size` (as it is written below) and lists of shares, one a seed: `trained` and,
    optionally, `rotated` and `untrained`. The dash is the mean of the trained. measure: what the
    shares are of. marked: the post's share, as a level; None for none.
    """
    found = [share for row in rows for key in SIZES for share in row.get(key) or ()]
    if not found:
        return nothing("no network to count in")
    if wrong := [share for share in found if not 0 <= share <= 1]:
        raise ValueError(f"a share is {wrong[0]:g}; allowed are 0 to 1")
    fig, ax = blank(4.0)
    for x, row in enumerate(rows):
        for key, place in SIZES.items():
            for share in row.get(key) or ():
                _mark(ax, x + place, share, key)
        if row.get("trained"):
            ax.hlines(np.mean(row["trained"]), x - 0.36, x - 0.08, color=BLUE, linewidth=2.2)
    ax.set_xticks(range(len(rows)), [row["size"] for row in rows])
    ax.set(xlim=(-0.5, len(rows) - 0.4), ylim=(0, 1.1 * max(*found, marked or 0, 0.01)))
    ax.yaxis.set_major_formatter(lambda y, _: f"{100 * y:.3g}%")
    _level(ax, marked)
    _mark_key(ax, [key for key in SIZES if any(row.get(key) for row in rows)])
    ax.set_title(measure, pad=32)
    return fig


@style()
def ramp(
    position: ArrayLike, mean: ArrayLike, low: ArrayLike, high: ArrayLike, xlabel: str, ylabel: str
) -> Figure:
    """A unit's mean value with a band, against a rule that goes by degrees: (P,), all four."""
    y, least, most = (paired(ylabel, position, column)[1] for column in (mean, low, high))
    fig, ax = blank(3.7)
    ax.fill_between(position, least, most, color=BLUE, alpha=0.2, linewidth=0)
    ax.plot(position, y, color=BLUE, marker="o" if len(y) < 30 else None, markersize=5)
    ax.set_xlabel(xlabel)
    ax.set_title(ylabel)
    return fig


@style()
def around(
    offsets: ArrayLike,
    curves: Mapping[str, ArrayLike],
    event: str,
    ticks: Sequence[str | int] | None = None,
    title: str = "mean value",
) -> Figure:
    """Mean values of units before and after an event, which is at offset 0.

    offsets (K,): characters from the event on; curves: at most five, each (K,); ticks: K symbols
    to stand below in place of the offsets, where every passage reads alike.
    """
    if ticks is not None and len(ticks) != len(offsets):
        raise ValueError(f"{len(ticks)} ticks for {len(offsets)} offsets; give one for each")
    fig, ax = blank(4.2)
    named_curves(ax, {name: (offsets, curve) for name, curve in curves.items()}, title)
    ax.axvline(0, color=INK, linewidth=1.3, linestyle=DASHES)
    write(ax, event, (0, 1), INK, (5, -2), xycoords=("data", "axes fraction"), va="top")
    ax.set_xlabel("characters from there on" if ticks is None else "")
    ax.margins(x=0.01, y=0.12)
    if ticks is not None:
        fits = min(13, 740 / len(ticks))
        ax.set_xticks(offsets, [visible(t) for t in ticks], family=MONO, fontsize=fits)
        ax.tick_params(axis="x", length=0)
    return fig


@style()
def leaving(
    curves: Mapping[str, Sequence[ArrayLike]],
    unit_of_x: str = "characters",
    title: str = "share of texts still inside",
) -> Figure:
    """How long texts stay inside something: the share that still is, after so many characters.

    curves: at most five, name to (x, share) or (x, share, low, high), flat and of one length.
    """
    if not curves:
        return nothing("too little text to measure: train for longer")
    fig, ax = blank(4.2)
    named_curves(ax, curves, title, "steps-post")
    ax.set(xlabel=unit_of_x, ylim=(0, 1.03))
    ax.margins(x=0)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return fig
