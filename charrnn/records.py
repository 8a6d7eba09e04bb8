"""What a training writes down on its way: history.csv, a line a report, and samples.jsonl.

Lines are only ever added; after a stop those behind the last checkpoint are dropped, with a line
that was cut off in the middle, and written again.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from charrnn.checkpoint import write_atomically
from charrnn.fields import Number, Text, check, shown

COLUMNS = ("step", "epoch", "chars", "train_loss", "val_loss", "lr", "chars_per_s", "seconds")


def append_history(folder: Path, row: dict) -> None:
    """Add a line to history.csv, and its head where it is the first."""
    path = folder / "history.csv"
    folder.mkdir(parents=True, exist_ok=True)
    new = not path.exists() or path.stat().st_size == 0
    with open(path, "a", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow({k: _short(v) for k, v in row.items()})


def _short(value) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.7g}"


def append_sample(folder: Path, record: dict) -> None:
    """Add a text to samples.jsonl."""
    with open(folder / "samples.jsonl", "a", encoding="utf-8") as out:
        out.write(json.dumps(record, ensure_ascii=False) + "\n")


def truncate_records(folder: Path, step: int) -> None:
    """Drop what was recorded after `step`, that of the checkpoint: it will be recorded again."""
    _keep_lines(folder / "samples.jsonl", lambda line: json.loads(line)["step"] <= step)
    _keep_lines(
        folder / "history.csv",
        lambda line: line.startswith(b"step,") or int(line.split(b",", 1)[0]) <= step,
    )
    for partial in folder.glob(".*.partial"):  # of a process killed while it was writing
        partial.unlink(missing_ok=True)


def _keep_lines(path: Path, wanted: Callable[[bytes], bool]) -> None:
    """Drop the other lines of a file, and a last one that was cut off before its end."""
    if path.exists():
        lines = path.read_bytes().split(b"\n")[:-1]
        try:
            kept = [line + b"\n" for line in lines if wanted(line)]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            detail = f"{type(error).__name__}: {error}"
            raise ValueError(
                f"{path} is damaged ({detail}); the training goes on without it once it is removed"
            ) from None
        write_atomically(path, b"".join(kept))


def read_history(path: Path) -> dict[str, np.ndarray]:
    """The columns of a history.csv as float64 arrays; NaN where a line has no value, or no end, as
    one that is being written.

    ValueError where it is none.
    """
    with open(path, newline="", encoding="utf-8") as opened:
        reader = csv.DictReader(opened)
        try:
            rows, head = list(reader), reader.fieldnames
        except csv.Error as error:
            raise ValueError(error) from None
    if head is not None and tuple(head) != COLUMNS:
        raise ValueError(
            f"its columns are {shown(','.join(head))}; they must be {','.join(COLUMNS)}"
        )
    if any(None in row for row in rows):
        raise ValueError(f"a line has more than {len(COLUMNS)} values")
    return {c: np.array([float(r[c]) if r[c] else np.nan for r in rows]) for c in COLUMNS}


def read_samples(path: Path) -> list[dict]:
    """The records of a samples.jsonl, each with a text and the step it is of.

    ValueError where it is none.
    """
    lines = path.read_text(encoding="utf-8").split("\n")
    try:
        records = [json.loads(line) for line in lines if line]
    except RecursionError:
        raise ValueError("a line is nested too deeply") from None
    for i, record in enumerate(records):
        kinds = {"step": Number(whole=True), "text": Text()}
        where = f"record {i + 1}"
        if not isinstance(record, dict) or kinds.keys() - record.keys():
            raise ValueError(f"{where} is {shown(record)}; it must have a step and a text")
        check(record, kinds, f"{where}: ")
        json.dumps(record, ensure_ascii=False).encode()  # no half of a surrogate pair
    return records
