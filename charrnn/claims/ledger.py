"""The ledger: every claim with its number, what that was taken over, and where it was measured.

Nothing in it is written by hand. A claim says what kind of thing its number is over (`OVER`); how
much of it there was stands in the run's own files, and is put into words here.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

from charrnn.claims import CLAIMS, VERDICTS, Claim, Verdict, judge, result
from charrnn.runs import Run, load_run

if TYPE_CHECKING:
    from IPython.display import HTML

SECTIONS = {
    "Paul Graham's essays": range(1, 9),
    "Shakespeare": range(9, 12),
    "Wikipedia": range(12, 14),
    "Algebraic geometry": range(14, 19),
    "Linux source code": range(19, 23),
    "Baby names": range(23, 26),
    "Samples while training": range(26, 27),
    "Predictions and neurons": range(27, 34),
    "The post itself, and its code": range(34, 36),
    "The program of that day, and the paper that followed": range(36, 42),
}
"""The sections of the post, and the numbers of the claims in each."""
INTERVAL = re.compile(r"\[-?[\d.]+%?, -?[\d.]+%?\]")
"""An interval as `percent` writes it."""
UNTRAINED = ("count", "timings")
"""What a number is over that no trained weights enter."""

_CSS = """
.charrnn-ledger { border-collapse: collapse; width: 100%; font-size: .88rem; line-height: 1.45; }
.charrnn-ledger th, .charrnn-ledger td { text-align: left; vertical-align: top;
  padding: .45rem .5rem; overflow-wrap: break-word; }
.charrnn-ledger tr { border-top: 1px solid rgba(128, 128, 128, .35); }
.charrnn-ledger small { display: block; opacity: .8; margin-top: .2rem; }
.charrnn-ledger .section th { font-size: 1rem; padding-top: 1.2rem; }
.charrnn-ledger :target { background: rgba(128, 128, 128, .16); }
@media (min-width: 701px) {
  .charrnn-ledger td:nth-of-type(1), .charrnn-ledger td:nth-of-type(4) { width: 20%; }
  .charrnn-ledger td:nth-of-type(3) { width: 6.2rem; }
}
@media (max-width: 700px) {
  .charrnn-ledger thead { display: none; }
  .charrnn-ledger, .charrnn-ledger tbody, .charrnn-ledger tr, .charrnn-ledger tr th,
  .charrnn-ledger tr td { display: block; padding: 0; overflow-wrap: anywhere; }
  .charrnn-ledger tr { padding: .5rem 0; }
  .charrnn-ledger td:nth-of-type(1) { font-style: italic; }
}
"""


@dataclass(frozen=True)
class Entry:
    """A line of the ledger."""

    claim: Claim
    verdict: Verdict
    over: str
    """What the number was taken over, and whether an interval says how sure it is."""
    basis: str
    """The run with its scale and device, or the benchmark with its machines."""
    single: bool
    """Whether it rests on trained weights, and on one training of each network alone."""
    facts: tuple[dict, ...]
    """The run.json of each run that the rule read."""

    @property
    def section(self) -> str:
        """The section of the post that the claim stands in."""
        number = int(self.claim.id[1:])
        return next(title for title, ids in SECTIONS.items() if number in ids)

    @property
    def href(self) -> str:
        """The verdict in its chapter, as a page of the built book names it."""
        return f"{self.claim.chapter}.html#{self.claim.id}"


def entries() -> list[Entry]:
    """The whole ledger, in the order of the claims."""
    once = cache(load_run)
    return [_entry(claim, judge(claim, once), once) for claim in CLAIMS]


def _entry(claim: Claim, verdict: Verdict, open_run: Callable[[str], Run]) -> Entry:
    if not verdict.measured:
        return Entry(claim, verdict, "nothing: no measurement", claim.run, False, ())
    single = claim.over not in UNTRAINED and _seeds(claim) < 2
    if claim.over in ("trainings", "timings"):  # of a benchmark alone: the rule reads no run
        return Entry(claim, verdict, _many(claim), _machines(claim), single, ())
    runs = [open_run(name) for name in (claim.run, claim.second) if name]
    facts = tuple(run.info for run in runs)
    over = ", and ".join(dict.fromkeys(OVER_WORDS[claim.over](run) for run in runs))
    if claim.benchmark and _rows(claim):
        over += f"; and {_many(claim)}"
    if claim.over not in UNTRAINED:
        certain = INTERVAL.search(verdict.number)
        over += "; 95 % intervals in brackets" if certain else "; no interval"
    basis = "; ".join(f"{i['name']}, scale {i['scale']}, {i['device']}" for i in facts)
    return Entry(claim, verdict, over, basis, single, facts)


def _rows(claim: Claim) -> list[dict]:
    """The trainings of a claim's benchmark, some in groups; none where there is no such result."""
    try:
        kept = result(claim.benchmark).values() if claim.benchmark else []
    except FileNotFoundError:
        return []
    parts = [part for each in kept for part in (each, *each.get("groups", []))]
    return [row for part in parts for row in part.get("rows", [])]


def _seeds(claim: Claim) -> int:
    """How many seeds a claim's benchmark has."""
    return len({row["seed"] for row in _rows(claim) if "seed" in row})


def _many(claim: Claim) -> str:
    """A benchmark's trainings or timings in words."""
    rows, seeds = _rows(claim), _seeds(claim)
    if claim.over == "timings":
        return "medians of timed batches"
    told = f"{len(rows)} smaller trainings"
    return f"{told} with {seeds} seeds" if seeds > 1 else f"{told}, one seed"


def _machines(claim: Claim) -> str:
    """A benchmark and the machines that it ran on."""
    machines = [each["machine"] for each in result(claim.benchmark).values()]
    names = dict.fromkeys(m["gpu"] or f"{m['cpu']} ({m['cores']} cores)" for m in machines)
    return f"benchmark {claim.benchmark.rstrip('-')}, {', '.join(names)}"


def _unit(run: Run) -> str:
    return "bytes" if run.info["corpus"]["level"] == "byte" else "characters"


def _count(run: Run) -> str:
    return "exact: nothing is drawn"


def _samples(run: Run) -> str:
    # Source code has samples of its own, longer ones.
    drawn = run.measures.get("kernel", run.measures)
    return (
        f"{drawn['samples']} samples of {drawn['length']:,} {_unit(run)} a temperature, one "
        "training"
    )


def _evolution(run: Run) -> str:
    steps = {record["step"] for record in run.samples}
    length = max(len(record["text"]) for record in run.samples)
    return f"samples of {length:,} {_unit(run)} at {len(steps)} steps of one training"


def _names(run: Run) -> str:
    drawn = run.measures["names"]["by_temperature"]["1.0"]["names"]
    return f"{drawn:,} names at T = 1, and exact shares of the distribution; one training"


def _greedy(run: Run) -> str:
    loops = run.measures["loops"]
    prompts, length = len(loops["greedy"]), loops["length"]
    return f"{prompts} prompts decoded greedily, {length:,} {_unit(run)} each; one training"


def _typeset(run: Run) -> str:
    given = run.measures["latex"]["typesetting"]["0.8"]["compiled"]["total"]
    return f"{given} samples given to LaTeX, one training"


def _validation(run: Run) -> str:
    return f"{run.info['split']['val']:,} {_unit(run)} of validation text, one training"


def _held_out(run: Run) -> str:
    read = run.measures["neurons"]["characters"]
    return f"{read:,} {_unit(run)} of held-out text, one training"


def _one_training(run: Run) -> str:
    return "one training, timed once"


OVER_WORDS: dict[str, Callable[[Run], str]] = {
    "count": _count,
    "samples": _samples,
    "samples while training": _evolution,
    "names": _names,
    "greedy": _greedy,
    "typeset": _typeset,
    "validation text": _validation,
    "held-out text": _held_out,
    "one training": _one_training,
}
"""How much of a thing a run's number is over, for every kind of which a run knows it."""


def counts(rows: list[Entry]) -> pd.DataFrame:
    """How many claims each verdict was given to, and to which."""
    found = {v: [e.claim.id for e in rows if e.verdict.verdict == v] for v in VERDICTS}
    return pd.DataFrame(
        [(len(ids), ", ".join(ids)) for ids in found.values()],
        index=list(found),
        columns=["claims", "which"],
    )


def by_section(rows: list[Entry]) -> pd.DataFrame:
    """Verdicts counted by section of the post."""
    sections, given = [e.section for e in rows], [e.verdict.verdict for e in rows]
    table = pd.crosstab(pd.Series(sections, name=None), pd.Series(given, name=None))
    columns = [v for v in VERDICTS if v in given]
    table = table.loc[list(dict.fromkeys(sections)), columns]
    return table.rename_axis(index=None, columns=None)


def listed(rows: list[Entry], verdict: str) -> pd.DataFrame:
    """The claims with one verdict, each with what was found. ValueError on another verdict."""
    if verdict not in VERDICTS:
        raise ValueError(f"verdict is {verdict!r}; it must be one of {', '.join(VERDICTS)}")
    found = {
        e.claim.id: (e.claim.said, e.verdict.number) for e in rows if e.verdict.verdict == verdict
    }
    return pd.DataFrame.from_dict(found, orient="index", columns=["the post", "here"])


def on_one_training(rows: list[Entry]) -> str:
    """Which verdicts no second training stands behind, in a line."""
    trained = [e for e in rows if e.claim.over not in UNTRAINED]
    single = [e.claim.id for e in trained if e.single]
    return (
        f"{len(single)} of the {len(trained)} verdicts that rest on trained networks rest on one "
        f"training of each: {', '.join(single)}"
    )


def scales(rows: list[Entry]) -> pd.DataFrame:
    """The runs behind the verdicts, a row each: scale, network, device, minutes, seed, claims."""
    lines: dict[str, list] = {}
    for entry in rows:
        for i in entry.facts:
            m = i["model"]
            network = f"{m['layers']} x {m['hidden']} {m['cell'].upper()}"
            minutes = f"{i['seconds'] / 60:,.0f}"
            known = [i["scale"], network, i["device"], minutes, str(i["seed"]), []]
            lines.setdefault(i["name"], known)[-1].append(entry.claim.id)
    columns = ["scale", "network", "device", "minutes", "seed", "claims"]
    table = pd.DataFrame.from_dict(lines, orient="index", columns=columns)
    return table.assign(claims=table["claims"].map(", ".join))


def show(rows: list[Entry]) -> HTML:
    """The ledger as a table, by section of the post; on a narrow page its cells are stacked."""
    from IPython.display import HTML

    head = "".join(f'<th scope="col">{t}</th>' for t in ("", "the post", "here", "verdict", "from"))
    parts = []
    for section in dict.fromkeys(e.section for e in rows):
        title = f'<tr class="section"><th colspan="5" scope="rowgroup">{section}</th></tr>'
        lines = "".join(_line(e) for e in rows if e.section == section)
        parts.append(f"<tbody>{title}{lines}</tbody>")
    return HTML(
        f'<style>{" ".join(_CSS.split())}</style><table class="charrnn-ledger">'
        f"<thead><tr>{head}</tr></thead>{''.join(parts)}</table>"
    )


def _line(entry: Entry) -> str:
    said, number, over, basis = map(
        html.escape, (entry.claim.said, entry.verdict.number, entry.over, entry.basis)
    )
    number_of = entry.claim.id
    return (
        f'<tr id="{number_of}"><th scope="row">{number_of}</th><td>{said}</td>'
        f"<td>{number}<small>{over}</small></td><td><b>{entry.verdict.verdict}</b></td>"
        f'<td>{basis}<small><a href="{entry.href}">{number_of} in its chapter</a></small></td></tr>'
    )
