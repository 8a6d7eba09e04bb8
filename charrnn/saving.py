"""A training to its checkpoint and back: everything that it remembers, of every process.

Where several processes train together, a checkpoint is the one that a single process would write:
process 0 writes it, with the state of all lanes, and each takes its own lanes out of it again. So a
training can go on with another number of them.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from charrnn import distributed
from charrnn.batches import share
from charrnn.checkpoint import (
    Checkpoint,
    CheckpointError,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from charrnn.settings import TrainConfig

if TYPE_CHECKING:
    from charrnn.train import Training


class TrainingError(RuntimeError):
    """A training cannot go on; the message says what to change."""


def save(training: Training) -> None:
    """Write last.safetensors: all that `resume` needs. TrainingError on broken weights."""
    for weights in training.model.parameters():
        check_finite(training, weights.detach().abs().sum().item())
    write(training, "last.safetensors", _memory(training))
    distributed.agreed(False)  # no process ends before the file is whole


def write(training: Training, name: str, memory: dict | None = None) -> None:
    """Write the weights, and what else is to be remembered, in process 0; nothing in the others."""
    if distributed.rank():
        return
    tensors = {f"model.{k}": v for k, v in training.model.state_dict().items()}
    progress = asdict(training.progress)
    if memory is not None:
        tensors |= memory
        progress["scaler"] = training.scaler.state_dict()
    checkpoint = Checkpoint(
        training.model.config,
        training.vocab,
        training.corpus,
        training.config.to_dict(),
        progress,
        tensors,
    )
    save_checkpoint(training.folder / name, checkpoint)


def _memory(training: Training) -> dict:
    """Optimizer, recurrent state of all lanes, random state and meter, as named tensors."""
    tensors = optimizer_tensors(training.optimizer)
    width = training.data.width(training.progress.step - 1)
    own = share(width, distributed.rank(), distributed.ranks())
    for i, part in enumerate(training.state or ()):
        tensors[f"state.{i}"] = distributed.gathered(part, own, width)
    tensors[f"rng.{training.device.type}"] = training.generator.get_state()
    tensors["meter"] = training.meter
    return tensors


def restore(training: Training, checkpoint: Checkpoint) -> None:
    """Everything but the weights: where the training was, and all that it remembered."""
    restore_optimizer(training.optimizer, checkpoint.part("optimizer"))
    training.progress = type(training.progress).from_dict(checkpoint.progress)
    if training.scaler.is_enabled() and checkpoint.progress.get("scaler"):
        training.scaler.load_state_dict(checkpoint.progress["scaler"])
    random_states = checkpoint.part("rng")
    if training.device.type in random_states:
        training.generator.set_state(random_states[training.device.type])
    else:  # started on another kind of device
        training.generator.manual_seed(training.config.seed + 1 + training.progress.step)
    state = checkpoint.part("state")
    if state:
        training.state = tuple(_own_lanes(training, state[str(i)]) for i in range(len(state)))
    training.meter = checkpoint.tensors["meter"].to(training.meter)


def _own_lanes(training: Training, whole):
    """This process's lanes of a state (L, B, H), on the training's device."""
    own = share(whole.shape[1], distributed.rank(), distributed.ranks())
    return whole[:, own.start : own.stop].contiguous().to(training.device)


def settings_of(checkpoint: Checkpoint) -> TrainConfig:
    """The settings that a checkpoint keeps; CheckpointError where they are broken."""
    try:
        return TrainConfig.from_dict(checkpoint.settings)
    except TypeError as error:
        raise broken(error) from None


def broken(error: Exception) -> CheckpointError:
    """What to raise where a checkpoint lacks something or holds what cannot be."""
    detail = " ".join(str(error).split())
    return CheckpointError(f"the last checkpoint is broken ({type(error).__name__}: {detail})")


def check_finite(training: Training, loss: float) -> None:
    """TrainingError where the loss, or a sum over weights, is no number any more."""
    if not math.isfinite(loss):
        config = training.config
        raise TrainingError(
            f"the loss is {loss} at step {training.progress.step}: the weights have blown up. "
            f"Lower the learning rate (lr is {config.lr:g}), clip harder (clip_norm is "
            f"{config.clip_norm}), or use precision fp32; the last good checkpoint is kept"
        )
