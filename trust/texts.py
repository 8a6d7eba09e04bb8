"""Texts of every bad kind: each is learnt from as a user would want, or refused in one line.

What is refused has to be so by `train`, `score` and `sample --prompt-file` alike. What is taken is
really trained on, and the run's vocabulary compared with the characters that it should have.
"""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import random
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from trust.ledger import Row, row

FOX = "the quick brown fox jumps over the lazy dog\n" * 40
SMALL = ["--hidden", "8", "--layers", "1", "--device", "cpu", "--quiet"]
SHORT = [*SMALL, "--steps", "2", "--sample-length", "20"]
PLAIN, NOTED, REFUSED = "learnt from", "learnt from, with a note", "refused in one line"
MANY = [chr(c) for c in range(0x100, 0x12000) if not 0xD800 <= c <= 0xDFFF]
HUGE = 100_000_000


@dataclass(frozen=True)
class Kind:
    """A text and what has to become of it."""

    content: bytes
    outcome: str
    says: str = ""
    """What the note or the line of refusal has to match."""
    symbols: str | None = None
    """What the network has to know afterwards (None: the content's own characters)."""
    options: tuple[str, ...] = ()
    readable: bool = False
    """Refused for training alone: it can be scored, or be a prompt."""


def kinds() -> dict[str, Kind]:
    """Every kind by name."""
    fox, few = FOX.encode(), "too few to learn anything from"
    lines = ("--split-kind", "lines")
    wide = {
        f"{mark}UTF-{code} of {name}": Kind(
            (FOX if name == "English" else RUSSIAN).encode(f"utf-{code.lower()}"),
            REFUSED,
            rf"looks like UTF-{code.replace('-', '')} without a byte order mark; convert it",
        )
        for mark in ("unmarked ",)
        for code in ("16-LE", "16-BE", "32-LE", "32-BE")
        for name in ("English", "Russian")
    }
    return wide | {
        "empty": Kind(b"", REFUSED, "is empty"),
        "a byte order mark alone": Kind(b"\xef\xbb\xbf", REFUSED, "is empty"),
        "one character": Kind(b"a", REFUSED, few, readable=True),
        "shorter than one batch": Kind(b"to be or not to be\n" * 3, PLAIN),
        "too short to validate": Kind(b"ab" * 12, REFUSED, "too few for validation", readable=True),
        "one character repeated": Kind(b"a" * 3000, NOTED, "one symbol over and over"),
        "line ends alone": Kind(b"\n" * 3000, NOTED, "one symbol over and over"),
        "line ends alone, by lines": Kind(
            b"\n" * 3000, REFUSED, "there are no lines", options=lines, readable=True
        ),
        "no line end, by lines": Kind(
            b"ab" * 3000, REFUSED, "has no line ends", options=lines, readable=True
        ),
        "CR alone": Kind(fox.replace(b"\n", b"\r"), NOTED, "40 lone CRs became LF", FOX),
        "mixed line ends": Kind(
            fox.replace(b"\n", b"\r\n") + fox.replace(b"\n", b"\r") + fox, NOTED, "CRLF", FOX
        ),
        "a byte order mark": Kind(b"\xef\xbb\xbf" + fox, NOTED, r"mark \(UTF-8\) was dropped", FOX),
        "marked UTF-16": Kind(FOX.encode("utf-16"), NOTED, "made UTF-8", FOX),
        "marked UTF-32": Kind(FOX.encode("utf-32"), NOTED, "made UTF-8", FOX),
        "Latin-1": Kind(fox + b"caf\xe9\n", REFUSED, rf"byte 0xe9 at offset {len(fox) + 3};"),
        "half a surrogate pair": Kind(
            fox + b"\xed\xa0\x80", REFUSED, f"byte 0xed at offset {len(fox)};"
        ),
        "cut within a character": Kind(fox + b"\xe2\x82", REFUSED, f"0xe2 at offset {len(fox)};"),
        "binary": Kind(random.Random(9).randbytes(5000), REFUSED, r"not UTF-8: byte 0x.. at"),
        "some NULs": Kind(fox + b"\0\0\0" + fox, NOTED, "3 NUL characters"),
        "NULs between names": Kind(b"\0".join(fox.split()), NOTED, "NUL characters"),
        "records of ten bytes, each with a NUL": Kind(
            b"".join(b"%09d\0" % n for n in range(99, 10**8, 10**6)), NOTED, "100 NUL characters"
        ),
        "NULs alone": Kind(b"\0" * 3000, NOTED, "one symbol over and over"),
        "right to left": Kind("שלום עולם \u202eabc\u202c مرحبا\n".encode() * 60, PLAIN),
        "combining characters": Kind("e\u0301a\u0308\u0323o\u0302 ".encode() * 200, PLAIN),
        "emoji beyond the BMP": Kind("😀👩‍👩‍👧🇩🇪 🧑🏽‍🚀\n".encode() * 60, PLAIN),
        "other line separators": Kind(SEPARATED.encode() * 60, PLAIN),
        "other line separators, by lines": Kind(
            "".join(f"{n}{SEPARATED}" for n in range(60)).encode(),
            PLAIN,
            options=(*lines, "--seq", "60"),
        ),
        "a terminal's escape sequences": Kind(b"\x1b]0;mine\x07\x1b[2J \x1b[31m\n" * 60, PLAIN),
        "damaged gzip": Kind(gzip.compress(fox)[:-9], REFUSED, "damaged or cut short"),
        "damaged xz": Kind(lzma.compress(fox)[:-9], REFUSED, "damaged or cut short"),
    }


RUSSIAN = "съешь ещё этих мягких французских булок, да выпей чаю\n" * 30
SEPARATED = "one\u0085two\u2028three\u2029four\x0bfive\x0csix\x1c\x1d\x1e.\n"
SUFFIXES = {"damaged gzip": ".txt.gz", "damaged xz": ".txt.xz"}


@dataclass(frozen=True)
class Said:
    """What a command did: its exit status and what it wrote."""

    status: object
    err: str
    out: str = ""

    @property
    def refused(self) -> bool:
        """Whether it ended in one line, behind notes at most, as it should on a wrong input."""
        *notes, last = self.err.removesuffix("\n").split("\n")
        noted = all(line.startswith("charrnn: note: ") for line in notes)
        named = last.startswith("charrnn: ") and not last.startswith("charrnn: note: ")
        return self.status == 2 and noted and named and "".join([*notes, last]).isprintable()


def command(*words: object) -> Said:
    """A command of `charrnn`, in this process; an exception that left it is its status."""
    from charrnn.cli import main

    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", newline=""), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main([str(w) for w in words])
        except BaseException as error:  # the point is to see which
            status = f"{type(error).__name__}: {error}"
    out.flush()
    return Said(status, err.getvalue(), out.buffer.getvalue().decode())


@contextmanager
def place() -> Iterator[Path]:
    """A passing folder with a cache of its own, and no other source of texts."""
    with TemporaryDirectory(prefix="charrnn-texts-") as name:
        surroundings = {k: v for k, v in os.environ.items() if not k.startswith("CHARRNN_DATA")}
        with patch.dict(os.environ, surroundings | {"CHARRNN_CACHE": f"{name}/cache"}, clear=True):
            yield Path(name)


def every_kind(quick: bool) -> Row:
    """Every kind through `train`, `score` and `sample --prompt-file`."""
    found, wrong = [], []
    with place() as folder:
        (folder / "fox.txt").write_text(FOX)
        command("train", folder / "fox.txt", "--out", folder / "fox", *SHORT)
        for number, (name, kind) in enumerate(kinds().items()):
            file = folder / f"{number}{SUFFIXES.get(name, '.txt')}"
            file.write_bytes(kind.content)
            run = folder / f"run{number}"
            said = command("train", file, "--out", run, *SHORT, *kind.options)
            outcome, fault = _judged(kind, said, run)
            found.append(outcome)
            wrong += [f"{name}: {fault}"] if fault else []
            other = run if outcome != REFUSED else folder / "fox"
            brief = quick and outcome != REFUSED
            wrong += [f"{name}: {fault}" for fault in _read_alike(kind, file, other, brief)]
    what = "a kind of text, to `train`, `score` and `sample --prompt-file`"
    return row(what, found, wrong)


def _judged(kind: Kind, said: Said, run: Path) -> tuple[str, str]:
    """What became of a text, and what is wrong with that."""
    if said.status != 0:
        good = said.refused and kind.outcome == REFUSED and re.search(kind.says, said.err)
        outcome = REFUSED if said.refused else f"ended with {said.status}"
        return outcome, "" if good else f"{said.status}, {said.err!r:.200}"
    from charrnn.runs import load_run

    outcome = NOTED if said.err else PLAIN
    if outcome != kind.outcome or not re.search(kind.says, said.err):
        return outcome, f"{outcome}: {said.err!r:.200}"
    known = set(load_run(run).vocab.symbols)
    wanted = set(kind.symbols if kind.symbols is not None else kind.content.decode())
    return outcome, "" if known == wanted else f"it knows {sorted(known ^ wanted)!r:.80} wrongly"


def _read_alike(kind: Kind, file: Path, run: Path, brief: bool) -> Iterator[str]:
    """What is wrong with how the other commands (brief: `score` alone) read the same file."""
    if kind.readable:
        return
    sample = ["sample", run, "--prompt-file", file, "--length", "5"]
    for words in [["score", run, file], sample][: 2 - brief]:
        said = command(*words)
        if kind.outcome == REFUSED and "is empty" in kind.says:
            good = said.refused if words[0] == "score" else said.status == 0
        elif kind.outcome == REFUSED:
            good = said.refused and bool(re.search(kind.says, said.err))
        else:
            good = said.status == 0
        if not good:
            yield f"{words[0]}: {said.status}, {said.err!r:.200}"


def paths(quick: bool) -> Row:
    """What is no file, and names that would break a message in two or drive a terminal."""
    found, wrong = [], []
    with place() as folder:
        (folder / "fox.txt").write_text(FOX)
        command("train", folder / "fox.txt", "--out", folder / "fox", *SHORT)
        for path, says in _paths(folder).items():
            for words in (
                ["train", path, "--out", folder / "run", *SHORT],
                ["score", folder / "fox", path],
                ["sample", folder / "fox", "--prompt-file", path],
                ["resume", folder / "fox", "--text", path],
            ):
                said = command(*words)
                good = said.refused and re.search(says, said.err)
                found.append(REFUSED if said.refused else f"ended with {said.status}")
                wrong += [] if good else [f"{words[0]} {path!r}: {said.status} {said.err!r:.200}"]
        if (folder / "run").exists():
            wrong.append("a folder was made for a training that was refused")
    return row(
        "a path that leads to no text, to `train`, `score`, `sample`, `resume`", found, wrong
    )


def _paths(folder: Path) -> dict[str, str]:
    """Paths with what is said about each."""
    (folder / "broken.txt").symlink_to("nowhere")
    (folder / "loop.txt").symlink_to("loop.txt")
    (folder / "folder.txt").mkdir()
    here = os.getcwd()
    os.chdir(folder)  # a socket's path has to be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("socket.txt")
    finally:
        os.chdir(here)
    gone = {
        "gone.txt": "there is no file",
        "no/folder/gone.txt": "there is no file",
        "x" * 300 + ".txt": "there is no file",
        "fox.txt/below.txt": "there is no file",
        "two\nlines.txt": r"two\\nlines",
        "red\x1b[31m.txt": r"red\\x1b\[31m",
        "title\x1b]0;mine\x07.txt": r"\\x1b\]0;mine\\x07",
        "c1\x9b2J.txt": r"c1\\x9b2J",
        "turned\u202etxt.exe": r"turned\\u202etxt",
        "separated\u2028line.txt": r"separated\\u2028line",
        "bytes\udcff.txt": "is not UTF-8; rename the file",
        "broken.txt": "link that is broken|there is no file",
        "loop.txt": "goes round in a circle",
        "folder.txt": "is a folder; give a text file",
        "socket.txt": "is a socket; give a text file",
    }
    return {str(folder / name): says for name, says in gone.items()} | {
        "/dev/null": "is a terminal or another device",
        "/dev/zero": "is a terminal or another device",
    }


def pipes(quick: bool) -> Row:
    """Pipes: written to at once, late, in bits, compressed, half-way; and by nobody."""
    from charrnn.corpora import texts

    fox, found, wrong = FOX.encode(), [], []
    cases: dict[str, tuple[str, list[bytes], str]] = {
        "at once": (".txt", [fox], PLAIN),
        "in bits": (".txt", [fox[i : i + 100] for i in range(0, len(fox), 100)], PLAIN),
        "compressed": (".txt.gz", [gzip.compress(fox)], PLAIN),
        "compressed, cut short": (".txt.gz", [gzip.compress(fox)[:-9]], REFUSED),
        "closed with nothing written": (".txt", [], REFUSED),
        "by nobody": (".txt", None, REFUSED),
    }
    with place() as folder, patch.object(texts, "PATIENCE", 0.5 if quick else 5.0):
        for number, (name, (suffix, written, wanted)) in enumerate(cases.items()):
            pipe = folder / f"{number}{suffix}"
            os.mkfifo(pipe)
            if written is not None:
                threading.Thread(target=_feed, args=(pipe, written), daemon=True).start()
            run = folder / f"run{number}"
            said = command("train", pipe, "--out", run, *SHORT)
            outcome, fault = _judged(Kind(fox, wanted), said, run)
            found.append(outcome)
            if not fault and wanted == PLAIN:  # what came of the pipe is kept to go on with
                again = command("resume", run, "--steps", "3", "--quiet")
                fault = "" if again.status == 0 else f"resume: {again.err!r:.200}"
            wrong += [f"{name}: {fault}"] if fault else []
        if not quick:
            said = _child("-m", "charrnn", "train", "-", "--out", folder / "in", *SHORT, input=fox)
            found.append(PLAIN if said.status == 0 else f"ended with {said.status}")
            wrong += [] if said.status == 0 else [f"standard input: {said.err!r:.200}"]
    return row("`train` from a pipe", found, wrong)


def _feed(pipe: Path, written: list[bytes]) -> None:
    with open(pipe, "wb") as out:
        for piece in written:
            out.write(piece)
            out.flush()


def _child(*words: object, input: bytes = b"", seconds: float = 600) -> Said:
    """A Python process of its own."""
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    surroundings = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(
        command, input=input, capture_output=True, env=surroundings, timeout=seconds, check=False
    )
    return Said(done.returncode, done.stderr.decode(), done.stdout.decode())


def changed(quick: bool) -> Row:
    """A text that is changed after, or while, it is learnt from."""
    found, wrong = [], []
    changes: dict[str, Callable[[str], str]] = {
        "a character more": lambda text: text + "x",
        "cut": lambda text: text[:-100],
        "one letter another": lambda text: text.replace("quick", "quack", 1),
        "emptied": lambda text: "",
    }
    with place() as folder:
        for number, (name, change) in enumerate(changes.items()):
            file, run = folder / f"{number}.txt", folder / f"run{number}"
            file.write_text(FOX)
            begun = _changed_under_way(file, run, change)
            gone_on = command("resume", run, "--steps", "6", "--quiet")
            file.write_text(FOX)
            restored = command("resume", run, "--steps", "6", "--quiet")
            good = begun.status == 0 and gone_on.refused and restored.status == 0
            found.append("learnt as it was; resumed once it is so again" if good else "other")
            told = [begun.err, gone_on.err, restored.err]
            wrong += [] if good else [f"{name}: {told!r:.400}"]
    return row("a text changed while it is learnt from, then `resume`", found, wrong)


def _changed_under_way(file: Path, run: Path, change: Callable[[str], str]) -> Said:
    """A training whose text is changed at its first validation."""
    train = import_module("charrnn.train")
    validate = train.validate

    def changing(training):
        file.write_text(change(FOX))
        return validate(training)

    with patch.object(train, "validate", changing):
        return command("train", file, "--out", run, *SHORT, "--eval-every", "1")


LOCKED = """
import os, sys
from charrnn.corpora import CorpusError, load_corpus
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)
for file in sys.argv[1:]:
    try:
        load_corpus(file)
        print("opened")
    except CorpusError as error:
        print(error)
"""


def locked(quick: bool) -> Row:
    """A file and a folder without permission, to a user who is not root."""
    with place() as folder:
        folder.chmod(0o755)
        (folder / "cache").mkdir()
        (folder / "cache").chmod(0o777)
        (folder / "inside").mkdir()
        files = [folder / "locked.txt", folder / "inside" / "fox.txt"]
        for file in files:
            file.write_text(FOX)
        files[0].chmod(0)
        (folder / "inside").chmod(0)
        lines = _child("-c", LOCKED, *files).out.splitlines()
        (folder / "inside").chmod(0o700)
    said = [REFUSED if "cannot be read (Permission denied)" in x else x for x in lines]
    wrong = [x for x in said if x != REFUSED] + ["no answer"] * (len(files) - len(lines))
    return row("a text that its reader has no permission for", said, wrong)


FULL = """
import resource, sys
from charrnn.corpora import CorpusError, cache_folder, encode_corpus, load_corpus
room = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
try:
    encode_corpus(load_corpus(sys.argv[1]))
    print("done")
except CorpusError as error:
    print(error)
print(sum(p.is_dir() for p in cache_folder().glob(".work-*")))
"""


def full(quick: bool) -> Row:
    """No room for the text, none for its ids, and just enough."""
    said, wrong = [], []
    with place() as folder:
        text = folder / "many.txt"
        text.write_text("é" * 10_000 + "".join(map(chr, range(0x100, 0x300))))
        size = text.stat().st_size  # of the ids, at two bytes each, as well
        for room in (size - 2,) if quick else (1000, size - 2, size):
            line, left = _child("-c", FULL, text, room).out.splitlines() or ("", "")
            good = left == "0" and (line == "done" if room == size else "has no room" in line)
            said.append("done" if line == "done" else REFUSED if good else "other")
            wrong += [] if good else [f"{room} bytes of room: {line!r}, {left} folders left"]
    return row("a text into a cache without room, which is left clean", said, wrong)


MEASURED = """
import json, resource, sys, time
from charrnn.cli import main
began = time.monotonic()
status = main(sys.argv[1:])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps([status, peak, time.monotonic() - began]))
"""


def _measured(*words: object) -> tuple[Said, float, float]:
    """A command in a process of its own, its peak memory in bytes and its seconds."""
    done = _child("-c", MEASURED, *words, seconds=1800)
    last = done.out.splitlines()[-1:] or ["[null, 0, 0]"]
    status, peak, seconds = json.loads(last[0])
    return Said(done.status if status is None else status, done.err), peak, seconds


def large(quick: bool) -> Row:
    """100 MB in one line, as a stream and by lines (quick: 2 MB as a stream, unmeasured)."""
    size, said, wrong, notes = 2_000_000 if quick else HUGE, [], [], []
    with place() as folder:
        piece = (" ".join(random.Random(9).choices(FOX.split(), k=2000)) + " ").encode()
        (folder / "long.txt").write_bytes(piece * (size // len(piece)))
        words = "train", folder / "long.txt", "--out", folder / "run", *SHORT
        words += "--split", "0.998,0.001,0.001"  # what takes long is the validation
        for options, wanted in (([], PLAIN), (["--split-kind", "lines"], REFUSED))[: 2 - quick]:
            done, peak, seconds = (command(*words), 0, 0) if quick else _measured(*words, *options)
            outcome = {0: PLAIN, 2: REFUSED}.get(done.status, f"ended with {done.status}")
            said.append(outcome)
            notes += [] if quick else [f"{peak / 1e9:.1f} GB, {seconds:.0f} s"]
            if outcome != wanted or peak > LARGE:
                wrong.append(f"{options}: {outcome}, {peak / 1e9:.1f} GB, {done.err!r:.200}")
    return row(f"{size / 1e6:g} MB without a line end", said, wrong, "; ".join(notes))


def symbols(quick: bool) -> Row:
    """60,000 distinct characters, in bounded memory (quick: 12,000, memory not measured)."""
    n = 12_000 if quick else 60_000
    with place() as folder:
        drawn = random.Random(9).choices(MANY[:n], k=0 if quick else 300_000)
        (folder / "many.txt").write_text("".join([*MANY[:n], *drawn]))
        words = "train", folder / "many.txt", "--out", folder / "run", *SHORT
        done, peak, seconds = (command(*words), 0, 0) if quick else _measured(*words)
        outcome, fault = _judged(
            Kind(b"", NOTED, f"{n:,} distinct characters", "".join(MANY[:n])), done, folder / "run"
        )
    notes = "" if quick else f"{peak / 1e9:.1f} GB, {seconds:.0f} s"
    fault = fault or (f"{peak / 1e9:.1f} GB" if peak > LARGE else "")
    return row(f"{n:,} distinct characters", [outcome], [fault] if fault else [], notes)


LARGE = 2e9
"""Bytes of memory that a small network's training may take, torch's own included."""

CASES: dict[str, Callable[[bool], Row]] = {
    "kinds": every_kind,
    "paths": paths,
    "pipes": pipes,
    "changed": changed,
    "locked": locked,
    "full": full,
    "large": large,
    "symbols": symbols,
}
