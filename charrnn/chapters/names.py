"""What the chapter on baby names shows of its run: tables, and numbers as figures take them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from charrnn.runs import Run
from charrnn.score import stream_nats
from charrnn.structure.names import lines


def by_temperature(run: Run) -> dict[float, dict]:
    """The measures of drawn names, a row a temperature."""
    return {float(t): row for t, row in run.measures["names"]["by_temperature"].items()}


def new_names(run: Run) -> dict[str, np.ndarray]:
    """The share of new names against temperature, as `figures.new_names` takes it: `exact`, what
    the training list's probability leaves, and `drawn`, as counted, with `low` and `high`."""
    rows = {t: row for t, row in by_temperature(run).items() if row["new"]["value"] is not None}
    return {
        "temperature": np.array(list(rows)),
        "exact": np.array([1 - row["mass"]["training"] for row in rows.values()]),
        "drawn": np.array([row["new"]["value"] for row in rows.values()]),
        "low": np.array([row["new"]["low"] for row in rows.values()]),
        "high": np.array([row["new"]["high"] for row in rows.values()]),
    }


def panel(run: Run, key: str) -> dict[str, np.ndarray]:
    """A share against temperature with real names' level, as `figures.temperature_sweep` takes it;
    no temperatures where it could not be measured."""
    rows = {t: row[key] for t, row in by_temperature(run).items()}
    rows = {t: share for t, share in rows.items() if share and share["value"] is not None}
    names = {"mean": "value", "low": "low", "high": "high"}
    found = {ours: np.array([s[k] for s in rows.values()]) for ours, k in names.items()}
    real = run.measures["names"]["held_out"][key]
    if real and real["value"] is not None:
        found["real"] = (real["low"], real["high"])
    return {"temperature": np.array(list(rows)), **found}


def sizes(run: Run) -> pd.DataFrame:
    """The parts of the list, a row each: lines, and different names."""
    return pd.DataFrame(run.measures["names"]["lists"]).T.rename(index={"held_out": "held out"})


def masses(run: Run, temperatures: Sequence[float] = (0.5, 0.8, 1.0, 1.2)) -> pd.DataFrame:
    """What share of drawn names, in the long run, each list has: exact, a row a temperature."""
    rows = by_temperature(run)
    found = {f"T = {t:g}": rows[t]["mass"] for t in temperatures if t in rows}
    table = pd.DataFrame(found).T.rename(columns={"held_out": "held out"})
    table["neither"] = 1 - table.sum(axis=1)
    return table.map("{:.1%}".format)


def costs(run: Run) -> pd.DataFrame:
    """What a name of each list costs, in nats: the mean of -ln p over its different names."""
    kept = run.measures["names"]["cost"]
    rows = {
        name.replace("_", " "): [f"{c['value']:.2f} [{c['low']:.2f}, {c['high']:.2f}]", c["total"]]
        for name, c in kept.items()
        if c
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["nats a name", "names"])


def in_a_row(text: str) -> str:
    """The complete names of a sample, to be read across: "Ada, Alan, Grace"."""
    return ", ".join(lines(text))


def told(records: Sequence[dict]) -> pd.DataFrame:
    """Names with their probability, as one in so many, and the lists that have them."""
    rows = {r["name"]: [once_in(r["p"]), _where(r), _yes(r["listed"])] for r in records}
    columns = ["once in", "in our list", "in the US list"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def once_in(p: float | None) -> str:
    """A probability as one in so many: two digits of it are meant."""
    if p is None:
        return "a letter is unknown"
    if p <= 0:
        return "never"
    return f"{float(f'{1 / p:.2g}'):,.0f}"


def _where(record: dict) -> str:
    return "training" if record["training"] else "held out" if record["held_out"] else "no"


def _yes(answer: bool | None) -> str:
    return "not at hand" if answer is None else "yes" if answer else "no"


def spell(run: Run, name: str) -> pd.DataFrame:
    """A name letter by letter, drawn at T = 1 from an empty state: a row each for its letters and
    for the line end. `p`: the probability after the letters before it; `so far`: the product.

    UnknownCharacterError, which says which, for letters that the network has never seen.
    """
    newline = run.vocab.encode("\n")
    ids = np.concatenate([newline, run.vocab.encode(name), newline])
    p = np.exp(-stream_nats(run.model, ids).astype(np.float64))
    return pd.DataFrame({"letter": [*name, "\n"], "p": p, "so far": p.cumprod()})


def probability(run: Run, name: str) -> float:
    """The probability that the network's next name is this one."""
    return float(spell(run, name)["so far"].iloc[-1])
