"""Which machine a number was taken on, and where results are kept.

Every benchmark ends in `save_result(name, result)`, which writes
`benchmarks/results/<name>-<machine>.json` with the processor, its cores, the GPU, versions, date
and commit beside the numbers.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from charrnn.checkpoint import write_atomically
from charrnn.runs import commit

RESULTS = Path(__file__).parent / "results"


def cores() -> int:
    """Logical processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The name of the processor, as the system tells it."""
    if platform.system() == "Linux":
        info = Path("/proc/cpuinfo").read_text()
        if found := re.search(r"^model name\s*:\s*(.+)$", info, re.MULTILINE):
            return found[1].strip()
    if platform.system() == "Darwin":
        ask = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    return platform.processor() or platform.machine()


def machine() -> dict:
    """The machine, the versions and the commit, as they stand in every result."""
    return {
        "cpu": processor(),
        "cores": cores(),
        "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
    }


def slug(facts: dict) -> str:
    """A machine's short name in file names: "amd-epyc-2-cores"."""
    parts = [facts["cpu"], f"{facts['cores']} cores", facts["gpu"] or ""]
    return re.sub(r"[^a-z0-9]+", "-", " ".join(parts).lower()).strip("-")


def save_result(name: str, result: dict, folder: Path = RESULTS) -> Path:
    """Write a benchmark's result with the machine it was taken on, and say where."""
    facts = machine()
    path = folder / f"{name}-{slug(facts)}.json"
    text = json.dumps({"benchmark": name, "machine": facts, **result}, indent=2) + "\n"
    write_atomically(path, text.encode())
    print(f"written to {path}")
    return path
