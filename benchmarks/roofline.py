"""How fast this machine multiplies matrices and reads memory: what the rest could reach at most.

Products in float32 (and bfloat16 and float16 where the device trains in them) at the shapes of
training, with one thread and with all; bytes a second that a sum reads, by the size of what
is read, so that each level of cache shows. And by formula, how many floating-point operations
a character takes.

    python -m benchmarks roofline [--rounds 5] [--seconds 0.3]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch

from benchmarks.command import command
from benchmarks.loops import precisions, wait_for
from benchmarks.rounds import Effort, spread, thread_counts
from charrnn.devices import PRECISIONS
from charrnn.model import ModelConfig

SHAPES = {
    "a step's recurrent product, 100 x 512 x 2048": (100, 512, 2048),
    "a batch's input product, 10000 x 512 x 2048": (10_000, 512, 2048),
    "2048 x 2048 x 2048": (2048, 2048, 2048),
}
KILOBYTES = (64, 256, 1024, 3072, 8192, 16_384, 131_072, 524_288)
QUICK_SHAPES, QUICK_KILOBYTES = {"64 x 64 x 64": (64, 64, 64)}, (64, 256)
NETWORKS = {"2 x 512, V = 97": (97, 512, 2), "3 x 512, V = 97": (97, 512, 3)}


def forward_flop(model: ModelConfig) -> int:
    """Operations of one character read by an LSTM, two a multiplication: its input is a row lookup,
    so 4H x H in the first layer, 8H x H in each other, H x V in the decoder."""
    hidden = model.hidden
    return 2 * (4 * hidden**2 * (2 * model.layers - 1) + hidden * model.vocab_size)


def training_flop(model: ModelConfig) -> int:
    """And trained on: each product once forwards and twice backwards."""
    return 3 * forward_flop(model)


def rates(
    run: Callable[[], object], work: float, effort: Effort, device: str = "cpu"
) -> list[float]:
    """Work a second, a round each; `work` is that of one call."""
    run()
    once = _seconds(run, 1, device)
    count = max(1, round(min(effort.seconds, 0.3) / max(once, 1e-7)))
    return [work * count / _seconds(run, count, device) for _ in range(effort.rounds)]


def _seconds(run: Callable[[], object], count: int, device: str) -> float:
    wait_for(device)
    began = time.perf_counter()
    for _ in range(count):
        run()
    wait_for(device)
    return time.perf_counter() - began


def products(effort: Effort) -> list[dict]:
    """GFLOP/s of matrix products, a row each shape, precision and number of threads."""
    rows, device = [], effort.device
    kinds = [p for p in precisions(device, ModelConfig(97)) if p == "fp32" or PRECISIONS[p]]
    for name, (m, k, n) in (QUICK_SHAPES if effort.quick else SHAPES).items():
        for precision in kinds:
            dtype = PRECISIONS[precision] or torch.float32
            a, b, out = (
                torch.ones(size, dtype=dtype, device=device) for size in ((m, k), (k, n), (m, n))
            )
            for threads in thread_counts(device):
                torch.set_num_threads(threads)
                run = partial(torch.mm, a, b, out=out)
                found = rates(run, 2e-9 * m * k * n, effort, device)
                row = {"shape": name, "precision": precision, "threads": threads}
                rows.append(row | spread(found))
    return rows


def reading(effort: Effort) -> list[dict]:
    """GB/s that threads read at, each its own part of an array of that size in all, over and over:
    a sum over a view that repeats the part, which is one call."""
    rows = []
    torch.set_num_threads(1)
    for kilobytes in QUICK_KILOBYTES if effort.quick else KILOBYTES:
        for threads in thread_counts("cpu"):
            repeats = max(1, 65_536 // kilobytes)  # so that starting the threads is not what counts
            parts = torch.ones(threads, 256 * kilobytes // threads)  # float32
            views = [part.expand(repeats, -1) for part in parts]
            with ThreadPoolExecutor(threads) as pool:
                run = partial(lambda pool, views: list(pool.map(torch.sum, views)), pool, views)
                found = rates(run, 1024e-9 * kilobytes * repeats, effort)
            rows.append({"kilobytes": kilobytes, "threads": threads, **spread(found)})
    return rows


def measure(effort: Effort) -> dict:
    """Products, reading, and the formulas."""
    flop = {}
    for name, (vocab, hidden, layers) in NETWORKS.items():
        model = ModelConfig(vocab, hidden=hidden, layers=layers)
        flop[name] = {"forward": forward_flop(model), "training": training_flop(model)}
    memory = reading(effort) if effort.device == "cpu" else []
    return {"gflop_per_s": products(effort), "gb_per_s": memory, "flop_per_character": flop}


def show(result: dict) -> None:
    """The tables."""
    for row in result["gflop_per_s"]:
        print(
            f"{row['shape']:46} {row['precision']} {row['threads']:2}  {row['median']:9.1f} GFLOP/s"
        )
    for row in result["gb_per_s"]:
        print(f"reading {row['kilobytes']:8,} KB  {row['threads']:2}  {row['median']:7.1f} GB/s")
    for name, flop in result["flop_per_character"].items():
        print(f"{name}: {flop['training'] / 1e6:.1f} million operations a character trained on")


def main(arguments: list[str] | None = None) -> None:
    command("roofline", __doc__.split("\n\n")[0], measure, show, arguments)


if __name__ == "__main__":
    main()
