"""A text as a network sees it: state, gates and guesses after each of its characters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from charrnn.model import CharRNN
from charrnn.probe.inside import gates, look_inside
from charrnn.sample import Sampling, probabilities
from charrnn.vocab import Vocab

LONGEST = 50_000
"""Characters of a trace, at most: 2 x 512 units with their gates take 20 kB a character."""
QUANTITIES = {"c": "tanh(c)", "h": "h"}
"""What a unit can be looked at by: its memory as an LSTM squashes it, or what it shows."""


def check_quantity(quantity: str) -> None:
    """ValueError on what is neither "c" nor "h"."""
    if quantity not in QUANTITIES:
        raise ValueError(f"quantity is {quantity!r}; it must be c or h")


@dataclass(frozen=True)
class Trace:
    """T characters and what a network of L layers of H units was like after each."""

    ids: np.ndarray
    """(T,) int64: what was read."""
    vocab: Vocab
    h: np.ndarray
    """(T, L, H) float32: hidden states."""
    c: np.ndarray | None
    """(T, L, H) float32: memories of an LSTM; None for other cells."""
    gates: dict[str, np.ndarray]
    """input, forget and output (LSTM), or reset and update (GRU): each (T, L, H) in [0, 1]."""
    logits: np.ndarray
    """(T, V) float32: scores of the character after."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def symbols(self) -> list[str | int]:
        """What was read, symbol by symbol: characters, or bytes as numbers."""
        return [self.vocab.symbols[i] for i in self.ids]

    def values(self, quantity: str = "c") -> np.ndarray:
        """(T, L, H) in [-1, 1]: tanh(c) for "c" (h in a network that has no c), or h for "h"."""
        check_quantity(quantity)
        return np.tanh(self.c) if quantity == "c" and self.c is not None else self.h

    def unit(self, layer: int, unit: int, quantity: str = "c") -> np.ndarray:
        """(T,) values of one unit, both counted from 0. IndexError with the range where it is
        not there."""
        layers, hidden = self.h.shape[1:]
        if not (0 <= layer < layers and 0 <= unit < hidden):
            raise IndexError(
                f"there is no unit {unit} in layer {layer}; layers are 0 to {layers - 1}, units 0 "
                f"to {hidden - 1}"
            )
        return self.values(quantity)[:, layer, unit]

    @property
    def p(self) -> np.ndarray:
        """(T, V) float64: the probability of each symbol after each character."""
        return probabilities(self.logits, Sampling())

    def guesses(self, count: int = 5) -> list[list[tuple[str | int, float]]]:
        """The likeliest symbols after each character with their probabilities, best first."""
        p = self.p
        order = np.argsort(-p, axis=1, kind="stable")[:, :count]
        return [
            [(self.vocab.symbols[i], float(row[i])) for i in best]
            for row, best in zip(p, order, strict=True)
        ]


def trace(run, text: str | bytes, unknown: str = "error") -> Trace:
    """Read a text with a run's model from an empty state, and keep everything.

    run: has `.model` and `.vocab`. unknown: "error" or "skip". A model with a `restart` symbol
    reads that first (it is not in the trace). Raises UnknownCharacterError on characters it never
    saw, ValueError where the text is empty or longer than 50,000 symbols.

    >>> seen = trace(load_run("war_and_peace"), '"Well, Prince," said she.')
    >>> seen.unit(1, 200)  # tanh(c) of the second layer's unit 200, (T,)
    """
    ids = np.asarray(run.vocab.encode(text, unknown=unknown), dtype=np.int64)
    if not 1 <= len(ids) <= LONGEST:
        raise ValueError(
            f"the text has {len(ids):,} symbols; a trace holds 1 to {LONGEST:,}. For a longer one, "
            "charrnn.probe.states hands out what there is block by block"
        )
    return trace_ids(run.model, run.vocab, ids)


def trace_ids(model: CharRNN, vocab: Vocab, ids: np.ndarray) -> Trace:
    """`trace` of ids (T,)."""
    restart = model.config.restart
    read = ids if restart is None else np.concatenate([[restart], ids])
    inside = look_inside(model, torch.from_numpy(read).to(model.device)[:, None])
    skip = len(read) - len(ids)

    def stacked(layers: list[torch.Tensor]) -> np.ndarray:
        return np.stack([x[skip:, 0].float().cpu().numpy() for x in layers], axis=1)

    found = [gates(model, inside, n) for n in range(model.config.layers)]
    return Trace(
        ids=ids,
        vocab=vocab,
        h=stacked(inside.h),
        c=stacked(inside.c) if inside.c else None,
        gates={name: stacked([layer[name] for layer in found]) for name in found[0]},
        logits=inside.logits[skip:, 0].float().cpu().numpy(),
    )
