"""An hour of training, sampling and serving the book, side by side, under memory accounting.

Four processes at once: one training that goes on all the time; one that trains small networks, each
to its end, and samples, scores and looks into each in every way there is; a server of the built
book, whose every file is fetched over and over; and a Chromium whose page writes text after text.
A process grows where its memory in the last quarter of the time lies above that of the second by
more than `SLACK` and `SHARE`.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from trust.ledger import Row
from trust.servant import FOX

MINUTES = 60
SLACK = 4e6
"""Bytes by which a process may differ between two quarters: what an allocator keeps for itself."""
SHARE = 0.02
"""The same as a share of its memory."""
PAGE = "03-paul-graham"
LAST = 5000
"""Characters of a text of the soaked page."""


def memory(pid: int) -> float:
    """Bytes of memory that are a process's own and its children's."""
    import psutil

    process, total = psutil.Process(pid), 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_full_info().uss
        except psutil.NoSuchProcess:
            continue
    return total


def growth(series: list[float]) -> tuple[float, float]:
    """The medians of the second and of the last quarter."""
    quarter = max(1, len(series) // 4)
    return median(series[quarter : 2 * quarter] or series), median(series[-quarter:])


def grows(series: list[float]) -> bool:
    """Whether memory went up by more than an allocator's whims."""
    before, after = growth(series)
    return after - before > max(SLACK, SHARE * before)


def cycle(folder: Path, number: int) -> None:
    """A small network from nothing: trained, opened, sampled, scored, looked into, removed."""
    import shutil

    import charrnn
    from charrnn.recipe import Recipe, open_texts
    from charrnn.runs import load_run, train_recipe
    from charrnn.settings import TrainConfig

    training = TrainConfig(batch=8, seq=25, steps=40, eval_every=10, lr=0.01, sample_length=40,
                           device="cpu", seed=number)  # fmt: skip
    cell = ("lstm", "gru", "rnn")[number % 3]
    model = {"cell": cell, "hidden": 48, "layers": 2, "dropout": 0.1}
    recipe = Recipe("fox", "A fox", "smoke", str(folder / "fox.txt"), model, training)
    target = folder / "run"
    train_recipe(recipe, target, progress=False, texts=open_texts(recipe, progress=False))
    run = load_run(target)
    for options in ({}, {"portable": True}, {"temperature": 0.5, "top_k": 5, "top_p": 0.9}):
        charrnn.sample(run, "the ", length=300, seed=number, **options)
    charrnn.sample_many(run, 8, "the ", length=60, seed=number)
    charrnn.score(run, FOX[:400])
    charrnn.score(run, FOX[:400], dynamic=True)
    charrnn.trace(run, FOX[:200])
    shutil.rmtree(target)


def _worker(seconds: float) -> None:
    """Cycles for so long; a line of JSON after each, with the memory of this process."""
    with TemporaryDirectory(prefix="charrnn-soak-") as name:
        folder, ends, number = Path(name), time.monotonic() + seconds, 0
        (folder / "fox.txt").write_text(FOX)
        while time.monotonic() < ends:
            cycle(folder, number)
            number += 1
            gc.collect()
            print(json.dumps({"cycles": number, "bytes": memory(os.getpid())}), flush=True)


@contextmanager
def _started(*command: str, **options) -> Iterator[subprocess.Popen]:
    root = Path(__file__).parents[1]
    paths = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, *command], env=environment, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


class _Page:
    """A Chromium that writes text after text into one page."""

    def __init__(self, stack: ExitStack, url: str) -> None:
        from benchmarks.chromium import chromium

        browser = stack.enter_context(chromium())
        self.page = browser.new_page()
        self.page.goto(f"{url}/book/{PAGE}.html", wait_until="networkidle")
        self.session = self.page.context.new_cdp_session(self.page)
        self.session.send("Performance.enable")
        self._press("Run the model here")
        self.texts = 0

    def _press(self, name: str) -> None:
        from benchmarks.chromium import press_and_wait

        press_and_wait(self.page, name)

    def write(self) -> None:
        """One more text."""
        self._press("Next seed")
        self.texts += 1

    def bytes(self) -> float:
        """The page's heap after a collection, in bytes."""
        self.session.send("HeapProfiler.collectGarbage")
        told = self.session.send("Performance.getMetrics")["metrics"]
        return next(m["value"] for m in told if m["name"] == "JSHeapUsedSize")


def _fetch_all(url: str, paths: list[str]) -> int:
    """Every file of the book once; how many."""
    from urllib.request import urlopen

    for path in paths:
        with urlopen(f"{url}/{path}") as answer:
            while answer.read(1 << 16):
                pass
    return len(paths)


def soak(quick: bool) -> Row:
    """The whole hour."""
    seconds = 60.0 * float(os.environ.get("CHARRNN_SOAK_MINUTES", MINUTES))
    return _accounted(*side_by_side(seconds)) if not quick else _short()


def _short() -> Row:
    """A minute's tenth of it, in this process: after the first cycles, no growth."""
    with TemporaryDirectory(prefix="charrnn-soak-") as name:
        (Path(name) / "fox.txt").write_text(FOX)
        series = []
        for number in range(9):
            cycle(Path(name), number)
            gc.collect()
            series.append(memory(os.getpid()))
    return _accounted({"training and sampling": series[2:]}, {"training and sampling": "9 cycles"})


def side_by_side(seconds: float) -> tuple[dict[str, list[float]], dict[str, str]]:
    """The memory of each process over the time, and what it did."""
    from benchmarks.chromium import HTML

    book = (HTML / "book" / "index.html").is_file()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="charrnn-soak-")))
        (folder / "fox.txt").write_text(FOX * 20)
        long = ["--minutes", f"{seconds / 60 + 5:g}", "--quiet", "--device", "cpu"]
        started = stack.enter_context(
            _started("-m", "charrnn", "train", str(folder / "fox.txt"), "--out",
                     str(folder / "run"), "--eval-every", "200", *long, stderr=subprocess.DEVNULL)
        )  # fmt: skip
        worker = stack.enter_context(
            _started("-m", "trust.soak", str(seconds), stdout=subprocess.PIPE, text=True)
        )
        series: dict[str, list[float]] = {"one long training": []}
        done: dict[str, str] = {}
        page = server = None
        paths, fetched = [], 0
        if book:
            port, served = _free_port(), "the book's server"
            command = ["-m", "http.server", "--bind", "127.0.0.1", "--directory", str(HTML)]
            server = stack.enter_context(
                _started(*command, str(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            url = f"http://127.0.0.1:{port}"
            paths = [p.relative_to(HTML).as_posix() for p in HTML.rglob("*") if p.is_file()]
            _wait_for(url)
            page = _Page(stack, url)
            series |= {served: [], "a page that writes": []}
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            time.sleep(min(5.0, seconds / 40))
            if started.poll() is not None:
                raise RuntimeError(f"the long training ended with {started.returncode}")
            series["one long training"].append(memory(started.pid))
            if book:
                fetched += _fetch_all(url, paths)
                page.write()
                series[served].append(memory(server.pid))
                series["a page that writes"].append(page.bytes())
        told = [json.loads(line) for line in worker.communicate()[0].splitlines()]
        series["trainings and samples, again and again"] = [t["bytes"] for t in told]
        done["trainings and samples, again and again"] = f"{told[-1]['cycles']:,} trainings"
        done["one long training"] = _steps(folder / "run")
        if book:
            done[served] = f"{fetched:,} files sent"
            done["a page that writes"] = f"{page.texts:,} texts"
    return series, done


def _steps(folder: Path) -> str:
    lines = (folder / "history.csv").read_text().splitlines()
    return f"{int(lines[-1].split(',')[0]):,} steps"


def _free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _wait_for(url: str) -> None:
    from urllib.request import urlopen

    for _ in range(200):
        try:
            urlopen(f"{url}/book/index.html").close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"no server at {url}")


def _accounted(series: dict[str, list[float]], done: dict[str, str]) -> Row:
    """A row of processes that grew or did not."""
    outcomes, wrong = {}, []
    for name, values in series.items():
        before, after = growth(values)
        told = f"{name} ({done[name]}): {before / 1e6:.1f} MB, then {after / 1e6:.1f} MB"
        outcomes[told] = 1
        if grows(values):
            wrong.append(f"{name} grows: {told}")
    what = (
        "memory of processes that work side by side, median of the second quarter of the time and "
        "of the last"
    )
    return Row(what, len(series), outcomes, tuple(wrong))


CASES = {"soak": soak}

if __name__ == "__main__":
    _worker(float(sys.argv[1]))
