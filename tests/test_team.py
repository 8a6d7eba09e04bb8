"""Parts of a loop, shared out: each once, wherever the threads come from."""

import ctypes
import threading

import pytest
import torch

from charrnn import native
from charrnn.native import team

pytestmark = pytest.mark.skipif(
    native.load("team") is None, reason=f"no compiled team: {native.why_not('team')}"
)
PART = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


class Told(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int64)]


@pytest.fixture(params=["torch's", "python's"])
def threads(request, monkeypatch):
    """Sets how many threads torch has; parts run in these, or in Python's."""
    if request.param == "python's":
        monkeypatch.setattr(team, "_openmp", lambda: None)
    elif team._openmp() is None:
        pytest.skip("torch has no OpenMP library that could be found")
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("many", [1, 2, 3, 5])
@pytest.mark.parametrize(("count", "grain"), [(1, 1), (7, 1), (64, 16), (50, 16), (33, 16)])
def test_every_piece_is_done_once(threads, many, count, grain):
    threads(many)
    seen, numbers = [], set()

    @PART
    def part(data, first, last):
        seen.append((first, last))
        numbers.add(ctypes.cast(data, ctypes.POINTER(Told)).contents.number)
        return 0

    team.in_threads(part, Told(17), count, grain)
    assert sorted(i for first, last in seen for i in range(first, last)) == list(range(count))
    assert all(first % grain == 0 for first, _ in seen)
    assert len(seen) == min(many, -(-count // grain))
    assert numbers == {17}


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_part_that_fails_is_an_error(threads, failing):
    threads(3)

    @PART
    def part(data, first, last):
        return int(first == failing)

    with pytest.raises(MemoryError, match="use a smaller batch"):
        team.in_threads(part, Told(0), 3)


def test_parts_run_side_by_side(threads):
    """Each waits until the other has begun; one after the other they would wait in vain."""
    threads(2)
    both, waited = threading.Barrier(2), []

    @PART
    def part(data, first, last):
        try:
            both.wait(timeout=20)
        except threading.BrokenBarrierError:
            waited.append(first)
        return 0

    team.in_threads(part, Told(0), 2)
    assert not waited
