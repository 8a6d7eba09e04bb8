"""What the chapter on algebraic geometry shows of its run and of the benchmark of sizes."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from charrnn.claims import result
from charrnn.runs import Run

TEXTS = {"0.5": "samples, T = 0.5", "0.8": "samples, T = 0.8", "held_out": "held-out text"}


def outcomes(run: Run) -> pd.DataFrame:
    """What the LaTeX engine made of samples and of real text, a row each; no rows without one."""
    found = run.measures["latex"]["typesetting"]
    columns = ["texts", "compile untouched", "mended in the end", "edits in 1000 characters"]
    columns.append("median")
    if found["engine"] is None:
        return pd.DataFrame(columns=columns)
    rows = {title: _outcome(found[key]) for key, title in TEXTS.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _outcome(row: dict) -> list:
    untouched, edits, median = row["compiled"], row["edits"], row["median"]
    if not untouched["total"]:
        return [0, "", "", "", ""]
    share = f"{untouched['value']:.0%} [{untouched['low']:.0%}, {untouched['high']:.0%}]"
    low, value, high = (
        (1000 * edits[k] for k in ("low", "value", "high")) if edits else [float("nan")] * 3
    )
    return [
        untouched["total"],
        share,
        f"{row['mended']['hits']} of {row['mended']['total']}",
        f"{value:.1f} [{low:.1f}, {high:.1f}]" if edits else "",
        "beyond the bound" if median is None else f"{median:.1f}",
    ]


def first_errors(run: Run) -> pd.DataFrame:
    """What the engine complained of first, and in how many texts; no rows without an engine."""
    found = run.measures["latex"]["typesetting"]
    if found["engine"] is None:
        return pd.DataFrame(columns=["texts"])
    counts = found["0.8"]["first_errors"]
    return pd.DataFrame({"texts": list(counts.values())}, index=list(counts))


def sizes(run: Run) -> pd.DataFrame:
    """Environments by the size of the network: the benchmark's networks, then this run's."""
    columns = ["parameters", "characters read", "validation, nats", "closed by their own name"]
    columns += ["by a wrong name", "left open"]
    rows = {name: _size(row, read) for name, row, read in _trained(run)}
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _size(row: Mapping, read: float) -> list:
    shares = [_percent(row[key]) for key in ("kept", "wrong_names", "never_closed")]
    return [f"{row['parameters']:,}", f"{read:,.0f}", f"{row['losses']['val']:.3f}", *shares]


def _percent(share: Mapping | None) -> str:
    if not share or share["value"] is None:
        return ""
    return f"{share['value']:.1%} [{share['low']:.1%}, {share['high']:.1%}]"


def distances(run: Run) -> dict[str, dict]:
    """Environments closed by their own name, by distance: of the same networks."""
    return {name: row["by_distance"] for name, row, _ in _trained(run)}


def _trained(run: Run) -> list[tuple[str, Mapping, float]]:
    """Networks with what was measured of them at T = 0.8 and the characters they have read."""
    try:
        results = result("environments")
    except FileNotFoundError:
        results = {}
    kept = next(iter(results.values()), {"rows": []})
    found = [(f"{r['layers']} x {r['hidden']}", r, kept["characters"]) for r in kept["rows"]]
    model, info = run.info["model"], run.info
    own = run.measures["latex"]["0.8"] | {
        "parameters": model["parameters"],
        "losses": info["losses"],
    }
    read = info["epochs"] * info["split"]["train"]
    return [*found[:3], (f"this run, {model['layers']} x {model['hidden']}", own, read)]
