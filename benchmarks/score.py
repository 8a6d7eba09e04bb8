"""Seconds to score a text of a megabyte: `charrnn.score` beside a plain `nn.LSTM` that reads it.

2 layers of 512, V = 97, the text read once with its state carried, every character counted. Plain:
one `nn.LSTM` with 1-of-k input, 256 characters at a time, as ours. In one lane, as `charrnn score`
reads, and in 64 stretches side by side, as training's validation does (there each first reads some
characters before its own; of a megabyte these are less than a hundredth, and left out here). The
sides are timed on a piece of the text, and their seconds for a megabyte are reckoned from it.

    python -m benchmarks score [--rounds 5] [--seconds 3] [--device cpu]
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from benchmarks.command import command
from benchmarks.loops import Run
from benchmarks.rounds import (
    Effort,
    Side,
    best_threads,
    measure_cases,
    ratios,
    show_rows,
    thread_counts,
)
from benchmarks.steppers import Layers, network
from charrnn.score import stream_nats

SIZE = {"hidden": 512, "layers": 2, "vocab": 97}
QUICK_SIZE = SIZE | {"hidden": 32}
CASE, MEGABYTE = "1 MB", 1_000_000
BLOCK = 256
"""Characters of a step, in each lane."""
LANES = 64


def text(characters: int, vocab: int) -> np.ndarray:
    """Random ids, one more than are predicted; the time does not depend on what they are."""
    return np.random.default_rng(0).integers(0, vocab, characters + 1)


def ours(lanes: int, device: str, **size) -> Run:
    """`charrnn.score.stream_nats`, a whole call a piece of `steps` blocks."""
    model = network(**size).to(device)

    def run(steps: int) -> None:
        ids = text(steps * BLOCK * lanes, size["vocab"])
        stream_nats(model, ids, lanes)

    return run


def plain(lanes: int, device: str, **size) -> Run:
    """A block at a time through `nn.LSTM`, the loss of each summed up."""
    module, state = Layers(network(**size)).eval().to(device), None

    @torch.inference_mode()
    def run(steps: int) -> None:
        nonlocal state
        ids = torch.from_numpy(text(steps * BLOCK * lanes, size["vocab"])).to(device)
        x, y = (part.view(lanes, -1).T for part in (ids[:-1], ids[1:]))
        total = 0.0
        for begin in range(0, len(x), BLOCK):
            block = slice(begin, begin + BLOCK)
            logits, state = module(x[block], state)
            losses = F.cross_entropy(logits.flatten(0, 1), y[block].flatten(), reduction="sum")
            total += losses.item()

    return run


def measure(effort: Effort) -> dict:
    """Rows, ratios, and the seconds that a megabyte takes."""
    size = QUICK_SIZE if effort.quick else SIZE

    def side(name: str, build: str, lanes: int) -> Side:
        options = {"lanes": lanes, "device": effort.device, **size}
        build, counts = f"benchmarks.score:{build}", thread_counts(effort.device)
        return Side(name, build, options, characters=BLOCK * lanes, threads=counts)

    many = f"{LANES} lanes"
    sides = [side("ours", "ours", 1), side("nn.LSTM", "plain", 1)]
    sides += [side(f"ours, {many}", "ours", LANES), side(f"nn.LSTM, {many}", "plain", LANES)]
    rows = measure_cases({CASE: sides}, effort)
    return {
        "unit": "characters/s",
        "model": size,
        "rows": rows,
        "ratios": ratios(rows),
        "megabyte_seconds": {r["side"]: MEGABYTE / r["median"] for r in best_threads(rows)},
    }


def show(result: dict) -> None:
    """The table, and the seconds."""
    show_rows(result)
    for side, seconds in result["megabyte_seconds"].items():
        print(f"  {side:20} {seconds:8.1f} s for a million characters")


def main(arguments: list[str] | None = None) -> None:
    command("score", __doc__.split("\n\n")[0], measure, show, arguments)


if __name__ == "__main__":
    main()
