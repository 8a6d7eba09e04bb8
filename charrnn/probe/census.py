"""How many units of a network mean something, beside what chance, wiring and mixing would give.

The post says of its networks that about one cell in twenty has an interpretation that one can see;
it doesn't say by which measure. Here a unit's score is the best that it reaches over a bank of
rules: F1 for a yes-or-no rule, the correlation's size for a graded one. Rule and threshold are
chosen on the first half of a text, and the score is taken on the second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from charrnn import rules
from charrnn.model import CharRNN
from charrnn.probe.controls import Rotation, shifted, untrained
from charrnn.probe.linear import Read, Sample, linear_probes
from charrnn.probe.ranking import Correlations, Ranking, Scores
from charrnn.probe.states import Block, states
from charrnn.probe.trace import check_quantity
from charrnn.vocab import Vocab

Found = dict[str, Scores | Correlations]
EASY = 0.4
"""A yes-or-no rule whose F1 by always saying yes is higher than this is left out of units' scores:
where it is a little commoner in one half than in the other, any unit would pass a bar of 0.5."""


@dataclass(frozen=True)
class Census:
    """One network and one text: each rule's scores, and those of the controls."""

    quantity: str
    layers: int
    hidden: int
    characters: int
    real: Found
    shifted: Found = field(default_factory=dict)
    rotated: Found = field(default_factory=dict)
    untrained: Found = field(default_factory=dict)
    shuffled: dict[str, float] = field(default_factory=dict)
    """Yes-or-no rule to the mean F1 of all other units at the best unit's threshold."""
    probes: dict[str, Read] = field(default_factory=dict)


def unit_labels(text: str | bytes, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """The labels of a text by every rule, or by those named. ValueError on an unknown name."""
    return {name: rules.labels(name, text) for name in names or rules.RULES}


def decoded(vocab: Vocab, ids: np.ndarray) -> str | bytes:
    """The text that rules label: one label for each id."""
    return vocab.decode_bytes(ids) if vocab.level == "byte" else vocab.decode(ids)


def rank_units(
    run,
    text: str | bytes,
    rule: str | Sequence[str] | None = None,
    quantity: str = "c",
    progress: bool = False,
    **options,
) -> Found:
    """Score every unit of a run's model against rules on a text of any length.

    rule: a rule's name or several (None: all that the text has at least ten labels of). quantity:
    "c" (an LSTM's memories) or "h". progress: a bar on stderr. options: as for
    `charrnn.probe.states.states`. Returns `Scores` or `Correlations` by rule; units of all layers
    are counted through: layer l's unit u is l H + u (`divmod(u, H)`). Raises ValueError on an
    unknown rule or quantity, UnknownCharacterError on characters the model never saw.

    >>> found = rank_units(load_run("war_and_peace"), text, "inside_quotes")
    >>> best = found["inside_quotes"].best(5)
    """
    check_quantity(quantity)
    ids = np.asarray(run.vocab.encode(text), dtype=np.int64)
    names = [rule] if isinstance(rule, str) else rule
    labels = unit_labels(decoded(run.vocab, ids), names)
    ranking = Ranking(labels)
    with tqdm(total=len(ids), unit="char", unit_scale=True, disable=not progress) as bar:
        for block in states(run.model, ids, **options):
            _count(ranking, block, quantity)
            bar.update(len(block.where))
    return ranking.scores()


def _count(ranking: Ranking, block: Block, quantity: str) -> None:
    """Memories are counted as they are, and correlated as they are read."""
    ranking.add(block.where, block.of(quantity), _readable(block, quantity))


def _readable(block: Block, quantity: str) -> np.ndarray:
    """What rotations, linear readings and correlations take: h, or c / (1 + |c|), which keeps apart
    what tanh would round to 1, as the counts of units do."""
    values = block.of(quantity)
    return values / (1 + np.abs(values)) if quantity == "c" and block.c is not None else values


def take_census(
    model: CharRNN,
    ids: np.ndarray,
    labels: Mapping[str, np.ndarray],
    quantity: str = "c",
    seed: int = 0,
    **options,
) -> Census:
    """Score every unit and every control on a text, ids (n,), in one pass (two with the untrained
    network's). options: as for `states`."""
    check_quantity(quantity)
    config = model.config
    rotation = Rotation(config.layers, config.hidden, seed)
    real, moved, turned = Ranking(labels), Ranking(shifted(labels, seed)), Ranking(labels)
    sample = Sample(len(ids), seed=seed)
    for block in states(model, ids, **options):
        _count(real, block, quantity)
        _count(moved, block, quantity)
        read = _readable(block, quantity)
        turned.add(block.where, rotation(read))
        sample.add(block.where, read)
    fresh = Ranking(labels)
    for block in states(untrained(model, seed + 1), ids, **options):
        _count(fresh, block, quantity)
    found = real.scores()
    return Census(
        quantity=quantity,
        layers=config.layers,
        hidden=config.hidden,
        characters=len(ids),
        real=found,
        shifted=moved.scores(),
        rotated=turned.scores(),
        untrained=fresh.scores(),
        shuffled={k: float(real.shuffled(k).mean()) for k in found if is_scores(found[k])},
        probes=linear_probes(sample, {k: labels[k] for k in found}),
    )


def is_scores(scores: Scores | Correlations) -> bool:
    """Whether a rule is of the yes-or-no kind."""
    return isinstance(scores, Scores)


def measured(scores: Scores | Correlations) -> tuple[np.ndarray, np.ndarray]:
    """What a rule's units are compared by, (N,) on each half: F1, or the size of r."""
    if isinstance(scores, Scores):
        return scores.f1_found, scores.f1
    same = np.sign(scores.r_found) * scores.r  # of the same sign, or it is no match
    return np.abs(scores.r_found), np.maximum(same, 0)


def counted(found: Found) -> list[str]:
    """The rules that units' scores are taken over: graded ones, and those that are not so common
    that saying yes everywhere would do."""
    easy = {k for k, v in found.items() if isinstance(v, Scores) and v.guessing > EASY}
    return [k for k in found if k not in easy]


def unit_scores(found: Found, over: Sequence[str]) -> np.ndarray:
    """(N,) the score of each unit: on the second half, by the rule it did best at on the first."""
    pairs = [measured(found[name]) for name in over if name in found]
    if not pairs:
        raise ValueError("there is no rule to score units by; the text has too little of any")
    first, second = (np.stack(half) for half in zip(*pairs, strict=True))
    return second[first.argmax(axis=0), np.arange(first.shape[1])]


def best_unit(scores: Scores | Correlations) -> int:
    """The unit that did best on the first half."""
    return int(scores.best(1)[0])
