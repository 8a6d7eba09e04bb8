"""Dynamic evaluation: against its steps by hand, and that no character is scored by weights that
have seen it."""

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from charrnn.dynamic import Dynamic, dynamic_nats
from charrnn.model import CELLS, CharRNN, ModelConfig
from charrnn.score import stream_nats

V = 6


def make(cell="lstm", **changes) -> CharRNN:
    """A network with weights of the test's own, loud enough for what was read before to count."""
    config = ModelConfig(V, cell, **{"hidden": 5, "layers": 2} | changes)
    model, generator = CharRNN(config), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1, 1, generator=generator)
    return model.eval()


def text(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(V, size=n).astype(np.uint8)


def by_hand(model, ids, seq, lr, decay, clip_norm) -> np.ndarray:
    """The same with gradients where torch keeps them, and its own clipping."""
    model, trained, state, nats = copy.deepcopy(model), list(model.parameters()), None, []
    x = torch.from_numpy(ids.astype(np.int64))
    for i in range(0, len(ids) - 1, seq):
        y = x[i + 1 : i + seq + 1]
        logits, state = model(x[i : i + len(y), None], state)
        state = tuple(s.detach() for s in state)
        losses = -F.log_softmax(logits[:, 0], dim=-1)[range(len(y)), y]
        nats += losses.tolist()
        model.zero_grad()
        losses.mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        with torch.no_grad():
            for weight, t in zip(model.parameters(), trained, strict=True):
                weight += decay * (t - weight) - lr * weight.grad
    return np.array(nats)


@pytest.mark.parametrize("cell", list(CELLS))
@pytest.mark.parametrize("restart", [None, 2])
def test_without_a_rate_it_is_the_stream(cell, restart):
    model, ids = make(cell, restart=restart), text(60)
    nats = dynamic_nats(model, ids, lr=0, seq=7)
    assert nats.shape == (59,) and nats.dtype == np.float32
    np.testing.assert_allclose(nats, stream_nats(model, ids), atol=2e-5)


@pytest.mark.parametrize("restart", [None, 2])
@pytest.mark.parametrize(("clip_norm", "decay"), [(100.0, 0.0), (0.1, 0.0), (1.0, 0.2), (1.0, 1.0)])
def test_each_stretch_is_scored_and_then_learnt_from(restart, clip_norm, decay):
    model, ids = make(restart=restart), text(61)
    settings = {"seq": 10, "lr": 0.5, "decay": decay, "clip_norm": clip_norm}
    nats = dynamic_nats(model, ids, **settings)
    np.testing.assert_allclose(nats, by_hand(model, ids, **settings), atol=1e-4)
    np.testing.assert_allclose(nats[:10], stream_nats(model, ids)[:10], atol=2e-5)
    assert np.abs(nats - stream_nats(model, ids))[10:].max() > 1e-3


def test_no_character_is_scored_by_weights_that_have_seen_it():
    """Another end leaves the stretches before it alone, and in its own what stands before it."""
    model, ids = make(), text(80)
    changed = ids.copy()
    changed[56:] = (changed[56:] + 1) % V
    nats, other = (dynamic_nats(model, t, seq=10, lr=0.5) for t in (ids, changed))
    np.testing.assert_allclose(nats[:55], other[:55], atol=1e-5)
    assert np.abs(nats - other)[55:].max() > 1e-2


def test_a_text_that_repeats_itself_costs_less_and_less():
    model = make(hidden=16)
    ids = np.tile(text(20), 40)
    nats, static = dynamic_nats(model, ids, lr=0.3), stream_nats(model, ids)
    assert nats[-200:].mean() < 0.8 * static[-200:].mean()
    assert nats.mean() < static.mean()


@pytest.mark.parametrize("training", [False, True])
def test_the_model_stays_as_it_is_and_nothing_is_drawn(training):
    model = make(dropout=0.5).train(training)
    before, drawn = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    nats = dynamic_nats(model, text(60), lr=0.5, seq=10)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    assert model.training is training and all(rnn.training is training for rnn in model.rnn)
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert torch.equal(torch.get_rng_state(), drawn)
    without_dropout = dynamic_nats(make(), text(60), lr=0.5, seq=10)
    np.testing.assert_allclose(nats, without_dropout, atol=1e-5)


def test_it_learns_where_gradients_are_off():
    model, ids = make().requires_grad_(False), text(60)
    expected = dynamic_nats(make(), ids, lr=0.5, seq=10)
    with torch.inference_mode():
        np.testing.assert_allclose(dynamic_nats(model, ids, lr=0.5, seq=10), expected, atol=1e-5)
    assert not any(p.requires_grad for p in model.parameters())


def test_what_is_refused():
    for n in (0, 1):
        with pytest.raises(ValueError, match=f"{n} characters hold nothing to predict; at least 2"):
            dynamic_nats(make(), text(5)[:n])
    for name, value in (("seq", 0), ("lr", -1), ("lr", float("nan")), ("decay", 1.5),
                        ("clip_norm", 0)):  # fmt: skip
        with pytest.raises(ValueError, match=f"{name} is {value}; it must be"):
            Dynamic(**{name: value})
