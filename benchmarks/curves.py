"""What a character of training costs over the hidden size, the lanes, the length and the layers.

One of the four changes at a time, around 2 x 256 with 32 lanes of 50 characters (2 x 512 with 100
of 100 on a GPU). Ours, in the precision that it takes by itself, and the plain loop around
`nn.LSTM` take turns in this process. It keeps the memory that a step gives back, as ours does
(`charrnn.native.memory`): so the plain loop is faster here than in a process of its own.

    python -m benchmarks curves [--rounds 5] [--seconds 0.2]
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from statistics import median

import torch

from benchmarks.command import command
from benchmarks.loops import Run, Size, chosen_precision, ours, plain
from benchmarks.machine import cores
from benchmarks.rounds import Effort, spread

AROUND = {"cpu": Size(256, 2, 32, 50), "cuda": Size(512, 2, 100, 100)}
VALUES = {
    "hidden": (64, 128, 256, 512, 1024),
    "batch": (1, 4, 16, 32, 64, 128, 256),
    "seq": (10, 25, 50, 100, 200, 400),
    "layers": (1, 2, 3, 4),
}
QUICK_VALUES = {"hidden": (16, 32), "batch": (1, 4), "seq": (10,), "layers": (1,)}
PIECE = 0.2
"""Longest seconds of a side in a round: there are many points."""


def points(device: str, quick: bool) -> list[tuple[str, int, Size]]:
    """What changes, its value, and the whole size."""
    around = replace(AROUND[device], hidden=32, batch=4) if quick else AROUND[device]
    values = QUICK_VALUES if quick else VALUES
    return [(name, v, replace(around, **{name: v})) for name in values for v in values[name]]


def alternate(sides: dict[str, Run], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Steps a second of each side, a round each, taking turns."""
    steps = {}
    for name, run in sides.items():
        run(2)
        steps[name] = max(1, round(seconds / _seconds(run, 1)))
    rates = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            rates[name].append(steps[name] / _seconds(run, steps[name]))
    return rates


def _seconds(run: Run, steps: int) -> float:
    began = time.perf_counter()
    run(steps)
    return time.perf_counter() - began


def point(size: Size, effort: Effort) -> dict:
    """Microseconds a character of both sides at one size, and their ratio round by round."""
    precision = chosen_precision(effort.device, size.model)
    sides = {
        "ours": ours(effort.device, precision, **asdict(size)),
        "nn.LSTM": plain(effort.device, **asdict(size)),
    }
    rates = alternate(sides, effort.rounds, min(effort.seconds, PIECE))
    chars = size.batch * size.seq
    found = {name: spread([1e6 / (chars * r) for r in kept]) for name, kept in rates.items()}
    by_round = [a / b for a, b in zip(rates["ours"], rates["nn.LSTM"], strict=True)]
    return {"precision": precision, **found, "ratio": spread(by_round)}


def measure(effort: Effort) -> dict:
    """A row a point of each curve."""
    if effort.device == "cpu":
        torch.set_num_threads(cores())
    rows = []
    for name, value, size in points(effort.device, effort.quick):
        rows.append({"over": name, "value": value, "size": asdict(size), **point(size, effort)})
        show_row(rows[-1])
    around = asdict(AROUND[effort.device])
    threads = torch.get_num_threads()
    return {"unit": "microseconds/character", "around": around, "threads": threads, "rows": rows}


def show_row(row: dict) -> None:
    """A line as soon as it is known."""
    print(
        f"{row['over']:7} {row['value']:5}  ours ({row['precision']}) {row['ours']['median']:8.2f}"
        f"  nn.LSTM {row['nn.LSTM']['median']:8.2f} microseconds a character, "
        f"{row['ratio']['median']:.2f} times",
        flush=True,
    )


def show(result: dict) -> None:
    """The middle of the ratios; the rows have been shown on the way."""
    middle = median(row["ratio"]["median"] for row in result["rows"])
    print(f"ours against nn.LSTM over all {len(result['rows'])} points: {middle:.2f} times")


def main(arguments: list[str] | None = None) -> None:
    command("curves", __doc__.split("\n\n")[0], measure, show, arguments)


if __name__ == "__main__":
    main()
