"""The benchmarks: `python -m benchmarks` lists them, `python -m benchmarks NAME ...` runs some.

Options go to each that is run: --quick (small, nothing written), --rounds N, --seconds S,
--device D. With --all every one is run that takes no longer than minutes.
"""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from pathlib import Path

WORKLOADS = (
    "quick",
    "training",
    "sampling",
    "latency",
    "rounding",
    "exactness",
    "score",
    "time_to_loss",
    "memory",
    "curves",
    "scaling",
    "roofline",
    "ranking",
    "page",
    "published",
)
STUDIES = (
    "ablation",
    "bptt",
    "cells",
    "environments",
    "grid",
    "line_ends",
    "neurons",
    "splits",
    "temperatures",
    "withdrawn",
)
"""Trainings of minutes to hours that answer one question of the book; each has its own options."""


def about(name: str) -> str:
    """The first sentence of a benchmark, without importing what it needs."""
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    first = ast.get_docstring(ast.parse(source)).split("\n\n")[0]
    return " ".join(first.split())


def listing() -> str:
    """What there is, a line each."""
    lines = [__doc__.strip(), ""]
    lines += [f"  {name:13} {about(name)}" for name in WORKLOADS]
    lines += ["", "Trainings, each run by itself (python -m benchmarks.NAME --help):", ""]
    lines += [f"  {name:13} {about(name)}" for name in STUDIES]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Run the named workloads, or all with --all; 2 where a name is not one."""
    names = []
    while arguments and not arguments[0].startswith("-"):
        names.append(arguments.pop(0))
    if "--all" in arguments:
        arguments.remove("--all")
        names = [name for name in WORKLOADS if name not in ("quick", "published")]
    unknown = [name for name in names if name not in WORKLOADS]
    if unknown:
        print(f"{', '.join(unknown)}: not one of {', '.join(WORKLOADS)}", file=sys.stderr)
        return 2
    if not names:
        print(listing())
        return 0
    return max([run(name, arguments) for name in names])


def run(name: str, arguments: list[str]) -> int:
    """One workload; 1, and a line that says why, where it fails: the next ones run all the same."""
    print(f"=== {name}: {about(name)}", flush=True)
    try:
        import_module(f"benchmarks.{name}").main(list(arguments))
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(f"{name}: {ended.code}", file=sys.stderr)
        return int(ended.code not in (None, 0))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
