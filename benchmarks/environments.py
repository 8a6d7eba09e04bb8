r"""The size of a network against the environments of its LaTeX: how often does \end name what
\begin did, and how far back?

Trains the recipe `stacks` at several hidden sizes, all else equal, for the same number of
characters, and nests the environments of samples of each.

    python -m benchmarks.environments [--hidden 64 128 256] [--characters 6000000] [--samples 64]
                                      [--batch 16] [--lr 4e-3]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.machine import save_result
from charrnn.measure.algebra import EDGES
from charrnn.measure.material import share
from charrnn.recipe import load_recipe
from charrnn.runs import Run, train_recipe
from charrnn.sample import sample_units
from charrnn.structure.nesting import by_distance, nest
from charrnn.structure.shares import Share
from charrnn.structure.tex import environments


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hidden", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--characters", type=float, default=6e6)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--length", type=int, default=2000)
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--scale", default="laptop")
    args = parser.parse_args()
    rows = []
    for hidden in args.hidden:
        size = {"hidden": hidden, "layers": args.layers}
        run = trained(size, args.characters, args.scale, batch=args.batch, lr=args.lr)
        texts = sample_units(
            run, args.samples, length=args.length, temperature=args.temperature, seed=1000
        )
        row = size | facts(run) | nested(texts)
        rows.append(row)
        kept = f"{row['kept']['hits']} of {row['kept']['total']}"
        print(
            f"{args.layers} x {hidden:4d}  val {row['losses']['val']:.4f}  "
            f"closed by their own name {kept}  {row['seconds']:.0f} s",
            flush=True,
        )
    kept = {k: run.info[k] for k in ("training", "split", "device", "precision", "corpus")}
    asked = {k: getattr(args, k) for k in ("characters", "samples", "length", "temperature")}
    save_result("environments", {**asked, "edges": list(EDGES), "rows": rows, **kept})


def trained(size: dict, characters: float, scale: str, **settings) -> Run:
    """A network of the recipe with another size, after as many characters as all others. A short
    training: small batches and large steps, given in `settings`, bring it further."""
    recipe = load_recipe("stacks", scale, **settings)
    steps = max(1, round(characters / (recipe.training.batch * recipe.training.seq)))
    recipe = load_recipe("stacks", scale, **settings, steps=steps, eval_every=steps)
    recipe = replace(recipe, model=recipe.model | size)
    with TemporaryDirectory() as folder:
        return train_recipe(recipe, Path(folder) / "run", progress=False)


def facts(run: Run) -> dict:
    """Size, losses and time of a training."""
    kept = {k: run.info[k] for k in ("losses", "steps", "seconds", "chars_per_second")}
    return {"parameters": run.info["model"]["parameters"], **kept}


def nested(texts: list[str]) -> dict:
    """What became of the environments of texts."""
    found = [nest(environments(text)) for text in texts]
    distances = [by_distance([nesting], EDGES) for nesting in found]
    return {
        "kept": counted([n.kept() for n in found]),
        "wrong_names": counted([n.wrong_names() for n in found]),
        "never_closed": counted([n.never_closed() for n in found]),
        "by_distance": {
            str(edge): counted([d[i] for d in distances]) for i, edge in enumerate(EDGES[:-1])
        },
    }


def counted(found: list[Share]) -> dict:
    """Hits, total and value of all texts, with a 95 % bootstrap interval over texts, or, where
    fewer than two had anything to count, Wilson's."""
    return sum(found, Share(0, 0)).as_dict() | (share(found) or {})


if __name__ == "__main__":
    main()
