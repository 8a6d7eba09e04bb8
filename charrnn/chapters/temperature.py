"""What the chapter on the program of that day shows of its temperature: the logits divided, or the
top hidden state.

Everything but `both_ways` comes from the committed result of `benchmarks/temperatures.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from charrnn.claims import result
from charrnn.runs import Run
from charrnn.sample import TEMPERATURES as WAYS
from charrnn.sample import sample
from charrnn.structure.shares import Estimate, Share, bootstrap_mean

LOW = 0.2
"""Up to here a temperature is called low: that of the post's loop is "very near zero"."""
NAMES = {"logits": "logits divided", "hidden": "hidden state divided"}
PERCENT = ("misspelt", "distinct", "repeated")
MEASURES = {
    "misspelt": "misspelt words",
    "distinct": "distinct runs of 4 characters",
    "repeated": "repeated runs of 4 words",
    "symbols": "different characters",
    "nats": "nats a character at T = 1",
    "entropy": "entropy drawn from, nats",
}
"""Measures of drawn texts, as the result has them, and how a table calls them."""


def recorded() -> dict:
    """The newest committed result. Raises FileNotFoundError where there is none."""
    return max(result("temperatures").values(), key=lambda kept: kept["machine"]["date"])


def drawn(kept: dict) -> str:
    """What was drawn and read, in a sentence or two."""
    low, *_, high = kept["temperatures"]
    return (
        f"{_networks(kept)}, {len(kept['temperatures'])} temperatures from {low:g} to "
        f"{high:g}: at each, {kept['samples']} texts of {kept['length']:,} symbols both ways, from "
        f"the same {kept['samples']} passages of {kept['prompt']} symbols of held-out text and the "
        f"same random numbers; predictions compared along {kept['read']:,} symbols of it. A loop "
        f"is a text whose end repeats itself exactly, three laps and {kept['loop_tail']} symbols "
        "at least."
    )


def title(row: Mapping) -> str:
    """A network's name in tables and figures, without what stands in brackets; of one that was
    trained by a program of another day, with that day."""
    name = row["title"].split(" (")[0].split(",")[0]
    return f"{name}, {row['era']}" if row.get("era") else name


def row_of(kept: dict, run: str) -> dict:
    """A network's row. ValueError where it was not studied."""
    for row in kept["rows"]:
        if row["run"] == run:
            return row
    there = ", ".join(row["run"] for row in kept["rows"])
    raise ValueError(f"{run!r} was not drawn from both ways; there are {there}")


def biases(kept: dict) -> pd.DataFrame:
    """How large the decoder's bias is beside W h, a row a network: standard deviations over the
    symbols, in nats, and at how many places of a text the likeliest symbol is another without it.
    """
    rows = {}
    for row in kept["rows"]:
        b = row["bias"]
        ratio = b["spread_bias"] / b["spread_hidden"]
        rows[title(row)] = [
            f"{b['spread_hidden']:.2f}",
            f"{b['spread_bias']:.3f}",
            f"{ratio:.1%}",
            _percent(b["decides"]),
        ]
    columns = ["spread of W h", "spread of b", "b beside W h", "another likeliest at T = 0"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def distances(kept: dict) -> pd.DataFrame:
    """KL divergence of the two predictions along held-out text, nats a character with half the
    width of the 95 % interval: a row a temperature above 0, a column a network."""
    columns = {
        title(row): {
            f"T = {r['temperature']:g}": f"{r['kl']['value']:.5f} ±{_half(r['kl']):.5f}"
            for r in row["reading"]
        }
        for row in kept["rows"]
    }
    return pd.DataFrame(columns)


def loops(kept: dict, run: str | None = None) -> pd.DataFrame:
    """How many texts end in a loop, both ways, a row a temperature; of one network, or of all.

    The difference is hidden less logits, from the same passages, in percentage points with its
    95 % interval over texts; then how many texts loop one way only.
    """
    rows = [row_of(kept, run)] if run else kept["rows"]
    table = {}
    for place, t in enumerate(kept["temperatures"]):
        logits, hidden = (
            np.concatenate([_looping(row, place, way) for row in rows]) for way in WAYS
        )
        only = f"{(logits & ~hidden).sum()} and {(hidden & ~logits).sum()}"
        counts = [f"{x.sum()} of {len(x)}" for x in (logits, hidden)]
        away = difference(logits.astype(int), hidden.astype(int))
        table[f"T = {t:g}"] = [*counts, _points(away), only]
    columns = [*NAMES.values(), "difference, points", "one way only: logits, hidden"]
    return pd.DataFrame.from_dict(table, orient="index", columns=columns)


def difference(logits: Sequence[float], hidden: Sequence[float]) -> Estimate:
    """Hidden less logits, text by text: the mean with a bootstrap interval over texts.

    Where no text differs the interval is Wilson's upper bound for none in so many, either way.
    """
    values = np.subtract(hidden, logits).astype(float)
    found = bootstrap_mean(values, seed=0)
    if values.any():
        return found
    _, most = Share(0, len(values)).interval()
    return Estimate(0.0, -most, most, len(values))


def measures(kept: dict, run: str, names: Sequence[str] = tuple(MEASURES)) -> pd.DataFrame:
    """Measures of the texts of a network, "logits / hidden", a row a temperature, a column each of
    `names`. A star: the 95 % interval of their difference, text by text, leaves out 0."""
    rows = {}
    for cell in row_of(kept, run)["drawn"]:
        told = []
        for name in names:
            form = "{:.1%}" if name in PERCENT else "{:.3f}" if name != "symbols" else "{:.1f}"
            pair = [cell[way][name] for way in WAYS]
            both = " / ".join("-" if x is None else form.format(x["value"]) for x in pair)
            told.append(both + (" *" if _apart(cell["difference"][name]) else ""))
        rows[f"T = {cell['temperature']:g}"] = told
    columns = [MEASURES[name] for name in names]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def greedy(kept: dict) -> pd.DataFrame:
    """The limits at T = 0, argmax (W h + b) and argmax (W h), a row a network: how many texts
    loop, where loops begin and how long a lap is (medians), and whether the two ways agree."""
    rows = {}
    for row in kept["rows"]:
        cell, both = row["drawn"][0], row["greedy"]
        told = [
            f"{cell[way]['loops']['hits']} of {cell[way]['loops']['total']}: from "
            f"{_median(cell[way]['starts'])}, laps of {_median(cell[way]['periods'])}"
            for way in WAYS
        ]
        first = _median(both["first"])
        agree = [_counts(both["same_text"]), first, _counts(both["same_loop"])]
        rows[title(row)] = [*told, *agree]
    columns = [*NAMES.values(), "equal to the end", "else they part at", "in the same loop"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def laps(kept: dict) -> pd.DataFrame:
    """A lap of the commonest greedy loop of each network, both ways; None where there is no loop
    or it may not be shown."""
    rows = {}
    for row in kept["rows"]:
        found = row["greedy"]["loops"]
        rows[title(row)] = [found[way][0]["lap"] if found[way] else None for way in WAYS]
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(NAMES.values()))


def panels(kept: dict) -> dict:
    """What `figures.temperature.divided` draws: loops of all networks together, misspelt words of
    the first one, and the distances of each."""
    ways = {name: [] for name in NAMES.values()}
    for place in range(len(kept["temperatures"])):
        for way, name in NAMES.items():
            looping = np.concatenate([_looping(row, place, way) for row in kept["rows"]])
            ways[name].append(Share.of(looping).as_dict())
    first = kept["rows"][0]
    wrong = {name: [c[way]["misspelt"] for c in first["drawn"]] for way, name in NAMES.items()}
    shares = {
        f"texts that end in a loop, {_networks(kept)}": ways,
        f"misspelt words, {title(first)}": wrong,
    }
    away = {}
    for row in kept["rows"]:
        known = {r["temperature"]: r["kl"] for r in row["reading"]}
        away[title(row)] = [known.get(t) for t in kept["temperatures"]]
    return {"temperatures": kept["temperatures"], "shares": shares, "distances": away}


def alt(kept: dict) -> str:
    """A text alternative for that figure, with its numbers."""
    shares = panels(kept)["shares"]
    told = [f"{name[0].upper()}{name[1:]}: {_pairs(kept, ways)}" for name, ways in shares.items()]
    largest = max(r["kl"]["value"] for row in kept["rows"] for r in row["reading"])
    return (
        "Panels against the temperature; of each pair of numbers the first is with the logits "
        f"divided, the second with the hidden state. {'. '.join(told)}. KL divergence "
        f"of the two predictions, a line a network: at most {largest:.2g} nats a character, "
        "falling to 0 at T = 1."
    )


def _pairs(kept: dict, ways: Mapping[str, Sequence[Mapping | None]]) -> str:
    """Both ways' shares at each temperature at which they are known."""
    known = [
        f"{a['value']:.1%} and {b['value']:.1%} at T = {t:g}"
        for t, a, b in zip(kept["temperatures"], *ways.values(), strict=True)
        if a and b
    ]
    return ", ".join(known)


def effect(kept: dict) -> Estimate:
    """By how much the share of looping texts at low temperatures above 0 is larger with the hidden
    state divided: the mean over passages of all networks, each averaged over these temperatures
    first, with a 95 % bootstrap interval over passages; the networks are taken as they are."""
    places = _low(kept)
    logits, hidden = (
        np.concatenate(
            [np.mean([_looping(row, p, way) for p in places], axis=0) for row in kept["rows"]]
        )
        for way in WAYS
    )
    return difference(logits, hidden)


def answer(kept: dict) -> str:
    """Does the loop at low temperature depend on what is divided? One sentence, from the rows."""
    cold = [_looped(kept, 0, way) for way in WAYS]
    same = sum((Share(r["hits"], r["total"]) for r in _same_loops(kept)), Share(0, 0))
    places, at = _low(kept), kept["temperatures"]
    warm = [sum((_looped(kept, p, way) for p in places), Share(0, 0)) for way in WAYS]
    return (
        f"Whether {_networks(kept)} loop at T = 0 {_depends(_at_zero(kept))} on it "
        f"({cold[0].hits} of {cold[0].total} texts do with the logits divided, {cold[1].hits} with "
        f"the hidden state divided), the loop is the same one in {same.hits} of {same.total}, and "
        f"a little above, from T = {at[places[0]]:g} to {at[places[-1]]:g}, it "
        f"{_common(effect(kept))} with the hidden state divided ({warm[1].hits} of {warm[1].total} "
        f"texts end in one, against {warm[0].hits}: {_points(effect(kept))} percentage points, "
        f"95 % over {effect(kept).samples} passages{_by_network(kept)})."
    )


def _by_network(kept: dict) -> str:
    """How far the networks differ in `effect`, where there are several."""
    each = [100 * effect(kept | {"rows": [row]}).value for row in kept["rows"]]
    return f"; by network {min(each):+.1f} to {max(each):+.1f}" if len(each) > 1 else ""


def _at_zero(kept: dict) -> Estimate:
    """`effect` at T = 0."""
    both = (np.concatenate([_looping(row, 0, way) for row in kept["rows"]]) for way in WAYS)
    return difference(*(looping.astype(int) for looping in both))


def _depends(found: Estimate) -> str:
    return "depends" if found.low > 0 or found.high < 0 else "does not measurably depend"


def _common(found: Estimate) -> str:
    return "is more common" if found.low > 0 else "is rarer" if found.high < 0 else "is as common"


def _same_loops(kept: dict) -> list[dict]:
    return [row["greedy"]["same_loop"] for row in kept["rows"]]


def both_ways(
    run: Run,
    prompt: str,
    temperatures: Sequence[float] = (0.1, 0.5),
    length: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """What a network writes after a prompt with the same seed, both ways, a row a temperature.

    ValueError where the network was trained on a text that may not be passed on.
    """
    if not run.info["corpus"]["shareable"]:
        raise ValueError(
            f"{run.name}: its training text may not be passed on; take a run whose text may"
        )
    rows = {
        f"T = {t:g}": [
            sample(run, prompt, length=length, temperature=t, temperature_on=way, seed=seed)
            for way in WAYS
        ]
        for t in temperatures
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(NAMES.values()))


def _networks(kept: dict) -> str:
    count = len(kept["rows"])
    return f"{count} network" + ("" if count == 1 else "s")


def _low(kept: dict) -> list[int]:
    """The places of the low temperatures above 0."""
    return [place for place, t in enumerate(kept["temperatures"]) if 0 < t <= LOW]


def _looping(row: Mapping, place: int, way: str) -> np.ndarray:
    """Whether each text ends in a loop, (S,) bool."""
    return np.array([start is not None for start in row["drawn"][place][way]["starts"]])


def _looped(kept: dict, place: int, way: str) -> Share:
    return Share.of(np.concatenate([_looping(row, place, way) for row in kept["rows"]]))


def _half(found: Mapping) -> float:
    return (found["high"] - found["low"]) / 2


def _percent(found: Mapping) -> str:
    return f"{found['value']:.2%} [{found['low']:.2%}, {found['high']:.2%}]"


def _points(found: Estimate) -> str:
    return f"{100 * found.value:+.1f} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"


def _counts(found: Mapping) -> str:
    return f"{found['hits']} of {found['total']}"


def _median(values: Sequence[int | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{np.median(known):g}" if known else "-"


def _apart(found: Mapping | None) -> bool:
    return found is not None and not found["low"] <= 0 <= found["high"]
