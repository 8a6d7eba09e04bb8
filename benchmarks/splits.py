"""What the choice of a validation text is worth: one network, trained under two splits.

A network of 1 x 256 is trained on tinyshakespeare twice for each seed: with the end of the file
held out, as nanoGPT and torch-rnn do, and with the end of every lane held out, as char-rnn did. Its
last tenth is two plays of their own; a lane's end is the middle of a play whose beginning was read.
Both are judged on their own validation text, streamed, each with nine tenths of the text to train
on. No weights are kept.

    python -m benchmarks.splits [--epochs 6] [--seeds 2]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.machine import save_result
from charrnn.recipe import load_recipe
from charrnn.runs import train_recipe
from charrnn.settings import TrainConfig

MODEL = {"hidden": 256, "layers": 1, "dropout": 0.2}
KINDS = ("contiguous", "char-rnn")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=float, default=6)
    parser.add_argument("--seeds", type=int, default=2)
    args = parser.parse_args()
    rows = []
    for seed in range(1, args.seeds + 1):
        for kind in KINDS:
            settings = TrainConfig(batch=16, seq=100, epochs=args.epochs, lr=8e-3, seed=seed)
            base = load_recipe("tinyshakespeare", "laptop")
            recipe = replace(base, model=MODEL, training=settings, split=kind)
            with TemporaryDirectory() as folder:
                run = train_recipe(recipe, Path(folder) / "run", progress=False)
            row = {"split": kind, "seed": seed, "losses": run.info["losses"]}
            row |= {"parts": run.info["split"], "seconds": run.info["seconds"]}
            rows.append(row)
            print(f"seed {seed}  {kind:10}  val {row['losses']['val']:.4f}", flush=True)
    facts = {k: run.info[k] for k in ("model", "device", "precision")}
    save_result("splits", {"text": "tinyshakespeare", "epochs": args.epochs, "rows": rows, **facts})


if __name__ == "__main__":
    main()
