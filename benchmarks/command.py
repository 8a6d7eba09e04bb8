"""The command line that the workloads share, and how their results are kept."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch

from benchmarks.machine import save_result
from benchmarks.rounds import Effort

QUICK = {"rounds": 2, "seconds": 0.05}


def command(
    name: str,
    about: str,
    measure: Callable[[Effort], dict],
    show: Callable[[dict], None],
    arguments: list[str] | None,
) -> None:
    """Measure, print the table, and write `<name>-<machine>.json` (`<name>_cuda-...` on a GPU).

    Arguments: --quick (small cases, two short rounds, nothing written), --rounds, --seconds,
    --device.
    """
    effort = _effort(name, about, arguments)
    result = measure(effort)
    show(result)
    if not effort.quick:
        save_result(name if effort.device == "cpu" else f"{name}_{effort.device}", result)


def _effort(name: str, about: str, arguments: list[str] | None) -> Effort:
    parser = argparse.ArgumentParser(f"python -m benchmarks {name}", description=about)
    parser.add_argument("--quick", action="store_true", help="two short rounds, nothing written")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a side in a round, about")
    gpu = torch.cuda.is_available()
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if gpu else "cpu")
    args = parser.parse_args(arguments)
    if args.rounds < 1 or not args.seconds > 0:
        parser.error(f"rounds is {args.rounds}, seconds {args.seconds}; both must be above 0")
    if args.device == "cuda" and not gpu:
        parser.error("device is cuda, which is not available here; use cpu")
    if args.quick:
        return Effort(device=args.device, quick=True, **QUICK)
    return Effort(args.rounds, args.seconds, args.device)


def allow_shared(parser: argparse.ArgumentParser) -> None:
    """Let a workload without rounds of its own be given the shared options, which it ignores."""
    for option in ("--rounds", "--seconds", "--device"):
        parser.add_argument(option, help=argparse.SUPPRESS)
