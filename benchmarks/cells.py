"""LSTM, GRU and plain RNN of equal size on War and Peace: what gates are worth, over seeds.

One layer each, about 125 thousand parameters, the recipe's split and the same number of epochs. A
step that suits one cell blows up another, so each cell's learning rate is chosen on validation text
with the first seed, from a few; all seeds are then trained with it. No weights are kept.

    python -m benchmarks.cells [--epochs 3] [--seeds 3]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from benchmarks.machine import save_result
from charrnn.recipe import Texts, load_recipe, open_texts
from charrnn.runs import train_recipe
from charrnn.settings import TrainConfig

CELLS = {"lstm": 128, "gru": 152, "rnn": 274}
"""Hidden sizes with which the three have nearly the same number of parameters."""
RATES = {"lstm": (1e-2, 2e-2), "gru": (4e-3, 8e-3), "rnn": (1e-3, 2e-3)}


def train(cell: str, rate: float, seed: int, epochs: float, texts: Texts) -> dict:
    """One training: what a row of the result says of it."""
    settings = TrainConfig(batch=16, seq=100, epochs=epochs, lr=rate, seed=seed, eval_every=2000)
    recipe = replace(
        load_recipe("war_and_peace", "laptop"),
        model={"cell": cell, "hidden": CELLS[cell], "layers": 1},
        training=settings,
    )
    with TemporaryDirectory() as folder:
        run = train_recipe(recipe, Path(folder) / "run", progress=False, texts=texts)
    row = {"cell": cell, "hidden": CELLS[cell], "lr": rate, "seed": seed}
    row |= {"parameters": run.info["model"]["parameters"], "losses": run.info["losses"]}
    row["seconds"] = run.info["seconds"]
    print(f"{cell:4} lr {rate:g} seed {seed}  val {row['losses']['val']:.4f}", flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    texts, rows, tried = open_texts(load_recipe("war_and_peace", "laptop")), [], []
    for cell, rates in RATES.items():
        first = [train(cell, rate, 1, args.epochs, texts) for rate in rates]
        best = min(first, key=lambda row: row["losses"]["val"])
        tried += first
        more = [train(cell, best["lr"], s, args.epochs, texts) for s in range(2, args.seeds + 1)]
        rows += [best, *more]
        test = [row["losses"]["test"] for row in rows if row["cell"] == cell]
        print(f"{cell}: test {mean(test):.4f} ({min(test):.4f} to {max(test):.4f})", flush=True)
    save_result(
        "cells", {"text": "war_and_peace", "epochs": args.epochs, "rows": rows, "tried": tried}
    )


if __name__ == "__main__":
    main()
