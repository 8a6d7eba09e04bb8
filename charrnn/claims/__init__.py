"""The claims of the 2015 post, each with our number and a verdict, computed from recorded runs.

A claim is numbered as in the book. Its verdict is derived from the run's numbers by a rule that is
written here, in a file a chapter; where a rule's number is missing (no such run, no such measure)
it is "not tested", with the reason, and `check` stops the book. Numbers come from `run.json`,
`measures.json` and the benchmarks' results. `ledger.py` sets them all side by side.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pandas as pd

from charrnn.claims import (
    algebra,
    changes,
    essays,
    evolution,
    inside,
    itself,
    kernel,
    names,
    paper,
    plays,
    wikipedia,
)
from charrnn.claims.rules import OVER, VERDICTS, Claim, Rule, Verdict, result
from charrnn.runs import Run, RunError, load_run

__all__ = [
    "CLAIMS", "OVER", "VERDICTS", "Claim", "Rule", "Table", "Verdict", "check", "judge", "missing",
    "result", "table", "verdicts",
]  # fmt: skip

_PARTS = (
    essays,
    plays,
    wikipedia,
    algebra,
    kernel,
    names,
    evolution,
    inside,
    itself,
    changes,
    paper,
)

CLAIMS = tuple(
    sorted((c for part in _PARTS for c in part.CLAIMS), key=lambda claim: int(claim.id[1:]))
)
"""All claims, in the order of their numbers."""


class Table(pd.DataFrame):
    """Verdicts, a row a claim. In a page each row can be linked to, such as `#C7`."""

    def _repr_html_(self) -> str:
        row = re.compile(r"<tr>(\s*<th>(C\d+)</th>)")
        return row.sub(r'<tr id="\2">\1', super()._repr_html_())


def verdicts(ids: list[str] | None = None) -> list[Verdict]:
    """The verdicts on the claims of these ids (None: all), in order. ValueError on another id."""
    known = {c.id: c for c in CLAIMS}
    unknown = [i for i in ids or [] if i not in known]
    if unknown:
        raise ValueError(f"no rule for claim {unknown[0]}; there are {', '.join(known)}")
    once = cache(load_run)
    return [judge(known[i], once) for i in ids or known]


def table(ids: list[str] | None = None) -> Table:
    """The verdicts as a table for a chapter."""
    rows = [(v.id, v.said, v.number, v.verdict) for v in verdicts(ids)]
    return Table(pd.DataFrame(rows, columns=["", "the post", "here", "verdict"]).set_index(""))


def missing(ids: list[str] | None = None) -> list[Verdict]:
    """The claims whose rule lacks a number. Those that a rule leaves untested are not among
    them: there the number is known, and it is the reason."""
    return [v for v in verdicts(ids) if not v.measured]


def check(ids: list[str] | None = None) -> None:
    """Raise RunError where a claim has no measurement, with its id and its run."""
    if found := missing(ids):
        told = ", ".join(f"{v.id} ({v.run})" for v in found)
        raise RunError(f"no measurement for {told}; record the run, or `charrnn measure` it anew")


def judge(claim: Claim, open_run: Callable[[str], Run]) -> Verdict:
    """The verdict on one claim, from the run that `open_run` opens."""
    try:
        number, verdict = claim.rule(open_run(claim.run))
    except (RunError, KeyError, FileNotFoundError) as absent:
        number = f"no measurement at hand ({absent})"
        return Verdict(claim.id, claim.said, number, "not tested", claim.run, measured=False)
    return Verdict(claim.id, claim.said, number, verdict, claim.run)
