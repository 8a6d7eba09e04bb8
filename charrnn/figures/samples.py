"""What samples are like: measures against temperature, shares beside real text, lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from charrnn.figures.look import (
    DASHES,
    INK,
    MODEL,
    MONO,
    PINK,
    REAL,
    TEAL,
    blank,
    colour_key,
    paired,
    style,
    visible,
    write,
)


@style()
def temperature_sweep(panels: Mapping[str, Mapping[str, ArrayLike]]) -> Figure:
    """Measures of samples against the temperature they were drawn at, a panel each.

    panels: title to arrays `temperature`, `mean`, and, optionally, `low` and `high` (an interval)
    and `real`, the same measure on real held-out text: one number, or (low, high) as a band.
    """
    if not panels:
        raise ValueError("no panels; give at least one measure")
    fig, axes = blank(0.6 + 1.75 * len(panels), len(panels), sharex=True, squeeze=False)
    for i, (ax, (title, rows)) in enumerate(zip(axes[:, 0], panels.items(), strict=True)):
        if not {"temperature", "mean"} <= rows.keys() or ("low" in rows) != ("high" in rows):
            raise ValueError(f"{title}: has {', '.join(rows)}; it needs temperature and mean, and "
                             "low and high only together")  # fmt: skip
        t, mean = paired(title, rows["temperature"], rows["mean"])
        ax.plot(t, mean, color=MODEL, marker="o", markersize=5)
        if "low" in rows:
            _, low = paired(title, t, rows["low"])
            _, high = paired(title, t, rows["high"])
            ax.fill_between(t, low, high, color=MODEL, alpha=0.22, linewidth=0)
        ax.set_title(title)
        ax.margins(y=0.14)
        if "real" in rows:
            _real_band(ax, float(np.min(rows["real"])), float(np.max(rows["real"])), i == 0)
    axes[-1, 0].set_xlabel("temperature")
    return fig


def _real_band(ax: Axes, low: float, high: float, named: bool) -> None:
    """Where real text lies: a dashed level, and a band where an interval is known."""
    middle = (low + high) / 2
    ax.axhspan(low, high, color=REAL, alpha=0.2, linewidth=0)
    ax.axhline(middle, color=REAL, linewidth=1.5, linestyle=DASHES)
    above = middle < np.mean(ax.get_ylim())
    if named:
        place, va = ((0.01, high), "bottom") if above else ((0.01, low), "top")
        coords = ("axes fraction", "data")
        write(ax, "real text", place, REAL, (0, 4 if above else -4), xycoords=coords, va=va)


@style()
def bars_with_intervals(
    labels: Sequence[str],
    values: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    reference: ArrayLike | None = None,
    fmt: str = "{:.0%}",
    names: tuple[str, str] = ("model", "real text"),
) -> Figure:
    """One measure a row: the model's value with its interval, and real text's beside it.

    values, low, high, reference: one number a label; NaN in `reference` where there is none.
    fmt: how a value is printed. All rows share one axis that starts at 0.
    """
    count = np.arange(len(labels))
    if reference is None:
        reference = np.full(len(labels), np.nan)
    columns = {"values": values, "low": low, "high": high, "reference": reference}
    value, low, high, real = (paired(name, count, array)[1] for name, array in columns.items())
    if not ((low <= value) & (value <= high)).all():
        raise ValueError("an interval does not hold its value; low <= value <= high is needed")
    fig, ax = blank(0.75 + 0.74 * len(labels))
    compared = bool(np.isfinite(real).any())
    for row in range(len(labels)):
        texts = [labels[row], fmt.format(value[row]), fmt.format(real[row])]
        y = len(labels) - 1 - row
        _bar(ax, y, value[row], (low[row], high[row]), real[row])
        _row_text(ax, y, texts if np.isfinite(real[row]) else [*texts[:2], ""], compared)
    ax.set(xlim=(0, np.nanmax([*high, *real]) * 1.005 or 1.0), ylim=(-0.4, len(labels) - 0.25))
    ax.set_yticks([])
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(lambda x, _: fmt.format(x))
    if compared:
        entries = [(names[0], MODEL, "s"), (names[1], REAL, "|")]
        colour_key(ax, entries, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return fig


def _bar(ax: Axes, y: float, value: float, interval: tuple[float, float], real: float) -> None:
    ax.barh(y, value, height=0.3, color=MODEL, alpha=0.5, linewidth=0)
    ax.plot(interval, (y, y), color=MODEL, linewidth=2.6)
    ax.plot((real, real), (y - 0.2, y + 0.19), color=REAL, linewidth=3.4)


def _row_text(ax: Axes, y: float, texts: Sequence[str], compared: bool) -> None:
    """The line above a bar: its name at the left, the numbers at the right."""
    coords = {"xycoords": ("axes fraction", "data"), "va": "bottom"}
    label, value, real = texts
    write(ax, label, (0, y + 0.2), INK, (4, 2), **coords)
    write(ax, value, (0.86 if compared else 1, y + 0.2), MODEL, (0, 2), ha="right", **coords)
    write(ax, real, (1, y + 0.2), REAL, (0, 2), ha="right", **coords)


@style()
def speech_lengths(
    samples: Mapping[str, ArrayLike], reference: ArrayLike, unit: str = "words"
) -> Figure:
    """How long speeches (or other pieces) are: the share that has at least so many words.

    samples: name to lengths of a model's pieces, at most three; reference: those of real text.
    The complementary distribution function, on a logarithmic axis: no bins to choose.
    """
    if not 1 <= len(samples) <= 3:
        raise ValueError(f"{len(samples)} samples; one figure holds 1 to 3 beside the real text")
    fig, ax = blank(3.9)
    named, longest = {"real text": reference, **samples}, 2.0
    for lengths, colour in zip(named.values(), (REAL, MODEL, TEAL, PINK), strict=False):
        x = np.sort(np.asarray(lengths, dtype=float))
        if not len(x) or x[0] < 1:
            raise ValueError("lengths must be at least 1, and there must be at least one of each")
        share = 1 - np.arange(len(x)) / len(x)  # of the pieces at least as long as x
        ax.step([1, *x], [1, *share], color=colour, where="pre")
        longest = max(longest, x[-1])
    ax.set(xscale="log", xlim=(1, longest * 1.1), ylim=(0, 1.03), xlabel=unit)
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    ax.yaxis.set_major_formatter(lambda y, _: f"{y:.0%}")
    ax.set_title(f"share with at least so many {unit}")
    entries = [(n, c, "s") for n, c in zip(named, (REAL, MODEL, TEAL, PINK), strict=False)]
    colour_key(ax, entries, loc="upper right")
    return fig


@style()
def softmax_temperature(
    logits: ArrayLike, temperatures: Sequence[float], symbols: Sequence[str | int], top: int = 14
) -> Figure:
    """The same scores turned into probabilities at several temperatures, a row each.

    logits: (V,); symbols: the V symbols. The `top` likeliest are drawn, in one order for all rows:
    softmax(logits / T), so the order never changes, only how much the first ones take.
    """
    logits = np.asarray(logits, dtype=float)
    if logits.shape != (len(symbols),):
        raise ValueError(f"logits have shape {logits.shape}; they must be ({len(symbols)},)")
    if not len(temperatures) or min(temperatures) <= 0:
        raise ValueError(f"temperatures are {list(temperatures)}; give some, each above 0")
    order = np.argsort(-logits, kind="stable")[:top]
    rows = len(temperatures)
    fig, axes = blank(0.6 + 1.15 * rows, rows, sharex=True, sharey=True, squeeze=False)
    for ax, t in zip(axes[:, 0], temperatures, strict=True):
        p = np.exp((logits - logits.max()) / t)
        p = (p / p.sum())[order]
        ax.bar(np.arange(len(order)), p, width=0.72, color=MODEL, alpha=0.75, linewidth=0)
        write(ax, f"T = {t:g}", (1, 0.86), INK, xycoords="axes fraction", ha="right", va="top",
              fontweight="bold")  # fmt: skip
        write(ax, f"{p[0]:.0%}", (0, p[0]), MODEL, (0, 2), ha="center", va="bottom")
        ax.spines["left"].set_visible(False)
        ax.set(yticks=[], ylim=(0, 1.25))
        ax.tick_params(axis="x", length=0, labelsize=14, labelfontfamily=MONO)
    axes[-1, 0].set_xticks(np.arange(len(order)), [visible(symbols[i]) for i in order])
    axes[0, 0].set_title("probability of the next character")
    return fig
