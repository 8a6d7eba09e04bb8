"""The claim that the post withdrew, tried on the start of its text: bits a character of 3 x 700.

The recipe `enwik8` is what would settle it. This trains its network for as many epochs on the first
4.2 of the 100 MB, with 4 % held out in both ways: the end of the text, as Graves did, and the end
of every lane, as the post's program did. Dropout is added, because so short a text is soon learned
by heart. No weights are kept.

    python -m benchmarks.withdrawn [--epochs 7] [--hidden 700] [--dropout 0.2] [--device auto]
        [--out FOLDER]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.machine import RESULTS, save_result
from charrnn.recipe import change, load_recipe, open_texts
from charrnn.runs import train_recipe
from charrnn.score import LN2

TEXT = "enwik8_prefix"
KINDS = ("contiguous", "char-rnn")


def train(kind: str, args: argparse.Namespace) -> dict:
    """One training under one of the splits: what a row of the result says of it."""
    whole = load_recipe("enwik8", "post")
    length = {"epochs": args.epochs, "device": args.device}
    recipe = replace(
        whole,
        corpus=TEXT,
        split=kind,
        model=whole.model | {"hidden": args.hidden, "dropout": args.dropout},
        training=change(whole.training, **length),
    )
    texts = open_texts(recipe, progress=False)
    with TemporaryDirectory() as folder:
        run = train_recipe(recipe, Path(folder) / "run", progress=False, texts=texts)
    kept = ("model", "device", "precision", "epochs", "steps", "best_step", "seconds")
    row = {"split": kind, "parts": run.info["split"], "lr": recipe.training.lr}
    row |= {"seed": recipe.training.seed, **{name: run.info[name] for name in kept}}
    val = run.info["losses"]["val"]
    print(f"{kind:10}  val {val:.4f} nats, {val / LN2:.3f} bits", flush=True)
    return row | {"val": val, "train_loss": float(run.history["train_loss"][-1])}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--epochs", type=float, default=7)
    parser.add_argument("--hidden", type=int, default=700)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder of the result")
    args = parser.parse_args(arguments)
    rows = [train(kind, args) for kind in KINDS]
    save_result("withdrawn", {"text": TEXT, "rows": rows}, args.out)


if __name__ == "__main__":
    main()
