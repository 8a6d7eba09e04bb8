"""Speeds of char-rnn and torch-rnn as they were published, with sources; nothing is measured.

python -m benchmarks published
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

from benchmarks.command import allow_shared

FILE = Path(__file__).with_suffix(".toml")


def published() -> list[dict]:
    """A row a figure: the program, what it did on which machine, the figure as text and in numbers,
    and the source."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))["row"]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        "python -m benchmarks published", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="the same")
    allow_shared(parser)
    parser.parse_args(arguments)
    for row in published():
        print(f"{row['program']}, {row['machine']}: {row['what']}")
        print(f"  {row['figure']}\n  {row['source']}")


if __name__ == "__main__":
    main()
