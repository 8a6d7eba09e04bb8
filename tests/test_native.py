"""C that is compiled where it runs: had once, kept, told apart, and done without where it cannot be
had. The C here is one function of a few characters."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from charrnn import native

SEVEN = "int answer(void) { return 7; }\n"


@pytest.fixture(autouse=True)
def nothing_loaded(tmp_path, monkeypatch):
    """Sources and cache of the test's own, and no answer remembered before or after it."""
    monkeypatch.setattr(native, "SOURCES", tmp_path / "sources")
    native.SOURCES.mkdir()
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CHARRNN_NATIVE", raising=False)
    native._attempt.cache_clear()
    yield
    native._attempt.cache_clear()


def write(text: str, name: str = "seven.c") -> None:
    (native.SOURCES / name).write_text(text)


def answer(name: str = "seven") -> int:
    """What the function says, in whatever library is to be had now."""
    native._attempt.cache_clear()
    return native.load(name).answer()


def kept(tmp_path) -> list[Path]:
    (folder,) = (tmp_path / "cache").iterdir()
    return sorted(folder.iterdir())


@pytest.fixture
def compiler() -> None:
    write(SEVEN)
    if native.load("seven") is None:
        pytest.skip(native.why_not("seven"))


@pytest.mark.usefixtures("compiler")
def test_a_source_is_compiled_once(tmp_path, monkeypatch):
    assert native.load("seven") is native.load("seven")
    assert native.why_not("seven") is None
    before = kept(tmp_path)
    run = subprocess.run
    compiled = []
    monkeypatch.setattr(
        subprocess, "run", lambda command, **more: compiled.append(command) or run(command, **more)
    )
    assert answer() == 7 and kept(tmp_path) == before and len(before) == 1
    assert [command[1:] for command in compiled] == [["--version"]]


@pytest.mark.usefixtures("compiler")
def test_what_changes_is_compiled_anew(tmp_path, monkeypatch):
    """The source, a header beside it, or the flags."""
    write('#include "eight.h"\nint answer(void) { return EIGHT + 1; }\n', "seven.c")
    for eight in (8, 88):
        write(f"#define EIGHT {eight}\n", "eight.h")
        assert answer() == eight + 1
    assert len(kept(tmp_path)) == 3
    monkeypatch.setattr(native, "FLAGS", (*native.FLAGS, "-DNOTHING"))
    assert answer() == 89 and len(kept(tmp_path)) == 4


@pytest.mark.usefixtures("compiler")
def test_nothing_unfinished_is_ever_under_the_final_name(tmp_path):
    """Four processes at once, with no cache: each has its answer, and one file is left."""
    program = (  # the module alone, without the package and all that it imports
        "import sys; from importlib import util; from pathlib import Path\n"
        "spec = util.spec_from_file_location('native', sys.argv[1])\n"
        "spec.loader.exec_module(native := util.module_from_spec(spec))\n"
        "native.SOURCES = Path(sys.argv[2]); print(native.load('seven').answer())"
    )
    environment = {**os.environ, "CHARRNN_CACHE": str(tmp_path / "cache")}
    shutil.rmtree(tmp_path / "cache")
    command = [sys.executable, "-c", program, native.__file__, str(native.SOURCES)]
    started = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [process.communicate()[0].strip() for process in started] == ["7"] * 4
    assert [path.suffix for path in kept(tmp_path)] == [".so"]


@pytest.mark.usefixtures("compiler")
def test_a_source_that_is_wrong_gives_the_compilers_reason(tmp_path):
    write("int answer(void) { return sevn; }\n", "wrong.c")
    assert native.load("wrong") is None
    reason = native.why_not("wrong")
    assert "could not compile wrong.c" in reason and "sevn" in reason and "\n" not in reason
    assert [path.name for path in kept(tmp_path) if path.name.startswith("wrong")] == []
    assert native.load("missing") is None
    assert "missing.c" in native.why_not("missing")


@pytest.mark.usefixtures("compiler")
def test_a_cache_that_cannot_be_written_is_a_reason(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "file"))
    native._attempt.cache_clear()
    assert native.load("seven") is None
    assert "could not compile seven.c" in native.why_not("seven")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs owners and modes of files")
@pytest.mark.usefixtures("compiler")
def test_a_folder_of_others_is_not_loaded_from(tmp_path, monkeypatch):
    """To load is to run: not from a folder that others write to, own, or have put a link for."""
    (folder,) = (tmp_path / "cache").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    for mode in (0o770, 0o707):
        folder.chmod(mode)
        native._attempt.cache_clear()
        assert native.load("seven") is None
        assert "this user alone" in native.why_not("seven")
    folder.chmod(0o755)
    assert answer() == 7
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    native._attempt.cache_clear()
    assert native.load("seven") is None
    folder.unlink()
    user = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: user + 1)  # as another user sees it
    (tmp_path / "elsewhere").rename(folder.with_name(f"native-{user + 1}"))
    native._attempt.cache_clear()
    assert native.load("seven") is None
    assert "CHARRNN_CACHE" in native.why_not("seven")


def test_it_can_be_turned_off(monkeypatch):
    write(SEVEN)
    monkeypatch.setenv("CHARRNN_NATIVE", "0")
    assert native.load("seven") is None
    assert native.why_not("seven") == "CHARRNN_NATIVE is 0"


def test_without_a_compiler_there_is_a_reason(monkeypatch):
    write(SEVEN)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(native, "_processor", lambda: "flags: avx2")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert native.load("seven") is None
    assert "there is no C compiler" in native.why_not("seven")


@pytest.mark.parametrize(
    ("machine", "flags", "reason"),
    [("aarch64", "avx2", "not aarch64"), ("x86_64", "sse4_2", "this processor has no AVX2")],
)
def test_other_processors_have_other_ways(monkeypatch, machine, flags, reason):
    write(SEVEN)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(native, "_processor", lambda: flags)
    assert native.load("seven") is None
    assert reason in native.why_not("seven")


@pytest.mark.usefixtures("compiler")
def test_a_compiler_that_says_nothing_or_takes_too_long(monkeypatch):
    for error in (
        subprocess.CalledProcessError(1, "cc", stderr=""),
        subprocess.TimeoutExpired("cc", 1, stderr=b"slow\nerror: too slow\n"),
    ):

        def fails(*arguments, error=error):
            raise error

        monkeypatch.setattr(native, "_compiled", fails)
        native._attempt.cache_clear()
        reason = native.why_not("seven")
        assert native.load("seven") is None
        assert "could not compile seven.c: " in reason and "\n" not in reason
    assert "too slow" in reason
