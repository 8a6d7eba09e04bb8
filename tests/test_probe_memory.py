"""How long a network remembers: by its gates, and by what its guesses depend on."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from charrnn.model import CharRNN, ModelConfig
from charrnn.probe import memory
from charrnn.probe.memory import _waits, connectivity, half_lives, looked_back, remembering

V, H = 4, 3
EVERY_CELL = pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])


def make(cell="lstm", layers=2, **changes) -> CharRNN:
    model = CharRNN(ModelConfig(V, cell, **{"hidden": H, "layers": layers} | changes))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1, 1, generator=generator)
    return model.double()


def steady(cell: str, *levels: list[float]) -> CharRNN:
    """One layer whose gates stand still, each at its levels by unit, in torch's order."""
    model = CharRNN(ModelConfig(V, cell, hidden=len(levels[0]), layers=1))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        levels = [torch.tensor(level).logit().clamp(-40, 40) for level in levels]
        model.rnn[0].bias_ih_l0[: len(levels) * len(levels[0])] = torch.cat(levels)
    return model


def random_ids(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(V, size=n)


# Half-lives


@pytest.mark.parametrize("keep", [0.01, 0.3, 0.5, 0.9, 0.99])
def test_the_half_life_of_a_steady_gate_has_a_closed_form(keep):
    found = half_lives(np.full((400, 2, 1), keep))
    assert found == pytest.approx(math.log(2) / -math.log(keep), rel=1e-9)


def test_what_never_falls_to_a_half_counts_as_all_there_is():
    keeps = np.ones((40, 2, 4), np.float32)
    keeps[..., 1] = 0.99  # 69 characters
    keeps[..., 2] = np.nextafter(np.float32(1), np.float32(0))
    keeps[..., 3] = 0  # at once
    assert half_lives(keeps).tolist() == [20, 20, 20, pytest.approx(0, abs=0.02)]


def test_a_gate_that_shuts_now_and_then():
    """Shut at every tenth character: from moment k one waits 10 - k, less 1 that passes in part."""
    keeps = np.ones((200, 1, 1))
    keeps[9::10] = 1e-30
    part = 1 - math.log(2) / (30 * math.log(10))
    assert half_lives(keeps) == pytest.approx(np.median([10 - k - part for k in range(10)]))


def test_the_half_life_is_the_median_over_lanes_too():
    keeps = np.stack([np.full((100, 1), f) for f in (0.5, 0.5, 0.5, 0.9)], axis=1)
    assert half_lives(keeps) == pytest.approx(1)


def longhand_wait(keeps, moment, longest):
    """Multiply gates until the product is a half or less; between two, as if it fell evenly in
    its logarithm."""
    left = 1.0
    for k, keep in enumerate(keeps[moment:], start=1):
        if left * keep <= 0.5:
            part = math.log(left / 0.5) / -math.log(keep)
            return min(k - 1 + part, longest)
        left *= keep
    return longest


@pytest.mark.parametrize("power", [0.05, 0.3, 2.0])
def test_waits_are_those_of_a_plain_loop(power):
    keeps = np.random.default_rng(1).random(60) ** power
    lost = np.concatenate([[0], -np.log(keeps).cumsum()])
    found = _waits(lost, 30)
    expected = [longhand_wait(keeps, moment, 30) for moment in range(30)]
    np.testing.assert_allclose(found, expected, atol=1e-9)


# Gates over a text


def test_the_gates_of_an_lstm_that_stands_still():
    model = steady("lstm", [0.05, 0.5, 0.95], [0.5, 0.9, 0.0], [0.5] * 3, [0.91, 0.09, 0.2])
    found = remembering(model, random_ids(800), lanes=2, warmup=100)
    assert found.longest == 150
    expected = [1, math.log(2) / -math.log(0.9), 0]
    np.testing.assert_allclose(found.half_life, expected, atol=0.02)
    shares = {"left": found.left, "right": found.right}
    assert {side: {g: v.tolist() for g, v in of.items()} for side, of in shares.items()} == {
        "left": {"input": [1, 0, 0], "forget": [0, 0, 1], "output": [0, 1, 0]},
        "right": {"input": [0, 0, 1], "forget": [0, 0, 0], "output": [1, 0, 0]},
    }


def test_the_gates_of_a_gru_that_stands_still():
    found = remembering(steady("gru", [0.05, 0.95], [0.8, 0.5]), random_ids(80), 2, 10)
    np.testing.assert_allclose(found.half_life, [math.log(2) / -math.log(0.8), 1], rtol=1e-5)
    assert found.left["reset"].tolist() == [1, 0] and found.right["reset"].tolist() == [0, 1]
    assert not found.left["update"].any() and not found.right["update"].any()


def test_shares_are_of_the_time_behind_the_run_up():
    """The input gate is open at one symbol of four, in both layers' first units by turns."""
    model = steady("lstm", [0.5], [0.5], [0.5], [0.5])
    with torch.no_grad():
        model.rnn[0].weight_ih_l0[0] = torch.tensor([9.0, -9.0, 0.0, 0.0])
    ids = np.array(([1] * 10 + [0, 0, 0, 1, 2, 3, 2, 3, 2, 3]) * 3)
    found = remembering(model, ids, lanes=3, warmup=10)
    assert found.right["input"] == pytest.approx(0.3) and found.left["input"] == pytest.approx(0.1)


def test_a_plain_network_has_no_gates_to_follow():
    with pytest.raises(ValueError, match="a plain rnn has no gates; ask an lstm or a gru"):
        remembering(make("rnn"), random_ids(10_000))


def test_a_text_that_is_too_short_to_follow():
    with pytest.raises(ValueError, match="has 3,199 characters; 8 stretches need at least 3,200"):
        remembering(make(), random_ids(3199))
    assert remembering(make(), random_ids(3200)).longest == 100


# What a guess depends on


@torch.no_grad()
def log_p(model, dense, target, symbol) -> float:
    """ln p of a symbol at a place of a text of vectors, dense (T, V)."""
    h = dense[:target, None]
    for rnn in model.rnn:
        h = rnn(h)[0]
    return torch.log_softmax(model.decoder(h[-1, 0]), dim=-1)[symbol].item()


def by_differences(model, ids, target) -> np.ndarray:
    """The norm of the gradient by each earlier character's vector, from finite differences."""
    dense, norms = F.one_hot(torch.from_numpy(ids), V).double(), np.zeros(len(ids))
    for place in range(target):
        slopes = []
        for symbol in range(V):
            moved = [dense.clone(), dense.clone()]
            moved[0][place, symbol] += 1e-5
            moved[1][place, symbol] -= 1e-5
            high, low = (log_p(model, x, target, ids[target]) for x in moved)
            slopes.append((high - low) / 2e-5)
        norms[place] = np.linalg.norm(slopes)
    return norms


@EVERY_CELL
@pytest.mark.parametrize("layers", [1, 2])
def test_connectivity_is_that_of_finite_differences(cell, layers):
    model, ids, targets = make(cell, layers), random_ids(9), [8, 1, 5]
    found = connectivity(model, ids, np.array(targets))
    assert found.shape == (3, 9)
    for row, target in zip(found, targets, strict=True):
        np.testing.assert_allclose(row, by_differences(model, ids, target), atol=1e-8)
        assert (row[:target] > 0).all() and not row[target:].any()


def test_many_targets_are_taken_in_parts(monkeypatch):
    model, ids = make(), random_ids(60)
    targets = np.random.default_rng(0).integers(1, 60, size=41)
    whole = connectivity(model, ids, targets)
    monkeypatch.setattr(memory, "LANES", 7)
    np.testing.assert_allclose(connectivity(model, ids, targets), whole, atol=1e-12)


@pytest.mark.parametrize("lanes", [2, 64])
def test_looking_back_is_the_connectivity_of_each_texts_end(monkeypatch, lanes):
    model = make()
    monkeypatch.setattr(memory, "LANES", lanes)
    texts = random_ids(50).reshape(5, 10).astype(np.uint8)
    found = looked_back(model, texts)
    assert found.shape == (5, 9)
    for row, text in zip(found, texts, strict=True):
        np.testing.assert_allclose(row, connectivity(model, text, [9])[0, :9], atol=1e-12)


def test_a_network_without_memory_depends_on_the_last_character_alone():
    model = make("rnn", layers=1)
    with torch.no_grad():
        model.rnn[0].weight_hh_l0.zero_()
    found = connectivity(model, random_ids(8), np.array([4, 7]))
    assert np.flatnonzero(found[0]).tolist() == [3] and np.flatnonzero(found[1]).tolist() == [6]


@pytest.mark.parametrize(
    ("targets", "said"), [([0, 3], "0 to 3"), ([2, 9], "2 to 9"), ([-1], "-1 to -1")]
)
def test_targets_are_characters_that_were_guessed(targets, said):
    with pytest.raises(ValueError, match=f"targets are {said}; they must be 1 to 8"):
        connectivity(make(), random_ids(9), targets)


def test_no_targets_no_rows():
    assert connectivity(make(), random_ids(9), []).shape == (0, 9)


def test_a_network_that_starts_afresh_is_refused():
    with pytest.raises(ValueError, match="the network starts afresh at a symbol"):
        connectivity(make(restart=1), random_ids(9), [3])


def test_connectivity_leaves_no_gradients_and_keeps_the_mode():
    model = make(dropout=0.5).train()
    first = connectivity(model, random_ids(9), [8])
    assert model.training and all(p.grad is None for p in model.parameters())
    assert np.array_equal(first, connectivity(model.eval(), random_ids(9), [8]))
