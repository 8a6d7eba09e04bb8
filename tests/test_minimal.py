import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from charrnn import minimal

ROOT = Path(__file__).parents[1]
V, H, T = 5, 7, 9


@pytest.fixture
def example():
    """Weights large enough for every path of the gradient to count, and something to read."""
    rng = np.random.default_rng(4)
    weights = minimal.init(V, H, scale=0.5, seed=1)
    weights["b_h"] += rng.normal(size=H) / 3
    weights["b_y"] += rng.normal(size=V) / 3
    return weights, rng.integers(V, size=T), rng.integers(V, size=T), rng.normal(size=H) / 2


def test_gradients_agree_with_central_differences(example):
    worst = minimal.check_gradients(*example, probes=1000)
    assert worst.keys() == example[0].keys()
    assert max(worst.values()) < 1e-6, worst


def test_the_gradient_check_finds_a_wrong_gradient(example, monkeypatch):
    right = minimal.loss_and_gradients

    def wrong(weights, inputs, targets, h):
        loss, gradients, h = right(weights, inputs, targets, h)
        return loss, {**gradients, "W_hh": gradients["W_hh"] * 1.01}, h

    monkeypatch.setattr(minimal, "loss_and_gradients", wrong)
    worst = minimal.check_gradients(*example)
    assert worst.pop("W_hh") > 1e-3
    assert max(worst.values()) < 1e-6


def test_loss_gradients_and_state_are_torchs(example):
    weights, inputs, targets, h = example
    loss, gradients, last = minimal.loss_and_gradients(*example)
    leaves = {k: torch.tensor(w, requires_grad=True) for k, w in weights.items()}
    state, total = torch.tensor(h), 0
    for symbol, target in zip(inputs, targets, strict=True):
        x = F.one_hot(torch.tensor(symbol), V).double()
        state = torch.tanh(leaves["W_xh"] @ x + leaves["W_hh"] @ state + leaves["b_h"])
        scores = leaves["W_hy"] @ state + leaves["b_y"]
        total = total + F.cross_entropy(scores[None], torch.tensor([target]), reduction="sum")
    total.backward()
    assert loss == pytest.approx(total.item(), abs=1e-12)
    np.testing.assert_allclose(last, state.detach().numpy(), atol=1e-14)
    for name, leaf in leaves.items():
        np.testing.assert_allclose(gradients[name], leaf.grad.numpy(), atol=1e-12, err_msg=name)


def test_the_arguments_are_left_as_they_were(example):
    weights, inputs, _, h = example
    before = {k: w.copy() for k, w in weights.items()}, inputs.copy(), h.copy()
    minimal.loss_and_gradients(*example)
    minimal.check_gradients(*example, probes=2)
    assert all(np.array_equal(weights[k], w) for k, w in before[0].items())
    assert np.array_equal(inputs, before[1])
    assert np.array_equal(h, before[2])


def test_fresh_weights_are_small_and_come_from_the_seed():
    weights = minimal.init(65)
    assert {k: w.shape for k, w in weights.items()} == {
        "W_xh": (100, 65),
        "W_hh": (100, 100),
        "W_hy": (65, 100),
        "b_h": (100,),
        "b_y": (65,),
    }
    assert weights["W_hh"].std() == pytest.approx(0.01, rel=0.05)
    assert not weights["b_h"].any()
    assert not weights["b_y"].any()
    assert np.array_equal(minimal.init(65)["W_xh"], weights["W_xh"])
    assert not np.array_equal(minimal.init(65, seed=1)["W_xh"], weights["W_xh"])


def test_large_scores_do_not_overflow(example):
    weights, inputs, targets, h = example
    loss, gradients, _ = minimal.loss_and_gradients(
        {**weights, "W_hy": weights["W_hy"] * 1e4}, inputs, targets, h
    )
    assert np.isfinite(loss)
    assert all(np.isfinite(g).all() for g in gradients.values())


def test_sampling_draws_from_the_softmax():
    """Without recurrence or input, symbols come with the probabilities of the bias alone."""
    weights = {k: w * 0 for k, w in minimal.init(3, 4).items()}
    weights["b_y"] = np.log([0.5, 0.3, 0.2])
    drawn = minimal.sample(weights, 0, 3000, np.random.default_rng(0))
    # The deviation of a share of 3000 draws is at most 0.0092; four of them.
    np.testing.assert_allclose(np.bincount(drawn) / 3000, [0.5, 0.3, 0.2], atol=0.037)


def test_the_same_seed_draws_the_same_text(example):
    draws = [minimal.sample(example[0], 1, 50, np.random.default_rng(s)) for s in (5, 5, 6)]
    assert draws[0] == draws[1] != draws[2]
    assert len(draws[0]) == 50


def test_it_learns_a_line_and_writes_it():
    """400 iterations are enough for a line of fourteen characters."""
    line = "hello, world. "
    moments = list(islice(minimal.train(line * 20, hidden=30, seed=1), 401))
    assert [m.iteration for m in moments] == list(range(401))
    sampled = [m.iteration for m in moments if m.text is not None]
    assert sampled == [0, 100, 200, 300, 400]
    assert all(len(m.text) == 200 for m in moments if m.text)
    assert line * 3 in moments[400].text
    assert line * 3 not in moments[0].text


def test_the_loss_shown_is_smoothed_nats_per_character():
    """It starts at log V and moves a thousandth of the way to each iteration's own loss."""
    text = "abcd" * 50
    first = next(minimal.train(text, hidden=10))
    ids = np.array([0, 1, 2, 3] * 7)
    weights = minimal.init(4, 10)
    loss = minimal.loss_and_gradients(weights, ids[:25], ids[1:26], np.zeros(10))[0]
    assert first.loss == pytest.approx(0.999 * np.log(4) + 0.001 * loss / 25, abs=1e-12)


def test_a_training_repeats_itself():
    runs = [list(islice(minimal.train("some text " * 9, hidden=8), 5)) for _ in range(2)]
    assert runs[0] == runs[1]


def test_a_text_shorter_than_one_iteration_is_refused():
    assert next(minimal.train("a" * 26)).iteration == 0
    with pytest.raises(ValueError, match="25 characters are too few for seq 25; give more than 25"):
        next(minimal.train("a" * 25))


def test_it_runs_as_a_program(tmp_path):
    (tmp_path / "text.txt").write_text("žluťoučký kůň " * 30, encoding="utf-8")
    command = [sys.executable, "-m", "charrnn.minimal", str(tmp_path / "text.txt")]
    environment = {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1"}
    out = subprocess.run(
        [*command, "--iterations", "101"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout.decode()
    lines = [line for line in out.splitlines() if "iteration" in line]
    assert re.fullmatch(r"---- iteration 0: loss 2\.\d{3}", lines[0])
    assert re.fullmatch(r"---- iteration 100: loss 2\.\d{3}", lines[1])
    assert len(lines) == 2
