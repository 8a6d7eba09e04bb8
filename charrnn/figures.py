"""The figures of the book: arrays in, a matplotlib Figure out.

One look for all of them, and one PNG for both the light and the dark page: the background is
transparent, and text and lines are mid-tones. No single colour reaches a contrast of 4.5 on white
and on #14181e at once (the best is 4.2, at a relative luminance of 0.2), so `INK` sits at that
best, and `show` lets the page darken or lighten the picture a little, which takes every text past
4.5 on either. The four hues differ in lightness as well as in hue, stay apart under the
three kinds of colour blindness, and every series also carries its name beside it.

Figures are made without pyplot: nothing is displayed twice, nothing stays open, no global setting
changes. In a notebook, end a cell with `show(figure, "what it shows")`.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from functools import cache
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import font_manager
from matplotlib import style as mpl_style
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike
from PIL import Image

if TYPE_CHECKING:
    from IPython.display import HTML

INK = "#787b80"
BLUE, ORANGE, TEAL, PINK = PALETTE = ("#3268cf", "#cf5f12", "#1aa587", "#b5489f")
MODEL, REAL = BLUE, ORANGE  # a model's text and a person's, in every figure
DASHES = (0, (4, 3))
WIDTH = 7.2  # inches; 720 CSS pixels on a wide page
MONO = "DejaVu Sans Mono"
LIGHT, DARK = 0.8, 1.35  # brightness of the picture on a light and on a dark page

_RC = {
    "figure.facecolor": "none",
    "figure.dpi": 100,
    "savefig.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 13,
    "axes.titlepad": 9,
    "axes.labelsize": 13,
    "axes.linewidth": 0.9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "text.color": INK,
    "text.parse_math": False,  # a text's own dollar signs are text
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 12.5,
    "lines.linewidth": 2.2,
    "lines.solid_capstyle": "round",
    "lines.dash_capstyle": "round",
    "mathtext.fontset": "dejavusans",
    "path.simplify_threshold": 0.5,
}

# The book's theme paints every output white on its dark page; JupyterLab, VS Code and Colab do not.
_CSS = (
    'html[data-theme="dark"] .bd-content div.cell_output .text_html:has(.charrnn-figure):not('
    ":has(table.dataframe)){background:none;color:inherit;padding:0}"
    'html[data-theme="dark"] .bd-content div.cell_output .charrnn-figure img.dark-light'
    "{background:none;padding:0}"
    ".charrnn-figure{margin:0;padding:0}.charrnn-figure img{max-width:100%;height:auto}"
    ".charrnn-figure figcaption{margin:.3em 0 0;text-align:left;font-size:.9em;"
    "font-weight:inherit;color:inherit}"
    ':is(html[data-theme="light"],body[data-jp-theme-light="true"],body.vscode-light)'
    f" .charrnn-figure img{{filter:brightness({LIGHT})}}"
    ':is(html[data-theme="dark"],body[data-jp-theme-light="false"],body.vscode-dark,'
    f'html[theme="dark"]) .charrnn-figure img{{filter:brightness({DARK})}}'
)


def style():
    """The book's matplotlib settings, as a context: `with style(): ...`, restored at its end.

    They start from matplotlib's defaults, so a notebook's own theme changes nothing in them.
    """
    return mpl_style.context(["default", _RC])


def show(fig: Figure, alt: str, caption: str | None = None) -> HTML:
    """A figure as HTML with its text alternative: `<figure><img alt=...><figcaption>`.

    alt: what the picture shows, for readers who do not see it; ValueError where it is blank.
    caption: printed below. Both are text and are escaped. The PNG has two pixels per CSS pixel.
    """
    from IPython.display import HTML

    if not alt.strip():
        raise ValueError("alt is empty; say in a sentence what the figure shows")
    width = round(fig.get_figwidth() * 100)
    below = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return HTML(
        f'<figure class="charrnn-figure"><style>{_CSS}</style>'
        f'<img class="dark-light" width="{width}" alt="{html.escape(alt)}" '
        f'src="data:image/png;base64,{base64.b64encode(_png(fig)).decode()}">{below}</figure>'
    )


@style()
def _png(fig: Figure) -> bytes:
    """The picture with 256 colours: a quarter of the bytes, and no difference to the eye."""
    full, small = io.BytesIO(), io.BytesIO()
    fig.savefig(full, format="png", dpi=200)
    Image.open(full).quantize(256, Image.Quantize.FASTOCTREE).save(small, "png", optimize=True)
    return small.getvalue()


@cache
def _has_glyph(character: str) -> bool:
    font = font_manager.get_font(font_manager.findfont(MONO))
    return font.get_char_index(ord(character)) != 0


def visible(symbol: str | int) -> str:
    """A symbol of a vocabulary as one can print it: spaces and newlines as signs, bytes as hex."""
    if isinstance(symbol, (int, np.integer)):
        symbol = chr(symbol) if symbol < 127 else f"{symbol:02X}"
    if len(symbol) > 1:
        return symbol
    symbol = {" ": "␣", "\n": "↵", "\t": "⇥", "\r": "␍"}.get(symbol, symbol)
    return symbol if symbol.isprintable() and _has_glyph(symbol) else "□"


# ------------------------------------------------------------------------------- learning curves


@style()
def learning_curve(
    history: Mapping[str, ArrayLike], lines: Mapping[str, float] | None = None
) -> Figure:
    """Loss against characters seen, in nats on the left and bits per character on the right.

    history: the columns `chars`, `train_loss` and `val_loss` (nats per character; NaN where
    nothing was measured), as in a run's history. The lowest validation loss is marked.
    lines: losses to compare with, by name, in nats per character; drawn as dashed levels.
    """
    x, y = _column(history, "val_loss")
    seen, training = _column(history, "train_loss")
    best = int(np.argmin(y))
    named = f"validation,\nbest {y[best]:.3f}"
    fig = _curves([(named, x, y, BLUE), ("training", seen, training, TEAL)], lines or {})
    scale, _ = _unit(max(x[-1], seen[-1]))
    fig.axes[0].plot(x[best] / scale, y[best], "o", color=BLUE, markersize=9, zorder=3)
    return fig


@style()
def compare_curves(
    histories: Mapping[str, Mapping[str, ArrayLike]],
    column: str = "val_loss",
    lines: Mapping[str, float] | None = None,
) -> Figure:
    """One curve a history, by name, of the same column; axes as in `learning_curve`.

    Up to four histories: more hues could not be told apart by everybody.
    """
    if not 1 <= len(histories) <= len(PALETTE):
        raise ValueError(f"{len(histories)} histories; one figure holds 1 to {len(PALETTE)}")
    named = zip(histories.items(), PALETTE, strict=False)
    return _curves(
        [(fill(n, 18), *_column(h, column), colour) for (n, h), colour in named], lines or {}
    )


def _column(history: Mapping[str, ArrayLike], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Characters seen and a loss, where the loss was measured."""
    missing = [key for key in ("chars", name) if key not in history]
    if missing:
        raise ValueError(f"the history has no column {missing[0]!r}; it has {', '.join(history)}")
    x, y = _paired(name, history["chars"], history[name])
    known = np.isfinite(y)
    if not known.any():
        raise ValueError(f"the history's column {name!r} holds no number")
    return x[known], y[known]


def _paired(what: str, x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Two flat arrays of one length, as floats."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"{what}: shapes {x.shape} and {y.shape}; they must be equal and flat")
    return x, y


def _unit(most: float) -> tuple[float, str]:
    """A scale for counts of characters, and what to call it."""
    if most >= 2e6:
        return 1e6, "millions of characters seen"
    return (1e3, "thousands of characters seen") if most >= 2e3 else (1.0, "characters seen")


def _curves(curves: list[tuple], lines: Mapping[str, float]) -> Figure:
    """Curves (name, x, y, colour) and dashed levels, each named at its right end."""
    fig, ax = _panels(4.3)
    end = max(x[-1] for _, x, _, _ in curves)
    scale, unit = _unit(end)
    for _, x, y, colour in curves:
        ax.plot(x / scale, y, color=colour, marker="o" if len(x) == 1 else None)
    for level in lines.values():
        ax.plot([0, end / scale], [level, level], color=INK, linewidth=1.3, linestyle=DASHES)
    settled = [y[(x >= 0.03 * end) | (x == x[-1])] for _, x, y, _ in curves]  # not the first fall
    levels = np.concatenate([*settled, list(lines.values())])
    margin = 0.08 * (np.ptp(levels) or 1.0)
    ax.set_ylim(levels.min() - margin, levels.max() + margin)
    ax.set_xlabel(unit, loc="left")
    ends = [(y[-1], x[-1] / scale, name, colour) for name, x, y, colour in curves]
    ends += [(level, end / scale, fill(name, 18), INK) for name, level in lines.items()]
    _name_ends(ax, end / scale, sorted(ends))
    bits = ax.secondary_yaxis("right", functions=(lambda n: n / np.log(2), lambda b: b * np.log(2)))
    bits.spines["right"].set_visible(True)
    ax.set_title("nats per character")
    ax.set_title("bits per character", loc="right")
    return fig


def _name_ends(ax: Axes, end: float, ends: list[tuple[float, float, str, str]]) -> None:
    """Names of line ends (y, x, text, colour) in a column right of `end`, none over another."""
    width, height = ax.figure.get_size_inches() * 72
    letters = max(len(line) for *_, text, _ in ends for line in text.split("\n"))
    ax.set_xlim(0, end / (1 - (8.6 * letters + 20) / (0.84 * width)))
    ax.set_xticks([tick for tick in ax.get_xticks() if 0 <= tick <= end * 1.001])
    ax.spines["bottom"].set_bounds(0, end)
    low, high = ax.get_ylim()
    heights = [(16 * (text.count("\n") + 1) + 3) / (0.72 * height) for *_, text, _ in ends]
    places = spread([(e[0] - low) / (high - low) for e in ends], heights)
    lowest = np.cumsum(heights) - np.array(heights) / 2  # stacked from the foot of the axis
    places = low + np.maximum(places, lowest) * (high - low)
    column = end + 16 / (0.84 * width) * ax.get_xlim()[1]
    for place, (y, x, text, colour) in zip(places, ends, strict=True):
        ax.plot([x, end, column], [y, y, place], color=colour, linewidth=0.9)
        _word(ax, text, (column, place), colour, (4, 0), va="center", linespacing=1.1)


def spread(places: Sequence[float], heights: Sequence[float]) -> np.ndarray:
    """Centres nearest to `places` (sorted) such that pieces of these heights do not overlap.

    Nearest by least squares: an isotonic regression, found by pooling adjacent violators.
    """
    heights = np.asarray(heights, dtype=float)
    stacked = np.cumsum(heights) - heights / 2  # centres of the pieces, laid without gaps
    blocks: list[tuple[float, int]] = []  # mean shift, pieces
    for shift in np.asarray(places) - stacked:
        mean, count = shift, 1
        while blocks and blocks[-1][0] >= mean:
            below, n = blocks.pop()
            mean, count = (below * n + mean * count) / (n + count), n + count
        blocks.append((mean, count))
    return stacked + np.repeat([mean for mean, _ in blocks], [count for _, count in blocks])


def _panels(height: float, rows: int = 1, **kwargs) -> tuple[Figure, Axes]:
    fig = Figure(figsize=(WIDTH, height), layout="constrained")
    return fig, fig.subplots(rows, **kwargs)


def _word(ax: Axes, text: str, xy: tuple, colour: str, offset: tuple = (0, 0), **kwargs) -> None:
    """A word at a place (moved by points), bold where it names something coloured."""
    weight = "normal" if colour == INK else "bold"
    ax.annotate(text, xy, xytext=offset, textcoords="offset points", color=colour,
                **{"fontweight": weight, **kwargs})  # fmt: skip


# ----------------------------------------------------------------------- what samples are like


@style()
def temperature_sweep(panels: Mapping[str, Mapping[str, ArrayLike]]) -> Figure:
    """Measures of samples against the temperature they were drawn at, a panel each.

    panels: title to arrays `temperature`, `mean`, and, optionally, `low` and `high` (an interval)
    and `real`, the same measure on real held-out text: one number, or (low, high) as a band.
    """
    if not panels:
        raise ValueError("no panels; give at least one measure")
    fig, axes = _panels(0.6 + 1.75 * len(panels), len(panels), sharex=True, squeeze=False)
    for i, (ax, (title, rows)) in enumerate(zip(axes[:, 0], panels.items(), strict=True)):
        if not {"temperature", "mean"} <= rows.keys() or ("low" in rows) != ("high" in rows):
            raise ValueError(f"{title}: has {', '.join(rows)}; it needs temperature and mean, and "
                             "low and high only together")  # fmt: skip
        t, mean = _paired(title, rows["temperature"], rows["mean"])
        ax.plot(t, mean, color=MODEL, marker="o", markersize=5)
        if "low" in rows:
            _, low = _paired(title, t, rows["low"])
            _, high = _paired(title, t, rows["high"])
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
        _word(ax, "real text", place, REAL, (0, 4 if above else -4), xycoords=coords, va=va)


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
    value, low, high, real = (_paired(name, count, array)[1] for name, array in columns.items())
    if not ((low <= value) & (value <= high)).all():
        raise ValueError("an interval does not hold its value; low <= value <= high is needed")
    fig, ax = _panels(0.75 + 0.74 * len(labels))
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
        _key(ax, entries, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return fig


def _bar(ax: Axes, y: float, value: float, interval: tuple[float, float], real: float) -> None:
    ax.barh(y, value, height=0.3, color=MODEL, alpha=0.5, linewidth=0)
    ax.plot(interval, (y, y), color=MODEL, linewidth=2.6)
    ax.plot((real, real), (y - 0.2, y + 0.19), color=REAL, linewidth=3.4)


def _row_text(ax: Axes, y: float, texts: Sequence[str], compared: bool) -> None:
    """The line above a bar: its name at the left, the numbers at the right."""
    coords = {"xycoords": ("axes fraction", "data"), "va": "bottom"}
    label, value, real = texts
    _word(ax, label, (0, y + 0.2), INK, (4, 2), **coords)
    _word(ax, value, (0.86 if compared else 1, y + 0.2), MODEL, (0, 2), ha="right", **coords)
    _word(ax, real, (1, y + 0.2), REAL, (0, 2), ha="right", **coords)


def _key(ax: Axes, entries: list[tuple[str, str, str]], **kwargs) -> None:
    """Names (text, colour, marker) in their colours."""
    names, colours, markers = zip(*entries, strict=True)
    handles = [
        Line2D([], [], color=c, marker=m, linestyle="", markersize=10 if m == "s" else 14,
               markeredgewidth=0 if m == "s" else 3.4)
        for c, m in zip(colours, markers, strict=True)
    ]  # fmt: skip
    ax.legend(handles, names, labelcolor=list(colours), frameon=False, handletextpad=0.2,
              columnspacing=1.0, borderaxespad=0, **kwargs)  # fmt: skip


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
    fig, ax = _panels(3.9)
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
    _key(ax, entries, loc="upper right")
    return fig


# --------------------------------------------------------------------------- temperature and loops


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
    fig, axes = _panels(0.6 + 1.15 * rows, rows, sharex=True, sharey=True, squeeze=False)
    for ax, t in zip(axes[:, 0], temperatures, strict=True):
        p = np.exp((logits - logits.max()) / t)
        p = (p / p.sum())[order]
        ax.bar(np.arange(len(order)), p, width=0.72, color=MODEL, alpha=0.75, linewidth=0)
        _word(ax, f"T = {t:g}", (1, 0.86), INK, xycoords="axes fraction", ha="right", va="top",
              fontweight="bold")  # fmt: skip
        _word(ax, f"{p[0]:.0%}", (0, p[0]), MODEL, (0, 2), ha="center", va="bottom")
        ax.spines["left"].set_visible(False)
        ax.set(yticks=[], ylim=(0, 1.25))
        ax.tick_params(axis="x", length=0, labelsize=14, labelfontfamily=MONO)
    axes[-1, 0].set_xticks(np.arange(len(order)), [visible(symbols[i]) for i in order])
    axes[0, 0].set_title("probability of the next character")
    return fig


@style()
def cycle_figure(text: str, start: int, period: int, width: int = 52) -> Figure:
    """A text that fell into a loop: its laps on coloured ground, and where it repeats itself.

    text[i] == text[i - period] must hold for all i >= start + period (ValueError otherwise).
    Below, a stroke at (position, distance) says: the text here stood that far back as well.
    """
    if period < 1 or start < 0 or len(text) < start + period:
        raise ValueError(f"start {start}, period {period}: not inside {len(text)} characters")
    if text[start + period :] != text[start:-period]:
        raise ValueError(f"the text does not repeat with period {period} from character {start}")
    first = max(0, start - 2 * width)
    rows = min(9, -(-(min(len(text), start + 3 * period) - first) // width))
    grid_height = 0.26 * rows  # inches
    height = grid_height + 3.2
    fig = Figure(figsize=(WIDTH, height))
    grid = fig.add_axes((0.02, 1 - (grid_height + 0.42) / height, 0.96, grid_height / height))
    shown = text[first : first + rows * width]
    _text_grid(grid, shown, start - first, period, (rows, width))
    named = f"the loop: {period} characters, from character {start} on"
    fig.text(0.02, 1 - 0.1 / height, named, va="top", fontsize=13)
    lag = fig.add_axes((0.1, 0.62 / height, 0.88, 1.75 / height))
    _lag_plot(lag, text[: start + 6 * period], start, period)
    return fig


def _text_grid(
    ax: Axes, text: str, start: int, period: int, shape: tuple[int, int], size: float = 14.5
) -> None:
    rows, width = shape
    ax.set(xlim=(0, width), ylim=(rows, 0))
    ax.axis("off")
    for i, character in enumerate(text):
        y, x = divmod(i, width)
        lap = (i - start) // period
        if lap >= 0:
            ground = {"color": (BLUE, TEAL)[lap % 2], "alpha": 0.18, "linewidth": 0}
            ax.add_patch(Rectangle((x, y + 0.06), 1, 0.88, **ground))
        if character != " ":
            ax.text(x + 0.5, y + 0.72, visible(character), family=MONO, fontsize=size, ha="center")


def _lag_plot(ax: Axes, text: str, start: int, period: int, length: int = 8) -> None:
    """A stroke where at least `length` characters equal those `distance` before."""
    codes = np.array([ord(c) for c in text])
    most = min(len(codes) - 1, 4 * period)
    segments = []
    for distance in range(1, most + 1):
        same = np.concatenate([[0], codes[distance:] == codes[:-distance], [0]]).astype(int)
        begins, ends = (np.flatnonzero(np.diff(same) == step) + distance for step in (1, -1))
        runs = zip(begins, ends, strict=True)
        segments += [[(a, distance), (b, distance)] for a, b in runs if b - a >= length]
    ax.add_collection(LineCollection(segments, colors=BLUE, linewidths=2.6))
    ax.axvline(start, color=INK, linewidth=1.3, linestyle=DASHES)
    ax.set(xlim=(0, len(text)), ylim=(0, most * 1.08), xlabel="character")
    ax.set_yticks([period * k for k in range(1, 5) if period * k <= most])
    ax.set_title("repeats the text this many characters back")
