"""A training to its checkpoint and back: everything that it remembers, of every process.

Where several processes train together, a checkpoint is the one that a single process would write:
process 0 writes it, with the state of all lanes, and each takes its own lanes out of it again. So a
training can go on with another number of them.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import torch

from charrnn import distributed
from charrnn.batches import share
from charrnn.checkpoint import (
    Checkpoint,
    CheckpointError,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from charrnn.lock import held
from charrnn.settings import TrainConfig

if TYPE_CHECKING:
    from charrnn.train import Training


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No space on the device, none of the user's share of it, or a limit on the size of files."""


class TrainingError(RuntimeError):
    """A training cannot go on; the message says what to change."""


def save(training: Training) -> None:
    """Write last.safetensors: all that `resume` needs. TrainingError on broken weights."""
    training.settle()
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
    """Everything but the weights: where the training was, and all that it remembered.

    Raises CheckpointError where the checkpoint holds what no training of this network can have
    left.
    """
    try:
        training.progress = type(training.progress).from_dict(checkpoint.progress)
        _check_memory(training, checkpoint)
        _restore(training, checkpoint)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError) as error:
        raise broken(error) from None


def _check_memory(training: Training, checkpoint: Checkpoint) -> None:
    """ValueError where a tensor beside the weights has a shape that would fail later."""
    parameters = [p for group in training.optimizer.param_groups for p in group["params"]]
    for name, tensor in checkpoint.part("optimizer").items():
        i, _, what = name.partition(".")
        shape = parameters[int(i)].shape
        if tensor.shape not in (shape, torch.Size([])) or not _finite(tensor):
            raise ValueError(f"optimizer.{i}.{what} is not of its parameter's shape, or not finite")
    state, config = checkpoint.part("state"), training.model.config
    width = training.data.width(training.progress.step - 1)
    shape = (config.layers, width, config.hidden)
    parts = 2 if config.cell == "lstm" else 1
    if state.keys() - {str(i) for i in range(parts)} or len(state) not in (0, parts):
        raise ValueError(f"the state has parts {', '.join(state)}; a {config.cell} has {parts}")
    for part in state.values():
        if tuple(part.shape) != shape or not _finite(part):
            raise ValueError(
                f"the state has shape {tuple(part.shape)}; it must be {shape}, of finite numbers"
            )
    meter = checkpoint.tensors["meter"]
    if meter.dim() or not _finite(meter):
        raise ValueError(f"the meter has shape {tuple(meter.shape)}; it must be one finite number")


def _finite(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() and bool(tensor.isfinite().all())


def _restore(training: Training, checkpoint: Checkpoint) -> None:
    restore_optimizer(training.optimizer, checkpoint.part("optimizer"))
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


@contextmanager
def alone(training: Training) -> Iterator[None]:
    """The training's folder as this process's own (with several processes, as process 0's).

    Raises BusyError where another has it, FileExistsError where another has trained there since
    this training was begun.
    """
    if distributed.rank():
        yield
        return
    with held(training.folder):
        if not training.progress.step and (training.folder / "last.safetensors").exists():
            raise FileExistsError(f"{training.folder} holds a training by now; choose another name")
        yield


@contextmanager
def said_when_full(training: Training) -> Iterator[None]:
    """TrainingError, with what to do, where something could not be written for lack of space."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        folder = training.folder
        if (folder / "last.safetensors").is_file():
            then = f"charrnn resume {folder}: the last checkpoint is whole"
        elif (folder / "best.safetensors").is_file():
            then = f"start it in another folder (--init-from {folder} takes over its weights)"
        else:
            then = "start it again: nothing was saved yet"
        raise TrainingError(
            f"no space is left for {folder} at step {training.progress.step} "
            f"({(error.strerror or str(error)).lower()}); free some, then {then}"
        ) from None


def settings_of(checkpoint: Checkpoint) -> TrainConfig:
    """The settings that a checkpoint keeps; CheckpointError where they are broken."""
    try:
        return TrainConfig.from_dict(checkpoint.settings)
    except (TypeError, ValueError) as error:
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
