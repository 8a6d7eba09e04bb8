"""Loops: where does a text begin to repeat itself exactly, and is it bound to go on?

`find_cycle` reads the text alone; it says what was seen. `state_cycle` proves that a
deterministic process (greedy decoding) never leaves its loop, because it has come back to a
state it was in. A float32 LSTM repeats its text long before its state repeats to the last bit,
and the state's period may be a multiple of the text's, so the two are asked separately;
`state_recurrence` shows the state closing in on its orbit.
"""

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Cycle:
    """From `start` on, a sequence repeats itself every `period` symbols.

    `text` is the first period, `sequence[start:start + period]`; `repeats` counts the full periods
    that were seen, `text` included.
    """

    start: int
    period: int
    text: Sequence[Any]
    repeats: int


def find_cycle(
    sequence: Sequence[Hashable], min_repeats: int = 2, min_tail: int = 1
) -> Cycle | None:
    """The loop in which a text (or a list of ids) ends, or None.

    Of all periods p whose p-periodic tail holds at least `min_repeats` full periods and at least
    `min_tail` symbols, this takes the one whose tail begins earliest, and of these the smallest.
    The earliest tail and not the smallest period comes first, because a loop that is cut off at a
    double letter ends in a "loop" of one letter seen twice. For the same reason ordinary text has
    short loops at its end: set `min_tail`, or more repeats, to look for real ones.

    >>> find_cycle("once upon a time and a time and a time an")
    Cycle(start=9, period=11, text=' a time and', repeats=2)

    Linear in the length: the Z function (Gusfield 1997, chapter 1) of the reversed sequence.
    ValueError: min_repeats < 2 or min_tail < 1.
    """
    if min_repeats < 2 or min_tail < 1:
        raise ValueError(
            f"min_repeats {min_repeats}, min_tail {min_tail}: need at least 2 repeats and 1 symbol"
        )
    n = len(sequence)
    best = Cycle(n, 0, sequence[:0], 0)
    # z[p] symbols at the end equal those p places before: the p-periodic tail has p + z[p].
    for period, matched in enumerate(_z_function(sequence[::-1])):
        tail = period + matched
        if period and tail >= max(min_repeats * period, min_tail) and n - tail < best.start:
            start = n - tail
            best = Cycle(start, period, sequence[start : start + period], tail // period)
    return best if best.period else None


def _z_function(sequence: Sequence[Hashable]) -> list[int]:
    """z[i]: the length of the longest common prefix of sequence and sequence[i:]; z[0] = 0."""
    symbols = list(sequence)
    n = len(symbols)
    z = [0] * n
    left = right = 0  # the match that reaches furthest so far is symbols[left:right]
    for i in range(1, n):
        k = min(right - i, z[i - left]) if i < right else 0
        while i + k < n and symbols[k] == symbols[i + k]:
            k += 1
        z[i] = k
        if i + k > right:
            left, right = i, i + k
    return z


def state_cycle(
    step: Callable[[Any], tuple[Any, Any]],
    state: Any,
    max_steps: int,
    key: Callable[[Any], bytes],
) -> Cycle | None:
    """Runs a deterministic process until a state comes back: from there on it must repeat for ever.

    `step(state)` gives (symbol, next state). A state holds everything that the next step depends
    on: for greedy decoding h and c of all layers and the character fed next. `key(state)` gives its
    bytes, the same for equal states only. One SHA-256 digest is kept a step (about 0.1 kB).

    Returns the first cycle, its `text` as a string if the symbols are strings and as a tuple
    otherwise, its `repeats` 1; None if no state came back in `max_steps` steps. That says nothing
    against a loop in the text. ValueError: max_steps < 1.
    """
    if max_steps < 1:
        raise ValueError(f"max_steps {max_steps}: must be at least 1")
    seen: dict[bytes, int] = {}
    symbols: list[Any] = []
    for now in range(max_steps + 1):
        start = seen.setdefault(hashlib.sha256(key(state)).digest(), now)
        if start < now:
            lap = symbols[start:]
            is_text = all(isinstance(symbol, str) for symbol in lap)
            return Cycle(start, now - start, "".join(lap) if is_text else tuple(lap), 1)
        if now < max_steps:
            symbol, state = step(state)
            symbols.append(symbol)
    return None


def state_recurrence(states: np.ndarray, period: int) -> np.ndarray:
    """How far the state moves from one lap of a loop to the next.

    `states` (N, D): one state a step, from the loop's start on. Returns (N // period - 1,) float64:
    for each lap the largest |s[t + period] - s[t]| over its steps and over D. Values falling to
    the size of float32 rounding (about 1e-7) say that the process has settled, to that tolerance.
    ValueError: states not (N, D), or fewer than two laps in them.
    """
    states = np.asarray(states, dtype=np.float64)
    if states.ndim != 2:
        raise ValueError(f"states of shape {states.shape}: must be (N, D)")
    laps = len(states) // period if period > 0 else 0
    if laps < 2:
        raise ValueError(f"{len(states)} states, period {period}: need at least two periods")
    orbit = states[: laps * period].reshape(laps, period, -1)
    return np.abs(np.diff(orbit, axis=0)).max(axis=(1, 2))
