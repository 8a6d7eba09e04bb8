"""Characters trained on a second: this library beside ordinary training loops.

The batches of three of the post's networks: its first experiment (2 x 512, 100 lanes, 100 and 50
characters back; 0.46 s a batch of 100 x 100 on a TITAN Z, it says), Shakespeare's 3 x 512 and
Linux's, as recorded here, 3 x 704. Ours in each precision that the device has, beside a loop around
`nn.LSTM`, the same with `torch.compile` (compiling is not timed: `first_seconds` has it), and one
around `nn.LSTMCell`. On a CPU also the plain loop in a process that keeps the memory that a step
gives back (`charrnn.native.memory`), since that alone makes it faster. Last, `charrnn.minimal` at
its own size beside this library at that size.

    python -m benchmarks training [--rounds 5] [--seconds 1] [--device cpu]
"""

from __future__ import annotations

from dataclasses import asdict
from statistics import median

from benchmarks.command import command
from benchmarks.loops import Size, chosen_precision, precisions
from benchmarks.machine import cores
from benchmarks.rounds import Effort, Side, measure_cases, ratios, show_rows, thread_counts

POST = Size(hidden=512, layers=2, batch=100, seq=100, dropout=0.5)
SIZES = {
    "2 x 512, 100 x 100": POST,
    "2 x 512, 100 x 50": Size(hidden=512, layers=2, batch=100, seq=50, dropout=0.5),
    "3 x 512, 100 x 100": Size(hidden=512, layers=3, batch=100, seq=100, dropout=0.5),
    "3 x 704, 100 x 100": Size(hidden=704, layers=3, batch=100, seq=100, dropout=0.5),
}
QUICK_SIZES = {"2 x 64, 10 x 10": Size(hidden=64, layers=2, batch=10, seq=10)}
MINIMAL = Size(hidden=100, layers=1, batch=1, seq=25, cell="rnn")
NUMPY = "1 x 100, 1 x 25"
COMPILE_SECONDS = 300
"""Longest time that `torch.compile` may take."""


def sides(size: Size, device: str, alternatives: bool = True) -> list[Side]:
    """Ours in each precision and the plain loop; with `alternatives` the other loops too."""
    options = {"device": device, **asdict(size)}

    def side(name: str, build: str, **more) -> Side:
        given = options | ({"precision": more["precision"]} if build == "ours" else {})
        threads = (cores() if device == "cpu" else 1,)
        more = {"threads": threads, "characters": size.batch * size.seq} | more
        return Side(name, f"benchmarks.loops:{build}", given, **more)

    chosen = [side("ours", "ours", precision=p) for p in precisions(device, size.model)]
    chosen.append(side("nn.LSTM" if size.cell == "lstm" else "nn.RNN", "plain"))
    if alternatives:
        if device == "cpu":
            chosen.append(side("nn.LSTM, memory kept", "plain_kept"))
        chosen.append(side("nn.LSTM compiled", "compiled", limit=COMPILE_SECONDS))
        chosen.append(side("nn.LSTMCell", "cells"))
    return chosen


def smallest(device: str) -> list[Side]:
    """`charrnn.minimal` and, at its size, ours and a loop around `nn.RNN`; with their best threads
    (a step this small is faster on one)."""
    common = {"characters": MINIMAL.batch * MINIMAL.seq, "threads": thread_counts(device)}
    options = {"device": device, **asdict(MINIMAL)}
    build = "benchmarks.loops:"
    return [
        Side("ours", f"{build}ours", options | {"precision": "fp32"}, **common),
        Side("nn.RNN", f"{build}plain", options, **common),
        Side("charrnn.minimal", f"{build}numpy_rnn", asdict(MINIMAL), "fp64", **common),
    ]


def measure(effort: Effort) -> dict:
    """Rows, ratios, and the seconds of a batch in the precision that this library takes itself."""
    sizes = QUICK_SIZES if effort.quick else SIZES
    cases = {
        name: sides(size, effort.device, alternatives=size.seq > 50 and not effort.quick)
        for name, size in sizes.items()
    }
    cases[NUMPY] = smallest(effort.device)
    rows = measure_cases(cases, effort)
    return {
        "unit": "characters/s",
        "device": effort.device,
        "sizes": {name: asdict(size) for name, size in sizes.items()} | {NUMPY: asdict(MINIMAL)},
        "rows": rows,
        "ratios": ratios(rows, {NUMPY: ("charrnn.minimal", "fp64")}),
        "batch_seconds": batch_seconds(rows, effort.device),
    }


def batch_seconds(rows: list[dict], device: str) -> dict:
    """Seconds of a batch of the post's first network, as this library trains by itself, by device,
    lanes and characters back."""
    found = {}
    for row in rows:
        size = SIZES.get(row["case"])
        if size is None or size.model != POST.model or "failed" in row or row["side"] != "ours":
            continue
        if row["precision"] == chosen_precision(device, size.model):
            seconds = [size.batch * size.seq / rate for rate in row["rounds"]]
            found[f"{device} {size.batch} x {size.seq}"] = {
                "median": median(seconds),
                "min": min(seconds),
                "max": max(seconds),
                "chars_per_s": row["median"],
            }
    return found


def show(result: dict) -> None:
    """The table, and the seconds of a batch."""
    show_rows(result)
    for batch, row in result["batch_seconds"].items():
        print(f"2 x 512, {batch}: {row['median']:.4f} s ({row['min']:.4f} to {row['max']:.4f})")


def main(arguments: list[str] | None = None) -> None:
    command("training", __doc__.split("\n\n")[0], measure, show, arguments)


if __name__ == "__main__":
    main()
