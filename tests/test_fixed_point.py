"""LSTM layers in 16-bit fixed point: exact products, and float32's results within stated bounds."""

import ctypes
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from charrnn import native
from charrnn.masks import LaneMasks
from charrnn.model import CharRNN, ModelConfig
from charrnn.native import fixed_point
from charrnn.native.dropout import draw_kept
from charrnn.native.fixed_point_kernel import MOST, pack_down, pack_up
from charrnn.settings import TrainConfig
from charrnn.vocab import Vocab

train = import_module("charrnn.train")  # `charrnn.train` by itself is the function
SAMPLE = Path(__file__).parent.parent / "data" / "samples" / "play.txt"
LIMIT = 2**31 - 1

pytestmark = pytest.mark.skipif(
    native.load("lstm") is None, reason=f"no compiled LSTM: {native.why_not('lstm')}"
)


@pytest.fixture(autouse=True)
def threads():
    """Sets the number of threads; it is what it was afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch.set_num_threads
    torch.set_num_threads(before)


def unpacked(panels: torch.Tensor) -> np.ndarray:
    """Panels (N / 16, K / 2, 16, 2) as the matrix (K, N) of integers they stand for."""
    blocks, pairs, _, _ = panels.shape
    return panels.permute(1, 3, 0, 2).reshape(2 * pairs, 16 * blocks).numpy().astype(np.int64)


def product(rows: torch.Tensor, panel: torch.Tensor) -> np.ndarray:
    """rows (R, K) int16 times a panel, as lstm.c takes it: (R, 16) int32."""
    sums = torch.full((len(rows), 16), -1, dtype=torch.int32)
    places = [ctypes.c_void_p(x.data_ptr()) for x in (rows, panel)]
    sizes = [ctypes.c_int64(n) for n in rows.shape]
    native.load("lstm").multiply(*places, *sizes, ctypes.c_void_p(sums.data_ptr()))
    return sums.numpy()


# Products


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 6, 7, 12, 50])
@pytest.mark.parametrize("depth", [16, 512, 528, 2048])
def test_products_are_exact(rows, depth):
    torch.manual_seed(rows + depth)
    a = torch.randint(-MOST, MOST + 1, (rows, depth), dtype=torch.int16)
    panels, _ = pack_down(torch.randn(depth, 16))
    exact = a.numpy().astype(np.int64) @ unpacked(panels)
    assert np.array_equal(product(a, panels[0]), exact)


def columns(kind: str, depth: int) -> torch.Tensor:
    """(depth, 16) weights that try to make a sum overflow."""
    x = torch.zeros(depth, 16)
    if kind == "equal":
        return x + 1
    if kind == "halves":  # each rounds up
        return x + 1.5 + torch.arange(16) / 8
    if kind == "one":
        x[3] = 5.0
        return x
    if kind == "large":
        return torch.full((depth, 16), 1e30)
    if kind == "small":
        return torch.full((depth, 16), 1e-38)
    return torch.randn(depth, 16) ** 5 * torch.logspace(-12, 12, 16)


@pytest.mark.parametrize("kind", ["equal", "halves", "one", "large", "small", "spread", "zero"])
@pytest.mark.parametrize("depth", [16, 64, 2048, 262_144])
def test_no_sum_can_overflow(kind, depth):
    torch.manual_seed(1)
    x = torch.zeros(depth, 16) if kind == "zero" else columns(kind, depth)
    panels, scales = pack_down(x)
    q = unpacked(panels)
    assert MOST * np.abs(q).sum(axis=0).max() <= LIMIT
    assert np.abs(q).max() <= 32767
    near = q * scales.numpy().astype(np.float64)
    bound = scales.numpy() * 0.501 + (1e-26 if kind == "small" else 0)
    assert (np.abs(near - x.numpy().astype(np.float64)) <= bound).all()


def test_a_sum_at_its_limit_is_still_exact():
    panels, _ = pack_down(torch.full((2048, 16), 0.7))
    a = torch.full((6, 2048), MOST, dtype=torch.int16)
    sums = product(a, panels[0])
    assert np.array_equal(sums, a.numpy().astype(np.int64) @ unpacked(panels))
    assert sums.min() > 0.99 * LIMIT  # and nothing of the room is given away


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_column_with_no_number_has_no_scale(bad):
    x = torch.ones(64, 32)
    x[7, 5] = bad
    for _, scales in (pack_down(x), pack_up(x.t().contiguous(), 1)):
        assert scales.isnan().nonzero().tolist() == [[5]]


def test_both_ways_of_packing_agree():
    x = torch.randn(64, 48)  # (4H, width), H = 16
    panels, scales = pack_up(x)
    other, others = pack_down(x.t().contiguous())
    one = unpacked(panels) - unpacked(other)  # one block of units: the order is the same
    assert np.abs(one).max() <= 1  # their scales are sums taken in another order
    assert torch.allclose(scales, others, rtol=1e-6)
    wide, _ = pack_up(torch.cat([x[g * 16 :][:16] for g in (0, 0, 1, 1, 2, 2, 3, 3)]))
    assert torch.equal(wide[:4], panels) and torch.equal(wide[4:], panels)


# Layers against torch's


def network(hidden: int, layers: int, vocab: int = 23) -> CharRNN:
    config = ModelConfig(vocab, hidden=hidden, layers=layers)
    return CharRNN(config, torch.Generator().manual_seed(hidden))


def setting(model: CharRNN, steps: int, lanes: int, p: float) -> dict:
    """Ids, a state, masks, and a gradient of each result, drawn."""
    g = torch.Generator().manual_seed(steps + lanes)
    n, hidden, vocab = model.config.layers, model.config.hidden, model.config.vocab_size
    kept = [torch.rand(steps, lanes, hidden, generator=g) >= p if p else None for _ in range(n)]
    return {
        "ids": torch.randint(0, vocab, (steps, lanes), generator=g),
        "h": torch.rand(n, lanes, hidden, generator=g) * 1.8 - 0.9,
        "c": torch.randn(n, lanes, hidden, generator=g),
        "kept": kept,
        "factor": 1 / (1 - p),
        "dy": torch.randn(steps, lanes, hidden, generator=g),
        "dh": torch.randn(n, lanes, hidden, generator=g),
        "dc": torch.randn(n, lanes, hidden, generator=g),
    }


def through_torch(model, ids, h, c, kept, factor):
    """The slower truth: nn.LSTM, layer by layer, on written-out 1-of-k vectors."""
    x, states = F.one_hot(ids, model.config.vocab_size).float(), []
    for i, layer in enumerate(model.rnn):
        x, state = layer(x, (h[i : i + 1], c[i : i + 1]))
        states.append(state)
        x = x if kept[i] is None else x * kept[i] * factor
    return x, *(torch.cat(parts) for parts in zip(*states, strict=True))


def through_fixed_point(model, ids, h, c, kept, factor):
    y, state = fixed_point.layers(model.rnn, ids, (h, c), kept, factor)
    return y, *state


def results(model, through, ids, h, c, kept, factor, dy, dh, dc) -> dict[str, torch.Tensor]:
    """Everything that comes out, forwards and backwards."""
    model.zero_grad()
    h, c = h.clone().requires_grad_(), c.clone().requires_grad_()
    y, h_after, c_after = through(model, ids, h, c, kept, factor)
    ((y * dy).sum() + (h_after * dh).sum() + (c_after * dc).sum()).backward()
    found = {"y": y, "h": h_after, "c": c_after, "dh": h.grad, "dc": c.grad}
    found |= {name: w.grad.clone() for name, w in model.rnn.named_parameters()}
    return {name: x.detach() for name, x in found.items()}


@pytest.mark.parametrize(
    ("hidden", "layers", "steps", "lanes", "p"),
    [
        (16, 1, 1, 1, 0.0),
        (16, 2, 9, 7, 0.5),
        (64, 3, 20, 7, 0.2),
        (64, 2, 3, 100, 0.5),
        (48, 2, 150, 5, 0.0),  # 750 rows of gradients: more than one block
        (512, 2, 6, 7, 0.5),
    ],
)
def test_layers_are_those_of_torch(hidden, layers, steps, lanes, p):
    model = network(hidden, layers)
    drawn = setting(model, steps, lanes, p)
    exact = results(model, through_torch, **drawn)
    near = results(model, through_fixed_point, **drawn)
    for name, x in exact.items():
        error = (near[name] - x).abs().max() / x.abs().max()
        assert error < 4e-3, f"{name}: {error:.1e}"
        cosine = F.cosine_similarity(near[name].flatten(), x.flatten(), dim=0, eps=1e-20)
        assert cosine > 0.99999, f"{name}: {cosine}"


def test_what_dropout_holds_back_has_no_gradient():
    model = network(16, 2)
    drawn = setting(model, 5, 3, 0.5) | {"kept": [torch.zeros(5, 3, 16, dtype=torch.bool)] * 2}
    drawn["dh"], drawn["dc"] = drawn["dh"] * 0, drawn["dc"] * 0
    found = results(model, through_fixed_point, **drawn)
    assert (found["y"] == 0).all() and found["h"].abs().min() > 0
    assert all((found[name] == 0).all() for name, _ in model.rnn.named_parameters())


@pytest.mark.parametrize("lanes", [1, 2, 7])
def test_threads_change_nothing(threads, lanes):
    model = network(48, 2)
    drawn = setting(model, 100, lanes, 0.3)
    found = []
    for count in (1, 2, 3):
        threads(count)
        found.append(results(model, through_fixed_point, **drawn))
    for other in found[1:]:
        assert all(torch.equal(x, other[name]) for name, x in found[0].items())


def test_lanes_do_not_meet():
    model = network(32, 2)
    drawn = setting(model, 12, 9, 0.0)
    whole, _ = fixed_point.layers(
        model.rnn, drawn["ids"], (drawn["h"], drawn["c"]), drawn["kept"], 1.0
    )
    own = slice(4, 6)
    state = (drawn["h"][:, own], drawn["c"][:, own])
    part, _ = fixed_point.layers(model.rnn, drawn["ids"][:, own], state, drawn["kept"], 1.0)
    assert torch.equal(whole[:, own], part)


def test_a_pass_cannot_be_gone_back_through_twice():
    model = network(16, 1)
    y, _ = fixed_point.layers(
        model.rnn, torch.zeros(2, 2, dtype=torch.int64), model.zero_state(2), [None], 1.0
    )
    y.sum().backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="gone back through once"):
        y.sum().backward()


@pytest.mark.parametrize("bad", [-1, 23])
def test_an_id_outside_the_vocabulary_is_an_error(bad):
    model = network(16, 1)
    ids = torch.tensor([[0, bad]])
    with pytest.raises(IndexError, match="they must be 0 to 22"):
        fixed_point.layers(model.rnn, ids, model.zero_state(2), [None], 1.0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_blew_up_show_in_what_comes_out(bad):
    model = network(32, 2)
    with torch.no_grad():
        model.rnn[1].weight_hh_l0[:, 3] = bad
    drawn = setting(model, 4, 3, 0.2)
    found = results(model, through_fixed_point, **drawn)
    assert not found["y"].isfinite().all()
    assert not found["0.weight_hh_l0"].isfinite().all()


# Dropout


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1 / 3, 0.9, 1e-9])
def test_masks_are_those_that_torch_draws(p):
    ours, torchs = (torch.Generator().manual_seed(4) for _ in range(2))
    for shape in ((1, 1, 1), (3, 5, 7), (1, 1, 624), (2, 3, 1000), (1, 1, 13)):
        kept = draw_kept(shape, ours, p, torch.device("cpu"))
        assert torch.equal(kept, torch.rand(shape, generator=torchs) >= p)
        assert torch.equal(ours.get_state(), torchs.get_state())


def test_masks_of_some_lanes_are_those_of_the_whole():
    ours, whole = (torch.Generator().manual_seed(4) for _ in range(2))
    part = draw_kept((5, 2, 16), LaneMasks(ours, 3, 9), 0.4, torch.device("cpu"))
    assert torch.equal(part, draw_kept((5, 9, 16), whole, 0.4, torch.device("cpu"))[:, 3:5])


def test_masks_are_drawn_without_the_compiled_loop_too(monkeypatch):
    ours, torchs = (torch.Generator().manual_seed(4) for _ in range(2))
    monkeypatch.setattr(native, "load", lambda name: None)
    kept = draw_kept((3, 5, 7), ours, 0.4, torch.device("cpu"))
    assert torch.equal(kept, torch.rand((3, 5, 7), generator=torchs) >= 0.4)


# In the model and in training


@pytest.mark.parametrize("restart", [None, 2])
def test_the_model_runs_its_layers_here_while_it_is_on(restart):
    model = CharRNN(
        ModelConfig(23, hidden=32, layers=2, dropout=0.4, restart=restart),
        torch.Generator().manual_seed(0),
    )
    ids = torch.randint(0, 23, (12, 4), generator=torch.Generator().manual_seed(1))
    exact, state = model(ids, generator=torch.Generator().manual_seed(2))
    with fixed_point.switched_on():
        near, left = model(ids, generator=torch.Generator().manual_seed(2))
    assert not fixed_point.is_on()
    assert 0 < (near - exact).abs().max() < 1e-3
    assert all(0 < (a - b).abs().max() < 1e-3 for a, b in zip(left, state, strict=True))


TEXT = SAMPLE.read_text(encoding="utf-8")
VOCAB = Vocab.of(TEXT)
IDS = VOCAB.encode(TEXT)


def begin(folder, precision="int16", hidden=64, **changes):
    shape = ModelConfig(len(VOCAB), hidden=hidden, layers=2, dropout=0.2)
    settings = {"batch": 16, "seq": 32, "steps": 500, "lr": 5e-3, "eval_every": 10**6} | changes
    config = TrainConfig(device="cpu", precision=precision, **settings)
    return train.start(shape, VOCAB, IDS, IDS[:1000], config, folder)


def curve(training) -> np.ndarray:
    """The loss of every step."""
    losses, data = [], training.data
    while not training.finished:
        before = training.meter.item()
        train._advance(training, data)
        losses.append(training.meter.item() - before)
    return np.array(losses)


def test_the_loss_falls_as_in_fp32(tmp_path):
    """500 steps, from 3.6 to 2.0 nats. Another seed changes a step's loss by up to 0.14; weights
    that start a ten-thousandth of themselves elsewhere change it by 0.0002, int16 by 0.0001.
    """
    exact = curve(begin(tmp_path / "fp32", "fp32"))
    near = curve(begin(tmp_path / "int16"))
    assert exact[-50:].mean() < 2.0
    assert 0 < np.abs(near - exact).max() < 0.002


def test_a_training_resumed_is_the_same_bit_for_bit(tmp_path):
    def small(folder, steps):
        shape = {"hidden": 16, "batch": 4, "seq": 8, "schedule": "constant"}
        return train.run(begin(folder, steps=steps, **shape), progress_bar=False)

    whole = small(tmp_path / "whole", 30)
    small(tmp_path / "parts", 12)
    parts = train.resume(tmp_path / "parts", IDS, IDS[:1000], whole.config)
    train.run(parts, progress_bar=False)
    assert parts.precision == "int16" and parts.progress.step == 30
    for a, b in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_training_that_blows_up_says_so(tmp_path):
    training = begin(tmp_path, hidden=16, steps=5)
    with torch.no_grad():
        training.model.rnn[0].weight_hh_l0[0, 0] = float("nan")
    with pytest.raises(train.TrainingError, match="the weights have blown up"):
        train.run(training, progress_bar=False)
