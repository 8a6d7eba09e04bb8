"""Truncated BPTT over 100 and over 50 characters: the same epochs, both losses and both times.

The post says that 50 halves the time of a batch "at negligible cost". Trains the essays' network
(or a narrower one, --hidden) twice for each seed, from the same weights and on the same text.

    python -m benchmarks.bptt [--epochs 4] [--hidden 256] [--seeds 2]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.machine import save_result
from charrnn.recipe import load_recipe
from charrnn.runs import train_recipe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=float, default=4)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--seeds", type=int, default=2)
    args = parser.parse_args()
    rows = []
    for seed in range(1, args.seeds + 1):
        for seq in (100, 50):
            recipe = load_recipe("paul_graham", "laptop", epochs=args.epochs, seq=seq, seed=seed)
            recipe = replace(recipe, model=recipe.model | {"hidden": args.hidden})
            with TemporaryDirectory() as folder:
                run = train_recipe(recipe, Path(folder) / "run", progress=False)
            row = {k: run.info[k] for k in ("losses", "seconds", "steps", "chars_per_second")}
            rows.append({"seq": seq, "seed": seed, **row})
            print(
                f"seed {seed}  T = {seq:3d}  val {row['losses']['val']:.4f}  "
                f"{row['seconds']:.0f} s, {row['seconds'] / row['steps']:.3f} s a batch",
                flush=True,
            )
    facts = {k: run.info[k] for k in ("model", "split", "device", "precision", "corpus")}
    save_result("bptt", {"epochs": args.epochs, "rows": rows, **facts})


if __name__ == "__main__":
    main()
