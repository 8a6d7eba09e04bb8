"""What a run's units do on its held-out text: ranked, held, copied and timed.

Every number that the chapters on neurons show of a recorded run, since they need its corpus. Units
are named by layer and unit, both counted from 0.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import torch

from charrnn import rules
from charrnn.measure import causes
from charrnn.probe.census import (
    Census,
    Found,
    best_unit,
    counted,
    decoded,
    is_scores,
    measured,
    rank_units,
    take_census,
    unit_labels,
    unit_scores,
)
from charrnn.probe.inside import look_inside
from charrnn.probe.memory import KEEPS, remembering
from charrnn.probe.states import states
from charrnn.recipe import Texts
from charrnn.runs import Run, commit
from charrnn.score import stream_nats

KINDS = {
    "paul_graham": "prose",
    "war_and_peace": "prose",
    "tinyshakespeare": "play",
    "shakespeare": "play",
    "wikipedia": "wiki",
    "linux": "c",
    "stacks": "latex",
}
"""The recipes whose texts the bank has rules for, and which."""
CHARACTERS = 150_000
"""Of held-out text, at most."""
PASSAGES = {
    "war_and_peace": {
        "The crossing of the Berezina": ("The sole importance of the crossing", "block its path."),
        "Kutuzov and Chichagov": ('"You mean to imply', 'what I said."'),
    }
}
"""Passages of the post's own figures, by how they begin and end."""
FOLLOWED = 40_000
"""Characters whose gates are followed."""
RUN_UP = 200
"""Characters that each stretch of them is read before they count."""
READING = {"lanes": 16, "warmup": 500}
"""How held-out text is read: in few stretches, so that what lasts long is hardly ever cut."""
TOP = 5
"""Units that are kept of each rule."""
AROUND = 12
"""Characters before and after an event."""
EVENTS = 256
"""Events that are looked at, at most."""
ADDRESS = "http://www."


def measure(run: Run, texts: Texts, progress=print) -> dict:
    """All of it; `texts` is the run's own. KeyError where its recipe has no kind of rules."""
    kind = KINDS[run.info["recipe"]["name"]]
    ids = held_out(texts)
    text = decoded(run.vocab, ids)
    labels = unit_labels(text, [rule.name for rule in rules.rules_for(kind)])
    progress(f"ranking units on {len(ids):,} symbols against {len(labels)} rules")
    census = take_census(run.model, ids, labels, **READING)
    shown = rank_units(run, text, list(labels), "h", **READING)
    best, best_shown = (
        {name: best_unit(scores) for name, scores in found.items()}
        for found in (census.real, shown)
    )
    hidden = run.model.config.hidden
    beside = {
        o for rule in causes.LEFT if rule in best for o in causes.other_units(best[rule], hidden)
    }
    units = sorted({*best.values(), *best_shown.values(), *beside})
    progress("holding units and copying states")
    values = columns(run, ids, units)
    facts = {
        "kind": kind,
        "characters": len(ids),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "rules": rule_facts(census, shown, labels),
        "census": census_facts(census),
        "levels": {name: levels(values["c"][u], labels[name]) for name, u in best.items()},
        "memory": memory_facts(run, ids),
        "causes": causes.measure(run, ids, labels, census, values["c"]),
    }
    if "position_in_link" in shown:
        unit = best_shown["position_in_link"]
        facts["ramp"] = ramp(values["h"][unit], labels["position_in_link"]) | place(run, unit)
    if "inside_link" in shown:
        unit = best_shown["inside_link"]
        label = labels["inside_link"]
        opened = label & ~np.concatenate([[True], label[:-1]])
        facts["opening"] = around(values["h"][unit], opened) | place(run, unit)
    if "first_w" in labels and (found := switch(run, ids, labels["first_w"])):
        facts["event"] = found
    if (address := prefix_probabilities(run, ids, ADDRESS)) is not None:
        facts["address"] = address
    if found := passages(run, text):
        facts["passages"] = found
    return facts


def passages(run: Run, text: str | bytes) -> dict[str, str]:
    """The post's own passages in held-out text, where that may be shown."""
    wanted = PASSAGES.get(run.info["recipe"]["name"], {})
    if not run.info["corpus"]["shareable"] or isinstance(text, bytes):
        return {}
    found = {}
    for title, (begin, end) in wanted.items():
        start = text.find(begin)
        if start >= 0 and (stop := text.find(end, start)) >= 0:
            found[title] = text[start : stop + len(end)]
    return found


def held_out(texts: Texts) -> np.ndarray:
    """The test part and then the validation part, up to `CHARACTERS`."""
    parts = [np.asarray(part[:CHARACTERS]) for part in (texts.split.test, texts.split.val)]
    return np.concatenate(parts)[:CHARACTERS].astype(np.int64)


def columns(run: Run, ids: np.ndarray, units: list[int]) -> dict[str, dict[int, np.ndarray]]:
    """What some units are after every symbol: "c" (tanh(c), or h) and "h", by unit, each (n,)."""
    found = {quantity: np.empty((len(units), len(ids)), np.float32) for quantity in "ch"}
    for block in states(run.model, ids, **READING):
        inner = block.of("c")[:, units]
        found["c"][:, block.where] = (inner if block.c is None else np.tanh(inner)).T
        found["h"][:, block.where] = block.h[:, units].T
    return {q: dict(zip(units, rows, strict=True)) for q, rows in found.items()}


def place(run: Run, unit: int) -> dict:
    """A unit by layer and number."""
    layer, number = divmod(unit, run.model.config.hidden)
    return {"layer": layer, "unit": number}


def rule_facts(census: Census, shown: Found, labels: dict[str, np.ndarray]) -> dict:
    """Each rule: its best units by c and by h, and the controls."""
    facts = {}
    for name, found in census.real.items():
        rule = rules.RULES[name]
        facts[name] = {
            "title": rule.title,
            "graded": rule.graded,
            "share": rounded(np.mean(~np.isnan(labels[name]) if rule.graded else labels[name])),
            "guessing": rounded(found.guessing) if is_scores(found) else None,
            "units": {
                "c": best_units(found, census.hidden),
                "h": best_units(shown[name], census.hidden) if name in shown else [],
            },
            "probe": vars(census.probes[name]) if name in census.probes else None,
            "shuffled": census.shuffled.get(name),
            **{
                control: best_score(getattr(census, control).get(name))
                for control in ("shifted", "rotated", "untrained")
            },
        }
    return facts


def best_units(found, hidden: int) -> list[dict]:
    """The best units of a rule on the first half, with what they reach on the second."""
    first, second = measured(found)
    rows = []
    for u in found.best(TOP):
        layer, unit = divmod(int(u), hidden)
        row = {
            "layer": layer,
            "unit": unit,
            "found": rounded(first[u]),
            "score": rounded(second[u]),
        }
        if is_scores(found):
            row["auc"] = rounded(found.auc[u])
            row["on"] = bool(found.above[u])
        else:
            row["r"] = rounded(found.r[u])
        rows.append(row)
    return rows


def best_score(found) -> float | None:
    """What the best unit of the first half reaches on the second."""
    if found is None:
        return None
    return rounded(measured(found)[1][best_unit(found)])


def census_facts(census: Census) -> dict:
    """Every unit's score, and those of the controls; over which rules."""
    over = counted(census.real)
    names = {"trained": census.real, "rotated": census.rotated}
    names |= {"untrained": census.untrained, "shifted": census.shifted}
    scores = {k: [rounded(s) for s in unit_scores(found, over)] for k, found in names.items()}
    return {"over": over, "hidden": census.hidden, "scores": scores}


def levels(values: np.ndarray, label: np.ndarray) -> dict | None:
    """Medians of a unit's tanh(c) where a yes-or-no rule holds and where it doesn't."""
    if label.dtype != bool:
        return None
    return {
        "inside": rounded(np.median(values[label])),
        "outside": rounded(np.median(values[~label])),
    }


def memory_facts(run: Run, ids: np.ndarray) -> dict | None:
    """Half-lives and saturation of the gates, by unit; None of a text of a few lines."""
    followed = ids[:FOLLOWED]
    lanes = min(8, len(followed) // (2 * RUN_UP))
    if run.model.config.cell not in KEEPS or lanes == 0:
        return None
    found = remembering(run.model, followed, lanes=lanes, warmup=RUN_UP)
    sides = {"left": found.left, "right": found.right}
    return {
        "half_life": [rounded(v, 2) for v in found.half_life],
        "longest": found.longest,
        **{k: {g: [rounded(v) for v in x] for g, x in side.items()} for k, side in sides.items()},
    }


def ramp(values: np.ndarray, position: np.ndarray, longest: int = 40) -> dict:
    """A unit's mean after each number of characters, with the 10th and 90th percentile."""
    rows = [values[position == k] for k in range(longest + 1)]
    kept = [(k, row) for k, row in enumerate(rows) if len(row) >= 20]
    return {
        "position": [k for k, _ in kept],
        "mean": [rounded(row.mean()) for _, row in kept],
        "low": [rounded(np.quantile(row, 0.1)) for _, row in kept],
        "high": [rounded(np.quantile(row, 0.9)) for _, row in kept],
    }


def switch(run: Run, ids: np.ndarray, label: np.ndarray) -> dict | None:
    """The unit whose h changes most, in the mean, with the very character of an event: chosen on
    every other event, and its means around it taken over the rest. None of fewer than 20 events."""
    at = np.flatnonzero(label)
    at = at[(at >= RUN_UP + AROUND) & (at < len(ids) - AROUND)]
    if len(at) < 20:
        return None
    at = at[np.linspace(0, len(at) - 1, min(EVENTS, len(at))).astype(int)]
    texts = np.stack([ids[i - RUN_UP - AROUND : i + AROUND + 1] for i in at])
    inside = look_inside(run.model, torch.from_numpy(texts.T.copy()).to(run.model.device))
    h = torch.cat([layer[RUN_UP:] for layer in inside.h], dim=-1).float().cpu().numpy()
    chosen, rest = h[:, ::2], h[:, 1::2]  # (offsets, events, units)
    unit = int(np.abs(chosen[AROUND].mean(axis=0) - chosen[AROUND - 1].mean(axis=0)).argmax())
    mean = rest[:, :, unit].mean(axis=1)
    return {
        "offset": list(range(-AROUND, AROUND + 1)),
        "mean": [rounded(x) for x in mean],
        "events": rest.shape[1],
        **place(run, unit),
    }


def around(values: np.ndarray, label: np.ndarray) -> dict:
    """A unit's mean at some characters before and after an event."""
    at = np.flatnonzero(label)
    at = at[(at >= AROUND) & (at < len(values) - AROUND)]
    if len(at) == 0:
        return {"offset": [], "mean": [], "events": 0}
    offsets = range(-AROUND, AROUND + 1)
    return {
        "offset": list(offsets),
        "mean": [rounded(values[at + k].mean()) for k in offsets],
        "events": len(at),
    }


def prefix_probabilities(run: Run, ids: np.ndarray, prefix: str) -> dict | None:
    """The mean probability of each symbol of a string after its first, wherever it stands in ids;
    None where it does not."""
    text = decoded(run.vocab, ids)
    wanted = prefix.encode() if isinstance(text, bytes) else prefix
    places, at = [], text.find(wanted, 1)
    while at >= 0:
        places.append(at)
        at = text.find(wanted, at + 1)
    if not places:
        return None
    p = np.exp(-stream_nats(run.model, ids, **READING))  # p[i] is of ids[i + 1]
    steps = [rounded(p[np.array(places) + k - 1].mean(), 4) for k in range(1, len(prefix))]
    return {"text": prefix, "count": len(places), "p": steps}


def rounded(x: float, digits: int = 3) -> float:
    """A number as the file keeps it."""
    return round(float(x), digits)
