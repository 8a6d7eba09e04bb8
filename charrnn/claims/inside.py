"""The claims on what goes on inside, C27 to C33."""

from __future__ import annotations

from collections.abc import Iterable

from charrnn.claims.rules import Claim, result
from charrnn.runs import Run, load_run

SEEN, CLEAR = 0.5, 0.7
"""Scores (F1, or the size of r) from which on a unit is said to follow a rule somewhat, and
clearly: the same for every claim."""
SURE = 0.9
FEW = 0.05
"""About one cell in twenty."""
PANES = {
    "war_and_peace": ("inside_quotes", "position_in_line", "line_ends_next"),
    "linux": ("inside_if_condition", "inside_comment", "expression_depth"),
}
"""The rules of the post's later panes, and whose network they are looked for in."""


def _address(run: Run) -> tuple[str, str]:
    found = run.measures["neurons"]["address"]
    after = dict(zip(found["text"][1:], found["p"], strict=True))  # the last of equals stays
    certain = found["p"][found["text"].index("www.") - 1 :]
    mean = sum(certain) / len(certain)
    text = (
        f"where {found['text']} stands in held-out text ({found['count']} times), its letters "
        f"after the slashes had a mean probability of {mean:.0%}; the second slash {after['/']:.0%}"
    )
    return text, "held" if mean >= SURE else "held with a change"


def _unit(rule: str, quantity: str = "h"):
    """A verdict on one rule: whether a unit follows it."""

    def judge(run: Run) -> tuple[str, str]:
        best, told = _best(run, rule, quantity)
        return told, _verdict([best["score"]])

    return judge


def _best(run: Run, rule: str, quantity: str) -> tuple[dict, str]:
    """A rule's best unit and a line about it."""
    facts = run.measures["neurons"]["rules"][rule]
    best = facts["units"][quantity][0]
    value = f"r {best['r']:+.2f}" if "r" in best else f"F1 {best['score']:.2f}"
    value += f", AUC {best['auc']:.3f}" if "auc" in best else ""
    told = f"layer {best['layer'] + 1} unit {best['unit']}: {value} on {facts['title']}"
    return best, told


def _verdict(scores: Iterable[float]) -> str:
    """Held where all are clear, held with a change where most are to be seen."""
    scores = list(scores)
    if all(s >= CLEAR for s in scores):
        return "held"
    return "held with a change" if sum(s >= SEEN for s in scores) > len(scores) / 2 else "not held"


def _switch(run: Run) -> tuple[str, str]:
    event = run.measures["neurons"]["event"]
    mean = dict(zip(event["offset"], event["mean"], strict=True))
    jump = abs(mean[0] - mean[-1])
    before = max(abs(mean[k + 1] - mean[k]) for k in mean if k < -1)
    text = (
        f"layer {event['layer'] + 1} unit {event['unit']}: mean h goes from {mean[-1]:+.2f} to "
        f"{mean[0]:+.2f} with the first w, over {event['events']} addresses it was not chosen on"
    )
    if jump < SEEN:
        return text, "not held"
    return text, "held" if jump > before else "held with a change"


def _panes(run: Run) -> tuple[str, str]:
    runs = dict(zip(PANES, (run, load_run("linux")), strict=True))
    found = [_best(runs[name], rule, "c") for name, rules in PANES.items() for rule in rules]
    return "; ".join(told for _, told in found), _verdict(best["score"] for best, _ in found)


def shares(run: Run, bar: float) -> dict[str, float]:
    """The share of units that reach a bar, for the trained network and each control."""
    scores = run.measures["neurons"]["census"]["scores"]
    return {name: sum(s >= bar for s in each) / len(each) for name, each in scores.items()}


def _census(run: Run) -> tuple[str, str]:
    seen, clear = shares(run, SEEN), shares(run, CLEAR)
    rotated, untrained = seen["rotated"], seen["untrained"]
    text = (
        f"{seen['trained']:.1%} of {run.measures['neurons']['census']['hidden']} x "
        f"{run.info['model']['layers']} cells reach {SEEN} and {clear['trained']:.1%} reach "
        f"{CLEAR} on one of the rules (after a random rotation {rotated:.1%} and "
        f"{clear['rotated']:.1%}, untrained {untrained:.1%} and {clear['untrained']:.1%})"
    )
    if quotes := _seeds(run):
        text += f"; {quotes}"
    between = clear["trained"] <= FEW <= seen["trained"]
    special = seen["trained"] >= 2 * max(rotated, untrained)
    if between and special:
        return text, "held"
    return text, "held with a change" if special else "not held"


def _seeds(run: Run) -> str:
    """How many smaller networks grew a cell for quotations, where that was counted."""
    try:
        (found,) = result(f"neurons-{run.name.replace('_', '-')}").values()
    except (FileNotFoundError, ValueError):
        return ""
    cells = [row["rules"]["inside_quotes"]["trained"] for row in found["rows"]]
    grown = sum(score >= CLEAR for score in cells)
    return f"of {len(cells)} smaller networks {grown} have a quotation cell that reaches {CLEAR}"


CHAPTER = "09-predictions"

CLAIMS = (
    Claim(
        "C27",
        "the network is nearly certain on http://www.",
        "wikipedia",
        _address,
        CHAPTER,
        "held-out text",
    ),
    Claim(
        "C28",
        "a neuron that is on inside web addresses",
        "wikipedia",
        _unit("inside_url"),
        CHAPTER,
        "held-out text",
    ),
    Claim(
        "C29",
        "a neuron that is on inside [[ ]]",
        "wikipedia",
        _unit("inside_link"),
        CHAPTER,
        "held-out text",
    ),
    Claim(
        "C30",
        "a neuron that rises about linearly across [[ ]]",
        "wikipedia",
        _unit("position_in_link"),
        CHAPTER,
        "held-out text",
    ),
    Claim(
        "C31",
        "a neuron that switches after the first w of www",
        "wikipedia",
        _switch,
        CHAPTER,
        "held-out text",
    ),
    Claim(
        "C32",
        "cells for quotations, line position, if-conditions, comments, depth, line ends",
        "war_and_peace",
        _panes,
        CHAPTER,
        "held-out text",
        second="linux",
    ),
    Claim(
        "C33",
        "about 5 % of cells can be interpreted",
        "war_and_peace",
        _census,
        "10-neurons",
        "held-out text",
        benchmark="neurons-war-and-peace",
    ),
)
