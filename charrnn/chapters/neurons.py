"""What the chapters on neurons show of runs: units and rules, controls, held units, memory.

Tables and figures count layers from 1, as people do; Python counts them from 0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from charrnn.claims import result
from charrnn.claims.inside import CLEAR, SEEN, shares
from charrnn.recipe import repository
from charrnn.rules import RULES
from charrnn.runs import Run

CURVES = {
    "trained": "trained units",
    "rotated": "random rotation",
    "untrained": "untrained network",
    "shifted": "labels shifted",
}
"""The census's parts, as figures name them."""


def bank() -> pd.DataFrame:
    """The rules: what each labels, whether as a number, and in what kinds of text."""
    rows = {
        rule.name: (rule.title, "a number" if rule.graded else "yes or no", ", ".join(rule.texts))
        for rule in RULES.values()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["rule", "says", "for texts of"])


def trained(found: dict) -> str:
    """Which networks a census counted."""
    if not found["rows"]:
        return "no census of several networks is recorded"
    rows = found["rows"]
    return (
        f"{len(rows)} networks of {found['corpus'].replace('_', ' ')}, {found['epochs']:g} epochs "
        f"each, on {rows[0]['device']}, scores on {found['characters']:,} symbols of the test part"
    )


def passage(name: str) -> str:
    """A text written for this project: wiki, function, dialogue, lemma or scene."""
    root = repository()
    files = {p.stem: p for p in (root / "data" / "passages").iterdir()} if root else {}
    if name not in files:
        raise ValueError(f"there is no passage {name!r}; there are {', '.join(sorted(files))}")
    return Path(files[name]).read_text(encoding="utf-8").rstrip("\n")


def readable(symbols: list[str | int]) -> list[str | int]:
    """Symbols as characters where they are ASCII bytes."""
    return [chr(s) if isinstance(s, (int, np.integer)) and s < 127 else s for s in symbols]


def has(run: Run, rule: str) -> bool:
    """Whether a rule was measured for a run: a text of seconds has too little of some."""
    return rule in run.measures["neurons"]["rules"]


def unit(run: Run, rule: str, quantity: str = "c") -> tuple[int, int]:
    """(layer, unit) of a rule's best unit, from 0; of the first rule that was measured where this
    one was not."""
    rules = run.measures["neurons"]["rules"]
    best = rules.get(rule, next(iter(rules.values())))["units"][quantity][0]
    return best["layer"], best["unit"]


def named(run: Run, rule: str, quantity: str = "c") -> str:
    """A rule's best unit in words: "inside a quotation: layer 1, unit 365 (F1 0.77)"."""
    facts = run.measures["neurons"]["rules"].get(rule)
    if facts is None:
        layer, number = unit(run, rule, quantity)
        return f"layer {layer + 1}, unit {number}"
    best = facts["units"][quantity][0]
    score = f"r {best['r']:+.2f}" if facts["graded"] else f"F1 {best['score']:.2f}"
    return f"{facts['title']}: layer {best['layer'] + 1}, unit {best['unit']} ({score})"


def best_units(run: Run, quantity: str = "c") -> pd.DataFrame:
    """Each rule's best unit beside the linear probe and the controls, a row each.

    Numbers are F1 of yes-or-no rules, or the size of r (marked so), on the half that nothing was
    chosen on.
    """
    rows = {}
    for facts in run.measures["neurons"]["rules"].values():
        best, probe = facts["units"][quantity][0], facts["probe"] or {}
        numbers = {
            "best unit": best["score"],
            "AUC": best.get("auc"),
            "always yes": facts["guessing"],
            "whole state": _probe(facts["graded"], probe),
            **{name: facts[name] for name in ("rotated", "untrained", "shifted", "shuffled")},
        }
        shown = {
            name: "" if x is None or np.isnan(x) else f"{x:.2f}" for name, x in numbers.items()
        }
        title = facts["title"] + (" (r)" if facts["graded"] else "")
        rows[title] = {"layer": best["layer"] + 1, "unit": best["unit"], **shown}
    return pd.DataFrame.from_dict(rows, orient="index")


def _probe(graded: bool, probe: dict) -> float:
    found = probe.get("r" if graded else "f1")
    return np.nan if found is None else found


def rule_rows(run: Run, graded: bool) -> list[dict]:
    """Rows for `figures.rule_scores`."""
    rows = []
    for facts in run.measures["neurons"]["rules"].values():
        if facts["graded"] == graded:
            rows.append(
                {
                    "title": facts["title"],
                    "best": facts["units"]["c"][0]["score"],
                    "probe": (facts["probe"] or {}).get("r" if graded else "f1"),
                    **{k: facts[k] for k in ("shifted", "untrained", "rotated")},
                }
            )
    return rows


def widget_rules(run: Run) -> list[dict]:
    """Rules and their best units, as the inspector's menu takes them."""
    rows = []
    for name, facts in run.measures["neurons"]["rules"].items():
        for quantity in ("c", "h"):
            if not facts["units"][quantity]:
                continue
            best = facts["units"][quantity][0]
            score = {"r": best["r"]} if facts["graded"] else {"f1": best["score"]}
            auc = {"auc": best["auc"]} if "auc" in best else {}
            place = {"layer": best["layer"], "unit": best["unit"], "quantity": quantity}
            rows.append({"name": name, "title": facts["title"]} | place | score | auc)
    return rows


def curves(run: Run) -> dict[str, np.ndarray]:
    """The scores of all units and of the controls, for `figures.census`."""
    scores = run.measures["neurons"]["census"]["scores"]
    return {title: np.array(scores[name]) for name, title in CURVES.items()}


def ramp(run: Run) -> dict[str, list]:
    """For `figures.ramp`: the mean h of the unit that counts, by characters since [[."""
    found = run.measures["neurons"].get("ramp", {})
    return {key: found.get(key, []) for key in ("position", "mean", "low", "high")}


def event(run: Run) -> dict:
    """For `figures.around`: the mean h of the unit that switches, around the first w of www."""
    found = run.measures["neurons"].get("event", {"offset": [], "mean": [], "events": 0})
    name = f"mean h over {found['events']} addresses"
    return {"offsets": found["offset"], "curves": {name: found["mean"]}, "event": "the first w"}


def address(run: Run) -> pd.DataFrame:
    """The mean probability of each character of http://www. but the first, wherever it stands."""
    found = run.measures["neurons"].get("address", {"text": " ", "count": 0, "p": []})
    row = pd.DataFrame([found["p"]], columns=list(found["text"][1:]))
    row.index = [f"mean of {found['count']} places"]
    return row


def fired(run: Run, seen, rule: str, quantity: str, part: slice) -> dict:
    """For `figures.firings`: a part of a trace, coloured by a rule's best unit, and its guesses."""
    guesses = [[(readable([s])[0], p) for s, p in row] for row in seen.guesses()[part]]
    values = seen.unit(*unit(run, rule, quantity), quantity)[part]
    return {"symbols": readable(seen.symbols[part]), "values": values, "guesses": guesses}


def panes(run: Run, texts: dict, quantity: str = "c", most: int = 560) -> dict:
    """For `figures.paint`: rule to the trace of a text, coloured by the rule's best unit."""
    found = {}
    for rule, seen in texts.items():
        values = seen.unit(*unit(run, rule, quantity), quantity)[:most]
        found[named(run, rule, quantity)] = readable(seen.symbols[:most]), values
    return found


def levels(run: Run, rule: str) -> dict[str, float]:
    """The c of a rule's best unit, as it is in the median inside and outside."""
    kept = run.measures["neurons"]["levels"].get(rule) or {"inside": 0.5, "outside": -0.5}
    return {name: float(np.arctanh(np.clip(x, -0.999, 0.999))) for name, x in kept.items()}


def opening(run: Run) -> pd.DataFrame:
    """The mean of the link unit's h around the opening of links, by what was read last."""
    found = run.measures["neurons"].get("opening") or {"offset": [], "mean": []}
    read = {-2: "the character before", -1: "the first [", 0: "the second [", 1: "one more"}
    mean = dict(zip(found["offset"], found["mean"], strict=True))
    kept = {title: mean[k] for k, title in read.items() if k in mean}
    return pd.DataFrame({"mean of h after": kept}).T


def shares_table(*runs: Run) -> pd.DataFrame:
    """The share of units at both bars, and of the controls, a row a run."""
    rows = {}
    for run in runs:
        row = {"cells": len(run.measures["neurons"]["census"]["scores"]["trained"])}
        row["rules"] = len(run.measures["neurons"]["census"]["over"])
        for bar in (SEEN, CLEAR):
            found = shares(run, bar)
            row |= {f"{CURVES[k]}, {bar}": f"{v:.1%}" for k, v in found.items()}
        rows[run.info["title"]] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def bar_of(run: Run, share: float = 0.05) -> float:
    """The score that this share of a network's units reaches."""
    return float(np.quantile(run.measures["neurons"]["census"]["scores"]["trained"], 1 - share))


def seeds(name: str) -> dict:
    """The committed census of many networks on a text; one without rows where there is none."""
    try:
        return next(iter(result(f"neurons-{name.replace('_', '-')}").values()))
    except FileNotFoundError:
        return {"rows": [], "bars": [SEEN, CLEAR]}


def size_rows(found: dict, bar: float) -> list[dict]:
    """Rows for `figures.shares_by_size`: shares of units at a bar by size, a value a seed."""
    at, rows = found["bars"].index(bar), {}
    for row in found["rows"]:
        size = f"{row['layers']} x {row['hidden']}"
        kept = rows.setdefault(size, {"size": size, "trained": [], "rotated": [], "untrained": []})
        for name in ("trained", "rotated", "untrained"):
            kept[name].append(row["shares"][name][at])
    return list(rows.values())


def answer(runs: list[Run], found: dict) -> str:
    """What became of "about 5 %", in one sentence for these runs and one for the many networks."""
    parts = []
    for run in runs:
        seen, clear = shares(run, SEEN), shares(run, CLEAR)
        parts.append(f"{run.info['title']} {seen['trained']:.1%} and {clear['trained']:.1%}")
    mixed = [shares(run, SEEN)["rotated"] for run in runs]
    text = (
        f"Of the cells of a network, so many reach a score of {SEEN} and of {CLEAR} on one of the "
        f"rules for its kind of text: {'; '.join(parts)}; after a random rotation "
        f"{min(mixed):.1%} to {max(mixed):.1%} reach {SEEN}."
    )
    if found["rows"]:
        at = found["bars"].index(SEEN)
        trained = [row["shares"]["trained"][at] for row in found["rows"]]
        low, high = np.quantile(trained, [0, 1])
        text += (
            f"\nOver {len(trained)} smaller networks on {found['corpus'].replace('_', ' ')} the "
            f"share at {SEEN} was {np.mean(trained):.1%} on average, {low:.1%} to {high:.1%}."
        )
    return text


def grown(found: dict, rule: str, bar: float = CLEAR) -> pd.DataFrame:
    """In how many networks of each size a unit follows a rule, its score over seeds, and what the
    whole state and a rotated one give."""
    rows = {}
    for row in found["rows"]:
        if rule in row["rules"]:
            size = f"{row['layers']} x {row['hidden']}"
            rows.setdefault(size, []).append((row["rules"][rule], row["losses"]["test"]))
    table = {}
    for size, each in rows.items():
        scores = np.array([facts["trained"] for facts, _ in each])
        table[size] = {
            "seeds": len(each),
            f"with a unit at {bar}": int((scores >= bar).sum()),
            "best unit": _spread(scores),
            "whole state": _spread([facts["probe"] for facts, _ in each]),
            "rotated": _spread([facts["rotated"] for facts, _ in each]),
            "untrained": _spread([facts["untrained"] for facts, _ in each]),
            "test loss, nats": _spread([loss for _, loss in each]),
        }
    return pd.DataFrame.from_dict(table, orient="index")


def _spread(values) -> str:
    """Mean, lowest and highest."""
    known = [v for v in values if v is not None]
    if not known:
        return ""
    return f"{np.mean(known):.2f} ({min(known):.2f} to {max(known):.2f})"


def leaving(run: Run, rule: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Curves for `figures.leaving`; none where the text had too little of a rule."""
    found = run.measures["neurons"]["causes"]["leaving"].get(rule)
    if found is None:
        return {}
    return {
        name: (5 * np.arange(len(shares_)), np.array(shares_))
        for name, shares_ in found["curves"].items()
    }


def leaving_table(run: Run) -> pd.DataFrame:
    """When half of the texts have left, and the share that never did, a row a rule and column a
    condition."""
    rows = {}
    for rule, found in run.measures["neurons"]["causes"]["leaving"].items():
        title = f"{run.info['title']}: {run.measures['neurons']['rules'][rule]['title']}"
        rows[title] = {"texts": found["texts"]}
        for name, share in found["curves"].items():
            below = np.flatnonzero(np.array(share) <= 0.5)
            half = f"{5 * below[0]}" if len(below) else "over 200"
            rows[title][name] = f"{half} ({share[-1]:.0%})"
    return pd.DataFrame.from_dict(rows, orient="index")


def copying(run: Run, rule: str) -> list[dict]:
    """Rows for `figures.effects`: the closing mark's probability after parts were copied."""
    found = run.measures["neurons"]["causes"]["copying"].get(rule)
    return found["rows"] if found else []


def half_lives(*runs: Run) -> pd.DataFrame:
    """Quantiles of the half-lives of cells, a row a run and layer."""
    rows = {}
    for run in runs:
        for layer, lives in by_layer(run).items():
            low, middle, high, most = np.quantile(lives, [0.1, 0.5, 0.9, 0.99])
            title = f"{run.info['title']}, {layer}"
            rows[title] = {"10 %": low, "median": middle, "90 %": high, "99 %": most}
            rows[title]["over 100 characters"] = f"{(lives > 100).mean():.1%}"
    return pd.DataFrame.from_dict(rows, orient="index").round(1)


def by_layer(run: Run) -> dict[str, np.ndarray]:
    """Half-lives of cells, characters, by layer; none where the text was too short."""
    if run.measures["neurons"]["memory"] is None:
        return {}
    lives = np.array(run.measures["neurons"]["memory"]["half_life"])
    parts = np.split(lives, run.info["model"]["layers"])
    return {f"layer {n}": part for n, part in enumerate(parts, start=1)}


def saturation(run: Run) -> dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """For `figures.saturation`: gate to layer to (right, left) shares of time."""
    memory, layers = run.measures["neurons"]["memory"], run.info["model"]["layers"]
    if memory is None:
        return {}
    return {
        gate: {
            f"layer {n}": (right, left)
            for n, (right, left) in enumerate(
                zip(
                    np.split(np.array(memory["right"][gate]), layers),
                    np.split(np.array(memory["left"][gate]), layers),
                    strict=True,
                ),
                start=1,
            )
        }
        for gate in memory["right"]
    }


def depends(run: Run) -> dict[str, np.ndarray]:
    """For `figures.connectivity`: the mean size of gradients by distance."""
    rules = run.measures["neurons"]["rules"]
    found = run.measures["neurons"]["causes"]["depends"]
    return {
        (f"the end of: {rules[name]['title']}" if name in rules else name): np.array(values)
        for name, values in found.items()
    }
