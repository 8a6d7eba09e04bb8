"""Several processes that train one network, against one process that does it alone.

torchrun runs this very file as a program (`in_each_process`): all trainings of one launch share a
group, because starting one takes seconds.
"""

import io
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, redirect_stderr
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from charrnn import distributed
from charrnn.batches import Lines, check_shares
from charrnn.checkpoint import load_checkpoint, read_header
from charrnn.cli import main
from charrnn.model import ModelConfig
from charrnn.records import read_history
from charrnn.settings import TrainConfig
from charrnn.vocab import Vocab

train = import_module("charrnn.train")  # `charrnn.train` by itself is the function
ROOT = Path(__file__).parents[1]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]

TEXT = "the quick brown fox jumps over the lazy dog; pack my box with five dozen jugs.\n" * 25
NAMES = "".join(f"{a}{b}{c * n}\n" for a in "ABCD" for b in "aeiou" for n, c in enumerate("nrst"))
SMALL = {
    "batch": 4,
    "seq": 8,
    "steps": 50,  # an epoch has 46
    "eval_every": 10,
    "lr": 0.02,
    "schedule": "constant",
    "clip_norm": 0.3,
    "sample_length": 5,
    "device": "cpu",
    "precision": "fp32",
}
CASES = {
    "lanes": {},
    "in groups": {"accumulate": 2},
    "lines": {"seq": 20, "batch": 8, "accumulate": 4},  # the last step of an epoch has 5
    "gru": {"optimizer": "rmsprop", "steps": 20},
}


def parts(text: str):
    vocab = Vocab.of(text)
    return vocab, *np.split(vocab.encode(text), [text.index("\n", len(text) * 3 // 4) + 1])


def begin(folder: Path, case: str, **changes):
    """A new training of a case; every case has dropout."""
    vocab, train_ids, val_ids = parts(NAMES if case == "lines" else TEXT)
    settings = {**SMALL, **CASES.get(case, {}), **changes}
    if "minutes" in changes:
        settings["steps"] = None
    model = ModelConfig(
        len(vocab),
        cell="gru" if case == "gru" else "lstm",
        hidden=16,
        dropout=0.3,
        restart=int(vocab.encode("\n")[0]) if case == "lines" else None,
    )
    return train.start(model, vocab, train_ids, val_ids, TrainConfig(**settings), folder)


def go_on(folder: Path, steps: int):
    _, train_ids, val_ids = parts(TEXT)
    longer = TrainConfig(**{**SMALL, "steps": steps})
    return train.run(train.resume(folder, train_ids, val_ids, longer), progress_bar=False)


# What torchrun runs


def in_each_process(folder: Path) -> None:
    torch.set_num_threads(1)
    distributed.join()
    for case in CASES:
        train.run(begin(folder / "two" / case, case), progress_bar=False)
    go_on(folder / "passed on", 30)
    ends = {"minutes": train.run(begin(folder / "m", "lanes", minutes=0.005), False).progress.step}
    ends["nan"] = ending(lambda: with_rate_of_nan(begin(folder / "nan", "lanes")))
    ends["signal"] = ending(lambda: with_two_signals(begin(folder / "signal", "lanes")))
    ends["text"] = ending(lambda: with_another("train_ids", lambda ids: ids[1:], folder / "t"))
    other = TrainConfig(**SMALL | {"lr": 0.03})
    ends["setting"] = ending(lambda: with_another("config", lambda _: other, folder / "s"))
    ends["alone"] = ending(lambda: distributed.in_turn(fail_in_process_1))
    ends["result"] = distributed.in_turn(distributed.rank)
    ends["device"] = ending(lambda: distributed.check_device(torch.device("mps")))
    kept = folder / f"ends {distributed.rank()}.json"
    (folder / "my.txt").write_text(TEXT)
    ends["batch"] = commanded("train", folder / "my.txt", "--out", folder / "odd", "--batch", 3)
    kept.write_text(json.dumps(ends))  # the command has left the group


def ending(act) -> str:
    """How something ends in this process: the exception as text."""
    try:
        act()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "nothing happened"


def commanded(*arguments) -> tuple[int, str]:
    """Status and stderr of the command in this process."""
    with redirect_stderr(io.StringIO()) as stderr:
        try:
            status = main([*map(str, arguments)])
        except SystemExit as left:
            status = left.code
    return status, stderr.getvalue()


def with_another(field: str, change, folder: Path) -> None:
    training = begin(folder, "lanes")
    if distributed.rank() == 1:
        setattr(training, field, change(getattr(training, field)))
    train.run(training, False)


@contextmanager
def at_step(wanted: int, rate):
    """Something done in process 1 alone as it comes to a step."""
    real = train.learning_rate

    def changed(config, step, *rest):
        chosen = distributed.rank() == 1 and step == wanted
        return rate() or real(config, step, *rest) if chosen else real(config, step, *rest)

    train.learning_rate = changed
    try:
        yield
    finally:
        train.learning_rate = real


def with_rate_of_nan(training) -> None:
    with at_step(12, lambda: float("nan")):
        train.run(training, False)


def with_two_signals(training) -> None:
    def press() -> None:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)  # as torchrun passes on what the terminal sent already

    with at_step(12, press):
        train.run(training, False)


def fail_in_process_1() -> None:
    if distributed.rank() == 1:
        raise FileNotFoundError("no such text")


# The tests


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which two processes trained all cases, the first part of one in a single one."""
    folder = tmp_path_factory.mktemp("distributed")
    train.run(begin(folder / "passed on", "lanes", steps=13), progress_bar=False)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment["CHARRNN_CACHE"] = str(folder / "cache")
    command = [*TORCHRUN, str(Path(__file__)), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


def ends(folder: Path, name: str) -> list:
    """How one thing ended in process 0 and in process 1."""
    return [json.loads((folder / f"ends {rank}.json").read_text())[name] for rank in (0, 1)]


def assert_alike(one: Path, two: Path) -> None:
    """The same histories, checkpoints of the same parts, and the same numbers but for rounding."""
    a, b = (load_checkpoint(folder / "last.safetensors") for folder in (one, two))
    assert {k: t.shape for k, t in a.tensors.items()} == {k: t.shape for k, t in b.tensors.items()}
    for name, tensor in a.tensors.items():
        torch.testing.assert_close(tensor, b.tensors[name], atol=2e-4, rtol=1e-3, msg=name)
    assert torch.equal(a.tensors["rng.cpu"], b.tensors["rng.cpu"])
    for column in ("step", "epoch", "chars", "train_loss", "val_loss", "lr"):
        columns = [read_history(folder / "history.csv")[column] for folder in (one, two)]
        np.testing.assert_allclose(*columns, rtol=0, atol=1e-5, err_msg=column)
    same = ("step", "best_step", "meter_steps")
    assert [a.progress[k] for k in same] == [b.progress[k] for k in same]


@pytest.mark.parametrize("case", CASES)
def test_two_processes_have_the_losses_of_one(trained, tmp_path, case):
    train.run(begin(tmp_path, case), progress_bar=False)
    assert_alike(tmp_path, trained / "two" / case)
    assert {p.name for p in tmp_path.iterdir()} == {
        p.name for p in (trained / "two" / case).iterdir()
    }


def test_a_training_goes_from_one_process_to_two_and_back(trained, tmp_path):
    train.run(begin(tmp_path, "lanes"), progress_bar=False)
    assert read_header(trained / "passed on" / "last.safetensors")["progress"]["step"] == 30
    go_on(trained / "passed on", 50)
    one, other = (
        load_checkpoint(f / "last.safetensors") for f in (tmp_path, trained / "passed on")
    )
    for name, tensor in one.tensors.items():
        if name != "meter":
            torch.testing.assert_close(tensor, other.tensors[name], atol=2e-4, rtol=1e-3, msg=name)
    losses = [read_history(f / "history.csv") for f in (tmp_path, trained / "passed on")]
    last = [h["val_loss"][-1] for h in losses]
    assert last[0] == pytest.approx(last[1], abs=1e-5)


def test_a_training_in_minutes_ends_at_the_same_step_everywhere(trained):
    first, second = ends(trained, "minutes")
    assert first == second > 1


def test_a_network_that_blows_up_in_one_process_stops_all(trained):
    first, second = ends(trained, "nan")
    assert first == second
    assert first.startswith("TrainingError: the loss is nan at step 1")
    assert load_checkpoint(trained / "nan" / "last.safetensors").progress["step"] == 10


def test_a_signal_to_one_process_stops_all_with_everything_saved(trained, tmp_path):
    assert set(ends(trained, "signal")) == {"Interrupted: stopped at step 13; all is saved"}
    train.run(begin(tmp_path, "lanes", steps=50), progress_bar=False)
    go_on(trained / "signal", 50)
    assert_alike(tmp_path, trained / "signal")


@pytest.mark.parametrize("what", ["text", "setting"])
def test_a_process_with_another_text_or_setting_is_refused(trained, what):
    first, second = ends(trained, what)
    assert first.startswith(f"ValueError: process 1 of 2 has another {what} than process 0; start")
    assert second.startswith("ElsewhereError")


def test_processes_act_in_turn_and_say_once_what_fails(trained):
    assert ends(trained, "result") == [0, 1]
    first, second = ends(trained, "alone")
    assert first.startswith("ElsewhereError") and second == "FileNotFoundError: no such text"


def test_a_device_that_cannot_be_shared_is_refused(trained):
    for end in ends(trained, "device"):
        assert end == "ValueError: device mps is one for 2 processes; take cuda or cpu"


def test_without_torchrun_there_is_no_group():
    distributed.join()
    assert not torch.distributed.is_initialized()
    assert (distributed.rank(), distributed.ranks()) == (0, 1)
    assert distributed.agreed(True, 1.5) == (True, [1.5])
    assert distributed.in_turn(lambda: 7) == 7


@pytest.mark.parametrize(
    ("threads", "processes", "wanted"), [("1", "2", [4]), ("1", "16", [1]), ("3", "2", [])]
)
def test_cores_are_shared_out_unless_threads_were_asked_for(
    monkeypatch, threads, processes, wanted
):
    """torchrun itself asks for one thread a process."""
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", processes)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    taken = []
    monkeypatch.setattr(torch, "set_num_threads", taken.append)
    distributed._share_threads()
    assert taken == wanted


def test_lines_that_the_processes_cannot_share_are_refused():
    lines = Lines(np.frombuffer(b"a\n" * 9, np.uint8), ord("\n"), batch=4, seq=5)  # 4 + 4 + 1
    check_shares(lines, 1, 4)
    with pytest.raises(ValueError, match="the last step of an epoch has 1 lines, which 2 proc"):
        check_shares(lines, 2, 1)


# The command


@contextmanager
def torchrun(*arguments):
    """`charrnn` under torchrun, and its two processes; whatever is left at the end is killed."""
    command = [*TORCHRUN, "-m", "charrnn", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    pipe = {"stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, start_new_session=True, **pipe) as running:
        try:
            yield running
        finally:
            for pid in workers(running.pid) if running.poll() is None else []:
                os.kill(pid, signal.SIGKILL)
            running.kill()


def workers(launcher: int) -> list[int]:
    """Process ids of what a launcher started."""
    found = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    return [int(pid) for pid in found]


def wait_for_steps(folder: Path, steps: int) -> None:
    """Wait until a history has come to so many steps."""
    began = time.monotonic()
    while True:
        assert time.monotonic() - began < 120
        path = folder / "history.csv"
        lines = path.read_text().split("\n")[1:-1] if path.exists() else []
        if lines and int(lines[-1].split(",")[0]) >= steps:
            return
        time.sleep(0.05)


def told(stderr: str) -> list[str]:
    """What the processes themselves said, but for the table of what is planned."""
    return [line for line in stderr.split("\n") if line.startswith("charrnn: ")]


@pytest.fixture
def text(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "my.txt").write_text(TEXT)
    return tmp_path / "my.txt"


SIZES = ["--hidden", "8", "--seq", "8", "--steps", "1000000", "--eval-every", "20"]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc")
def test_the_command_stops_is_killed_and_resumed(text, tmp_path, capsys):
    run = tmp_path / "run"
    with torchrun("train", text, "--out", run, "--batch", 4, *SIZES) as running:
        wait_for_steps(run, 20)
        running.terminate()
        _, stderr = running.communicate(timeout=60)
    (line,) = told(stderr)
    assert line.startswith("charrnn: stopped at step ") and f"charrnn resume {run}" in line
    info = json.loads((run / "run.json").read_text())
    stopped = read_header(run / "last.safetensors")["progress"]["step"]
    assert info["steps"] == stopped >= 20 and not info["finished"] and info["processes"] == 2

    with torchrun("resume", run) as running:
        wait_for_steps(run, stopped + 24)
        os.kill(workers(running.pid)[1], signal.SIGKILL)
        began = time.monotonic()
        _, stderr = running.communicate(timeout=60)
    assert time.monotonic() - began < 30
    assert running.returncode == 1
    (line,) = told(stderr)
    assert "lost another one (" in line and "start all again with charrnn resume" in line

    step = read_header(run / "last.safetensors")["progress"]["step"]
    assert step > stopped
    assert main(["resume", str(run), "--steps", str(step + 2), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert json.loads((run / "run.json").read_text())["steps"] == step + 2


def test_a_batch_that_cannot_be_shared_out_is_refused_in_one_line(trained):
    first, second = ends(trained, "batch")
    line = "batch 3 cannot be shared out equally over 2 processes; take a multiple of 2 (--batch)"
    assert first == [2, f"charrnn: {line}\n"]
    assert second == [1, ""]
    assert not (trained / "odd").exists()


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_two_gpus_have_the_losses_of_one(text, tmp_path):
    sizes = ["--hidden", "32", "--dropout", "0.3", "--seq", "8", "--steps", "60"]
    options = [*sizes, "--batch", "4", "--eval-every", "20", "--precision", "fp32"]
    assert main(["train", str(text), "--out", str(tmp_path / "one"), *options, "--quiet"]) == 0
    with torchrun("train", text, "--out", tmp_path / "two", *options) as running:
        _, stderr = running.communicate(timeout=200)
    assert running.returncode == 0, stderr
    for column in ("train_loss", "val_loss"):
        columns = [read_history(tmp_path / n / "history.csv")[column] for n in ("one", "two")]
        np.testing.assert_allclose(*columns, rtol=0, atol=2e-3)


if __name__ == "__main__":
    in_each_process(Path(sys.argv[1]))
