"""Source code: a page of it with what is the matter marked, and how long a name is remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from charrnn.figures.look import (
    BLUE,
    INK,
    MODEL,
    MONO,
    ORANGE,
    PINK,
    TEAL,
    WIDTH,
    blank,
    colour_key,
    style,
)
from charrnn.figures.measures import nothing

KINDS = {
    "undeclared": ("undeclared", PINK),
    "unused": ("unused", TEAL),
    "vacuous": ("vacuous", BLUE),
    "returned": ("void returns", BLUE),
    "broken": ("does not parse", INK),
    "copied": ("copied", ORANGE),
}
"""A mark's kind to its name in the figure and its colour."""
LINES, COLUMNS, TAB = 46, 92, 8
LEFT, MARGIN = 0.015, 1.5  # of the figure's width; columns before the text
COLUMN = 0.075  # inches; 15 pixels of the page's picture, so that letters keep to their columns
SIZE = COLUMN * 72 / 0.60205  # points; a letter of MONO advances by so much of an em
ROW = 0.17  # inches


@style()
def marked_source(text: str, marks: Sequence[Sequence]) -> Figure:
    """A piece of source in a typewriter's letters, with marks on it.

    marks: (start, end, kind) by characters of `text`, the kinds as in KINDS. `broken` is a stroke
    beside its lines, `copied` a ground under its characters, and the rest a ground and a line.
    At most LINES lines are drawn, a long line broken after COLUMNS. ValueError: an unknown kind.
    """
    if unknown := {kind for *_, kind in marks} - KINDS.keys():
        raise ValueError(f"mark of kind {min(unknown)!r}; there are {', '.join(KINDS)}")
    places, rows = _layout(text)
    if not rows:
        return nothing("no text")
    fig = Figure(figsize=(WIDTH, 0.45 + ROW * len(rows)))
    ax = fig.add_axes((LEFT, 0.0, 1 - LEFT, 1 - 0.38 / fig.get_figheight()))
    ax.set(xlim=(-MARGIN, (1 - LEFT) * WIDTH / COLUMN - MARGIN), ylim=(len(rows), 0))
    ax.axis("off")
    for y, row in enumerate(rows):
        shown = "".join(c if c.isprintable() else "□" for c in row)
        ax.text(0, y + 0.72, shown, color=INK, family=MONO, size=SIZE)
    for start, end, kind in sorted(marks, key=lambda m: m[2] != "copied"):
        _mark(ax, places[start:end], kind)
    used = [k for k in KINDS if any(kind == k for *_, kind in marks)]
    named = {KINDS[k]: "s" for k in used}
    if named:
        entries = [(name, colour, sign) for (name, colour), sign in named.items()]
        colour_key(ax, entries, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(entries),
                   fontsize=10.5)  # fmt: skip
    return fig


def _layout(text: str) -> tuple[list[tuple[int, int, int] | None], list[str]]:
    """For each character its row, column and width, None where it is not drawn; and the rows."""
    places: list[tuple[int, int, int] | None] = []
    rows, row = [], ""
    for character in text:
        if character == "\n" or len(row) >= COLUMNS:
            rows.append(row)
            row = ""
        if len(rows) >= LINES:
            break
        width = 0 if character == "\n" else TAB - len(row) % TAB if character == "\t" else 1
        places.append((len(rows), len(row), width))
        row += " " * width if character == "\t" else character[:width]
    rows = [*rows, row][:LINES] if row else rows
    return places, rows


def _mark(ax: Axes, places: Sequence[tuple[int, int, int]], kind: str) -> None:
    colour = KINDS[kind][1]
    lines: dict[int, list[tuple[int, int]]] = {}
    for y, x, width in places:
        if width:
            lines.setdefault(y, []).append((x, x + width))
    if kind == "broken" and lines:
        ax.plot((-0.9, -0.9), (min(lines) + 0.05, max(lines) + 0.95), color=colour, linewidth=2)
        return
    for y, spans in lines.items():
        left, right = spans[0][0], spans[-1][1]
        solid = 0.2 if kind == "copied" else 0.3
        ax.add_patch(Rectangle((left, y), right - left, 1, color=colour, alpha=solid, linewidth=0))
        if kind != "copied":
            ax.plot((left, right), (y + 0.95, y + 0.95), color=colour, linewidth=1.3)


@style()
def name_costs(scope: Mapping | None) -> Figure:
    """What a name costs, in bits, so many lines below the place where it was declared, and where
    another was; and below, what the declaration saves.

    scope: `measure.scope` as kept in measures.json; None where there was nothing to measure. Lines
    stand side by side, since they double; the bands are intervals over names, those below over the
    differences name by name.
    """
    if scope is None:
        return nothing("the network's symbols lack the letters of the names")
    fig, (above, below) = blank(5.6, 2, sharex=True)
    x = np.arange(len(scope["lines"]))
    panels = (
        (above, (("another", "another was declared", PINK), ("declared", "declared", MODEL))),
        (below, (("saved", "saved", TEAL),)),
    )
    for ax, series in panels:
        for key, _, colour in series:
            value, low, high = (
                np.array([b[k] for b in scope[key]]) for k in ("value", "low", "high")
            )
            ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
            ax.plot(x, value, color=colour, marker="o", markersize=5)
        ax.set_ylim(bottom=min(0, ax.get_ylim()[0]) if ax is below else 0)
    below.axhline(0, color=INK, linewidth=0.8)
    below.set_xticks(x, [str(n) for n in scope["lines"]])
    above.set_title("bits for a name", pad=28)
    below.set_title("bits that the declaration saves")
    below.set_xlabel("lines between the declaration and the use")
    entries = [(name, colour, "s") for _, name, colour in panels[0][1]]
    colour_key(above, entries, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return fig
