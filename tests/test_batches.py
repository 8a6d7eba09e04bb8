import string
from collections import Counter

import numpy as np
import pytest
import torch

from charrnn.batches import (
    IGNORED,
    Lanes,
    Lines,
    arrange,
    check_shares,
    share,
)

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


# Lanes shared out


@pytest.mark.parametrize(("lanes", "ranks"), [(12, 3), (5, 2), (3, 4), (0, 2)])
def test_shares_are_every_lane_once_and_equal_but_for_one(lanes, ranks):
    shares = [share(lanes, rank, ranks) for rank in range(ranks)]
    assert [lane for own in shares for lane in own] == list(range(lanes))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_each_process_reads_its_own_lanes_of_the_same_steps():
    ids = np.random.default_rng(0).integers(0, 200, 201).astype(np.uint8)
    whole = Lanes(ids, batch=6, seq=5)
    shared = [Lanes(ids, batch=6, seq=5, rank=rank, ranks=3) for rank in range(3)]
    for k in range(whole.steps):
        for i in (0, 1):
            joined = torch.cat([lanes.step(k)[i] for lanes in shared], dim=1)
            assert torch.equal(joined, whole.step(k)[i])
            there = torch.cat([lanes.on(CPU).step(k)[i] for lanes in shared], dim=1)
            assert torch.equal(there, joined)
    for lanes in shared:
        assert (lanes.steps, lanes.characters, lanes.width(0)) == (whole.steps, 30, 6)
        assert lanes.on(CPU).columns.shape == (whole.lane_length + 1, 2)


def test_each_process_reads_its_own_lines_of_the_same_steps():
    text = as_ids("".join(f"{'x' * (i % 7)}{i}\n" for i in range(31)))
    whole = Lines(text, NEWLINE, batch=8, seq=20, seed=3)
    shared = [Lines(text, NEWLINE, 8, 20, 3, rank, 3) for rank in range(3)]
    for k in range(2 * whole.steps):  # the last of an epoch has 7
        assert {lines.width(k) for lines in shared} == {whole.step(k)[0].shape[1]}
        for i in (0, 1):
            joined = torch.cat([lines.step(k)[i] for lines in shared], dim=1)
            assert torch.equal(joined, whole.step(k)[i])


def test_a_batch_has_equal_shares_or_is_refused():
    for batch, ranks, groups in ((12, 1, 1), (12, 3, 1), (12, 1, 4), (12, 3, 4)):
        check_shares(Lanes(np.zeros(99, np.uint8), batch, 4), ranks, groups)
    lanes = Lanes(np.zeros(99, np.uint8), 12, 4)
    with pytest.raises(ValueError, match=r"batch 12 cannot be .* over 5 processes; .* of 5 "):
        check_shares(lanes, 5, 1)
    with pytest.raises(ValueError, match=r"over 8 groups \(accumulate\); take a multiple of 8 "):
        check_shares(lanes, 1, 8)
    with pytest.raises(ValueError, match=r"over 3 processes and 8 groups .* a multiple of 24"):
        check_shares(lanes, 3, 8)


# Lines, each for itself


def as_ids(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


NEWLINE = ord("\n")
NAMES = ["Anna", "Ida", "Jo", "Eleonore"]


def lines_of(x: torch.Tensor, y: torch.Tensor) -> list[str]:
    """The lines of a step, after checking that inputs and targets are the same text, shifted."""
    found = []
    for inputs, targets in zip(x.T.tolist(), y.T.tolist(), strict=True):
        length = sum(t != IGNORED for t in targets)
        assert all(t == IGNORED for t in targets[length:])
        assert inputs[0] == NEWLINE and inputs[1:length] == targets[: length - 1]
        assert NEWLINE not in inputs[1:], "what stands behind a line does not restart the network"
        found.append(bytes(targets[:length]).decode())
    return found


def test_a_step_holds_whole_lines_from_their_newline_to_the_next():
    lines = Lines(as_ids("\n".join(NAMES) + "\n"), NEWLINE, batch=3, seq=20)
    assert lines.steps == 2 and lines.cut == 0
    first, last = lines.step(0), lines.step(1)
    assert first[0].shape == first[1].shape and first[0].shape[1] == 3 and last[0].shape[1] == 1
    assert first[0].dtype == first[1].dtype == torch.int64
    assert sorted(lines_of(*first) + lines_of(*last)) == sorted(name + "\n" for name in NAMES)
    assert lines.characters == (sum(map(len, NAMES)) + 4) / 2


def test_every_epoch_has_all_lines_in_an_order_of_its_own():
    names = [f"name{i}" for i in range(50)]
    lines = Lines(as_ids("\n".join(names) + "\n"), NEWLINE, batch=8, seq=20, seed=3)

    def epoch(n: int) -> list[str]:
        return [line for i in range(7) for line in lines_of(*lines.step(7 * n + i))]

    assert sorted(epoch(0)) == sorted(epoch(1)) == sorted(name + "\n" for name in names)
    assert epoch(0) != epoch(1) and epoch(1) == epoch(1)
    other = Lines(lines.ids, NEWLINE, batch=8, seq=20, seed=4)
    assert lines_of(*other.step(0)) != lines_of(*lines.step(0))


def test_of_a_long_line_the_beginning_is_read_and_counted():
    lines = Lines(as_ids("Bo\nHildegard\n"), NEWLINE, batch=2, seq=5)
    assert lines.cut == 1
    assert sorted(lines_of(*lines.step(0))) == ["Bo\n", "Hilde"]


def test_a_newline_that_is_not_the_first_symbol():
    """Behind a line stands a symbol that does not restart the network, whichever restarts it."""
    x, y = Lines(np.array([1, 1, 0, 0], np.uint8), restart=0, batch=2, seq=9).step(0)
    assert sorted(y.T.tolist()) == [[0, IGNORED, IGNORED], [1, 1, 0]]
    assert (x[1:] != 0).all()
    x, _ = Lines(np.array([0, 0, 1, 1], np.uint8), restart=1, batch=2, seq=9).step(0)
    assert (x[0] == 1).all() and (x[1:] != 1).all()


def test_lines_need_lines():
    with pytest.raises(ValueError, match="there are no lines to train on"):
        Lines(as_ids("no end"), NEWLINE, batch=1, seq=5)
    with pytest.raises(ValueError, match="both must be at least 1"):
        Lines(as_ids("a\n"), NEWLINE, batch=0, seq=5)


def test_a_training_is_arranged_by_its_model():
    ids = as_ids("ab\ncd\n" * 20)
    assert isinstance(arrange(ids, 2, 5), Lanes)
    assert isinstance(arrange(ids, 2, 5, restart=NEWLINE), Lines)
