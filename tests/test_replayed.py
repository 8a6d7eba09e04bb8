"""Recorded steps, with a recording that a CPU can make: what Python said then must not stay."""

from importlib import import_module

import numpy as np
import pytest
import replayed
import torch
from short_training import TRAIN, VAL, VOCAB, begin, differ, ordinary, train, walk

from charrnn.cuda import captured
from charrnn.cuda.captured import step_for
from charrnn.cuda.captured_stepper import BlockStepper
from charrnn.model import CharRNN, ModelConfig
from charrnn.sample import Sampling, uniform_stream


@pytest.fixture(autouse=True)
def recordable(monkeypatch):
    """One thread, so that sums are taken in one order; oneDNN's layer works out whether it is
    trained from more than its arguments, so cannot be done again."""
    before, rmsprop = torch.get_num_threads(), import_module("torch.optim.rmsprop")
    torch.set_num_threads(1)
    monkeypatch.setattr(captured, "record", replayed.record)
    monkeypatch.setattr(captured, "_can_be_recorded", lambda *_: True)
    monkeypatch.setattr(rmsprop, "_get_capturable_supported_devices", lambda: ["cpu"])
    (on, *_) = torch.backends.mkldnn.set_flags(False)
    yield
    torch.backends.mkldnn.set_flags(on)
    torch.set_num_threads(before)


def as_on_cuda(training):
    """With the optimizers' variants that are taken there, which read a rate from a tensor."""
    for group in training.optimizer.param_groups:
        group["foreach" if training.config.optimizer == "rmsprop" else "fused"] = True
    training.optimizer._step_supports_amp_scaling = True  # as a fused optimizer sets it
    return training


def recorded(training, *sizes):
    plain = training.config.batch, len(VOCAB)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(captured, "_sizes", lambda *_: [sizes or plain])
        step = step_for(training, training.data.on(training.device))
    assert step.launch != step.compute
    return step


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "rmsprop"])
@pytest.mark.parametrize(("cell", "sizes"), [("lstm", (8, 128)), ("gru", ()), ("rnn", ())])
def test_a_recorded_training_is_an_ordinary_one(tmp_path, optimizer, cell, sizes):
    """Through two epochs, a learning rate that changes with each step, and dropout."""
    ours, theirs = (begin(tmp_path / name, cell, optimizer=optimizer) for name in "ab")
    step = recorded(as_on_cuda(ours), *sizes)
    got, expected = walk(ours, step, 70), walk(theirs, ordinary(theirs), 70)
    np.testing.assert_allclose(got, expected, atol=1e-4, rtol=0)
    assert expected[-1] < expected[0] - 0.3
    assert differ(ours, theirs) < 1e-3
    assert torch.equal(ours.generator.get_state(), theirs.generator.get_state())
    assert ours.optimizer.param_groups[0]["lr"] == theirs.optimizer.param_groups[0]["lr"]


def test_a_recorded_training_goes_on_where_it_stopped(tmp_path):
    whole, parts = (as_on_cuda(begin(tmp_path / name)) for name in ("whole", "parts"))
    walk(whole, recorded(whole), 60)
    walk(parts, recorded(parts), 37)
    train.validate(parts)
    train.save(parts)
    resumed = as_on_cuda(train.resume(tmp_path / "parts", TRAIN, VAL))
    walk(resumed, recorded(resumed), 23)
    assert differ(resumed, whole) == 0


def test_recorded_steps_and_ordinary_ones_can_take_turns(tmp_path):
    ours, theirs = (as_on_cuda(begin(tmp_path / name)) for name in "ab")
    step, other = recorded(ours), ordinary(ours)
    got = [loss for turn in (step, other, step, other, step) for loss in walk(ours, turn, 10)]
    np.testing.assert_allclose(got, walk(theirs, ordinary(theirs), 50), atol=1e-5, rtol=0)


@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop"])
def test_a_recorded_loss_scale_falls_and_rises(tmp_path, optimizer):
    """From so high that the first gradients overflow; those steps change no weights."""
    ours, theirs = (as_on_cuda(begin(tmp_path / n, "gru", optimizer=optimizer)) for n in "ab")
    for training in (ours, theirs):
        training.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127, growth_interval=20)
        training.model.decoder.bias.register_hook(lambda g: g.where(g.abs() < 2.0**120, torch.inf))
    weights = [p.detach().clone() for p in ours.model.parameters()]
    step = recorded(ours)
    got = walk(ours, step, 1)
    assert ours.scaler.get_scale() == 2.0**126
    assert all(
        torch.equal(p, kept) for p, kept in zip(ours.model.parameters(), weights, strict=True)
    )
    got, expected = got + walk(ours, step, 49), walk(theirs, ordinary(theirs), 50)
    np.testing.assert_allclose(got, expected, atol=1e-4, rtol=0)
    assert ours.scaler.state_dict() == theirs.scaler.state_dict()
    assert ours.scaler.get_scale() < 2.0**126
    assert expected[-1] < expected[0] - 0.2


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize(
    "chosen", [{}, {"temperature": 0.0}, {"temperature": 0.5, "top_k": 9, "top_p": 0.8}], ids=str
)
def test_a_recorded_block_is_drawn_anew_each_time(cell, chosen):
    config = ModelConfig(31, cell=cell, hidden=24, layers=2, restart=5)
    model, settings = CharRNN(config, torch.Generator().manual_seed(1)), Sampling(**chosen)
    texts = []
    for wrap in (lambda work, device: work, replayed.record):
        stepper = BlockStepper(model, settings, streams=2, block=8)
        stepper.launch = wrap(stepper.compute, model.device)
        stepper.reset()
        numbers = uniform_stream(0, 2)
        texts.append(np.array(list(stepper.draw(np.array([1, 2, 3]), numbers, 100))))
    np.testing.assert_array_equal(*texts)


def test_a_value_that_is_asked_for_is_found():
    with pytest.raises(RuntimeError, match="asked for"):
        replayed.record(lambda: torch.ones(()).item(), torch.device("cpu"))
