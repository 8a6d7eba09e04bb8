"""Does a fast arithmetic learn the same? The training loss of 500 steps in each precision.

One network (2 x 256) on tinyshakespeare, from the same weights and over the same characters, in
every precision that this machine trains in. Beside float32 stand two more trainings in float32: one
whose first weight is moved by a ten-millionth of itself, which shows how far rounding alone drives
two trainings apart, and one from another seed. A difference that is not larger than the first
of these is one that the arithmetic can't be blamed for.

    python -m benchmarks exactness
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.command import command
from benchmarks.loops import precisions, stepping
from benchmarks.rounds import Effort
from charrnn.corpora import encode_corpus, load_corpus, split_contiguous
from charrnn.model import ModelConfig
from charrnn.recipe import repository
from charrnn.score import loss as stream_loss
from charrnn.settings import TrainConfig
from charrnn.train import start

MODEL, STEPS = {"hidden": 256, "layers": 2}, 500
QUICK_MODEL, QUICK_TEXT = {"hidden": 32, "layers": 1}, "data/samples/novel.txt"
NUDGE = 1e-7
WINDOW = 25
"""Steps that a point of the curve is the mean of."""


def curve(split, vocab, model: ModelConfig, config: TrainConfig, nudge: float = 0.0) -> dict:
    """The mean training loss of every `WINDOW` steps, and the loss on the held-out tenth."""
    with TemporaryDirectory() as folder:
        training = start(model, vocab, split.train, split.val, config, Path(folder) / "run")
        step = stepping(training)
        with torch.no_grad():
            training.model.rnn[0].weight_ih_l0[0, 0] *= 1 + nudge
        losses, before = [], 0.0
        while not training.finished:
            step()
            losses.append(training.meter.item() - before)
            before = training.meter.item()
    held_out = stream_loss(training.model, split.val, lanes=64, warmup=64)
    means = np.array(losses).reshape(-1, WINDOW).mean(axis=1)
    return {"train": means.tolist(), "val": held_out}


def apart(rows: dict[str, dict]) -> dict[str, dict]:
    """How far each curve lies from that of float32: the largest distance of two points, the mean
    one, and that of the held-out losses."""
    base = rows["fp32"]
    return {
        name: {
            "largest": float(np.abs(np.subtract(row["train"], base["train"])).max()),
            "mean": float(np.abs(np.subtract(row["train"], base["train"])).mean()),
            "val": row["val"] - base["val"],
        }
        for name, row in rows.items()
        if name != "fp32"
    }


def measure(effort: Effort) -> dict:
    """The curves, a row a training, and how far each lies from float32's."""
    ids, vocab = encode_corpus(
        load_corpus(str(repository() / QUICK_TEXT) if effort.quick else "tinyshakespeare")
    )
    split = split_contiguous(ids, (0.9, 0.1, 0.0))
    model = ModelConfig(len(vocab), **(QUICK_MODEL if effort.quick else MODEL))
    steps = 2 * WINDOW if effort.quick else STEPS
    sides = {name: (name, 0, 0.0) for name in precisions(effort.device, model)}
    sides |= {"fp32, nudged": ("fp32", 0, NUDGE), "fp32, another seed": ("fp32", 1, 0.0)}
    rows = {}
    for name, (precision, seed, nudge) in sides.items():
        config = TrainConfig(
            batch=50, seq=50, steps=steps, seed=seed, precision=precision, device=effort.device
        )
        rows[name] = curve(split, vocab, model, config, nudge)
        print(
            f"{name:20} {rows[name]['train'][-1]:.4f}, held out {rows[name]['val']:.4f}", flush=True
        )
    return {"unit": "nats a character", "window": WINDOW, "rows": rows, "apart": apart(rows)}


def show(result: dict) -> None:
    """How far the curves lie apart."""
    for name, row in result["apart"].items():
        print(
            f"{name:20} {row['largest']:.5f} from fp32 at most in training, {row['mean']:.5f} on "
            f"average; {row['val']:+.5f} held out"
        )


def main(arguments: list[str] | None = None) -> None:
    command("exactness", __doc__.split("\n")[0], measure, show, arguments)


if __name__ == "__main__":
    main()
