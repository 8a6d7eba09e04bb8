"""C that is compiled where it runs: the few loops that neither NumPy nor torch does at full speed.

A source of this folder is compiled at its first use by the machine's own compiler, for the very
processor that it is on, and kept in the cache folder under a name that changes with the sources,
the flags, the compiler and the processor. It is loaded with ctypes, which lets other Python threads
run meanwhile. Where there is no compiler, or `CHARRNN_NATIVE=0` is set, `load` returns None: every
caller has another way to the same result.

To load a library is to run what it holds, and a cache may be shared. So each user's are in a folder
of its own there, made for that user alone; one that is another's, or that others may write to, is
not used.

lstm.c     training's LSTM layers in 16-bit fixed point: fixed_point.py, fixed_point_kernel.py
dropout.c  which units dropout lets through: dropout.py
step.c     one character at a time, drawing included: fused.py, on as many threads as pace.py finds
team.c     parts of a loop in the threads that torch has: team.py
memory.py  memory that a step gives back, kept for the next
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pooch

SOURCES = Path(__file__).parent
FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-std=gnu11")
"""No contraction: a product and a sum are rounded one by one, as the arithmetic of published models
wants it (charrnn.export); a kernel that wants a fused multiply-add asks for it by name."""
SECONDS = 120
"""Longest time that a compiler is waited for."""


def load(name: str) -> ctypes.CDLL | None:
    """The compiled `<name>.c` of this folder, or None where it cannot be had (`why_not` tells)."""
    library, _ = _attempt(name)
    return library


def why_not(name: str) -> str | None:
    """Why `load` returns None, in one line; None where it does not."""
    return _attempt(name)[1]


@cache
def _attempt(name: str) -> tuple[ctypes.CDLL | None, str | None]:
    if os.environ.get("CHARRNN_NATIVE") == "0":
        return None, "CHARRNN_NATIVE is 0"
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return None, f"the compiled loops are for x86-64 processors, not {platform.machine()}"
    if "avx2" not in _processor():
        return None, "this processor has no AVX2"
    compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
    if compiler is None:
        return None, "there is no C compiler (cc or gcc; on Debian: apt-get install gcc)"
    try:
        return ctypes.CDLL(str(_compiled(SOURCES / f"{name}.c", compiler))), None
    except (OSError, subprocess.SubprocessError) as error:
        return None, f"{compiler} could not compile {name}.c: {_complaint(error)}"


def _complaint(error: Exception) -> str:
    """What a compiler says first of an error, or the exception of itself, in a line."""
    said = getattr(error, "stderr", None) or str(error)
    lines = (said.decode(errors="replace") if isinstance(said, bytes) else said).splitlines()
    return next((line for line in lines if "error" in line), (lines or [repr(error)])[0]).strip()


def _compiled(source: Path, compiler: str) -> Path:
    """The shared library of a source, compiled unless the cache has it already.

    It appears under its final name complete or not at all, so that processes which compile it at
    the same time do not disturb each other.
    """
    version = subprocess.run([compiler, "--version"], capture_output=True, check=True, timeout=10)
    sources = [path.read_bytes() for path in (source, *sorted(source.parent.glob("*.h")))]
    parts = [*sources, version.stdout, " ".join(FLAGS).encode(), _processor().encode()]
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
    cache_folder = Path(os.environ.get("CHARRNN_CACHE") or pooch.os_cache("charrnn"))
    folder = _own_folder(cache_folder.expanduser())
    library = folder / f"{source.stem}-{digest}.so"
    if library.exists():
        return library
    with tempfile.TemporaryDirectory(dir=folder) as place:
        partial = Path(place) / library.name
        command = [
            compiler,
            *FLAGS,
            "-shared",
            "-fPIC",
            "-pthread",
            str(source),
            "-o",
            str(partial),
        ]
        subprocess.run(
            [*command, "-lm"], capture_output=True, text=True, check=True, timeout=SECONDS
        )
        os.replace(partial, library)
    return library


def _own_folder(cache: Path) -> Path:
    """The folder of this user's libraries in the cache, made if need be.

    Raises PermissionError where it is not this user's alone. Windows has no such owners and bits;
    there the folder is as private as the cache.
    """
    if not hasattr(os, "getuid"):
        folder = cache / "native"
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    folder = cache / f"native-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()  # not what a link leads to
    mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not mine or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(
            f"{folder} is not a folder that this user alone can write to; remove it, or set "
            "CHARRNN_CACHE to a folder of your own"
        )
    return folder


@cache
def _processor() -> str:
    """What the processor can do, as the system lists it: "-march=native" compiles for that."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        return next((line for line in lines if line.startswith("flags")), "")
    if platform.system() == "Darwin":
        ask = ["sysctl", "-n", "machdep.cpu.brand_string", "machdep.cpu.leaf7_features"]
        return subprocess.run(ask, capture_output=True, text=True, check=False).stdout.lower()
    return ""
