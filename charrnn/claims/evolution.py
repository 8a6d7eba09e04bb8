"""The claim on samples while training, C26."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from charrnn.claims.rules import Claim
from charrnn.runs import Run

POST = (
    (100, {"spaces": "blanks"}),
    (300, {"stops": "commas and full stops", "quotes": "quotation marks"}),
    (500, {"short": "short words"}),
    (700, {"middle": "words of 4 to 6 letters"}),
    (1200, {"closed": "quotations closed", "marks": "? and !", "long": "long words"}),
    (2000, {"names": "names"}),
)
"""The iterations at which the post sees things come, and the measures that we take for them."""


def places(found: Mapping) -> dict[str, float]:
    """At which sample, counted from 0, each measure has come half of the way for good (infinity
    where it never has), of the part `evolution` of measures.json, in the post's order."""
    stays = {name: found["measures"][name]["half"]["stays"] for _, row in POST for name in row}
    return {n: inf if step is None else found["steps"].index(step) for n, step in stays.items()}


def inversions(at: Mapping[str, float], slack: int) -> list[tuple[str, str]]:
    """Pairs that came the other way round than in the post, by more than `slack` samples."""
    rows = [list(row) for _, row in POST]
    return [
        (earlier, later)
        for i, row in enumerate(rows)
        for earlier in row
        for following in rows[i + 1 :]
        for later in following
        if at[earlier] > at[later] + slack
    ]


def _order(run: Run) -> tuple[str, str]:
    found = run.measures["evolution"]
    titles = {name: title for _, row in POST for name, title in row.items()}
    at = places(found)
    told = [
        f"{titles[name]} {'never' if at[name] == inf else format(found['steps'][at[name]], ',')}"
        for name in sorted(at, key=at.get)
    ]
    turned = inversions(at, found["neighbours"])
    text = f"half of the way to held-out text for good, by iteration: {', '.join(told)}"
    if not turned:
        return text, "held" if inf not in at.values() else "held with a change"
    pairs = ", ".join(f"{titles[later]} before {titles[earlier]}" for earlier, later in turned)
    one = set.intersection(*(set(pair) for pair in turned))
    return f"{text}; {pairs}", "held with a change" if one else "not held"


CLAIMS = (
    Claim(
        "C26",
        "blanks first, then stops and quotes, short words, longer words and quotations, names last",
        "war_and_peace",
        _order,
        "12-evolution",
        "samples while training",
    ),
)
