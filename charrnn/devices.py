"""Which device to compute on, and in which precision."""

from __future__ import annotations

import re

import torch

PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


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


def choose_precision(device: torch.device, name: str = "auto") -> str:
    """The precision of that name, bf16, fp16 or fp32, where the device has it.

    "auto" takes bf16 where the hardware multiplies it (GPUs from Ampere on, CPUs with AVX-512 BF16
    or AMX), fp16 with loss scaling on older GPUs with tensor cores (Volta, Turing, such as a T4),
    and fp32 elsewhere. On a CPU without those instructions bf16 is refused: torch's LSTM has no
    such kernel there, and its matrix products are several times slower than in fp32.
    """
    if name != "auto" and name not in PRECISIONS:
        raise ValueError(f"precision is {name!r}; it must be auto, {', '.join(PRECISIONS)}")
    if device.type == "cuda":
        capability = torch.cuda.get_device_capability(device)
        best = "bf16" if capability >= (8, 0) else "fp16" if capability >= (7, 0) else "fp32"
        if name == "bf16" and best != "bf16":
            raise ValueError("precision bf16 needs a GPU from Ampere on; use fp16 or fp32")
        return best if name == "auto" else name
    if device.type == "cpu":
        if name == "fp16" or (name == "bf16" and not cpu_has_bf16()):
            raise ValueError(f"this CPU has no fast {name} arithmetic; use precision fp32")
        return ("bf16" if cpu_has_bf16() else "fp32") if name == "auto" else name
    if name in ("bf16", "fp16"):
        raise ValueError(f"precision {name} is not supported on {device.type}; use fp32")
    return "fp32"


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 numbers in hardware (AVX-512 BF16 or AMX)."""
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, bool)() for check in checks)


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
