"""The switches of 2015: each against a program written longhand, and the eras that bundle them."""

import json
import re
from dataclasses import fields, replace
from importlib import import_module
from itertools import product
from pathlib import Path

import longhand
import numpy as np
import pytest
import torch
from longhand import Program
from short_training import SMALL as TRAINING
from short_training import TRAIN as TEXT
from short_training import VAL as TAIL
from short_training import VOCAB, fixed, ordinary, train, walk
from torch.nn import functional as F

import charrnn
from charrnn import eras, export, native
from charrnn.checkpoint import load_checkpoint
from charrnn.cli import main
from charrnn.cuda.captured import filled_up
from charrnn.cuda.captured_stepper import BlockStepper
from charrnn.devices import choose_precision
from charrnn.masks import LaneMasks
from charrnn.model import STEPS, SWITCHES, CharRNN, ModelConfig, input_gates
from charrnn.native import fixed_point, fused
from charrnn.optimize import build_optimizer, clip
from charrnn.plan import plan_training
from charrnn.recipe import load_recipe
from charrnn.records import read_samples
from charrnn.runs import recipe_from_dict, recipe_to_dict
from charrnn.sample import (
    Sampling,
    divided_logits,
    draw,
    generate,
    probabilities,
    sample,
    sample_many,
    uniform_stream,
)
from charrnn.settings import TrainConfig
from charrnn.unroll import unroll
from charrnn.vocab import Vocab

sampling = import_module("charrnn.sample")  # `charrnn.sample` by itself is the function
V, H, T, B, P = 5, 4, 10, 3, 0.4
UPDATES, EVERY = 4, 3
CELLS = ("lstm", "gru", "rnn")
CPU = torch.device("cpu")
ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "data" / "samples"
EVERY_CELL = pytest.mark.parametrize("cell", CELLS)


def network(cell="lstm", seed=0, wide=0.9, **switches) -> CharRNN:
    """In float64 and training, with weights so large that every path of the gradient shows."""
    config = ModelConfig(V, cell=cell, hidden=H, layers=2, **switches)
    model = CharRNN(config).double().train()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-wide, wide, generator=generator)
    return model


def weights_of(model) -> dict[str, np.ndarray]:
    return {k: v.detach().double().numpy().copy() for k, v in model.state_dict().items()}


def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """Of mostly one symbol, so that its bias' gradient, summed over a sequence, is above 5."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(UPDATES):
        ids = rng.choice(V, size=(T + 1, B), p=[0.8, 0.05, 0.05, 0.05, 0.05])
        found.append((ids[:-1], ids[1:]))
    return found


def masks_of(seed: int, p: float = P, updates: int = UPDATES) -> list[list[np.ndarray]]:
    """What the library draws of a generator: for each update one (T, B, H) a layer, in order."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.stack([torch.rand((T, B, H), generator=generator) for _ in range(2 * updates)])
    scaled = (drawn >= p).numpy() / (1 - p)
    return [[scaled[2 * u], scaled[2 * u + 1]] for u in range(updates)]


def trained(model, bound: float | None) -> dict:
    """Updates of the library's network by the library's optimizer, as `longhand.train` gives them.

    bound: of the gradient of the mean loss.
    """
    config = TrainConfig(
        steps=1, optimizer="rmsprop", lr=2e-3, alpha=0.95, clip_norm=None, clip_value=bound
    )
    optimizer, state = build_optimizer(model, config), None
    generator = torch.Generator().manual_seed(7)
    losses, gradients = [], []
    for ids, targets in batches():
        optimizer.zero_grad()
        logits, state = model(torch.from_numpy(ids), state, generator)
        loss = F.cross_entropy(logits.flatten(0, 1), torch.from_numpy(targets).flatten())
        loss.backward()
        gradients.append({k: v.grad.numpy().copy() for k, v in model.named_parameters()})
        clip(model, config)
        optimizer.step()
        losses.append(loss.item())
        state = tuple(s.detach() for s in state)
    return {"losses": losses, "gradients": gradients, "weights": weights_of(model), "state": state}


def by_hand(weights, program: Program) -> dict:
    zeros = np.zeros((2, B, H))
    # The 1e-8 that RMSProp adds is T times as much beside the gradient of a mean.
    program = replace(program, eps=1e-8 * T)
    return longhand.train(weights, program, batches(), masks_of(7), (zeros, zeros))


FLAGS = list(product((False, True), (False, True), (0.0, 1.0), (None, 5.0)))


@pytest.mark.parametrize(("overwrite", "recurrent", "bias", "bound"), FLAGS)
def test_the_network_trains_as_the_program_written_longhand(overwrite, recurrent, bias, bound):
    program = Program(overwrite, recurrent, bias, bound)
    model = network(detach_top_h=overwrite, recurrent_dropout=recurrent, dropout=P)
    start = weights_of(model)
    with torch.no_grad():
        for rnn in model.rnn:
            if bias:
                rnn.bias_ih_l0[H : 2 * H] = bias
    ours, theirs = trained(model, bound and bound / T), by_hand(start, program)
    np.testing.assert_allclose(ours["losses"], np.array(theirs["losses"]) / T, atol=1e-12)
    for got, expected in zip(ours["gradients"], theirs["gradients"], strict=True):
        for name in expected:
            np.testing.assert_allclose(got[name], expected[name] / T, atol=1e-12, err_msg=name)
    for name in start:
        np.testing.assert_allclose(
            ours["weights"][name], theirs["weights"][name], atol=1e-11, err_msg=name
        )
    for got, expected in zip(ours["state"], theirs["state"], strict=True):
        np.testing.assert_allclose(got.numpy(), expected, atol=1e-11)
    largest = max(np.abs(g).max() for grads in theirs["gradients"] for g in grads.values())
    assert largest > 5.05, "or the clipping would be tested by nothing"


@pytest.mark.parametrize("change", [{"overwrite"}, {"recurrent"}, {"forget_bias"}, {"clip"}])
def test_each_flag_of_the_program_changes_the_weights(change):
    """Else the comparison above could not tell a switch that does nothing."""
    other = {"overwrite": False, "recurrent": False, "forget_bias": 1.0, "clip": None}
    start = weights_of(network())
    program = Program()
    first, second = (
        by_hand(start, p)["weights"]
        for p in (program, replace(program, **{name: other[name] for name in change}))
    )
    assert max(np.abs(first[k] - second[k]).max() for k in first) > 1e-4


@pytest.mark.parametrize("switch", ["detach_top_h", "recurrent_dropout"])
@EVERY_CELL
def test_each_switch_changes_the_weights_of_every_cell(cell, switch):
    ours, theirs = (
        trained(network(cell, dropout=P, **{switch: on}), None)["weights"] for on in (True, False)
    )
    assert max(np.abs(ours[k] - theirs[k]).max() for k in ours) > 1e-4


# The overwritten gradient, by finite differences


def frozen_loss(model, ids, targets, masks, frozen=None):
    """The mean loss of a sequence, step by step, and the top layer's h after every step (T, B, H).

    frozen: those that the top layer reads at each step, in place of its own.
    """
    step, states, tops, total = STEPS[model.config.cell], list(model.zero_state(B)), [], 0.0
    states = [tuple(s[n] for s in states) for n in range(2)]
    for t, row in enumerate(ids):
        x = None
        for n, rnn in enumerate(model.rnn):
            gates = input_gates(row, rnn.weight_ih_l0) if x is None else x @ rnn.weight_ih_l0.t()
            read = states[n]
            if n == 1 and frozen is not None:
                read = (frozen[t], *read[1:])
            new = step(gates + rnn.bias_ih_l0, *read, rnn.weight_hh_l0, rnn.bias_hh_l0)
            new = new if isinstance(new, tuple) else (new,)
            x = new[0] if masks is None else new[0] * masks[n][t]
            states[n] = (x, *new[1:]) if model.config.recurrent_dropout else new
        tops.append(states[1][0])
        total = total + F.cross_entropy(model.decoder(x), targets[t])
    return total / len(ids), torch.stack(tops)


@pytest.mark.parametrize("dropped", [False, True])
@EVERY_CELL
def test_a_detached_h_has_the_gradient_of_a_function_whose_top_h_stands_still(cell, dropped):
    """The overwriting rule is the exact gradient of the loss with every h_{t-1} that the top layer
    reads held at the value it had; it is not the gradient of the loss itself."""
    switches = {"dropout": P, "recurrent_dropout": True} if dropped else {}
    model = network(cell, detach_top_h=True, **switches)
    ids, targets = (torch.from_numpy(a) for a in batches()[1])
    masks = [torch.from_numpy(m) for m in masks_of(7)[0]] if dropped else None

    def gradient(network_) -> dict[str, np.ndarray]:
        network_.zero_grad()
        logits = network_(ids, generator=torch.Generator().manual_seed(7))[0]
        F.cross_entropy(logits.flatten(0, 1), targets.flatten()).backward()
        return {k: p.grad.numpy().copy() for k, p in network_.named_parameters()}

    detached, true = gradient(model), gradient(network(cell, **switches))
    with torch.no_grad():
        tops = frozen_loss(model, ids, targets, masks)[1]
        frozen = torch.cat([torch.zeros_like(tops[:1]), tops[:-1]])
        held, free = slopes(model, ids, targets, masks, frozen), slopes(model, ids, targets, masks)
    for name in detached:
        ours, usual = detached[name].flat[::EVERY], true[name].flat[::EVERY]
        np.testing.assert_allclose(ours, held[name], atol=1e-8, err_msg=name)
        np.testing.assert_allclose(usual, free[name], atol=1e-8, err_msg=name)
    apart = {name: np.abs(detached[name] - true[name]).max() for name in true}
    assert apart["rnn.0.weight_ih_l0"] > 1e-3 and apart["rnn.1.bias_ih_l0"] > 1e-3
    assert apart["decoder.weight"] < 1e-12


def slopes(model, ids, targets, masks, frozen=None, nudge=1e-5) -> dict[str, np.ndarray]:
    """Central differences of `frozen_loss` for every third weight of each tensor."""
    found = {}
    for name, parameter in model.named_parameters():
        flat, slope = parameter.data.view(-1), []
        for place in range(0, len(flat), EVERY):
            kept, losses = flat[place].item(), []
            for by in (nudge, -nudge):
                flat[place] = kept + by
                losses.append(frozen_loss(model, ids, targets, masks, frozen)[0].item())
            flat[place] = kept
            slope.append((losses[0] - losses[1]) / (2 * nudge))
        found[name] = np.array(slope)
    return found


def test_the_program_longhand_has_those_slopes_too():
    """Its overwriting rule, and without it the true gradient, beside differences of its own loss
    (summed over the steps)."""
    weights, (ids, targets), masks = weights_of(network()), batches()[1], masks_of(7)[0]
    zeros = np.zeros((2, B, H))
    for overwrite in (True, False):
        program = Program(overwrite)
        run = longhand.forward(weights, program, ids, targets, (zeros, zeros), masks)
        grads = longhand.backward(weights, program, run, targets, masks)
        read = np.array([step["layers"][1]["h_old"] for step in run["steps"]])
        frozen = read if overwrite else None
        for name in ("rnn.0.weight_hh_l0", "rnn.1.weight_ih_l0", "rnn.1.bias_hh_l0"):
            for place in range(0, weights[name].size, 7):
                losses = []
                for by in (1e-5, -1e-5):
                    moved = {k: v.copy() for k, v in weights.items()}
                    moved[name].flat[place] += by
                    state = (zeros, zeros)
                    nudged = longhand.forward(moved, program, ids, targets, state, masks, frozen)
                    losses.append(nudged["loss"])
                slope = (losses[0] - losses[1]) / 2e-5
                assert grads[name].flat[place] == pytest.approx(slope, abs=1e-7), (name, place)


# First weights


def test_uniform_first_weights_are_char_rnns():
    config = ModelConfig(97, hidden=128, layers=2, init="uniform", forget_bias=0.0)
    drawn = np.concatenate([w.flatten() for w in weights_of(CharRNN(config)).values()])
    assert np.abs(drawn).max() < 0.08 and np.abs(drawn).max() > 0.0799
    quarters = np.quantile(drawn, [0.25, 0.5, 0.75])
    np.testing.assert_allclose(quarters, [-0.04, 0, 0.04], atol=1e-3)
    plain = longhand.first_weights(Program(), 97, 128, np.random.default_rng(0))
    assert {k: v.shape for k, v in plain.items()} == {
        k: v.shape for k, v in weights_of(CharRNN(config)).items()
    }
    np.testing.assert_allclose(drawn.std(), 0.16 / 12**0.5, rtol=0.01)  # of a uniform number


@EVERY_CELL
def test_the_forget_bias_of_uniform_weights(cell):
    def made(bias: float) -> dict[str, np.ndarray]:
        config = ModelConfig(V, cell, H, forget_bias=bias, init="uniform")
        return weights_of(CharRNN(config, torch.Generator().manual_seed(2)))

    none, one = made(0.0), made(1.0)
    for name in none:
        changed = none[name] != one[name]
        if cell == "lstm" and name.endswith("bias_ih_l0"):
            assert np.flatnonzero(changed).tolist() == list(range(H, 2 * H))
            assert (one[name][H : 2 * H] == 1).all() and (np.abs(none[name]) < 0.08).all()
        else:
            assert not changed.any()


# The layer, unrolled


@pytest.mark.parametrize(("recurrent", "detach", "dropped"), list(product((False, True), repeat=3)))
@EVERY_CELL
def test_networks_side_by_side_are_single_ones(cell, recurrent, detach, dropped):
    parts, n = {"lstm": 4, "gru": 3, "rnn": 1}[cell], 3
    generator = torch.Generator().manual_seed(4)

    def numbers(*shape):
        return (torch.rand(shape, generator=generator, dtype=torch.float64) - 0.5).requires_grad_()

    gates, weight = numbers(T, n, B, parts * H), numbers(n, parts * H, H)
    bias, state = numbers(n, 1, parts * H), tuple(numbers(n, B, H) for _ in range(2))
    state = state[: 2 if cell == "lstm" else 1]
    kept = torch.rand((T, n, B, H), generator=generator) >= P if dropped else None
    inputs, options = [gates, weight, bias], (1 / (1 - P), recurrent, detach)
    above, left = unroll(cell, gates, state, weight, bias, kept, *options)
    whole = torch.autograd.grad((above**2).sum() + left[0].sum(), inputs)
    for k in range(n):
        one, own = unroll(
            cell,
            gates[:, k],
            tuple(s[k] for s in state),
            weight[k],
            bias[k, 0],
            None if kept is None else kept[:, k],
            *options,
        )
        torch.testing.assert_close(above[:, k], one)
        for a, b in zip(left, own, strict=True):
            torch.testing.assert_close(a[k], b)
        single = torch.autograd.grad((one**2).sum() + own[0].sum(), inputs)
        for a, b, axis in zip(whole, single, (1, 0, 0), strict=True):
            torch.testing.assert_close(a.select(axis, k), b.select(axis, k))


@EVERY_CELL
def test_without_switches_an_unrolled_layer_is_torchs(cell):
    model, ids = network(cell), torch.from_numpy(batches()[0][0])
    gates, entering = model._gates(0, ids), tuple(s[:1] for s in model.zero_state(B))
    above, left = model.unrolled(0, gates, entering, None)
    expected, after = model._first_layer(0, ids, entering)
    torch.testing.assert_close(above, expected)
    for a, b in zip(left, after, strict=True):
        torch.testing.assert_close(a, b)


SWITCHED = [
    {"detach_top_h": True},
    {"recurrent_dropout": True, "dropout": P},
    {"detach_top_h": True, "recurrent_dropout": True, "dropout": P},
]


@pytest.mark.parametrize("switches", SWITCHED, ids=str)
def test_only_training_is_unrolled(switches, monkeypatch):
    ids, plain = torch.from_numpy(batches()[0][0]), network().eval()
    switched = network(**switches).eval()
    model = import_module("charrnn.model")
    monkeypatch.setattr(model, "unroll", lambda *_, **__: pytest.fail("unrolled"))
    assert torch.equal(switched(ids)[0], plain(ids)[0])
    with pytest.raises(pytest.fail.Exception, match="unrolled"):
        switched.train()(ids)
    network(recurrent_dropout=True)(ids)  # without dropout there is nothing to unroll for


@pytest.mark.parametrize("switches", SWITCHED, ids=str)
def test_lanes_that_are_shared_out_are_those_of_the_whole(switches):
    model, ids = network(**switches), torch.from_numpy(batches()[0][0])
    whole, state = model(ids, generator=torch.Generator().manual_seed(7))
    for lanes in (slice(0, 2), slice(2, 3)):
        masks = LaneMasks(torch.Generator().manual_seed(7), lanes.start, B)
        part, own = model(ids[:, lanes], generator=masks)
        torch.testing.assert_close(part, whole[:, lanes])
        for a, b in zip(own, state, strict=True):
            torch.testing.assert_close(a, b[:, lanes])


def begin(folder, cell="lstm", switches=None, **changes):
    config = TrainConfig(**{**TRAINING, "device": "cpu", "precision": "fp32", **changes})
    shape = {"cell": cell, "hidden": 16, "layers": 2, "dropout": 0.3}
    model = ModelConfig(len(VOCAB), **{**shape, **(switches or {})})
    return train.start(model, VOCAB, TEXT, TAIL, config, folder)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("switches", SWITCHED, ids=str)
@EVERY_CELL
def test_the_step_that_a_gpu_records_is_an_ordinary_one(tmp_path, cell, switches):
    ours, theirs = (begin(tmp_path / name, cell, switches) for name in "ab")
    step = fixed(ours)
    got, expected = walk(ours, step, 40), walk(theirs, ordinary(theirs), 40)
    np.testing.assert_allclose(got, expected, atol=1e-5, rtol=0)
    other = begin(tmp_path / "c", cell, {"dropout": switches.get("dropout", 0.3)})
    assert np.abs(np.array(got) - walk(other, ordinary(other), 40)).max() > 1e-3
    assert torch.equal(ours.generator.get_state(), theirs.generator.get_state())


@pytest.mark.usefixtures("one_thread")
def test_groups_of_lanes_train_as_one(tmp_path):
    whole = begin(tmp_path / "a", switches=SWITCHED[2], batch=6)
    parts = begin(tmp_path / "b", switches=SWITCHED[2], batch=6, accumulate=2)
    got, expected = walk(parts, ordinary(parts), 40), walk(whole, ordinary(whole), 40)
    np.testing.assert_allclose(got, expected, atol=1e-5, rtol=0)


def test_nothing_is_filled_up_for_kernels_that_are_not_used():
    assert filled_up(ModelConfig(97, hidden=512), 100) == (104, 128)
    for switches in SWITCHED:
        assert filled_up(ModelConfig(97, hidden=512, **switches), 100) == (100, 97)


def test_fixed_point_is_not_for_these(monkeypatch):
    monkeypatch.setattr(native, "why_not", lambda name: None)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, raising=False)
    assert choose_precision(CPU, "auto", ModelConfig(97, hidden=512)) == "int16"
    for switches in SWITCHED:
        model = ModelConfig(97, hidden=512, **switches)
        assert choose_precision(CPU, "auto", model) == "fp32"
        with pytest.raises(ValueError, match="int16 is not to be had: it has no layers with") as no:
            choose_precision(CPU, "int16", model)
        assert "\n" not in str(no.value)
    idle = ModelConfig(97, hidden=512, recurrent_dropout=True, init="uniform")
    assert choose_precision(CPU, "auto", idle) == "int16"


def test_with_fixed_point_on_they_are_unrolled_all_the_same(monkeypatch):
    monkeypatch.setattr(fixed_point, "layers", lambda *_: pytest.fail("in fixed point"))
    ids, model = torch.from_numpy(batches()[0][0]), network(detach_top_h=True)
    with fixed_point.switched_on():
        model(ids)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("init", "normal", "init is 'normal'; it must be one of scaled, uniform"),
        ("recurrent_dropout", 1, "recurrent_dropout is 1; it must be True or False"),
        ("detach_top_h", "yes", "detach_top_h is 'yes'; it must be True or False"),
    ],
)
def test_switches_that_are_none(field, value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ModelConfig(V, **{field: value})


# The temperature


def uneven(cell="lstm") -> CharRNN:
    """Its decoder's biases matter beside what the hidden state adds."""
    model = network(cell, seed=9, wide=1.6).float().eval()
    with torch.no_grad():
        model.decoder.bias.copy_(torch.tensor([1.5, -2.0, 0.5, -0.5, 0.1]))
    return model


LETTERS = Vocab(tuple("abcde"))
HEAT = [
    {"temperature": 0.5},
    {"temperature": 2.0},
    {"temperature": 0.0},
    {"temperature": 0.3, "top_k": 3},
    {"temperature": 1.5, "top_p": 0.8},
]


def own_loop(model, primer, settings: Sampling, streams: int) -> np.ndarray:
    """Ids (n, S) of a network whose top h is divided by the temperature before the decoder."""
    numbers, state = uniform_stream(settings.seed, streams), None
    plain = replace(settings, temperature=1.0, temperature_on="logits")
    ids, drawn = torch.full((len(primer), streams), 0), []
    ids[:] = torch.tensor(primer)[:, None]
    for _ in range(settings.length):
        seen = {}
        hook = model.decoder.register_forward_pre_hook(lambda _, x, seen=seen: seen.update(h=x[0]))
        with torch.no_grad():
            _, state = model(ids, state)
            hook.remove()
            h = seen["h"][-1]
            if settings.temperature == 0:  # the limit of ever larger h
                logits, now = h @ model.decoder.weight.T, replace(plain, temperature=0.0)
            else:
                logits, now = model.decoder(h / settings.temperature), plain
        picked = sampling.pick(logits.numpy(), next(numbers), now)
        drawn.append(picked)
        ids = torch.from_numpy(picked)[None]
    return np.array(drawn)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("chosen", HEAT, ids=str)
def test_a_temperature_on_the_hidden_state(chosen, streams, compiled, monkeypatch):
    if compiled and not fused.usable():
        pytest.skip("no compiler")
    if not compiled:
        monkeypatch.setattr(fused, "usable", lambda streams=1: False)
    model, settings = uneven(), Sampling(length=80, seed=4, temperature_on="hidden", **chosen)
    expected = own_loop(model, LETTERS.encode("bad"), settings, streams)
    got = np.array(list(draw(model, LETTERS, "bad", settings, streams)))
    np.testing.assert_array_equal(got, expected)
    usual = np.array(list(draw(model, LETTERS, "bad", Sampling(length=80, seed=4, **chosen), 3)))
    assert (usual[:, 0] != expected[:, 0]).any()


@EVERY_CELL
def test_blocks_on_a_gpu_and_held_units_draw_the_same(cell):
    model, settings = uneven(cell), Sampling(length=60, temperature=0.6, temperature_on="hidden")
    primer = LETTERS.encode("bad")
    twin, plain = divided_logits(model, settings)
    blocks = BlockStepper(twin, plain, 3)
    got = np.array(list(blocks.draw(primer, uniform_stream(0, 3), 60)))
    np.testing.assert_array_equal(got, own_loop(model, primer, settings, 3))
    held = replace(settings, held=((1, 2, 0.9),))
    free = list(draw(model, LETTERS, "bad", settings))
    assert list(draw(model, LETTERS, "bad", held)) != free


def test_probabilities_by_the_hidden_state():
    """softmax of (logits - b) / T + b; at T = 1 no difference, without biases neither."""
    rng = np.random.default_rng(0)
    bias, logits = rng.normal(size=V), rng.normal(size=(20, V)) * 3
    for temperature in (0.1, 0.7, 1.0, 3.0):
        hidden = Sampling(temperature=temperature, temperature_on="hidden")
        scores = (logits - bias) / temperature + bias
        expected = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(probabilities(logits, hidden, bias), expected, atol=1e-12)
        usual = probabilities(logits, Sampling(temperature=temperature))
        apart = np.abs(usual - expected).max()
        assert apart < 1e-12 if temperature == 1 else apart > 0.01
        np.testing.assert_allclose(probabilities(logits, hidden, 0 * bias), usual, atol=1e-12)
    greedy = Sampling(temperature=0, temperature_on="hidden")
    picked = probabilities(logits, greedy, bias).argmax(axis=-1)
    np.testing.assert_array_equal(picked, (logits - bias).argmax(axis=-1))
    assert (picked != logits.argmax(axis=-1)).any()
    with pytest.raises(ValueError, match="temperature_on hidden needs the decoder's bias"):
        probabilities(logits, hidden)


def test_temperatures_that_are_refused():
    with pytest.raises(ValueError, match="temperature_on is 'h'; it must be one of logits, hidden"):
        Sampling(temperature_on="h")
    with pytest.raises(ValueError, match="the portable arithmetic divides logits only; leave"):
        Sampling(temperature_on="hidden", portable=True)


class Drawn:
    """A run as `sample` takes it."""

    model, vocab = uneven(), LETTERS


def test_sampling_in_an_era():
    cold = {"length": 60, "temperature": 0.4, "seed": 3}
    that_day = sample(Drawn, "bad", era="2015-05-21", **cold)
    assert that_day == sample(Drawn, "bad", temperature_on="hidden", **cold)
    assert that_day != sample(Drawn, "bad", **cold)
    assert sample(Drawn, "bad", era="char-rnn", **cold) == sample(Drawn, "bad", **cold)
    explicit = sample(Drawn, "bad", era="2015-05-21", temperature_on="logits", **cold)
    assert explicit == sample(Drawn, "bad", **cold)
    stop = that_day[5:8]
    stopped = sample_many(Drawn, 2, "bad", era="2015-05-21", stop=stop, **cold)
    assert stopped[0] == that_day[: that_day.index(stop)]
    before = Drawn.model.decoder.bias.clone()
    assert torch.equal(before, uneven().decoder.bias), "the network itself is not changed"


# The eras


DAY, LEFT = "2015-05-21", "char-rnn"


def planned(text="shakespeare", **options):
    return plan_training(text, progress=False, out=options.pop("out", None), **options)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHARRNN_DATA", raising=False)


def test_a_recipe_keeps_its_sizes_and_takes_the_switches():
    plain = load_recipe("shakespeare", "smoke")
    made = planned(scale="smoke", era=DAY)
    recipe, training = made.recipe, made.recipe.training
    assert recipe.era == DAY and made.origin.endswith("switches of the era 2015-05-21")
    assert {k: recipe.model[k] for k in plain.model} == plain.model
    switches = {"init": "uniform", "recurrent_dropout": True, "detach_top_h": True}
    assert {k: v for k, v in recipe.model.items() if k not in plain.model} == {
        **switches,
        "forget_bias": 0.0,
    }
    kept = ("batch", "seq", "steps", "epochs", "minutes", "seed", "sample_prompt")
    assert [getattr(training, k) for k in kept] == [getattr(plain.training, k) for k in kept]
    assert (training.optimizer, training.lr, training.alpha) == ("rmsprop", 2e-3, 0.95)
    assert (training.schedule, training.clip_norm) == ("constant", None)
    assert training.clip_value == 5 / training.seq
    assert (recipe.split, recipe.fractions) == ("char-rnn", (0.95, 0.05, 0.0))


def test_its_own_sizes_for_a_text_without_a_recipe():
    day, left = (planned(SAMPLES / "kernel.c", era=name) for name in (DAY, LEFT))
    for plan, hidden, batch, epochs in ((day, 100, 100, 30), (left, 128, 50, 50)):
        model, training = plan.recipe.model, plan.recipe.training
        shape = {"cell": "lstm", "hidden": hidden, "layers": 2, "dropout": 0.0}
        assert {k: model[k] for k in shape} == shape
        assert (training.batch, training.seq, training.epochs) == (batch, 50, epochs)
        assert training.clip_value == 0.1
        assert plan.origin.endswith(f"sizes and switches are those of the era {plan.recipe.era}")
    assert (left.recipe.training.schedule, left.recipe.model["forget_bias"]) == ("decay", 1.0)
    assert (left.recipe.training.lr_decay, left.recipe.training.lr_decay_after) == (0.97, 10)
    assert not left.recipe.model["detach_top_h"] and not left.recipe.model["recurrent_dropout"]
    smoke = planned(SAMPLES / "kernel.c", era=DAY, scale="smoke", out="s").recipe
    assert (smoke.model["hidden"], smoke.training.batch) == (64, 8)


def test_the_last_twentieth_of_every_lane_is_held_out():
    plan = planned(SAMPLES / "kernel.c", era=DAY, batch=4, seq=25)
    split, ids = plan.texts.split, np.concatenate([plan.texts.split.train, plan.texts.split.val])
    assert len(split.test) == 0 and len(ids) % 100 == 0
    chunks = len(ids) // 100
    assert len(split.train) == 100 * int(0.95 * chunks)
    lanes, ends = split.train.reshape(4, -1), split.val.reshape(4, -1)
    text = (SAMPLES / "kernel.c").read_text(encoding="utf-8")
    whole = plan.texts.vocab.encode(text)[: len(ids)].reshape(4, -1)
    np.testing.assert_array_equal(np.concatenate([lanes, ends], axis=1), whole)


def test_explicit_options_win():
    recipe = planned(
        scale="smoke",
        era=DAY,
        forget_bias=0.5,
        detach_top_h=False,
        schedule="cosine",
        lr=0.01,
        clip_value=0.7,
        clip_norm=2.0,
        split=(0.8, 0.1, 0.1),
        split_kind="contiguous",
        init="scaled",
    ).recipe
    training = recipe.training
    assert (recipe.model["forget_bias"], recipe.model["detach_top_h"]) == (0.5, False)
    assert recipe.model["init"] == "scaled" and recipe.model["recurrent_dropout"]
    assert (training.schedule, training.lr) == ("cosine", 0.01)
    assert (training.clip_value, training.clip_norm) == (0.7, 2.0)
    assert (recipe.split, recipe.fractions) == ("contiguous", (0.8, 0.1, 0.1))
    assert planned(scale="smoke", era=DAY, seq=20, out="b").recipe.training.clip_value == 0.25
    assert planned(scale="smoke", era=DAY, clip_value=0, out="c").recipe.training.clip_value is None


def test_every_setting_of_an_era_is_one_that_there_is():
    places = {"model": ModelConfig, "shape": ModelConfig, "training": TrainConfig}
    places |= {"length": TrainConfig, "sampling": Sampling}
    assert list(eras.ERAS) == [DAY, LEFT]
    for name, made in eras.ERAS.items():
        assert made.name == name
        for place, kind in places.items():
            assert set(getattr(made, place)) <= {f.name for f in fields(kind)}
        with pytest.raises(TypeError):
            made.model["init"] = "scaled"
    day, left = eras.ERAS.values()
    merged = [{**e.model, **e.training, **e.sampling} for e in (day, left)]
    named = {line.split()[0].rstrip(":") for line in day.differences}
    apart = {k for k in merged[0] if merged[0][k] != merged[1].get(k)}
    assert apart == named == {line.split()[0].rstrip(":") for line in left.differences}


def test_a_training_in_an_era_says_so_and_goes_on_in_it():
    run = charrnn.train(
        SAMPLES / "kernel.c",
        out="r",
        progress=False,
        era=DAY,
        hidden=16,
        dropout=0.2,
        batch=4,
        seq=25,
        epochs=None,
        steps=6,
        sample_length=20,
    )
    assert run.info["era"] == run.info["recipe"]["era"] == DAY
    assert run.info["precision"] == "fp32"
    config = load_checkpoint("r/last.safetensors").config
    assert config == run.model.config
    assert config.detach_top_h and config.recurrent_dropout and config.init == "uniform"
    again = charrnn.resume("r", progress=False, steps=9)
    assert again.info["steps"] == 9 and again.info["era"] == DAY
    assert again.model.config == config


# What is kept of it


def test_what_is_not_asked_for_is_not_written():
    plain, switched = ModelConfig(V), ModelConfig(V, **SWITCHED[2], init="uniform")
    before = {"vocab_size", "cell", "hidden", "layers", "dropout", "forget_bias"}
    assert set(plain.to_dict()) == before
    assert set(switched.to_dict()) == before | set(SWITCHES)
    assert ModelConfig(**json.loads(json.dumps(switched.to_dict()))) == switched
    recipe = load_recipe("hello", "smoke")
    assert (
        "era" not in recipe_to_dict(recipe) and recipe_from_dict(recipe_to_dict(recipe)).era is None
    )
    dated = replace(recipe, era=DAY)
    assert recipe_from_dict(json.loads(json.dumps(recipe_to_dict(dated)))).era == DAY


def test_a_published_model_is_one_that_every_reader_knows(tmp_path):
    """What only a training asks for stays out of its file: pages refuse the unknown."""
    corpus = dict.fromkeys(("name", "licence", "attribution", "sha256"), "x")
    model = network(**SWITCHED[2], init="uniform").float().eval()
    file = tmp_path / "model.safetensors"
    export.save_model(file, model, LETTERS, {"run": "r", "corpus": corpus})
    read, _, header = export.load_model(file)
    page = (ROOT / "charrnn" / "static" / "src" / "format.mjs").read_text(encoding="utf-8")
    known = re.search(r"MODEL_FIELDS = \[(.*?)\]", page, re.DOTALL).group(1)
    assert set(header["model"]) <= set(re.findall(r'"(\w+)"', known))
    assert not read.config.unrolls


# The command line


TINY = ["--hidden", "16", "--layers", "1", "--batch", "4", "--seq", "25", "--steps", "4"]
KERNEL = str(SAMPLES / "kernel.c")


def test_the_command_trains_and_samples_in_an_era(capsys):
    assert main(["train", KERNEL, "--out", "r", "--era", DAY, "--dropout", "0.2", *TINY]) == 0
    told = capsys.readouterr().err
    assert "sizes and switches are those of the era 2015-05-21" in told
    assert "1 x 16 lstm, dropout 0.2, init uniform, recurrent dropout, detach top h" in told
    assert "rmsprop, lr 0.002 (constant)" in told and "split     char-rnn" in told
    assert json.loads(Path("r/run.json").read_text(encoding="utf-8"))["era"] == DAY
    cold = ["--temperature", "0.3", "--length", "80"]
    texts = []
    for how in (["--era", DAY], ["--temperature-on", "hidden"], [], ["--era", LEFT]):
        assert main(["sample", "r", *cold, *how]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] != texts[2] == texts[3]
    assert main(["sample", "r", *cold, "--era", DAY, "--temperature-on", "logits"]) == 0
    assert capsys.readouterr().out == texts[2]


def test_each_switch_is_an_option(capsys):
    switches = ["--init", "uniform", "--detach-top-h", "--recurrent-dropout", "--dropout", "0.3"]
    clipping = ["--clip-value", "0.2", "--clip-norm", "0"]
    assert main(["train", KERNEL, "--out", "a", *switches, *clipping, *TINY, "--quiet"]) == 0
    info = json.loads(Path("a/run.json").read_text(encoding="utf-8"))
    assert {k: info["model"][k] for k in SWITCHES} == {
        "init": "uniform",
        "recurrent_dropout": True,
        "detach_top_h": True,
    }
    assert (info["training"]["clip_value"], info["training"]["clip_norm"]) == (0.2, None)
    assert "era" not in info
    off = ["--no-detach-top-h", "--no-recurrent-dropout", "--init", "scaled"]
    assert main(["train", KERNEL, "--out", "b", "--era", DAY, *off, *TINY, "--quiet"]) == 0
    info = json.loads(Path("b/run.json").read_text(encoding="utf-8"))
    assert not set(SWITCHES) & set(info["model"]) and info["era"] == DAY
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["train", KERNEL, "--era", "2015"], "argument --era: invalid choice: '2015'"),
        (["sample", "r", "--era", "2015"], "argument --era: invalid choice: '2015'"),
        (["train", KERNEL, "--init", "zero"], "argument --init: invalid choice: 'zero'"),
        (
            ["train", KERNEL, "--recurrent-dropout", "--dropout", "0"],
            "has no effect with dropout 0",
        ),
        (
            ["train", KERNEL, "--era", DAY, "--precision", "int16", "--hidden", "32"],
            "precision int16 is not to be had: it has no layers with",
        ),
        (
            ["sample", "r", "--era", DAY, "--portable"],
            "the portable arithmetic divides logits only",
        ),
        (["sample", "r", "--temperature-on", "b"], "argument --temperature-on: invalid choice"),
    ],
)
def test_complaints_are_one_line(argv, message, capsys):
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1) and message in err
    if "invalid choice: '2015'" in err:
        assert DAY in err and LEFT in err


def test_an_era_that_there_was_not():
    for call in (
        lambda: planned(era="2014"),
        lambda: sample(Drawn, "bad", era="2014"),
    ):
        with pytest.raises(ValueError, match="era is '2014'; it must be one of 2015-05-21, char-r"):
            call()


def test_samples_on_the_way_are_drawn_as_the_era_drew(tmp_path):
    """At a temperature that tells the two apart, from a decoder with a large bias."""
    options = {"scale": "smoke", "steps": 4, "sample_steps": (2,), "sample_temperature": 0.3}
    texts = {}
    for on in ("2015-05-21", "char-rnn"):
        run = charrnn.train("tinyshakespeare", tmp_path / on, era=on, **options)
        texts[on] = run.info["recipe"]["training"].get("sample_temperature_on")
    assert texts == {"2015-05-21": "hidden", "char-rnn": None}
    folder = tmp_path / "2015-05-21"
    model, vocab = load_checkpoint(folder / "last.safetensors").model(), run.vocab
    kept = read_samples(folder / "samples.jsonl")[-1]
    drawn = {"length": len(kept["text"]), "temperature": 0.3, "seed": kept["seed"]}
    for on, same in (("hidden", True), ("logits", False)):
        settings = Sampling(**drawn, temperature_on=on)
        text = "".join(generate(model, vocab, kept["prompt"], settings))
        assert (text == kept["text"]) is same


def test_a_forget_bias_below_zero_is_set_too():
    config = ModelConfig(5, hidden=4, layers=2, init="uniform", forget_bias=-2.0)
    for rnn in CharRNN(config).rnn:
        assert (rnn.bias_ih_l0[4:8] == -2).all()


def test_a_text_too_short_for_the_lanes_of_an_era(tmp_path, capsys):
    text = tmp_path / "short.txt"
    text.write_text("abcde fghij\n" * 250)
    assert main(["train", str(text), "--out", str(tmp_path / "r"), "--era", "2015-05-21"]) == 2
    told = capsys.readouterr().err
    assert "give a smaller batch or seq or a larger share" in told and "Traceback" not in told
