"""Killed, interrupted, out of disk, two at once: what is on disk stays whole, and goes on.

After every stop the newest checkpoint has to load, and the training that goes on from it has to end
with the files of one that was never stopped: every tensor bit for bit, every loss of its history.
"""

from __future__ import annotations

import atexit
import csv
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from trust.ledger import Row, row
from trust.servant import FOX, MOMENTS, Servant

PATIENCE = 120
"""Seconds without a new line of the history that count as a training that hangs."""


_shared = ExitStack()
atexit.register(_shared.close)


@cache
def _standing() -> tuple[Servant, Path]:
    """A servant and a training that was never stopped, for all cases of this process."""
    folder = Path(_shared.enter_context(TemporaryDirectory(prefix="charrnn-trust-")))
    servant = _shared.enter_context(Servant())
    (folder / "fox.txt").write_text(FOX)
    status, said = servant.wait(servant.start("begin", folder / "whole"))
    if status:
        raise RuntimeError(f"the training that nothing stops ended with {status}: {said}")
    return servant, folder / "whole"


@contextmanager
def _trainings() -> Iterator[tuple[Servant, Path, Path]]:
    """A servant, a folder to train in, and a training that was never stopped."""
    servant, whole = _standing()
    with TemporaryDirectory(dir=whole.parent) as name:
        shutil.copy(whole.parent / "fox.txt", name)
        yield servant, Path(name), whole


def differences(whole: Path, other: Path) -> list[str]:
    """What two finished trainings differ in, but for times."""
    from charrnn.checkpoint import load_checkpoint

    found = []
    for name in ("last.safetensors", "best.safetensors"):
        ours, theirs = (load_checkpoint(folder / name).tensors for folder in (whole, other))
        if ours.keys() != theirs.keys():
            found.append(f"{name} holds other tensors")
        else:
            found += [f"{name}: {k}" for k in ours if not ours[k].equal(theirs[k])]
    if _history(whole) != _history(other):
        found.append("history.csv")
    if _samples(whole) != _samples(other):
        found.append("samples.jsonl")
    hidden = sorted(p.name for p in other.iterdir() if p.name.startswith("."))
    return found + [f"{name} is left" for name in hidden]


def _history(folder: Path) -> list[dict]:
    with open(folder / "history.csv", newline="") as opened:
        rows = list(csv.DictReader(opened))
    return [{k: v for k, v in r.items() if k not in ("chars_per_s", "seconds")} for r in rows]


def _samples(folder: Path) -> list[str]:
    return (folder / "samples.jsonl").read_text().splitlines()


def broken(folder: Path) -> list[str]:
    """What of a stopped training cannot be read."""
    from charrnn.checkpoint import load_checkpoint

    found = []
    for path in folder.glob("*.safetensors") if folder.exists() else ():
        try:
            load_checkpoint(path).model()
        except Exception as error:
            found.append(f"{path.name}: {type(error).__name__}: {error}")
    if (folder / "run.json").exists():
        try:
            json.loads((folder / "run.json").read_text())
        except ValueError as error:
            found.append(f"run.json: {error}")
    return found


def _lines(folder: Path) -> int:
    path = folder / "history.csv"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _wait_for_lines(folder: Path, n: int) -> None:
    began = time.monotonic()
    while _lines(folder) < n:
        if time.monotonic() - began > PATIENCE:
            raise TimeoutError(f"{folder}: {_lines(folder)} lines of {n} in {PATIENCE} s")
        time.sleep(0.0005)


def _next(folder: Path) -> str:
    return "resume" if (folder / "last.safetensors").exists() else "begin"


def _clear(folder: Path) -> None:
    """What a user would do where nothing was saved yet, and nothing can be resumed."""
    if not (folder / "last.safetensors").exists():
        shutil.rmtree(folder, ignore_errors=True)


def _until_the_end(
    servant: Servant, folder: Path, whole: Path, stop: Callable[[Path], str], times: int
) -> tuple[list[str], list[str]]:
    """A training that `stop` stops up to `times` times, to its end; outcomes and what was wrong."""
    outcomes, wrong = [], []
    for _ in range(times):
        outcome = stop(folder)
        if outcome == "":  # it was finished first
            break
        outcomes.append(outcome)
        wrong += [f"after {outcome}: {b}" for b in broken(folder)]
        _clear(folder)
    while not _finished(folder):
        status, said = servant.wait(servant.start(_next(folder), folder))
        if status:
            return outcomes, [*wrong, f"ended with {status}: {said}"]
    return outcomes, wrong + [f"differs: {d}" for d in differences(whole, folder)]


def _finished(folder: Path) -> bool:
    info = folder / "run.json"
    return info.exists() and json.loads(info.read_text()).get("finished", False)


def killed(quick: bool) -> Row:
    """SIGKILL from outside, at moments drawn at random."""
    wanted, seed = (3, 1) if quick else (100, random.SystemRandom().randrange(2**32))
    moments, outcomes, wrong = random.Random(seed), [], []
    with _trainings() as (servant, folder, whole):
        run = 0

        def stop(target: Path) -> str:
            saved = _lines(target)
            pid = servant.start(_next(target), target)
            if moments.random() < 0.8:
                _wait_for_lines(target, saved + moments.randint(1, 12))
            time.sleep(moments.uniform(0, 0.03))
            status, said = servant.kill(pid)
            if status != -signal.SIGKILL:
                return "" if status == 0 else f"ended by itself with {status}: {said}"
            half = any(p.name.endswith(".partial") for p in target.glob(".*"))
            return "killed while a file was written" if half else "killed between two writes"

        while len(outcomes) < wanted:
            run += 1
            times = min(4, wanted - len(outcomes))
            got, bad = _until_the_end(servant, folder / f"{run}", whole, stop, times)
            outcomes += got
            wrong += [f"seed {seed}, training {run}: {b}" for b in bad]
            if bad:
                break
    ended = [o for o in outcomes if o.startswith("ended by itself")]
    return row(
        "kill -9 at a random moment of training; the newest checkpoint loads, and the training "
        "that goes on ends bit for bit as one never stopped",
        outcomes,
        wrong + ended,
        f"{run} trainings of 240 steps, seed {seed}",
    )


def killed_inside(quick: bool) -> Row:
    """The process kills itself inside a write, at each of `MOMENTS`."""
    seed = 2
    draws, outcomes, wrong = random.Random(seed), [], []
    names = {
        "half": "half of a file written",
        "flush": "written and not flushed",
        "rename": "before the final rename",
        "renamed": "right after the final rename",
        "line": "in the middle of a line of history.csv or samples.jsonl",
    }
    with _trainings() as (servant, folder, whole):
        for moment in MOMENTS:
            for again in range(1 if quick else 12):
                nth = draws.randint(3, 30)
                target = folder / f"{moment}-{again}"

                def stop(target: Path, moment=moment, nth=nth) -> str:
                    pid = servant.start(_next(target), target, die=[moment, nth])
                    status, said = servant.wait(pid)
                    if status == -signal.SIGKILL:
                        return names[moment]
                    return f"ended by itself with {status}: {said}"

                got, bad = _until_the_end(servant, target, whole, stop, 1)
                outcomes += got
                wrong += [f"{moment}, the {nth}th: {b}" for b in bad]
                wrong += [f"{moment}, the {nth}th: {o}" for o in got if o.startswith("ended")]
    return row(
        "kill -9 at a chosen moment of writing a checkpoint, run.json or a record; the same holds",
        outcomes,
        wrong,
    )


def interrupted(quick: bool) -> Row:
    """SIGINT, SIGTERM, SIGHUP and a terminal that goes away."""
    seed = 3
    draws, outcomes, wrong = random.Random(seed), [], []
    ways = {"SIGINT": "Ctrl-C", "SIGTERM": "SIGTERM", "SIGHUP": "SIGHUP", "": "terminal closed"}
    with _trainings() as (servant, folder, whole):
        for way, words in ways.items():
            for again in range(1 if quick else 10):
                target = folder / f"{way}-{again}"

                def stop(target: Path, way=way, words=words) -> str:
                    pid = servant.start("begin", target, terminal=not way)
                    _wait_for_lines(target, draws.randint(2, 60))
                    time.sleep(draws.uniform(0, 0.01))
                    if way:
                        status, said = servant.kill(pid, getattr(signal, way))
                    else:
                        servant.ask(order="hangup", pid=pid)
                        status, said = servant.wait(pid)
                    if status == 0:
                        return ""
                    if status != 130 or f"at step {_step(target)};" not in said:
                        return f"{words}: ended with {status}: {said}"
                    return f"{words}: stopped, all saved"

                got, bad = _until_the_end(servant, target, whole, stop, 1)
                outcomes += got
                wrong += [f"{words}: {b}" for b in bad] + [o for o in got if "ended with" in o]
    return row(
        "Ctrl-C, SIGTERM, SIGHUP, a terminal that is closed: stops after the step with all saved, "
        "exit status 130, and goes on bit for bit",
        outcomes,
        wrong,
    )


def _step(folder: Path) -> int:
    from charrnn.checkpoint import read_header

    return read_header(folder / "last.safetensors")["progress"]["step"]


def full_disk(quick: bool) -> Row:
    """The disk fills up while a training runs; then there is space again."""
    what = (
        "the disk fills up (a file system of 20 MB): the training ends with one line that says "
        "what to do, the last checkpoint loads, nothing half-written has a final name, and with "
        "space again it goes on bit for bit"
    )
    unshared = ["unshare", "--user", "--map-root-user", "--mount"]
    if sys.platform != "linux" or not shutil.which("unshare") or not _can_mount(unshared):
        return row(what, ["not tried: no file system of one's own can be mounted here"])
    command = [*unshared, sys.executable, "-m", "trust.crashes", "2" if quick else "20"]
    told = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[1], check=False
    )
    if told.returncode:
        return row(what, ["could not be tried"], [told.stderr.strip()[-500:]])
    outcomes, wrong = json.loads(told.stdout)
    return row(what, outcomes, wrong)


def _can_mount(unshared: list[str]) -> bool:
    mount = ["mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run([*unshared, *mount], capture_output=True, check=False).returncode == 0


def _fill_disks(times: int) -> tuple[list[str], list[str]]:
    """`full_disk` in a namespace in which this process may mount."""
    outcomes, wrong, draws = [], [], random.Random(4)
    with _trainings() as (servant, folder, whole):
        disk = folder / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", str(disk)], check=True)
        try:
            shutil.copy(folder / "fox.txt", disk)
            for again in range(times):
                target = disk / f"{again}"

                def stop(target: Path) -> str:
                    pid = servant.start("begin", target)
                    _wait_for_lines(target, draws.randint(8, 40))
                    _fill(disk / "filler")
                    status, said = servant.wait(pid)
                    (disk / "filler").unlink()
                    if status == 0:
                        return ""
                    expected = status == 1 and said.startswith("TrainingError: no space is left")
                    return "stopped with advice" if expected else f"ended with {status}: {said}"

                got, bad = _until_the_end(servant, target, whole, stop, 1)
                outcomes += got or ["it was finished first"]
                wrong += [f"{again}: {b}" for b in bad] + [o for o in got if "ended" in o]
                shutil.rmtree(target)
        finally:
            subprocess.run(["umount", str(disk)], check=True)
    return outcomes, wrong


def _fill(file: Path) -> None:
    with suppress(OSError), open(file, "wb", buffering=0) as out:
        while out.write(bytes(1 << 16)):
            pass
    with suppress(OSError), open(file, "ab", buffering=0) as out:
        while out.write(b"0"):
            pass


def two_at_once(quick: bool) -> Row:
    """Two processes pointed at one folder."""
    outcomes, wrong, rounds = [], [], 2 if quick else 30
    with _trainings() as (servant, folder, whole):
        for again in range(rounds):
            target = folder / f"same-{again}"
            pids = [servant.start("begin", target, steps=240) for _ in range(2)]
            ends = [servant.wait(pid) for pid in pids]
            refused = [said for status, said in ends if status == 2 and "Error: " in said]
            if sorted(status for status, _ in ends) == [0, 2] and refused:
                outcomes.append("begun at the same time: one trains, one is refused")
            else:
                outcomes.append(f"begun at the same time: {ends}")
                wrong.append(outcomes[-1])
            wrong += [f"same time, {again}: {d}" for d in differences(whole, target)]
        for again in range(rounds):
            target = folder / f"later-{again}"
            first = servant.start("begin", target)
            _wait_for_lines(target, 10)
            for do in ("begin", "resume"):
                status, said = servant.wait(servant.start(do, target))
                if status == 2 and ("another process" in said or "already holds" in said):
                    outcomes.append(f"a second one ({do}) later: refused, the first goes on")
                elif servant_finished(servant, first):
                    break
                else:
                    outcomes.append(f"a second one ({do}) later: {status} {said}")
                    wrong.append(outcomes[-1])
            if again % 2:
                servant.kill(first)
            else:
                servant.wait(first)
            got, bad = _until_the_end(servant, target, whole, lambda _: "", 1)
            outcomes += got
            wrong += [f"later, {again}: {b}" for b in bad]
    return row(
        "two trainings pointed at one folder: the second is refused, the first is not disturbed, "
        "and a lock does not outlive the process that was killed with it",
        outcomes,
        wrong,
    )


def servant_finished(servant: Servant, pid: int) -> bool:
    """Whether a training was over before it could be disturbed."""
    try:
        with open(f"/proc/{pid}/stat") as opened:
            return opened.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


CASES = {
    "killed": killed,
    "killed_inside": killed_inside,
    "interrupted": interrupted,
    "full_disk": full_disk,
    "two_at_once": two_at_once,
}

if __name__ == "__main__":
    print(json.dumps(_fill_disks(int(sys.argv[1]))))
