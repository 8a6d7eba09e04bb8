"""The same text with one and with two characters a line end: how a loss goes from one to the other.

The file of the post's paper seems to have had carriage return and newline at each line end, ours
has a newline. If the second of the two is sure once the first has come, the total loss stays what
it was and is spread over more characters. A network of 1 x 128 is trained on War and Peace as it is
and on a copy with both characters, for each seed. No weights are kept.

    python -m benchmarks.line_ends [--epochs 2] [--seeds 2]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.machine import save_result
from charrnn.corpora import Split
from charrnn.recipe import Texts, load_recipe, open_texts
from charrnn.runs import train_recipe
from charrnn.settings import TrainConfig
from charrnn.vocab import Vocab


def with_two(texts: Texts) -> Texts:
    """The same texts with a carriage return before every newline."""
    vocab = Vocab(tuple(sorted({*texts.vocab.symbols, "\r"})))

    def changed(ids: np.ndarray) -> np.ndarray:
        return vocab.encode(texts.vocab.decode(np.asarray(ids)).replace("\n", "\r\n"))

    split = texts.split
    parts = Split(changed(split.train), changed(split.val), changed(split.test))
    length = sum(len(part) for part in (parts.train, parts.val, parts.test))
    return replace(texts, vocab=vocab, split=parts, characters=length, whole=length)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=float, default=2)
    parser.add_argument("--seeds", type=int, default=2)
    args = parser.parse_args()
    base = load_recipe("war_and_peace", "laptop")
    one = open_texts(base)
    rows = []
    for seed in range(1, args.seeds + 1):
        for ends, texts in (("one", one), ("two", with_two(one))):
            settings = TrainConfig(batch=16, seq=100, epochs=args.epochs, lr=2e-2, seed=seed)
            recipe = replace(base, model={"hidden": 128, "layers": 1}, training=settings)
            with TemporaryDirectory() as folder:
                run = train_recipe(recipe, Path(folder) / "run", progress=False, texts=texts)
            loss, characters = run.info["losses"]["test"], len(texts.split.test) - 1
            rows.append({"seed": seed, "ends": ends, "test": loss, "characters": characters})
            print(f"seed {seed}  {ends}: {loss:.4f} x {characters:,} = {loss * characters:,.0f}")
    whole = {row["ends"]: row["characters"] for row in rows}
    save_result(
        "line_ends", {"epochs": args.epochs, "rows": rows, "longer": whole["two"] / whole["one"]}
    )


if __name__ == "__main__":
    main()
