"""The training step on fixed buffers, run uncaptured on a CPU beside the ordinary one."""

import copy
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from short_training import TRAIN, VAL, VOCAB, begin, differ, fixed, ordinary, train, walk

from charrnn.checkpoint import load_checkpoint
from charrnn.cuda import captured
from charrnn.cuda.captured import filled_up, step_for
from charrnn.cuda.fixed_step import addresses
from charrnn.model import ModelConfig

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("optimizer", ["adamw", "adam", "rmsprop"])
def test_a_fixed_step_is_an_ordinary_one(tmp_path, cell, optimizer):
    ours, theirs = (begin(tmp_path / name, cell, optimizer=optimizer) for name in "ab")
    got, expected = walk(ours, fixed(ours), 70), walk(theirs, ordinary(theirs), 70)
    np.testing.assert_allclose(got, expected, atol=1e-6, rtol=0)
    assert expected[-1] < expected[0] - 0.3
    assert differ(ours, theirs) < 1e-6
    assert torch.equal(ours.generator.get_state(), theirs.generator.get_state())
    assert ours.progress.step == theirs.progress.step == ours.progress.meter_steps == 70
    assert ours.optimizer.param_groups[0]["lr"] == theirs.optimizer.param_groups[0]["lr"]


def test_lanes_and_inputs_that_were_filled_up_change_nothing(tmp_path):
    ours, theirs = begin(tmp_path / "a"), begin(tmp_path / "b")
    got, expected = walk(ours, fixed(ours, 8, 128), 70), walk(theirs, ordinary(theirs), 70)
    np.testing.assert_allclose(got, expected, atol=1e-5, rtol=0)
    assert differ(ours, theirs) < 1e-5
    assert ours.model.rnn[0].weight_ih_l0.shape == (64, len(VOCAB))
    assert [s.shape for s in ours.state] == [(2, 5, 16)] * 2


def test_both_kinds_of_step_can_take_turns(tmp_path):
    ours, theirs = begin(tmp_path / "a"), begin(tmp_path / "b")
    step, other = fixed(ours, 8, 128), ordinary(ours)
    got = [loss for turn in (step, other, step, step, other) for loss in walk(ours, turn, 14)]
    expected = walk(theirs, ordinary(theirs), 70)
    np.testing.assert_allclose(got, expected, atol=1e-5, rtol=0)


def test_a_training_is_saved_and_resumed_between_two_fixed_steps(tmp_path):
    whole, parts = begin(tmp_path / "whole"), begin(tmp_path / "parts")
    walk(whole, fixed(whole), 60)
    walk(parts, fixed(parts), 37)
    train.validate(parts)  # which leaves the network in evaluation mode
    train.save(parts)
    kept = load_checkpoint(tmp_path / "parts" / "last.safetensors")
    assert kept.tensors["state.0"].shape == (2, 5, 16)
    resumed = train.resume(tmp_path / "parts", TRAIN, VAL)
    walk(resumed, fixed(resumed), 23)
    walk(parts, fixed(parts), 23)
    assert differ(resumed, whole) == differ(parts, whole) == 0


def test_a_lane_starts_over_from_an_empty_state_in_each_epoch(tmp_path):
    training = begin(tmp_path)
    step = fixed(training)
    walk(training, step, 32)
    assert training.state[0].abs().max() > 0
    step._tell()  # of the second epoch's first step
    assert all(s.abs().max() == 0 for s in step.state)


def scaled(training, scale: float):
    training.scaler = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=9)
    return training


@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop"])
def test_a_scaled_loss_gives_the_same_steps(tmp_path, optimizer):
    """By powers of two, so to the bit but where a gradient is tiny."""
    ours, theirs = (begin(tmp_path / name, optimizer=optimizer) for name in "ab")
    scaled(ours, 2.0**16)
    np.testing.assert_allclose(
        walk(ours, fixed(ours), 40), walk(theirs, ordinary(theirs), 40), atol=1e-6, rtol=0
    )
    assert ours.scaler.get_scale() == 2.0**20


@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop"])
def test_a_step_whose_gradients_overflow_is_left_out(tmp_path, optimizer):
    training = begin(tmp_path, optimizer=optimizer)
    step = fixed(scaled(training, 1.0))
    walk(training, step, 3)
    weights = [p.detach().clone() for p in training.model.parameters()]
    name = "square_avg" if optimizer == "rmsprop" else "exp_avg_sq"
    memory = [m[name].clone() for m in training.optimizer.state.values()]
    overflow = training.model.decoder.bias.register_hook(lambda grad: grad / 0.0)
    walk(training, step, 1)
    assert training.scaler.get_scale() == 0.5
    for kept, now in zip(weights, training.model.parameters(), strict=True):
        assert torch.equal(kept, now)
    for kept, now in zip(memory, training.optimizer.state.values(), strict=True):
        assert torch.equal(kept, now[name])
    overflow.remove()
    walk(training, step, 1)
    assert not torch.equal(weights[0], training.model.rnn[0].weight_ih_l0)


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "rmsprop"])
def test_a_step_whose_gradient_is_not_finite_is_left_out_in_fp32_too(tmp_path, optimizer):
    ours, theirs = (begin(tmp_path / name, optimizer=optimizer) for name in "ab")
    for training, step in ((ours, fixed(ours)), (theirs, ordinary(theirs))):
        walk(training, step, 3)
        overflow = training.model.decoder.bias.register_hook(lambda grad: grad * torch.nan)
        walk(training, step, 2)
        overflow.remove()
        walk(training, step, 4)
        training.settle()
        assert training.progress.skipped == 2
    assert differ(ours, theirs) < 1e-6


def test_a_carried_state_that_is_not_finite_is_emptied_in_its_lane(tmp_path):
    training = begin(tmp_path)
    step = fixed(training)
    walk(training, step, 3)
    training.state[1][0, 2, 5] = torch.inf
    walk(training, step, 1)
    training.settle()
    assert training.progress.skipped == 1
    for part in training.state:
        assert part.isfinite().all()
        assert part[:, 2].abs().max() == 0 < part[:, 1].abs().max()


def test_what_a_recording_needs_to_call_is_undone(tmp_path):
    """Also of an optimizer that had no memory yet, and of one that has."""
    ours, theirs = begin(tmp_path / "a"), begin(tmp_path / "b")
    for before in (0, 9):
        walk(ours, fixed(ours), before)
        walk(theirs, fixed(theirs), before)
        step, kept = fixed(ours), captured._Before(ours)
        for _ in range(3):
            step.compute()
        assert [p.grad is None for p in ours.model.parameters()] == [False] * 10
        kept.put_back(ours)
    np.testing.assert_array_equal(walk(ours, fixed(ours), 30), walk(theirs, fixed(theirs), 30))
    assert differ(ours, theirs) == 0
    assert ours.meter == theirs.meter


def test_a_recording_that_fails_leaves_the_training_as_it_was(tmp_path, monkeypatch):
    """It may fail in the midst of a step, with gradients there and a scaler between two calls."""

    def fail(work, device, generator):
        work()
        training.scaler.scale(torch.zeros(()))
        training.model.decoder.bias.grad = torch.ones(len(VOCAB))
        training.scaler.unscale_(training.optimizer)
        raise RuntimeError("operation not permitted\nwhen stream is capturing")

    monkeypatch.setattr(captured, "record", fail)
    monkeypatch.setattr(captured, "_can_be_recorded", lambda *_: True)
    monkeypatch.setattr(captured, "_rate_on_the_device", lambda step: nullcontext())
    training, theirs = scaled(begin(tmp_path / "a"), 8.0), scaled(begin(tmp_path / "b"), 8.0)
    walk(training, fixed(training), 5)
    walk(theirs, fixed(theirs), 5)
    with pytest.warns(UserWarning, match=r"more slowly \(operation not permitted\)$"):
        assert step_for(training, training.data.on(training.device)) is None
    np.testing.assert_array_equal(
        walk(training, ordinary(training), 30), walk(theirs, ordinary(theirs), 30)
    )
    assert differ(training, theirs) == 0


def test_the_optimizer_reads_its_rate_from_the_device_while_a_step_is_recorded(tmp_path):
    """With torch's fused optimizer, which takes a tensor; afterwards the rate is a number again."""
    ours, theirs = begin(tmp_path / "a"), begin(tmp_path / "b")
    ours.optimizer = torch.optim.AdamW(ours.model.parameters(), 1.0, weight_decay=0.0, fused=True)
    step = fixed(ours)
    step._tell()
    with captured._rate_on_the_device(step):
        step.compute()
        assert {group["capturable"] for group in ours.optimizer.param_groups} == {True}
    assert {group["capturable"] for group in ours.optimizer.param_groups} == {False}
    assert ours.optimizer.param_groups[0]["lr"] == 0.02 / 4
    ours.state = step.shown
    walk(theirs, ordinary(theirs), 1)
    assert differ(ours, theirs) < 1e-6


def test_weights_that_have_moved_are_not_launched_as_recorded(tmp_path):
    ours, theirs = begin(tmp_path / "a"), begin(tmp_path / "b")
    step = fixed(ours)
    walk(ours, step, 3)
    step.recorded, step.launch = addresses(ours), step.compute
    walk(ours, step, 3)
    assert step.recorded is not None
    step.launch = lambda: pytest.fail("launched what was recorded elsewhere")
    moved = ours.model.decoder.weight
    moved.data = copy.deepcopy(moved.data)
    with pytest.warns(UserWarning, match="its weights have moved"):
        got = walk(ours, step, 3)
    np.testing.assert_array_equal(got, walk(theirs, ordinary(theirs), 9)[6:])


@pytest.mark.parametrize(
    ("config", "batch", "expected"),
    [
        ({"hidden": 512}, 100, (104, 128)),
        ({"hidden": 512}, 128, (128, 128)),
        ({"hidden": 512}, 129, (129, 97)),
        ({"hidden": 256, "vocab_size": 200}, 5, (8, 256)),
        ({"hidden": 1024, "vocab_size": 128}, 64, (64, 128)),
        ({"hidden": 1152}, 100, (100, 97)),
        ({"hidden": 500}, 100, (100, 97)),
        ({"hidden": 128}, 100, (100, 97)),
        ({"hidden": 512, "cell": "gru"}, 100, (100, 97)),
    ],
)
def test_sizes_that_open_the_persistent_kernels(config, batch, expected):
    assert filled_up(ModelConfig(**{"vocab_size": 97, **config}), batch) == expected


def test_nothing_is_recorded_off_cuda(tmp_path):
    training = begin(tmp_path)
    assert step_for(training, training.data.on(training.device)) is None
