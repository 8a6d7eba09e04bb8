"""A check of a minute that nothing has become grossly slower: ours against plain torch, now.

Ratios of the same run, so that they hold on any machine: training 2 x 256 with 32 lanes of 50
characters, and sampling one stream, each beside the ordinary program around `nn.LSTM`. Compiled, a
stream is drawn from 2 x 128, whose weights lie in a core's own cache: from 2 x 512 both sides may
wait for main memory, and how long is the machine's affair. Without a compiler it is 2 x 512.
Several short rounds take turns, and the best round of each side counts: what else the machine does
only ever takes time away. All with one thread, since two that wait for each other suffer far more
from a busy machine; and where a ratio is too low, all is measured once more.

Exit status 1 where a ratio is below its threshold. The thresholds are far below what is measured on
a quiet machine (see benchmarks/results), so a noisy one passes, and a fast path that is no longer
taken does not: one character at a time through torch, sampling would be about once as fast as
plain; training would be about once with torch's own layers, and well under once through a
spelled-out loop. Where nothing can be compiled, training in torch's own layers is what there is.

    python -m benchmarks quick
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from benchmarks.command import allow_shared
from benchmarks.loops import Size, chosen_precision
from benchmarks.rounds import Effort, Side, measure_cases
from benchmarks.sampling import SIZE
from charrnn import native

TRAINED = Size(hidden=256, layers=2, batch=32, seq=50)
CACHED = SIZE | {"hidden": 128}
EFFORT = Effort(rounds=6, seconds=0.5)
ATTEMPTS = 2


def cases() -> dict[str, list[Side]]:
    """Ours and the plain program, at both tasks."""
    training = {"device": "cpu", **asdict(TRAINED)}
    precision = chosen_precision("cpu", TRAINED.model)
    size = SIZE if native.load("step") is None else CACHED
    sampling = {"streams": 1, "device": "cpu", **size}
    loops, steppers = "benchmarks.loops:", "benchmarks.steppers:"
    characters = TRAINED.batch * TRAINED.seq

    def side(name: str, build: str, options: dict, characters: int = 1) -> Side:
        return Side(name, build, options, characters=characters)

    return {
        "training": [
            side("ours", f"{loops}ours", training | {"precision": precision}, characters),
            side("nn.LSTM", f"{loops}plain", training, characters),
        ],
        "sampling": [
            side("ours", f"{steppers}ours", sampling),
            side("nn.LSTM", f"{steppers}stepped", sampling),
        ],
    }


def best_ratios(rows: list[dict]) -> dict[str, float]:
    """By case, the best round of ours over the best of plain; 0 where ours could not be
    run, and no ratio where the plain program could not."""
    best: dict[tuple[str, str], float] = {}
    for row in rows:
        key = (row["case"], row["side"])
        best[key] = max(best.get(key, 0.0), *row.get("rounds", [0.0]))
    cases = {case for case, side in best if side == "nn.LSTM" and best[case, side]}
    return {case: best[case, "ours"] / best[case, "nn.LSTM"] for case in sorted(cases)}


def threshold(case: str) -> float:
    """The ratio below which something is grossly wrong."""
    if case == "sampling":
        return 10.0
    return 0.9 if native.load("lstm") is None else 1.2


def too_slow(ratios: dict[str, float]) -> list[str]:
    """A line for each ratio that is below its threshold."""
    return [
        f"{case} is {ratio:.2f} times as fast as plain torch, under the {threshold(case):g} times "
        "that no machine should fall below"
        for case, ratio in ratios.items()
        if ratio < threshold(case)
    ]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        "python -m benchmarks quick", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="the same: it always is")
    allow_shared(parser)
    parser.parse_args(arguments)
    rows = []
    for _ in range(ATTEMPTS):
        rows += measure_cases(cases(), EFFORT)
        ratios = best_ratios(rows)
        for case, ratio in ratios.items():
            print(f"{case}: {ratio:.2f} times plain torch (at least {threshold(case):g} wanted)")
        problems = too_slow(ratios)
        if not problems:
            return
    sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
