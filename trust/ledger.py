"""What was tried, how often and what happened: rows, kept as JSON, shown as a table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.machine import machine
from charrnn.checkpoint import write_atomically

HERE = Path(__file__).parent
RESULTS = HERE / "results"
BEGIN, END = "<!-- begin results -->", "<!-- end results -->"


@dataclass(frozen=True)
class Row:
    """One thing that was tried."""

    what: str
    """What was tried, for a reader: "kill -9 at a random moment"."""
    tried: int
    """How often."""
    outcomes: dict[str, int] = field(default_factory=dict)
    """What happened, in a few words, with how often; the counts add up to `tried`."""
    wrong: tuple[str, ...] = ()
    """What should not have happened, a line each with what repeats it (a seed, a file, a value)."""
    notes: str = ""
    """Measured besides: the slowest, the largest, ..."""

    def __post_init__(self) -> None:
        if sum(self.outcomes.values()) != self.tried:
            raise ValueError(f"{self.what}: {self.outcomes} do not add up to {self.tried}")


def row(what: str, outcomes: Iterable[str], wrong: Iterable[str] = (), notes: str = "") -> Row:
    """A row of outcomes, one a try."""
    counted = Counter(outcomes)
    return Row(what, counted.total(), dict(counted.most_common()), tuple(wrong), notes)


def save(part: str, rows: list[Row], seconds: float, folder: Path = RESULTS) -> Path:
    """Write a part's rows with the machine, the versions and the commit."""
    kept = {"part": part, "machine": machine(), "seconds": round(seconds)}
    kept["rows"] = [asdict(r) for r in rows]
    path = folder / f"{part}.json"
    text = json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
    write_atomically(path, text.encode())
    return path


def table(parts: Iterable[str], folder: Path = RESULTS) -> str:
    """The committed results as Markdown, a section a part."""
    lines = []
    for part in parts:
        path = folder / f"{part}.json"
        if not path.is_file():
            continue
        kept = json.loads(path.read_text(encoding="utf-8"))
        facts = kept["machine"]
        lines += [
            f"### {part.capitalize()}",
            "",
            f"Commit `{facts['commit']}`, {facts['date']}, {facts['cores']} x {facts['cpu']}, "
            f"Python {facts['python']}, torch {facts['torch']}; {kept['seconds']:,} s.",
            "",
            "| what was tried | how often | what happened |",
            "|---|---:|---|",
        ]
        lines += [_line(Row(**r)) for r in kept["rows"]]
        lines.append("")
    return "\n".join(lines)


def _line(found: Row) -> str:
    happened = [
        f"{words}: {n:,}" if n != found.tried else words for words, n in found.outcomes.items()
    ]
    happened += [found.notes] if found.notes else []
    happened += [f"**{line}**" for line in found.wrong]
    cells = [found.what, f"{found.tried:,}", "; ".join(happened)]
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def written(parts: Iterable[str], readme: str) -> str:
    """The text of README.md with today's table between its marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(parts)}{END}{after}"
