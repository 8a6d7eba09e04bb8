"""One character at a time in NumPy: the same network as `CharRNN.forward`."""

import math

import numpy as np
import pytest
import torch

from charrnn.model import STEPS as CELL_STEPS
from charrnn.model import CharRNN, ModelConfig, input_gates
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


# Units that are held


def spelled_out(model: CharRNN, ids: np.ndarray, held: dict) -> np.ndarray:
    """The logits (STEPS, S, V) by `charrnn.model`'s own step functions, with the held values put
    in by hand: held[layer] is {unit: value}."""
    cell, logits = model.config.cell, []
    states = [tuple(s[layer] for s in model.zero_state(ids.shape[1])) for layer in range(2)]
    for row in torch.from_numpy(ids):
        below = None
        for layer, w in enumerate(model.rnn):
            x = input_gates(row, w.weight_ih_l0) if layer == 0 else below @ w.weight_ih_l0.t()
            x = x + w.bias_ih_l0
            new = CELL_STEPS[cell](x, *states[layer], w.weight_hh_l0, w.bias_hh_l0)
            h, *rest = new if isinstance(new, tuple) else (new,)
            for unit, value in held.get(layer, {}).items():
                if cell == "lstm":
                    o = h[:, unit] / torch.tanh(rest[0][:, unit])
                    rest[0][:, unit] = value
                    h[:, unit] = o * math.tanh(value)
                else:
                    h[:, unit] = value
            states[layer], below = (h, *rest), h
        logits.append(model.decoder(below).numpy())
    return np.stack(logits)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize(
    "held", [{0: {3: 1.5}}, {1: {0: -0.75, 36: 0.0}}, {0: {5: 0.5}, 1: {5: 2}}]
)
@pytest.mark.parametrize("streams", [1, 4])
@torch.inference_mode()
def test_a_held_unit_has_its_value_after_every_step(cell, held, streams):
    model, ids = random_model(cell, 2), random_ids(streams)
    stepper = Stepper(model, streams)
    free = np.stack([stepper.step(row) for row in ids])
    stepper.reset()
    for layer, values in held.items():
        stepper.hold(layer, list(values), list(values.values()))
    logits = np.stack([stepper.step(row) for row in ids])
    assert np.abs(logits - spelled_out(model, ids, held)).max() < TOLERANCE
    assert np.abs(logits - free).max() > 0.01
    for layer, values in held.items():
        states = stepper.c if cell == "lstm" else stepper.h
        assert (states[layer][:, list(values)] == np.float32(list(values.values()))).all()
    stepper.release()
    stepper.reset()
    assert np.array_equal(free, np.stack([stepper.step(row) for row in ids]))


def test_units_are_held_one_after_another_and_the_last_value_counts():
    model, ids = random_model("lstm", 2), random_ids(1)
    one, other = Stepper(model), Stepper(model)
    one.hold(0, [4], [0.1])
    one.hold(0, np.array([7, 4]), np.array([-1.0, 2.0]))
    other.hold(0, [4, 7], [2.0, -1.0])
    one.hold(1, [], [])
    assert np.array_equal([one.step(row) for row in ids], [other.step(row) for row in ids])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2, [0], [0.5]), "layer is 2; it must be a whole number, 0 to 1"),
        ((-1, [0], [0.5]), "layer is -1; it must be a whole number, 0 to 1"),
        ((0, [37], [0.5]), "unit is 37; it must be a whole number, 0 to 36"),
        ((0, [1, True], [0.5, 0.5]), "unit is True; it must be a whole number"),
        ((0, [1.5], [0.5]), "unit is 1.5; it must be a whole number"),
        ((0, [1], [math.nan]), "unit 1 is held at nan; give a finite number"),
        ((0, [1], [1e39]), r"unit 1 is held at 1e\+39; give a finite number"),
        ((0, [1, 2], [0.5]), "there are 2 units and 1 values; give each one"),
    ],
)
def test_what_cannot_be_held_is_one_line(arguments, message):
    stepper = Stepper(random_model("rnn", 2))
    with pytest.raises(ValueError, match=message):
        stepper.hold(*arguments)
    assert not stepper._held


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
