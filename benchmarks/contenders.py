"""A side in a process of its own, with a fixed number of threads, idle until it is asked.

    python -m benchmarks.contenders MODULE:FUNCTION THREADS OPTIONS

calls the function with the options (JSON), which returns `run(steps)`; runs one step; says how long
both took; then reads numbers of steps from stdin and answers each with the seconds that they took.
Whatever else a side prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PATIENCE = 300
"""Seconds after which a piece that was asked for is given up."""


class Failed(RuntimeError):
    """A side cannot be run here; the message says why, in a line."""


class Contender:
    """The process, as its parent sees it. Raises Failed where it does not get ready in time."""

    def __init__(self, build: str, options: dict, threads: int, limit: float = 120.0) -> None:
        self.steps = 1
        self._stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115  (`close` closes it)
        command = [sys.executable, "-m", "benchmarks.contenders", build, str(threads)]
        self.process = subprocess.Popen(
            [*command, json.dumps(options)],
            env=os.environ | {name: str(threads) for name in THREADS},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            start_new_session=True,  # what it starts itself (a compiler) ends with it
        )
        self.first_seconds: float = self._answer(limit)["seconds"]

    def ask(self, steps: int) -> dict:
        """Run so many steps: their seconds, and what the side says of them (`found`)."""
        with suppress(BrokenPipeError):  # it has ended: its last words tell why
            self.process.stdin.write(f"{steps}\n")
            self.process.stdin.flush()
        return self._answer(PATIENCE)

    def calibrate(self, seconds: float) -> None:
        """Find how many steps take about so long. Twice: the first ones may be slower."""
        for _ in range(2):
            taken = max(self.ask(self.steps)["seconds"], 1e-9)
            self.steps = max(1, round(self.steps * seconds / taken))

    def rate(self) -> float:
        """Steps a second over one piece."""
        return self.steps / self.ask(self.steps)["seconds"]

    def close(self) -> None:
        """End the process, if it has not ended."""
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self._stderr.close()

    def _answer(self, limit: float) -> dict:
        late = threading.Event()
        timer = threading.Timer(limit, lambda: (late.set(), self._kill()))
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if line:
            return json.loads(line)
        self.process.wait()
        reason = f"not done after {limit:g} s" if late.is_set() else self._last_words()
        self.close()
        raise Failed(reason)

    def _kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)

    def _last_words(self) -> str:
        self._stderr.seek(0)
        said = [line.strip() for line in self._stderr if line.strip()]
        return said[-1][:300] if said else f"it ended with status {self.process.returncode}"


def serve(build: str, threads: int, options: dict) -> None:
    """The process's own side of it."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module, function = build.split(":")
    torch.set_num_threads(threads)
    make = getattr(import_module(module), function)
    began = time.perf_counter()
    run = make(**options)
    run(1)
    print(json.dumps({"seconds": time.perf_counter() - began}), file=answers, flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        found = run(int(line))
        answer = {"seconds": time.perf_counter() - began, "found": found}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]))
