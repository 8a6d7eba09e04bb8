r"""How many units mean something, over seeds and sizes: the census of the post's "about 5 %".

Trains small networks, several seeds of each size and all else equal, on the recipe's text, and
takes the census of each: every unit's best score over the bank of rules, beside a random rotation
of the state, an untrained network and labels shifted in time. Trainings and censuses lie in a
folder of their own, so that what was interrupted goes on; losses and scores are kept, no weights.

    python -m benchmarks.neurons --folder FOLDER [--networks 1x64 1x128 2x128] [--seeds 5]
                                 [--corpus war_and_peace] [--epochs 3] [--characters 200000]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.machine import save_result
from charrnn import rules
from charrnn.checkpoint import write_atomically
from charrnn.measure.neurons import KINDS, best_score
from charrnn.probe.census import (
    Census,
    best_unit,
    counted,
    decoded,
    is_scores,
    take_census,
    unit_labels,
    unit_scores,
)
from charrnn.recipe import load_recipe
from charrnn.runs import Run, load_run, resume_run, run_texts, train_recipe

RATES = {64: 4e-2, 128: 2e-2, 256: 8e-3, 512: 4e-3}
"""Learning rates by hidden size, of one layer; two layers take half."""
BARS = [round(0.05 * k, 2) for k in range(20)]
CONTROLS = ("trained", "rotated", "untrained", "shifted")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--corpus", default="war_and_peace", choices=KINDS)
    parser.add_argument(
        "--networks", nargs="+", default=["1x64", "1x128", "2x128", "1x256", "2x256"]
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--characters", type=int, default=200_000)
    parser.add_argument("--trained-only", action="store_true", help="leave out what is not trained")
    args = parser.parse_args()
    rows = []
    for network in args.networks:
        layers, hidden = map(int, network.split("x"))
        for seed in range(1, args.seeds + 1):
            folder = args.folder / f"{args.corpus}-{layers}x{hidden}-{seed}"
            run = network_of(args, layers, hidden, seed, folder)
            if run is None:
                continue
            row = census_of(run, args.characters)
            rows.append({"layers": layers, "hidden": hidden, "seed": seed, **row})
            print(told(rows[-1]), flush=True)
    asked = {"corpus": args.corpus, "epochs": args.epochs, "characters": args.characters}
    save_result(f"neurons-{args.corpus.replace('_', '-')}", {**asked, "bars": BARS, "rows": rows})


def network_of(args, layers: int, hidden: int, seed: int, folder: Path) -> Run | None:
    """A network of that size and seed: trained before, gone on with, or trained now."""
    if (folder / "run.json").is_file():
        run = load_run(folder)
        if run.info.get("finished"):
            return run
        return None if args.trained_only else resume_run(folder, progress=False)
    if args.trained_only:
        return None
    rate = RATES[hidden] / layers
    settings = {"seed": seed, "batch": 16, "seq": 100, "lr": rate, "epochs": args.epochs}
    recipe = load_recipe(args.corpus, "laptop", **settings)
    size = {"hidden": hidden, "layers": layers, "dropout": 0.0}
    return train_recipe(replace(recipe, model=recipe.model | size), folder, progress=False)


def census_of(run: Run, characters: int) -> dict:
    """The census of a network on its test text, kept beside it."""
    kept = run.folder / f"census-{characters}.json"
    if not kept.is_file():
        _, texts = run_texts(run.folder, progress=False)
        ids = np.asarray(texts.split.test[:characters]).astype(np.int64)
        kind = KINDS[run.info["recipe"]["name"]]
        names = [rule.name for rule in rules.rules_for(kind)]
        labels = unit_labels(decoded(run.vocab, ids), names)
        found = take_census(run.model, ids, labels, seed=run.info["seed"])
        write_atomically(kept, json.dumps(facts(run, found)).encode())
    return json.loads(kept.read_text())


def facts(run: Run, census: Census) -> dict:
    """Shares of units by bar, and each rule's best unit, with the controls."""
    over = counted(census.real)
    names = dict(
        zip(CONTROLS, (census.real, census.rotated, census.untrained, census.shifted), strict=True)
    )
    scores = {k: unit_scores(found, over) for k, found in names.items()}
    shares = {k: [round(float((s >= bar).mean()), 5) for bar in BARS] for k, s in scores.items()}
    table = {}
    for name, found in census.real.items():
        layer, unit = divmod(best_unit(found), census.hidden)
        probe = census.probes.get(name)
        table[name] = {
            "layer": layer,
            "unit": unit,
            "probe": None if probe is None else probe.f1 if is_scores(found) else probe.r,
            "guessing": round(found.guessing, 4) if is_scores(found) else None,
            **{k: best_score(each.get(name)) for k, each in names.items()},
        }
    keep = {k: run.info[k] for k in ("losses", "seconds", "epochs", "device")}
    return {
        "parameters": run.info["model"]["parameters"],
        "lr": run.info["training"]["lr"],
        "over": over,
        "shares": shares,
        "rules": table,
        **keep,
    }


def told(row: dict) -> str:
    """A network in a line."""
    half, seven = BARS.index(0.5), BARS.index(0.7)
    quotes = row["rules"].get("inside_quotes", {}).get("trained")
    shares = "  ".join(
        f"{k} {row['shares'][k][half]:.1%} {row['shares'][k][seven]:.1%}" for k in CONTROLS
    )
    return (
        f"{row['layers']} x {row['hidden']:3d} seed {row['seed']}  test "
        f"{row['losses']['test']:.3f}  at 0.5 and 0.7: {shares}  quotes {quotes}"
    )


if __name__ == "__main__":
    main()
