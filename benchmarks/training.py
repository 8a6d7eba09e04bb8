"""Characters trained on a second at the post's size: this library beside an ordinary training loop.

2 layers of 512, 100 lanes, 100 and 50 characters back. The post: 0.46 s a batch of 100 x 100 on a
TITAN Z (21.7 thousand characters/s). "plain" is what most programs have: one `nn.LSTM` with two
layers, 1-of-k input, float32, clipping, Adam, the loss read at every step. All sides on all devices
of this machine take turns for some rounds; ours runs in each precision that the device has.

    python -m benchmarks.training [--rounds 5] [--batches 3]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.machine import save_result
from charrnn.batches import Lanes
from charrnn.devices import PRECISIONS, choose_precision
from charrnn.model import ModelConfig
from charrnn.train import TrainConfig, _advance, start
from charrnn.vocab import Vocab

VOCAB = 97
"""As large as that of the essays up to the month of the post."""
BATCH, HIDDEN, LAYERS, DROPOUT = 100, 512, 2, 0.5


def random_lanes(seq: int) -> Lanes:
    """Random text, forty batches of it."""
    ids = np.random.default_rng(0).integers(0, VOCAB, BATCH * seq * 40 + 1).astype(np.uint8)
    return Lanes(ids, BATCH, seq)


def ours(device: str, precision: str, seq: int, folder: Path) -> Callable[[], None]:
    """One step of this library's training."""
    lanes = random_lanes(seq)
    config = TrainConfig(
        batch=BATCH, seq=seq, steps=10**6, device=device, precision=precision, schedule="constant"
    )
    vocab = Vocab(tuple(chr(33 + i) for i in range(VOCAB)))
    model = ModelConfig(VOCAB, hidden=HIDDEN, layers=LAYERS, dropout=DROPOUT)
    training = start(model, vocab, lanes.ids, lanes.ids[:1000], config, folder)
    data = lanes if device == "cpu" else lanes.on(training.device)
    return lambda: _advance(training, data)


def plain(device: str, seq: int) -> Callable[[], None]:
    """One step of an ordinary loop around `nn.LSTM`."""
    torch.manual_seed(0)
    lanes = random_lanes(seq)
    lstm = nn.LSTM(VOCAB, HIDDEN, LAYERS, dropout=DROPOUT).to(device)
    decoder = nn.Linear(HIDDEN, VOCAB).to(device)
    parameters = [*lstm.parameters(), *decoder.parameters()]
    optimizer, state, count = torch.optim.Adam(parameters, lr=2e-3), None, 0

    def step() -> None:
        nonlocal state, count
        x, y = (ids.to(device) for ids in lanes.step(count % lanes.steps))
        count += 1
        out, state = lstm(F.one_hot(x, VOCAB).float(), state)
        state = tuple(s.detach() for s in state)
        loss = F.cross_entropy(decoder(out).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        loss.item()

    return step


def seconds_per_batch(step: Callable[[], None], batches: int, device: str) -> float:
    """Mean wall-clock seconds of a training step over `batches` of them."""
    if device == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(batches):
        step()
    if device == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / batches


def precisions(device: str) -> list[str]:
    """The precisions that a device trains in."""
    found = []
    for name in PRECISIONS:
        try:
            found.append(choose_precision(torch.device(device), name))
        except ValueError:
            continue
    return found


def as_trained(rows: list[dict]) -> dict:
    """Seconds a batch of this library in the precision it chooses by itself, by device and seq."""
    found = {}
    for row in rows:
        chosen = choose_precision(torch.device(row["device"]))
        if row["side"] == "ours" and row["precision"] == chosen:
            batch = " x ".join(map(str, row["batch"]))
            found[f"{row['device']} {batch}"] = row["seconds"] | {"chars_per_s": row["chars_per_s"]}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=3)
    parser.add_argument("--device", choices=("cpu", "cuda"), help="(all there are)")
    args = parser.parse_args()
    there = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
    times: dict[tuple, list[float]] = {}
    with TemporaryDirectory() as folder:
        cases = {}
        for device in [args.device] if args.device else there:
            for seq in (100, 50):
                cases[device, "plain", "fp32", seq] = plain(device, seq)
                for precision in precisions(device):
                    place = Path(folder) / f"{device}-{precision}-{seq}"
                    cases[device, "ours", precision, seq] = ours(device, precision, seq, place)
        for case, step in cases.items():
            seconds_per_batch(step, 2, case[0])  # warm up
        for _ in range(args.rounds):
            for case, step in cases.items():
                n = args.batches * (1 if case[0] == "cpu" else 30)
                times.setdefault(case, []).append(seconds_per_batch(step, n, case[0]))
    rows = []
    for (device, side, precision, seq), seconds in times.items():
        against = times[device, "plain", "fp32", seq]
        ratio = np.array(against) / np.array(seconds)
        row = {
            "device": device,
            "side": side,
            "precision": precision,
            "batch": [BATCH, seq],
            "seconds": {"median": np.median(seconds), "min": min(seconds), "max": max(seconds)},
            "chars_per_s": BATCH * seq / np.median(seconds),
            "times_plain": {"median": np.median(ratio), "low": ratio.min(), "high": ratio.max()},
        }
        rows.append(row)
        print(
            f"{device:5} {side:5} {precision} {BATCH} x {seq:<3}  {np.median(seconds):.4f} s "
            f"a batch ({row['chars_per_s']:,.0f} characters/s), {np.median(ratio):.2f} times plain"
        )
    save_result("training", {"rows": rows, "batch_seconds": as_trained(rows), "post_titan_z": 0.46})


if __name__ == "__main__":
    main()
