"""A training step recorded as a CUDA graph, beside the ordinary one on the same GPU."""

import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from gpu_run import (
    GPU,
    NEEDS_CUDA,
    TRAIN,
    VAL,
    VOCAB,
    begin,
    losses,
    run,
    settings,
    skip_without,
    train,
)

from charrnn.checkpoint import load_checkpoint
from charrnn.cuda import captured, fixed_step
from charrnn.cuda.captured import step_for
from charrnn.cuda.fixed_step import FixedStep
from charrnn.model import ModelConfig
from charrnn.settings import OPTIMIZERS

pytestmark = NEEDS_CUDA
ROUND = {"hidden": 256, "batch": 20}  # takes cuDNN's persistent kernels in half precision


def on_device(training):
    return training.data.on(training.device)


def ordinary(training):
    data = on_device(training)
    return lambda: train._advance(training, data)


def recorded(training, *sizes) -> FixedStep:
    """The step that a training is given; or, with sizes, one of just those."""
    data = on_device(training)
    if not sizes:
        return step_for(training, data)
    step = FixedStep(training, data, *sizes)
    captured._record(step)
    return step


def walk(training, step, n: int) -> np.ndarray:
    """The losses of `n` steps, each waited for."""
    read = []
    for _ in range(n):
        before = training.meter.item()
        step()
        read.append(training.meter.item() - before)
    return np.array(read)


def weights(training) -> list[torch.Tensor]:
    return [p.detach().clone() for p in training.model.parameters()]


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize(
    ("precision", "first", "later"),
    [("fp32", 1e-4, 0.05), ("bf16", 0.02, 0.15), ("fp16", 0.02, 0.15)],
)
def test_a_recorded_training_is_an_ordinary_one(tmp_path, cell, precision, first, later):
    """Over 500 steps, with dropout. Rounding grows with the steps: the first 20 are held closely,
    then the mean loss of 20 at a time. fp16 skips its first steps on both sides alike."""
    skip_without(precision)
    options = {**ROUND, "cell": cell, "precision": precision, "dropout": 0.2, "steps": 500}
    ours, theirs = (begin(tmp_path / name, **options) for name in "ab")
    got, expected = walk(ours, recorded(ours), 500), walk(theirs, ordinary(theirs), 500)
    np.testing.assert_allclose(got[:20], expected[:20], atol=first, rtol=0)
    means = [x.reshape(-1, 20).mean(axis=1) for x in (got, expected)]
    np.testing.assert_allclose(*means, atol=later, rtol=0)
    assert got[-1] < 1.0 < 3.0 < got[0]
    assert torch.equal(ours.generator.get_state(), theirs.generator.get_state())
    assert ours.scaler.state_dict() == theirs.scaler.state_dict()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize(("precision", "first"), [("fp32", 1e-4), ("fp16", 0.02)])
def test_a_step_that_is_unrolled_is_recorded(tmp_path, cell, precision, first):
    """As the program of May 2015 trained: nothing filled up, the masks of an ordinary step, and not
    the losses of a network without the switches."""
    switches = {"recurrent_dropout": True, "detach_top_h": True}

    def start(folder, **switches):
        model = ModelConfig(len(VOCAB), cell, ROUND["hidden"], layers=2, dropout=0.2, **switches)
        config = settings(batch=ROUND["batch"], steps=120, precision=precision)
        return train.start(model, VOCAB, TRAIN, VAL, config, tmp_path / folder)

    ours, theirs, plain = start("a", **switches), start("b", **switches), start("c")
    step = recorded(ours)
    assert step.launch != step.compute and step.extra == 0
    got, expected = walk(ours, step, 120), walk(theirs, ordinary(theirs), 120)
    np.testing.assert_allclose(got[:20], expected[:20], atol=first, rtol=0)
    assert abs(got[-20:].mean() - expected[-20:].mean()) < 0.15
    assert np.abs(got[:20] - walk(plain, ordinary(plain), 20)).max() > 0.01
    assert torch.equal(ours.generator.get_state(), theirs.generator.get_state())


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_every_optimizer_is_recorded(tmp_path, name, precision):
    options = {**ROUND, "optimizer": name, "precision": precision, "schedule": "cosine"}
    ours, theirs = (begin(tmp_path / folder, **options) for folder in "ab")
    got, expected = walk(ours, recorded(ours), 60), walk(theirs, ordinary(theirs), 60)
    np.testing.assert_allclose(got[:10], expected[:10], atol=5e-3, rtol=0)
    means = [x.reshape(-1, 20).mean(axis=1) for x in (got, expected)]
    np.testing.assert_allclose(*means, atol=0.05, rtol=0)
    assert got[-1] < got[0] - 0.5


def test_lanes_and_inputs_that_were_filled_up_change_little(tmp_path):
    options = {**ROUND, "precision": "fp16", "dropout": 0.2}
    ours, theirs = begin(tmp_path / "a", **options), begin(tmp_path / "b", **options)
    full = recorded(ours)
    assert (full.extra, len(full.alphabet)) == (4, 128)
    got = walk(ours, full, 60)
    expected = walk(theirs, recorded(theirs, 20, len(VOCAB)), 60)
    np.testing.assert_allclose(got, expected, atol=0.03, rtol=0)


def test_recording_leaves_a_training_as_it_was(tmp_path):
    training = begin(tmp_path, dropout=0.5, precision="fp16")
    walk(training, ordinary(training), 5)
    before, drawn = weights(training), training.generator.get_state()
    memory = {k: v.clone() for k, v in train_memory(training).items()}
    scale, meter = training.scaler.state_dict(), training.meter.clone()
    assert step_for(training, on_device(training)) is not None
    assert all(map(torch.equal, before, training.model.parameters()))
    assert all(torch.equal(v, memory[k]) for k, v in train_memory(training).items())
    assert torch.equal(drawn, training.generator.get_state())
    assert training.scaler.state_dict() == scale
    assert torch.equal(training.meter, meter)


def train_memory(training) -> dict:
    kept = training.optimizer.state_dict()["state"]
    return {(i, name): value for i, memory in kept.items() for name, value in memory.items()}


def test_a_recorded_training_goes_on_where_it_stopped(tmp_path):
    """Through `run`, so that what it saves and what it goes on with are those of recorded steps."""
    options = {**ROUND, "dropout": 0.3, "precision": "fp32"}
    run(begin(tmp_path / "whole", **options))
    first = run(begin(tmp_path / "parts", steps=60, **options))
    longer = settings(batch=20, precision="fp32")
    training = train.resume(tmp_path / "parts", TRAIN, VAL, longer)
    assert torch.equal(training.generator.get_state(), first.generator.get_state())
    run(training)
    np.testing.assert_allclose(losses(tmp_path / "parts"), losses(tmp_path / "whole"), atol=0.02)


def test_a_run_records_its_steps(tmp_path, monkeypatch):
    launched, call = [], FixedStep.__call__
    monkeypatch.setattr(FixedStep, "__call__", lambda step: (launched.append(step), call(step)))
    training = run(begin(tmp_path, steps=30))
    assert len(launched) == 30
    assert launched[0].launch != launched[0].compute
    assert training.progress.step == 30


def test_masks_differ_from_launch_to_launch_and_repeat_with_the_seed(tmp_path):
    training = begin(tmp_path, dropout=0.5, precision="fp32")
    step = recorded(training)

    def launch() -> float:
        """The loss of the first step, with a rate at which nothing is learned."""
        step._enter(None)
        step.place.zero_()
        step.rate.zero_()
        training.meter.zero_()
        step.launch()
        return training.meter.item()

    drawn = training.generator.get_state()
    first, second = launch(), launch()
    assert abs(first - second) > 1e-4
    training.generator.set_state(drawn)
    assert launch() == pytest.approx(first, abs=1e-6)
    assert launch() == pytest.approx(second, abs=1e-6)


def kernels(step: FixedStep) -> set[str]:
    """The names of the kernels that a step runs, in lower case; it need not be a recorded one."""
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    step()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the profiler's own, about how it is set up
        with torch.profiler.profile(activities=activities) as profile:
            step()
            torch.cuda.synchronize()
        return {event.key.lower() for event in profile.key_averages()}


def test_fp16_runs_in_the_persistent_kernels(tmp_path):
    """Filled up from 100 lanes and 30 symbols, and not as they are."""
    if not captured._has_persistent_kernels(torch.device(GPU)):
        pytest.skip("this GPU has none")
    training = begin(tmp_path, hidden=512, batch=100, precision="fp16")
    data = on_device(training)
    best, plain = captured._sizes(training, data)
    assert (best, plain) == ((104, 128), (100, len(VOCAB)))
    names = kernels(FixedStep(training, data, *best))
    assert any("persist" in name for name in names), sorted(names)
    names = kernels(FixedStep(training, data, *plain))
    assert not any("persist" in name for name in names), sorted(names)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_host_waits_for_nothing(tmp_path, precision, optimizer):
    training = begin(tmp_path, dropout=0.2, precision=precision, optimizer=optimizer)
    step = recorded(training)
    step()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the mode is a prototype
            torch.cuda.set_sync_debug_mode("error")
        for _ in range(10):
            step()
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop"])
def test_a_step_whose_gradients_overflow_is_left_out(tmp_path, optimizer):
    training = begin(tmp_path, precision="fp16", optimizer=optimizer)
    training.scaler = torch.amp.GradScaler(GPU, init_scale=2.0**60)
    step, before = recorded(training), weights(training)
    walk(training, step, 1)
    assert training.scaler.get_scale() == 2.0**59
    assert all(map(torch.equal, before, training.model.parameters()))
    got = walk(training, step, 150)
    assert got[-1] < got[0] - 0.5


def test_where_recording_fails_a_training_goes_on_without(tmp_path, monkeypatch):
    """The failure is one that only shows while the stream is recorded, in the midst of a step."""
    clip = fixed_step.clip

    def asking(model, config) -> None:
        if torch.cuda.is_current_stream_capturing():
            torch.cuda.synchronize()
        clip(model, config)

    monkeypatch.setattr(fixed_step, "clip", asking)
    options = {"dropout": 0.3, "precision": "fp16"}
    ours, theirs = begin(tmp_path / "a", **options), begin(tmp_path / "b", **options)
    with pytest.warns(UserWarning, match="training goes on without a CUDA graph"):
        assert step_for(ours, on_device(ours)) is None
    got, expected = walk(ours, ordinary(ours), 30), walk(theirs, ordinary(theirs), 30)
    np.testing.assert_allclose(got, expected, atol=0.02, rtol=0)


@pytest.mark.parametrize("layers", [2, 3])
def test_speed(tmp_path, layers, capsys):
    """Printed, not judged: characters a second at the post's sizes, ordinary and recorded."""
    text = np.random.default_rng(0).integers(0, len(VOCAB), 400_000).astype(np.uint8)
    for precision in ("fp32", "bf16", "fp16"):
        model = ModelConfig(len(VOCAB), hidden=512, layers=layers, dropout=0.5)
        config = settings(batch=100, seq=100, steps=1000, precision=precision)
        folder = tmp_path / precision
        training = train.start(model, VOCAB, text, VAL, config, folder)
        for name, step in (("ordinary", ordinary(training)), ("recorded", recorded(training))):
            speed = 10_000 * 60 / seconds(step, 60)
            with capsys.disabled():
                print(f"\n{layers} x 512, {precision}, {name}: {speed:,.0f} characters/s", end="")


def seconds(step, n: int) -> float:
    for _ in range(5):
        step()
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(n):
        step()
    torch.cuda.synchronize()
    return time.perf_counter() - began


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_an_update_by_an_infinite_gradient_is_left_out_of_a_recorded_step_too(
    tmp_path, optimizer, precision
):
    """The carried state's cell is infinite in one lane, so is what comes back through it."""
    skip_without(precision)
    for name, make in (("a", recorded), ("b", ordinary)):
        training = begin(tmp_path / name, **ROUND, optimizer=optimizer, precision=precision)
        training.scaler = torch.amp.GradScaler(GPU, init_scale=8.0, enabled=precision == "fp16")
        step = make(training)
        walk(training, step, 5)
        training.settle()
        skipped, before = training.progress.skipped, weights(training)
        training.state[1][0, 2, 5] = torch.inf
        step()
        training.settle()
        assert training.progress.skipped == skipped + 1
        for old, new in zip(before, training.model.parameters(), strict=True):
            assert torch.equal(old, new)
        assert all(part.isfinite().all() for part in training.state)
        walk(training, step, 5)
        assert all(w.isfinite().all() for w in training.model.parameters())
        assert not torch.equal(before[0], weights(training)[0])


def test_a_deterministic_training_is_not_recorded_and_repeats_its_bits(tmp_path):
    program = """
import sys
sys.path.insert(0, sys.argv[1])
from gpu_run import begin, run
training = begin(sys.argv[2], hidden=256, batch=20, dropout=0.2, deterministic=True, steps=60)
run(training)
"""
    files = []
    for name in "ab":
        here, folder = Path(__file__).parent, tmp_path / name
        subprocess.run([sys.executable, "-c", program, str(here), str(folder)], check=True)
        files.append(load_checkpoint(folder / "last.safetensors").tensors)
    assert files[0].keys() == files[1].keys()
    for key, tensor in files[0].items():
        assert torch.equal(tensor, files[1][key]), key
    training = begin(tmp_path / "c", deterministic=True)
    assert step_for(training, on_device(training)) is None
