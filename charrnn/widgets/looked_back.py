"""A text, and how much each guess of its characters depended on those before: no model needed."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import ipywidgets
import numpy as np
from numpy.typing import ArrayLike

from charrnn.escape import escaped
from charrnn.widgets.markup import TEXT_CSS, attributes, script_data, style
from charrnn.widgets.shaded import LEVELS, SHADES_CSS, visible

MOST_SYMBOLS = 480
"""A page holds a byte for each pair of them: 153 kB as base64."""
ORANGE = (207, 95, 18)
MOST = 0.75
"""What the strongest colour covers; both as in charrnn/static/src/lookedback.mjs."""
CSS = SHADES_CSS + "".join(
    f".of-o .o{level} {{ background: rgba(207, 95, 18, {MOST * level / LEVELS:.3f}) }}\n"
    for level in range(1, LEVELS + 1)
)


def looked_back(symbols: Sequence[str | int], weights: ArrayLike, title: str) -> LookedBack:
    """A text whose characters show, one at a time, what their guess depended on.

    The chosen character is framed, those before it are the more orange, the more its guess
    depended on them (as the square root of their share of the strongest). On a page of the book
    a pointer, a tap or the arrow keys choose, in a notebook a slider; without a script the last
    character is chosen.

    symbols: T characters, or bytes as numbers, 2 to 480. weights: numbers of at least 0, how much
    the guess of each depended on each before it, as `charrnn.probe.connectivity(model, ids,
    np.arange(1, T))` returns it: (T - 1, T), whose row k is of the guess of character k + 1; or
    (T, T), whose row k is of character k. Nothing can depend on what comes later: from there on a
    row is 0. title: the figure's name, for screen readers. ValueError where these are otherwise.

    >>> looked_back(text, connectivity(run.model, run.vocab.encode(text), np.arange(1, len(text))),
    ...             "What each guess depended on")
    """
    return LookedBack(symbols, weights, title)


class LookedBack(ipywidgets.VBox):
    """The slider `position` (characters from 1) above `shown`, the text in colours and a line."""

    def __init__(self, symbols: Sequence[str | int], weights: ArrayLike, title: str) -> None:
        self._title, self._labels = title, [visible(symbol) for symbol in symbols]
        self._symbols = [_written(symbol) for symbol in symbols]
        self._weights = _checked(weights, len(self._symbols))
        self._half = _halves(self._weights)
        last = len(self._symbols)
        self.position = ipywidgets.IntSlider(last, 1, last, description="Character")
        self.shown = ipywidgets.HTML()
        self.position.observe(lambda _: self._show(), "value")
        self._show()
        css = ipywidgets.HTML(style(CSS), layout=ipywidgets.Layout(display="none"))
        super().__init__([css, self.position, self.shown])

    def _show(self) -> None:
        at = self.position.value - 1
        self.shown.value = f"{self._text(at)}<p>{escaped(self.told(at))}</p>"

    def told(self, target: int) -> str:
        """What the guess of a character, counted from 0, depended on, in a line."""
        which = f"“{self._labels[target]}” (character {target + 1:,})"
        if target == 0:
            return f"{which} is the first: nothing came before it."
        row = self._weights[target, :target]
        if not row.any():
            return f"The guess of {which} depended on nothing before it."
        strongest, count = int(_stored(row).argmax()), self._half[target]
        away = target - strongest
        where = "right before it" if away == 1 else f"{away:,} characters before it"
        last = "the last character" if count == 1 else f"the last {count:,} characters"
        return (
            f"The guess of {which} depended most on “{self._labels[strongest]}”, {where}; half of "
            f"it on {last}."
        )

    def _text(self, target: int) -> str:
        """The text in the colours of one character's guess."""
        shades, spans = _stored(self._weights[target, :target]) / 255, ""
        for i, text in enumerate(self._symbols):
            level = round(LEVELS * shades[i]) if i < target else 0
            names = [f"o{level}"] * bool(level) + ["nl"] * (text == "\n") + ["at"] * (i == target)
            inside = "\n" if text == "\n" else ""
            shown = "" if text == "\n" else escaped(text)
            spans += f'<span class="{" ".join(names)}">{shown}</span>{inside}'
        return f'<pre class="charrnn-shades of-o" tabindex="0">\n{spans}</pre>'

    def static_html(self) -> str:
        """The form for a page: the last character's colours, and for the script all of them."""
        told = attributes({"charrnn": "looked-back", "title": self._title})
        last = len(self._symbols) - 1
        rows = [_stored(self._weights[k, :k]).tobytes() for k in range(1, last + 1)]
        data = {"symbols": self._symbols, "labels": self._labels, "half": self._half}
        data["weights"] = base64.b64encode(b"".join(rows)).decode()
        return (
            f'<div class="charrnn-looked-back charrnn-sample" {told}>{style(TEXT_CSS + CSS)}'
            f"<p>{escaped(self._title)}</p>{self._text(last)}"
            f"<p>{escaped(self.told(last))}</p>{script_data(data)}</div>"
        )

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """The live widget for a notebook, and beside it the form that a built page shows."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "text/html": self.static_html()}


def _written(symbol: str | int) -> str:
    """A symbol as it stands in the text; a byte beyond ASCII by its number."""
    if isinstance(symbol, str):
        return symbol
    return chr(symbol) if symbol < 128 else visible(int(symbol))


def _checked(weights: ArrayLike, length: int) -> np.ndarray:
    """(T, T) float, whose row k is of the guess of character k."""
    found = np.asarray(weights, dtype=np.float64)
    if not 2 <= length <= MOST_SYMBOLS:
        raise ValueError(f"there are {length:,} symbols; allowed are 2 to {MOST_SYMBOLS}")
    if found.shape not in ((length - 1, length), (length, length)):
        raise ValueError(
            f"weights have shape {found.shape}; {length} symbols need ({length - 1}, {length}) or "
            f"({length}, {length})"
        )
    if not np.isfinite(found).all() or (found < 0).any():
        raise ValueError("a weight is negative or no finite number; they are numbers of at least 0")
    if len(found) < length:
        found = np.concatenate([np.zeros((1, length)), found])
    if np.triu(found).any():
        raise ValueError("a guess depends on its own character or a later one; those weights are 0")
    return found


def _stored(row: np.ndarray) -> np.ndarray:
    """A row as bytes: the square root of each share of the largest, of 255."""
    most = row.max(initial=0.0)
    shares = row / most if most > 0 else row
    return np.floor(255 * np.sqrt(shares) + 0.5).astype(np.uint8)


def _halves(weights: np.ndarray) -> list[int]:
    """How many of the last characters before each hold half of its row's sum, or more."""
    halves = []
    for target, row in enumerate(weights):
        back = row[:target][::-1].cumsum()
        enough = back >= back[-1] / 2 if target else np.ones(1, bool)
        halves.append(int(enough.argmax()) + 1)
    return halves
