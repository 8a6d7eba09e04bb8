"""A part of one text's state copied into another text: what comes next, in the numbers of the
portable arithmetic, so that a notebook, a stored page and the page's own script agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from charrnn.escape import escaped
from charrnn.model import ModelConfig
from charrnn.portable import PortableStepper
from charrnn.probe.cause import Part
from charrnn.runs import Run
from charrnn.sample import Sampling, pick, probabilities, uniform_stream
from charrnn.vocab import Vocab
from charrnn.widgets.shaded import label, percent, readable

LIKELIEST = 8
TEMPERATURE = 0.8
LENGTH = 200
"""Of the continuations; both as in charrnn/static/src/transplant.mjs."""
CSS = """
.charrnn-lists { display: grid; gap: 1em; margin: .6em 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 9.5em), 1fr)) }
.charrnn-lists > div { min-width: 0 }
.charrnn-lists p { min-height: 3.2em; line-height: 1.4 }
.charrnn-lists table { border-collapse: collapse; width: 100%; margin: 0; font-size: .875em }
.charrnn-lists td { padding: .1em .3em; border: 0; color: inherit; background: none;
  text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.charrnn-lists td:first-child { text-align: center; width: 3em;
  font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace }
.charrnn-lists td:nth-child(2) { width: 100% }
.charrnn-lists i { display: block; height: .7em; min-width: 1px; background: #c92a2a;
  border-radius: .15em }
.charrnn-lists pre { margin-top: .5em }
"""

Choice = tuple[str, tuple[Part, ...]]
"""What is copied, in words and as parts."""


@dataclass(frozen=True)
class After:
    """What comes after a text."""

    guesses: list[tuple[int, float]]
    """The eight likeliest symbols with their probabilities, best first."""
    text: str
    """How it goes on."""


class Grafting:
    """A run's network, ready to have states copied; what it has read it need not read again."""

    def __init__(self, run: Run) -> None:
        self._run, self._stepper = run, PortableStepper(run.model)
        self._state, self._plain = lru_cache(8)(self._read), lru_cache(8)(self._after_text)

    def __call__(
        self, donor: str, recipient: str, parts: Sequence[Part], seed: int = 1, length: int = LENGTH
    ) -> list[After]:
        """What comes after the donor, after the recipient, and after the recipient where parts of
        its state are copied from the donor's, just before their last symbol is read.

        Characters that the model does not know are left out. All go on with the same random
        numbers. ValueError where a text cannot be read, or the two end in different symbols.
        """
        given, theirs = _ids(self._run, "donor", donor), _ids(self._run, "recipient", recipient)
        if given[-1] != theirs[-1]:
            one, other = (label(self._run.vocab, ids[-1]) for ids in (given, theirs))
            raise ValueError(
                f"the donor ends in “{one}”, the recipient in “{other}”; let both texts end alike"
            )
        mixed = self._state(theirs[:-1])
        for part in parts:
            mixed = part.copy(self._state(given[:-1]), mixed)
        plain = [self._plain(ids, seed, length) for ids in (given, theirs)]
        return [*plain, self._go_on(mixed, theirs[-1], seed, length)]

    def _read(self, ids: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        """The state after a text: (L, 1, H) each."""
        self._stepper.reset()
        restart = self._run.model.config.restart
        for i in [*([] if restart is None else [restart]), *ids]:
            self._stepper.step(np.array([i]))
        return tuple(torch.from_numpy(s) for s in self._stepper.state())

    def _after_text(self, ids: tuple[int, ...], seed: int, length: int) -> After:
        return self._go_on(self._state(ids[:-1]), ids[-1], seed, length)

    def _go_on(self, state: tuple[torch.Tensor, ...], last: int, seed: int, length: int) -> After:
        """The guesses after a last symbol, and what is drawn from there."""
        settings = Sampling(temperature=TEMPERATURE, portable=True)
        numbers, drawn = uniform_stream(seed), []
        self._stepper.set_state(tuple(s.numpy() for s in state))
        logits = self._stepper.step(np.array([last]))
        guesses = _likeliest(logits[0])
        for k in range(length):
            if k > 0:
                logits = self._stepper.step(drawn[-1])
            drawn.append(pick(logits, next(numbers), settings))
        return After(guesses, self._run.vocab.decode(np.array(drawn, np.int64).reshape(length)))


def choices(config: ModelConfig, units: Sequence[tuple[int, int]]) -> list[Choice]:
    """All that is offered to be copied: nothing, everything, h, c, those of a layer, some units'.

    ValueError where there is no such unit.
    """
    lstm, layers = config.cell == "lstm", range(config.layers)
    found: list[Choice] = [("nothing", ())]
    found.append((f"everything ({'h and c' if lstm else 'h'})", (Part(),)))
    which = "all layers" if config.layers > 1 else "all units"
    found += [(f"{letter} of {which}", (Part(letter),)) for letter in "ch" if lstm]
    if config.layers > 1:
        sorts = {"c": "c", "hc": "h and c"} if lstm else {"h": "h"}
        for layer in layers:
            here = f"of layer {layer + 1}"
            found += [(f"{name} {here}", (Part(what, (layer,)),)) for what, name in sorts.items()]
    return found + [unit_choice(config, layer, unit) for layer, unit in units]


def unit_choice(config: ModelConfig, layer: int, unit: int) -> Choice:
    """One unit's memory: c of an LSTM, else h. ValueError where there is no such unit."""
    if not (0 <= layer < config.layers and 0 <= unit < config.hidden):
        raise ValueError(
            f"there is no unit {unit} in layer {layer}; layers are 0 to {config.layers - 1}, "
            f"units 0 to {config.hidden - 1}"
        )
    what = "c" if config.cell == "lstm" else "h"
    where = f"layer {layer + 1}, unit {unit}" if config.layers > 1 else f"unit {unit}"
    return f"{what} of {where}", (Part(what, (int(layer),), (int(unit),)),)


def plain(part: Part) -> dict:
    """A part of all layers or one, of all units or one, as the page's script takes it."""
    (layer,), (unit,) = part.layers or (None,), part.units or (None,)
    return {"what": part.what, "layer": layer, "unit": unit}


def lists(sides: Sequence[tuple], vocab: Vocab) -> str:
    """Lists of guesses side by side: (name, guesses) each, or (name, guesses, prompt, text)."""
    made = ""
    for name, guesses, *text in sides:
        rows = "".join(
            f"<tr><td>{escaped(label(vocab, i))}</td>"
            f'<td><i style="width: {100 * p:.1f}%"></i></td><td>{percent(p)}</td></tr>'
            for i, p in guesses
        )
        written = ""
        if text:
            prompt, more = map(escaped, text)
            written = f"<pre>\n<b>{prompt}</b>{more}</pre>"
        made += f"<div><p>{escaped(name)}</p><table>{rows}</table>{written}</div>"
    return f'<div class="charrnn-lists">{made}</div>'


def _ids(run: Run, name: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(readable(run, text))
    except ValueError as error:
        raise ValueError(f"the {name}: {error}") from None


def _likeliest(logits: np.ndarray) -> list[tuple[int, float]]:
    p = probabilities(logits, Sampling(portable=True))
    best = np.argsort(-logits, kind="stable")[:LIKELIEST]
    return [(int(k), float(p[k])) for k in best]
