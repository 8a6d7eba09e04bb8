"""What only a GPU can show: run with `pytest -m gpu` on a machine that has CUDA."""

import copy

import numpy as np
import pytest
import torch
from gpu_run import (
    GPU,
    NEEDS_CUDA,
    TEXT,
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
from torch.nn import functional as F

from charrnn.batches import Lanes
from charrnn.checkpoint import Checkpoint, copy_matching, load_checkpoint
from charrnn.cuda import fixed_step
from charrnn.devices import PRECISIONS
from charrnn.dynamic import dynamic_nats
from charrnn.model import CharRNN, ModelConfig
from charrnn.probe.memory import connectivity
from charrnn.probe.trace import trace_ids
from charrnn.sample import Sampling, generate
from charrnn.score import stream_nats
from charrnn.settings import OPTIMIZERS
from charrnn.vocab import Vocab

pytestmark = NEEDS_CUDA


@pytest.fixture(scope="module")
def on_the_cpu(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cpu")
    run(begin(folder, device="cpu", precision="fp32"))
    return folder


@pytest.fixture(scope="module")
def by_heart(tmp_path_factory):
    """A training on the GPU that ends with the text known by heart."""
    folder = tmp_path_factory.mktemp("by_heart")
    run(begin(folder, steps=300, precision="fp32"))
    return folder


@pytest.mark.parametrize(("precision", "bound"), [("fp32", 0.05), ("bf16", 0.15), ("fp16", 0.15)])
def test_the_loss_falls_as_on_a_cpu(tmp_path, on_the_cpu, precision, bound):
    """From 3.4 nats; the second half of the lines is compared, since fp16 skips first steps."""
    skip_without(precision)
    done = run(begin(tmp_path, precision=precision))
    assert done.precision == precision
    ours, cpu = losses(tmp_path), losses(on_the_cpu)
    assert ours[0] > 3.0
    assert ours[-1] < 1.5
    half = len(cpu) // 2
    np.testing.assert_allclose(ours[half:], cpu[half:], atol=bound, rtol=0)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_layers_run_in_cudnn(precision):
    skip_without(precision)
    model, ids = CharRNN(ModelConfig(len(VOCAB), hidden=64)).to(GPU), torch.zeros(5, 3).long()
    dtype = PRECISIONS[precision]
    with torch.autocast(GPU, dtype=dtype, enabled=dtype is not None):
        logits, state = model(ids.to(GPU))
    assert {s.dtype for s in state} == {torch.float32}
    names, left = set(), [logits.grad_fn]
    while left:
        node = left.pop()
        if node is not None:
            names.add(node.name())
            left += [n for n, _ in node.next_functions]
    assert any("CudnnRnn" in name for name in names), names


def test_steps_are_those_of_the_cpu():
    lanes = Lanes(TRAIN, 8, 20)
    there = lanes.on(torch.device(GPU))
    for k in (0, 7, lanes.steps - 1):
        for ours, theirs in zip(lanes.step(k), there.step(k), strict=True):
            assert theirs.device.type == GPU
            assert torch.equal(ours, theirs.cpu())


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_forward_and_scores_are_those_of_the_cpu(cell):
    model = CharRNN(ModelConfig(len(VOCAB), cell, hidden=64), torch.Generator().manual_seed(0))
    here = stream_nats(model, VAL)
    there = stream_nats(model.to(GPU), VAL)
    np.testing.assert_allclose(there, here, atol=5e-3)  # matrix products may be rounded to TF32
    lanes = stream_nats(model, VAL, lanes=4, warmup=100)
    np.testing.assert_allclose(lanes, there, atol=2e-2)


def test_a_network_that_learns_on_reads_as_on_a_cpu():
    model = CharRNN(ModelConfig(len(VOCAB), hidden=64), torch.Generator().manual_seed(0))
    here = dynamic_nats(model, VAL[:200])
    there = dynamic_nats(model.to(GPU), VAL[:200])
    np.testing.assert_allclose(there, here, atol=2e-2)
    assert there[100:].mean() < stream_nats(model, VAL[:200])[100:].mean()


def test_dropout_draws_from_a_generator_on_the_gpu():
    model = CharRNN(ModelConfig(len(VOCAB), hidden=64, dropout=0.5)).to(GPU)
    ids, before = torch.zeros(5, 3, dtype=torch.int64, device=GPU), torch.cuda.get_rng_state()
    first, second, other = (
        model(ids, generator=torch.Generator(GPU).manual_seed(s))[0] for s in (7, 7, 8)
    )
    torch.testing.assert_close(first, second)
    assert not torch.allclose(first, other, atol=1e-3)
    assert torch.equal(before, torch.cuda.get_rng_state())


def test_a_training_goes_on_where_it_stopped(tmp_path):
    """Not bit for bit as on a CPU: sums on a GPU may be taken in another order."""
    run(begin(tmp_path / "whole", dropout=0.3, precision="fp32"))
    first = run(begin(tmp_path / "parts", dropout=0.3, precision="fp32", steps=60))
    drawn = first.generator.get_state()
    longer = settings(precision="fp32")
    training = train.resume(tmp_path / "parts", TRAIN, VAL, longer)
    assert torch.equal(training.generator.get_state(), drawn)
    assert all(s.device.type == GPU for s in training.state)
    run(training)
    np.testing.assert_allclose(losses(tmp_path / "parts"), losses(tmp_path / "whole"), atol=0.02)


def test_loss_scaling_survives_a_stop(tmp_path):
    first = run(begin(tmp_path, precision="fp16", steps=30))
    training = train.resume(tmp_path, TRAIN, VAL, settings(precision="fp16", steps=60))
    assert training.scaler.state_dict() == first.scaler.state_dict()
    run(training)
    assert losses(tmp_path)[-1] < losses(tmp_path)[0] - 1


def test_a_checkpoint_from_the_gpu_is_sampled_and_resumed_on_a_cpu(tmp_path):
    run(begin(tmp_path, steps=60))
    checkpoint = load_checkpoint(tmp_path / "last.safetensors")
    assert {t.device.type for t in checkpoint.tensors.values()} == {"cpu"}
    assert "rng.cuda" in checkpoint.tensors
    model = checkpoint.model()
    assert len("".join(generate(model, VOCAB, "the ", Sampling(length=40)))) == 40
    on_cpu = settings(device="cpu", precision="fp32", steps=80)
    done = run(train.resume(tmp_path, TRAIN, VAL, on_cpu))
    assert done.device.type == "cpu"
    assert losses(tmp_path)[-1] < losses(tmp_path)[0] - 1
    back = run(train.resume(tmp_path, TRAIN, VAL, settings(steps=100)))
    assert back.device.type == GPU
    assert back.progress.step == 100


def test_greedy_text_is_the_same_on_both(by_heart):
    model = load_checkpoint(by_heart / "last.safetensors").model()
    greedy = Sampling(length=300, temperature=0.0)
    here = "".join(generate(model, VOCAB, "the quick ", greedy))
    there = "".join(generate(model.to(GPU), VOCAB, "the quick ", greedy))
    assert here == there
    assert "brown fox jumps over the lazy dog; pack my box" in here


def test_a_loss_that_blows_up_leaves_good_weights(tmp_path, monkeypatch):
    """A GPU is asked for its loss at reports only; no save in between may keep broken weights."""
    real = train.learning_rate
    spoilt = iter([np.nan])

    def rate(config, step, *rest):
        return next(spoilt, 1.0) if step == 30 else real(config, step, *rest)

    for module in (train, fixed_step):  # an ordinary step, and a recorded one
        monkeypatch.setattr(module, "learning_rate", rate)
    with pytest.raises(train.TrainingError, match="nan at step"):
        run(begin(tmp_path, save_minutes=0.0, precision="fp32"))
    kept = load_checkpoint(tmp_path / "last.safetensors")
    assert kept.progress["step"] <= 30
    assert all(t.isfinite().all() for t in kept.part("model").values())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_goes_on(tmp_path, name):
    run(begin(tmp_path, optimizer=name, steps=20, lr=2e-3))
    run(train.resume(tmp_path, TRAIN, VAL, settings(optimizer=name, steps=40, lr=2e-3)))
    assert losses(tmp_path)[-1] < losses(tmp_path)[0]


def test_weights_to_start_from_reach_a_model_on_the_gpu():
    other = Vocab.of("the quick!")
    source = CharRNN(ModelConfig(len(other), hidden=64))
    tensors = {f"model.{k}": v for k, v in source.state_dict().items()}
    model = CharRNN(ModelConfig(len(VOCAB), hidden=64)).to(GPU)
    missing = copy_matching(model, VOCAB, Checkpoint(source.config, other, {}, {}, {}, tensors))
    assert "z" in missing
    row, column = VOCAB.ids["q"], other.ids["q"]
    assert torch.equal(model.decoder.weight[row].cpu(), source.decoder.weight[column])


def test_gradients_are_those_of_the_cpu():
    ids = torch.from_numpy(TRAIN[:60].astype(np.int64)).reshape(3, 20).t()
    model = CharRNN(ModelConfig(len(VOCAB), hidden=64), torch.Generator().manual_seed(0))
    grads = []
    for device in ("cpu", GPU):
        model.to(device).zero_grad()
        logits = model(ids[:-1].to(device))[0]
        F.cross_entropy(logits.flatten(0, 1), ids[1:].flatten().to(device)).backward()
        grads.append([p.grad.cpu().clone() for p in model.parameters()])
    for cpu, gpu in zip(*grads, strict=True):
        torch.testing.assert_close(gpu, cpu, atol=1e-3, rtol=0.02)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_trace_and_its_gradients_are_those_of_the_cpu(cell):
    config = ModelConfig(len(VOCAB), cell=cell, hidden=32, layers=2)
    here = CharRNN(config, torch.Generator().manual_seed(0)).eval()
    there = copy.deepcopy(here).to(GPU)
    ids = VOCAB.encode(TEXT[:60]).astype(np.int64)
    ours, theirs = (trace_ids(model, VOCAB, ids) for model in (here, there))
    for name in ("h", "logits"):
        assert np.allclose(getattr(ours, name), getattr(theirs, name), atol=1e-4)
    targets = np.array([10, 30, 59])
    ours, theirs = (connectivity(model, ids, targets) for model in (here, there))
    assert np.allclose(ours, theirs, atol=1e-4)
