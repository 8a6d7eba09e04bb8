r"""How long it takes to rank every unit of a 2 x 512 network against every rule, once its states
are computed, and in how much memory.

The text is the novel written for this project, repeated; the states are those of the recorded
network. What is timed is the counting and the scoring alone.

    python -m benchmarks ranking [--characters 1000000] [--run war_and_peace] [--quick]
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from benchmarks.command import allow_shared
from benchmarks.machine import save_result
from charrnn.probe.census import decoded, unit_labels
from charrnn.probe.ranking import Ranking
from charrnn.probe.states import states
from charrnn.recipe import repository
from charrnn.rules import RULES
from charrnn.runs import load_run


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        "python -m benchmarks ranking", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="a short text, nothing written")
    parser.add_argument("--characters", type=int, default=1_000_000)
    parser.add_argument("--run", default="war_and_peace")
    allow_shared(parser)
    args = parser.parse_args(arguments)
    args.characters = 5000 if args.quick else args.characters
    run = load_run(args.run)
    text = (repository() / "data" / "samples" / "novel.txt").read_text(encoding="utf-8")
    once = run.vocab.encode(text, unknown="skip")
    ids = np.tile(once, -(-args.characters // len(once)))[: args.characters].astype(np.int64)
    began = time.perf_counter()
    ranking = Ranking(unit_labels(decoded(run.vocab, ids)))
    seconds = {"labels": time.perf_counter() - began, "ranking": 0.0, "states": 0.0}
    last = time.perf_counter()
    for block in states(run.model, ids):
        now = time.perf_counter()
        seconds["states"] += now - last
        ranking.add(block.where, block.c, np.tanh(block.c))
        last = time.perf_counter()
        seconds["ranking"] += last - now
    found = ranking.scores()
    seconds["ranking"] += time.perf_counter() - last
    kept = {k: round(v, 2) for k, v in seconds.items()}
    facts = {
        "run": args.run,
        "characters": len(ids),
        "units": run.model.config.layers * run.model.config.hidden,
        "rules": len(RULES),
        "rules_with_labels": len(found),
        "seconds": kept,
        "counts_mb": round(ranking.counts.nbytes / 1e6, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
    }
    print(facts)
    if not args.quick:
        save_result("ranking", facts)


if __name__ == "__main__":
    main()
