"""Seconds of training from nothing to a stated loss on tinyshakespeare's last tenth.

Ours: a 2 x 256 LSTM. Beside it, on the same machine and in the same run, a transformer of the size
and settings that nanoGPT documents for a CPU (4 layers, 4 heads, 128 wide, 64 characters, batch 12,
2000 steps, "1.88"; its README), written with torch's own layers. Ours is evaluated on the whole
tail as one stream, the transformer on the tail in crops of 64 as its README does: the protocols
differ, and the times are to each one's own loss. With the transformer, the LSTM is trained before
it and once more after it, and the slower of the two counts.

    python -m benchmarks time_to_loss [--target 1.88] [--quick]
"""

from __future__ import annotations

import argparse
import math
import time
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.command import allow_shared
from benchmarks.loops import stepping
from benchmarks.machine import save_result
from charrnn.corpora import encode_corpus, load_corpus, split_contiguous
from charrnn.model import ModelConfig
from charrnn.score import loss as stream_loss
from charrnn.train import TrainConfig, start

SETTINGS = {
    "hidden": 256,
    "layers": 2,
    "batch": 32,
    "seq": 64,
    "steps": 600,
    "warmup": 20,
    "every": 50,
    "seed": 1,
    "lr": 8e-3,
}


def lstm(train, val, vocab, target: float, args) -> dict:
    """Train the LSTM until the tail costs at most `target` nats; evaluations are not counted."""
    config = TrainConfig(
        batch=args.batch,
        seq=args.seq,
        steps=args.steps,
        lr=args.lr,
        warmup=args.warmup,
        min_lr=0.1,
        seed=args.seed,
    )
    model = ModelConfig(len(vocab), hidden=args.hidden, layers=args.layers)
    with TemporaryDirectory() as folder:
        training = start(model, vocab, train, val, config, folder)
        advance, rows = stepping(training), []
        while not training.finished:
            advance()
            step = training.progress.step
            if step % args.every == 0 or training.finished:
                value = stream_loss(training.model, val, lanes=64, warmup=64)
                rows.append((step, training.progress.seconds, value))
                print(f"step {step:5d}  {rows[-1][1]:6.1f} s  {value:.4f} nats", flush=True)
                if value <= target:
                    break
        parameters = training.model.n_parameters
    return {
        "curve": rows,
        "seconds": rows[-1][1],
        "loss": rows[-1][2],
        "parameters": parameters,
        "settings": config.to_dict(),
        "reached": rows[-1][2] <= target,
    }


class Transformer(nn.Module):
    """A decoder-only transformer (Vaswani et al. 2017) with learned positions, pre-norm."""

    def __init__(self, vocab: int, width: int = 128, layers: int = 4, heads: int = 4) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocab, width), nn.Embedding(64, width)
        block = nn.TransformerEncoderLayer(
            width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True, bias=False
        )
        self.blocks = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width, bias=False)
        self.head = nn.Linear(width, vocab, bias=False)
        self.head.weight = self.tokens.weight
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.tokens(ids) + self.places.weight[: ids.shape[1]]
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        return self.head(self.norm(self.blocks(x, mask=mask, is_causal=True)))


def transformer(train, val, vocab, steps: int = 2000) -> dict:
    """nanoGPT's documented CPU settings: AdamW 1e-3 to 1e-4 by cosine, beta2 0.99, clip 1."""
    torch.manual_seed(1337)
    model, random = Transformer(len(vocab)), np.random.default_rng(1337)
    groups = [
        {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": 0.1},
        {"params": [p for p in model.parameters() if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))

    def crops(ids, n):
        at = random.integers(0, len(ids) - 65, n)[:, None] + np.arange(65)
        both = torch.from_numpy(np.asarray(ids[at], dtype=np.int64))
        return both[:, :-1], both[:, 1:]

    def evaluate() -> float:
        model.eval()
        with torch.inference_mode():
            x, y = crops(val, 12 * 20)
            value = F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item()
        model.train()
        return value

    rows, seconds = [], 0.0
    for step in range(steps):
        began = time.perf_counter()
        done = max(0, step - 100) / (steps - 100)
        rate = (
            1e-3 * (step + 1) / 101
            if step < 100
            else 1e-4 + 0.45e-3 * (1 + math.cos(math.pi * done))
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        x, y = crops(train, 12)
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(model(x).flatten(0, 1), y.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seconds += time.perf_counter() - began
        if (step + 1) % 250 == 0 or step + 1 == steps:
            rows.append((step + 1, seconds, evaluate()))
            print(
                f"transformer step {step + 1:5d}  {seconds:6.1f} s  {rows[-1][2]:.4f}", flush=True
            )
    parameters = sum(p.numel() for p in model.parameters())
    return {"curve": rows, "seconds": seconds, "loss": rows[-1][2], "parameters": parameters}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        "python -m benchmarks time_to_loss", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="a few steps, nothing written")
    parser.add_argument("--alone", action="store_true", help="without the transformer")
    parser.add_argument("--target", type=float, default=1.88)
    for name, value in SETTINGS.items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    allow_shared(parser)
    args = parser.parse_args(arguments)
    if args.quick:
        args.steps, args.every = 4, 2
    corpus = load_corpus("tinyshakespeare")
    ids, vocab = encode_corpus(corpus)
    split = split_contiguous(ids, (0.9, 0.1, 0.0))
    result = {"target": args.target, "lstm": lstm(split.train, split.val, vocab, args.target, args)}
    if not args.alone:
        steps = 4 if args.quick else 2000
        result["transformer"] = transformer(split.train, split.val, vocab, steps)
        result["lstm_after"] = lstm(split.train, split.val, vocab, args.target, args)
        slower = max(result[side]["seconds"] for side in ("lstm", "lstm_after"))
        result["ratio"] = result["transformer"]["seconds"] / slower
        print(f"ratio of the times: {result['ratio']:.1f}")
    if not args.quick:
        save_result("time_to_loss", result)


if __name__ == "__main__":
    main()
