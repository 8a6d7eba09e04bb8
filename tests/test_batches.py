import string
from collections import Counter

import numpy as np
import pytest
import torch

from charrnn.batches import Lanes, shuffle_lines

CPU = torch.device("cpu")
ALPHABET = np.arange(26, dtype=np.uint8)


def letters(column) -> str:
    return "".join(string.ascii_lowercase[i] for i in column)


def test_the_drawing_of_the_alphabet():
    lanes = Lanes(ALPHABET, batch=3, seq=4)
    assert (lanes.steps, lanes.lane_length) == (2, 8)
    inputs = [[letters(lane) for lane in lanes.step(i)[0].T] for i in range(2)]
    targets = [[letters(lane) for lane in lanes.step(i)[1].T] for i in range(2)]
    assert inputs == [["abcd", "ijkl", "qrst"], ["efgh", "mnop", "uvwx"]]
    assert targets == [["bcde", "jklm", "rstu"], ["fghi", "nopq", "vwxy"]]


def test_steps_are_int64_with_time_first():
    x, y = Lanes(ALPHABET, batch=3, seq=4).step(0)
    assert x.shape == y.shape == (4, 3)
    assert x.dtype == y.dtype == torch.int64


@pytest.mark.parametrize(("n", "batch", "seq"), [(26, 3, 4), (101, 10, 10), (97, 1, 7), (50, 7, 7)])
def test_an_epoch_counts_every_target_once(n, batch, seq):
    ids = np.arange(n)
    lanes = Lanes(ids, batch, seq)
    seen = Counter(int(i) for k in range(lanes.steps) for i in lanes.step(k)[1].flatten())
    assert seen == Counter(range(1, batch * lanes.lane_length + 1))
    left_out = n - 1 - len(seen)
    assert left_out < batch * (seq + 1)  # less than one more step of all lanes


def test_targets_are_the_characters_after_the_inputs():
    lanes = Lanes(np.arange(101), batch=4, seq=5)
    for k in range(lanes.steps):
        x, y = lanes.step(k)
        assert torch.equal(y, x + 1)


def test_a_lane_is_read_in_order_from_step_to_step():
    lanes = Lanes(np.arange(101), batch=4, seq=5)
    read = torch.cat([lanes.step(k)[0] for k in range(lanes.steps)])
    assert torch.equal(read, torch.arange(lanes.lane_length)[:, None] + torch.arange(4) * 25)


def test_a_text_that_is_just_long_enough_and_one_that_is_not():
    assert Lanes(np.zeros(13, np.uint8), batch=3, seq=4).steps == 1
    message = "12 characters are too few for batch 3 x seq 4, which needs 13; lower one of the two"
    with pytest.raises(ValueError, match=message):
        Lanes(np.zeros(12, np.uint8), batch=3, seq=4)


@pytest.mark.parametrize(("batch", "seq"), [(0, 4), (3, 0), (-1, 4)])
def test_impossible_shapes_are_refused(batch, seq):
    with pytest.raises(ValueError, match=f"batch {batch} x seq {seq}: both must be at least 1"):
        Lanes(ALPHABET, batch, seq)


@pytest.mark.parametrize("index", [-1, 2])
def test_there_is_no_step_outside_an_epoch(index):
    with pytest.raises(IndexError, match=f"step {index} of 2"):
        Lanes(ALPHABET, 3, 4).step(index)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.uint32])
def test_lanes_on_a_device_are_the_same_lanes(dtype):
    ids = np.random.default_rng(0).integers(0, 200, 101).astype(dtype)
    lanes = Lanes(ids, batch=4, seq=5)
    there = lanes.on(CPU)
    assert there.columns.shape == (lanes.lane_length + 1, 4)
    assert there.columns.dtype == (torch.uint8 if dtype == np.uint8 else torch.int32)
    for k in range(lanes.steps):
        for ours, theirs in zip(lanes.step(k), there.step(k), strict=True):
            assert torch.equal(ours, theirs)
            assert theirs.dtype == torch.int64


def test_lanes_read_a_memory_map(tmp_path):
    ids = np.random.default_rng(0).integers(0, 200, 101).astype(np.uint8)
    ids.tofile(tmp_path / "ids")
    mapped = Lanes(np.memmap(tmp_path / "ids", np.uint8, "r"), batch=4, seq=5)
    for ours, theirs in zip(Lanes(ids, 4, 5).step(2), mapped.step(2), strict=True):
        assert torch.equal(ours, theirs)
    assert torch.equal(mapped.on(CPU).step(2)[0], mapped.step(2)[0])


# Lines in another order


def as_ids(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def as_lines(ids: np.ndarray) -> list[str]:
    assert ids[-1] == ord("\n")
    return ids.tobytes().decode().split("\n")[:-1]


def test_shuffling_keeps_the_lines():
    names = [f"name{i % 20}" for i in range(40)]  # some twice
    shuffled = as_lines(shuffle_lines(as_ids("\n".join(names) + "\n"), ord("\n"), seed=1))
    assert Counter(shuffled) == Counter(names)
    assert shuffled != names


def test_the_order_is_that_of_the_seed():
    ids = as_ids("".join(f"name{i}\n" for i in range(40)))
    first, second, other = (shuffle_lines(ids, ord("\n"), seed) for seed in (1, 1, 2))
    assert first.tolist() == second.tolist() != other.tolist()
    assert first.dtype == ids.dtype


def test_a_last_line_without_its_newline_gets_one_and_empty_lines_go():
    assert sorted(as_lines(shuffle_lines(as_ids("b\n\n\na"), ord("\n"), seed=0))) == ["a", "b"]


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_nothing_to_shuffle_is_an_error(text):
    with pytest.raises(ValueError, match="there are no lines to shuffle; the text is empty"):
        shuffle_lines(as_ids(text), ord("\n"), seed=0)
