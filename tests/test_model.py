import numpy as np
import numpy_reference as longhand
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from charrnn.model import (
    CELLS,
    CharRNN,
    ModelConfig,
    gru_step,
    input_gates,
    lstm_step,
    rnn_step,
)

V, H, L, T, B = 5, 4, 2, 6, 3
EVERY_CELL = pytest.mark.parametrize("cell", list(CELLS))


def make(cell="lstm", seed=0, **changes) -> CharRNN:
    config = ModelConfig(**{"vocab_size": V, "cell": cell, "hidden": H, "layers": L} | changes)
    generator = torch.Generator().manual_seed(seed)
    model = CharRNN(config, generator)
    with torch.no_grad():  # biases too, so that a bias in the wrong place shows
        for parameter in model.parameters():
            parameter.uniform_(-0.9, 0.9, generator=generator)
    return model


def text(seed=1, steps=T) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.randint(V, (steps + 1, B), generator=torch.Generator().manual_seed(seed))
    return ids[:-1], ids[1:]


def arrays(state) -> tuple[np.ndarray, ...]:
    return tuple(s.numpy() for s in state)


def numpy_weights(model) -> dict[str, np.ndarray]:
    return {k: v.detach().double().numpy() for k, v in model.state_dict().items()}


def random_state(model, seed=2):
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.rand(s.shape, generator=generator) - 0.5 for s in model.zero_state(B))


# The forward pass


@EVERY_CELL
@pytest.mark.parametrize("vocab_size", [V, 2 * H + 3])  # the second reads its input by row lookup
def test_forward_is_the_longhand_network(cell, vocab_size):
    model = make(cell, vocab_size=vocab_size)
    assert model.looks_up == (vocab_size > 2 * H)
    ids, state = text()[0], random_state(model)
    logits, after = model(ids, state)
    reference = longhand.forward(numpy_weights(model), cell, L, ids.numpy(), arrays(state))
    np.testing.assert_allclose(logits.detach().numpy(), reference["logits"], atol=2e-6)
    assert len(after) == (2 if cell == "lstm" else 1)
    for ours, theirs in zip(after, reference["state"], strict=True):
        assert ours.shape == (L, B, H)
        np.testing.assert_allclose(ours.detach().numpy(), theirs, atol=2e-6)


@EVERY_CELL
def test_forward_is_torchs_own_layers(cell):
    model = make(cell)
    theirs = CELLS[cell](V, H, L)
    for layer, rnn in enumerate(model.rnn):
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            value = getattr(rnn, f"{name}_l0").detach()
            getattr(theirs, f"{name}_l{layer}").data.copy_(value)
    ids, state = text()[0], random_state(model)
    logits, after = model(ids, state)
    out, left = theirs(F.one_hot(ids, V).float(), state if cell == "lstm" else state[0])
    torch.testing.assert_close(logits, model.decoder(out))
    left = left if cell == "lstm" else (left,)
    for ours, torchs in zip(after, left, strict=True):
        torch.testing.assert_close(ours, torchs)


@EVERY_CELL
def test_without_a_state_reading_starts_from_zeros(cell):
    model, (ids, _) = make(cell), text()
    assert torch.equal(model(ids)[0], model(ids, model.zero_state(B))[0])
    assert not torch.equal(model(ids)[0], model(ids, random_state(model))[0])
    assert all(s.shape == (L, B, H) and not s.any() for s in model.zero_state(B))


@EVERY_CELL
def test_two_calls_with_the_state_carried_are_one_call(cell):
    model, (ids, _) = make(cell), text()
    whole, end = model(ids)
    first, state = model(ids[:2])
    second, state = model(ids[2:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    for a, b in zip(state, end, strict=True):
        torch.testing.assert_close(a, b)


def test_lanes_do_not_see_each_other():
    model, (ids, _) = make(), text()
    together = model(ids)[0]
    for b in range(B):
        torch.testing.assert_close(model(ids[:, b : b + 1])[0], together[:, b : b + 1])


def test_ids_must_have_time_and_lanes():
    with pytest.raises(ValueError, match=r"ids have shape \(6,\); they must be \(T, B\)"):
        make()(text()[0][:, 0])


# The steps, spelled out


def test_input_gates_are_the_product_with_one_hot_vectors():
    model, (ids, _) = make(), text()
    weight = model.rnn[0].weight_ih_l0
    assert torch.equal(input_gates(ids, weight), F.one_hot(ids, V).float() @ weight.t())


def spelled_out(model, cell, ids, state):
    """`model.forward` through the public steps, as a reader of the book would write it."""
    hs, cs = list(state[0]), list(state[-1])
    logits = []
    for row in ids:
        below = None
        for layer, rnn in enumerate(model.rnn):
            gates = (
                input_gates(row, rnn.weight_ih_l0)
                if below is None
                else below @ rnn.weight_ih_l0.t()
            )
            if cell == "lstm":
                bias = rnn.bias_ih_l0 + rnn.bias_hh_l0
                hs[layer], cs[layer] = lstm_step(
                    gates, hs[layer], cs[layer], rnn.weight_hh_l0, bias
                )
            else:
                step = gru_step if cell == "gru" else rnn_step
                gates = gates + rnn.bias_ih_l0
                hs[layer] = step(gates, hs[layer], rnn.weight_hh_l0, rnn.bias_hh_l0)
            below = hs[layer]
        logits.append(model.decoder(below))
    state = (torch.stack(hs), torch.stack(cs)) if cell == "lstm" else (torch.stack(hs),)
    return torch.stack(logits), state


@EVERY_CELL
def test_the_steps_make_up_the_network(cell):
    model, (ids, _) = make(cell), text()
    state = random_state(model)
    logits, after = model(ids, state)
    ours, left = spelled_out(model, cell, ids, state)
    torch.testing.assert_close(ours, logits)
    for a, b in zip(left, after, strict=True):
        torch.testing.assert_close(a, b)


def test_an_lstm_step_by_hand():
    # All weights 0 and biases 0 but the candidate's: every logistic gate is 1/2,
    # so c = 1/2 * 2 + 1/2 * tanh(b_g), h = 1/2 * tanh(c).
    bias = torch.tensor([0.0, 0.0, 0.7, 0.0], dtype=torch.float64)
    zero = torch.zeros(1, 1, dtype=torch.float64)
    h, c = lstm_step(bias.new_zeros(1, 4), zero, zero + 2, bias.new_zeros(4, 1), bias)
    assert c.item() == pytest.approx(1 + np.tanh(0.7) / 2, abs=1e-15)
    assert h.item() == pytest.approx(np.tanh(1 + np.tanh(0.7) / 2) / 2, abs=1e-15)


def test_a_gru_step_by_hand():
    # Gates at 1/2 again; the recurrent bias of n passes through r: n = tanh(0.3 + 1/2 * 0.4).
    x = torch.tensor([[0.0, 0.0, 0.3]], dtype=torch.float64)
    bias = torch.tensor([0.0, 0.0, 0.4], dtype=torch.float64)
    h = gru_step(x, bias.new_ones(1, 1), bias.new_zeros(3, 1), bias)
    assert h.item() == pytest.approx(0.5 + 0.5 * np.tanh(0.5), abs=1e-15)


def test_a_plain_step_by_hand():
    one = torch.ones(1, 1, dtype=torch.float64)
    h = rnn_step(0.1 * one, 2 * one, 0.25 * one, 0.3 * one[0])
    assert h.item() == pytest.approx(np.tanh(0.1 + 0.5 + 0.3), abs=1e-15)


# Gradients


def gradients(model, ids, targets, state=None) -> tuple[float, dict[str, np.ndarray]]:
    model.zero_grad()
    loss = F.cross_entropy(model(ids, state)[0].flatten(0, 1), targets.flatten())
    loss.backward()
    return loss.item(), {k: p.grad.numpy().copy() for k, p in model.named_parameters()}


@pytest.mark.parametrize("vocab_size", [V, 2 * H + 3])
def test_lstm_gradients_are_those_of_longhand_bptt(vocab_size):
    model = make(vocab_size=vocab_size).double()
    ids, targets = text()
    state = tuple(s.double() for s in random_state(model))
    loss, ours = gradients(model, ids, targets, state)
    weights = numpy_weights(model)
    run = longhand.forward(weights, "lstm", L, ids.numpy(), arrays(state))
    assert loss == pytest.approx(longhand.cross_entropy(run["logits"], targets.numpy()), abs=1e-12)
    theirs = longhand.lstm_gradients(weights, L, ids.numpy(), targets.numpy(), arrays(state))
    assert ours.keys() == theirs.keys()
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], atol=1e-12, err_msg=name)


@EVERY_CELL
@pytest.mark.parametrize("vocab_size", [V, 2 * H + 3])
def test_gradients_are_finite_differences(cell, vocab_size):
    model = make(cell, vocab_size=vocab_size).double()
    ids, targets = text()
    _, ours = gradients(model, ids, targets)
    picked = np.random.default_rng(0)
    for name, parameter in model.named_parameters():
        flat, losses = parameter.data.view(-1), {}
        for place in picked.permutation(len(flat))[:5]:
            kept = flat[place].item()
            for nudge in (1e-5, -1e-5):
                flat[place] = kept + nudge
                with torch.no_grad():
                    logits = model(ids)[0].flatten(0, 1)
                losses[nudge] = F.cross_entropy(logits, targets.flatten()).item()
            flat[place] = kept
            slope = (losses[1e-5] - losses[-1e-5]) / 2e-5
            assert ours[name].flat[place] == pytest.approx(slope, abs=1e-9), (name, place)


def test_a_double_model_gives_double_states():
    model = make().double()
    logits, state = model(text()[0])
    assert {logits.dtype, *(s.dtype for s in state)} == {torch.float64}
    assert {s.dtype for s in model.zero_state(1)} == {torch.float64}
    assert model(text()[0], state)[0].dtype == torch.float64


def test_states_are_float32_under_autocast():
    model = make("rnn")  # torch has no bfloat16 LSTM on CPUs without its instructions
    with torch.autocast("cpu", dtype=torch.bfloat16):
        state = make("rnn", vocab_size=2 * H + 3)(text()[0])[1]
    assert {s.dtype for s in state} == {torch.float32} == {s.dtype for s in model.zero_state(1)}


# Dropout


def test_dropout_is_off_when_not_training():
    ids = text()[0]
    plain, dropping = make(), make(dropout=0.5).eval()
    assert torch.equal(plain(ids)[0], dropping(ids)[0])
    assert not torch.equal(plain(ids)[0], dropping.train()(ids)[0])


def test_dropout_keeps_the_expectation():
    """The mean over 40,000 masks of one layer's logits is what the layer gives undropped."""
    ids, model = torch.zeros(1, 40_000, dtype=torch.int64), make(layers=1, dropout=0.3)
    dropped = model(ids, generator=torch.Generator().manual_seed(0))[0][0]
    plain = model.eval()(ids[:, :1])[0][0, 0]
    spread = dropped.std(dim=0) / 40_000**0.5
    assert (dropped.std(dim=0) > 0.05).all()
    assert ((dropped.mean(dim=0) - plain).abs() < 5 * spread).all()


def test_dropout_draws_from_the_generator_passed_in():
    model, ids = make(dropout=0.5), text()[0]
    before = torch.get_rng_state()
    first, second, other = (
        model(ids, generator=torch.Generator().manual_seed(s))[0] for s in (7, 7, 8)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.get_rng_state())


def test_fresh_weights_draw_from_the_generator_passed_in():
    before = torch.get_rng_state()
    config = ModelConfig(vocab_size=V, hidden=H)
    model = CharRNN(config, torch.Generator().manual_seed(3))
    # torch draws weights of its own while the layers are built; they are overwritten.
    torch.set_rng_state(before)
    torch.manual_seed(99)
    again = CharRNN(config, torch.Generator().manual_seed(3))
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_dropout_is_not_on_the_recurrent_path():
    """With one layer the states are those without dropout: what is dropped is only the way up."""
    ids = text()[0]
    plain = make(layers=1)(ids)[1]
    dropping = make(layers=1, dropout=0.9)
    logits, state = dropping(ids, generator=torch.Generator().manual_seed(0))
    for a, b in zip(plain, state, strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(logits, make(layers=1)(ids)[0])  # but the decoder reads a dropped h


def test_dropout_is_between_layers_and_on_the_top():
    """Two layers by hand: each layer's output is masked in order, the last before the decoder."""
    model, ids = make(dropout=0.4), text()[0]
    logits, state = model(ids, generator=torch.Generator().manual_seed(5))
    masks, x = torch.Generator().manual_seed(5), F.one_hot(ids, V).float()
    for layer, rnn in enumerate(model.rnn):
        x, (h, c) = rnn(x)
        torch.testing.assert_close(h[0], state[0][layer])
        torch.testing.assert_close(c[0], state[1][layer])
        x = x * (torch.rand(x.shape, generator=masks) >= 0.4) / 0.6
    torch.testing.assert_close(model.decoder(x), logits)


# Sizes, fresh weights, settings


@pytest.mark.parametrize(
    ("vocab_size", "layers", "count"),
    [(67, 3, 5_426_755), (97, 2, 2561 * 97 + 3_153_920), (50, 2, 2561 * 50 + 3_153_920)],
)
def test_parameter_counts_of_the_post(vocab_size, layers, count):
    with torch.device("meta"):  # shapes alone
        model = CharRNN(ModelConfig(vocab_size, hidden=512, layers=layers))
    assert model.n_parameters == count


def test_parameters_have_torchs_names_and_shapes():
    shapes = {k: tuple(v.shape) for k, v in make().state_dict().items()}
    assert shapes == {
        "rnn.0.weight_ih_l0": (4 * H, V),
        "rnn.0.weight_hh_l0": (4 * H, H),
        "rnn.0.bias_ih_l0": (4 * H,),
        "rnn.0.bias_hh_l0": (4 * H,),
        "rnn.1.weight_ih_l0": (4 * H, H),
        "rnn.1.weight_hh_l0": (4 * H, H),
        "rnn.1.bias_ih_l0": (4 * H,),
        "rnn.1.bias_hh_l0": (4 * H,),
        "decoder.weight": (V, H),
        "decoder.bias": (V,),
    }


@pytest.mark.parametrize("bias", [1.0, 0.0, 2.5])
def test_the_forget_gate_alone_starts_with_a_bias(bias):
    model = CharRNN(ModelConfig(V, hidden=H, forget_bias=bias))
    for rnn in model.rnn:
        expected = torch.tensor([0.0] * H + [bias] * H + [0.0] * 2 * H)
        assert torch.equal(rnn.bias_ih_l0 + rnn.bias_hh_l0, expected)
    assert not model.decoder.bias.any()


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_other_cells_start_with_no_bias(cell):
    model = CharRNN(ModelConfig(V, cell=cell, hidden=H))
    assert not any(p.any() for p in model.parameters() if p.dim() == 1)


def test_fresh_matrices():
    model = CharRNN(ModelConfig(200, hidden=64, layers=2))
    first = model.rnn[0].weight_ih_l0
    assert 0.99 < first.abs().max() <= 1 and first.std().item() == pytest.approx(3**-0.5, rel=0.02)
    for gate in model.rnn[1].weight_hh_l0.chunk(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(64), atol=1e-5, rtol=0)
    higher = model.rnn[1].weight_ih_l0.abs().max()
    assert 0.95 * (6 / 128) ** 0.5 < higher <= (6 / 128) ** 0.5
    assert 0.12 < model.decoder.weight.abs().max() <= 64**-0.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cell": "LSTM"}, "cell is 'LSTM'; it must be one of lstm, gru, rnn"),
        ({"hidden": 0}, "hidden is 0; it must be at least 1"),
        ({"layers": -1}, "layers is -1; it must be at least 1"),
        ({"layers": 10**12}, "layers is 1000000000000; it must be at most 100"),
        ({"hidden": 10**30}, "it must be at most 65,536"),
        ({"hidden": 8.5}, "hidden is 8.5; it must be a whole number"),
        ({"hidden": "x" * 5000}, r"hidden is 'x{50,200}\.\.\.; it must be a whole number$"),
        ({"hidden": 10**4000}, r"hidden is 10{50,200}\.\.\.; it must be at most 65,536$"),
        ({"vocab_size": 0}, "vocab_size is 0; it must be at least 1"),
        ({"dropout": 1.0}, "dropout is 1.0; it must be at least 0 and below 1"),
        ({"dropout": -0.1}, "dropout is -0.1; it must be at least 0 and below 1"),
    ],
)
def test_impossible_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**{"vocab_size": V} | changes)


def test_settings_become_a_dictionary_and_back():
    config = ModelConfig(7, "gru", 8, 3, 0.25, 0.0)
    assert ModelConfig(**config.to_dict()) == config
    assert isinstance(make().rnn, nn.ModuleList)
