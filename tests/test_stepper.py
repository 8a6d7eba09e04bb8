"""One character at a time in NumPy: the same network as `CharRNN.forward`."""

import math

import numpy as np
import pytest
import torch

from charrnn.model import CharRNN, ModelConfig
from charrnn.stepper import Stepper

TOLERANCE = 2e-5
"""Largest difference of a logit or a state after STEPS steps, from float32 sums of 2 H terms in
another order; the logits are of size 1 to 10."""
STEPS = 12


def random_model(cell: str, layers: int, hidden: int = 37, scale: float = 2.0) -> CharRNN:
    """Weights large enough that gates saturate, and biases that are not zero."""
    generator = torch.Generator().manual_seed(hidden + layers)
    model = CharRNN(ModelConfig(11, cell=cell, hidden=hidden, layers=layers), generator)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.uniform_(-0.5, 0.5, generator=generator)
            else:
                parameter.mul_(scale)
        model.decoder.weight.mul_(3)
    return model.eval()


def random_ids(streams: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 11, (STEPS, streams))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("streams", [1, 5])
def test_equals_forward(cell, layers, streams):
    model, ids = random_model(cell, layers), random_ids(streams)
    with torch.inference_mode():
        expected, state = model(torch.from_numpy(ids))
    stepper = Stepper(model, streams)
    logits = np.stack([stepper.step(row) for row in ids])
    assert logits.dtype == np.float32 and logits.shape == (STEPS, streams, 11)
    assert np.abs(expected.numpy()).max() > 1
    assert np.abs(logits - expected.numpy()).max() < TOLERANCE
    assert len(stepper.state()) == len(state)
    for ours, theirs in zip(stepper.state(), state, strict=True):
        assert ours.shape == (layers, streams, 37)
        assert np.abs(ours - theirs.numpy()).max() < TOLERANCE


def test_a_step_by_hand():
    """One tanh unit: h = tanh(W_xh[s] + W_hh h + b), logits = W h + b."""
    model = CharRNN(ModelConfig(2, cell="rnn", hidden=1, layers=1))
    rnn = model.rnn[0]
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(torch.tensor([[0.5, -1.0]]))
        rnn.weight_hh_l0.fill_(2.0)
        rnn.bias_ih_l0.fill_(0.25)
        rnn.bias_hh_l0.fill_(0.125)
        model.decoder.weight.copy_(torch.tensor([[3.0], [-1.0]]))
        model.decoder.bias.copy_(torch.tensor([0.5, 0.0]))
    stepper = Stepper(model)
    first = math.tanh(0.5 + 0.375)
    assert stepper.step(np.array([0]))[0] == pytest.approx([3 * first + 0.5, -first], abs=1e-6)
    second = math.tanh(-1 + 2 * first + 0.375)
    assert stepper.step(np.array([1]))[0] == pytest.approx([3 * second + 0.5, -second], abs=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("streams", [1, 3])
def test_state_can_be_kept_and_restored(cell, streams):
    stepper, ids = Stepper(random_model(cell, 2), streams), random_ids(streams)
    for row in ids[:5]:
        stepper.step(row)
    kept = stepper.state()
    copies = [part.copy() for part in kept]
    after = [stepper.step(row) for row in ids[5:]]
    for part, copy in zip(kept, copies, strict=True):
        assert np.array_equal(part, copy), "what state() returned changed with later steps"
    stepper.set_state(kept)
    assert np.array_equal(after, [stepper.step(row) for row in ids[5:]])


def test_reset_forgets_everything():
    stepper, ids = Stepper(random_model("lstm", 2)), random_ids(1)
    fresh = [stepper.step(row) for row in ids]
    assert not np.array_equal(fresh[0], stepper.step(ids[0]))
    stepper.reset()
    assert np.array_equal(fresh, [stepper.step(row) for row in ids])


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_streams_do_not_touch_each_other(cell):
    model, ids = random_model(cell, 2), random_ids(4)
    stepper = Stepper(model, 4)
    together = np.stack([stepper.step(row) for row in ids])
    for k in range(4):
        alone = Stepper(model)
        logits = np.stack([alone.step(row[k : k + 1]) for row in ids])
        assert np.abs(logits[:, 0] - together[:, k]).max() < TOLERANCE


def test_a_unit_can_be_clamped_between_steps():
    """Writing into `h` changes what the next step reads, in its own layer and in the one above."""
    for layer in (0, 1):
        free, clamped = (Stepper(random_model("lstm", 2)) for _ in range(2))
        free.step(np.array([1]))
        clamped.step(np.array([1]))
        clamped.h[layer, :, 3] = 1.0
        assert not np.allclose(free.step(np.array([2])), clamped.step(np.array([2])))


def test_results_of_earlier_steps_are_not_overwritten():
    stepper = Stepper(random_model("gru", 1))
    first = stepper.step(np.array([1]))
    kept = first.copy()
    stepper.step(np.array([2]))
    assert np.array_equal(first, kept)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_enormous_weights_saturate_without_a_warning(cell):
    stepper = Stepper(random_model(cell, 2, scale=1e6), 2)
    for row in random_ids(2):
        assert np.isfinite(stepper.step(row)).all()
    assert np.abs(stepper.h).max() <= 1


def test_at_least_one_stream():
    with pytest.raises(ValueError, match="streams is 0; it must be at least 1"):
        Stepper(random_model("rnn", 1), 0)
