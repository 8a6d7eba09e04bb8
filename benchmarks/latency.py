"""Milliseconds between two characters of a text that is streamed: the middle, the slow ones.

A reader sees a text as smooth when its slowest characters come in time, not its average ones. 2
layers of 512, one stream, each side with as many threads as there are cores and with one; the gaps
between a side's characters are gathered over all rounds.

    python -m benchmarks latency [--rounds 5] [--seconds 1]
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from benchmarks import steppers
from benchmarks.command import command
from benchmarks.contenders import Contender
from benchmarks.rounds import Effort, thread_counts
from benchmarks.sampling import QUICK_SIZE, SIZE

SIDES = {
    ("ours", "fp32"): {"build": "ours"},
    ("ours", "int8"): {"build": "ours", "portable": True},
    ("nn.LSTM", "fp32"): {"build": "stepped"},
}
Key = tuple[str, str, int]
"""Side, precision, threads."""


def timed(build: str, **options) -> Callable[[int], list[float]]:
    """A stepper of one stream that notes when each character came: milliseconds between them."""
    run = getattr(steppers, build)(streams=1, **options)

    def noted(steps: int) -> list[float]:
        at = [time.perf_counter()]
        for _ in range(steps):
            run(1)
            at.append(time.perf_counter())
        return (1000 * np.diff(at)).tolist()

    return noted


def measure(effort: Effort) -> dict:
    """A row a side and number of threads: percentiles of its gaps."""
    size = QUICK_SIZE if effort.quick else SIZE
    gaps = {key: [] for key in tried(effort.device)}
    contenders: dict[Key, Contender] = {}
    try:
        for key in gaps:
            side, precision, threads = key
            options = SIDES[side, precision] | size | {"device": effort.device}
            contenders[key] = Contender("benchmarks.latency:timed", options, threads)
            contenders[key].calibrate(effort.seconds)
        for _ in range(effort.rounds):
            for key, one in contenders.items():
                gaps[key] += one.ask(one.steps)["found"]
    finally:
        for one in contenders.values():
            one.close()
    names = ("side", "precision", "threads")
    rows = [dict(zip(names, key, strict=True)) | percentiles(g) for key, g in gaps.items()]
    return {"unit": "ms", "model": size, "rows": rows}


def tried(device: str) -> list[Key]:
    """The sides that a device has, each with the numbers of threads that it is tried with."""
    there = [key for key in SIDES if device == "cpu" or key[1] != "int8"]
    return [(*key, threads) for key in there for threads in thread_counts(device)]


def percentiles(gaps: list[float]) -> dict:
    """How many gaps, their middle, the hundredth and the thousandth slowest, and the slowest."""
    middle, slow, slower = np.percentile(gaps, (50, 99, 99.9)).tolist()
    return {"gaps": len(gaps), "p50": middle, "p99": slow, "p99.9": slower, "max": max(gaps)}


def show(result: dict) -> None:
    """The table."""
    print("milliseconds between characters: half, 99 %, 99.9 % are at most; the longest")
    for row in result["rows"]:
        shown = "  ".join(f"{row[key]:8.3f}" for key in ("p50", "p99", "p99.9", "max"))
        print(f"  {row['side']} {row['precision']:5} {row['threads']:2}  {shown}")


def main(arguments: list[str] | None = None) -> None:
    command("latency", __doc__.split("\n\n")[0], measure, show, arguments)


if __name__ == "__main__":
    main()
