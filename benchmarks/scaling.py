"""Characters trained on a second by several processes together, over what one gets through.

One network, one batch, its lanes shared out (`charrnn.distributed`): 2 x 256 with 64 lanes of 50
characters on a CPU, 2 x 512 with 100 of 100 on GPUs. On a CPU one process has all cores to itself,
and several share them, so twice the speed is not to be had there: what shows is what the exchange
of gradients costs. Each round starts the processes anew; only their steps are timed.

    python -m benchmarks scaling [--rounds 5] [--seconds 5]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict

import torch

from benchmarks.command import command
from benchmarks.contenders import ROOT, THREADS
from benchmarks.loops import Size, our_step, wait_for
from benchmarks.machine import cores
from benchmarks.rounds import Effort, spread
from charrnn import distributed

SIZES = {"cpu": Size(256, 2, 64, 50), "cuda": Size(512, 2, 100, 100)}
QUICK_SIZE = Size(32, 1, 4, 10)


def worker(size: Size, device: str, seconds: float) -> None:
    """One of the processes: trains for so long; the first one prints characters a second."""
    distributed.join()
    step = our_step(size, device, "fp32")
    for _ in range(3):
        step()
    steps, began = 0, time.perf_counter()
    while True:
        step()
        steps += 1
        wait_for(device)
        taken = time.perf_counter() - began
        _, (longest,) = distributed.agreed(False, taken)  # all end after the same step
        if longest > seconds:
            break
    if distributed.rank() == 0:
        print(json.dumps(steps * size.batch * size.seq / longest), flush=True)
    distributed.leave()


def launch(processes: int, size: Size, effort: Effort) -> float:
    """Characters a second of so many processes. CalledProcessError where they fail."""
    threads = max(1, cores() // processes)
    begin = [sys.executable]
    if processes > 1:
        begin += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    given = json.dumps([asdict(size), effort.device, effort.seconds])
    done = subprocess.run(
        [*begin, "-m", "benchmarks.scaling", "--worker", given],
        env=os.environ | {name: str(threads) for name in THREADS},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for line in done.stdout.splitlines():
        with suppress(ValueError):
            return json.loads(line)
    raise RuntimeError(f"{processes} processes said nothing")


def measure(effort: Effort) -> dict:
    """A row a number of processes, and the ratios round by round to one process."""
    counts = (1, 2 if effort.device == "cpu" else torch.cuda.device_count())
    if counts == (1, 1):
        raise RuntimeError("one GPU has nothing to share; give --device cpu")
    size = QUICK_SIZE if effort.quick else SIZES[effort.device]
    rates = {n: [] for n in counts}
    for _ in range(effort.rounds):
        for n, kept in rates.items():
            kept.append(launch(n, size, effort))
    rows = [{"processes": n, **spread(kept)} for n, kept in rates.items()]
    ratio = spread([b / a for a, b in zip(rates[1], rates[counts[-1]], strict=True)])
    return {"unit": "characters/s", "size": asdict(size), "rows": rows, "ratio": ratio}


def show(result: dict) -> None:
    """The table."""
    for row in result["rows"]:
        print(f"{row['processes']} process(es): {row['median']:12,.0f} characters/s")
    print(f"{result['rows'][-1]['processes']} against 1: {result['ratio']['median']:.2f} times")


def main(arguments: list[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--worker")
    told, rest = parser.parse_known_args(arguments)
    if told.worker:
        size, device, seconds = json.loads(told.worker)
        worker(Size(**size), device, seconds)
    else:
        command("scaling", __doc__.split("\n\n")[0], measure, show, rest)


if __name__ == "__main__":
    main()
