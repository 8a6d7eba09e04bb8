"""Trainings in processes of their own, to be killed: one program that forks, so that each begins at
once.

Reads orders as JSON lines from standard input and answers each with a line: `start` (a training
that begins or resumes) with its process id, `hangup` (its terminal goes away), `wait` with its exit
status and what it said: 0 finished, 130 stopped with all saved, 2 refused, 1 anything else, below 0
the signal that killed it.
"""

from __future__ import annotations

import builtins
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

MOMENTS = ("half", "flush", "rename", "renamed", "line")
"""When a process kills itself: half of a file is written, all of it but not flushed, before it gets
its final name, right after, and in the middle of a line of the history."""


class Servant:
    """The program, as its user sees it."""

    def __init__(self) -> None:
        root = Path(__file__).parents[1]
        paths = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "trust.servant"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._program = subprocess.Popen(command, env=environment, **pipes)

    def __enter__(self) -> Servant:
        return self

    def __exit__(self, *_) -> None:
        self._program.stdin.close()
        self._program.wait()
        self._program.stdout.close()

    def ask(self, **order):
        """Send an order and return its answer."""
        print(json.dumps(order), file=self._program.stdin, flush=True)
        return json.loads(self._program.stdout.readline())

    def start(self, do: str, folder: Path, **more) -> int:
        """do: "begin" or "resume"; more: `steps`, `die` [moment, nth], `terminal`."""
        return self.ask(order="start", do=do, folder=str(folder), **more)

    def wait(self, pid: int) -> tuple[int, str]:
        """The exit status of a training, and its last words."""
        return tuple(self.ask(order="wait", pid=pid))

    def kill(self, pid: int, number: int = signal.SIGKILL) -> tuple[int, str]:
        """Send a signal to a training and wait for its end."""
        os.kill(pid, number)
        return self.wait(pid)


def recipe(text: Path, steps: int):
    """A small network with dropout, and a checkpoint every sixth step."""
    from charrnn.recipe import Recipe
    from charrnn.settings import TrainConfig

    training = TrainConfig(
        batch=4, seq=16, steps=steps, eval_every=6, lr=0.01, warmup=4, sample_length=20, seed=5,
        device="cpu", precision="fp32",
    )  # fmt: skip
    return Recipe(
        "fox", "A fox", "smoke", str(text), {"hidden": 96, "layers": 2, "dropout": 0.2}, training
    )


def _train(order: dict) -> None:
    from charrnn.recipe import open_texts
    from charrnn.runs import resume_run, train_recipe

    folder = Path(order["folder"])
    if "die" in order:
        _die_at(*order["die"])
    bar = order.get("terminal", False)
    if order["do"] == "resume":
        resume_run(folder, progress=bar)
        return
    wanted = recipe(folder.parent / "fox.txt", order.get("steps", 240))
    train_recipe(wanted, folder, progress=bar, texts=open_texts(wanted, progress=False))


def _die_at(moment: str, nth: int) -> None:
    """Kill this process at the nth time that it gets to a moment of `MOMENTS`."""
    from charrnn import checkpoint, records

    def nearly() -> bool:
        nonlocal nth
        nth -= 1
        return nth == 0

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)

    if moment in ("half", "line"):
        module = checkpoint if moment == "half" else records

        def opened(path, mode="r", *rest, **options):
            file = builtins.open(path, mode, *rest, **options)  # noqa: SIM115
            if "r" not in mode and nearly():
                whole = file.write

                def write(data):
                    whole(data[: len(data) // 2])
                    file.flush()
                    die()

                return _Writing(file, write)
            return file

        module.open = opened
    elif moment == "flush":
        flush = os.fsync
        os.fsync = lambda number: die() if nearly() else flush(number)
    else:
        replace = os.replace

        def renamed(source, target):
            now = nearly()
            if now and moment == "rename":
                die()
            replace(source, target)
            if now:
                die()

        os.replace = renamed


class _Writing:
    """A file with another `write`."""

    def __init__(self, file, write) -> None:
        self._file, self.write = file, write

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


def _child(order: dict, words: int, terminal: int | None) -> None:
    from charrnn.train import Interrupted

    if terminal is not None:
        os.login_tty(terminal)
    status, said = 0, ""
    try:
        _train(order)
    except Interrupted as stopped:
        status, said = 130, str(stopped)
    except (ValueError, FileExistsError) as error:
        status, said = 2, f"{type(error).__name__}: {error}"
    except BaseException as error:
        status, said = 1, f"{type(error).__name__}: {error}"
    os.write(words, said.encode()[:4000])
    os._exit(status)


def main() -> None:
    """Carry out orders until there are no more."""
    import torch

    torch.set_num_threads(1)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored where this was started under nohup
    _warm_up()
    alive: dict[int, tuple[int, int | None]] = {}
    for line in sys.stdin:
        order = json.loads(line)
        if order["order"] == "start":
            reads, writes = os.pipe()
            master, slave = os.openpty() if order.get("terminal") else (None, None)
            pid = os.fork()
            if pid == 0:
                os.close(reads)
                if master is not None:
                    os.close(master)
                _child(order, writes, slave)
            os.close(writes)
            if slave is not None:
                os.close(slave)
            alive[pid] = reads, master
            answer = pid
        elif order["order"] == "hangup":
            reads, master = alive[order["pid"]]
            os.close(master)
            alive[order["pid"]] = reads, None
            answer = True
        else:
            reads, master = alive.pop(order["pid"])
            status = os.waitstatus_to_exitcode(os.waitpid(order["pid"], 0)[1])
            with os.fdopen(reads, "rb") as words:
                answer = [status, words.read().decode()]
            if master is not None:
                os.close(master)
        print(json.dumps(answer), flush=True)


def _warm_up() -> None:
    """An optimizer and a step, once: torch loads a good deal of itself for the first ones."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as aside:
        text = Path(aside) / "fox.txt"
        text.write_text(FOX)
        _train({"do": "begin", "folder": str(Path(aside) / "run"), "steps": 2})


FOX = "the quick brown fox jumps over the lazy dog; pack my box with five dozen jugs.\n" * 20

if __name__ == "__main__":
    main()
