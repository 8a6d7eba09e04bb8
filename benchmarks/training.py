"""Seconds a batch at the post's size: 2 layers of 512, 100 lanes, 100 and 50 characters back.

The post: 0.46 s a batch of 100 x 100 on a TITAN Z (21.7 thousand characters/s). Times the library's
own training step on every device of this machine, in alternating rounds.

    python -m benchmarks.training [--rounds 5] [--batches 3]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.machine import save_result
from charrnn.batches import Lanes
from charrnn.model import ModelConfig
from charrnn.train import TrainConfig, Training, _advance, start
from charrnn.vocab import Vocab

VOCAB = 97
"""As large as that of the essays up to the month of the post."""


def prepare(device: str, seq: int, folder: Path) -> tuple[Training, object, int]:
    """A training of the post's first experiment on random text, ready to be stepped."""
    ids = np.random.default_rng(0).integers(0, VOCAB, 100 * 100 * 40 + 1).astype(np.uint8)
    config = TrainConfig(batch=100, seq=seq, steps=10**6, device=device, schedule="constant")
    vocab = Vocab(tuple(chr(33 + i) for i in range(VOCAB)))
    model = ModelConfig(VOCAB, hidden=512, layers=2, dropout=0.5)
    training = start(model, vocab, ids, ids[:1000], config, folder)
    lanes = Lanes(ids, 100, seq)
    data = lanes if device == "cpu" else lanes.on(training.device)
    return training, data, lanes.steps


def seconds_per_batch(training: Training, data, steps: int, batches: int) -> float:
    """Mean wall-clock seconds of a training step over `batches` of them."""
    if training.device.type == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(batches):
        _advance(training, data, steps)
    if training.device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / batches


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=3)
    args = parser.parse_args()
    devices = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
    times: dict[str, list[float]] = {}
    with TemporaryDirectory() as folder:
        cases = {
            f"{device} 100 x {seq}": prepare(device, seq, Path(folder) / f"{device}{seq}")
            for device in devices
            for seq in (100, 50)
        }
        for case in cases.values():
            seconds_per_batch(*case, 2)  # warm up
        for _ in range(args.rounds):
            for name, case in cases.items():
                n = args.batches * (1 if "cpu" in name else 30)
                times.setdefault(name, []).append(seconds_per_batch(*case, n))
    result = {
        name: {"median": float(np.median(t)), "min": min(t), "max": max(t)}
        for name, t in times.items()
    }
    for name, row in result.items():
        lanes, seq = (int(x) for x in name.split(" ", 1)[1].split(" x "))
        row["chars_per_s"] = lanes * seq / row["median"]
        print(f"{name:16} {row['median']:.4f} s a batch ({row['chars_per_s']:,.0f} characters/s)")
    save_result("training", {"batch_seconds": result, "post_titan_z": 0.46})


if __name__ == "__main__":
    main()
