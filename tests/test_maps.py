"""A text that is larger than memory."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from charrnn import maps
from charrnn.batches import Lanes
from charrnn.maps import digest, let_go, rows

CPU = torch.device("cpu")


def resident() -> int:
    """Bytes of this process that are in memory, files that it maps among them."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.fixture(scope="module")
def long_text(tmp_path_factory):
    """64 MB of ids on disk, as a read-only map; the beginning of it, as training would have it."""
    path = tmp_path_factory.mktemp("long") / "ids"
    np.tile(np.random.default_rng(0).integers(0, 97, 1 << 20).astype(np.uint8), 64).tofile(path)
    return np.memmap(path, np.uint8, "r")[: 63 << 20]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_a_long_text_is_read_in_bounded_memory(long_text):
    """By steps through all of it, by hashing it, and onto a device lane by lane."""
    lanes, before, most = Lanes(long_text, batch=100, seq=1000, rank=1, ranks=2), resident(), 0
    for k in range(lanes.steps):
        lanes.step(k)
        most = max(most, resident() - before)
    digest([long_text])
    most = max(most, resident() - before)
    assert most < 20e6
    lanes.on(CPU)  # half of the text in memory, and nothing of the map
    assert resident() - before < 40e6
    let_go(long_text)
    before = resident()
    assert long_text[::4096].max() > 0
    assert resident() - before > 40e6, "what a map brings in is seen"
    let_go(long_text)
    assert resident() - before < 20e6


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32])
def test_a_large_map_is_read_from_its_file(tmp_path, monkeypatch, dtype):
    """Parts of parts of it, with the same rows; from the map itself where the file has gone."""
    ids = np.random.default_rng(0).integers(0, 200, 1000).astype(dtype)
    np.concatenate([ids[:3], ids]).tofile(tmp_path / "ids")
    offset, starts = 3 * ids.itemsize, np.array([7, 0, 90])
    mapped = np.memmap(tmp_path / "ids", dtype, "r", offset=offset)[100:][23:400]
    monkeypatch.setattr(maps, "LARGE", 100)
    wanted = [ids[123 + s : 123 + s + 5].tolist() for s in starts]
    assert rows(mapped, starts, 5).tolist() == wanted
    changed = np.memmap(tmp_path / "ids", dtype, "c", offset=offset)[123:400]
    changed[0] = 201
    assert rows(changed, starts, 5)[1, 0] == 201
    (tmp_path / "ids").unlink()
    assert rows(mapped, starts, 5).tolist() == wanted


def test_pages_are_let_go_of_only_where_they_can_be_read_again(tmp_path):
    """A copy-on-write map keeps what was written to it, an array what it holds."""
    np.zeros(1 << 13, np.uint8).tofile(tmp_path / "ids")
    changed, array = np.memmap(tmp_path / "ids", np.uint8, "c"), np.ones(5, np.uint8)
    changed[0] = 7
    let_go(changed)
    let_go(array)
    assert changed[0] == 7 and array.sum() == 5


def test_a_digest_is_of_all_that_is_read():
    ids = np.random.default_rng(0).integers(0, 97, (1 << 20) + 17).astype(np.uint16)
    whole = hashlib.sha256(b"uint16 1048593 " + ids.tobytes()).hexdigest()
    assert digest([ids]) == whole
    assert digest([ids[:-1]]) != whole != digest([ids.astype(np.int32)])
    assert digest([ids[:9], ids[9:]]) != digest([ids[:8], ids[8:]])
