"""One update of the weights: which optimizer, at which rate, after which clipping.

A gradient can overflow where the loss did not, and one update by it would turn every weight into
NaN. Such an update is left out: the weights and the optimizer's memory stay as they are, while the
text and the schedule go on. Nobody has to wait for a GPU for that: the optimizer is told on the
device, in `found_inf`, as GradScaler tells it of fp16's overflows.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from charrnn.model import CharRNN, State
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


def update(
    model: CharRNN,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    config: TrainConfig,
    ask: bool = False,
) -> Tensor:
    """Clip the (scaled) gradient and change the weights by it, if it is finite.

    `ask` looks on the host whether it is, which is quicker where no device has to be waited for.
    Returns how often the update was left out, 0 or 1, as a float32 number on the model's device.
    """
    scaler.unscale_(optimizer)
    left_out = clip(model, config)
    if ask:
        if not left_out:
            optimizer.step()
    elif getattr(optimizer, "_step_supports_amp_scaling", False):  # torch's fused ones, and RMSprop
        optimizer.grad_scale, optimizer.found_inf = None, left_out
        try:
            optimizer.step()
        finally:
            del optimizer.grad_scale, optimizer.found_inf
    elif not left_out:
        optimizer.step()
    scaler.update()
    return left_out


def clip(model: CharRNN, config: TrainConfig) -> Tensor:
    """Clip the gradient by value, by norm (Pascanu et al. 2013), or both.

    Returns 1 where its norm was no finite float32 number before, else 0, on the model's device.
    """
    weights = list(model.parameters())
    by_norm, by_value = config.clip_norm or math.inf, config.clip_value
    norm = clip_grad_norm_(weights, by_norm if by_value is None else math.inf)
    if by_value is not None:
        clip_grad_value_(weights, by_value)
        if config.clip_norm is not None:
            clip_grad_norm_(weights, by_norm)
    return (~norm.isfinite()).float()


def finite_lanes(state: State, ask: bool = False) -> State:
    """A state (L, B, H) with the lanes emptied that hold a number that is not finite.

    `ask` looks on the host first whether there is one, as in `update`.
    """
    if ask and all(part.sum().isfinite() for part in state):
        return state
    kept = torch.stack([part.isfinite().all(dim=2).all(dim=0) for part in state]).all(dim=0)
    return tuple(part.where(kept[:, None], part.new_zeros(())) for part in state)
