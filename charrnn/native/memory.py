"""Large pieces of memory that a step gives back, kept for the next one.

glibc hands out whatever is larger than 32 megabytes fresh from the system and returns it at once,
and gives back the end of its heap, too. Every step of a training on a CPU asks for the same pieces
again, and the system fills each of their pages with zeros at its first touch: a fifth of the time
of a float32 step of 2 x 512.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # <malloc.h>
KEPT = 1 << 30
"""Bytes of the largest piece that is kept, and of what may lie unused at the end of the heap."""


@cache
def keep_pages() -> bool:
    """From now on this process keeps what it gives back; whether that could be arranged.

    Only glibc has a word for it. Somebody's own settings (MALLOC_..., GLIBC_TUNABLES) are left.
    """
    own = any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ)
    if own or not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(
        mallopt(m, KEPT) for m in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD)
    )
