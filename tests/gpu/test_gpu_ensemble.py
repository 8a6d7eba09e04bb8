"""Networks side by side on a GPU: recorded, with fused kernels, they are those of the CPU."""

import numpy as np
import pytest
import torch
from gpu_run import NEEDS_CUDA

from benchmarks.ensemble import FUSED, Ensemble, choose_pointwise, held_out
from charrnn.batches import Lanes
from charrnn.model import CharRNN, ModelConfig

pytestmark = NEEDS_CUDA
V, BATCH, SEQ, HIDDEN = 11, 6, 10, 32
IDS = np.random.default_rng(0).integers(0, V, 800).astype(np.uint8)
STRUCTURES = [(d, r) for d in (False, True) for r in (False, True)]


def side_by_side(device, dropout=0.0, **switches):
    config = ModelConfig(V, hidden=HIDDEN, layers=2, dropout=dropout, init="uniform", **switches)
    models = [CharRNN(config, torch.Generator().manual_seed(s)) for s in (1, 2, 3)]
    columns = Lanes(IDS, BATCH, SEQ).on(torch.device("cpu")).columns.long()
    return Ensemble(models, columns, SEQ, [2e-3, 1e-3, 2e-3], clip=0.1, device=device)


def test_the_fused_kernels_are_taken():
    assert choose_pointwise(torch.device("cuda")) is FUSED


@pytest.mark.parametrize(("detach", "recurrent"), STRUCTURES)
def test_steps_are_recorded_and_are_those_of_a_cpu(detach, recurrent):
    switches = {"detach_top_h": detach, "recurrent_dropout": recurrent}
    ours, theirs = (side_by_side(device, **switches) for device in ("cuda", "cpu"))
    assert ours.launch != ours.compute, "a recording"
    assert torch.equal(ours.flat.cpu(), theirs.flat), "which has changed nothing"
    for ensemble in (ours, theirs):
        ensemble.advance(20)  # over the end of an epoch
    moved = (theirs.flat - side_by_side("cpu", **switches).flat).abs().max()
    assert (ours.flat.cpu() - theirs.flat).abs().max() < 1e-2 * moved
    for a, b in zip(ours.read_meter(), theirs.read_meter(), strict=True):
        assert a == pytest.approx(b, rel=1e-4)
    text = held_out(IDS, np.array([200, 400]), 150, 550, SEQ)
    assert ours.reader(text)() == pytest.approx(theirs.reader(text)(), abs=1e-4)


def test_each_launch_draws_new_masks():
    """Where a recording drew the same ones again, two of its steps on one text would be equal."""
    ours = side_by_side("cuda", dropout=0.5)
    losses = []
    for _ in range(3):
        ours.rates.zero_()
        ours.place.zero_()
        for pair in ours.state:
            for part in pair:
                part.zero_()
        ours.launch()
        ours.metered = 1
        losses.append(ours.read_meter()[0])
    assert not np.array_equal(losses[0], losses[1])
    assert not np.array_equal(losses[1], losses[2])


def test_a_recording_goes_on_as_an_ordinary_step_would():
    recorded, ordinary = (side_by_side("cuda", dropout=0.5, recurrent_dropout=True) for _ in "ab")
    ordinary.launch = ordinary.compute
    recorded.advance(6)
    ordinary.advance(6)
    assert (recorded.flat - ordinary.flat).abs().max() < 1e-5
