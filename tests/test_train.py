import json
import math
import os
import random
import signal
import subprocess
import sys
import threading
import time
from importlib import import_module
from itertools import chain, repeat
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from charrnn.batches import Lanes
from charrnn.checkpoint import CheckpointError, load_checkpoint, read_header, save_checkpoint
from charrnn.model import CharRNN, ModelConfig
from charrnn.records import read_history
from charrnn.score import loss as stream_loss
from charrnn.settings import OPTIMIZERS, TrainConfig
from charrnn.vocab import Vocab

train = import_module("charrnn.train")  # `charrnn.train` by itself is the function
HERE = Path(__file__).parent

TEXT = "the quick brown fox jumps over the lazy dog; pack my box with five dozen jugs.\n" * 25
VOCAB = Vocab.of(TEXT)
TRAIN, VAL = np.split(VOCAB.encode(TEXT), [1500])
SMALL = {
    "batch": 4,
    "seq": 8,
    "steps": 60,  # an epoch has 46
    "eval_every": 10,
    "sample_steps": (6, 24),
    "sample_length": 20,
    "lr": 0.02,
    "device": "cpu",
    "precision": "fp32",
}


pytestmark = pytest.mark.usefixtures("one_thread")


def settings(**changes):
    kept = SMALL if not {"epochs", "minutes"} & changes.keys() else {**SMALL, "steps": None}
    return TrainConfig(**{**kept, **changes})


def begin(folder, train_ids=TRAIN, val_ids=VAL, model=None, **changes):
    model = ModelConfig(len(VOCAB), **{"hidden": 16, "layers": 2, "dropout": 0.2, **(model or {})})
    return train.start(model, VOCAB, train_ids, val_ids, settings(**changes), folder)


def run(training):
    return train.run(training, progress_bar=False)


def go_on(folder):
    return run(train.resume(folder, TRAIN, VAL))


def history(folder) -> dict[str, list]:
    return read_history(Path(folder) / "history.csv")


def samples(folder) -> list[dict]:
    lines = (Path(folder) / "samples.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def assert_same_training(one: Path, other: Path) -> None:
    """Bit for bit: weights, optimizer, random state, carried state; history; samples."""
    for name in ("last.safetensors", "best.safetensors"):
        a, b = load_checkpoint(one / name), load_checkpoint(other / name)
        assert a.tensors.keys() == b.tensors.keys()
        for key, value in a.tensors.items():
            assert torch.equal(value, b.tensors[key]), key
        for key in ("step", "best_loss", "best_step", "meter_steps"):
            assert a.progress[key] == b.progress[key], key
    for column in ("step", "epoch", "chars", "train_loss", "val_loss", "lr"):
        np.testing.assert_array_equal(history(one)[column], history(other)[column], column)
    assert (one / "samples.jsonl").read_bytes() == (other / "samples.jsonl").read_bytes()


@pytest.fixture
def at_step(monkeypatch):
    """Has something done as a training comes to given steps, each once."""

    def arrange(steps, act) -> None:
        real, left = train.learning_rate, set(steps)

        def rate(config, step, *rest):
            if step in left:
                left.discard(step)
                changed = act()
                return real(config, step, *rest) if changed is None else changed
            return real(config, step, *rest)

        monkeypatch.setattr(train, "learning_rate", rate)

    return arrange


# The loop


def test_a_training_is_the_plain_loop(tmp_path):
    """The same training written down step by step: 1.3 epochs, state carried and then let go."""
    done = run(begin(tmp_path / "run", schedule="constant", weight_decay=0.1, clip_norm=0.5))
    model = CharRNN(done.model.config, torch.Generator().manual_seed(0)).train()
    masks, lanes = torch.Generator().manual_seed(1), Lanes(TRAIN, 4, 8)
    decays = [0.1 if p.dim() > 1 else 0.0 for p in model.parameters()]
    groups = [
        {"params": [p], "weight_decay": d} for p, d in zip(model.parameters(), decays, strict=True)
    ]
    optimizer, losses, state = torch.optim.AdamW(groups, lr=0.02), [], None
    for index in [*range(46), *range(14)]:
        state = None if index == 0 else tuple(s.detach() for s in state)
        x, y = lanes.step(index)
        logits, state = model(x, state, masks)
        loss = F.cross_entropy(logits.permute(0, 2, 1), y)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        losses.append(loss.item())
    for ours, theirs in zip(done.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
    every_other = np.array(losses).reshape(-1, 2).mean(axis=1)  # a line is the mean since the last
    np.testing.assert_allclose(history(tmp_path / "run")["train_loss"], every_other, rtol=1e-4)


def test_a_training_is_told_in_a_line_and_not_in_weights(tmp_path):
    training = begin(tmp_path / "r", steps=1200)
    assert repr(training) == f"<Training {tmp_path / 'r'}: step 0 of 1,200>"


def test_one_line_is_learnt_by_heart(tmp_path):
    line = VOCAB.encode("the quick brown fox jumps over the lazy dog;\n" * 30)
    done = run(
        begin(
            tmp_path,
            line,
            line[:200],
            model={"hidden": 32, "layers": 1, "dropout": 0.0},
            seq=30,
            steps=150,
            warmup=10,
            eval_every=50,
            sample_prompt="the quick",
            sample_temperature=0.0,
        )
    )
    assert history(tmp_path)["train_loss"][-1] < 0.05
    assert stream_loss(done.model.eval(), line) < 0.1  # it starts without a state
    assert samples(tmp_path)[-1]["text"] == " brown fox jumps ove"


def test_the_history_has_its_columns(tmp_path):
    run(begin(tmp_path, steps=25))
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines[0] == "step,epoch,chars,train_loss,val_loss,lr,chars_per_s,seconds"
    columns = history(tmp_path)
    assert columns["step"].tolist() == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 25]
    np.testing.assert_allclose(columns["epoch"], columns["step"] / 46, rtol=1e-6)
    assert columns["chars"].tolist() == (columns["step"] * 32).tolist()
    validated = [int(s) for s, v in zip(columns["step"], columns["val_loss"], strict=True) if v > 0]
    assert validated == [10, 20, 25]
    assert (np.diff(columns["seconds"]) > 0).all()
    assert (columns["chars_per_s"] > 0).all()


def test_samples_are_written_at_their_steps_and_at_the_end(tmp_path):
    run(begin(tmp_path, sample_prompt="the ", seed=3))
    records = samples(tmp_path)
    assert [r["step"] for r in records] == [6, 24, 60]
    assert records[1]["epoch"] == pytest.approx(24 / 46, abs=1e-3)
    for record in records:
        assert (record["prompt"], record["seed"], record["temperature"]) == ("the ", 3, 0.8)
        assert len(record["text"]) == 20


def test_samples_at_regular_steps(tmp_path):
    run(begin(tmp_path, sample_every=25, sample_steps=(6,)))
    assert [r["step"] for r in samples(tmp_path)] == [6, 25, 50, 60]


def test_the_seed_decides_all(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(begin(tmp_path / name, steps=12, seed=seed))
    assert_same_training(tmp_path / "a", tmp_path / "b")
    assert history(tmp_path / "a")["train_loss"][0] != history(tmp_path / "c")["train_loss"][0]


@pytest.mark.parametrize(
    ("length", "steps"), [({"steps": 7}, 7), ({"epochs": 0.5}, 23), ({"epochs": 0.001}, 1)]
)
def test_a_training_is_as_long_as_it_is_asked_to_be(tmp_path, length, steps):
    training = begin(tmp_path, **length)
    assert training.total_steps == steps
    assert run(training).progress.step == steps
    assert training.finished


def test_a_training_can_be_measured_in_minutes(tmp_path):
    training = begin(tmp_path, minutes=0.001)
    assert training.total_steps is None
    run(training)
    assert 0.06 <= training.progress.seconds < 5
    assert math.isfinite(history(tmp_path)["val_loss"][-1])


# In groups of lanes


def same_but_for_rounding(one, other) -> None:
    for ours, theirs in zip(one.model.parameters(), other.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-4)
    for ours, theirs in zip(one.state, other.state, strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-4)
    assert torch.equal(one.generator.get_state(), other.generator.get_state())
    for column in ("train_loss", "val_loss", "lr"):
        columns = [history(training.folder)[column] for training in (one, other)]
        np.testing.assert_allclose(*columns, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("groups", "vocabulary"), [(2, None), (4, None), (4, "large")])
def test_a_step_in_groups_has_the_numbers_of_one_in_a_piece(tmp_path, groups, vocabulary):
    """Dropout's masks and the carried state among them; the second network looks its input up."""
    model = {"hidden": 8} if vocabulary else None
    whole = run(begin(tmp_path / "whole", model=model, steps=50))
    parts = run(begin(tmp_path / "parts", model=model, steps=50, accumulate=groups))
    same_but_for_rounding(whole, parts)


def test_groups_and_a_scaled_loss(tmp_path):
    """As fp16 has it: the gradients that are added up are scaled, the loss is not."""
    whole, parts = begin(tmp_path / "w", steps=20), begin(tmp_path / "p", steps=20, accumulate=2)
    parts.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12, growth_interval=5)
    same_but_for_rounding(run(whole), run(parts))
    assert parts.scaler.get_scale() == 2.0**16


def test_groups_keep_fewer_activations(tmp_path, monkeypatch):
    kept, real = {}, train._loss

    def most(accumulate: int) -> int:
        """Bytes that are held for one backward pass."""
        sizes = []

        def counted(*arguments):
            sizes.append(0)

            def pack(tensor):
                sizes[-1] += tensor.numel() * tensor.element_size()
                return tensor

            with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
                return real(*arguments)

        monkeypatch.setattr(train, "_loss", counted)
        sized = {"batch": 16, "seq": 50, "steps": 1, "accumulate": accumulate}
        run(begin(tmp_path / str(accumulate), VOCAB.encode(TEXT), **sized))
        return max(sizes)

    kept = {n: most(n) for n in (1, 4)}
    assert kept[4] < 0.4 * kept[1]


def test_groups_can_change_on_the_way(tmp_path, at_step):
    whole = run(begin(tmp_path / "whole"))
    at_step([12], lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(train.Interrupted):
        run(begin(tmp_path / "parts", accumulate=2))
    parts = run(train.resume(tmp_path / "parts", TRAIN, VAL, settings(accumulate=1)))
    same_but_for_rounding(whole, parts)
    with pytest.raises(ValueError, match=r"batch 4 cannot .* over 3 groups \(accumulate\)"):
        run(begin(tmp_path / "odd", accumulate=3))


# Validation, and the best


def test_validation_is_the_stream_over_the_whole_text(tmp_path):
    done = run(begin(tmp_path))
    exact = stream_loss(load_checkpoint(tmp_path / "last.safetensors").model(), VAL)
    assert history(tmp_path)["val_loss"][-1] == pytest.approx(exact, abs=2e-3)
    assert done.progress.best_loss <= exact + 2e-3


def test_the_best_is_kept_and_it_is_not_the_last(tmp_path):
    """Learning a text makes noise less likely, so noise as validation text is best early on."""
    noise = np.random.default_rng(0).integers(len(VOCAB), size=500).astype(np.uint8)
    done = run(begin(tmp_path, val_ids=noise))
    columns = history(tmp_path)
    validated = {s: v for s, v in zip(columns["step"], columns["val_loss"], strict=True) if v > 0}
    lowest = min(validated, key=validated.get)
    assert lowest != 60
    assert done.progress.best_step == lowest
    best = load_checkpoint(tmp_path / "best.safetensors")
    assert best.progress["best_step"] == best.progress["step"] == lowest
    assert best.progress["best_loss"] == pytest.approx(validated[lowest], rel=1e-6)
    assert stream_loss(best.model(), noise) == pytest.approx(validated[lowest], abs=2e-3)


def test_a_training_uses_its_rate(tmp_path):
    decay = {"schedule": "decay", "lr": 0.01, "lr_decay": 0.5, "lr_decay_after": 1}
    run(begin(tmp_path, TRAIN[:330], epochs=3, **decay))  # 10 steps an epoch
    columns = history(tmp_path)
    first, second, third = (columns["lr"][columns["step"] == s].item() for s in (10, 20, 30))
    assert (first, second, third) == (0.01, 0.005, 0.0025)


# Stopped and resumed


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_stopped_training_goes_on_bit_for_bit(tmp_path, at_step, optimizer):
    """Stopped between two reports, on a report, at the first step, and early in epoch 2."""
    run(begin(tmp_path / "whole", optimizer=optimizer))
    at_step([0, 12, 19, 48], lambda: signal.raise_signal(signal.SIGTERM))
    training, stopped = begin(tmp_path / "parts", optimizer=optimizer), []
    for _ in range(4):
        with pytest.raises(train.Interrupted, match=r"stopped at step \d+; all is saved"):
            run(training)
        stopped.append(read_header(tmp_path / "parts" / "last.safetensors")["progress"]["step"])
        training = train.resume(tmp_path / "parts", TRAIN, VAL)
    assert stopped == [1, 13, 20, 49]
    run(training)
    assert_same_training(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.parametrize(("cell", "hidden"), [("gru", 16), ("rnn", 16), ("lstm", 8)])
def test_every_kind_of_network_goes_on_bit_for_bit(tmp_path, at_step, cell, hidden):
    """The last is small enough for its input to be looked up by row."""
    model = {"cell": cell, "hidden": hidden}
    run(begin(tmp_path / "whole", model=model, steps=30))
    at_step([17], lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(train.Interrupted):
        run(begin(tmp_path / "parts", model=model, steps=30))
    go_on(tmp_path / "parts")
    assert_same_training(tmp_path / "whole", tmp_path / "parts")


def test_stopping_exactly_at_an_epochs_end(tmp_path, at_step):
    run(begin(tmp_path / "whole"))
    at_step([45], lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(train.Interrupted, match="stopped at step 46"):
        run(begin(tmp_path / "parts"))
    go_on(tmp_path / "parts")
    assert_same_training(tmp_path / "whole", tmp_path / "parts")


SERVANT = """
import os, sys, tempfile, time
import torch
from test_train import begin, run, train, TRAIN, VAL

torch.set_num_threads(1)
with tempfile.TemporaryDirectory() as aside:
    begin(aside)  # an optimizer, once: torch loads a good deal of itself for the first one
rate = train.learning_rate
def slowly(*arguments):
    time.sleep(0.004)  # so that it is not over before it can be killed
    return rate(*arguments)
train.learning_rate = slowly
for line in sys.stdin:
    order, folder = line.split()
    child = os.fork()
    if child == 0:
        try:
            run(begin(folder, steps=120) if order == "begin" else train.resume(folder, TRAIN, VAL))
        except train.Interrupted:
            os._exit(130)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def elsewhere():
    """Trains in a process of its own; returns (process id, a function that waits for its end)."""
    if not hasattr(os, "fork"):
        pytest.skip("needs processes that can be forked")
    path = os.pathsep.join([str(HERE), str(HERE.parent)])
    command = [sys.executable, "-c", SERVANT]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, **pipes) as servant:

        def order(word: str, folder: Path):
            print(word, folder, file=servant.stdin, flush=True)
            return int(servant.stdout.readline()), lambda: int(servant.stdout.readline())

        yield order
        servant.stdin.close()


def lines_written(folder: Path) -> int:
    path = folder / "history.csv"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wait_for_lines(folder: Path, n: int) -> None:
    began = time.monotonic()
    while lines_written(folder) < n:
        assert time.monotonic() - began < 300, f"{lines_written(folder)} lines in five minutes"
        time.sleep(0.001)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    torch.set_num_threads(1)
    run(begin(folder, steps=120))
    return folder


def test_ctrl_c_saves_and_the_training_goes_on_bit_for_bit(tmp_path, elsewhere, uninterrupted):
    process, end = elsewhere("begin", tmp_path)
    wait_for_lines(tmp_path, 8)
    os.kill(process, signal.SIGINT)
    assert end() == 130
    step = read_header(tmp_path / "last.safetensors")["progress"]["step"]
    assert 14 <= step < 120
    assert history(tmp_path)["step"][-1] <= step
    go_on(tmp_path)
    assert_same_training(uninterrupted, tmp_path)


def test_a_killed_training_goes_on_bit_for_bit(tmp_path, elsewhere, uninterrupted):
    seed = random.SystemRandom().randrange(2**32)
    print(f"moments of the kills drawn from seed {seed}")
    moments = random.Random(seed)
    for word in ("begin", "resume", "resume"):
        written = lines_written(tmp_path)
        process, end = elsewhere(word, tmp_path)
        wait_for_lines(tmp_path, written + moments.randint(6, 11))
        time.sleep(moments.uniform(0, 0.01))
        os.kill(process, signal.SIGKILL)
        assert end() == -signal.SIGKILL
    assert read_header(tmp_path / "last.safetensors")["progress"]["step"] < 120
    go_on(tmp_path)
    assert_same_training(uninterrupted, tmp_path)
    assert not list(tmp_path.glob(".*"))


def test_records_cut_off_in_the_middle_of_a_line_are_mended(tmp_path, at_step):
    run(begin(tmp_path / "whole"))
    at_step([30], lambda: signal.raise_signal(signal.SIGTERM))
    parts = tmp_path / "parts"
    with pytest.raises(train.Interrupted):
        run(begin(parts))
    with open(parts / "history.csv", "a") as out:
        out.write("32,0.69,1024,3.1,,0.01,99,1\n34,0.7")
    with open(parts / "samples.jsonl", "ab") as out:  # one ends in the middle of a character
        out.write(b'{"step": 32, "text": "{}"}\n{"step": 34, "text": "{}\xc3')
    go_on(parts)
    assert_same_training(tmp_path / "whole", parts)


@pytest.mark.parametrize(
    ("name", "line"), [("history.csv", b"what?\n"), ("samples.jsonl", b"{}\n")]
)
def test_damaged_records_are_named(tmp_path, name, line):
    run(begin(tmp_path, steps=20))
    with open(tmp_path / name, "ab") as out:
        out.write(line)
    with pytest.raises(ValueError, match=f"{name} is damaged .* once it is removed"):
        go_on(tmp_path)
    (tmp_path / name).unlink()
    assert go_on(tmp_path).finished


def test_texts_with_unusual_line_ends_stay_one_record(tmp_path):
    """U+2028 and U+0085 end a line for `str.splitlines`, not for JSON."""
    text = "ab\u2028\x85\x1c}" * 200
    vocab, folder = Vocab.of(text), tmp_path / "run"
    ids = vocab.encode(text)
    first = settings(steps=12, sample_steps=(6,), schedule="constant")
    run(train.start(ModelConfig(len(vocab), hidden=8), vocab, ids, ids[:100], first, folder))
    before = samples(folder)
    assert any("\u2028" in record["text"] for record in before)
    train.resume(folder, ids, ids[:100])
    assert samples(folder) == before


def test_a_longer_total_goes_on_from_the_end(tmp_path):
    constant = {"schedule": "constant"}
    run(begin(tmp_path / "whole", steps=40, **constant))
    run(begin(tmp_path / "parts", steps=20, **constant))
    longer = settings(steps=40, **constant)
    run(train.resume(tmp_path / "parts", TRAIN, VAL, longer))
    one, other = (load_checkpoint(tmp_path / n / "last.safetensors") for n in ("whole", "parts"))
    assert other.settings["steps"] == 40
    for key, value in one.part("model").items():
        assert torch.equal(value, other.part("model")[key])
    again = go_on(tmp_path / "parts")
    assert again.progress.step == 40  # nothing is left to do


def test_lanes_cannot_change_in_the_middle(tmp_path):
    run(begin(tmp_path, steps=20))
    for changes in ({"batch": 5}, {"seq": 9}, {"optimizer": "rmsprop"}):
        (name,) = changes
        with pytest.raises(ValueError, match=f"{name} "):
            train.resume(tmp_path, TRAIN, VAL, settings(steps=40, **changes))


def test_another_devices_random_state_is_left_alone(tmp_path):
    """A training from a GPU goes on on a CPU, which cannot use that GPU's random state."""
    run(begin(tmp_path, steps=20))
    path = tmp_path / "last.safetensors"
    checkpoint = load_checkpoint(path)
    checkpoint.tensors["rng.cuda"] = torch.zeros(16, dtype=torch.uint8)
    del checkpoint.tensors["rng.cpu"]
    save_checkpoint(path, checkpoint)
    longer = settings(steps=40)
    done = run(train.resume(tmp_path, TRAIN, VAL, longer))
    assert done.progress.step == 40
    assert "rng.cpu" in load_checkpoint(path).tensors
    assert "rng.cuda" not in load_checkpoint(path).tensors


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("progress", {"step": "x"}),
        ("progress", {"best_loss": None}),
        ("settings", {"batch": "x"}),
    ],
)
def test_a_checkpoint_with_impossible_contents_is_refused(tmp_path, part, changes):
    run(begin(tmp_path, steps=20))
    path = tmp_path / "last.safetensors"
    checkpoint = load_checkpoint(path)
    getattr(checkpoint, part).update(changes)
    save_checkpoint(path, checkpoint)
    with pytest.raises(CheckpointError, match="the last checkpoint is broken"):
        go_on(tmp_path)


def test_there_must_be_something_to_resume(tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        train.resume(tmp_path, TRAIN, VAL)


def test_a_second_ctrl_c_acts_at_once_and_handlers_are_put_back(tmp_path, at_step):
    def press_twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    at_step([3], press_twice)
    found = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(KeyboardInterrupt):
            run(begin(tmp_path))
        assert {s: signal.getsignal(s) for s in before} == before
    finally:
        signal.signal(signal.SIGINT, found)
    assert not (tmp_path / "last.safetensors").exists()


def test_a_training_runs_in_a_thread(tmp_path):
    """Signals go to the main thread alone; elsewhere a training leaves them as they are."""
    training = begin(tmp_path, steps=5)
    thread = threading.Thread(target=run, args=(training,))
    thread.start()
    thread.join()
    assert training.finished


# What cannot go on


def test_a_folder_with_a_training_is_left_alone(tmp_path):
    run(begin(tmp_path, steps=5))
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(FileExistsError, match="already holds a training; resume it or choose"):
        begin(tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_records_of_a_training_that_never_saved_are_not_continued(tmp_path, monkeypatch):
    """Killed before its first checkpoint it cannot be resumed; the next one starts its own."""
    run(begin(tmp_path / "clean", steps=12))
    with monkeypatch.context() as patch:
        patch.setattr(train, "save", lambda training: None)
        run(begin(tmp_path / "again", steps=12, seed=9))
    assert not (tmp_path / "again" / "last.safetensors").exists()
    run(begin(tmp_path / "again", steps=12))
    assert_same_training(tmp_path / "clean", tmp_path / "again")


@pytest.mark.parametrize("step", [15, 19, 25])
def test_a_loss_that_blows_up_stops_and_leaves_the_last_good_checkpoint(tmp_path, at_step, step):
    """The weights are spoilt by one update; with step 19, right before they are validated."""
    at_step([step], lambda: math.nan)
    with pytest.raises(train.TrainingError, match=r"nan at step \d+.*Lower the learning rate"):
        run(begin(tmp_path))
    for name in ("last.safetensors", "best.safetensors"):
        kept = load_checkpoint(tmp_path / name)
        assert kept.progress["step"] == step // 10 * 10
        assert all(t.isfinite().all() for t in kept.tensors.values() if t.is_floating_point())
    go_on(tmp_path)  # at_step spoils it once only
    assert history(tmp_path)["step"].tolist() == list(range(2, 61, 2))


def test_what_cannot_be_sampled_is_told_before_the_training(tmp_path):
    with pytest.raises(ValueError, match="the model never saw 'É'"):
        begin(tmp_path, sample_prompt="É")


def test_texts_too_short_are_refused(tmp_path):
    with pytest.raises(ValueError, match="1 characters for validation are too few"):
        begin(tmp_path, val_ids=VAL[:1])
    with pytest.raises(ValueError, match="32 characters are too few for batch 4 x seq 8"):
        run(begin(tmp_path, TRAIN[:32]))


# When to look and when to save


def test_validations_are_a_fortieth_apart_unless_they_are_told(tmp_path):
    assert train.eval_every(begin(tmp_path, eval_every=None, steps=4000)) == 100
    assert train.eval_every(begin(tmp_path, eval_every=None, steps=10**6)) == 500
    assert train.eval_every(begin(tmp_path, eval_every=None, steps=3)) == 1
    assert train.eval_every(begin(tmp_path, eval_every=7)) == 7
    long = np.tile(VAL, 10**4 // len(VAL) + 1)[: 10**4]  # 32 characters a step
    assert train.eval_every(begin(tmp_path, val_ids=long, eval_every=None, steps=10**4)) == 625
    assert train.eval_every(begin(tmp_path, val_ids=long, eval_every=None, steps=10**3)) == 100
    assert train.eval_every(begin(tmp_path, val_ids=long, eval_every=7, steps=10**3)) == 7


def test_a_checkpoint_is_written_after_so_many_minutes(tmp_path, monkeypatch):
    """Between two validations too, when the clock says so."""
    saved = []
    monkeypatch.setattr(train, "save", lambda training: saved.append(training.progress.step))
    clock = chain([0, 10], repeat(400))  # the second look, at step 3, is 400 s in
    monkeypatch.setattr(train.time, "monotonic", lambda: next(clock))
    run(begin(tmp_path, steps=9, eval_every=100, save_minutes=5.0))
    assert 0 < saved[0] < 9
    assert saved[-1] == 9


# Overflow, spikes, repeated runs


def overflow(training, times: int) -> None:
    """Make the gradients of the next steps infinite."""
    left = iter(range(times))
    training.model.decoder.bias.register_hook(
        lambda g: g * torch.inf if next(left, None) is not None else g
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_updates_left_out_are_counted_and_kept(tmp_path, optimizer):
    training = begin(tmp_path, optimizer=optimizer, warmup=5)
    overflow(training, 7)
    done = run(training)
    assert done.progress.skipped == 7
    assert load_checkpoint(tmp_path / "last.safetensors").progress["skipped"] == 7
    assert history(tmp_path)["train_loss"][-1] < history(tmp_path)["train_loss"][0] - 0.3
    assert train.resume(tmp_path, TRAIN, VAL).progress.skipped == 7


def test_a_training_without_updates_stops_with_advice(tmp_path):
    training = begin(tmp_path, steps=80)
    overflow(training, 80)
    with pytest.raises(train.TrainingError, match=r"50 steps in a row.*use precision fp32"):
        run(training)
    assert training.progress.step == train.PATIENCE


def test_a_scale_that_falls_to_nothing_stops_with_advice(tmp_path):
    training = begin(tmp_path)
    training.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**-10)
    overflow(training, 60)
    with pytest.raises(train.TrainingError, match=r"fp16 overflows at step 5 .*fp32 or bf16"):
        run(training)


def test_a_checkpoint_from_before_the_counts_opens(tmp_path):
    run(begin(tmp_path))
    checkpoint = load_checkpoint(tmp_path / "last.safetensors")
    for name in train.NEWER:
        del checkpoint.progress[name]
    save_checkpoint(tmp_path / "last.safetensors", checkpoint)
    progress = train.resume(tmp_path, TRAIN, VAL).progress
    assert (progress.skipped, progress.lowest_loss, progress.spiking) == (0, math.inf, 0)


@pytest.mark.parametrize("clip_norm", [1.0, None])
def test_a_loss_that_jumps_is_said_in_a_line(tmp_path, capsys, clip_norm):
    run(begin(tmp_path, lr=30.0, clip_norm=clip_norm, warmup=5))
    notes = capsys.readouterr().err.splitlines()
    assert notes
    for note in notes:
        assert "the loss jumped to" in note and "lower the learning rate (--lr, 30)" in note


def test_a_spike_is_said_once_and_its_end_is_waited_for(tmp_path, capsys):
    training = begin(tmp_path)
    said = []
    for loss in (3.0, 2.0, 3.1, 3.5, 2.6, 3.1, 2.4, 2.9, 3.01):
        train._note_spikes(training, loss)
        said.append(bool(capsys.readouterr().err))
    assert said == [False, False, True, False, False, False, False, False, True]


def test_a_deterministic_training_is_the_same_and_leaves_torch_as_it_was(tmp_path):
    was = torch.get_deterministic_debug_mode(), torch.backends.cudnn.deterministic
    for name, on in (("a", True), ("b", False)):
        run(begin(tmp_path / name, deterministic=on))
    assert_same_training(tmp_path / "a", tmp_path / "b")
    assert was == (torch.get_deterministic_debug_mode(), torch.backends.cudnn.deterministic)
    kept = load_checkpoint(tmp_path / "a" / "last.safetensors").settings
    assert kept["deterministic"] is True
    assert "deterministic" not in load_checkpoint(tmp_path / "b" / "last.safetensors").settings
