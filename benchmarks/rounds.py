"""Sides that take turns, and what is kept of their rounds.

A side is one program at one task, in one precision. It runs in a process of its own
(`benchmarks.contenders`) for each number of threads that it is tried with. All sides of a case take
turns, a piece of about equal seconds each, for some rounds, so that whatever else the machine does
falls on all of them. benchmarks/README.md says what a result looks like.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median

from benchmarks.contenders import Contender, Failed
from benchmarks.machine import cores

PLAIN = ("nn.LSTM", "fp32")
"""The side and the precision that others are divided by, unless a case says otherwise."""


@dataclass(frozen=True)
class Effort:
    """How much is measured, and on what."""

    rounds: int = 5
    seconds: float = 1.0
    """Of one side's piece in one round, about."""
    device: str = "cpu"
    quick: bool = False
    """Small cases only: to see that all runs, not for the record."""


@dataclass(frozen=True)
class Side:
    """One of the programs that are compared."""

    name: str
    build: str
    """"module:function"; called with `options` it returns what runs a number of steps."""
    options: dict = field(default_factory=dict)
    precision: str = "fp32"
    characters: int = 1
    """In one step."""
    threads: tuple[int, ...] = (1,)
    """All are tried, and the best counts."""
    limit: float = 120.0
    """Seconds it may take until its first step is done."""


def thread_counts(device: str) -> tuple[int, ...]:
    """One thread, and as many as there are cores; on a GPU one."""
    return tuple(sorted({1, cores()})) if device == "cpu" else (1,)


def measure_cases(cases: dict[str, list[Side]], effort: Effort) -> list[dict]:
    """The rows of all cases, one case after the other."""
    return [row for case, sides in cases.items() for row in measure_sides(case, sides, effort)]


def measure_sides(case: str, sides: list[Side], effort: Effort) -> list[dict]:
    """One row a side and number of threads. One that cannot be run has `failed` in its row."""
    tries = [_Try(side, n) for side in sides for n in side.threads]
    try:
        at_once = cores() if effort.device == "cuda" else 1  # a GPU's sides are built on the CPU
        with ThreadPoolExecutor(at_once) as pool:  # all are up before the first is timed
            list(pool.map(lambda each: each.attempt(each.enter), tries))
        for each in tries:
            each.attempt(lambda each=each: each.contender.calibrate(effort.seconds))
        for _ in range(effort.rounds):
            for each in tries:
                each.attempt(each.take_turn)
    finally:
        for each in tries:
            each.leave()
    return [each.row(case) for each in tries]


@dataclass
class _Try:
    """A side with a number of threads, on its way through the rounds."""

    side: Side
    threads: int
    contender: Contender | None = None
    failed: str | None = None
    rates: list[float] = field(default_factory=list)
    """Characters a second, a round each."""

    def attempt(self, part: Callable[[], None]) -> None:
        """Do a part of it, unless an earlier one has failed."""
        if self.failed is not None:
            return
        try:
            part()
        except Failed as error:
            self.failed = str(error)
            print(f"{self.side.name} ({self.side.precision}) is left out: {error}", flush=True)

    def enter(self) -> None:
        side = self.side
        self.contender = Contender(side.build, side.options, self.threads, side.limit)

    def take_turn(self) -> None:
        self.rates.append(self.side.characters * self.contender.rate())

    def leave(self) -> None:
        if self.contender is not None:
            self.contender.close()

    def row(self, case: str) -> dict:
        row = {"case": case, "side": self.side.name, "precision": self.side.precision}
        row["threads"] = self.threads
        if self.failed is not None:
            return row | {"failed": self.failed}
        return row | {"first_seconds": self.contender.first_seconds, **spread(self.rates)}


def spread(values: Sequence[float]) -> dict:
    """The median of some rounds, their ends, and the rounds themselves."""
    low, high = min(values), max(values)
    return {"median": median(values), "low": low, "high": high, "rounds": list(values)}


def best_threads(rows: list[dict]) -> list[dict]:
    """Of each case, side and precision, the row with the number of threads that it is best with."""
    best: dict[tuple, dict] = {}
    for row in rows:
        key = (row["case"], row["side"], row["precision"])
        if "failed" not in row and (key not in best or row["median"] > best[key]["median"]):
            best[key] = row
    return list(best.values())


def ratios(rows: list[dict], against: dict[str, tuple[str, str]] | None = None) -> list[dict]:
    """How many times as fast each side is, round by round, as the one that it is held against.

    Each side counts with its best number of threads. `against`: (side, precision) by case, `PLAIN`
    for cases that it lacks. A case without that side has no ratios.
    """
    best, found = best_threads(rows), []
    for row in best:
        name, precision = (against or {}).get(row["case"], PLAIN)
        key = (row["case"], name, precision)
        for other in best:
            if (other["case"], other["side"], other["precision"]) == key and other is not row:
                by_round = [a / b for a, b in zip(row["rounds"], other["rounds"], strict=True)]
                named = {k: row[k] for k in ("case", "side", "precision", "threads")}
                found.append(named | {"against": f"{name} {precision}", **spread(by_round)})
    return found


def show_rows(result: dict) -> None:
    """The table of a result with rows and ratios; a star where a number of threads is the best."""
    counted = [id(row) for row in best_threads(result["rows"])]
    times = {(r["case"], r["side"], r["precision"]): r for r in result["ratios"]}
    case = None
    for row in result["rows"]:
        if row["case"] != case:
            case = row["case"]
            print(f"{case}: {result['unit']}, threads, and times {_divisor(result, case)}")
        name = f"  {row['side']} {row['precision']}"
        if "failed" in row:
            print(f"{name:30} {row['threads']:2}  could not be run: {row['failed']}")
            continue
        star = "*" if id(row) in counted else " "
        text = f"{name:30} {row['threads']:2}{star} {row['median']:12,.0f}"
        text += f"   {row['low']:,.0f} to {row['high']:,.0f}"
        ratio = times.get((case, row["side"], row["precision"])) if star == "*" else None
        print(text + (f"   {_ratio(ratio)}" if ratio else ""))


def _divisor(result: dict, case: str) -> str:
    return next((r["against"] for r in result["ratios"] if r["case"] == case), "nothing")


def _ratio(ratio: dict) -> str:
    return f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
