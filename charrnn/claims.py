"""The claims of the 2015 post, each with our number and a verdict, computed from recorded runs.

A claim is numbered as in the book. Its verdict is derived from the run's numbers by a rule that is
written here; where a rule's number is missing (no such run, no such machine) it is "not tested",
with the reason. Numbers come from `run.json`, `measures.json` and the benchmarks' results.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from charrnn.recipe import repository
from charrnn.runs import Run, RunError, load_run

VERDICTS = ("held", "held with a change", "not held", "not stated in 2015", "not tested")


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

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(
                f"verdict is {self.verdict!r}; it must be one of {', '.join(VERDICTS)}"
            )


Rule = Callable[[Run], tuple[str, str]]


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


@dataclass(frozen=True)
class Claim:
    """A claim and the rule that judges it."""

    id: str
    said: str
    run: str
    rule: Rule


def _judge(claim: Claim) -> Verdict:
    try:
        number, verdict = claim.rule(load_run(claim.run))
    except (RunError, KeyError, FileNotFoundError) as missing:
        number, verdict = f"no measurement at hand ({missing})", "not tested"
    return Verdict(claim.id, claim.said, number, verdict, claim.run)


def result(name: str) -> dict:
    """A benchmark's committed result. Raises FileNotFoundError where there is none."""
    root = repository()
    found = sorted((root / "benchmarks" / "results").glob(f"{name}*.json")) if root else []
    if not found:
        raise FileNotFoundError(f"benchmarks/results/{name}*.json")
    return {p.stem: json.loads(Path(p).read_text(encoding="utf-8")) for p in found}


def _at(run: Run, temperature: float) -> dict:
    return next(r for r in run.measures["sweep"] if r["temperature"] == temperature)


def _percent(share: dict) -> str:
    return f"{share['value']:.1%} [{share['low']:.1%}, {share['high']:.1%}]"


def _pg_size(run: Run) -> tuple[str, str]:
    n = run.info["corpus"]["n_bytes"]
    return f"{n:,} bytes, for which 2008 to May 2015 had to be taken", "held with a change"


def _pg_parameters(run: Run) -> tuple[str, str]:
    model = run.info["model"]
    fits = (model["layers"], model["hidden"]) == (2, 512) and 3.3e6 < model["parameters"] < 3.6e6
    text = f"{model['parameters']:,} at {model['vocab_size']} symbols"
    return text, "held" if fits else "not held"


def _pg_settings(run: Run) -> tuple[str, str]:
    t, m = run.info["training"], run.info["model"]
    text = (
        f"dropout {m['dropout']:g}, batch {t['batch']}, T = {t['seq']}, scale {run.info['scale']}"
    )
    same = (m["dropout"], t["batch"], t["seq"]) == (0.5, 100, 100)
    return text, "held" if same else "not tested"


def _batch_time(run: Run) -> tuple[str, str]:
    rows = [(r["machine"], r["batch_seconds"]) for r in result("training").values()]
    shown = [
        f"{seconds['median']:.3g} s on {machine['gpu' if name.startswith('cuda') else 'cpu']}"
        for machine, times in rows
        for name, seconds in times.items()
        if name.endswith("100 x 100")
    ]
    return "; ".join(shown) + "; no TITAN Z at hand", "not tested"


def _bptt(run: Run) -> tuple[str, str]:
    kept, timed = (next(iter(result(name).values())) for name in ("bptt", "training"))
    by = {(r["seed"], r["seq"]): r["losses"]["val"] for r in kept["rows"]}
    seeds = sorted({seed for seed, _ in by})
    cost = [by[s, 50] - by[s, 100] for s in seeds]
    device = "cuda" if "cuda 100 x 50" in timed["batch_seconds"] else "cpu"
    batch = {t: timed["batch_seconds"][f"{device} 100 x {t}"]["median"] for t in (50, 100)}
    ratio, mean = batch[50] / batch[100], sum(cost) / len(cost)
    text = (
        f"a batch takes {ratio:.2f} of the time; validation loss {mean:+.3f} nats after the same "
        f"{kept['epochs']:g} epochs of 2 x {kept['model']['hidden']} "
        f"({len(seeds)} seeds: {', '.join(f'{c:+.3f}' for c in cost)})"
    )
    return text, "held" if mean < 0.02 and ratio < 0.65 else "not held"


def _english_like(run: Run) -> tuple[str, str]:
    known, real = _at(run, 1.0)["known"], run.measures["held_out"]["known"]
    marks = run.measures["essays"]["1.0"]
    text = (
        f"{_percent(known)} of words are real at T = 1 (held-out text: {real['value']:.1%}); "
        f"{marks['hits']} of {marks['total']} samples have a footnote mark"
    )
    good = known["value"] > 0.9 * real["value"] and marks["hits"] > 0
    return text, "held" if good else "not held"


def _temperature(run: Run) -> tuple[str, str]:
    rows = {t: _at(run, t) for t in (0.5, 1.0, 1.5)}
    wrong = {t: r["misspelt"] for t, r in rows.items()}
    text = ", ".join(f"{w['value']:.1%} at T = {t}" for t, w in wrong.items())
    rising = wrong[0.5]["high"] < wrong[1.0]["low"] and wrong[1.0]["high"] < wrong[1.5]["low"]
    surer = rows[0.5]["entropy"] < rows[1.0]["entropy"]
    more = rows[0.5]["distinct_2"]["value"] < rows[1.0]["distinct_2"]["value"]
    verdict = "held" if rising and surer and more else "not held"
    return f"misspelt lower-case words: {text}; diversity rises with T", verdict


def _loop(run: Run) -> tuple[str, str]:
    greedy = run.measures["loops"]["greedy"]
    found = [r for r in greedy if "period" in r]
    spans = sorted(r["period"] for r in found)
    text = f"greedy decoding loops from {len(found)} of {len(greedy)} prompts" + (
        f", periods {spans[0]} to {spans[-1]} characters" if spans else ""
    )
    return text, "held" if len(found) == len(
        greedy
    ) else "held with a change" if found else "not held"


def _plays_size(run: Run) -> tuple[str, str]:
    corpus = run.info["corpus"]
    text = f"{corpus['n_bytes']:,} bytes, {run.info['model']['vocab_size']} distinct, rebuilt"
    return text + " from the Moby edition", "held with a change"


def _plays_network(run: Run) -> tuple[str, str]:
    model, i = run.info["model"], run.info
    text = (
        f"{model['layers']} x {model['hidden']}, {model['parameters']:,} parameters; "
        f"{i['seconds'] / 3600:.1f} hours, {i['epochs']:.1f} epochs at scale "
        f"{i['scale']} on {i['device']}"
    )
    same = (model["layers"], model["hidden"]) == (3, 512)
    if i["scale"] != "post":
        return text, "not tested"  # a shorter training says nothing about hours
    return text, "held" if same else "held with a change"


def _plays_form(run: Run) -> tuple[str, str]:
    ours, real = run.measures["plays"]["1.0"], run.measures["plays"]["held_out"]
    known = 1 - ours["known_speeches"]["value"]
    text = (
        f"{_percent(ours['well_formed'])} of blocks are a heading and a speech (held-out text: "
        f"{real['well_formed']['value']:.1%}); longest speech {ours['speech_lines']['max']} lines "
        f"(held-out text: {real['speech_lines']['max']}); "
        f"{known:.0%} of speeches by invented speakers"
    )
    if ours["well_formed"]["value"] <= 0.9:
        return text, "not held"
    # Monologues: speeches at least half as long as the longest in real pieces of the same length.
    long = 2 * ours["speech_lines"]["max"] >= real["speech_lines"]["max"]
    return text, "held" if long else "held with a change"


def _cpu_gpu(run: Run) -> tuple[str, str]:
    for kept in result("training").values():
        times = kept["batch_seconds"]
        if "cuda 100 x 100" in times:
            ratio = times["cpu 100 x 100"]["median"] / times["cuda 100 x 100"]["median"]
            machine = kept["machine"]
            text = f"{ratio:,.0f} times, {machine['cpu']} against {machine['gpu']}"
            return text, "held" if 5 <= ratio <= 20 else "not held"
    return "no GPU was at hand for the same batch", "not tested"


CLAIMS = (
    Claim("C1", "five years of essays are about a megabyte", "paul_graham", _pg_size),
    Claim("C2", "2 layers of 512 are about 3.5 M parameters", "paul_graham", _pg_parameters),
    Claim("C3", "dropout 0.5, batches of 100, BPTT over 100", "paul_graham", _pg_settings),
    Claim("C4", "0.46 s a batch on a TITAN Z", "paul_graham", _batch_time),
    Claim("C5", "BPTT over 50 halves the time at negligible cost", "paul_graham", _bptt),
    Claim("C6", "English-like, down to footnote marks", "paul_graham", _english_like),
    Claim(
        "C7", "lower T: surer; higher T: more varied, more misspelt", "paul_graham", _temperature
    ),
    Claim("C8", "T near 0 falls into a loop", "paul_graham", _loop),
    Claim("C9", "all of Shakespeare is one 4.4 MB file", "shakespeare", _plays_size),
    Claim("C10", "3 layers of 512, a few hours", "shakespeare", _plays_network),
    Claim("C11", "speakers, speeches, long monologues", "shakespeare", _plays_form),
    Claim("C35", "a CPU is about ten times slower than a GPU", "paul_graham", _cpu_gpu),
)
