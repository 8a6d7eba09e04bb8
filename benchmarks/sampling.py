"""Characters a second: `charrnn.sample.generate` beside a stepped `torch.nn.LSTM`.

2 layers of 512, V = 65, one stream: ours against the loop that most programs have, one character at
a time through `nn.LSTM` (1-of-k input, softmax, multinomial, under inference_mode), and the same
for 256 streams at once. Each contender runs in a process of its own for each number of threads, all
take turns for some rounds, and each side counts with its best number of threads. Steady state:
building the model and laying out its weights is not timed.

    python -m benchmarks.sampling [--quick] [--device cuda]
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.machine import cores, save_result
from charrnn.model import CharRNN, ModelConfig
from charrnn.sample import Sampling, draw, generate
from charrnn.vocab import Vocab

CONFIG = ModelConfig(vocab_size=65, hidden=512, layers=2)
STREAMS = 256
STEPS = {"ours": 2000, "torch": 200, "ours x 256": 20, "torch x 256": 20}
"""Steps timed in one round."""
TARGET = 20
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def ours(streams: int, device: str = "cpu") -> Callable[[int], None]:
    """This library: runs so many further steps of an endless text."""
    vocab = Vocab(tuple(chr(40 + i) for i in range(CONFIG.vocab_size)))
    model = CharRNN(CONFIG, torch.Generator().manual_seed(0)).eval().to(device)
    settings = Sampling(length=10**12)
    if streams == 1:
        endless = generate(model, vocab, "A", settings)
    else:
        endless = draw(model, vocab, "A", settings, streams)

    def run(steps: int) -> None:
        for _ in itertools.islice(endless, steps):
            pass

    return run


def stepped(streams: int, device: str = "cpu") -> Callable[[int], None]:
    """`nn.LSTM`, one character at a time."""
    torch.manual_seed(0)
    lstm = nn.LSTM(CONFIG.vocab_size, CONFIG.hidden, CONFIG.layers).eval().to(device)
    decoder = nn.Linear(CONFIG.hidden, CONFIG.vocab_size).eval().to(device)
    ids, state = torch.zeros(streams, dtype=torch.int64, device=device), None

    @torch.inference_mode()
    def run(steps: int) -> None:
        nonlocal ids, state
        for _ in range(steps):
            x = F.one_hot(ids, CONFIG.vocab_size).float()[None]
            out, state = lstm(x, state)
            p = torch.softmax(decoder(out[0]), dim=-1)
            ids = torch.multinomial(p, 1)[:, 0]
            ids.tolist()  # the text is wanted on the way

    return run


def serve(side: str, threads: int, device: str) -> None:
    """A contender: reads numbers of steps from stdin, answers with seconds."""
    torch.set_num_threads(threads)
    streams = STREAMS if side.endswith("256") else 1
    run = (ours if side.startswith("ours") else stepped)(streams, device)
    run(max(3, STEPS[side] // 10))
    for line in sys.stdin:
        start = time.perf_counter()
        run(int(line))
        print(time.perf_counter() - start, flush=True)


class Contender:
    """A process with a fixed number of threads, idle until it is asked."""

    def __init__(self, side: str, threads: int, device: str) -> None:
        self.side, self.threads, self.rates = side, threads, []
        command = [sys.executable, "-m", "benchmarks.sampling", "--serve", side, str(threads)]
        command += ["--device", device]
        self.process = subprocess.Popen(
            command,
            env=os.environ | {name: str(threads) for name in THREADS},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def measure(self, steps: int) -> float:
        """Run so many steps; characters a second."""
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        streams = STREAMS if self.side.endswith("256") else 1
        return streams * steps / float(self.process.stdout.readline())

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def measure(rounds: int, share: float, device: str) -> list[Contender]:
    """All contenders in alternating rounds."""
    counts = sorted({1, cores()} if device == "cpu" else {1})
    contenders = [Contender(side, n, device) for side in STEPS for n in counts]
    try:
        for contender in contenders:  # all are up and warm before the first is timed
            contender.measure(max(3, STEPS[contender.side] // 20))
        for _ in range(rounds):
            for contender in contenders:
                steps = max(3, int(STEPS[contender.side] * share))
                contender.rates.append(contender.measure(steps))
    finally:
        for contender in contenders:
            contender.close()
    return contenders


def summary(contenders: list[Contender]) -> dict:
    """Medians and spreads, each side's best number of threads, and the ratios."""
    rows = [
        {
            "side": c.side,
            "threads": c.threads,
            "chars_per_s": median(c.rates),
            "low": min(c.rates),
            "high": max(c.rates),
            "rounds": c.rates,
        }
        for c in contenders
    ]
    best = {
        side: max((r for r in rows if r["side"] == side), key=lambda r: r["chars_per_s"])
        for side in STEPS
    }
    ratios = {}
    for name, a, b in (
        ("one stream", "ours", "torch"),
        ("256 streams", "ours x 256", "torch x 256"),
    ):
        by_round = np.array(best[a]["rounds"]) / np.array(best[b]["rounds"])
        ratios[name] = {
            "median": best[a]["chars_per_s"] / best[b]["chars_per_s"],
            "low": by_round.min().item(),
            "high": by_round.max().item(),
        }
    threads = {side: row["threads"] for side, row in best.items()}
    return {"rows": rows, "best_threads": threads, "ratio": ratios, "target": TARGET}


def show(result: dict) -> None:
    """The table."""
    print(f"{'side':12} {'threads':>7} {'characters/s':>13}   spread")
    for row in result["rows"]:
        mark = " *" if result["best_threads"][row["side"]] == row["threads"] else ""
        spread = f"{row['low']:,.0f} to {row['high']:,.0f}"
        print(f"{row['side']:12} {row['threads']:7} {row['chars_per_s']:13,.0f}   {spread}{mark}")
    for name, ratio in result["ratio"].items():
        print(f"{name}: {ratio['median']:.1f} times ({ratio['low']:.1f} to {ratio['high']:.1f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two short rounds, nothing written")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve[0], int(args.serve[1]), args.device)
        return
    contenders = measure(2 if args.quick else args.rounds, 0.2 if args.quick else 1.0, args.device)
    result = {"model": CONFIG.to_dict(), **summary(contenders)}
    show(result)
    if not args.quick:
        save_result("sampling" if args.device == "cpu" else f"sampling_{args.device}", result)


if __name__ == "__main__":
    main()
