"""Several processes that train one network together: what they exchange, and how they end.

torchrun starts them, each with its rank from 0 on, and `join` makes them a group. Each reads its
own lanes of the text (`charrnn.batches`) and holds the whole network; a step's gradients are added
up over all of them, so that every process makes the same update. Process 0 alone writes and prints.
Without torchrun there is no group, and nothing here does or costs anything.

Gradients travel by NCCL between GPUs and by gloo between CPUs; everything else is a few numbers on
the CPU, by gloo. A process that waits there hears at once when another one is gone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

PATIENCE = timedelta(days=1)
"""How long a process waits for one that lives and says nothing: longer than any validation."""
Result = TypeVar("Result")


class LostProcessError(RuntimeError):
    """Another process is gone; the message says who saw it and how to go on."""


class ElsewhereError(RuntimeError):
    """Another process failed, and says so itself."""


def ranks() -> int:
    """How many processes train together; 1 without a group."""
    return dist.get_world_size() if _grouped() else 1


def rank() -> int:
    """Which of them this is; 0 without a group."""
    return dist.get_rank() if _grouped() else 0


def _grouped() -> bool:
    return dist.is_available() and dist.is_initialized()


def join() -> None:
    """Join the processes that torchrun started, once. Raises LostProcessError where it cannot."""
    started = dist.is_available() and dist.is_torchelastic_launched()
    if not started or _grouped() or int(os.environ["WORLD_SIZE"]) == 1:
        return
    gpu, cuda = int(os.environ["LOCAL_RANK"]), torch.cuda.is_available()
    if cuda and gpu < torch.cuda.device_count():
        torch.cuda.set_device(gpu)  # what the device "cuda" is from now on
    _share_threads()
    with _exchange():
        dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=PATIENCE)


def leave() -> None:
    """End the exchange with the others, if there is any."""
    if _grouped():
        dist.destroy_process_group()


def _share_threads() -> None:
    """The machine's cores shared out equally: torchrun allows a single thread each unless told."""
    if os.environ.get("OMP_NUM_THREADS") == "1":
        usable = getattr(os, "sched_getaffinity", None)
        cores = len(usable(0)) if usable else os.cpu_count()
        torch.set_num_threads(max(1, cores // int(os.environ["LOCAL_WORLD_SIZE"])))


@contextmanager
def _exchange() -> Iterator[None]:
    """Says in one line what it means when an exchange fails."""
    try:
        yield
    except RuntimeError as error:  # of gloo or NCCL
        told = re.sub(r"^\[[^]]*\] *", "", " ".join(str(error).split()))  # without its source line
        detail = told.partition(". ")[0][:120]
        raise LostProcessError(
            f"process {os.environ['RANK']} of {os.environ['WORLD_SIZE']} lost another one "
            f"({detail}); what was saved is whole: start all again with charrnn resume"
        ) from None


def check_device(device: torch.device) -> None:
    """ValueError where the processes cannot each have a device of this kind."""
    if ranks() == 1 or device.type == "cpu":
        return
    if device.type != "cuda" or device.index is not None:
        raise ValueError(f"device {device} is one for {ranks()} processes; take cuda or cpu")
    if int(os.environ["LOCAL_WORLD_SIZE"]) > torch.cuda.device_count():
        raise ValueError(
            f"{os.environ['LOCAL_WORLD_SIZE']} processes and {torch.cuda.device_count()} GPU(s) "
            "on this machine; start as many as it has GPUs (--nproc-per-node)"
        )


def in_turn(act: Callable[[], Result]) -> Result:
    """What `act` gives in this process, run in process 0 first and then in the others.

    So whatever it puts into a cache is put there once. Where it fails in some process, that one
    raises its error and the others ElsewhereError.
    """
    if ranks() == 1:
        return act()
    result = None
    for turn in (rank() == 0, rank() != 0):
        error = None
        try:
            result = act() if turn else result
        except Exception as raised:
            error = raised
        failed = _total(float(error is not None))[0]
        if error is not None:
            raise error
        if failed:
            raise ElsewhereError("another process could not begin")
    return result


def check_same(facts: dict[str, str]) -> None:
    """ValueError in process 0, ElsewhereError in the others, where these facts are not the same."""
    if ranks() == 1:
        return
    gathered: list[dict] = [{}] * ranks()
    with _exchange():
        dist.all_gather_object(gathered, facts)
    for name in facts:
        odd = [r for r, other in enumerate(gathered) if other[name] != gathered[0][name]]
        if odd and rank():
            raise ElsewhereError(f"another {name}")
        if odd:
            raise ValueError(
                f"process {odd[0]} of {ranks()} has another {name} than process 0; "
                "start all of them with the same text and options"
            )


def agreed(flag: bool, *numbers: float) -> tuple[bool, list[float]]:
    """Whether the flag is set in some process, and process 0's numbers; the same in all of them.

    Whoever comes first waits.
    """
    if ranks() == 1:
        return flag, list(numbers)
    mine = [0.0] * len(numbers) if rank() else numbers
    flags, *firsts = _total(float(flag), *mine)
    return flags > 0, firsts


def _total(*numbers: float) -> list[float]:
    """Each number summed over the processes."""
    summed = torch.tensor(numbers, dtype=torch.float64)
    with _exchange():
        dist.all_reduce(summed)
    return summed.tolist()


def average(model: nn.Module, loss: Tensor, weight: Tensor) -> Tensor:
    """Make the gradients of `weight` * mean loss those of the mean loss over all processes.

    loss, weight: scalars on the model's device. Every gradient and the loss, which is returned, are
    summed over the processes in one exchange and divided by the sum of the weights.
    """
    gradients = [p.grad for p in model.parameters()]
    flat = torch.cat([*(g.flatten() for g in gradients), loss.reshape(1), weight.reshape(1)])
    if ranks() > 1:
        with _exchange():
            dist.all_reduce(flat)
    *summed, loss, weight = flat.split([*(g.numel() for g in gradients), 1, 1])
    for gradient, total in zip(gradients, summed, strict=True):
        torch.div(total.view_as(gradient), weight, out=gradient)
    return (loss / weight)[0]


def gathered(part: Tensor, own: range, width: int) -> Tensor:
    """All `width` lanes of a state (L, B, H) of which this process has `own`."""
    if ranks() == 1:
        return part
    whole = part.new_zeros(part.shape[0], width, part.shape[2])
    whole[:, own.start : own.stop] = part
    with _exchange():
        dist.all_reduce(whole)  # each lane is zero in all processes but one
    return whole
