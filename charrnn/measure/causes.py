"""What a text does when one unit is held, and what a copied state makes the network expect."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from charrnn.probe.cause import (
    CLOSERS,
    Part,
    continued,
    first_close,
    pairs_without_opening,
    still_inside,
    transplants,
)
from charrnn.probe.census import Census, best_unit, decoded
from charrnn.probe.memory import looked_back
from charrnn.runs import Run
from charrnn.sample import Sampling
from charrnn.structure.shares import bootstrap_mean

LEFT = ("inside_quotes", "inside_link", "inside_comment", "inside_string", "inside_math")
"""Rules whose best unit is held, where the text has them."""
MARKS = {"inside_quotes": '"', "inside_string": '"'}
"""Rules that one mark opens and closes: what is copied into a text that lacks the opening one."""
CONTEXT, TEXTS, LENGTH = 200, 256, 200
OTHERS = 4
"""Units that are held for comparison, one at a time."""
FEW = (1, 5, 20)
"""How many of a rule's best units are copied."""


def measure(
    run: Run,
    ids: np.ndarray,
    labels: Mapping[str, np.ndarray],
    census: Census,
    values: Mapping[int, np.ndarray],
) -> dict:
    """labels, census: of the text ids (n,); values: tanh(c) (n,) of units by number, of which
    there must be the best of each rule and `other_units` of it."""
    facts: dict = {"leaving": {}, "copying": {}, "depends": depends(run, ids, labels)}
    for name in LEFT:
        if name not in census.real:
            continue
        unit = best_unit(census.real[name])
        found = leaving(run, ids, labels[name], unit, values, name)
        if found:
            facts["leaving"][name] = found
        if name in MARKS:
            order = census.real[name].best(max(FEW))
            if copied := copying(run, ids, labels[name], order, MARKS[name]):
                facts["copying"][name] = copied
    return facts


def leaving(
    run: Run, ids: np.ndarray, inside: np.ndarray, unit: int, values: Mapping[int, np.ndarray], name
) -> dict | None:
    """From moments inside: how many texts have not left after so many characters, when the unit is
    free, held as it is inside or as it is outside, and when others are held so, one at a time."""
    closers = CLOSERS[name]
    _, closing = closing_marks(decoded(run.vocab, ids), inside, closers)
    at = moments(inside, closing)
    if len(at) < 20:
        return None
    contexts = np.stack([ids[i - CONTEXT + 1 : i + 1] for i in at])
    settings = Sampling(length=LENGTH, temperature=1.0, seed=1)

    def curve(*units: int, label: np.ndarray | None = None) -> np.ndarray:
        held = [held_at(run, u, values[u], label) for u in units if label is not None]
        return _curve(run, contexts, settings, held, closers)

    others = other_units(unit, run.model.config.hidden)
    curves = {
        "free": curve(),
        "held on": curve(unit, label=inside),
        "held off": curve(unit, label=~inside),
        "another held on": np.mean([curve(u, label=inside) for u in others], axis=0),
        "another held off": np.mean([curve(u, label=~inside) for u in others], axis=0),
    }
    layer, number = divmod(unit, run.model.config.hidden)
    return {
        "layer": layer,
        "unit": number,
        "others": [u % run.model.config.hidden for u in others],
        "on": round(float(np.median(values[unit][inside])), 3),
        "off": round(float(np.median(values[unit][~inside])), 3),
        "texts": len(at),
        "curves": {k: [round(float(s), 4) for s in c[::5]] for k, c in curves.items()},
    }


def other_units(unit: int, hidden: int) -> list[int]:
    """Units of the same layer to hold instead, evenly spaced from the one: chosen by number."""
    layer, number = divmod(unit, hidden)
    steps = [k * hidden // (OTHERS + 1) for k in range(1, OTHERS + 1)]
    return [layer * hidden + (number + step) % hidden for step in steps]


def held_at(run: Run, unit: int, values: np.ndarray, label: np.ndarray) -> tuple[int, int, float]:
    """A unit held as it is, in the median, where a label holds: layer, unit, and c."""
    layer, number = divmod(unit, run.model.config.hidden)
    return layer, number, memory(run, float(np.median(values[label])))


def moments(inside: np.ndarray, closing: np.ndarray) -> np.ndarray:
    """Up to `TEXTS` evenly spread moments inside, at least five characters after the opening, and
    none where a closing mark has begun."""
    since = np.minimum.reduce([np.roll(inside, k) for k in range(6)])
    at = np.flatnonzero(since & ~closing)
    at = at[(at >= CONTEXT) & (at < len(inside) - 1)]
    if len(at) > TEXTS:
        at = at[np.linspace(0, len(at) - 1, TEXTS).astype(int)]
    return at


def closing_marks(text: str | bytes, inside: np.ndarray, closers) -> tuple[np.ndarray, np.ndarray]:
    """Where closing marks begin (indices), and which characters (n,) belong to one but its last:
    those still count as inside."""
    text = text.decode("latin-1") if isinstance(text, bytes) else text
    begins, closing = [], np.zeros(len(inside), bool)
    for end in np.flatnonzero(inside[:-1] & ~inside[1:]) + 1:
        fitting = [mark for mark in closers if text.endswith(mark, 0, int(end) + 1)]
        begin = int(end) + 1 - len(max(fitting, key=len, default=" "))
        begins.append(begin)
        closing[begin:end] = True
    return np.array(begins, np.int64), closing


def memory(run: Run, shown: float) -> float:
    """The c whose tanh is shown; in a network without c, h itself."""
    if run.model.config.cell != "lstm":
        return shown
    return float(np.arctanh(np.clip(shown, -0.999, 0.999)))


def _curve(run: Run, contexts: np.ndarray, settings: Sampling, held, closers) -> np.ndarray:
    drawn = continued(run.model, contexts, settings, held)
    byte = run.vocab.level == "byte"
    texts = (
        run.vocab.decode_bytes(row).decode("latin-1") if byte else run.vocab.decode(row)
        for row in drawn
    )
    return still_inside([first_close(text, closers) for text in texts], LENGTH)


def copying(run: Run, ids: np.ndarray, inside: np.ndarray, order: np.ndarray, mark: str):
    """How likely the closing mark is, where it came, when its opening is cut from the text and
    parts of the whole text's state are copied in; None of fewer than 20 pairs."""
    whole, shorn = pairs_without_opening(ids, run.vocab, inside, [mark], CONTEXT, TEXTS)
    if len(whole) < 20:
        return None
    close = run.vocab.ids[ord(mark) if run.vocab.level == "byte" else mark]
    config = run.model.config
    parts: dict[str, list[Part]] = {"nothing copied": []}
    for n in FEW:
        named = f"c of the best {n} units" if n > 1 else "c of the best unit"
        parts[named] = memories(order[:n], config.hidden)
    for layer in range(config.layers):
        parts[f"c of layer {layer + 1}"] = [Part("c", (layer,))]
    parts |= {"c of all layers": [Part("c")], "h of all layers": [Part("h")]}
    parts["everything"] = [Part("hc")]
    found = transplants(run.model, whole, shorn, parts)
    return {"pairs": len(whole), "rows": [_row(name, p[:, close]) for name, p in found.items()]}


def memories(units: np.ndarray, hidden: int) -> list[Part]:
    """The memories of units that are counted through all layers, a part for each layer."""
    layers, numbers = np.divmod(np.asarray(units), hidden)
    return [Part("c", (int(n),), tuple(numbers[layers == n].tolist())) for n in np.unique(layers)]


def _row(name: str, p: np.ndarray) -> dict:
    e = bootstrap_mean(p, seed=0)
    return {"title": name, "value": e.value, "low": e.low, "high": e.high}


def depends(run: Run, ids: np.ndarray, labels: Mapping[str, np.ndarray]) -> dict:
    """How much a guess depends on what stands how far before it: the mean norm of gradients by
    distance, for guesses anywhere and for the closing of what a rule labels."""
    places = {"any character": np.linspace(CONTEXT, len(ids) - 1, TEXTS).astype(int)}
    for name in LEFT:
        if name in labels:
            text = decoded(run.vocab, ids)
            ends, _ = closing_marks(text, labels[name], CLOSERS[name])
            ends = ends[ends >= CONTEXT]
            if len(ends) >= 20:
                chosen = np.linspace(0, len(ends) - 1, min(TEXTS, len(ends))).astype(int)
                places[name] = ends[chosen]
    found = {}
    for name, at in places.items():
        texts = np.stack([ids[i - CONTEXT : i + 1] for i in at])
        mean = looked_back(run.model, texts).mean(axis=0)[::-1]  # by distance 1, 2, ...
        found[name] = [float(f"{x:.4g}") for x in mean]
    return found
