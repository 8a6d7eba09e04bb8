"""Seal model files that have no seal: `python tools/seal.py data/runs/*/model.safetensors`.

Tensors and header stay as they are; what is sealed already is left alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

from safetensors import safe_open

from charrnn.checkpoint import SEAL, seal, write_atomically


def seal_file(path: Path) -> bool:
    """Whether there was no seal yet."""
    with safe_open(path, "numpy") as opened:
        if SEAL in opened.metadata():
            return False
    write_atomically(path, seal(path.read_bytes()))
    return True


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}: {'sealed' if seal_file(Path(name)) else 'has a seal'}")
