"""The compiled steppers: the portable one bit for bit the one in NumPy, the other to float32
rounding, whatever the number of threads; and what they draw is what `pick` draws."""

import copy
import itertools

import numpy as np
import pytest
import torch
from portable_cases import NETWORKS, PROMPTS, random_network

from charrnn import native
from charrnn.model import CharRNN, ModelConfig
from charrnn.native import fused
from charrnn.native.fused import FusedPortableStepper, FusedStepper
from charrnn.portable import PortableStepper
from charrnn.runs import list_runs, load_run
from charrnn.sample import BROKEN, Sampling, draw, generate, make_stepper, pick, sample
from charrnn.score import stepped_nats
from charrnn.stepper import Stepper
from charrnn.vocab import Vocab

VOCAB = Vocab.of("\n abcdefgh")
EVERY_CELL = pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
DEFAULT = Sampling()
WAYS = (
    *({"temperature": t} for t in (0.0, 5e-324, 1e-30, 0.3, 1.0, 1e30)),
    {"top_k": 1},
    {"top_k": 3},
    {"top_k": 10},
    {"top_p": 1e-9},
    {"top_p": 0.7},
    {"top_p": 1.0},
    {"top_k": 4, "top_p": 0.8, "temperature": 1.3},
    {"top_k": 4, "top_p": 0.5, "temperature": 1e30},
)
"""Settings of a draw."""


@pytest.fixture(autouse=True)
def three_threads(monkeypatch):
    """Threads as on three processors, and time for every call, whatever machine this is; nothing
    where no C is compiled."""
    if native.load("step") is None:
        pytest.skip(native.why_not("step"))
    monkeypatch.setattr(fused, "processors", lambda: 3)
    monkeypatch.setattr(fused, "SECONDS", 60.0)


def network(cell="lstm", layers=2, hidden=37, restart=None, seed=0, **options) -> CharRNN:
    return random_network(cell, layers, hidden, VOCAB, seed, restart=restart, **options)


def some_ids(steps: int, streams: int, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, len(VOCAB), (steps, streams))


def drawn_in_full(stepper, first, uniforms, settings=DEFAULT, threads=1) -> np.ndarray:
    """As many symbols as there are numbers, in as many calls as it takes."""
    found = [np.asarray(first)]
    while len(found) <= len(uniforms):
        rest = uniforms[len(found) - 1 :]
        found.extend(stepper.draw(found[-1], rest, settings, threads))
    return np.array(found[1:])


def picked(stepper, first, uniforms, settings) -> np.ndarray:
    """The same one by one, by `charrnn.sample.pick`."""
    ids, found = np.asarray(first), []
    for row in uniforms:
        found.append(ids := pick(stepper.step(ids), row, settings))
    return np.array(found)


# The portable arithmetic


@EVERY_CELL
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("hidden", "streams"), [(9, 1), (37, 3), (64, 20)])
def test_every_bit_is_that_of_the_portable_stepper(cell, layers, hidden, streams):
    """Also of states at a symbol that empties them; 20 streams are more than read together."""
    model = network(cell, layers, hidden, restart=1 if hidden == 9 else None)
    ours, reference = FusedPortableStepper(model, streams), PortableStepper(model, streams)
    for ids in some_ids(25, streams):
        logits = ours.step(ids)
        assert logits.dtype == np.float32 and logits.shape == (streams, len(VOCAB))
        assert np.array_equal(logits, reference.step(ids))
        assert np.array_equal(ours.h, reference.h) and np.array_equal(ours.c, reference.c)
    assert 0.2 < np.abs(ours.h).max() <= 1
    for part, other in zip(ours.state(), reference.state(), strict=True):
        assert part.shape == (layers, streams, hidden) and np.array_equal(part, other)


@pytest.mark.parametrize("hidden", [516, 517, 700])
def test_the_largest_sums(hidden):
    """All weights +-127, all states +-1 or just beyond."""
    model = network("rnn", 1, hidden, saturated=True)
    ours, reference = FusedPortableStepper(model), PortableStepper(model)
    signs = np.random.default_rng(0).choice([-1, 1], hidden).astype(np.float32)
    signs[0] = np.nextafter(np.float32(1), np.float32(2))
    ours.h[0, 0] = reference.h[0, 0] = signs
    for ids in some_ids(4, 1):
        assert np.array_equal(ours.step(ids), reference.step(ids))
    for stepper in (ours, reference):  # every product of one sign: the sum furthest from 0
        stepper.h[0, 0] = np.sign(PortableStepper(model)._recurrent[0].whole[0])
    assert np.array_equal(ours.step(np.array([2])), reference.step(np.array([2])))


@EVERY_CELL
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_portable_texts_are_those_of_the_portable_stepper(cell, threads):
    """14 ways, 300 characters in each of two streams: 8,400 with one thread."""
    model, rng, length = network(cell), np.random.default_rng(threads), 300 if threads == 1 else 70
    for way in WAYS:
        settings = Sampling(portable=True, **way)
        ours, reference = FusedPortableStepper(model, 2), PortableStepper(model, 2)
        first, uniforms = rng.integers(0, len(VOCAB), 2), rng.random((length, 2))
        uniforms[:2] = 0, np.nextafter(1, 0)
        text = drawn_in_full(ours, first, uniforms, settings, threads)
        assert np.array_equal(text, picked(reference, first, uniforms, settings))
        assert np.array_equal(ours.h, reference.h) and np.array_equal(ours.c, reference.c)
        assert len(np.unique(text)) > 2


@pytest.mark.parametrize("name", list(NETWORKS))
def test_portable_texts_do_not_depend_on_the_compiler(name, monkeypatch):
    vocab = NETWORKS[name]["vocab"]
    model = random_network(**NETWORKS[name], saturated=name == "wide")
    options = ({}, {"top_k": 3}, {"top_p": 0.8}, {"held": ((0, 3, 1.5),)}, {"temperature": 0.4})
    texts = []
    for load in (native.load, lambda name: None):
        monkeypatch.setattr(native, "load", load)
        assert isinstance(make_stepper(model, portable=True), FusedPortableStepper) == bool(
            not texts
        )
        chosen = (Sampling(length=70, seed=5, portable=True, **more) for more in options)
        texts.append([list(draw(model, vocab, PROMPTS[name][0], one, 2)) for one in chosen])
    assert np.array_equal(*texts)


@EVERY_CELL
@pytest.mark.parametrize("portable", [False, True])
def test_units_are_held_as_in_numpy(cell, portable):
    kinds = (FusedPortableStepper, PortableStepper) if portable else (FusedStepper, Stepper)
    model = network(cell) if portable else calm(cell)
    ours, reference = (kind(model) for kind in kinds)
    free = kinds[0](model)
    for stepper in (ours, reference):
        stepper.hold(1, [4, 0], [0.25, -0.5])
        stepper.hold(0, [36], [3e5 if portable else 0.75])
        stepper.hold(1, [4], [-0.7])
    for ids in some_ids(12, 1):
        logits = ours.step(ids)
        assert not np.allclose(logits, free.step(ids), atol=1e-4)
        assert np.abs(logits - reference.step(ids)).max() <= (0 if portable else TOLERANCE)
    ours.release()
    ours.set_state(free.state())
    assert np.array_equal(ours.step(np.array([1])), free.step(np.array([1])))
    with pytest.raises(ValueError, match="unit is 37; it must be a whole number, 0 to 36"):
        ours.hold(0, [37], [1.0])


@EVERY_CELL
def test_a_state_that_is_no_number_leaves_none_in_the_scores(cell):
    model = network(cell)
    for kind in (FusedPortableStepper, PortableStepper):
        stepper = kind(model, 2)
        stepper.h[0, 1, 5] = np.nan
        logits = stepper.step(np.array([1, 1]))
        assert np.isfinite(logits[0]).all() and np.isnan(logits[1]).all()


def test_a_text_costs_the_same_nats():
    """Lanes are warmed up and blanked between two steps."""
    ids = some_ids(700, 1)[:, 0]
    found = [
        stepped_nats(lambda streams, kind=kind: kind(network(), streams), ids, lanes=3, warmup=50)
        for kind in (FusedPortableStepper, PortableStepper)
    ]
    assert np.array_equal(*found)


# Float32


TOLERANCE = 1e-5
"""Largest difference of a logit, of size 1 to 10, from float32 sums in another order."""


def calm(cell="lstm", layers=2, hidden=37, restart=None) -> CharRNN:
    """A network that forgets its rounding: usual weights, and scores of size 1 to 10."""
    config = ModelConfig(len(VOCAB), cell=cell, hidden=hidden, layers=layers, restart=restart)
    model = CharRNN(config, torch.Generator().manual_seed(layers)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(len(name)))
        model.decoder.weight.mul_(8)
    return model


@EVERY_CELL
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("streams", [1, 18])
@pytest.mark.parametrize("restart", [None, 1])
def test_equals_forward(cell, layers, streams, restart):
    model, ids = calm(cell, layers, restart=restart), some_ids(40, streams)
    with torch.inference_mode():
        expected, state = model(torch.from_numpy(ids))
    stepper = FusedStepper(model, streams)
    logits = np.stack([stepper.step(row) for row in ids])
    assert np.abs(expected.numpy()).max() > 1
    assert np.abs(logits - expected.numpy()).max() < TOLERANCE
    for ours, theirs in zip(stepper.state(), state, strict=True):
        assert np.abs(ours - theirs.numpy()).max() < TOLERANCE


def test_a_trained_network_writes_what_torch_writes():
    """Greedy, 500 characters: the same text, with scores of up to 20 that are within 1e-5 of those
    in float64, and so as close to those of `nn.LSTM` in float32 as these are to them."""
    found = [p for p in list_runs() if p.name == "tinyshakespeare"]
    if not found:
        pytest.skip("no recorded run of this name")
    run = load_run(found[0])
    text = sample(run, "ROMEO:\n", length=500, temperature=0)
    ids = run.vocab.encode("ROMEO:\n" + text).astype(np.int64)
    read = torch.from_numpy(ids)[:, None]
    with torch.inference_mode():
        theirs = run.model(read)[0][:, 0].numpy()
        exact = copy.deepcopy(run.model).double()(read)[0][:, 0].numpy()
    stepper = FusedStepper(run.model)
    logits = np.concatenate([stepper.step(i[None]) for i in ids])
    assert np.abs(logits - exact).max() < 1e-5 < 10 < np.abs(exact).max()
    assert np.abs(logits - theirs).max() < 2e-5
    assert np.array_equal(theirs[6:-1].argmax(axis=-1), ids[7:])


def test_tanh_is_within_two_units_in_the_last_place():
    """One tanh unit that reads a number a stream, from 1e-30 to beyond where it is 1."""
    size = 4000
    numbers = np.concatenate([np.geomspace(1e-30, 0.01, size // 2), np.linspace(0, 10, size // 2)])
    numbers = (numbers * np.where(np.arange(size) % 2, -1, 1)).astype(np.float32)
    model = CharRNN(ModelConfig(size, cell="rnn", hidden=1, layers=1)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.rnn[0].weight_ih_l0.copy_(torch.from_numpy(numbers)[None])
    stepper = FusedStepper(model, size)
    stepper.step(np.arange(size))
    exact = np.tanh(numbers.astype(np.float64))
    units = np.spacing(np.abs(exact.astype(np.float32))).astype(np.float64)
    assert (np.abs(stepper.h[0, :, 0] - exact) / units).max() <= 2


@EVERY_CELL
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_float_texts_are_those_of_its_own_steps(cell, threads):
    model, rng = network(cell, hidden=64), np.random.default_rng(threads)
    for way in WAYS:
        ours, one_by_one = FusedStepper(model), FusedStepper(model)
        first, uniforms = rng.integers(0, len(VOCAB), 1), rng.random((90, 1))
        settings = Sampling(**way)
        text = drawn_in_full(ours, first, uniforms, settings, threads)
        assert np.array_equal(text, picked(one_by_one, first, uniforms, settings))
        assert np.array_equal(ours.h, one_by_one.h) and np.array_equal(ours.c, one_by_one.c)


@pytest.mark.parametrize("portable", [False, True])
def test_equal_scores_are_ranked_by_id(portable):
    """A network whose scores are always the same twelve, some of them equal."""
    model = CharRNN(ModelConfig(12, cell="rnn", hidden=1, layers=1)).eval()
    scores = np.array([0, 2, 1, 2, -0.0, 2, 1, 1, 0, 2, -1, 1], np.float32)
    with torch.no_grad():
        model.decoder.weight.zero_()
        model.decoder.bias.copy_(torch.from_numpy(scores))
    kind = FusedPortableStepper if portable else FusedStepper
    uniforms = np.random.default_rng(0).random((400, 1))
    for way in WAYS:
        settings = Sampling(portable=portable, **way)
        found = drawn_in_full(kind(model), [0], uniforms, settings)
        rows = np.repeat(scores[None], len(uniforms), axis=0)
        assert np.array_equal(found[:, 0], pick(rows, uniforms[:, 0], settings))


# What goes in and out


@pytest.mark.parametrize("kind", [FusedStepper, FusedPortableStepper])
def test_states_can_be_kept_written_and_reset(kind):
    stepper, ids = kind(network(), 2), some_ids(8, 2)
    fresh = [stepper.step(row) for row in ids]
    kept = stepper.state()
    after = stepper.step(ids[0])
    stepper.set_state(kept)
    assert np.array_equal(after, stepper.step(ids[0]))
    stepper.reset()
    assert np.array_equal(fresh, [stepper.step(row) for row in ids])
    for part in (stepper.h, stepper.c):
        stepper.set_state(kept)
        part[0, :, 3] = 0.9
        assert not np.array_equal(after, stepper.step(ids[0]))


@pytest.mark.parametrize("kind", [FusedStepper, FusedPortableStepper])
@pytest.mark.parametrize("bad", [-1, len(VOCAB), 2**40])
def test_ids_that_stand_for_nothing_are_refused(kind, bad):
    stepper = kind(network(), 2)
    before = stepper.step(np.array([1, 2]))
    stepper.reset()
    for call in (stepper.step, lambda ids: stepper.draw(ids, np.full((3, 2), 0.5), DEFAULT)):
        with pytest.raises(IndexError, match="they must be 0 to 9"):
            call(np.array([1, bad]))
    assert np.array_equal(before, stepper.step(np.array([1, 2])))


def breaking() -> CharRNN:
    """After a comes b, after b comes c, and whoever reads c has no scores any more."""
    model = CharRNN(ModelConfig(3, cell="rnn", hidden=3, layers=1)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.rnn[0].weight_ih_l0.copy_(10 * torch.eye(3))
        model.rnn[0].weight_ih_l0[2, 2] = float("nan")
        model.decoder.weight.copy_(1000 * torch.eye(3).roll(1, 0))
    return model


@pytest.mark.parametrize("threads", [1, 3])
def test_scores_that_are_no_numbers_end_a_text_where_they_begin(threads):
    stepper = FusedStepper(breaking())
    text = stepper.draw(np.array([0]), np.full((9, 1), 0.5), DEFAULT, threads)
    assert text.tolist() == [[1], [2]]
    assert len(stepper.draw(text[-1], np.full((9, 1), 0.5), DEFAULT, threads)) == 0


def test_a_text_says_why_it_ends():
    written = []
    with pytest.raises(ValueError) as raised:
        for character in generate(breaking(), Vocab(tuple("abc")), "a", Sampling()):
            written.append(character)
    assert str(raised.value) == BROKEN and written == ["b", "c"]


def test_a_call_ends_when_its_time_is_over(monkeypatch):
    """With no time at all it draws one symbol, and texts are the same."""
    model, uniforms = network(), np.random.default_rng(0).random((30, 1))
    whole = drawn_in_full(FusedPortableStepper(model), [1], uniforms)
    text = sample_of(model, 150)
    monkeypatch.setattr(fused, "SECONDS", 0.0)
    assert len(FusedPortableStepper(model).draw(np.array([1]), uniforms, DEFAULT, threads=2)) == 1
    assert np.array_equal(
        drawn_in_full(FusedPortableStepper(model), [1], uniforms, DEFAULT, 2), whole
    )
    assert sample_of(model, 150) == text


def sample_of(model: CharRNN, length: int) -> str:
    settings = Sampling(length=10**12, portable=True, seed=1)
    return "".join(itertools.islice(generate(model, VOCAB, "a", settings), length))


def test_nothing_is_drawn_beyond_a_block(monkeypatch):
    """A block when its first symbol is asked for, and none before."""
    blocks, own = [], FusedStepper.draw

    def watched(self, *arguments):
        blocks.append(len(drawn := own(self, *arguments)))
        return drawn

    monkeypatch.setattr(FusedStepper, "draw", watched)
    characters = generate(network(), VOCAB, "a", Sampling(length=150))
    assert blocks == []
    for count, _ in enumerate(characters, 1):
        assert 0 <= sum(blocks) - count < blocks[-1] <= fused.BLOCK
    assert sum(blocks) == 150


def test_which_stepper_is_made(monkeypatch):
    model = network()
    made = {
        (streams, portable): type(make_stepper(model, streams, portable))
        for streams in (1, 3)
        for portable in (False, True)
    }
    assert made == {
        (1, False): FusedStepper, (1, True): FusedPortableStepper,
        (3, False): Stepper, (3, True): FusedPortableStepper,
    }  # fmt: skip
    assert not fused.usable(fused.STREAMS + 1)
    monkeypatch.setattr(native, "load", lambda name: None)
    assert type(make_stepper(model)) is Stepper
    assert type(make_stepper(model, 3, portable=True)) is PortableStepper
