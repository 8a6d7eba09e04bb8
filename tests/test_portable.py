"""The portable arithmetic: against a longhand of the specification in `charrnn.export`, number by
number; and texts that are the same from file, run and model."""

import json
import math
from fractions import Fraction
from hashlib import sha256
from types import SimpleNamespace

import numpy as np
import portable_cases
import pytest
import torch
from portable_cases import NETWORKS, PROVENANCE, random_network
from safetensors.numpy import load_file, save_file

from charrnn import portable
from charrnn.checkpoint import CheckpointError, read_header
from charrnn.export import int8_tensors, load_model, save_model
from charrnn.model import CharRNN, ModelConfig
from charrnn.portable import PortableStepper, Product, activation_scale, exp32, sigmoid32, tanh32
from charrnn.runs import list_runs, load_run
from charrnn.sample import Sampling, draw, pick, sample, sample_many
from charrnn.vocab import Vocab

CELLS = ["lstm", "gru", "rnn"]
STEPS = 12
f32 = np.float32


# A second implementation: Python's integers, and float32 scalars one by one


def longhand_exp(v):
    v = min(max(v, f32(-87)), f32(87))
    n = f32(round(float(v * f32(1.44269504))))
    r = (v - n * f32(0.693359375)) - n * f32(-0.00021219444)
    p = f32(1.98756915e-4)
    for c in ("1.39819995e-3", "8.33345191e-3", "4.16657959e-2", "0.166666655", "0.5"):
        p = p * r + f32(c)
    value = ((p * (r * r)) + r) + f32(1)
    assert type(value) is f32
    return value * f32(math.ldexp(1.0, int(n)))


def longhand_sigmoid(v):
    return f32(1) / (f32(1) + longhand_exp(-v))


def longhand_tanh(v):
    return (f32(2) / (f32(1) + longhand_exp(f32(-2) * v))) - f32(1)


class Longhand:
    """The network of a published file, one stream, unit by unit."""

    def __init__(self, path):
        self.shape = read_header(path)["model"]
        self.tensors, self.hidden = load_file(path), self.shape["hidden"]
        self.top = min(32767, math.floor((2**31 - 1) / (127 * self.hidden)))
        self.h = [[f32(0)] * self.hidden for _ in range(self.shape["layers"])]
        self.c = [[f32(0)] * self.hidden for _ in range(self.shape["layers"])]

    def product(self, name, h):
        q = [max(-self.top, min(self.top, round(float(v * f32(self.top))))) for v in h]
        scale, found = self.tensors[f"{name}.scale"], []
        for row, its_scale in zip(self.tensors[name].tolist(), scale, strict=True):
            total = sum(weight * whole for weight, whole in zip(row, q, strict=False))
            assert abs(total) < 2**31
            found.append(f32(total) * (its_scale / f32(self.top)))
        return found

    def step(self, symbol):
        t = self.tensors
        for n in range(self.shape["layers"]):
            if n == 0:
                scale = t["layers.0.lookup.scale"][symbol]
                x = [f32(whole) * scale for whole in t["layers.0.lookup"][symbol].tolist()]
            else:
                x = self.product(f"layers.{n}.below", self.h[n - 1])
            u = self.product(f"layers.{n}.recurrent", self.h[n])
            bias, new = t[f"layers.{n}.bias"], t.get(f"layers.{n}.bias_new")
            self.h[n] = [self.unit(n, j, x, u, bias, new) for j in range(self.hidden)]
        out = self.product("decoder.weight", self.h[-1])
        return [v + b for v, b in zip(out, t["decoder.bias"], strict=True)]

    def unit(self, n, j, x, u, bias, bias_new):
        def part(p):
            return p * self.hidden + j

        if self.shape["cell"] == "rnn":
            return longhand_tanh((x[j] + u[j]) + bias[j])
        if self.shape["cell"] == "lstm":
            i, f, g, o = ((x[part(p)] + u[part(p)]) + bias[part(p)] for p in range(4))
            kept = longhand_sigmoid(f) * self.c[n][j]
            self.c[n][j] = kept + (longhand_sigmoid(i) * longhand_tanh(g))
            return longhand_sigmoid(o) * longhand_tanh(self.c[n][j])
        a = [x[part(p)] + bias[part(p)] for p in range(3)]
        r = longhand_sigmoid(a[0] + u[part(0)])
        z = longhand_sigmoid(a[1] + u[part(1)])
        candidate = longhand_tanh(a[2] + (r * (u[part(2)] + bias_new[j])))
        return ((f32(1) - z) * candidate) + (z * self.h[n][j])


def longhand_symbol(logits, settings, x):
    """The id drawn from float32 logits by a random number x of 64 bits."""
    top, ids = max(logits), range(len(logits))
    if settings.temperature == 0:
        return next(i for i in ids if logits[i] == top)
    weights = []
    for value in logits:
        with np.errstate(over="ignore"):
            v = f32((float(value) - float(top)) / settings.temperature)
        weights.append(0.0 if v < f32(-87) else float(longhand_exp(v)))
    ranked = sorted(ids, key=lambda i: (-float(logits[i]), i))
    for i in ranked[settings.top_k or len(ranked) :]:
        weights[i] = 0.0
    if settings.top_p is not None:
        total = before = 0.0
        for i in ranked:
            total += weights[i]
        for i in ranked:
            weight = weights[i]
            if before >= settings.top_p * total:
                weights[i] = 0.0
            before += weight
    u, sums = (x >> 11) / 2**53, [0.0]
    for weight in weights:
        sums.append(sums[-1] + weight)
    return next(i for i in ids if sums[i + 1] > u * sums[-1])


def saved(folder, cell="lstm", layers=2, hidden=9, vocab=None, **options):
    """A random network, and its published file."""
    vocab = vocab or Vocab.of("\n abcde")
    model, path = random_network(cell, layers, hidden, vocab, **options), folder / "m.safetensors"
    save_model(path, model, vocab, PROVENANCE)
    return SimpleNamespace(model=model, vocab=vocab, path=path)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("streams", [1, 3])
def test_every_bit_is_that_of_the_longhand(tmp_path, cell, layers, streams):
    made = saved(tmp_path, cell, layers, seed=layers)
    stepper, longhand = PortableStepper.from_file(made.path, streams), Longhand(made.path)
    ids = np.random.default_rng(0).integers(0, len(made.vocab), (STEPS, streams))
    for row in ids:
        logits = stepper.step(row)
        assert logits.dtype == np.float32 and logits.shape == (streams, len(made.vocab))
        assert np.array_equal(logits[0], longhand.step(row[0]))
    assert np.array_equal(stepper.h[:, 0], longhand.h)
    assert np.array_equal(stepper.c[:, 0], longhand.c)
    assert 0.2 < np.abs(stepper.h).max() <= 1


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 0},
        {"temperature": 0.3},
        {"temperature": 1e-4},
        {"temperature": 5e-324},
        {"temperature": 1e300, "top_k": 2},
        {"top_k": 3},
        {"top_p": 0.7},
        {"top_k": 4, "top_p": 0.8, "temperature": 1.3},
    ],
)
def test_every_symbol_is_that_of_the_longhand(options):
    """Also where logits are equal, and where most weights are 0."""
    settings = Sampling(portable=True, **options)
    rng, source = np.random.default_rng(1), np.random.PCG64(2)
    for scale in (1, 5, 60):
        rows = np.round(rng.normal(size=(60, 9)) * scale * 4).astype(np.float32) / 4
        raw = [int(source.random_raw()) for _ in rows]
        raw[:2] = 0, 2**64 - 1
        u = np.array([(x >> 11) / 2**53 for x in raw])
        together = pick(rows, u, settings)
        for row, x, one, drawn in zip(rows, raw, u, together, strict=True):
            assert drawn == longhand_symbol(row, settings, x)
            assert drawn == pick(row[None], np.array([one]), settings)[0]


@pytest.mark.parametrize("seed", [0, 7, 2**32, 2**53 - 1])
def test_a_text_is_that_of_the_longhand(tmp_path, seed):
    made = saved(tmp_path, "gru", 1)
    settings = Sampling(length=40, temperature=0.9, top_p=0.95, seed=seed, portable=True)
    longhand, source, text = Longhand(made.path), np.random.PCG64(seed), ""
    for symbol in "bad":
        logits = longhand.step(made.vocab.ids[symbol])
    for _ in range(40):
        drawn = longhand_symbol(logits, settings, int(source.random_raw()))
        text += made.vocab.symbols[drawn]
        logits = longhand.step(drawn)
    assert sample(load_run(made.path), "bad", **vars(settings)) == text


# Units that are held


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layer", [0, 1])
def test_a_held_unit_is_that_of_the_longhand(tmp_path, cell, layer):
    """Number by number, also where the value is far beyond what a state can be."""
    made = saved(tmp_path, cell, 2)
    held = {4: f32(1.25), 0: f32(-0.5), 7: f32(3e5)}
    longhand, stepper = HeldLonghand(made.path), PortableStepper.from_file(made.path, 2)
    longhand.held = {(layer, unit): value for unit, value in held.items()}
    stepper.hold(layer, list(held), list(held.values()))
    free = PortableStepper.from_file(made.path)
    for symbol in np.random.default_rng(3).integers(0, len(made.vocab), STEPS):
        logits = stepper.step(np.array([symbol, symbol]))
        assert np.array_equal(logits[0], longhand.step(symbol))
        assert np.array_equal(logits[0], logits[1])
        assert not np.array_equal(logits[0], free.step(np.array([symbol]))[0])
    assert np.array_equal(stepper.h[:, 0], longhand.h)
    stepper.release()
    stepper.reset()
    free.reset()
    assert np.array_equal(stepper.step(np.array([1, 1]))[:1], free.step(np.array([1])))
    with pytest.raises(ValueError, match="layer is 2; it must be a whole number, 0 to 1"):
        stepper.hold(2, [0], [0.5])


class HeldLonghand(Longhand):
    """`held`: by layer and unit, the value that takes a state's place."""

    def unit(self, n, j, x, u, bias, bias_new):
        h, value = super().unit(n, j, x, u, bias, bias_new), self.held.get((n, j))
        if value is None:
            return h
        if self.shape["cell"] != "lstm":
            return value
        self.c[n][j] = value
        o = 3 * self.hidden + j
        return longhand_sigmoid((x[o] + u[o]) + bias[o]) * longhand_tanh(value)


# The functions


def test_constants_are_the_nearest_float32_numbers():
    """Not those nearest to a double that is nearest to the decimal number."""
    written = [
        "1.98756915e-4", "1.39819995e-3", "8.33345191e-3", "4.16657959e-2", "0.166666655", "0.5",
        "1.44269504", "0.693359375", "-0.00021219444",
    ]  # fmt: skip
    ours = [*portable.EXPONENTIAL, portable.LOG2_E, portable.LN2_HIGH, portable.LN2_LOW]
    for text, value in zip(written, ours, strict=True):
        assert type(value) is np.float32
        away = abs(Fraction(text) - Fraction(float(value)))
        for end in (-np.inf, np.inf):
            other = Fraction(float(np.nextafter(value, f32(end))))
            assert away < abs(Fraction(text) - other)


def test_exp_is_close_to_the_true_value():
    """To 1.2e-7 of it, over [-87, 87] and at both ends; exact at 0."""
    v = np.concatenate([np.linspace(-87, 87, 400_001), np.linspace(-1, 1, 50_001)])
    v = v.astype(np.float32)
    found = exp32(v)
    assert found.dtype == np.float32
    true = np.array([math.exp(x) for x in v.tolist()])
    assert np.abs(found / true - 1).max() < 1.2e-7
    for end in (-87, 87):
        assert exp32(np.array([end], np.float32))[0] == pytest.approx(math.exp(end), rel=1.2e-7)
    assert exp32(np.zeros(1, np.float32))[0] == 1


def test_beyond_87_exp_is_that_of_87_and_no_number_is_none():
    v = np.array([87, 88, 1e30, np.inf, -87, -88, -1e30, -np.inf], np.float32)
    found = exp32(v)
    assert (found[:4] == found[0]).all() and (found[4:] == found[4]).all()
    assert np.finfo(np.float32).tiny < found[4] and np.isfinite(found).all()
    assert np.isnan(exp32(np.array([np.nan], np.float32))).all()


def test_functions_are_those_of_the_longhand_and_close_to_the_true_ones():
    v = np.concatenate([np.linspace(-100, 100, 3001), np.linspace(-1, 1, 1001)]).astype(np.float32)
    for ours, longhand in (
        (exp32, longhand_exp), (sigmoid32, longhand_sigmoid), (tanh32, longhand_tanh)
    ):  # fmt: skip
        found = ours(v)
        assert found.dtype == np.float32
        assert np.array_equal(found, [longhand(x) for x in v])
    exact = v.astype(np.float64)
    assert np.abs(sigmoid32(v) - 0.5 * (1 + np.tanh(exact / 2))).max() < 1.2e-7
    assert np.abs(tanh32(v) - np.tanh(exact)).max() < 2e-7
    assert np.abs(tanh32(v)).max() == 1


# Integer sums


@pytest.mark.parametrize(
    ("hidden", "scale"), [(1, 32767), (516, 32767), (517, 32706), (700, 24156), (65_536, 258)]
)
def test_the_largest_sums_fit_in_32_bits_and_are_exact(hidden, scale):
    """All weights +-127, all states +-1, every product of one sign."""
    assert activation_scale(hidden) == scale and type(activation_scale(hidden)) is np.float32
    signs = np.random.default_rng(0).choice([-1, 1], (3, hidden))
    tensors = {"m": (127 * signs).astype(np.int8), "m.scale": np.ones(3, np.float32)}
    product = Product(tensors, "m", hidden)
    for q in (scale * signs, scale * signs[:1], -scale * signs[::-1]):
        rows = (127 * signs).tolist()
        expected = [[sum(map(int.__mul__, row, s)) for row in rows] for s in q.tolist()]
        assert max(abs(total) for row in expected for total in row) == 127 * scale * hidden < 2**31
        assert product.sums(q.astype(np.float64)).tolist() == expected
        assert np.array_equal(
            product(q.astype(np.float64)), f32(expected) * (f32(1) / f32(scale)), equal_nan=False
        )


@pytest.mark.parametrize("hidden", [516, 517, 700])
def test_a_step_of_saturated_states(tmp_path, hidden):
    """h = +-1 rounds to +-A, and a state that rounding took beyond 1 too."""
    made = saved(tmp_path, "rnn", 1, hidden, saturated=True)
    stepper, longhand = PortableStepper.from_file(made.path), Longhand(made.path)
    assert set(np.unique(np.abs(int8_tensors(made.model)["layers.0.recurrent"]))) <= {0, 127}
    signs = np.random.default_rng(0).choice([-1, 1], hidden).astype(np.float32)
    signs[0] = np.nextafter(f32(1), f32(2))
    stepper.h[0, 0], longhand.h[0] = signs, list(signs)
    assert set(np.abs(stepper._rounded(0)[0])) == {activation_scale(hidden)}
    assert np.array_equal(stepper.step(np.array([2]))[0], longhand.step(2))


# The stepper, as the other one


def test_it_steps_as_the_network_does():
    """The trained network over 1,000 characters: probabilities within 3e-4 of float32's."""
    found = [p for p in list_runs() if p.name == "tinyshakespeare"]
    if not found:
        pytest.skip("no recorded run of this name")
    run = load_run(found[0])
    text = run.measures["shown"]["samples"][0]["text"] if run.measures else run.samples[-1]["text"]
    ids = run.vocab.encode(text).astype(np.int64)[:1000]
    stepper = PortableStepper(run.model)
    ours = torch.from_numpy(np.concatenate([stepper.step(i[None]) for i in ids]))
    with torch.inference_mode():
        theirs = run.model(torch.from_numpy(ids)[:, None])[0][:, 0]
    p, q = (x.double().softmax(dim=-1) for x in (ours, theirs))
    assert len(ids) == 1000 and p.max() > 0.99
    assert 0 < (p - q).abs().max() < 3e-4


@pytest.mark.parametrize("cell", CELLS)
def test_streams_do_not_touch_each_other(cell):
    model = random_network(cell, 2, 37, Vocab.of("abcde"))
    ids = np.random.default_rng(0).integers(0, 5, (STEPS, 4))
    stepper = PortableStepper(model, 4)
    together = np.stack([stepper.step(row) for row in ids])
    for k in range(4):
        alone = PortableStepper(model)
        steps = [alone.step(row[k : k + 1])[0] for row in ids]
        assert np.array_equal(steps, together[:, k])
    with pytest.raises(ValueError, match="streams is 0; it must be at least 1"):
        PortableStepper(model, 0)


@pytest.mark.parametrize("cell", CELLS)
def test_states_can_be_kept_restored_and_forgotten(cell):
    stepper = PortableStepper(random_network(cell, 2, 10, Vocab.of("abcde")), 2)
    rows = np.random.default_rng(0).integers(0, 5, (9, 2))
    fresh = [stepper.step(row) for row in rows]
    kept = stepper.state()
    assert len(kept) == (2 if cell == "lstm" else 1) and kept[0].shape == (2, 2, 10)
    after = [stepper.step(row) for row in rows]
    assert not np.array_equal(fresh, after)
    stepper.set_state(kept)
    assert np.array_equal(after, [stepper.step(row) for row in rows])
    stepper.reset()
    assert np.array_equal(fresh, [stepper.step(row) for row in rows])


@pytest.mark.parametrize("cell", CELLS)
def test_enormous_weights_saturate_without_a_warning(cell):
    model = random_network(cell, 2, 10, Vocab.of("abcde"))
    with torch.no_grad():
        for parameter in model.rnn.parameters():
            parameter.mul_(1e20)
    stepper = PortableStepper(model, 2)
    for row in np.random.default_rng(0).integers(0, 5, (9, 2)):
        assert np.isfinite(stepper.step(row)).all()
    assert np.abs(stepper.h).max() <= 1


# Files, runs and models


def test_a_model_gives_the_text_of_the_file_made_from_it(tmp_path):
    made = saved(tmp_path, "lstm", 2, 40)
    options = {"length": 200, "seed": 3, "portable": True}
    text = sample(made, "ab", **options)
    assert sample(load_run(made.path), "ab", **options) == text
    assert sample_many(load_run(made.path), 3, "ab", **options)[0] == text
    assert sample(made, "ab", **options | {"portable": False}) != text, "the test can fail"


def test_a_training_gives_the_text_of_its_published_file(folder, tmp_path):
    run = load_run(folder)
    save_model(tmp_path / "m.safetensors", run.model, run.vocab, PROVENANCE)
    options = {"length": 100, "portable": True}
    assert sample(load_run(tmp_path / "m.safetensors"), **options) == sample(run, **options)


def test_a_file_of_another_writer_is_taken_as_it_is(tmp_path):
    """Its scales are not those that the weights would be given here."""
    made = saved(tmp_path)
    header, stored = read_header(made.path), load_file(made.path)
    for name in [name for name in stored if f"{name}.scale" in stored]:
        stored[name] //= 2
        stored[f"{name}.scale"] *= f32(1.7)
    save_file(stored, made.path, metadata={"charrnn": json.dumps(header)})
    read = load_model(made.path)[0]
    kept = int8_tensors(read)
    assert all(np.array_equal(kept[name], stored[name]) for name in stored)
    longhand, stepper = Longhand(made.path), PortableStepper(read)
    for symbol in (1, 4, 2):
        assert np.array_equal(stepper.step(np.array([symbol]))[0], longhand.step(symbol))
    save_model(made.path, read, made.vocab, PROVENANCE)
    assert all(np.array_equal(load_file(made.path)[name], stored[name]) for name in stored)
    del read.packed
    assert not np.array_equal(int8_tensors(read)["decoder.weight"], stored["decoder.weight"])


@pytest.mark.parametrize("cell", CELLS)
def test_rounding_what_is_rounded_changes_nothing(tmp_path, cell):
    """So a model that has lost its file's tensors, in a copy of its weights, draws the same."""
    read = load_model(saved(tmp_path, cell, 2, 60).path)[0]
    stored = read.packed.tensors
    del read.packed
    assert all(np.array_equal(tensor, stored[k]) for k, tensor in int8_tensors(read).items())


def test_weights_that_were_changed_after_reading_are_rounded_anew(tmp_path):
    read = load_model(saved(tmp_path).path)[0]
    before = PortableStepper(read).step(np.array([1]))
    with torch.no_grad():
        read.decoder.weight.mul_(2)
        read.decoder.bias.mul_(2)
    assert PortableStepper(read).step(np.array([1])) == pytest.approx(2 * before)


def test_half_precision_is_refused_in_a_line(tmp_path):
    made = saved(tmp_path)
    save_model(made.path, made.model, made.vocab, PROVENANCE, "fp16")
    refused = pytest.raises(CheckpointError, match=r"half precision .*; sample without it \(port")
    with refused as caught:
        PortableStepper.from_file(made.path)
    assert "\n" not in str(caught.value)
    run = load_run(made.path)
    with refused:
        sample(run, "a", length=3, portable=True)
    assert len(sample(run, "a", length=3)) == 3


def test_a_broken_file_is_refused_as_by_its_reader(tmp_path):
    path = saved(tmp_path).path
    header, tensors = read_header(path), load_file(path)
    tensors["decoder.weight"][0, 0] = -128
    save_file(tensors, path, metadata={"charrnn": json.dumps(header)})
    with pytest.raises(CheckpointError, match=r"decoder\.weight holds -128"):
        PortableStepper.from_file(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="not a complete safetensors file"):
        PortableStepper.from_file(path)
    with pytest.raises(FileNotFoundError):
        PortableStepper.from_file(tmp_path / "nothing")


def test_weights_that_are_no_numbers():
    model = CharRNN(ModelConfig(3, hidden=4, layers=1))
    with torch.no_grad():
        model.decoder.bias[0] = float("nan")
    with pytest.raises(ValueError, match=r"decoder\.bias holds numbers that are not finite"):
        PortableStepper(model)


# The cases that another program is held against


@pytest.fixture(scope="module", params=["lstm", "bytes"])
def drawn(request, tmp_path_factory):
    """A network's file and its cases."""
    path = portable_cases.write_network(tmp_path_factory.mktemp("cases"), request.param)
    return path, portable_cases.cases_of(path, request.param)


def test_cases_are_what_they_say(drawn):
    path, cases = drawn
    assert json.loads(json.dumps(cases)) == cases
    assert len({case["text"] for case in cases}) == len(cases) == 7
    model, vocab, _ = load_model(path)
    for case in cases[:3]:
        options = {k: case[k] for k in ("temperature", "top_k", "top_p", "seed", "length")}
        settings = Sampling(portable=True, **options)
        ids = np.concatenate(list(draw(model, vocab, case["prompt"], settings)))
        assert vocab.decode(ids) == case["text"]
        assert len(np.unique(ids)) > 5, "a text that does not settle"
        if case["temperature"] == 0:
            assert ids[0] == np.argmax(case["logits"])


def test_the_texts_of_a_file_never_change(drawn):
    """Whatever the machine and the versions: what is published is held to this."""
    path, cases = drawn
    tensors = sorted(load_file(path).items())
    weights = b"".join(tensor.tobytes() for _, tensor in tensors)
    texts = "".join(case["text"] for case in cases)
    found = [sha256(data).hexdigest()[:16] for data in (weights, texts.encode())]
    assert (
        found
        == {
            "lstm": ["80e3659046358cc9", "674125507e2d9cd9"],
            "bytes": ["f2eac4e3930b43e9", "70e4eb0d4753a0a0"],
        }[path.stem]
    )


def test_there_is_a_case_for_every_cell_and_level():
    assert {n["cell"] for n in NETWORKS.values()} == set(CELLS)
    assert {n["vocab"].level for n in NETWORKS.values()} == {"char", "byte"}
    utf16 = sorted(portable_cases.SYMBOLS, key=lambda s: s.encode("utf-16-be"))
    assert utf16 != sorted(portable_cases.SYMBOLS)
