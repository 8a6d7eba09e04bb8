"""Memory that a step gives back is there for the next: counted in page faults."""

import os
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import torch
from charrnn.native.memory import keep_pages

if sys.argv[1] == "kept" and not keep_pages():
    sys.exit(3)

def step():
    torch.zeros(16 << 20)  # 64 MB

for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str, **environment: str) -> int | None:
    """Page faults of 20 pieces of 64 MB, one after the other; None where nothing was arranged."""
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, how],
        env=bare | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 3), done.stderr
    return None if done.returncode else int(done.stdout)


def test_pages_are_touched_once():
    kept = faults("kept")
    if kept is None:
        pytest.skip("the C library has no mallopt")
    assert kept < 100
    assert faults("plain") > kept


def test_own_settings_are_left():
    assert faults("kept", MALLOC_ARENA_MAX="2") is None
