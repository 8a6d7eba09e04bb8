"""What the chapter on the grid shows: its networks side by side, and the claim that was withdrawn.

What the paper found is judged in `charrnn.claims.paper`; here it becomes tables and the figure's
panels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress

import pandas as pd

from charrnn.chapters.yardsticks import PUBLISHED
from charrnn.claims import result
from charrnn.claims.paper import (
    CELL_NAMES,
    CELLS,
    CLAIMED,
    GRAVES,
    SAME,
    Difference,
    alike,
    best,
    deeper,
    gated,
    gates,
    loss,
    networks,
    place,
    seed_error,
    three_layers,
    two_layers,
)
from charrnn.runs import Run
from charrnn.score import LN2

TITLE, SYMBOLS = "War and Peace", 82


PAPER = {
    "cells": "LSTM, GRU, plain RNN",
    "layers": "1, 2, 3",
    "sizes": "4",
    "texts": "War and Peace, Linux",
    "symbols of War and Peace": "87",
}
"""The paper's grid as far as it could be confirmed (slides of a talk on the paper); the losses of
its single cells could not, and stand nowhere here."""


def beside_the_papers(rows: Sequence[dict]) -> pd.DataFrame:
    """What the paper's grid is made of and what these rows are, side by side."""
    found = networks(rows)
    cells, depths, sizes = ([*dict.fromkeys(key[i] for key in sorted(found))] for i in range(3))
    ours = (
        ", ".join(CELL_NAMES[c] for c in CELLS if c in cells),
        ", ".join(map(str, sorted(depths))),
        f"{len(sizes)}: LSTMs of {', '.join(map(str, sorted(sizes)))} units, the others matched",
        TITLE,
        str(SYMBOLS),
    )
    return pd.DataFrame({"the paper": PAPER, "here": dict(zip(PAPER, ours, strict=True))})


def losses(rows: Sequence[dict]) -> pd.DataFrame:
    """Test losses: cells and layers down, sizes across; empty where a network is missing."""
    found = networks(rows)
    sizes = sorted({size for _, _, size in found})
    depths = sorted({layers for _, layers, _ in found})
    table = {}
    for cell in (c for c in CELLS if any(key[0] == c for key in found)):
        for layers in depths:
            kept = [found.get((cell, layers, size)) for size in sizes]
            table[f"{CELL_NAMES[cell]}, {_layers(layers)}"] = [
                f"{loss(group):.3f}" if group else "" for group in kept
            ]
    return pd.DataFrame.from_dict(table, orient="index", columns=[f"{s}" for s in sizes])


def _layers(number: int) -> str:
    return f"{number} layer" + ("s" if number > 1 else "")


def settings(rows: Sequence[dict]) -> pd.DataFrame:
    """How each network was made: units, parameters, rate, dropout, first bias of the forget gate,
    when it was best, and where."""
    table = {}
    for (cell, layers, size), group in networks(rows).items():
        row = group[0]
        again = "" if row["lr_used"] == row["lr"] else f" (after {row['lr']:g} was lost)"
        table[f"{CELL_NAMES[cell]}, {layers} x {size}"] = {
            "units": row["hidden"],
            "parameters": f"{row['parameters']:,}",
            "learning rate": f"{row['lr_used']:g}{again}",
            "dropout": f"{row['dropout']:g}",
            "first forget bias": f"{row['forget_bias']:g}" if cell == "lstm" else "",
            "seeds": len(group),
            "best at": f"{row['best_step'] / row['steps']:.0%} of {row['steps']:,} steps",
            "training loss at the end": f"{row['train_loss']:.3f}",
            "device": f"{row['device_name']}, {row['precision']}",
        }
    return pd.DataFrame.from_dict(table, orient="index")


def rates(rows: Sequence[dict]) -> pd.DataFrame:
    """Validation losses of the networks that were trained at several rates, by the rate as times
    the one of the table in `benchmarks/grid.py`. rows: as `every` gives them."""
    kept = [row for row in rows if row["lr_used"] == row["lr"]]
    return _over(kept, "factor", "x {:g}", "val")


def lengths(rows: Sequence[dict]) -> pd.DataFrame:
    """Test losses of the networks that were trained for several numbers of epochs, each at the rate
    with the lowest validation loss. rows: as `every` gives them."""
    return _over(rows, "epochs", "{:g} epochs", "test")


def starts(rows: Sequence[dict]) -> pd.DataFrame:
    """Test losses of the LSTMs that were trained from several first biases of the forget gate, each
    at the rate with the lowest validation loss, beside those of the other cells with as many
    parameters. rows: as `every` gives them."""
    table = _over(rows, "forget_bias", "bias {:g}", "test")
    others = {
        (CELL_NAMES[cell], f"{CELL_NAMES['lstm']}, {layers} x {size}"): f"{loss(group):.3f}"
        for (cell, layers, size), group in networks(alike(rows)).items()
        if cell != "lstm"
    }
    for name in (CELL_NAMES[cell] for cell in CELLS[1:]):
        table[name] = [others.get((name, index), "") for index in table.index]
    return table


def _over(rows: Sequence[dict], name: str, title: str, part: str) -> pd.DataFrame:
    """Losses of the first seed's networks that have several values of a setting and agree in the
    others, a column a value; where a network has several rows for one, the best by validation."""
    same = [setting for setting in (*SAME, "forget_bias") if setting != name]
    found: dict[tuple, dict[float, float]] = {}
    for row in sorted(rows, key=lambda row: (*place(row), -row["losses"]["val"])):
        if row["seed"] == 1:
            key = (*place(row), *(row[n] for n in same))
            found.setdefault(key, {})[row[name]] = row["losses"][part]
    several = {key: kept for key, kept in found.items() if len(kept) > 1}
    values = sorted({value for kept in several.values() for value in kept})
    return pd.DataFrame.from_dict(
        {
            f"{CELL_NAMES[CELLS[cell]]}, {layers} x {size}": [
                f"{kept[value]:.3f}" if value in kept else "" for value in values
            ]
            for (cell, layers, size, *_), kept in several.items()
        },
        orient="index",
        columns=[title.format(value) for value in values],
    )


def told(rows: Sequence[dict]) -> str:
    """What the grid's numbers rest on, in a line."""
    if not rows:
        return "no network was trained"
    row, found = rows[0], networks(rows)
    seeds, devices = seed_error(rows), sorted({r["device_name"] for r in rows})
    several = sum(len(group) > 1 for group in found.values())
    spread = f"{several} of them with several seeds, whose losses spread by {seeds:.4f} nats"
    return (
        f"{len(found)} networks, {row['epochs']:g} epochs of {row['split']['train']:,} characters "
        f"in batches of {row['batch']} x {row['seq']}, {row['optimizer']}; "
        f"{spread if several else 'one seed each'}; on {' and '.join(devices)}"
    )


def panels(rows: Sequence[dict]) -> dict[str, dict[int, list[tuple[int, float]]]]:
    """Panels of `figures.grid`: cell to curves, a depth each, of (parameters, test loss)."""
    found: dict[str, dict[int, list[tuple[int, float]]]] = {}
    for (cell, layers, _), group in networks(rows).items():
        curve = found.setdefault(CELL_NAMES[cell], {}).setdefault(layers, [])
        curve.append((group[0]["parameters"], loss(group)))
    return found


def depth_table(rows: Sequence[dict], layers: int, than: int) -> pd.DataFrame:
    """`deeper` as a table: cells down, sizes across, with what lies within chance in brackets."""
    found = deeper(rows, layers, than)
    return _table({(CELL_NAMES[cell], str(size)): d for (cell, size), d in found.items()})


def gates_table(rows: Sequence[dict]) -> pd.DataFrame:
    """`gated` as a table: cells and layers down, sizes across."""
    return _table(
        {
            (f"{CELL_NAMES[cell]}, {_layers(layers)}", str(size)): d
            for (cell, layers, size), d in gated(rows).items()
        }
    )


def _table(found: dict[tuple[str, str], Difference]) -> pd.DataFrame:
    table: dict[str, dict[str, str]] = {}
    for (row, column), d in found.items():
        table.setdefault(row, {})[column] = str(d) if d.sign else f"({d})"
    columns = sorted({column for _, column in found}, key=int)
    return pd.DataFrame.from_dict(table, orient="index", columns=columns).fillna("")


def verdicts(rows: Sequence[dict]) -> pd.DataFrame:
    """The paper's findings, our numbers and a verdict by rule, a row each."""
    found = (two_layers(rows), three_layers(rows), gates(rows))
    columns = ["the paper", "here", "verdict"]
    return pd.DataFrame(found, columns=columns).set_index("the paper").rename_axis(None)


def levels(run: Run) -> dict[str, float]:
    """The longest n-gram of a run's measures, as a level of the figure."""
    counted = run.measures["yardsticks"]["ngram"]["static"]
    order = max(counted, key=int)
    return {f"{order}-gram": counted[order]}


def longer() -> float:
    """Times as many characters as our text has, with two of them at each line end."""
    return next(iter(result("line_ends").values()))["longer"]


def beside_counting(rows: Sequence[dict], run: Run) -> pd.DataFrame:
    """The best network and n-grams of the same split, and the paper's two figures as they are and
    as they would be on a text like ours: test losses in nats, and what the network saves.

    run: the recorded run whose measures hold n-grams of the same training text.
    """
    row, counted = best(rows), run.measures["yardsticks"]["ngram"]
    order = max(counted["static"], key=int)
    network, plain = row["losses"]["test"], counted["static"][order]
    name = f"{CELL_NAMES[row['cell']]}, {row['layers']} x {row['size']}"
    paper = [p.loss for p in PUBLISHED if p.text == TITLE]
    table = {
        f"here: {name} beside a {order}-gram": (network, plain),
        f"here: the same beside the best n-gram, of order {counted['best']}": (
            network,
            counted["static"][str(counted["best"])],
        ),
        "the paper: its best beside a 20-gram": tuple(paper),
        "the paper's, on our copy": tuple(loss * longer() for loss in paper),
    }
    return pd.DataFrame(
        {
            "network": [f"{a:.3f}" for a, _ in table.values()],
            "n-gram": [f"{b:.3f}" for _, b in table.values()],
            "the network saves": [f"{b - a:.3f}, {1 - a / b:.1%}" for a, b in table.values()],
        },
        index=list(table),
    )


def in_bits(nats: float, base_counts: bool) -> float:
    """What `math.log(math.exp(nats), 2)` gives: bits where the second argument is the base of the
    logarithm (LuaJIT), and the nats themselves where it is ignored (plain Lua 5.1)."""
    return math.log(math.exp(nats), 2) if base_counts else math.log(math.exp(nats))


def readings(claimed: float = CLAIMED) -> pd.DataFrame:
    """What a printed figure was, if the base counted and if it was ignored: nats and bits."""
    nats = {"the base counts (LuaJIT)": claimed * LN2, "it is ignored (plain Lua 5.1)": claimed}
    table = {}
    for (name, value), counts in zip(nats.items(), (True, False), strict=True):
        table[name] = {
            "prints": f"{in_bits(value, counts):.2f}",
            "nats": f"{value:.3f}",
            "bits": f"{value / LN2:.3f}",
            "against Graves's bits": f"{value / LN2 - GRAVES:+.2f}",
        }
    return pd.DataFrame.from_dict(table, orient="index")


HELD = {"pages": "whole pages, by title"} | {
    "contiguous": "the end of the text",
    "char-rnn": "the end of every lane",
}
"""How a split of the recipes holds text out."""


def tried(run: Run) -> pd.DataFrame:
    """What was trained on text of the claim's kind: a recorded run on Wikipedia, and, where
    `benchmarks.withdrawn` has been run, the first 4.2 MB of the claim's own text. None tests it."""
    split, info = run.info["split"], run.info
    rows = [{**{k: info[k] for k in ("model", "epochs", "device")}, "parts": split}]
    rows[0] |= {"split": split["kind"], "val": info["losses"]["val"]}
    with suppress(FileNotFoundError):
        rows += [row for kept in result("withdrawn").values() for row in kept["rows"]]
    texts = [run.info["corpus"]["title"], *["the first 4.2 MB of enwik8"] * (len(rows) - 1)]
    return pd.DataFrame(
        {
            "network": [f"{r['model']['layers']} x {r['model']['hidden']}" for r in rows],
            "trained on, bytes": [f"{r['parts']['train']:,}" for r in rows],
            "epochs": [f"{r['epochs']:.1f}" for r in rows],
            "held out": [HELD[r["split"]] for r in rows],
            "validation, nats": [f"{r['val']:.3f}" for r in rows],
            "bits": [f"{r['val'] / LN2:.3f}" for r in rows],
            "on": [r["device"] for r in rows],
        },
        index=texts,
    )
