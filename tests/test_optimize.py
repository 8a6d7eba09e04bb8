"""Learning rates, clipping and weight decay, by hand."""

import pytest
import torch

from charrnn.model import CharRNN, ModelConfig
from charrnn.optimize import (
    RMSprop,
    build_optimizer,
    clip,
    finite_lanes,
    learning_rate,
    update,
)
from charrnn.settings import TrainConfig


def settings(**changes) -> TrainConfig:
    return TrainConfig(steps=60, **changes)


def rates(config, steps, steps_per_epoch=1, total=None):
    total = total or max(steps) + 1
    return [learning_rate(config, s, s / steps_per_epoch, s / total) for s in steps]


def test_a_constant_rate():
    assert set(rates(settings(schedule="constant", lr=0.5), range(100))) == {0.5}


def test_a_rate_that_decays_as_in_char_rnn():
    """2e-3 for ten epochs, then 0.97 of it in the eleventh, 0.97^2 of it in the twelfth."""
    config = settings(schedule="decay", lr=2e-3, lr_decay=0.97, lr_decay_after=10)
    got = rates(config, [0, 9 * 7, 70 - 1, 70, 77 - 1, 77, 84 - 1, 84], steps_per_epoch=7)
    expected = [2e-3] * 3 + [2e-3 * 0.97] * 2 + [2e-3 * 0.97**2] * 2 + [2e-3 * 0.97**3]
    assert got == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("after", "expected"),
    [(0, [1, 0.5, 0.25, 0.125]), (1, [1, 0.5, 0.25, 0.125]), (1.5, [1, 1, 0.5, 0.25])],
)
def test_char_rnn_looks_at_the_end_of_each_epoch(after, expected):
    """There the rate falls each time that an epoch has been read and `after` epochs have been."""
    config = settings(schedule="decay", lr=1.0, lr_decay=0.5, lr_decay_after=after)
    assert rates(config, range(4)) == pytest.approx(expected, rel=1e-12)


def test_a_cosine_from_the_rate_down_to_its_end():
    config = settings(schedule="cosine", lr=1.0, min_lr=0.1, warmup=0)
    assert learning_rate(config, 0, 0, 0.0) == pytest.approx(1.0)
    assert learning_rate(config, 0, 0, 1 / 3) == pytest.approx(0.1 + 0.9 * 0.75)
    assert learning_rate(config, 0, 0, 0.5) == pytest.approx(0.55)
    assert learning_rate(config, 0, 0, 1.0) == pytest.approx(0.1)


def test_a_warm_up_is_a_straight_line():
    config = settings(schedule="cosine", lr=1.0, min_lr=1.0, warmup=4)  # no fall to see past it
    assert rates(config, range(6)) == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])


def clipped(**changes) -> torch.Tensor:
    """A gradient of 3 and 4 (norm 5) and of zeros, clipped."""
    model = CharRNN(ModelConfig(1, hidden=1, layers=1))
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    model.decoder.weight.grad[0, 0], model.decoder.bias.grad[0] = 3.0, -4.0
    clip(model, settings(**changes))
    return torch.stack([model.decoder.weight.grad[0, 0], model.decoder.bias.grad[0]])


@pytest.mark.parametrize(
    ("norm", "value", "expected"),
    [
        (None, None, [3.0, -4.0]),
        (1.0, None, [0.6, -0.8]),
        (10.0, None, [3.0, -4.0]),
        (None, 3.5, [3.0, -3.5]),
        (None, 5.0, [3.0, -4.0]),
        (1.0, 3.0, [0.5**0.5, -(0.5**0.5)]),  # by value first: 3, -3; then by norm
    ],
)
def test_clipping_by_hand(norm, value, expected):
    got = clipped(clip_norm=norm, clip_value=value)
    torch.testing.assert_close(got, torch.tensor(expected), atol=1e-5, rtol=0)


def test_weight_decay_spares_the_biases():
    groups = build_optimizer(
        CharRNN(ModelConfig(3, hidden=2)), settings(weight_decay=0.3)
    ).param_groups
    decays = {(p.dim(), g["weight_decay"]) for g in groups for p in g["params"]}
    assert decays == {(2, 0.3), (1, 0.0)}


@pytest.mark.parametrize("found", [None, 0.0, 1.0])
def test_rmsprop_leaves_out_a_step_whose_gradients_overflowed(found):
    ours, theirs = (torch.nn.Parameter(torch.tensor([1.0, -2.0])) for _ in range(2))
    skips, torchs = RMSprop([ours], lr=0.1, alpha=0.9), torch.optim.RMSprop([theirs], 0.1, 0.9)
    for step in range(4):
        for weights, optimizer in ((ours, skips), (theirs, torchs)):
            weights.grad = torch.tensor([0.5, 3.0]) * (step + 1)
            left_out = found == 1.0 and step in (0, 2)
            if optimizer is skips and found is not None:
                optimizer.found_inf = torch.tensor(float(left_out))
                weights.grad[0] += torch.tensor(torch.inf) if left_out else 0.0
            if optimizer is skips or not left_out:
                optimizer.step()
        torch.testing.assert_close(ours, theirs, atol=0, rtol=0)
    squares = [o.state[p]["square_avg"] for o, p in ((skips, ours), (torchs, theirs))]
    torch.testing.assert_close(*squares, atol=0, rtol=0)


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "rmsprop"])
@pytest.mark.parametrize("clips", [{}, {"clip_norm": None}, {"clip_norm": None, "clip_value": 1.0}])
@pytest.mark.parametrize("bad", [torch.inf, -torch.inf, torch.nan, 1e30])
@pytest.mark.parametrize("ask", [False, True])
def test_an_update_by_a_gradient_that_is_not_finite_is_left_out(optimizer, clips, bad, ask):
    """1e30 is, but not its norm in float32."""
    config, model = settings(optimizer=optimizer, **clips), CharRNN(ModelConfig(3, hidden=2))
    ours, scaler = build_optimizer(model, config), torch.amp.GradScaler("cpu", enabled=False)
    for value, left_out in ((0.5, 0.0), (bad, 1.0), (0.5, 0.0)):
        for weights in model.parameters():
            weights.grad = torch.full_like(weights, 0.5)
        model.decoder.bias.grad[1] = value
        before = [p.detach().clone() for p in model.parameters()]
        assert update(model, ours, scaler, config, ask) == left_out
        for old, new in zip(before, model.parameters(), strict=True):
            assert torch.equal(old, new) == bool(left_out)
            assert new.isfinite().all()


@pytest.mark.parametrize("ask", [False, True])
@pytest.mark.parametrize("bad", [torch.inf, -torch.inf, torch.nan])
def test_a_lane_with_a_number_that_is_not_finite_is_emptied_and_no_other(ask, bad):
    h, c = torch.rand(2, 3, 4), torch.rand(2, 3, 4)
    c[1, 2, 3] = bad
    got = finite_lanes((h, c), ask)
    for before, after in zip((h, c), got, strict=True):
        assert torch.equal(before[:, :2], after[:, :2])
        assert torch.equal(after[:, 2], torch.zeros(2, 4))
