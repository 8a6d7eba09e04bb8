"""Blocks of drawn symbols, computed on a CPU beside the character-by-character way."""

import numpy as np
import pytest
import torch

from charrnn.cuda.captured_stepper import (
    LEAST_TEMPERATURE,
    BlockStepper,
    blocks_for,
    pays,
    truncated,
)
from charrnn.model import CharRNN, ModelConfig
from charrnn.sample import Sampling, TorchStepper, pick, uniform_stream
from charrnn.stepper import Stepper

PRIMER = np.array([4, 7, 3, 9])
SETTINGS = [
    {},
    {"temperature": 0.0},
    {"temperature": 0.5, "top_k": 5},
    {"top_p": 0.7, "seed": 3},
    {"temperature": 2.0, "top_k": 9, "top_p": 0.8},
    {"temperature": 1e-30},
    {"temperature": 1e30},
]


def network(cell: str = "lstm", restart: int | None = None) -> CharRNN:
    """Of uneven probabilities, so that what is left out and what is likeliest matter."""
    config = ModelConfig(31, cell=cell, hidden=24, layers=2, restart=restart)
    model = CharRNN(config, torch.Generator().manual_seed(1))
    with torch.no_grad():
        model.decoder.weight *= 8
    return model


def in_blocks(model, settings, streams=1, block=16) -> np.ndarray:
    """The drawn ids (n, S)."""
    stepper = BlockStepper(model, settings, streams, block)
    numbers = uniform_stream(settings.seed, streams)
    return np.array(list(stepper.draw(PRIMER, numbers, settings.length)))


def one_by_one(model, settings, streams=1, kind=Stepper) -> np.ndarray:
    stepper, numbers = kind(model, streams), uniform_stream(settings.seed, streams)
    for i in PRIMER[:-1]:
        stepper.step(np.full(streams, i))
    ids, drawn = np.full(streams, PRIMER[-1]), []
    for _ in range(settings.length):
        ids = pick(stepper.step(ids), next(numbers), settings)
        drawn.append(ids)
    return np.array(drawn)


@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("chosen", SETTINGS, ids=str)
def test_blocks_draw_what_single_steps_draw(chosen, streams):
    model, settings = network(), Sampling(length=100, **chosen)
    expected = one_by_one(model, settings, streams)
    np.testing.assert_array_equal(in_blocks(model, settings, streams), expected)
    assert len(np.unique(expected)) > 2


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("restart", [None, 9])
def test_every_cell_and_lines_that_start_anew(cell, restart):
    model, settings = network(cell, restart), Sampling(length=150)
    expected = one_by_one(model, settings, 4, kind=TorchStepper)
    assert (expected == 9).sum() > 3
    np.testing.assert_array_equal(in_blocks(model, settings, 4), expected)


def test_the_block_is_no_part_of_the_text():
    model, settings = network(), Sampling(length=50)
    texts = [in_blocks(model, settings, block=n) for n in (1, 7, 50, 64)]
    for text in texts[1:]:
        np.testing.assert_array_equal(text, texts[0])
    assert texts[0].shape == (50, 1)


def test_no_block_is_computed_before_its_first_symbol_is_asked_for():
    stepper = BlockStepper(network(), Sampling(), block=4)
    calls, compute = [], stepper.compute
    stepper.launch = lambda: (calls.append(1), compute())
    drawing = stepper.draw(PRIMER, uniform_stream(0), 100)
    for n in range(1, 10):
        next(drawing)
        assert len(calls) == -(-n // 4)


def test_symbols_that_were_given_out_do_not_change():
    """The buffer they come from is written again by the next block."""
    stepper = BlockStepper(network(), Sampling(), block=4)
    given = list(stepper.draw(PRIMER, uniform_stream(0), 12))
    kept = [ids.copy() for ids in given]
    stepper.launch()
    np.testing.assert_array_equal(given, kept)


@pytest.mark.parametrize("where", ["decoder.bias", "rnn.0.weight_hh_l0"])
def test_broken_weights_are_told(where):
    model = network()
    with torch.no_grad():
        model.get_parameter(where)[0] = torch.nan
    with pytest.raises(ValueError, match="not finite numbers"):
        in_blocks(model, Sampling(length=3))


def test_equals_are_ranked_by_id():
    weights = torch.tensor([[1.0, 4.0, 1.0, 4.0, 2.0]], dtype=torch.float64)
    order = weights.sort(dim=-1, descending=True, stable=True).indices
    assert truncated(weights, order, top_k=1).tolist() == [[0, 4, 0, 0, 0]]
    assert truncated(weights, order, top_k=4).tolist() == [[1, 4, 0, 4, 2]]
    assert truncated(weights, order, top_p=0.5).tolist() == [[0, 4, 0, 4, 0]]
    assert truncated(weights, order, top_k=2, top_p=0.5).tolist() == [[0, 4, 0, 0, 0]]


def test_when_a_recording_pays():
    model = network()
    assert pays(model, Sampling(length=500))
    assert not pays(model, Sampling(length=20))
    assert not pays(model, Sampling(length=500, portable=True))
    assert not pays(model, Sampling(length=500, held=((0, 1, 0.5),)))
    assert not pays(model, Sampling(length=500, temperature=LEAST_TEMPERATURE / 2))
    assert not pays(CharRNN(ModelConfig(5000, hidden=2, layers=1)), Sampling(length=500))
    assert blocks_for(model, Sampling(length=500), 1) is None  # not on a GPU


def test_a_score_that_is_no_number_in_the_midst_of_a_block_is_seen():
    model = network()
    stepper, once = BlockStepper(model, Sampling(length=16)), iter([1.0] * 5 + [torch.nan])
    model.decoder.register_forward_hook(lambda module, x, scores: scores * next(once, 1.0))
    with pytest.raises(ValueError, match="not finite numbers"):
        list(stepper.draw(PRIMER, uniform_stream(0), 16))
