"""What the chapter on the grid shows: its networks side by side, and what the paper found in its.

A row is one trained network as `benchmarks/grid.py` writes it. Losses are in nats a character on
the test part, which was read once. A difference of two networks has two errors: the text's, from
the differences over equal stretches of it, and the seed's, from networks that were trained more
than once. It counts where it is larger than `BAR` times both together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd

from charrnn.chapters.yardsticks import CELL_NAMES, PUBLISHED
from charrnn.claims import result
from charrnn.runs import Run
from charrnn.score import LN2

CELLS = tuple(CELL_NAMES)
BAR = 2.0
"""Errors that a difference must have to count: about 95 % of a normal distribution lie within."""
MOST = 2 / 3
"""Share of the comparisons that carries a finding which some of them don't."""
SAME = ("epochs", "batch", "seq")
"""In what rows must agree to be set side by side."""
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


@dataclass(frozen=True)
class Difference:
    """What one network's test loss has more than another's, in nats, and its standard error."""

    value: float
    error: float

    @property
    def sign(self) -> int:
        """-1 or 1 where it counts, 0 where it may be chance."""
        return 0 if abs(self.value) <= BAR * self.error else int(math.copysign(1, self.value))

    def __str__(self) -> str:
        return f"{self.value:+.3f} ± {BAR * self.error:.3f}"


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


def every() -> list[dict]:
    """The rows of all committed results. FileNotFoundError where there is none."""
    kept = [r for r in result("grid").values() if r["benchmark"] == "grid"]
    return [row for r in kept for row in r["rows"]]


def recorded() -> list[dict]:
    """The rows of all committed results that were trained alike.

    Of rows that differ in `SAME` the kind that most networks have is taken; of a network and seed
    trained more than once, at several rates or on several machines, the row with the lowest
    validation loss. FileNotFoundError where there is no result.
    """
    return alike(every())


def alike(rows: Sequence[dict]) -> list[dict]:
    """The rows of `recorded`, out of these."""
    kinds: dict[tuple, dict[tuple, dict]] = {}
    for row in sorted(rows, key=lambda row: -row["losses"]["val"]):
        kind = tuple(row[name] for name in SAME)
        kinds.setdefault(kind, {})[(*place(row), row["seed"])] = row
    chosen = max(kinds.values(), key=lambda found: (len(found), *_of(found)), default={})
    return [chosen[key] for key in sorted(chosen)]


def _of(found: dict[tuple, dict]) -> tuple:
    """Decides between kinds of which there are equally many: the longer trainings."""
    row = next(iter(found.values()))
    return tuple(row[name] for name in SAME)


def place(row: dict) -> tuple[int, int, int]:
    """Where a row stands in the grid: number of its cell, layers, size."""
    return CELLS.index(row["cell"]), row["layers"], row["size"]


def networks(rows: Iterable[dict]) -> dict[tuple[str, int, int], list[dict]]:
    """Rows by (cell, layers, size), in the grid's order; a row a seed."""
    found: dict[tuple[str, int, int], list[dict]] = {}
    for row in sorted(rows, key=lambda row: (*place(row), row["seed"])):
        found.setdefault((row["cell"], row["layers"], row["size"]), []).append(row)
    return found


def loss(rows: Sequence[dict]) -> float:
    """Test loss of a network, the mean over its seeds."""
    return float(np.mean([row["losses"]["test"] for row in rows]))


def seed_error(rows: Iterable[dict]) -> float:
    """Standard deviation of a test loss over seeds, pooled over all networks with several.

    NaN where none has: then only the text's error is known.
    """
    groups = [[r["losses"]["test"] for r in g] for g in networks(rows).values() if len(g) > 1]
    if not groups:
        return math.nan
    squares = sum(float(np.var(g)) * len(g) for g in groups)
    return math.sqrt(squares / sum(len(g) - 1 for g in groups))


def text_error(blocks: np.ndarray) -> float:
    """Standard error of a mean over equal stretches of the test text."""
    return float(np.std(blocks, ddof=1) / math.sqrt(len(blocks)))


def difference(one: Sequence[dict], other: Sequence[dict], seeds: float) -> Difference:
    """What a network (its rows, one a seed) has more than another.

    seeds: the spread of a single training over seeds; NaN counts as none.
    """
    first, second = (np.mean([row["blocks"] for row in rows], axis=0) for rows in (one, other))
    spread = 0.0 if math.isnan(seeds) else seeds**2 * (1 / len(one) + 1 / len(other))
    error = math.sqrt(text_error(first - second) ** 2 + spread)
    return Difference(loss(one) - loss(other), error)


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
    """How each network was made: units, parameters, rate, dropout, when it was best, and where."""
    table = {}
    for (cell, layers, size), group in networks(rows).items():
        row = group[0]
        again = "" if row["lr_used"] == row["lr"] else f" (after {row['lr']:g} was lost)"
        table[f"{CELL_NAMES[cell]}, {layers} x {size}"] = {
            "units": row["hidden"],
            "parameters": f"{row['parameters']:,}",
            "learning rate": f"{row['lr_used']:g}{again}",
            "dropout": f"{row['dropout']:g}",
            "seeds": len(group),
            "best at": f"{row['best_step'] / row['steps']:.0%} of {row['steps']:,} steps",
            "training loss at the end": f"{row['train_loss']:.3f}",
            "device": f"{row['device_name']}, {row['precision']}",
        }
    return pd.DataFrame.from_dict(table, orient="index")


def rates(rows: Sequence[dict]) -> pd.DataFrame:
    """Validation losses of the networks that were trained at several rates, the first seed's: a
    column a rate, as times the one of the table in `benchmarks/grid.py`. rows: as `every` gives."""
    found: dict[tuple, dict[float, float]] = {}
    for row in sorted(rows, key=lambda row: (*place(row), row["lr"])):
        if row["seed"] == 1 and row["lr_used"] == row["lr"]:
            key = (*place(row), *(row[name] for name in SAME), row["device"])
            found.setdefault(key, {})[row["factor"]] = row["losses"]["val"]
    several = {key: kept for key, kept in found.items() if len(kept) > 1}
    table = {
        f"{CELL_NAMES[CELLS[cell]]}, {layers} x {size}": {
            f"x {factor:g}": f"{val:.3f}" for factor, val in kept.items()
        }
        for (cell, layers, size, *_), kept in several.items()
    }
    columns = [f"x {f:g}" for f in sorted({f for kept in several.values() for f in kept})]
    return pd.DataFrame.from_dict(table, orient="index", columns=columns or None).fillna("")


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


def deeper(rows: Sequence[dict], layers: int, than: int) -> dict[tuple[str, int], Difference]:
    """What networks of so many layers have more than those of `than`, by cell and size."""
    found, seeds = networks(rows), seed_error(rows)
    pairs = {
        (cell, size): (group, found.get((cell, than, size)))
        for (cell, depth, size), group in found.items()
        if depth == layers
    }
    return {key: difference(a, b, seeds) for key, (a, b) in pairs.items() if b}


def gated(rows: Sequence[dict]) -> dict[tuple[str, int, int], Difference]:
    """What LSTM and GRU have more than the plain network with as many parameters and layers."""
    found, seeds = networks(rows), seed_error(rows)
    pairs = {key: found.get(("rnn", *key[1:])) for key in found if key[0] != "rnn"}
    return {key: difference(found[key], plain, seeds) for key, plain in pairs.items() if plain}


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


def _count(found: Iterable[Difference]) -> tuple[int, int, int]:
    """How many are lower, higher, and within chance."""
    signs = [d.sign for d in found]
    return signs.count(-1), signs.count(1), signs.count(0)


def verdicts(rows: Sequence[dict]) -> pd.DataFrame:
    """The paper's findings, our numbers and a verdict by rule, a row each."""
    found = (two_layers(rows), three_layers(rows), gates(rows))
    columns = ["the paper", "here", "verdict"]
    return pd.DataFrame(found, columns=columns).set_index("the paper").rename_axis(None)


def two_layers(rows: Sequence[dict]) -> tuple[str, str, str]:
    """Held: two layers have the lower loss than one in every comparison, beyond its error. Held
    with a change: in two thirds of them, and in more than those where they have the higher."""
    said = "at least two layers are better than one"
    found = deeper(rows, 2, 1)
    if not found:
        return said, "no network of two layers beside one of one", "not tested"
    lower, higher, chance = _count(found.values())
    number = f"2 against 1 at equal size: lower in {lower}, higher in {higher}, within chance in "
    return said, number + f"{chance} of {len(found)}", _most(lower, higher, len(found))


def three_layers(rows: Sequence[dict]) -> tuple[str, str, str]:
    """Held: three layers beside two have the lower loss in some comparison and the higher in some,
    beyond the errors. Held with a change: some differ and some are within chance."""
    said = "three layers beside two: mixed"
    found = deeper(rows, 3, 2)
    if not found:
        return said, "no network of three layers beside one of two", "not tested"
    lower, higher, chance = _count(found.values())
    number = f"3 against 2 at equal size: lower in {lower}, higher in {higher}, within chance in "
    mixed = "held" if lower and higher else "held with a change" if chance else "not held"
    return said, number + f"{chance} of {len(found)}", mixed


def gates(rows: Sequence[dict]) -> tuple[str, str, str]:
    """Held: LSTM and GRU have the lower loss than the plain network of as many parameters in every
    comparison, beyond its error. Held with a change: in two thirds of them, as for depth."""
    said = "LSTM and GRU far ahead of the plain network at equal parameters"
    found = gated(rows)
    if not found:
        return said, "no network with gates beside one without", "not tested"
    lower, higher, _ = _count(found.values())
    gains = sorted(-d.value for d in found.values())
    number = (
        f"lower in {lower} of {len(found)}, higher in {higher}; by {gains[0]:+.3f} to "
        f"{gains[-1]:+.3f} nats, median {float(np.median(gains)):+.3f}"
    )
    return said, number, _most(lower, higher, len(found))


def _most(lower: int, higher: int, all_: int) -> str:
    if lower == all_:
        return "held"
    return "held with a change" if lower >= MOST * all_ and lower > higher else "not held"


def best(rows: Sequence[dict]) -> dict:
    """The row with the lowest validation loss: chosen without its test loss. ValueError where there
    is none."""
    if not rows:
        raise ValueError("there is no network to choose; train some (python -m benchmarks.grid)")
    return min(rows, key=lambda row: row["losses"]["val"])


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


CLAIMED, GRAVES = 1.57, 1.67
"""Bits a character on Wikipedia: of the post's first revision (3 x 700, 7 epochs; withdrawn on
28 May 2015), and of Graves 2013 (7 x 700), which it stood beside."""


def in_bits(nats: float, base_counts: bool) -> float:
    """What `math.log(math.exp(nats), 2)` gives: bits where the second argument is the base of the
    logarithm (LuaJIT), and the nats themselves where it is ignored (plain Lua 5.1)."""
    return math.log(math.exp(nats), 2) if base_counts else math.log(math.exp(nats))


def readings(claimed: float = CLAIMED) -> pd.DataFrame:
    """What a printed figure was, if the base counted and if it was ignored: nats and bits."""
    nats = {"the base counts (LuaJIT)": claimed * LN2, "it is ignored (plain Lua 5.1)": claimed}
    table = {}
    for (name, loss), counts in zip(nats.items(), (True, False), strict=True):
        table[name] = {
            "prints": f"{in_bits(loss, counts):.2f}",
            "nats": f"{loss:.3f}",
            "bits": f"{loss / LN2:.3f}",
            "against Graves's bits": f"{loss / LN2 - GRAVES:+.2f}",
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
