"""Networks side by side: step by step they are what the library trains one by one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks import ensemble as sides
from benchmarks.ensemble import Ensemble, held_out
from charrnn.batches import Lanes
from charrnn.model import CharRNN, ModelConfig
from charrnn.optimize import learning_rate
from charrnn.score import stream_nats
from charrnn.settings import TrainConfig
from charrnn.train import _advance, start
from charrnn.unroll import unroll
from charrnn.vocab import Vocab

pytestmark = pytest.mark.usefixtures("one_thread")
V, BATCH, SEQ = 7, 3, 5
IDS = np.random.default_rng(0).integers(0, V, 200).astype(np.uint8)
PLAIN = {"clip_norm": None, "schedule": "constant", "precision": "fp32", "device": "cpu"}
TRAIN = TrainConfig(BATCH, SEQ, epochs=2, optimizer="rmsprop", lr=2e-2, clip_value=2e-3, **PLAIN)
ROUNDING = 2e-5
"""Of sums in another order, after some steps that each move a weight by about 1e-2."""
MEMBERS = ((1, 0.0, 2e-2), (2, 1.0, 1e-2), (1, 1.0, 2e-2))
"""Seed, forget bias and learning rate."""


def config(dropout=0.0, forget=0.0, **switches):
    return ModelConfig(V, hidden=6, layers=2, dropout=dropout, forget_bias=forget,
                       init="uniform", **switches)  # fmt: skip


def networks(**settings):
    return [
        CharRNN(config(forget=f, **settings), torch.Generator().manual_seed(s))
        for s, f, _ in MEMBERS
    ]


def side_by_side(masks=None, **settings):
    columns = Lanes(IDS, BATCH, SEQ).on(torch.device("cpu")).columns.long()
    rates = [rate for *_, rate in MEMBERS]
    return Ensemble(networks(**settings), columns, SEQ, rates, clip=TRAIN.clip_value, masks=masks)


STRUCTURES = [(d, r) for d in (False, True) for r in (False, True)]


@pytest.mark.parametrize(("detach", "recurrent"), STRUCTURES)
def test_steps_are_those_of_single_trainings(detach, recurrent, tmp_path):
    switches = {"detach_top_h": detach, "recurrent_dropout": recurrent}
    both = side_by_side(**switches)
    both.advance(16)  # over the end of an epoch
    assert both.steps_per_epoch < 16
    losses, norms = both.read_meter()
    vocab = Vocab(tuple("abcdefg"))
    for i, (seed, forget, rate) in enumerate(MEMBERS):
        settings = replace(TRAIN, seed=seed, lr=rate)
        model = config(forget=forget, **switches)
        training = start(model, vocab, IDS, IDS[:50], settings, tmp_path / str(i))
        lone = []
        for _ in range(16):
            _advance(training, training.data)
            lone.append(float(training.meter))
        row = both.network(both.snapshot([i])[0])
        for a, b in zip(row.parameters(), training.model.parameters(), strict=True):
            assert (a - b).abs().max() < ROUNDING
        assert losses[i] == pytest.approx(lone[-1] / 16, abs=1e-6)
    assert norms.shape == (3,)
    assert (norms > 0).all()


def test_the_switches_make_other_networks():
    ends = []
    for detach, recurrent in STRUCTURES:
        both = side_by_side(dropout=0.4, detach_top_h=detach, recurrent_dropout=recurrent)
        both.advance(16)
        ends.append(both.flat.clone())
    for i, one in enumerate(ends):
        for other in ends[:i]:
            assert (one - other).abs().amax(dim=1).min() > 100 * ROUNDING


class Masks:
    """In place of a model's generator: masks that were drawn before, in the order of the layers."""

    def __init__(self, kept):
        self.kept = list(kept)

    def __call__(self, shape, source, p, device):
        return self.kept.pop(0)


@pytest.mark.parametrize(("detach", "recurrent"), STRUCTURES)
def test_with_the_same_masks_dropout_is_the_librarys(detach, recurrent, monkeypatch):
    switches = {"detach_top_h": detach, "recurrent_dropout": recurrent}
    both = side_by_side(dropout=0.4, **switches)
    lone = networks(dropout=0.4, **switches)
    optimizers = [torch.optim.RMSprop(m.parameters(), lr=rate, alpha=0.95)
                  for m, (*_, rate) in zip(lone, MEMBERS, strict=True)]  # fmt: skip
    states, generator = [None] * 3, torch.Generator().manual_seed(3)
    for step in range(5):
        x, y = Lanes(IDS, BATCH, SEQ).step(step)
        kept = torch.rand((2, SEQ, 3, BATCH, 6), generator=generator) >= 0.4
        both.take(x, y, list(kept.float() / 0.6))
        for i, (model, optimizer) in enumerate(zip(lone, optimizers, strict=True)):
            monkeypatch.setattr("charrnn.model.draw_kept", Masks(kept[:, :, i]))
            logits, state = model.train()(x, states[i], torch.Generator())
            states[i] = tuple(s.detach() for s in state)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten()).backward()
            torch.nn.utils.clip_grad_value_(model.parameters(), TRAIN.clip_value)
            optimizer.step()
    for i, model in enumerate(lone):
        row = both.network(both.snapshot([i])[0])
        for a, b in zip(row.parameters(), model.parameters(), strict=True):
            assert (a - b).abs().max() < ROUNDING


@pytest.mark.parametrize(("detach", "recurrent"), STRUCTURES)
@pytest.mark.parametrize("dropped", [False, True])
def test_the_written_backward_pass_is_that_of_the_unrolled_layer(detach, recurrent, dropped):
    g = torch.Generator().manual_seed(1)
    m, t, b, h = 2, 4, 3, 5
    gates = torch.randn((m, t, b, 4 * h), generator=g, dtype=torch.float64, requires_grad=True)
    bias = torch.randn((m, 4 * h), generator=g, dtype=torch.float64, requires_grad=True)
    weight = torch.randn((m, 4 * h, h), generator=g, dtype=torch.float64, requires_grad=True)
    state = tuple(torch.randn((2, m, b, h), generator=g, dtype=torch.float64))
    kept = torch.rand((t, m, b, h), generator=g) > 0.3 if dropped else None
    factors = None if kept is None else kept.double() / 0.7
    up = torch.randn((m, t, b, h), generator=g, dtype=torch.float64)
    ours = sides.Layer.apply(gates, bias, *state, weight, factors, recurrent, detach, sides.SPELLED)
    shown, after = unroll("lstm", gates.transpose(0, 1), state, weight, bias[:, None], kept,
                          1 / 0.7, recurrent, detach)  # fmt: skip
    for a, c in zip(ours, (shown.transpose(0, 1), *after), strict=True):
        assert torch.allclose(a, c, atol=1e-12)
    found = torch.autograd.grad((ours[0] * up).sum(), (gates, bias, weight))
    wanted = torch.autograd.grad((shown.transpose(0, 1) * up).sum(), (gates, bias, weight))
    for a, c in zip(found, wanted, strict=True):
        assert torch.allclose(a, c, atol=1e-11)


def test_masks_are_each_networks_own_and_are_drawn_anew():
    both = side_by_side(dropout=0.5)
    first, second = both._factors()
    assert first.shape == (SEQ, 3, BATCH, 6)
    assert set(first.unique().tolist()) == {0.0, 2.0}
    others = (first[:, 1], first[:, 2], second[:, 0], both._factors()[0][:, 0], first[:1, 0])
    for other in others[:-1]:
        assert not torch.equal(first[:, 0], other)
    assert not torch.equal(first[1:2, 0], others[-1]), "a fresh mask at every step"


def test_networks_can_share_their_masks():
    first, second = side_by_side(masks=(0, 1, 0), dropout=0.5)._factors()
    assert first.shape == (SEQ, 3, BATCH, 6)
    assert torch.equal(first[:, 0], first[:, 2])
    assert not torch.equal(first[:, 0], first[:, 1])
    assert not torch.equal(first[:, 0], second[:, 0])


def test_held_out_text_is_the_streams_and_every_target_counts_once():
    both = side_by_side()
    both.advance(3)
    text = held_out(IDS, np.array([61, 100, 139]), 39, 170, SEQ, warmup=60)
    assert text.targets == 170 - 61
    found = both.reader(text)()
    for i in range(3):
        model = both.network(both.snapshot([i])[0])
        wanted = []
        for start_, stop in ((61, 100), (100, 139), (139, 170)):
            wanted.append(stream_nats(model, IDS[start_ - 61 : stop])[60:])
        assert found[i] == pytest.approx(np.concatenate(wanted).mean(), abs=1e-5)
    assert both.reader(text)() == pytest.approx(found), "it begins with an empty state each time"


def test_reading_changes_no_training():
    text = held_out(IDS, np.array([61, 100]), 39, 170, SEQ)
    one, other = side_by_side(), side_by_side()
    read = other.reader(text)
    for ensemble in (one, other):
        ensemble.advance(2)
        if ensemble is other:
            read()
        ensemble.advance(2)
    assert torch.equal(one.flat, other.flat)


def test_each_network_has_its_own_rate():
    both = side_by_side()
    before = both.flat.clone()
    both.rates.copy_(torch.tensor([[1e-2], [0.0], [2e-2]]))
    both.advance(1)
    moved = (both.flat - before)[:, : both.size].abs().amax(dim=1)
    assert moved[1] == 0
    assert moved[0] > 0


def test_a_clipped_gradient_is_measured_before():
    both = side_by_side()
    both.clip = 1e-9
    both.advance(1)
    _, norms = both.read_meter()
    assert (norms > 1e-3).all()


def test_where_nothing_stands_before():
    with pytest.raises(ValueError, match="something must stand before"):
        held_out(IDS, np.array([0, 50]), 50, 100, SEQ)


def test_unlike_networks_and_other_cells_are_refused():
    columns = Lanes(IDS, BATCH, SEQ).on(torch.device("cpu")).columns.long()
    unlike = [CharRNN(config()), CharRNN(replace(config(), hidden=7))]
    with pytest.raises(ValueError, match="differ in more than their forget bias"):
        Ensemble(unlike, columns, SEQ, [1e-2] * 2, clip=0.1)
    with pytest.raises(ValueError, match="cell is 'gru'"):
        Ensemble([CharRNN(replace(config(), cell="gru"))], columns, SEQ, [1e-2], clip=0.1)


def test_pointwise_steps_that_differ_are_noticed():
    def wrong(x, hidden, c):
        h, new, kept = sides.SPELLED.forward(x, hidden, c)
        return h + 1e-3, new, kept

    sides._compare(sides.SPELLED, torch.device("cpu"))
    with pytest.raises(ValueError, match="other numbers"):
        sides._compare(replace(sides.SPELLED, forward=wrong), torch.device("cpu"))


def test_the_schedule_is_the_librarys():
    decay = replace(TRAIN, schedule="decay", lr_decay=0.97, lr_decay_after=10.0)
    assert learning_rate(decay, 0, 10, 0.0) == pytest.approx(2e-2 * 0.97)
    assert learning_rate(decay, 0, 9, 0.0) == pytest.approx(2e-2)
