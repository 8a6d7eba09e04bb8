"""Which device to compute on, and in which precision."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from charrnn.model import ModelConfig
from charrnn.native import fixed_point

PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16, "int16": None}
"""What training computes in, and the dtype that autocast makes of it. int16 trains LSTM layers on a
CPU in fixed point (charrnn.native.fixed_point); evaluation is in fp32 then."""
PAYS = 32
"""Hidden size from which on int16 is the faster way."""

WORKSPACE, FIXED = "CUBLAS_WORKSPACE_CONFIG", (":4096:8", ":16:8")
"""A variable of the environment, and its values with which cuBLAS, and cuDNN's recurrent layers on
top of it, repeat their results (NVIDIA's cuBLAS documentation, "Results reproducibility")."""


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" takes CUDA, then Apple's MPS, then the CPU.

    Raises ValueError where this machine has no such device.
    """
    has_mps = torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    kind, _, number = name.partition(":")
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", name):
        raise ValueError(f"device is {name!r}; it must be auto, cpu, cuda, cuda:N or mps")
    if (kind == "cuda" and not torch.cuda.is_available()) or (kind == "mps" and not has_mps):
        raise ValueError(f"device {name!r} is not available here; use auto or cpu")
    if number and int(number) >= torch.cuda.device_count():
        raise ValueError(f"device {name!r}: this machine has {torch.cuda.device_count()} GPU(s)")
    return torch.device(name)


def choose_precision(
    device: torch.device, name: str = "auto", model: ModelConfig | None = None
) -> str:
    """The precision of that name, bf16, fp16, int16 or fp32, where the device has it.

    "auto" takes fp16 with loss scaling on GPUs with tensor cores (from Volta on). bf16 is no better
    there: torch gives cuDNN's layers fp16 numbers in either (charrnn.cuda.captured), without loss
    scaling in bf16. On a CPU it takes bf16 where AMX multiplies it, else int16 for the models that
    it makes faster, else bf16 with AVX-512 BF16, and fp32 elsewhere. On a CPU without those
    instructions bf16 is refused: torch's LSTM has no such kernel there, and its matrix products are
    several times slower than in fp32. So is int16 where `model` is not for it.
    """
    if name != "auto" and name not in PRECISIONS:
        raise ValueError(f"precision is {name!r}; it must be auto, {', '.join(PRECISIONS)}")
    if name == "int16":
        _check_int16(device, model)
    if device.type == "cuda":
        capability = torch.cuda.get_device_capability(device)
        best = "fp16" if capability >= (7, 0) else "fp32"
        if name == "bf16" and capability < (8, 0):
            raise ValueError("precision bf16 needs a GPU from Ampere on; use fp16 or fp32")
        return best if name == "auto" else name
    if device.type == "cpu":
        if name == "fp16" or (name == "bf16" and not cpu_has_bf16()):
            raise ValueError(f"this CPU has no fast {name} arithmetic; use precision fp32")
        return _best_on_cpu(model) if name == "auto" else name
    if name in ("bf16", "fp16"):
        raise ValueError(f"precision {name} is not supported on {device.type}; use fp32")
    return "fp32"


def _check_int16(device: torch.device, model: ModelConfig | None) -> None:
    """ValueError where a model (None: any) cannot be trained in int16."""
    kind = ("lstm", fixed_point.UNITS) if model is None else (model.cell, model.hidden)
    reason = f"it is for a CPU, not {device.type}"
    reason = fixed_point.why_not(*kind) if device.type == "cpu" else reason
    if model is not None and model.unrolls:
        reason = "it has no layers with recurrent_dropout or detach_top_h"
    if reason:
        raise ValueError(f"precision int16 is not to be had: {reason}; use auto or fp32")


def _best_on_cpu(model: ModelConfig | None) -> str:
    """The quickest; fp32 for a network whose training is unrolled.

    Lines that restart a network's state cut a step into pieces too short for int16 to pay.
    Beside the ordinary loop in fp32, bf16 gives 1.5 times the speed with AVX-512 BF16, and int16
    twice.
    """
    if model is not None and model.unrolls:  # what bf16 makes faster is whole layers at once
        return "fp32"
    second = "bf16" if cpu_has_bf16() else "fp32"
    if _has("_is_amx_tile_supported") or model is None:
        return second
    pays = model.restart is None and model.hidden >= PAYS
    return "int16" if pays and not fixed_point.why_not(model.cell, model.hidden) else second


def arithmetic(device: torch.device, precision: str) -> AbstractContextManager:
    """Where a model's forward pass is computed in a precision that `choose_precision` gave."""
    if precision == "int16":
        return fixed_point.switched_on()
    dtype = PRECISIONS[precision]
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype=dtype)


@contextmanager
def deterministic(on: bool = True) -> Iterator[None]:
    """Where torch takes only algorithms that give the same bits for the same input, if `on`.

    Afterwards all is as it was. On a CPU this changes nothing: there the layers repeat their bits
    anyway, on the same kind of processor with the same number of threads; another number can
    change the order of sums, and with it last bits (not in int16, whose bits stay). On CUDA the
    bits depend on the GPU and on the versions of CUDA and cuDNN. ValueError where this process has
    used its GPU too early: cuBLAS looks at the environment once.
    """
    if not on:
        yield
        return
    cudnn, memory = torch.backends.cudnn, torch.utils.deterministic
    mode, flags = torch.get_deterministic_debug_mode(), (cudnn.deterministic, cudnn.benchmark)
    filled, workspace = memory.fill_uninitialized_memory, os.environ.get(WORKSPACE)
    torch.set_deterministic_debug_mode("error")
    cudnn.deterministic, cudnn.benchmark = True, False
    memory.fill_uninitialized_memory = False  # nothing is read here before it is written
    if workspace not in FIXED:
        os.environ[WORKSPACE] = FIXED[0]
    try:
        yield
    except RuntimeError as error:
        if WORKSPACE not in str(error):
            raise
        raise ValueError(
            "deterministic came too late: this process has used its GPU before; start it with "
            f"{WORKSPACE}={FIXED[0]} in its environment"
        ) from None
    finally:
        torch.set_deterministic_debug_mode(mode)
        cudnn.deterministic, cudnn.benchmark = flags
        memory.fill_uninitialized_memory = filled
        os.environ.pop(WORKSPACE)
        if workspace is not None:
            os.environ[WORKSPACE] = workspace


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 numbers in hardware (AVX-512 BF16 or AMX)."""
    return _has("_is_avx512_bf16_supported") or _has("_is_amx_tile_supported")


def _has(check: str) -> bool:
    """What torch says of this CPU; no where it cannot tell."""
    return getattr(torch.cpu, check, bool)()


def describe_device(device: torch.device) -> str:
    """A device as a person would name it: "NVIDIA H200", "CPU (AMD EPYC, 2 threads)"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU (MPS)"
    threads = torch.get_num_threads()
    return f"CPU ({_cpu_name()}, {threads} thread{'s' if threads > 1 else ''})"


def _cpu_name() -> str:
    import platform
    from pathlib import Path

    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
