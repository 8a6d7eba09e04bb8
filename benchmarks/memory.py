"""Peak memory of training at the post's batch: this library beside ordinary loops.

2 x 512, 100 lanes, 100 characters back. Each side in a process of its own, which trains for a few
steps. On a CPU its resident memory at the highest, and before anything was built (torch alone); on
a GPU what torch had allocated there at most.

    python -m benchmarks memory [--device cpu]
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable

import torch

from benchmarks import loops
from benchmarks.command import command
from benchmarks.contenders import Contender, Failed
from benchmarks.rounds import Effort, Side
from benchmarks.training import POST, QUICK_SIZES, sides

STEPS = 3


def watched(build: str, options: dict) -> Callable[[int], dict]:
    """A training loop that tells its memory in megabytes."""
    before = resident()
    run = getattr(loops, build)(**options)

    def told(steps: int) -> dict:
        run(steps)
        found = {"peak_mb": resident(), "before_mb": before}
        if options["device"] == "cuda":
            found["peak_mb"], found["before_mb"] = torch.cuda.max_memory_allocated() / 1e6, 0.0
        return found

    return told


def resident() -> float:
    """The largest resident memory that this process has had, in megabytes."""
    unit = 1 if sys.platform == "darwin" else 1024  # macOS tells bytes, Linux kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def measure(effort: Effort) -> dict:
    """A row a side; `times`: what it needs of what the plain loop needs, torch itself apart."""
    size = next(iter(QUICK_SIZES.values())) if effort.quick else POST
    rows = [_row(side) for side in sides(size, effort.device, alternatives=not effort.quick)]
    plain = next(row for row in rows if row["side"] == "nn.LSTM")
    for row in rows:
        row["times"] = times(row, plain)
    return {"unit": "MB", "device": effort.device, "rows": rows}


def times(row: dict, plain: dict) -> float | None:
    """How much of what the plain loop needs, without what torch takes; None where one failed or
    the network is too small to show."""
    if "failed" in row or "failed" in plain or not _own(plain):
        return None
    return _own(row) / _own(plain)


def _own(row: dict) -> float:
    return row["peak_mb"] - row["before_mb"]


def _row(side: Side) -> dict:
    threads = side.threads[-1]
    row = {"side": side.name, "precision": side.precision, "threads": threads}
    options = {"build": side.build.split(":")[1], "options": side.options}
    try:
        contender = Contender("benchmarks.memory:watched", options, threads, side.limit)
        found = contender.ask(STEPS)["found"]
        contender.close()
    except Failed as error:
        return row | {"failed": str(error)}
    return row | found


def show(result: dict) -> None:
    """The table."""
    print("peak megabytes; without what torch takes by itself; times the plain loop's")
    for row in result["rows"]:
        name = f"  {row['side']} {row['precision']}"
        if "failed" in row:
            print(f"{name:26} could not be run: {row['failed']}")
            continue
        share = "" if row["times"] is None else f"{row['times']:.2f}"
        print(f"{name:26} {row['peak_mb']:7.0f} {_own(row):7.0f}  {share}")


def main(arguments: list[str] | None = None) -> None:
    command("memory", __doc__.split("\n\n")[0], measure, show, arguments)


if __name__ == "__main__":
    main()
