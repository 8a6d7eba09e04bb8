"""A text whose characters are coloured by a unit of the network that reads it, as HTML.

The numbers are those of the portable arithmetic, so a notebook, a stored page and the page's own
script show the same ones.
"""

from __future__ import annotations

import codecs
import unicodedata
from dataclasses import dataclass, field

import numpy as np

from charrnn.escape import escaped
from charrnn.portable import PortableStepper, tanh32
from charrnn.runs import Run
from charrnn.sample import Sampling, probabilities
from charrnn.vocab import Vocab

LONGEST = 2000
"""Characters (bytes at byte level) of a text, at most; the page's script has the same limit."""
GUESSES = 5
QUANTITIES = {"c": "tanh(c)", "h": "h"}
"""What a unit can be looked at by: an LSTM's memory as it squashes it, or what a unit shows."""
RED, BLUE, GREEN = (224, 49, 49), (34, 113, 235), (47, 158, 68)
ENDS = {"c": (RED, BLUE), "h": (BLUE, GREEN)}
"""The colours at -1 and at 1, as in charrnn/static/src/colours.mjs."""
LEVELS = 10
MOST = 0.65
"""What the colour of 1 covers: text on it can be read in light and in dark."""
SIGNS = {" ": "␣", "\n": "↵", "\t": "⇥", "\r": "␍", "\x7f": "␡"}
SHADES_CSS = """
.charrnn-shades { white-space: pre-wrap; overflow-wrap: anywhere; overflow: auto; max-height: 26em;
  margin: 0; padding: .7em .9em; color: inherit; background: none; line-height: 1.6;
  border: 1px solid rgba(128, 128, 128, .5); border-radius: .4em; font-size: .875em;
  font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace }
.charrnn-shades .nl::before { content: "↵"; opacity: .55 }
.charrnn-shades .at { outline: 2px solid currentColor }
"""


@dataclass
class Shaded:
    """A text as a network has read it: what it was like after each of its T symbols."""

    vocab: Vocab
    ids: list[int] = field(default_factory=list)
    values: dict[str, np.ndarray] = field(default_factory=dict)
    """By quantity, (T, L, H) float32; both are h in a network that is no LSTM."""
    guesses: list[list[tuple[int, float]]] = field(default_factory=list)
    """The five likeliest symbols after each, with their probabilities, best first."""

    def places(self) -> list[tuple[str, int]]:
        """The characters, each with the place of its last symbol."""
        if self.vocab.level == "char":
            return [(self.vocab.symbols[i], at) for at, i in enumerate(self.ids)]
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        found = []
        for at, i in enumerate(self.ids):
            last = at + 1 == len(self.ids)
            text = decoder.decode(bytes([self.vocab.symbols[i]]), final=last)
            found += [(character, at) for character in text]
        return found

    def told(self, at: int) -> str:
        """The guesses after a symbol in a line."""
        return ", ".join(f"{label(self.vocab, i)} {percent(p)}" for i, p in self.guesses[at])

    def html(self, layer: int, unit: int, quantity: str, marked: int | None = None) -> str:
        """The text, coloured by a unit; a pointer is told its value and the five guesses. marked:
        the place of a character to be outlined."""
        values, spans = self.values[quantity][:, layer, unit], ""
        for i, (text, at) in enumerate(self.places()):
            names = [_shade(values[at])] + ["nl"] * (text == "\n") + ["at"] * (i == marked)
            title = escaped(f"{written(values[at])}, then: {self.told(at)}")
            shown = "" if text == "\n" else escaped(text)
            end = "\n" if text == "\n" else ""
            spans += f'<span class="{" ".join(names).strip()}" title="{title}">{shown}</span>{end}'
        return f'<pre class="charrnn-shades of-{quantity}" tabindex="0">\n{spans}</pre>'


def readable(run: Run, text: str) -> list[int]:
    """The ids of the symbols of a text that the model knows; ValueError where there are none, or
    too many."""
    ids = run.vocab.encode(text, unknown="skip").tolist()
    if not 1 <= len(ids) <= LONGEST:
        raise ValueError(
            f"the text has {len(ids):,} symbols that the model knows; it must have 1 to "
            f"{LONGEST:,}, so take another one or a part of it"
        )
    return ids


def read(run: Run, text: str) -> Shaded:
    """What a run's network makes of a text; characters that it does not know are left out.

    A model with a `restart` symbol reads that first. ValueError where nothing is left, or too much.
    """
    ids = readable(run, text)
    stepper, found = PortableStepper(run.model), Shaded(run.vocab, ids)
    if (restart := run.model.config.restart) is not None:
        stepper.step(np.array([restart]))
    shape = (len(ids), *stepper.h[:, 0].shape)
    found.values = {quantity: np.empty(shape, np.float32) for quantity in QUANTITIES}
    for at, i in enumerate(ids):
        logits = stepper.step(np.array([i]))[0]
        lstm = run.model.config.cell == "lstm"
        found.values["h"][at] = stepper.h[:, 0]
        found.values["c"][at] = tanh32(stepper.c[:, 0]) if lstm else stepper.h[:, 0]
        p = probabilities(logits, Sampling(portable=True))
        best = np.argsort(-logits, kind="stable")[:GUESSES]
        found.guesses.append([(int(k), float(p[k])) for k in best])
    return found


def shades_css(quantity: str) -> str:
    """The colours of a quantity's levels, and the look of the text."""
    rules = SHADES_CSS
    for name, colour in zip("np", ENDS[quantity], strict=True):
        for level in range(1, LEVELS + 1):
            share = MOST * level / LEVELS
            rgba = f"rgba({', '.join(map(str, colour))}, {share:.3f})"
            rules += f".of-{quantity} .{name}{level} {{ background: {rgba} }}\n"
    return rules


def label(vocab: Vocab, i: int) -> str:
    """A symbol of a vocabulary as it can be shown, as the page's script shows it."""
    return visible(vocab.symbols[i])


def visible(symbol: str | int) -> str:
    """A character, or a byte, as it can be shown."""
    if not isinstance(symbol, str):
        if symbol > 127:
            return f"0x{symbol:X}"
        symbol = chr(symbol)
    if symbol in SIGNS or symbol.isprintable():
        combines = unicodedata.category(symbol).startswith("M")
        return SIGNS.get(symbol, f"◌{symbol}" if combines else symbol)
    return chr(0x2400 + ord(symbol)) if ord(symbol) < 32 else f"U+{ord(symbol):04X}"


def percent(p: float) -> str:
    return f"{100 * p:.0f} %" if p >= 0.0995 else f"{100 * p:.1f} %"


def written(value: float) -> str:
    """A value as the page writes it, with a minus sign."""
    shown = f"{abs(value):.2f}"
    return f"−{shown}" if value < 0 and shown != "0.00" else shown


def _shade(value: float) -> str:
    """The class of a value's colour: n10 at -1, p10 at 1, none near 0."""
    level = min(LEVELS, round(LEVELS * abs(float(value))))
    return "" if level == 0 else f"{'n' if value < 0 else 'p'}{level}"
