"""A training on a GPU whose steps are CUDA graphs.

Started kernel by kernel, a step costs more time on the host than on the device; recorded once
(`charrnn.cuda.graphs`), it is launched as a whole and the host waits for nothing.

cuDNN has kernels that keep the recurrent weights in the multiprocessors for a whole stretch of T
steps. PyTorch takes them for an LSTM in half precision whose sizes are round (use_persist_* in
aten/src/ATen/native/cudnn/RNN.cpp), so where it would, lanes and inputs are filled up to the next
such size. Under autocast PyTorch computes these layers in fp16 whichever half precision is asked
for (aten/src/ATen/cudnn/AutocastRNN.cpp); fp16 has the loss scaling that suits them.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from charrnn import distributed
from charrnn.batches import LanesOnDevice
from charrnn.cuda.fixed_step import FixedStep, addresses, written
from charrnn.cuda.graphs import record, warn
from charrnn.model import ModelConfig

if TYPE_CHECKING:
    from charrnn.train import Training

HALF = ("fp16", "bf16")
"""Precisions in which autocast hands cuDNN's layers half-precision numbers."""


def step_for(training: Training, data) -> FixedStep | None:
    """The recorded step of a training over `data`, to be called in place of an ordinary one.

    None where there is none: off CUDA, for line-wise or deterministic training, for several
    processes or groups of lanes, and, with a warning, where the recording fails. The training is
    left as it was.
    """
    if not _can_be_recorded(training, data):
        return None
    failure = None
    for lanes, symbols in _sizes(training, data):
        step = FixedStep(training, data, lanes, symbols)
        try:
            _record(step)
            return step
        except Exception as error:  # of CUDA, cuDNN, or what an optimizer asserts
            failure = error
    warn("training goes on", failure)
    return None


def _can_be_recorded(training: Training, data) -> bool:
    whole = distributed.ranks() == training.config.accumulate == 1
    free = whole and not training.config.deterministic
    return training.device.type == "cuda" and isinstance(data, LanesOnDevice) and free


def _sizes(training: Training, data: LanesOnDevice) -> list[tuple[int, int]]:
    """Lanes and 1-of-k inputs to compute with, the best first; without filling up at the end."""
    plain = data.columns.shape[1], training.model.config.vocab_size
    half = training.precision in HALF
    if not half or not _has_persistent_kernels(training.device):
        return [plain]
    full = filled_up(training.model.config, plain[0])
    return [plain] if full == plain else [full, plain]


def filled_up(config: ModelConfig, batch: int) -> tuple[int, int]:
    """Lanes and 1-of-k inputs that open cuDNN's persistent kernels; as they are where none do.

    Up to 192 units PyTorch has other kernels, whatever the sizes; a network whose training is
    unrolled has none.
    """
    round_size = config.hidden % 128 == 0 and 192 < config.hidden <= 1024
    if config.cell != "lstm" or config.unrolls or not round_size or batch > 128:
        return batch, config.vocab_size
    return -(-batch // 8) * 8, -(-config.vocab_size // 128) * 128


def _has_persistent_kernels(device: torch.device) -> bool:
    """A100, H100 and their successors with as many multiprocessors."""
    found = torch.cuda.get_device_properties(device)
    return found.major >= 8 and found.minor != 6 and found.multi_processor_count >= 98


def _record(step: FixedStep) -> None:
    """Make `launch` a recording; the training is left as it was, whether this fails or not."""
    training = step.training
    training.model.train()
    for memory in training.optimizer.state.values():  # RMSprop counts its steps on the host
        memory["step"] = memory["step"].to(training.device)
    before = _Before(training)
    gc.collect()  # or an old graph might be taken apart in the midst of the recording
    try:
        with _rate_on_the_device(step):
            step.launch = record(step.compute, training.device, training.generator)
        step.recorded = addresses(training)
    except Exception:
        before.renew(training)
        raise
    finally:
        before.put_back(training)


@contextmanager
def _rate_on_the_device(step: FixedStep) -> Iterator[None]:
    """Let the optimizer read its rate from `step.rate`."""
    optimizer = step.training.optimizer
    kept = [(group["lr"], group["capturable"]) for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        group["lr"], group["capturable"] = step.rate, True
    try:
        with warnings.catch_warnings():  # the calls before the recording are meant
            warnings.filterwarnings("ignore", "This instance was constructed with capturable")
            yield
    finally:
        for group, (rate, capturable) in zip(optimizer.param_groups, kept, strict=True):
            group["lr"], group["capturable"] = rate, capturable


class _Before:
    """What a training was before it was recorded: all that the calls before a recording change."""

    def __init__(self, training: Training) -> None:
        self.tensors = {id(t): t.detach().clone() for t in written(training)}
        self.scaler = training.scaler.state_dict()
        self.drawn = training.generator.get_state()

    @torch.no_grad()
    def put_back(self, training: Training) -> None:
        """In place, since the recording knows the addresses. An optimizer's memory that was not
        there yet becomes zeros, which is what it would have begun with."""
        for tensor in written(training):
            kept = self.tensors.get(id(tensor))
            tensor.zero_() if kept is None else tensor.copy_(kept)
        training.optimizer.zero_grad(set_to_none=True)
        training.scaler.load_state_dict(self.scaler)
        training.generator.set_state(self.drawn)

    def renew(self, training: Training) -> None:
        """New ones of what a recording that failed can leave in the midst of a step."""
        enabled = training.scaler.is_enabled()
        training.scaler = torch.amp.GradScaler(training.device.type, enabled=enabled)
        training.generator = torch.Generator(training.device)
