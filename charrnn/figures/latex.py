"""LaTeX: what is closed at which distance, which edits it takes to compile, and a page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from charrnn.escape import escaped
from charrnn.figures.look import (
    BLUE,
    DASHES,
    INK,
    MODEL,
    PINK,
    REAL,
    TEAL,
    blank,
    colour_key,
    style,
    write,
)
from charrnn.figures.measures import nothing

if TYPE_CHECKING:
    from IPython.display import HTML

SERIES = (BLUE, PINK, TEAL, INK)
REASONS = {
    "dollar": "dollars",
    "brace": "braces",
    "environment": "\\begin and \\end",
    "item": "\\item",
    "command": "commands, ^ and _",
    "alignment": "ampersands",
    "delimiter": "\\left and \\right",
    "arrow": "arrows to nowhere",
}
"""What an edit was for, in the words of the figure."""


@style()
def closed_by_distance(
    series: Mapping[str, Mapping[str, dict | None]],
    real: Mapping[str, dict | None],
    title: str,
    guess: float | None = None,
) -> Figure:
    """How many openings are closed by their own name, by how far away what closes them stands.

    series: name to shares, at most four, each the lower edge of a bin of distances to `value`,
    `low` and `high`, or None where there was nothing to count; real: the same of real text. Bins
    stand side by side, since their edges double. guess: the share by which one who guesses the name
    would be right, as a level.
    """
    if len(series) > len(SERIES):
        raise ValueError(f"{len(series)} series; one figure holds {len(SERIES)} and real text")
    edges = sorted({int(e) for found in (*series.values(), real) for e in found})
    curves = [("real text", REAL, "s", _points(real, edges))]
    curves += [
        (name, colour, "o", _points(found, edges))
        for (name, found), colour in zip(series.items(), SERIES, strict=False)
    ]
    curves = [c for c in curves if len(c[3])]
    if not any(name != "real text" for name, *_ in curves):
        return nothing("too few environments to measure: train for longer")
    fig, ax = blank(4.2)
    for i, (name, colour, marker, points) in enumerate(curves):
        x, value, low, high = points.T
        x = x + 0.12 * (i - (len(curves) - 1) / 2)
        ax.vlines(x, low, high, color=colour, alpha=0.55, linewidth=3)
        line = DASHES if name == "real text" else "-"
        ax.plot(x, value, color=colour, marker=marker, markersize=6, linestyle=line, linewidth=1.6)
    if guess is not None:
        ax.axhline(guess, color=INK, linewidth=1.4, linestyle=(0, (1, 2)))
    names = [f"{a}–{b}" for a, b in pairwise(edges)]
    ax.set_xticks(np.arange(len(edges)), [*names, f"{edges[-1]} or more"])
    ax.set(ylim=(-0.03, 1.05), xlabel="characters between opening and closing")
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_title(title, pad=30)
    entries = [(name, colour, "s") for name, colour, *_ in curves]
    entries += [("guessing", INK, "_")] if guess is not None else []
    colour_key(ax, entries, loc="lower left", bbox_to_anchor=(0, 1), ncols=5)
    return fig


def _points(found: Mapping[str, dict | None], edges: list[int]) -> np.ndarray:
    """Rows (number of the bin, value, low, high) of the bins with something in them."""
    known = [(int(e), s) for e, s in found.items() if s and s["value"] is not None]
    rows = [[edges.index(e), s["value"], s["low"], s["high"]] for e, s in sorted(known)]
    return np.array(rows, dtype=float).reshape(-1, 4)


@style()
def edits_by_reason(rows: Mapping[str, Mapping]) -> Figure:
    """Edits in 1000 characters, by what they were for: a bar a reason and a row of `rows`.

    rows: name to a row of the typesetting in measures.json (`reasons` and `characters`), at most
    three.
    """
    if len(rows) > 3:
        raise ValueError(f"{len(rows)} rows; one figure holds three")
    rows = {name: row for name, row in rows.items() if row["characters"]}
    wanted = [r for r in REASONS if any(row["reasons"].get(r) for row in rows.values())]
    if not wanted:
        return nothing("no text that had to be mended, or none that could be")
    per = {
        name: [1000 * row["reasons"].get(r, 0) / row["characters"] for r in wanted]
        for name, row in rows.items()
    }
    wanted_order = np.argsort([-max(values) for values in zip(*per.values(), strict=True)])
    fig, ax = blank(0.9 + 0.3 * len(wanted) * len(rows))
    height = 0.8 / len(rows)
    for k, (values, colour) in enumerate(zip(per.values(), (MODEL, PINK, TEAL), strict=False)):
        y = np.arange(len(wanted)) + (k - (len(rows) - 1) / 2) * height
        ordered = [values[i] for i in wanted_order]
        ax.barh(y, ordered, height=0.85 * height, color=colour, alpha=0.65, linewidth=0)
        for at, value in zip(y, ordered, strict=True):
            write(ax, f"{value:.2f}", (value, at), colour, (4, 0), va="center", fontsize=10.5)
    ax.set_yticks(np.arange(len(wanted)), [REASONS[wanted[i]] for i in wanted_order])
    ax.invert_yaxis()
    ax.set(xlabel="edits in 1000 characters")
    ax.margins(x=0.12)
    entries = [(n, c, "s") for n, c in zip(per, (MODEL, PINK, TEAL), strict=False)]
    colour_key(ax, entries, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return fig


def typeset_page(path: str | Path, alt: str, caption: str | None = None) -> HTML:
    """A kept picture of a page as HTML: black on white on light and dark pages alike.

    ValueError where `alt` is blank, FileNotFoundError where there is no picture.
    """
    from IPython.display import HTML

    if not alt.strip():
        raise ValueError("alt is empty; say in a sentence what the page shows")
    data = base64.b64encode(Path(path).read_bytes()).decode()
    below = f"<figcaption>{escaped(caption)}</figcaption>" if caption else ""
    return HTML(
        '<figure class="charrnn-page" style="margin:0">'
        f'<img width="640" alt="{escaped(alt)}" style="max-width:100%;height:auto;'
        f'background:#fff;padding:0;border:1px solid #8886" src="data:image/png;base64,{data}">'
        f"{below}</figure>"
    )
