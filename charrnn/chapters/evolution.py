"""What the chapter on samples while training shows of its run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from charrnn.runs import Run

POST = (100, 300, 500, 700, 1200, 2000)
"""The iterations whose samples the post shows."""


def marked(steps: Sequence[int]) -> list[int]:
    """Where the post's iterations stand in a list of steps, or those next to them.

    >>> marked([50, 100, 280, 310, 2500])
    [1, 3, 4]
    """
    return sorted({min(range(len(steps)), key=lambda i: abs(steps[i] - at)) for at in POST})


def shares(run: Run) -> pd.DataFrame:
    """Each measure, pooled over neighbours, at the post's iterations (or those next to them),
    between text of evenly drawn characters and held-out text; empty where nothing was counted."""
    found = run.measures["evolution"]
    places = marked(found["steps"])
    rows = {}
    for measure in found["measures"].values():
        real = measure["held_out"] and measure["held_out"]["value"]
        values = [measure["even"], *(measure["smooth"][i] for i in places), real]
        rows[measure["title"]] = ["" if x is None else f"{x:.0%}" for x in values]
    columns = ["evenly drawn", *(f"{found['steps'][i]:,}" for i in places), "held-out text"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def order(run: Run) -> pd.DataFrame:
    """When each measure had come half of the way for good, and nine tenths, by iteration, first
    things first. `examples` of it had been read at half of the way, as often as held-out text has
    them; `counted` are those in all samples. The last column says which share of stretches of
    held-out text, as long as what is pooled, come nine tenths of the way themselves."""
    found = run.measures["evolution"]
    rows = []
    for measure in found["measures"].values():
        half, most = measure["half"], measure["most"]
        rows.append(
            {
                "": measure["title"],
                "half of the way": half["stays"],
                "nine tenths": most["stays"],
                "examples": _examples(run, measure, half["stays"]),
                "counted": sum(measure["total"]),
                "real text": most["real"]["value"],
            }
        )
    table = pd.DataFrame(rows).set_index("").sort_values("half of the way", kind="stable")
    for name in ("half of the way", "nine tenths", "examples"):
        table[name] = ["never" if pd.isna(x) else f"{x:,.0f}" for x in table[name]]
    table["real text"] = ["" if pd.isna(x) else f"{x:.0%}" for x in table["real text"]]
    return table


def _examples(run: Run, measure: dict, step: int | None) -> float | None:
    """How many of what a measure counts had been read at a step, to two digits."""
    found = run.measures["evolution"]
    if step is None or not measure["held_out"]:
        return None
    rate = measure["held_out"]["total"] / (found["pieces"] * found["length"])
    return float(f"{rate * found['chars'][found['steps'].index(step)]:.2g}")


def plateau(run: Run) -> str:
    """What letters cost by their frequencies alone, and when the training loss passed that."""
    unigram, history = run.measures["evolution"]["unigram"], run.history
    below = np.flatnonzero(history["train_loss"] < unigram)
    passed = (
        f"below it from iteration {history['step'][below[0]]:,.0f} on"
        if len(below)
        else ("never below it")
    )
    return f"frequencies alone: {unigram:.2f} nats; the training loss is {passed}"
