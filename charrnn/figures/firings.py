"""Text in a typewriter's cells, each coloured by what one unit does there.

A cell is tinted, and a bar grows into it, with the value: from its upper edge where the value is
positive, from its lower one where it is negative. Tints stay pale, so that the letters can be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from charrnn.figures.look import BLUE, INK, MONO, ORANGE, TEAL, WIDTH, style, visible

RED = "#d0342c"
QUANTITIES = {"c": ("tanh(c)", RED, BLUE), "h": ("h", BLUE, TEAL)}
"""What a value is: its name in the figure, and the colours of -1 and of +1."""
GUESSES, COLUMNS = 5, 68  # at most: rows of guesses, and cells in a line
TINT = 0.3  # of the colour at most, on a cell
PIXEL = 0.005  # inches, at the 200 dots an inch that `png` draws; cells begin and end on one
ROW, GUESS, GAP, BAR = 0.3, 0.25, 0.04, 0.055  # inches: a line, a guess, what parts them, a bar
SIZE, ADVANCE = 16.5, 0.60205  # points; how far a letter of MONO goes, of an em
_NINE = 0.5 + 0.16 * np.arange(9)  # inches from the left: the cells of a scale
Symbols = Sequence[str | int]


@style()
def firings(
    symbols: Symbols,
    values: ArrayLike,
    guesses: Sequence[Sequence[tuple[str | int, float]]],
    *,
    quantity: str = "c",
    columns: int = 44,
) -> Figure:
    """The post's figure: a text coloured by one unit, and what was guessed after each character.

    symbols, values (T,): the characters, and the unit's value at each, from -1 to 1; NaN: no
    colour. quantity: what the values are, as in QUANTITIES. guesses: for each of the T characters
    (symbol, probability) of what may come after it, the likeliest first; GUESSES of them are
    drawn, redder as they are likelier, and the one that came is framed.
    """
    values = _checked(symbols, values, columns)
    if len(guesses) != len(symbols):
        raise ValueError(f"guesses after {len(guesses)} of {len(symbols)} characters; give all")
    named = _named(quantity)
    pitch, (row, column) = _pitch(columns), _cells(symbols, columns, breaks=False)
    block = ROW + GAP + GUESS * min(GUESSES, max(map(len, guesses))) + 0.12
    ax = _canvas(0.82 + block * (row.max() + 1))
    _scale(ax, named)
    _scale_of_guesses(ax)
    x, y = _left(columns) + pitch * column, 0.82 + block * row
    _tint(ax, (x, y), (pitch, ROW), values, named[1:])
    _letters(ax, (x, y), (pitch, ROW), symbols, fontweight="bold")
    _guesses(ax, (x, y + ROW + GAP), pitch, guesses, [*symbols[1:], None])
    return ax.figure


@style()
def paint(
    panes: Mapping[str, tuple[Symbols, ArrayLike]],
    *,
    quantity: str = "c",
    columns: int = 64,
    breaks: bool = True,
) -> Figure:
    """Texts coloured by one unit, a titled pane each.

    panes: title to symbols and values (T,), from -1 to 1; NaN: no colour. breaks: a newline ends
    its line, as well as being shown. Lines are wrapped after `columns`. quantity: as in `firings`.
    """
    if not panes:
        raise ValueError("no panes; give at least one text")
    named = _named(quantity)
    cells = {title: _cells(symbols, columns, breaks) for title, (symbols, _) in panes.items()}
    checked = {t: _checked(symbols, v, columns) for t, (symbols, v) in panes.items()}
    ax = _canvas(0.44 + sum(0.46 + (ROW + GAP) * (row.max() + 1) for row, _ in cells.values()))
    _scale(ax, named)
    top = 0.44
    for title, (row, column) in cells.items():
        _say(ax, _left(columns), top + 0.22, title)
        place = (_left(columns) + _pitch(columns) * column, top + 0.32 + (ROW + GAP) * row)
        _tint(ax, place, (_pitch(columns), ROW), checked[title], named[1:])
        _letters(ax, place, (_pitch(columns), ROW), panes[title][0])
        top += 0.46 + (ROW + GAP) * (row.max() + 1)
    return ax.figure


@style()
def looked_back(
    symbols: Symbols,
    weights: ArrayLike,
    target: str,
    *,
    columns: int = 64,
    breaks: bool = True,
    title: str = "how strongly what is framed rests on each character before it",
) -> Figure:
    """A text coloured by how strongly an outcome depends on each of its characters.

    symbols, weights (T,): the characters before the outcome, and a number of at least 0 for each;
    the greatest gets the full colour. target: the outcome's characters, framed at the text's end.
    """
    weights = np.asarray(weights, dtype=float)
    most = np.nanmax(weights, initial=0.0)
    if not np.isfinite(most) or np.nanmin(weights, initial=0.0) < 0:
        raise ValueError("a weight is negative or infinite; they are numbers of at least 0")
    shown = [*symbols, *target]
    values = _checked(symbols, weights / (most or 1.0), columns)
    pitch, (row, column) = _pitch(columns), _cells(shown, columns, breaks)
    ax = _canvas(0.84 + (ROW + GAP) * (row.max() + 1))
    _say(ax, _left(columns), 0.24, title)
    _scale(ax, ("of the strongest", ORANGE, ORANGE), top=0.36, least=0)
    x, y = _left(columns) + pitch * column, 0.78 + (ROW + GAP) * row
    n = len(symbols)
    _tint(ax, (x[:n], y[:n]), (pitch, ROW), values, (ORANGE, ORANGE))
    _letters(ax, (x, y), (pitch, ROW), shown)
    _frames(ax, (x[n:], y[n:]), (pitch, ROW))
    return ax.figure


def _checked(symbols: Symbols, values: ArrayLike, columns: int) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.shape != (len(symbols),) or not len(symbols):
        raise ValueError(f"values have shape {values.shape}; allowed is (T,) for {len(symbols)} "
                         "symbols, one at least")  # fmt: skip
    if (np.abs(values) > 1 + 1e-6).any():
        raise ValueError(f"values reach {np.nanmax(np.abs(values)):g}; allowed are -1 to 1 and NaN")
    if not 1 <= columns <= COLUMNS:
        raise ValueError(f"columns is {columns}; allowed are 1 to {COLUMNS}")
    return values


def _named(quantity: str) -> tuple[str, str, str]:
    if quantity not in QUANTITIES:
        raise ValueError(f"quantity is {quantity!r}; allowed are {', '.join(QUANTITIES)}")
    return QUANTITIES[quantity]


def _cells(symbols: Symbols, columns: int, breaks: bool) -> tuple[np.ndarray, np.ndarray]:
    """The row and the column of each symbol, (T,) both."""
    places, row, column = [], 0, 0
    for symbol in symbols:
        if column >= columns:
            row, column = row + 1, 0
        places.append((row, column))
        column += 1
        if breaks and visible(symbol) == "↵":
            row, column = row + 1, 0
    return tuple(np.array(places, dtype=int).reshape(-1, 2).T)


def _pitch(columns: int) -> float:
    """Inches from a cell to the next: not so many that words come apart."""
    return min(0.16, np.floor((WIDTH - 0.1) / columns / PIXEL) * PIXEL)


def _left(columns: int) -> float:
    return np.floor((WIDTH - _pitch(columns) * columns) / 2 / PIXEL) * PIXEL


def _canvas(height: float) -> Axes:
    """Axes over a whole new figure, in inches from its upper left corner."""
    height = np.ceil(height / PIXEL) * PIXEL
    ax = Figure(figsize=(WIDTH, height)).add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, WIDTH), ylim=(height, 0))
    ax.axis("off")
    return ax


def _say(ax: Axes, x: float, y: float, text: str, fontsize: float = 12.5, **kwargs) -> None:
    ax.text(x, y, text, color=INK, fontsize=fontsize, **kwargs)


def _boxes(ax: Axes, x, y, width, height, **kwargs) -> None:
    """Rectangles from their upper left corners; all four may be (n,) or numbers."""
    x, y, width, height = np.broadcast_arrays(np.atleast_1d(x), y, width, height)
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    ax.add_collection(PolyCollection(np.moveaxis(np.array(corners), 2, 0), antialiased=False,
                                     **{"linewidth": 0, **kwargs}), autolim=False)  # fmt: skip


def _tint(ax: Axes, place: tuple, size: tuple, values: ArrayLike, hues: Sequence[str]) -> None:
    """Grounds of the cells at `place` (x and y, (n,)), and their bars; values (n,)."""
    (x, y), (width, height) = place, size
    values = np.nan_to_num(np.asarray(values, dtype=float))
    colours = np.where(values[:, None] < 0, to_rgba(hues[0]), to_rgba(hues[1]))
    pale = np.column_stack([colours[:, :3], TINT * np.minimum(np.abs(values), 1)])
    _boxes(ax, x, y, width, height, facecolors=pale)
    bar = np.round(np.abs(values) * BAR / PIXEL) * PIXEL
    _boxes(ax, x, np.where(values < 0, y + height - bar, y), width, bar, facecolors=colours)


def _letters(ax: Axes, place: tuple, size: tuple, symbols: Symbols, blanks=False, **kwargs) -> None:
    """A symbol a cell; a space is left blank where `blanks` is false: its cell shows it."""
    (width, height), largest = size, SIZE if size[1] == ROW else 14.5
    for x, y, symbol in zip(*place, symbols, strict=True):
        shown = visible(symbol)
        if shown != "␣" or blanks:
            fits = min(largest, width * 72 / ADVANCE / len(shown))
            middle = (x + width / 2, y + height / 2 + 0.06)
            _say(ax, *middle, shown, fits, ha="center", family=MONO, **kwargs)


def _frames(ax: Axes, place: tuple, size: tuple) -> None:
    x, y = place
    _boxes(ax, x + 0.01, y + 0.01, size[0] - 0.02, size[1] - 0.02, facecolors="none",
           edgecolors=INK, linewidth=1.2)  # fmt: skip


def _guesses(ax: Axes, place: tuple, pitch: float, guesses: Sequence, came: Sequence) -> None:
    """The guesses below each cell, a row each: redder, and a longer bar, for a likelier one."""
    rows = [(x, y + GUESS * k, symbol, p, symbol == after)
            for x, y, ranked, after in zip(*place, guesses, came, strict=True)
            for k, (symbol, p) in enumerate(ranked[:GUESSES])]  # fmt: skip
    x, y, symbols, p, framed = zip(*rows, strict=True) if rows else [()] * 5
    if wrong := [v for v in p if not 0 <= v <= 1 + 1e-6]:
        raise ValueError(f"a guess has probability {wrong[0]:g}; allowed are 0 to 1")
    x, y, p, framed = np.array(x), np.array(y), np.array(p, dtype=float), np.array(framed, bool)
    _probable(ax, (x, y), pitch, p)
    _letters(ax, (x, y), (pitch, GUESS), symbols, blanks=True)
    _frames(ax, (x[framed], y[framed]), (pitch, GUESS))


def _probable(ax: Axes, place: tuple, pitch: float, p: np.ndarray) -> None:
    x, y = place
    _boxes(ax, x, y, pitch, GUESS, facecolors=[to_rgba(RED, TINT * min(v, 1)) for v in p])
    long = np.where(p < 0.05, 0, np.round(pitch * p / PIXEL) * PIXEL)
    _boxes(ax, x, y + GUESS - 5 * PIXEL, long, 4 * PIXEL, facecolors=RED)


def _scale(ax: Axes, named: tuple[str, str, str], top: float = 0.1, least: int = -1) -> None:
    """Cells from the least value to 1, and what they measure."""
    name, *hues = named
    _tint(ax, (_NINE, np.full(9, top)), (0.16, ROW), np.linspace(least, 1, 9), hues)
    _say(ax, 0.45, top + 0.2, f"{least:g}".replace("-", "−"), ha="right")
    _say(ax, 2.0, top + 0.2, f"{'+' if least else ''}1   {name}")


def _scale_of_guesses(ax: Axes, top: float = 0.45) -> None:
    _probable(ax, (_NINE, np.full(9, top)), 0.16, np.linspace(0, 1, 9))
    _say(ax, 0.45, top + 0.18, "0", ha="right")
    _say(ax, 2.0, top + 0.18, "1   probability of a guess")
    _frames(ax, (np.array([4.6]), np.array([top])), (0.16, GUESS))
    _say(ax, 4.82, top + 0.18, "came next")
