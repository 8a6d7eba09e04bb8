"""What the four silent changes to the post's program are worth, from the ablation's networks.

A result is what `benchmarks/ablation.py` writes: networks with and without each of four changes,
in all sixteen combinations, several seeds of each. All differences are taken seed by seed between
networks that begin with the same weights and read the same text; an interval is Student's, over
the seeds, and holds 95 % of the time were the seeds' differences normal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from charrnn.claims.rules import Claim, result
from charrnn.eras import ERAS
from charrnn.runs import Run

CHANGES = {
    "added": "gradient added",
    "upward": "dropout upward only",
    "decay": "rate decays",
    "forget": "forget bias 1",
}
"""The four changes as a result's rows name them, and as a table does."""


SAID = {
    "added": "adding the softmax's gradient to the one that came back through h",
    "upward": "taking dropout off the recurrent path",
    "decay": "letting the learning rate decay",
    "forget": "starting the forget gate's bias at 1",
}


DAY = dict.fromkeys(CHANGES, False)
"""The program of 21 May 2015."""


LAST = dict.fromkeys(CHANGES, True)
"""What char-rnn became."""


DECAYS_AFTER = ERAS["char-rnn"].training["lr_decay_after"]
"""Epochs before which a rate that will decay is still the same."""


NUMBERS = {1: "one", 2: "two", 3: "three"}
SPLITS = {"tail": "the file's tail", "lanes": "the ends of the lanes"}


SHOWN = ("lanes", "tail")
"""The order in which a sentence gives both."""
TITLES = {"tinyshakespeare": "tinyshakespeare", "war_and_peace": "War and Peace"}


T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
         2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093)  # fmt: skip
"""Student's t below which 97.5 % lie, for 1 to 19 degrees of freedom. Found in any table of it;
the tests integrate the density up to each."""


@dataclass(frozen=True)
class Effect:
    """A difference between networks with and without something, over the seeds."""

    value: float
    low: float
    high: float
    seeds: int

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"

    @property
    def short(self) -> str:
        """The difference and half of its interval."""
        return f"{self.value:+.3f} ± {(self.high - self.low) / 2:.3f}"

    @property
    def sign(self) -> int:
        """-1 or 1 where the whole interval lies on that side of zero, else 0."""
        return int(self.low > 0) - int(self.high < 0)


def recorded() -> dict[str, dict]:
    """The committed results by text, of each the one with the most training.

    FileNotFoundError where there is none."""
    return _best(result("ablation-").values())


def read(folder: str | Path) -> dict[str, dict]:
    """The results in a folder by text."""
    return _best(json.loads(p.read_text()) for p in sorted(Path(folder).glob("ablation-*.json")))


def _best(results) -> dict[str, dict]:
    found: dict[str, dict] = {}
    for kept in results:
        rival = found.get(kept["text"])
        if rival is None or _training(kept) > _training(rival):
            found[kept["text"]] = kept
    return {name: found[name] for name in sorted(found)}


def _training(found: Mapping) -> int:
    """Parameters of a layer times the steps that all groups have taken."""
    return found["settings"]["hidden"] ** 2 * last_step(found)


def title(found: Mapping) -> str:
    """A text's name as a reader knows it."""
    return TITLES.get(found["text"], found["text"])


def last_step(found: Mapping) -> int:
    """The last step at which every group was measured; ValueError where a group is missing."""
    if len(found["groups"]) < 4:
        have = ", ".join(group["group"] for group in found["groups"])
        raise ValueError(
            f"{found['text']}: of the four groups there is only {have}; train the rest"
        )
    return max(set.intersection(*(set(group["steps"]) for group in found["groups"])))


def has_begun(found: Mapping, change: str, step: int | None = None) -> bool:
    """Whether a change can have made a difference by a step (None: the last)."""
    step = last_step(found) if step is None else step
    return change != "decay" or step > DECAYS_AFTER * found["steps_per_epoch"]


def begun(found: Mapping) -> list[str]:
    """The changes that can have made a difference by the end."""
    return [change for change in CHANGES if has_begun(found, change)]


def all_of(found: Mapping) -> str:
    """What the last program has that the first had not, as far as it had begun."""
    number = len(begun(found))
    return "all four" if number == len(CHANGES) else f"the {NUMBERS[number]} that had begun"


def networks(found: Mapping, step: int | None = None) -> pd.DataFrame:
    """A row a network: which changes it has, its seed, and what was measured at a step.

    step: one at which all groups were measured (None: the last such). `train` and `norm` are means
    since the step measured before.
    """
    step, rows = last_step(found) if step is None else step, []
    for group in found["groups"]:
        if step not in group["steps"]:
            raise ValueError(f"nothing was measured at step {step} in group {group['group']}")
        at = group["steps"].index(step)
        for row in group["rows"]:
            named = {k: row[k] for k in (*CHANGES, "seed")}
            rows.append(named | {k: row[k][at] for k in ("train", "norm", *SPLITS)})
    return pd.DataFrame(rows)


def interval(differences: Sequence[float]) -> Effect:
    """The mean of seeds' differences with Student's 95 % interval; ValueError below two seeds."""
    values, n = np.asarray(differences, dtype=float), len(differences)
    if not 2 <= n <= len(T_975) + 1:
        raise ValueError(f"{n} seeds; an interval here takes 2 to {len(T_975) + 1}")
    half = T_975[n - 2] * values.std(ddof=1) / math.sqrt(n)
    return Effect(values.mean(), values.mean() - half, values.mean() + half, n)


def between(table: pd.DataFrame, one: Mapping, other: Mapping, measure: str) -> Effect:
    """`measure` of variant `other` less that of `one`, paired by seed."""
    return interval((by_seed(table, other, measure) - by_seed(table, one, measure)).to_numpy())


def by_seed(table: pd.DataFrame, variant: Mapping, measure: str) -> pd.Series:
    """A variant's measure, by seed; of all variants that agree with it where it says less."""
    chosen = table
    for change, has in variant.items():
        chosen = chosen[chosen[change] == has]
    return chosen.groupby("seed")[measure].mean()


def on_average(table: pd.DataFrame, change: str, measure: str) -> Effect:
    """A change's main effect: the mean over the eight pairs of variants that differ in it alone."""
    return between(table, {change: False}, {change: True}, measure)


def alone(table: pd.DataFrame, change: str, measure: str) -> Effect:
    """What a change does to the program of that day, all else as it was."""
    return between(table, DAY, DAY | {change: True}, measure)


def undone(table: pd.DataFrame, change: str, measure: str) -> Effect:
    """What a change does where the other three are made: the last program less it without."""
    return between(table, LAST | {change: False}, LAST, measure)


def together(table: pd.DataFrame, measure: str) -> Effect:
    """The last program less that of the day."""
    return between(table, DAY, LAST, measure)


def interaction(table: pd.DataFrame, one: str, other: str, measure: str) -> Effect:
    """How much more one change does where the other is made than where it isn't."""
    with_, without = (
        by_seed(table, {one: True, other: has}, measure)
        - by_seed(table, {one: False, other: has}, measure)
        for has in (True, False)
    )
    return interval((with_ - without).to_numpy())


def answer(results: Mapping[str, Mapping]) -> str:
    """Which of the changes mattered, in one sentence, by the held-out loss on both splits.

    The changes stand in the order of their mean effect. One lowers (raises) the loss where its
    whole interval does so for every text and split; it makes no difference that can be told where
    every interval holds zero; else the sentence counts. Where training ended before a change could
    have an effect, the sentence says so.
    """
    found = {c: _over(results, c) for c in CHANGES}
    whole = _over(results)
    size = {c: np.mean([abs(e.value) for e in each.values()]) for c, each in found.items() if each}
    first, *others = sorted(size, key=lambda c: -size[c])
    seeds = min(e.seeds for e in whole.values())
    rest = [f"{SAID[c]} {_verdict(found[c])} ({_figures(found[c])}{_late(results, c)})"
            for c in others]  # fmt: skip
    rest += [f"{SAID[c]} had not begun" for c in CHANGES if c not in size]
    four = all(len(begun(kept)) == len(CHANGES) for kept in results.values())
    return (
        f"Of the four silent changes {SAID[first]} has, by the mean over texts and ways to hold "
        f"text out, the largest effect on the held-out loss: it {_verdict(found[first])} "
        f"({_figures(found[first])}{_late(results, first)}; nats a character at "
        f"{' and '.join(SPLITS[k] for k in SHOWN)}, 95 % over {seeds} seeds); {'; '.join(rest)}; "
        f"making all {'four' if four else 'that had begun'} {_verdict(whole)} ({_figures(whole)})."
    )


def _over(
    results: Mapping[str, Mapping], change: str | None = None
) -> dict[tuple[str, str], Effect]:
    """A change's mean effect by text and split, where it had begun (None: that of all)."""
    found = {}
    for kept in results.values():
        if change is None or has_begun(kept, change):
            table = networks(kept)
            for split in SHOWN:
                effect = on_average(table, change, split) if change else together(table, split)
                found[title(kept), split] = effect
    return found


def _late(results: Mapping[str, Mapping], change: str) -> str:
    """On which texts training ended before a change could have an effect."""
    late = [title(kept) for kept in results.values() if not has_begun(kept, change)]
    return f"; on {' and '.join(late)} training ended before it began" if late else ""


def _verdict(found: Mapping[tuple[str, str], Effect]) -> str:
    """What a change does to a loss, over texts and splits."""
    signs = {e.sign for e in found.values()}
    if signs == {-1}:
        return "lowers it"
    if signs == {1}:
        return "raises it"
    if signs == {0}:
        return "makes no difference that can be told"
    down, up = (sum(e.sign == s for e in found.values()) for s in (-1, 1))
    told = [f"{word} it in {n}" for word, n in (("lowers", down), ("raises", up)) if n]
    return f"{' and '.join(told)} of {len(found)} comparisons"


def _figures(found: Mapping[tuple[str, str], Effect]) -> str:
    """The effects text by text, on the splits in the order of `SHOWN`."""
    texts = dict.fromkeys(name for name, _ in found)
    return ", ".join(f"{t} {' and '.join(found[t, k].short for k in SHOWN)}" for t in texts)


def _reproduces(run: Run) -> tuple[str, str]:
    """Held: what the program became can't be told from the program of that day by its held-out
    loss, on any text or split. Held with a change: it can, so a state of it has to be chosen."""
    results = recorded()
    whole = _over(results)
    found = {c: _over(results, c) for c in CHANGES}
    size = {c: np.mean([abs(e.value) for e in each.values()]) for c, each in found.items() if each}
    first = max(size, key=size.get)
    text = (
        f"its silent changes to training move the loss by {_figures(whole)} nats (at "
        f"{' and '.join(SPLITS[k] for k in SHOWN)}, 95 % over seeds), most of all {SAID[first]}: "
        f"{_figures(found[first])}"
    )
    return text, "held with a change" if any(e.sign for e in whole.values()) else "held"


CHAPTER = "19-that-day"

CLAIMS = (
    Claim(
        "C36",
        "the released program reproduces the experiments",
        "paul_graham",
        _reproduces,
        CHAPTER,
        "trainings",
        benchmark="ablation-",
    ),
)
