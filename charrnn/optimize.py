"""One update of the weights: which optimizer, at which rate, after which clipping."""

from __future__ import annotations

import math

import torch

from charrnn.model import CharRNN
from charrnn.settings import TrainConfig


def build_optimizer(model: CharRNN, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimizer of the settings; weight decay applies to matrices alone."""
    fused = {"fused": True} if model.device.type in ("cuda", "cpu") else {}  # a seventh of the time
    if config.optimizer == "rmsprop":
        return RMSprop(model.parameters(), lr=config.lr, alpha=config.alpha)
    if config.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), lr=config.lr, **fused)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.lr, **fused)


class RMSprop(torch.optim.RMSprop):
    """torch's, which also leaves out a step whose fp16 gradients overflowed, on the device.

    GradScaler looks on the host whether such an optimizer may step, and a GPU has to be waited for.
    One that says it can leave out a step itself is told so in `found_inf`, as torch's fused Adam.
    """

    _step_supports_amp_scaling = True

    @torch.no_grad()
    def step(self, closure=None):
        """One update; weights and mean squares stay where `found_inf` is there and is not 0."""
        overflown = getattr(self, "found_inf", None)
        if overflown is None:
            return super().step(closure)
        kept = {p: self.state[p]["square_avg"].clone() for p in self.state}
        for group in self.param_groups:
            for p in group["params"]:
                p.grad.masked_fill_(overflown > 0, 0.0)  # no gradient, no change of the weights
        loss = super().step(closure)
        for p, square in kept.items():  # of which a part was forgotten
            self.state[p]["square_avg"].copy_(
                torch.where(overflown > 0, square, self.state[p]["square_avg"])
            )
        return loss


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
