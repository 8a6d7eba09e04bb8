"""Checkpoints, published models and run folders: cut, turned, forged, fuzzed; files that are none.

What was only damaged must be refused in one line. What was forged and sealed anew must be refused
in one line or be a model that computes, in little memory, and nothing in it may run.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from charrnn.checkpoint import CheckpointError
from charrnn.runs import RunError, load_run
from trust import forge
from trust.ledger import Row, row

SEED = 9
INPUTS = 1000
SECONDS = 90
"""Of atheris, a reader."""
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where files are written and read thousands of times: in memory, where the system has that."""
ROOM = 64 << 20
"""Bytes that a file of a few thousand may make the process grow by: torch's own buffers."""
RUNS_CODE = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "exec")
RUNS_CODE += ("compile", "pickle.find_class", "marshal.loads", "ctypes.dlopen", "socket.connect")
GOOD = {"refused in one line", "a model that computes", "opened"}
WRITERS = {"checkpoint": forge.write_checkpoint, "published model": forge.write_published}


def outcome(read: Callable[[Path], object], path: Path) -> str:
    """What came of reading a file, in a few words."""
    import torch

    try:
        model = read(path)
        model(torch.zeros(1, 1, dtype=torch.long))
    except (CheckpointError, RunError) as error:
        return "refused in several lines" if "\n" in str(error) else "refused in one line"
    except Exception as error:  # the point is to see which
        return f"{type(error).__name__}: {' '.join(str(error).split())}"[:120]
    return "a model that computes"


def _tried(read: Callable, path: Path, files: Iterable, good: set[str]) -> tuple[list, list]:
    """The outcomes of files, one after the other at `path`, and what is wrong with some."""
    outcomes, wrong = [], []
    for name, data in files:
        path.write_bytes(data)
        outcomes.append(outcome(read, path))
        if outcomes[-1] not in good and len(wrong) < 10:
            wrong.append(f"{name}: {outcomes[-1]}")
    return outcomes, wrong


# Damaged


def _flips(data: bytes, quick: bool) -> Iterator[tuple[str, bytes]]:
    """The file with one bit turned: 200 drawn ones, or every one."""
    places = range(8 * len(data))
    for place in random.Random(SEED).sample(places, 200) if quick else places:
        turned = bytearray(data)
        turned[place // 8] ^= 1 << place % 8
        yield f"bit {place}", bytes(turned)


def _cuts(data: bytes, quick: bool) -> Iterator[tuple[str, bytes]]:
    """The file cut after its first bytes: every length."""
    for length in range(0, len(data), 16 if quick else 1):
        yield f"{length} bytes", data[:length]


def _damaged(kind: str, how: str, damage: Callable, quick: bool) -> Row:
    with TemporaryDirectory(dir=MEMORY) as folder:
        path, spoilt = Path(folder, "whole"), Path(folder, "spoilt")
        read = WRITERS[kind](path)
        read(path)  # the whole one opens
        files = damage(path.read_bytes(), quick)
        return row(f"{kind} {how}", *_tried(read, spoilt, files, {"refused in one line"}))


# Forged


@contextmanager
def watched() -> Iterator[list[str]]:
    """What ran or was written beside the file "spoilt", by Python's audit events."""
    seen: list[str] = []
    watching = True

    def hook(event: str, details: tuple) -> None:
        if not watching:
            return
        writes = event == "open" and len(details) > 2 and details[2] and details[2] & 3
        if event in RUNS_CODE or (writes and Path(str(details[0])).name != "spoilt"):
            seen.append(f"{event} {str(details[:1])[:80]}")

    sys.addaudithook(hook)
    try:
        yield seen
    finally:
        watching = False


def _peak() -> int:
    """Bytes of memory that this process has had at most; ru_maxrss counts them in KiB on Linux."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1024 if sys.platform != "darwin" else 1
    )


def forged(kind: str, quick: bool) -> Row:
    """Every forged header; quickly, one in 32."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        path, spoilt = Path(folder, "whole"), Path(folder, "spoilt")
        read = WRITERS[kind](path)
        files = list(forge.forgeries(path.read_bytes()))[:: 32 if quick else 1]
        _tried(read, spoilt, [("whole", path.read_bytes()), *files[:50]], GOOD)  # all is imported
        before = _peak()
        with watched() as seen:
            outcomes, wrong = _tried(read, spoilt, files, GOOD)
        grown = _peak() - before
    wrong += [f"it ran {event}" for event in seen[:5]]
    wrong += [f"memory grew by {grown:,} bytes"] if grown > ROOM else []
    notes = f"memory grew by {grown / 1e6:.0f} MB at most, nothing ran"
    return row(f"{kind} with a forged header, sealed anew", outcomes, wrong, notes)


CHILD = """
import json, resource, sys
from dataclasses import asdict
from trust.files import forged
import torch
torch.set_num_threads(1)
pages = int(open("/proc/self/statm").read().split()[0]) if sys.platform == "linux" else 0
if pages:
    limit = pages * resource.getpagesize() + (1 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
print("FOUND", json.dumps(asdict(forged(sys.argv[1], False))))
"""


def _found(what: str, ask: list[str], seconds: float) -> Row:
    """The row that a process of its own prints."""
    try:
        ended = subprocess.run(ask, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return Row(what, 1, {"did not end": 1}, (f"it did not end in {seconds:.0f} s",))
    for line in ended.stdout.splitlines():
        if line.startswith("FOUND "):
            found = json.loads(line.removeprefix("FOUND "))
            return Row(**{**found, "wrong": tuple(found["wrong"])})
    fault = f"it ended with {ended.returncode}: {' '.join(ended.stderr[-300:].split())}"
    return Row(what, 1, {"stopped": 1}, (fault,))


def _forged(kind: str, quick: bool) -> Row:
    if quick:
        return forged(kind, True)
    return _found(f"{kind} forged", [sys.executable, "-c", CHILD, kind], 600)


# Forged, in what a training goes on from


def _training(folder: Path):
    """A training of four steps in `folder`; returns what resumes it."""
    from importlib import import_module

    from charrnn.model import ModelConfig
    from charrnn.settings import TrainConfig
    from charrnn.vocab import Vocab

    train = import_module("charrnn.train")
    vocab = Vocab.of("the quick brown fox jumps over the lazy dog\n")
    ids = vocab.encode("the quick brown fox jumps over the lazy dog\n" * 8)
    settings = {"batch": 2, "seq": 5, "steps": 4, "device": "cpu", "sample_length": 2}
    config = TrainConfig(**settings, schedule="constant", precision="fp32")
    network = ModelConfig(len(vocab), hidden=4, layers=2)
    train.run(train.start(network, vocab, ids[:300], ids[300:], config, folder), False)
    return lambda: train.resume(folder, ids[:300], ids[300:])


def _spoilt(tensor):
    """Tensors that cannot be what this one is, by name."""
    import torch

    flat = tensor.reshape(-1)
    yield "an axis more", tensor[None].clone()
    yield "empty", flat[:0].clone()
    yield "twice as long", torch.cat([flat, flat])
    yield "int64", tensor.long()
    yield "bool", tensor.bool()
    yield "complex", tensor.to(torch.complex64)
    yield "not a number", torch.full_like(tensor.float(), float("nan"))


def resumed(quick: bool) -> Row:
    """Each tensor of a training made into what it cannot be, and some that no training has."""
    import torch

    from charrnn.checkpoint import load_checkpoint, save_checkpoint

    outcomes, wrong = [], []
    with TemporaryDirectory(dir=MEMORY) as name:
        folder = Path(name, "run")
        resume, path = _training(folder), folder / "last.safetensors"
        whole = path.read_bytes()
        names = sorted(load_checkpoint(path).tensors)
        tries = [(n, how) for n in names for how in range(7)]
        odd = ("optimizer.99.exp_avg", "optimizer.x", "optimizer.0.other", "state.7", "state.x")
        tries += [(n, None) for n in (*odd, "rng.cpu", "meter", "else")]
        for n, how in tries[:: 8 if quick else 1]:
            path.write_bytes(whole)
            kept = load_checkpoint(path)
            spoilt = list(_spoilt(kept.tensors[n]))[how] if how is not None else ("new", None)
            kept.tensors[n] = torch.zeros(3) if how is None else spoilt[1]
            try:
                save_checkpoint(path, kept)
            except KeyError:  # older ones know no complex numbers
                outcomes.append("not to be written with this safetensors")
                continue
            said, fault = _resumed(resume)
            outcomes.append(said)
            if fault:
                wrong.append(f"{n}, {spoilt[0]}: {fault}")
    return row("training resumed from forged tensors", outcomes, wrong)


def _resumed(resume: Callable) -> tuple[str, str]:
    """What came of it, and what is wrong with that or ""."""
    try:
        resume()
    except CheckpointError as error:
        return "refused in one line", str(error) if "\n" in str(error) else ""
    except Exception as error:
        return "failed", f"{type(error).__name__}: {' '.join(str(error).split())}"[:160]
    return "went on", ""


# Files that are none


def special(quick: bool) -> Row:
    """A pipe, a device, a folder and more under the names of a run's files."""
    outcomes, wrong = [], []
    with TemporaryDirectory(dir=MEMORY) as name:
        whole = Path(name, "whole")
        forge.write_run(whole)
        for file in ("model.safetensors", "run.json", "history.csv", "samples.jsonl"):
            for kind, put in _impostors().items():
                run = Path(name, "run")
                shutil.copytree(whole, run)
                (run / file).unlink()
                put(run / file)
                for path in (run, run / file):
                    outcomes.append(_opened(path))
                    if outcomes[-1] not in GOOD:
                        wrong.append(f"{kind} as {path.name}/{file}: {outcomes[-1]}")
                shutil.rmtree(run)
    return row("pipe, device, folder, link, pickle, zip under a name of ours", outcomes, wrong)


def _impostors() -> dict[str, Callable[[Path], object]]:
    """What puts something else at a path, by what it is."""
    import pickle

    import numpy as np
    from safetensors.numpy import save_file

    def put_zip(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as made:
            made.writestr("data.pkl", "x")

    return {
        "pipe": os.mkfifo,
        "device": lambda path: path.symlink_to("/dev/zero"),
        "loop": lambda path: path.symlink_to(path.name),
        "dead link": lambda path: path.symlink_to("nowhere"),
        "folder": Path.mkdir,
        "empty": Path.touch,
        "pickle": lambda path: path.write_bytes(pickle.dumps({"weights": [1, 2]})),
        "zip": put_zip,
        "another program's": lambda path: save_file({"w": np.zeros(3)}, path),
    }


def _opened(path: Path) -> str:
    try:
        load_run(path)
    except (CheckpointError, RunError) as error:
        return "refused in several lines" if "\n" in str(error) else "refused in one line"
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"[:120]
    return "opened"


# Fuzzed


def reader(kind: str, folder: Path) -> tuple[Callable[[bytes], str], Callable, list[bytes]]:
    """What reads bytes, what changes a right file by a seed, and what a fuzzer begins with."""
    path, spoilt = folder / "whole", folder / "spoilt"
    if kind == "run folder":
        read, files = forge.write_run(path), ("run.json", "history.csv", "samples.jsonl")
        files += ("measures.json",)
        right = {name: (path / name).read_bytes() for name in files}

        def read_bytes(data: bytes) -> str:
            name = files[data[0] % len(files)] if data else files[0]
            (path / name).write_bytes(data[1:])
            said = outcome(read, path)
            (path / name).write_bytes(right[name])
            return said

        seeds = [bytes([i]) + right[name] for i, name in enumerate(files)]

        def change(n: int) -> bytes:
            kept = seeds[n % len(seeds)]
            return kept[:1] + forge.mutated(kept[1:], random.Random(n))

        return read_bytes, change, seeds
    read = WRITERS[kind](path)
    data = path.read_bytes()

    def read_file(drawn: bytes) -> str:
        spoilt.write_bytes(forge.from_bytes(data, drawn))
        return outcome(read, spoilt)

    return read_file, lambda n: b"r" + forge.fuzzed_file(data, n), forge.corpus(data)


KINDS = (*WRITERS, "run folder")


def generated(kind: str, quick: bool) -> Row:
    """Files that are right, changed by hypothesis's seeds, and bytes of its own."""
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis import strategies as st

    outcomes, wrong = [], []
    with TemporaryDirectory(dir=MEMORY) as folder:
        read, change, seeds = reader(kind, Path(folder))
        texts = st.one_of(
            st.integers(0, 2**32).map(change),
            st.integers(0, 2**32).map(change),
            st.integers(0, 2**32).map(change),
            st.binary(max_size=100),
        )

        @seed(1)
        @settings(
            max_examples=INPUTS if quick else 20 * INPUTS,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(texts)
        def attempt(data: bytes) -> None:
            outcomes.append(read(data))
            if outcomes[-1] not in GOOD and len(wrong) < 5:
                wrong.append(f"{data[:200]!r}: {outcomes[-1]}")

        if not all(read(data) == "a model that computes" for data in seeds):
            wrong.append("a file that is right was refused")
        attempt()
    return row(f"{kind}: changed, half of them sealed anew (hypothesis)", outcomes, wrong)


GUIDED = """
import json, os, sys, time
from pathlib import Path
import atheris
with atheris.instrument_imports(include=["charrnn.checkpoint", "charrnn.export", "charrnn.model",
        "charrnn.vocab", "charrnn.runs", "charrnn.records", "charrnn.fields", "json", "csv"]):
    import charrnn.runs
import torch
from trust.files import GOOD, reader
torch.set_num_threads(1)
kind, seconds, folder = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])
read, _, seeds = reader(kind, folder)
inputs = folder / "inputs"
inputs.mkdir()
for i, data in enumerate(seeds):
    (inputs / str(i)).write_bytes(data)
counts, wrong, ends = {}, [], time.monotonic() + seconds

def one(data):
    said = read(data)
    kind_of = said if said in GOOD else "failed"
    counts[kind_of] = counts.get(kind_of, 0) + 1
    if said not in GOOD and len(wrong) < 5:
        wrong.append(f"{data[:200]!r}: {said}")
    if time.monotonic() > ends:
        what = f"{kind}: what reaches new lines of its reader (atheris, {seconds:.0f} s)"
        found = {"what": what, "tried": sum(counts.values()), "outcomes": counts, "wrong": wrong}
        print("FOUND", json.dumps(found), flush=True)
        os._exit(0)

atheris.Setup(["fuzz", "-rss_limit_mb=4096", "-max_len=6000", "-timeout=20", "-seed=1",
               f"-artifact_prefix={folder}/", str(inputs)], one)
atheris.Fuzz()
"""


def guided(kind: str, quick: bool) -> Row:
    """Bytes by atheris, in a process of its own; quickly, its first inputs alone."""
    from importlib.util import find_spec

    what = f"{kind}: what reaches new lines of its reader (atheris, {SECONDS} s)"
    with TemporaryDirectory(prefix="charrnn-trust-", dir=MEMORY) as folder:
        if quick:
            read, _, seeds = reader(kind, Path(folder))
            said = [read(data) for data in seeds]
            wrong = [s for s in said if s != "a model that computes"]
            return row(f"{kind}: what a fuzzer begins with", said, wrong)
        if find_spec("atheris") is None:
            return Row(what, 0, {}, (), "atheris is not installed here: not tried")
        return _found(
            what, [sys.executable, "-c", GUIDED, kind, str(SECONDS), folder], 4 * SECONDS + 120
        )


def page(quick: bool) -> Row:
    """The page's reader, in node: a model that is right, cut, changed and forged."""
    what = "published model, changed, in the page's reader (node)"
    if (node := shutil.which("node")) is None:
        return Row(what, int(quick), {"not tried": 1} if quick else {}, (), "node is not here")
    with TemporaryDirectory(dir=MEMORY) as folder:
        path = Path(folder, "whole")
        forge.write_published(path)
        script = Path(__file__).with_name("page.mjs")
        ask = [node, "--max-old-space-size=256", str(script), str(path)]
        found = _found(what, [*ask, str(2 * INPUTS if quick else 100 * INPUTS)], 300)
    return Row(what, found.tried, found.outcomes, found.wrong, found.notes)


CASES: dict[str, Callable[[bool], Row]] = {
    "checkpoint_bits": partial(_damaged, "checkpoint", "with one bit turned", _flips),
    "checkpoint_cuts": partial(_damaged, "checkpoint", "cut short", _cuts),
    "model_bits": partial(_damaged, "published model", "with one bit turned", _flips),
    "model_cuts": partial(_damaged, "published model", "cut short", _cuts),
    **{f"{kind}, forged": partial(_forged, kind) for kind in WRITERS},
    "training, forged": resumed,
    "special": special,
    **{f"{kind}, fuzzed": partial(generated, kind) for kind in KINDS},
    **{f"{kind}, guided": partial(guided, kind) for kind in KINDS},
    "page": page,
}
