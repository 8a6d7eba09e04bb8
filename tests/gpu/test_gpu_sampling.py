"""Text drawn on a GPU in recorded blocks, beside text drawn on the CPU."""

import copy
import time
from importlib import import_module

import numpy as np
import pytest
import torch
from gpu_run import GPU, NEEDS_CUDA, VOCAB, begin, run

from charrnn.cuda import captured_stepper
from charrnn.cuda.captured_stepper import blocks_for
from charrnn.model import CharRNN, ModelConfig
from charrnn.sample import Sampling, draw, generate, make_stepper, sample_many, uniform_stream

pytestmark = NEEDS_CUDA


@pytest.fixture(scope="module")
def by_heart(tmp_path_factory) -> CharRNN:
    """A network that knows its text well enough to have no doubts, on the CPU."""
    training = run(begin(tmp_path_factory.mktemp("by_heart"), steps=300, precision="fp32"))
    return copy.deepcopy(training.model).cpu().eval()


def network(cell="lstm", restart=None) -> CharRNN:
    config = ModelConfig(len(VOCAB), cell, hidden=64, layers=2, restart=restart)
    model = CharRNN(config, torch.Generator().manual_seed(1)).eval()
    with torch.no_grad():
        model.decoder.weight *= 8
    return model


def ids(model, settings, streams=1) -> np.ndarray:
    return np.array(list(draw(model, VOCAB, "the ", settings, streams)))


@pytest.mark.parametrize(
    "chosen", [{"temperature": 0.0}, {"temperature": 0.3}, {"top_k": 3}, {"top_p": 0.9}], ids=str
)
def test_text_is_that_of_the_cpu(by_heart, chosen):
    settings = Sampling(length=400, seed=2, **chosen)
    here = "".join(generate(by_heart, VOCAB, "the quick ", settings))
    there = "".join(generate(copy.deepcopy(by_heart).to(GPU), VOCAB, "the quick ", settings))
    assert here == there


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("streams", [1, 3])
def test_every_cell_draws_as_on_the_cpu(cell, streams):
    """Of an untrained network, whose state forgets quickly what rounding did to it; a number that
    falls between two close sums turns one symbol in many thousands."""
    model, settings = network(cell, restart=VOCAB.ids["q"]), Sampling(length=300)
    here = ids(model, settings, streams)
    there = ids(copy.deepcopy(model).to(GPU), settings, streams)
    assert (here[:100] == there[:100]).all()
    assert (here == there).mean() > 0.9


def test_blocks_are_recorded_and_drawn_as_one_by_one(by_heart, monkeypatch):
    model, settings = copy.deepcopy(by_heart).to(GPU), Sampling(length=300, temperature=0.0)
    stepper = blocks_for(model, settings, 1)
    assert stepper.launch != stepper.compute
    recorded = ids(model, settings)
    monkeypatch.setattr(import_module("charrnn.sample"), "blocks_for", lambda *_: None)
    np.testing.assert_array_equal(ids(model, settings), recorded)


def test_many_streams_do_not_know_of_each_other(by_heart):
    there = type("Run", (), {"model": copy.deepcopy(by_heart).to(GPU), "vocab": VOCAB})
    texts = sample_many(there, 5, "pack my ", length=200, temperature=0.3, seed=4)
    assert texts[:2] == sample_many(there, 2, "pack my ", length=200, temperature=0.3, seed=4)
    assert len({len(text) for text in texts}) == 1


def test_weights_that_learn_on_are_those_that_are_read(by_heart):
    """A recording reads the weights where they are, not a copy of them."""
    model, settings = copy.deepcopy(by_heart).to(GPU), Sampling(length=200, temperature=0.0)
    stepper = blocks_for(model, settings, 1)
    primer, numbers = VOCAB.encode("the "), uniform_stream(0)
    before = list(stepper.draw(primer, numbers, 200))
    stepper.reset()
    with torch.no_grad():
        model.decoder.weight.neg_()
        model.decoder.bias.neg_()
    assert list(stepper.draw(primer, numbers, 200)) != before


def test_broken_weights_are_told():
    model = network().to(GPU)
    with torch.no_grad():
        model.rnn[0].weight_hh_l0[0] = torch.nan
    with pytest.raises(ValueError, match="not finite numbers"):
        ids(model, Sampling(length=200))
    assert torch.ones(3, device=GPU).sum() == 3  # the device is still well


def test_where_recording_fails_text_is_drawn_without(by_heart, monkeypatch):
    def asking(self, logits, uniforms):
        return torch.zeros(1, dtype=torch.int64, device=GPU) + int(logits.argmax().item())

    model, settings = copy.deepcopy(by_heart).to(GPU), Sampling(length=200, temperature=0.0)
    expected = ids(model, settings)
    monkeypatch.setattr(captured_stepper.BlockStepper, "_pick", asking)
    with pytest.warns(UserWarning, match="sampling goes on without a CUDA graph"):
        np.testing.assert_array_equal(ids(model, settings), expected)


@pytest.mark.parametrize(("layers", "streams"), [(2, 1), (3, 1), (2, 1024), (2, 4096)])
def test_speed(layers, streams, capsys):
    """Printed, not judged: characters a second of 512 units, one by one and in blocks."""
    model = CharRNN(ModelConfig(97, hidden=512, layers=layers)).to(GPU)
    settings = Sampling(length=100_000)
    stepper, read = make_stepper(model, streams), np.zeros(streams, np.int64)
    singles = speed(lambda: stepper.step(read), 200) * streams
    blocks = blocks_for(model, settings, streams)
    drawing = blocks.draw(np.zeros(1, np.int64), uniform_stream(0, streams), 1 << 20)
    fast = speed(lambda: next(drawing), 20 * blocks.block) * streams
    with capsys.disabled():
        print(
            f"\n{layers} x 512, {streams} streams: {singles:,.0f} and {fast:,.0f} a second", end=""
        )


def speed(work, n: int) -> float:
    for _ in range(64):
        work()
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(n):
        work()
    return n / (time.perf_counter() - began)
