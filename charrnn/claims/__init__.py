"""The claims of the 2015 post, each with our number and a verdict, computed from recorded runs.

A claim is numbered as in the book. Its verdict is derived from the run's numbers by a rule that is
written here, in a file a chapter; where a rule's number is missing (no such run, no such machine)
it is "not tested", with the reason. Numbers come from `run.json`, `measures.json` and the
benchmarks' results.
"""

from __future__ import annotations

import pandas as pd

from charrnn.claims import algebra, essays, inside, kernel, names, plays, wikipedia
from charrnn.claims.rules import VERDICTS, Claim, Rule, Verdict, result
from charrnn.runs import RunError, load_run

__all__ = ["CLAIMS", "VERDICTS", "Claim", "Rule", "Verdict", "result", "table", "verdicts"]

CLAIMS = tuple(
    sorted(
        (
            claim
            for part in (essays, plays, names, algebra, wikipedia, kernel, inside)
            for claim in part.CLAIMS
        ),
        key=lambda claim: int(claim.id[1:]),
    )
)
"""All claims that have a rule, in the order of their numbers."""


def verdicts(ids: list[str] | None = None) -> list[Verdict]:
    """The verdicts on the claims of these ids (None: all that have a rule), in order."""
    known = {c.id: c for c in CLAIMS}
    unknown = [i for i in ids or [] if i not in known]
    if unknown:
        raise ValueError(f"no rule for claim {unknown[0]}; there are {', '.join(known)}")
    return [_judge(known[i]) for i in ids or known]


def table(ids: list[str] | None = None) -> pd.DataFrame:
    """The verdicts as a table for a chapter."""
    rows = [(v.id, v.said, v.number, v.verdict) for v in verdicts(ids)]
    return pd.DataFrame(rows, columns=["", "the post", "here", "verdict"]).set_index("")


def _judge(claim: Claim) -> Verdict:
    try:
        number, verdict = claim.rule(load_run(claim.run))
    except (RunError, KeyError, FileNotFoundError) as missing:
        number, verdict = f"no measurement at hand ({missing})", "not tested"
    return Verdict(claim.id, claim.said, number, verdict, claim.run)
