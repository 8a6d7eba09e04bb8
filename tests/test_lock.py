"""One process at a time in a folder."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from charrnn import lock
from charrnn.interrupts import stop_signals
from charrnn.lock import NAME, BusyError, held
from charrnn.plan import free_folder

ROOT = Path(__file__).parents[1]
HOLDER = """
import sys, time
from pathlib import Path
from charrnn.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def elsewhere(tmp_path):
    """Another process that holds a folder."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "run")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_process_is_refused_in_one_line(tmp_path, elsewhere):
    told = r"another process is training in .*run; wait for its end, [^\n]*$"
    with pytest.raises(BusyError, match=told), held(tmp_path / "run"):
        pytest.fail("both hold it")


def test_a_lock_ends_with_the_process_that_was_killed(tmp_path, elsewhere):
    elsewhere.kill()
    elsewhere.wait()
    assert (tmp_path / "run" / NAME).exists()
    with held(tmp_path / "run"):
        pass
    assert not (tmp_path / "run" / NAME).exists()


def test_a_process_may_take_it_again_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with held(Path("run")), held(tmp_path / "run"):
        assert (tmp_path / "run" / NAME).exists()
    assert list((tmp_path / "run").iterdir()) == []
    assert not lock._held


def test_it_is_let_go_where_the_work_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), held(tmp_path):
        raise ZeroDivisionError
    with held(tmp_path):
        pass


@pytest.mark.parametrize("error", [NotImplementedError("no flock"), OSError(errno.ENOLCK, "none")])
def test_a_file_system_without_locks_is_no_failure(tmp_path, monkeypatch, error):
    def acquire(*args, **options):
        raise error

    monkeypatch.setattr(FileLock, "acquire", acquire)
    with held(tmp_path / "run"):
        pass


def test_other_failures_are_told(tmp_path, monkeypatch):
    def acquire(*args, **options):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(FileLock, "acquire", acquire)
    with pytest.raises(OSError, match="broken"), held(tmp_path / "run"):
        pass


def test_an_attempt_that_is_still_at_it_is_left_alone(tmp_path, elsewhere):
    (tmp_path / "run" / "run.json").write_text("{}")
    with pytest.raises(BusyError):
        free_folder(tmp_path / "run")
    assert (tmp_path / "run" / "run.json").exists()


@pytest.mark.parametrize(
    "names",
    [
        (NAME,),
        (NAME, ".run.json.17.partial"),
        ("run.json", "history.csv", NAME, ".last.safetensors.17.partial"),
    ],
)
def test_what_a_killed_attempt_left_is_cleared(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("x")
    assert free_folder(tmp_path) == tmp_path
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no such signal here")
def test_a_hangup_that_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signals() as stopped:
            signal.raise_signal(signal.SIGHUP)
            assert not stopped()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
