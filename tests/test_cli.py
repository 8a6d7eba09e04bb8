"""The command line: exit status, one line of complaint, stdout with what was asked and no more."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
import torch

import charrnn
from charrnn.cli import console, main, options, publishing, training
from charrnn.devices import choose_precision
from charrnn.model import ModelConfig
from charrnn.plan import plan_training
from charrnn.sample import Sampling
from charrnn.train import Interrupted, TrainingError

ROOT = Path(__file__).parents[1]
PLAY = (ROOT / "data" / "samples" / "play.txt").read_text(encoding="utf-8")[:4000]
SMALL = ["--hidden", "8", "--layers", "1", "--batch", "2", "--seq", "20"]
SHORT = [*SMALL, "--steps", "4", "--eval-every", "4", "--sample-length", "30"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARRNN_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("CHARRNN_DATA", raising=False)
        patch.delenv("CHARRNN_DEBUG", raising=False)
        yield


@pytest.fixture(scope="module")
def run_folder(cache, tmp_path_factory):
    """A finished training of four steps, never written to."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "play.txt").write_text(PLAY, encoding="utf-8")
    argv = ["train", str(folder / "play.txt"), "--out", str(folder / "run"), *SHORT, "--quiet"]
    assert main(argv) == 0
    return folder / "run"


@pytest.fixture
def here(cache, tmp_path, monkeypatch):
    """A working folder with a text in it."""
    monkeypatch.chdir(tmp_path)
    Path("play.txt").write_text(PLAY, encoding="utf-8")
    return tmp_path


def complaint(capsys) -> str:
    """The one line of stderr, with nothing on stdout."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("charrnn: ") and err.count("\n") == 1 and "Traceback" not in err, err
    return err


class TestTheProgram:
    def test_without_arguments_it_shows_its_help(self, capsys):
        assert main([]) == 0
        out, err = capsys.readouterr()
        assert out.startswith("usage: charrnn") and "train a network on a text" in out and not err

    @pytest.mark.parametrize(
        ("command", "word"),
        [
            ("train", "-rnn_size, -num_layers        --hidden, --layers"),
            ("resume", "--minutes"),
            ("sample", "-primetext S                  --prompt S"),
            ("score", "bits"),
            ("export", "int8"),
            ("measure", "measures.json"),
            ("record", "data/runs/NAME"),
            ("corpora", "fetch"),
            ("runs", "show RUN"),
        ],
    )
    def test_every_command_has_a_help(self, command, word, capsys):
        assert main([command, "--help"]) == 0
        out = capsys.readouterr().out
        assert word in out and all(len(line) <= 100 for line in out.splitlines())

    def test_version(self, capsys):
        assert main(["--version"]) == 0
        assert capsys.readouterr().out == f"charrnn {charrnn.__version__}\n"

    def test_as_a_module_in_a_process_of_its_own(self, tmp_path):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "CHARRNN_CACHE": str(tmp_path / "c")}
        command = [sys.executable, "-m", "charrnn", "train", "nothing.txt"]
        ended = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.startswith("charrnn: there is no file nothing.txt")

    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["trian"], "invalid choice: 'trian'"),
            (["train"], "the following arguments are required: TEXT"),
            (["train", "a.txt", "b.txt"], "unrecognized arguments: b.txt"),
            (["train", "a.txt", "--hiden", "3"], "did you mean --hidden? (charrnn train --help"),
            (["train", "a.txt", "--foo"], "unrecognized arguments: --foo (charrnn train --help"),
            (["--foo"], "unrecognized arguments: --foo (charrnn --help"),
            (["train", "a.txt", "--hidden", "x"], "invalid int value: 'x'"),
            (["train", "a.txt", "--lr", "nan"], "'nan' is not a finite number"),
            (["train", "a.txt", "--lr", "x"], "invalid number value: 'x'"),
            (["train", "a.txt", "--epochs", "1", "--steps", "2"], "not allowed with"),
            (["train", "a.txt", "--seed", "-1"], "out of range"),
            (["train", "a.txt", "--split", "0.9"], "two or three shares"),
            (["train", "a.txt", "--sample-steps", "0,5"], "counted from 1"),
            (["sample"], "required: RUN"),
            (["sample", "r", "--greedy", "--temperature", "1"], "not allowed with"),
            (["sample", "r", "--temperature", "inf"], "not a finite number"),
            (["corpora", "eat"], "invalid choice: 'eat'"),
        ],
    )
    def test_wrong_arguments(self, argv, message, capsys):
        assert main(argv) == 2
        assert message in complaint(capsys)


class TestTrain:
    def test_a_text_of_ones_own(self, here, capsys):
        assert main(["train", "play.txt", *SHORT]) == 0
        out, err = capsys.readouterr()
        assert out == ""
        for part in (
            "play.txt: 4,000 characters",
            "no recipe for play.txt; sizes are chosen by its 4,000 characters",
            "1 x 8 lstm, ",
            choose_precision(torch.device("cpu"), "auto", ModelConfig(54, hidden=8, layers=1)),
            "contiguous: 3,600 to train on, 200 to validate, 200 to test",
            "4 steps (0.0449 epochs) of 2 x 20, adamw",
            "bits per character (200 characters)",
            "sample at temperature 0.8",
            "next: charrnn sample runs/play --temperature 0.8",
        ):
            assert part in err
        assert {p.name for p in Path("runs/play").iterdir()} == {
            "run.json", "history.csv", "samples.jsonl", "last.safetensors", "best.safetensors"
        }  # fmt: skip

    def test_a_recipe_without_a_download(self, here, capsys):
        assert main(["train", "hello", "--scale", "smoke", "--steps", "3", "--out", "r"]) == 0
        assert "the recipe hello at scale smoke" in capsys.readouterr().err
        assert json.loads(Path("r/run.json").read_text())["training"]["steps"] == 3

    def test_quiet(self, here, capsys):
        assert main(["train", "play.txt", *SHORT, "--quiet"]) == 0
        assert capsys.readouterr() == ("", "")

    def test_every_option_reaches_the_run(self, here):
        argv = (
            "train play.txt --out r --cell gru --hidden 6 --layers 2 --dropout 0.1 --batch 3 "
            "--accumulate 3 --seq 11 --steps 2 --optimizer rmsprop --lr 0.01 --schedule decay "
            "--lr-decay 0.5 --lr-decay-after 1 --alpha 0.9 --clip-norm 0 --clip-value 0.5 --seed 7 "
            "--device cpu --precision fp32 --level byte --split 0.8,0.2 --split-kind char-rnn "
            "--eval-every 2 --sample-steps 1,2 --sample-prompt -R --sample-length 9 "
            "--sample-temperature 0.5 --save-minutes 1 --quiet"
        )
        assert main(argv.split()) == 0
        info = json.loads(Path("r/run.json").read_text())
        wanted = {
            "batch": 3, "accumulate": 3, "seq": 11, "steps": 2, "optimizer": "rmsprop", "lr": 0.01,
            "schedule": "decay", "lr_decay": 0.5, "lr_decay_after": 1, "alpha": 0.9,
            "clip_norm": None, "clip_value": 0.5, "seed": 7, "device": "cpu", "precision": "fp32",
            "eval_every": 2, "sample_steps": [1, 2], "sample_prompt": "-R", "sample_length": 9,
            "sample_temperature": 0.5, "save_minutes": 1,
        }  # fmt: skip
        assert wanted.items() <= info["training"].items()
        model = {"cell": "gru", "hidden": 6, "layers": 2, "dropout": 0.1}
        assert model.items() <= info["model"].items()
        assert info["split"]["kind"] == "char-rnn" and info["split"]["fractions"] == [0.8, 0.2, 0]
        assert info["corpus"]["level"] == "byte"

    def test_regular_samples(self, here):
        assert main(["train", "play.txt", *SHORT, "--sample-every", "2", "--quiet"]) == 0
        assert [s["step"] for s in charrnn.load_run("runs/play").samples] == [2, 4]

    def test_starting_from_weights_takes_their_shape(self, here, run_folder, capsys):
        argv = ["train", "play.txt", "--init-from", str(run_folder), "--steps", "1", "--batch", "1"]
        assert main(argv) == 0
        assert "1 x 8 lstm" in (err := capsys.readouterr().err) and "new to it: 0 of" in err

    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["nothing.txt"], "there is no file nothing.txt"),
            (["nothing"], "no corpus called 'nothing'"),
            (["."], "is a folder"),
            (["play.txt", "--hidden", "0"], "hidden is 0; it must be at least 1"),
            (["play.txt", "--layers", "-2"], "layers is -2"),
            (["play.txt", "--layers", "1000000000"], "layers is 1000000000; it must be at most"),
            (["play.txt", "--hidden", "9" * 30], "it must be at most 65,536"),
            (["play.txt", "--out", "x" * 5000], "file name too long"),
            (["play.txt", "--dropout", "1"], "dropout is 1.0"),
            (["play.txt", "--lr", "-1"], "lr is -1.0; it must be above 0"),
            (["play.txt", "--steps", "0"], "steps is 0"),
            (["play.txt", "--accumulate", "0"], "accumulate is 0; it must be above 0"),
            (["play.txt", "--batch", "4", "--accumulate", "3"], "batch 4 cannot be shared out"),
            (["play.txt", "--warmup", "-1"], "warmup is -1"),
            (["play.txt", "--batch", "1000"], "too few for batch 1000"),
            (["play.txt", "--split", "0.9,0.9"], "sum to 1"),
            (["play.txt", "--split", "1,0"], "too few for validation"),
            (["play.txt", "--lr-decay", "0.5"], "lr_decay has no effect with schedule cosine"),
            (["play.txt", "--decay-rate", "0.5"], "alpha has no effect with optimizer adamw"),
            (["play.txt", "--sample-prompt", "\u00e9"], "sample_prompt holds '\u00e9'"),
            (["play.txt", "--sample-temperature", "-1"], "temperature is -1.0"),
            (["play.txt", "--device", "toaster"], "device is 'toaster'"),
            (["play.txt", "--out", "play.txt"], "play.txt is a file; give --out a folder"),
            (["play.txt", "--out", "play.txt/r"], "cannot be written"),
            (["play.txt", "--init-from", "nobody"], "nobody is neither a folder nor the name"),
        ],
    )
    def test_wrong_input(self, argv, message, here, capsys):
        assert main(["train", *argv]) == 2
        assert message in complaint(capsys)
        assert [p.name for p in here.iterdir()] == ["play.txt"]

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"", "is empty"),
            (b"abcde", "has 5 characters, too few"),
            (b"abcdefghij klmnopqrst", "too few for validation"),
            (bytes(range(256)), "is not UTF-8: byte 0x80 at offset 128"),
        ],
    )
    def test_a_text_that_will_not_do(self, data, message, here, capsys):
        Path("t.txt").write_bytes(data)
        assert main(["train", "t.txt"]) == 2
        assert message in complaint(capsys)

    @pytest.mark.parametrize(
        ("data", "note", "characters"),
        [
            (PLAY.replace("\n", "\r\n").encode(), "CRLF line ends became LF", 4000),
            (b"\xef\xbb\xbf" + PLAY.encode(), "byte order mark (UTF-8) was dropped", 4000),
            (PLAY.encode("utf-16"), "the text made UTF-8", 4000),
        ],
    )
    def test_a_text_that_is_mended(self, data, note, characters, here, capsys):
        Path("t.txt").write_bytes(data)
        assert main(["train", "t.txt", *SHORT]) == 0
        first = capsys.readouterr().err.splitlines()[0]
        assert first.startswith("charrnn: note: t.txt: ") and note in first
        facts = json.loads(Path("runs/t/run.json").read_text())
        assert facts["corpus"]["characters"] == characters

    def test_a_very_short_text_gets_a_shorter_step(self, here, capsys):
        Path("t.txt").write_text("hello \N{GRINNING FACE} " * 5, encoding="utf-8")
        assert main(["train", "t.txt", "--steps", "2", "--scale", "smoke"]) == 0
        assert "2 steps (2 epochs) of 8 x 4" in capsys.readouterr().err

    def test_nothing_that_stands_there_is_overwritten(self, here, run_folder, capsys):
        before = {p.name: p.read_bytes() for p in run_folder.iterdir()}
        assert main(["train", "play.txt", *SHORT, "--out", str(run_folder)]) == 2
        assert f"charrnn resume {run_folder}" in complaint(capsys)
        assert {p.name: p.read_bytes() for p in run_folder.iterdir()} == before
        Path("mine").mkdir()
        Path("mine/history.csv").write_text("my own")
        assert main(["train", "play.txt", *SHORT, "--out", "mine"]) == 2
        assert "mine is not empty" in complaint(capsys)
        assert Path("mine/history.csv").read_text() == "my own"

    def test_an_attempt_that_was_never_saved_is_replaced(self, here):
        Path("r").mkdir()
        Path("r/run.json").write_text("{}")
        Path("r/history.csv").write_text("stale\n")
        assert main(["train", "play.txt", *SHORT, "--out", "r", "--quiet"]) == 0
        assert "stale" not in Path("r/history.csv").read_text()

    def test_a_file_of_a_recipes_name(self, here, capsys):
        Path("hello").write_text(PLAY, encoding="utf-8")
        assert main(["train", "hello", "--scale", "smoke", "--steps", "1"]) == 0
        assert "note: hello is taken as the recipe" in capsys.readouterr().err


class TestStopping:
    def test_ctrl_c_saves_and_says_how_to_go_on(self, here):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        argv = ["-m", "charrnn", "train", "play.txt", *SMALL, "--steps", "1000000", "--out", "r"]
        process = subprocess.Popen(
            [sys.executable, *argv], env=environment, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 300
        while not Path("r/history.csv").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=300)[1]
        assert process.returncode == 130
        assert "all is saved; go on with: charrnn resume r" in err and "Traceback" not in err
        step = json.loads(Path("r/run.json").read_text())["steps"]
        assert main(["resume", "r", "--steps", str(step + 2), "--quiet"]) == 0
        assert charrnn.load_run("r").info["steps"] == step + 2

    @pytest.mark.parametrize(
        ("raised", "status", "line"),
        [
            (Interrupted("stopped at step 3; all is saved"), 130, "go on with: charrnn resume"),
            (KeyboardInterrupt(), 130, "charrnn: stopped"),
            (TrainingError("the loss is nan"), 1, "charrnn: the loss is nan"),
            (RuntimeError("a\nb"), 1, "charrnn: RuntimeError: a b (CHARRNN_DEBUG=1"),
            (MemoryError(), 1, "charrnn: not enough memory; take"),
            (RuntimeError("[x.cpp] can't allocate memory"), 1, "charrnn: not enough memory; take"),
            (OSError(28, "No space left on device", "r"), 1, "r: no space left on device"),
            (OSError(28, "No space left on device"), 1, "charrnn: no space left on device"),
            (PermissionError(13, "Permission denied", "r"), 2, "r: permission denied"),
        ],
    )
    def test_exit_status(self, raised, status, line, here, monkeypatch, capsys):
        def fail(*args, **options):
            raise raised

        monkeypatch.setattr(training, "train_recipe", fail)
        assert main(["train", "play.txt", *SHORT, "--quiet"]) == status
        assert line in complaint(capsys)

    def test_a_traceback_only_on_request(self, here, monkeypatch, capsys):
        monkeypatch.setenv("CHARRNN_DEBUG", "1")
        assert main(["train", "nothing.txt"]) == 2
        assert "Traceback" in capsys.readouterr().err


class TestResume:
    def test_a_longer_total(self, run_folder, tmp_path, capsys):
        shutil.copytree(run_folder, tmp_path / "r")
        assert main(["resume", str(tmp_path / "r"), "--steps", "6"]) == 0
        out, err = capsys.readouterr()
        assert out == "" and "best at step" in err and "was finished" not in err
        info = json.loads((tmp_path / "r" / "run.json").read_text())
        assert info["steps"] == 6 and info["recipe"]["training"]["steps"] == 6

    def test_other_groups(self, run_folder, tmp_path, capsys):
        shutil.copytree(run_folder, tmp_path / "r")
        argv = ["resume", str(tmp_path / "r"), "--quiet", "--steps", "6"]
        assert main([*argv, "--accumulate", "3"]) == 2
        assert "batch 2 cannot be shared out equally over 3 groups" in complaint(capsys)
        before = json.loads((run_folder / "run.json").read_text())
        assert json.loads((tmp_path / "r" / "run.json").read_text()) == before
        assert main([*argv, "--accumulate", "2"]) == 0
        info = json.loads((tmp_path / "r" / "run.json").read_text())
        assert info["steps"] == 6 and info["training"]["accumulate"] == 2

    def test_a_finished_training(self, run_folder, capsys):
        assert main(["resume", str(run_folder)]) == 0
        assert "was finished at step 4; --epochs or --steps" in capsys.readouterr().err

    def test_wrong_input(self, run_folder, here, capsys):
        assert main(["resume", "nobody"]) == 2
        assert "nobody is neither a folder" in complaint(capsys)
        shutil.copytree(run_folder, "r")
        Path("r/last.safetensors").write_bytes(b"nonsense")
        assert main(["resume", "r"]) == 2
        assert "not a complete safetensors file" in complaint(capsys)


class TestSample:
    def draw(self, capsys, *argv) -> str:
        assert main(["sample", *map(str, argv)]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    def test_the_continuation_and_nothing_else(self, run_folder, capsys):
        argv = [run_folder, "--prompt", "The ", "--length", 40, "--temperature", 0.7, "--seed", 3]
        argv += ["--top-k", 9, "--top-p", 0.9]
        wanted = {"length": 40, "temperature": 0.7, "seed": 3, "top_k": 9, "top_p": 0.9}
        text = charrnn.sample(charrnn.load_run(run_folder), "The ", **wanted)
        assert self.draw(capsys, *argv) == text and len(text) == 40
        assert self.draw(capsys, *argv, "--echo") == "The " + text

    def test_greedy_is_temperature_0(self, run_folder, capsys):
        greedy = self.draw(capsys, run_folder, "--greedy", "--length", 30)
        assert greedy == self.draw(capsys, run_folder, "--temperature", 0, "--length", 30)
        assert greedy == self.draw(capsys, run_folder, "--greedy", "--length", 30, "--seed", 9)

    def test_stop(self, run_folder, capsys):
        text = self.draw(capsys, run_folder, "--length", 60)
        stop = text[20:22]
        found = self.draw(capsys, run_folder, "--length", 60, "--stop", stop)
        assert found == text[: text.index(stop)]

    def test_many(self, run_folder, capsys):
        found = self.draw(capsys, run_folder, "--n", 3, "--length", 8, "--separator", "--==")
        wanted = charrnn.sample_many(charrnn.load_run(run_folder), 3, length=8)
        assert found.split("--==") == wanted

    def test_portable(self, run_folder, here, capsys):
        options = {"length": 40, "seed": 3, "portable": True}
        text = charrnn.sample(charrnn.load_run(run_folder), "The ", **options)
        argv = ["--prompt", "The ", "--length", 40, "--seed", 3, "--portable"]
        assert self.draw(capsys, run_folder, *argv) == text
        assert self.draw(capsys, run_folder, *argv, "--n", 2).split("\n---\n")[0] == text
        for precision in ("int8", "fp16"):
            file = f"{precision}.safetensors"
            assert main(["export", str(run_folder), file, "--precision", precision]) == 0
        capsys.readouterr()
        assert self.draw(capsys, "int8.safetensors", *argv) == text
        assert main(["sample", "fp16.safetensors", "--portable"]) == 2
        assert "in half precision (fp16)" in complaint(capsys)

    def test_prompts_are_taken_as_they_are(self, run_folder, capsys):
        assert main(["sample", str(run_folder), "--prompt", r"a\n"]) == 2
        assert r"never saw '\\'" in complaint(capsys)
        prompted = self.draw(capsys, run_folder, "--prompt", "-R", "--length", 5)
        assert prompted == self.draw(capsys, run_folder, "--prompt=-R", "--length", 5)

    def test_unknown_characters(self, run_folder, capsys):
        assert main(["sample", str(run_folder), "--prompt", "\u03a9"]) == 2
        assert "never saw '\u03a9'" in complaint(capsys)
        argv = [run_folder, "--prompt", "T\u03a9he", "--unknown", "skip", "--length", 5]
        wanted = self.draw(capsys, run_folder, "--prompt", "The", "--length", 5)
        assert self.draw(capsys, *argv) == wanted
        assert self.draw(capsys, *argv, "--echo") == "The" + wanted

    def test_a_prompt_from_a_file_and_from_standard_input(
        self, run_folder, here, capsys, monkeypatch
    ):
        Path("p.txt").write_bytes(b"ROME\nO")
        from_file = self.draw(capsys, run_folder, "--prompt-file", "p.txt", "--length", 5)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"ROME\nO")))
        assert self.draw(capsys, run_folder, "--prompt-file", "-", "--length", 5) == from_file
        assert self.draw(capsys, run_folder, "--prompt", "ROME\nO", "--length", 5) == from_file

    def test_utf8_whatever_the_terminal(self, here, monkeypatch):
        Path("t.txt").write_text("\N{GRINNING FACE}\u00e9" * 300, encoding="utf-8")
        assert main(["train", "t.txt", *SHORT, "--out", "r", "--quiet"]) == 0
        caught = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(caught, encoding="ascii"))
        assert main(["sample", "r", "--length", "20"]) == 0
        assert set(caught.getvalue().decode("utf-8")) <= set("\N{GRINNING FACE}\u00e9")

    def test_a_reader_that_has_seen_enough(self, run_folder, monkeypatch, capsys):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w") as stdout:
            monkeypatch.setattr(sys, "stdout", stdout)
            assert main(["sample", str(run_folder), "--length", "50"]) == 0
        monkeypatch.undo()
        assert capsys.readouterr() == ("", "")

    @pytest.mark.parametrize(("closed", "other"), [("stdout", "stderr"), ("stderr", "stdout")])
    def test_a_stream_that_was_closed_on_start(
        self, closed, other, run_folder, monkeypatch, capsys
    ):
        """Nothing goes to the other stream in its place."""
        monkeypatch.setattr(sys, closed, None)
        assert main(["sample", str(run_folder), "--length", "5"]) == 0
        assert main(["sample", "nobody"]) == 2
        getattr(sys, closed).close()
        monkeypatch.undo()
        seen = getattr(capsys.readouterr(), "out" if other == "stdout" else "err")
        assert len(seen) == 5 if other == "stdout" else seen.startswith("charrnn: nobody is")

    def test_no_standard_input(self, run_folder, monkeypatch, capsys):
        monkeypatch.setattr(sys, "stdin", None)
        assert main(["score", str(run_folder), "-"]) == 2
        sys.stdin.close()
        assert "0 characters hold nothing to predict" in complaint(capsys)

    def test_verbose(self, run_folder, capsys):
        assert main(["sample", str(run_folder), "--length", "5", "--verbose"]) == 0
        out, err = capsys.readouterr()
        assert len(out) == 5 and "hidden=8" in err and "5 characters in" in err

    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["--length", "-3"], "length is -3"),
            (["--temperature", "-1"], "temperature is -1.0"),
            (["--top-k", "0"], "top_k is 0"),
            (["--top-p", "2"], "top_p is 2.0"),
            (["--n", "0"], "n is 0"),
            (["--stop", ""], "stop is empty"),
            (["--prompt-file", "nothing"], "there is no file nothing"),
            (["--device", "toaster"], "device is 'toaster'"),
        ],
    )
    def test_wrong_input(self, argv, message, run_folder, capsys):
        assert main(["sample", str(run_folder), *argv]) == 2
        assert message in complaint(capsys)

    @pytest.mark.parametrize(
        ("name", "data", "message"),
        [
            ("best.safetensors", b"", "not a complete safetensors file"),
            ("best.safetensors", b"x" * 3000, "not a complete safetensors file"),
            ("run.json", b"{", "run.json is damaged"),
            ("run.json", b"\xff", "run.json is damaged"),
        ],
    )
    def test_a_damaged_run(self, name, data, message, run_folder, tmp_path, capsys):
        shutil.copytree(run_folder, tmp_path / "r")
        (tmp_path / "r" / name).write_bytes(data)
        assert main(["sample", str(tmp_path / "r")]) == 2
        assert message in complaint(capsys)


class TestScore:
    def test_the_figures(self, run_folder, here, capsys):
        Path("t.txt").write_text(PLAY[:300], encoding="utf-8")
        assert main(["score", str(run_folder), "t.txt", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        wanted = charrnn.score(charrnn.load_run(run_folder), PLAY[:300])
        assert found["nats_per_char"] == wanted.nats_per_char
        assert found["bits_per_char"] == pytest.approx(wanted.nats_per_char / np.log(2))
        assert found["characters"] == 299 and found["skipped"] == 0
        assert main(["score", str(run_folder), "t.txt"]) == 0
        shown = capsys.readouterr().out
        assert f"nats per char   {wanted.nats_per_char:.4f}" in shown and "299 (all but" in shown

        assert found["dynamic"] is False and "dynamic" not in shown

    def test_dynamic(self, run_folder, here, capsys):
        Path("t.txt").write_text(PLAY[:300], encoding="utf-8")
        assert main(["score", str(run_folder), "t.txt", "--dynamic", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        wanted = charrnn.score(charrnn.load_run(run_folder), PLAY[:300], dynamic=True)
        assert found["dynamic"] is True
        assert found["nats_per_char"] == pytest.approx(wanted.nats_per_char, rel=1e-6)
        assert wanted.nats < charrnn.score(charrnn.load_run(run_folder), PLAY[:300]).nats
        assert main(["score", str(run_folder), "t.txt", "--dynamic"]) == 0
        shown = capsys.readouterr().out
        assert f"nats per char   {wanted.nats_per_char:.4f}" in shown
        assert "dynamic         the model learnt" in shown
        Path("t.txt").write_text("T", encoding="utf-8")
        assert main(["score", str(run_folder), "t.txt", "--dynamic"]) == 2
        assert "1 characters hold nothing to predict" in complaint(capsys)

    def test_a_model_of_lines_predicts_the_first_character_too(self, here, capsys):
        Path("t.txt").write_text("Anna\u03a9\nJohanna\n", encoding="utf-8")
        command = ["score", "names", "t.txt", "--unknown", "skip"]
        assert main([*command, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["characters"] == 13 and found["skipped"] == 1
        assert main(command) == 0
        assert "13 (all of them; 1 it never saw are left out)" in capsys.readouterr().out

    def test_standard_input_and_unknown_characters(self, run_folder, capsys, monkeypatch):
        text = io.BytesIO("The \u03a9duke\r\n".encode())
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(text))
        assert main(["score", str(run_folder), "-", "--unknown", "skip", "--json"]) == 0
        out, err = capsys.readouterr()
        assert json.loads(out)["skipped"] == 1 and json.loads(out)["characters"] == 8
        assert err == "charrnn: note: standard input: 1 CRLF line end became LF\n"

    @pytest.mark.parametrize(
        ("data", "message"),
        [(b"", "at least 2"), (b"\xff\xff", "not UTF-8"), ("\u03a9\u03a9".encode(), "never saw")],
    )
    def test_wrong_input(self, data, message, run_folder, here, capsys):
        Path("t.txt").write_bytes(data)
        assert main(["score", str(run_folder), "t.txt"]) == 2
        assert message in complaint(capsys)


class TestPublishing:
    def test_export_and_sample_from_the_file(self, run_folder, here, capsys):
        assert main(["export", str(run_folder), "m.safetensors"]) == 0
        assert capsys.readouterr().out == ""
        assert main(["sample", "m.safetensors", "--length", "5"]) == 0
        assert len(capsys.readouterr().out) == 5
        assert main(["export", "m.safetensors", "again.safetensors"]) == 0
        assert Path("again.safetensors").read_bytes() == Path("m.safetensors").read_bytes()
        capsys.readouterr()
        assert main(["export", str(run_folder), "m.safetensors"]) == 2
        assert "m.safetensors exists" in complaint(capsys)
        assert main(["export", str(run_folder), "none/m.safetensors"]) == 2
        assert "there is no folder none" in complaint(capsys)

    def test_record(self, run_folder, tmp_path, monkeypatch, capsys):
        for module in (publishing, sys.modules["charrnn.publish"]):
            monkeypatch.setattr(module, "runs_folder", lambda: tmp_path)
        assert main(["record", str(run_folder), "--name", "mine"]) == 0
        assert capsys.readouterr().out == f"{tmp_path / 'mine'}\n"
        assert {"val", "test", "val_published", "test_published"} <= set(
            json.loads((tmp_path / "mine" / "run.json").read_text())["losses"]
        )
        for wrong in ("../x", ""):
            assert main(["record", str(run_folder), "--name", wrong]) == 2
            assert "letters, digits" in complaint(capsys)

    def test_an_unfinished_training_is_not_recorded(self, run_folder, tmp_path, capsys):
        shutil.copytree(run_folder, tmp_path / "r")
        info = json.loads((tmp_path / "r" / "run.json").read_text())
        (tmp_path / "r" / "run.json").write_text(json.dumps(info | {"finished": False}))
        assert main(["record", str(tmp_path / "r")]) == 2
        assert "is not finished; charrnn resume" in complaint(capsys)

    def test_measure(self, monkeypatch, capsys):
        def measure_run(name, progress, text, only, samples=16):
            progress(f"measuring {only or samples} by {text}")
            return Path(name) / "measures.json"

        fake = types.SimpleNamespace(measure_run=measure_run)
        monkeypatch.setitem(sys.modules, "charrnn.measure", fake)
        assert main(["measure", "r", "--text", "t.txt"]) == 0
        assert capsys.readouterr() == ("r/measures.json\n", "measuring 16 by t.txt\n")
        assert main(["measure", "r", "--samples", "64"]) == 0
        assert capsys.readouterr().err == "measuring 64 by None\n"
        assert main(["measure", "r", "--only", "neurons"]) == 0
        assert capsys.readouterr().err == "measuring neurons by None\n"


class TestListing:
    def test_corpora(self, here, capsys):
        assert main(["corpora"]) == 0
        assert "hello" in capsys.readouterr().out
        assert main(["corpora", "list", "--json"]) == 0
        assert "hello" in {entry["name"] for entry in json.loads(capsys.readouterr().out)}
        assert main(["corpora", "fetch", "hello"]) == 0
        assert capsys.readouterr().out.startswith("hello: 1,000 bytes in ")
        assert main(["corpora", "verify", "hello"]) == 0
        assert "as pinned" in capsys.readouterr().out

    def test_a_named_text_that_is_not_here_is_not_verified(self, here, capsys, monkeypatch):
        monkeypatch.delenv("CHARRNN_DATA", raising=False)
        monkeypatch.setenv("CHARRNN_CACHE", str(here / "cache"))
        assert main(["corpora", "verify", "names_makemore"]) == 2
        assert "not on this machine" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["corpora", "fetch"], "name what to fetch"),
            (["corpora", "fetch", "helo"], "did you mean hello?"),
            (["corpora", "list", "hello"], "corpora fetch hello?"),
            (["runs", "show"], "name the run to show"),
            (["runs", "list", "x"], "runs show x?"),
            (["runs", "show", "nobody"], "nobody is neither"),
        ],
    )
    def test_wrong_input(self, argv, message, here, capsys):
        assert main(argv) == 2
        assert message in complaint(capsys)

    def test_runs(self, run_folder, here, capsys, monkeypatch):
        monkeypatch.setattr("charrnn.cli.listing.list_runs", lambda: [])
        assert main(["runs"]) == 0
        assert capsys.readouterr() == ("", "no runs yet; charrnn train TEXT makes one\n")
        shutil.copytree(run_folder, "runs/one")
        Path("runs/two").mkdir()
        Path("runs/two/run.json").write_text("{}")
        assert main(["runs", "list", "--json"]) == 0
        out, err = capsys.readouterr()
        assert [row["folder"] for row in json.loads(out)] == ["runs/one"]
        assert err.startswith("charrnn: note: runs/two/run.json is damaged")
        assert main(["runs"]) == 0
        assert "1 x 8 lstm" in capsys.readouterr().out

    def test_show(self, run_folder, capsys):
        assert main(["runs", "show", str(run_folder), "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        run = charrnn.load_run(run_folder)
        assert facts["network"]["parameters"] == run.model.n_parameters
        assert facts["vocabulary"]["symbols"] == "".join(run.vocab.symbols)
        assert facts["losses"] == run.info["losses"] and facts["training"]["steps"] == 4
        assert main(["runs", "show", str(run_folder)]) == 0
        assert "\n  hidden                  8\n" in capsys.readouterr().out


class TestTheParts:
    def test_a_text_option_takes_what_begins_with_a_dash(self):
        assert options.joined(["--prompt", "-x", "--n", "2"]) == ["--prompt=-x", "--n", "2"]
        assert options.joined(["--prompt"]) == ["--prompt"]
        assert options.joined(["--", "--prompt", "x"]) == ["--", "--prompt", "x"]

    def test_a_message_is_one_line_whatever_the_name(self, here, capsys):
        for name, shown in (
            ("two\nlines", r"two\nlines"),
            ("red\x1b[31m", r"red\x1b[31m"),
            ("c1\x9b2J", r"c1\x9b2J"),
            ("turned\u202etxt", r"turned\u202etxt"),
        ):
            Path(f"{name}.txt").touch()
            assert main(["train", f"{name}.txt"]) == 2
            assert f"charrnn: {shown}.txt is empty" in (said := complaint(capsys))
            assert said[:-1].isprintable()
            Path(f"{name}.txt").write_bytes(b"\0a" * 2)  # the same of a note
            assert main(["train", f"{name}.txt"]) == 2
            note = capsys.readouterr().err.split("\n")[0]
            assert note.startswith(f"charrnn: note: {shown}.txt: 2 NUL") and note.isprintable()

    def test_a_text_of_one_symbol_or_of_very_many_is_noted(self, here, capsys, monkeypatch):
        Path("same.txt").write_text("a" * 2000)
        assert main(["train", "same.txt", *SHORT, "--quiet"]) == 0
        assert capsys.readouterr().err.startswith("charrnn: note: same.txt is one symbol over and")
        monkeypatch.setattr("charrnn.plan.MANY", 20)
        assert main(["train", "play.txt", *SHORT, "--quiet"]) == 0
        assert "distinct characters, and a network needs" in capsys.readouterr().err

    def test_a_step_of_very_many_logits_is_computed_in_groups(self, here, monkeypatch):
        options = {"batch": 8, "seq": 10, "steps": 2, "hidden": 8, "progress": False}
        of_lane = 10 * len(set(PLAY))
        for lanes, accumulate in ((8, 1), (7.9, 2), (4, 2), (3, 4), (1, 8), (0.1, 8)):
            monkeypatch.setattr("charrnn.plan.LOGITS", lanes * of_lane)
            plan = plan_training("play.txt", out=f"out{lanes}", **options)
            assert plan.recipe.training.accumulate == accumulate
        plan = plan_training("play.txt", out="own", accumulate=1, **options)
        assert plan.recipe.training.accumulate == 1

    def test_a_terminal_is_shown_control_characters(self, here, monkeypatch, capsysbinary):
        """A model's escape sequences would drive it; a file or pipe gets them as they are."""
        Path("esc.txt").write_text("\x1b]0;mine\x07\x9b2J\tred\n" * 200)
        assert main(["train", "esc.txt", "--out", "esc", *SHORT, "--quiet"]) == 0
        argv = ["sample", "esc", "--length", "200", "--prompt", "\x1b]0", "--echo"]
        capsysbinary.readouterr()
        assert main(argv) == 0
        piped = capsysbinary.readouterr().out
        assert piped.startswith(b"\x1b]0") and b"\xc2\x9b" in piped
        master, slave = os.openpty()
        with os.fdopen(slave, "w") as terminal, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", terminal)
            assert main(argv) == 0
            with console._calm_terminal():
                print("listed \x1b[2J")
        shown = b""
        while b"listed" not in shown or not shown.endswith(b"\n"):
            shown += os.read(master, 10_000)
        os.close(master)
        assert shown.startswith(rb"\x1b]0") and rb"listed \x1b[2J" in shown
        assert not set(shown) & {*range(9), 0x0B, 0x0C, 0x1B, 0x7F} and b"\xc2\x9b" not in shown

    def test_an_undecodable_input_is_described(self):
        with pytest.raises(UnicodeDecodeError) as caught:
            b"a\xff".decode()
        assert console.describe(caught.value).startswith("the input is not UTF-8 at byte 1")

    def test_sample_options_are_those_of_the_library(self, run_folder, monkeypatch):
        seen = {}
        monkeypatch.setattr(
            "charrnn.cli.text.stream", lambda run, prompt, **given: seen.update(given) or iter("")
        )
        assert main(["sample", str(run_folder)]) == 0
        assert seen == vars(Sampling())


def test_every_part_of_the_measures_can_be_asked_for_alone(capsys):
    from charrnn.measure import PARTS

    assert main(["measure", "--help"]) == 0
    assert "{" + ",".join(PARTS) + "}" in capsys.readouterr().out
