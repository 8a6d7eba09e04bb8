"""Cause, not only correlation: hold a unit and see what the text does, or copy a state elsewhere.

A unit that is on inside quotations may only watch. If the text leaves the quotation when the unit
is turned off, and stays when it is kept on, the network also goes by it. What is held, and what is
copied, are an LSTM's memories (c) unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from charrnn.model import CharRNN, State
from charrnn.probe.inside import look_inside
from charrnn.sample import Sampling, divided_logits, pick, sample_many, uniform_stream
from charrnn.stepper import Stepper
from charrnn.vocab import Vocab

Held = Sequence[tuple[int, int, float]]
"""(layer, unit, value): both counted from 0; the value is that of c (of h where there is no c)."""

READ = 256
"""Characters that are read at once."""
CLOSERS = {
    "inside_quotes": ('"', "”", "&quot;"),
    "inside_parentheses": (")",),
    "inside_link": ("]]",),
    "inside_template": ("}}",),
    "inside_tag": (">",),
    "inside_comment": ("*/",),
    "inside_string": ('"',),
    "inside_environment": ("\\end{",),
    "inside_math": ("$", "\\)", "\\]"),
    "inside_url": (" ", "\n", "]", "|", ")"),
}
"""What ends the thing that a rule labels; any of them does."""


def clamp(
    run, prompt: str, layer: int, unit: int, value: float | None, n: int = 1, **settings
) -> list[str]:
    """n continuations of a prompt while one unit is held at a value.

    value: of the memory c of an LSTM, of h in other cells; what figures show of it is tanh(c).
    None: held at nothing, the same continuations as `charrnn.sample_many`. The prompt itself is
    read freely. settings: the fields of `charrnn.sample.Sampling`. Raises ValueError where there
    is no such layer or unit.

    >>> clamp(load_run("war_and_peace"), '"I do not', 1, 200, -3.0, n=4, length=200)
    """
    held = () if value is None else ((layer, unit, float(value)),)
    return sample_many(run, n, prompt, held=held, **settings)


def continued(
    model: CharRNN, contexts: np.ndarray, settings: Sampling, held: Held = ()
) -> np.ndarray:
    """Each context's own continuation, drawn side by side: contexts (S, T) ids to (S, length) ids.

    The contexts are read freely; `held` units are held from then on. settings: as for `draw`.
    """
    model, settings = divided_logits(model, settings)
    state = read_through(model, contexts[:, :-1])
    stepper = Stepper(model, len(contexts))
    stepper.set_state(tuple(s.cpu().numpy() for s in state))
    for layer, unit, value in held:
        stepper.hold(layer, [unit], [value])
    numbers, ids, drawn = uniform_stream(settings.seed, len(contexts)), contexts[:, -1], []
    for _ in range(settings.length):
        ids = pick(stepper.step(ids), next(numbers), settings)
        drawn.append(ids)
    return np.array(drawn, np.int64).reshape(len(drawn), len(contexts)).T


@torch.no_grad()
def read_through(model: CharRNN, ids: np.ndarray) -> State:
    """The state after each of S texts of one length, ids (S, T): (L, S, H) each. Nothing is dropped
    out, in training mode either."""
    state, was_training = model.zero_state(len(ids)), model.training
    model.eval()
    for begin in range(0, ids.shape[1], READ):
        piece = torch.from_numpy(ids[:, begin : begin + READ].T.astype(np.int64))
        state = model(piece.to(model.device), state)[1]
    model.train(was_training)
    return state


def first_close(text: str, closers: Sequence[str]) -> int | None:
    """How many characters a continuation has when it has closed what its context opened; None
    where it never does."""
    ends = [found + len(mark) for mark in closers if (found := text.find(mark)) >= 0]
    return min(ends, default=None)


def still_inside(closes: Sequence[int | None], length: int) -> np.ndarray:
    """(length + 1,) the share of texts that have not closed after so many characters."""
    ends = np.array([length + 1 if end is None else end for end in closes])
    return (ends[:, None] > np.arange(length + 1)).mean(axis=0)


@dataclass(frozen=True)
class Part:
    """A part of a network's state that can be copied: h or c or both, some layers, some units."""

    what: str = "hc"
    layers: tuple[int, ...] | None = None
    """Counted from 0; None: all."""
    units: tuple[int, ...] | None = None
    """Of those layers; None: all."""

    def copy(self, donor: State, recipient: State) -> State:
        """The recipient's state with this part taken from the donor: (L, S, H) each."""
        mixed = tuple(s.clone() for s in recipient)
        what = self.what if len(mixed) == 2 else "h"  # a network without c has one state for both
        for letter, mine, given in zip("hc", mixed, donor, strict=False):
            if letter not in what:
                continue
            for layer in range(len(mine)) if self.layers is None else self.layers:
                units = slice(None) if self.units is None else list(self.units)
                mine[layer][:, units] = given[layer][:, units]
        return mixed


Parts = Part | Sequence[Part] | None


def transplant(
    model: CharRNN, donors: np.ndarray, recipients: np.ndarray, part: Parts
) -> np.ndarray:
    """Copy parts of the state of one text into another, and see what comes next.

    donors (S, T) and recipients (S, T') are ids of texts in pairs that end in the same symbol. The
    state is copied just before that last symbol is read. part: one or several; None copies nothing.
    Returns the probabilities of the next symbol (S, V).
    """
    return transplants(model, donors, recipients, {"": part})[""]


@torch.no_grad()
def transplants(
    model: CharRNN, donors: np.ndarray, recipients: np.ndarray, parts: Mapping[str, Parts]
) -> dict[str, np.ndarray]:
    """`transplant` of several parts, each for itself, by name: the texts are read once."""
    if (donors[:, -1] != recipients[:, -1]).any():
        raise ValueError("a donor and its recipient end in different symbols; let them end alike")
    mine = read_through(model, recipients[:, :-1])
    given = read_through(model, donors[:, :-1])
    last = torch.from_numpy(recipients[:, -1].astype(np.int64)).to(model.device)[None]
    found = {}
    for name, part in parts.items():
        state = mine
        for each in [part] if isinstance(part, Part) else part or ():
            state = each.copy(given, state)
        logits = look_inside(model, last, state).logits[0]
        found[name] = torch.softmax(logits.double(), dim=-1).cpu().numpy()
    return found


def pairs_without_opening(
    ids: np.ndarray, vocab: Vocab, inside: np.ndarray, marks: Sequence[str], context: int, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of texts that differ in one mark: whole, and without the mark that opened.

    ids (n,): a text; inside (n,) bool: its labels by a rule, so that a stretch begins with its
    opening mark. Taken are up to `most` evenly spread stretches of at least 5 and fewer than
    `context` / 2 characters, cut just before they close. Returns ids (S, context) twice; the second
    lacks the opening mark and has a character more at its start.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.view(np.int8), [0]])))
    starts, ends = edges[::2], edges[1::2]  # inside[start:end]
    known = {vocab.ids.get(_symbol(vocab, mark)) for mark in marks} - {None}
    fits = (ends - starts >= 5) & (ends - starts < context // 2) & (ends > context + 1)
    fits &= np.isin(ids[starts], list(known)) & (ends < len(ids))
    chosen = np.flatnonzero(fits)
    if len(chosen) > most:
        chosen = chosen[np.linspace(0, len(chosen) - 1, most).astype(int)]
    whole = [ids[ends[i] - context : ends[i]] for i in chosen]
    shorn = [
        np.concatenate([ids[ends[i] - context - 1 : starts[i]], ids[starts[i] + 1 : ends[i]]])
        for i in chosen
    ]
    shape = (len(chosen), context)
    return np.array(whole, np.int64).reshape(shape), np.array(shorn, np.int64).reshape(shape)


def _symbol(vocab: Vocab, mark: str) -> str | int:
    return ord(mark) if vocab.level == "byte" else mark
