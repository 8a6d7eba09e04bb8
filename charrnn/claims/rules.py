"""What a claim is, what a verdict is, and how a rule reads its numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from charrnn.recipe import repository
from charrnn.runs import Run

VERDICTS = ("held", "held with a change", "not held", "not stated in 2015", "not tested")
OVER = (
    "count",
    "samples",
    "samples while training",
    "names",
    "greedy",
    "typeset",
    "validation text",
    "held-out text",
    "one training",
    "trainings",
    "timings",
)
"""What a number may be taken over. The ledger says each in words, with the run's own figures."""


@dataclass(frozen=True)
class Verdict:
    """What became of a claim."""

    id: str
    said: str
    """The claim, in our words."""
    number: str
    """What we measured."""
    verdict: str
    """One of VERDICTS."""
    run: str | None
    """The recorded run it rests on."""
    measured: bool = True
    """False where the rule's number is missing; "not tested" by the rule itself is measured."""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(
                f"verdict is {self.verdict!r}; it must be one of {', '.join(VERDICTS)}"
            )


Rule = Callable[[Run], tuple[str, str]]
"""From the claim's run to our number and one of VERDICTS. A KeyError or FileNotFoundError in it
means that something was not measured."""


@dataclass(frozen=True)
class Claim:
    """A claim and the rule that judges it."""

    id: str
    said: str
    run: str
    rule: Rule
    chapter: str = ""
    """The page of the book with its verdict, a file of book/ without its ending."""
    over: str = "count"
    """What its number is taken over, one of OVER."""
    second: str | None = None
    """Another run that the rule reads."""
    benchmark: str | None = None
    """A committed result of several trainings or timings that the rule reads."""

    def __post_init__(self) -> None:
        if self.over not in OVER:
            raise ValueError(f"over is {self.over!r}; it must be one of {', '.join(OVER)}")


def result(name: str) -> dict:
    """A benchmark's committed result. Raises FileNotFoundError where there is none."""
    root = repository()
    found = sorted((root / "benchmarks" / "results").glob(f"{name}*.json")) if root else []
    if not found:
        raise FileNotFoundError(f"benchmarks/results/{name}*.json")
    return {p.stem: json.loads(Path(p).read_text(encoding="utf-8")) for p in found}


def at(run: Run, temperature: float) -> dict:
    """The sweep's row at a temperature. Raises KeyError where there is none."""
    for row in run.measures["sweep"]:
        if row["temperature"] == temperature:
            return row
    raise KeyError(f"no samples at T = {temperature:g}")


def percent(share: dict) -> str:
    """A share with its 95 % interval: "91.3% [90.2%, 92.5%]"."""
    return f"{share['value']:.1%} [{share['low']:.1%}, {share['high']:.1%}]"
