"""One update of the weights: which optimizer, at which rate, after which clipping."""

from __future__ import annotations

import math

import torch

from charrnn.model import CharRNN
from charrnn.settings import TrainConfig


def build_optimizer(model: CharRNN, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimizer of the settings; weight decay applies to matrices alone."""
    fused = {"fused": True} if model.device.type == "cuda" else {}
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(model.parameters(), lr=config.lr, alpha=config.alpha)
    if config.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), lr=config.lr, **fused)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.lr, **fused)


def learning_rate(config: TrainConfig, step: int, epoch: float, done: float) -> float:
    """The rate for a step (from 0). `epoch`: epochs read so far; `done`: share of the whole."""
    if config.schedule == "constant":
        return config.lr
    if config.schedule == "decay":
        falls = math.floor(epoch) - max(1, math.ceil(config.lr_decay_after)) + 1
        return config.lr * config.lr_decay ** max(0, falls)
    warm = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    low = config.lr * config.min_lr
    return warm * (low + (config.lr - low) * 0.5 * (1 + math.cos(math.pi * done)))


def clip(model: CharRNN, config: TrainConfig) -> None:
    """Clip the gradient by value, by norm (Pascanu et al. 2013), or both."""
    if config.clip_value is not None:
        torch.nn.utils.clip_grad_value_(model.parameters(), config.clip_value)
    if config.clip_norm is not None:
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
