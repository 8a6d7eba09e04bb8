"""Overflowing gradients, exploding losses, repeated runs, counted targets, extreme draws."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import product
from pathlib import Path

import numpy as np
import torch

from charrnn.adaptive import adaptive_nats
from charrnn.batches import IGNORED, arrange, share
from charrnn.cuda.captured_stepper import LEAST_TEMPERATURE, BlockStepper
from charrnn.cuda.fixed_step import FixedStep
from charrnn.dynamic import dynamic_nats
from charrnn.export import save_model
from charrnn.model import CELLS, CharRNN, ModelConfig
from charrnn.native.fused import FusedPortableStepper, FusedStepper, usable
from charrnn.ngram import Baseline
from charrnn.optimize import RMSprop
from charrnn.portable import PortableStepper
from charrnn.records import read_history
from charrnn.runs import load_run
from charrnn.sample import Sampling, TorchStepper, pick, sample, uniform_stream
from charrnn.score import score, stepped_nats, stream_nats
from charrnn.settings import TrainConfig
from charrnn.stepper import Stepper
from charrnn.vocab import Vocab
from trust.ledger import Row, row

train = import_module("charrnn.train")  # `charrnn.train` by itself is the function
ROOT = Path(__file__).resolve().parents[1]
TEXT = "the quick brown fox jumps over the lazy dog; pack my box with five dozen jugs.\n" * 25
VOCAB = Vocab.of(TEXT)
TRAIN, VAL = np.split(VOCAB.encode(TEXT), [1500])
PRECISIONS = ("fp32", "bf16", "int16")
TEMPERATURES = (0.0, 5e-324, 1e-300, 1e-30, 1.0, 1e30, 1e300)
TOP_P = (None, 5e-324, 1e-300, 1 - 2**-53, 1.0)


# Trainings


def begin(folder: Path, cell: str = "lstm", hidden: int = 16, **changes):
    """A small training on a CPU; ValueError where it has no such precision."""
    settings = {"batch": 4, "seq": 8, "steps": 60, "eval_every": 20, "sample_length": 5}
    settings |= {"lr": 0.02, "device": "cpu", "precision": "fp32"}
    model = ModelConfig(len(VOCAB), cell, hidden, layers=2, dropout=0.2)
    return train.start(model, VOCAB, TRAIN, VAL, TrainConfig(**(settings | changes)), folder)


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def contents(training) -> list[torch.Tensor]:
    """Copies of the weights and of what an update would use of the optimizer's memory."""
    unused = {"step"} if isinstance(training.optimizer, RMSprop) else set()
    state = training.optimizer.state.values()
    memory = [m[name] for m in state for name in sorted(m.keys() - unused)]
    return [t.detach().clone() for t in (*training.model.parameters(), *memory)]


def spoilt(training, how: str):
    """Make every gradient from here on no finite number, in the decoder or on its way down."""
    decoder, factor = training.model.decoder, float(how.split()[0])
    if how.endswith("below"):
        return decoder.register_full_backward_hook(lambda module, into, out: (into[0] * factor,))
    return decoder.bias.register_hook(lambda gradient: gradient * factor)


def one_overflow(cell: str, precision: str, optimizer: str, clips: dict, how: str, way: str) -> str:
    """What becomes of three steps, one whose gradient is not finite, and one more."""
    with folder() as here:
        try:
            training = begin(here, cell, precision=precision, optimizer=optimizer, **clips)
        except ValueError:
            return "no such precision here"
        step = lambda: train._advance(training, training.data)  # noqa: E731
        if way == "fixed":
            step = FixedStep(training, training.data.on(training.device))
        for _ in range(3):
            step()
        before, hook = contents(training), spoilt(training, how)
        step()
        hook.remove()
        left = all(map(torch.equal, before, contents(training)))
        step()
        training.settle()
        sound = all(t.isfinite().all() for t in (*contents(training), *training.state))
        moved = not torch.equal(before[0], next(training.model.parameters()))
        good = left and sound and moved and training.progress.skipped == 1
    return "left out and counted; the next one is made" if good else "WRONG"


def overflows(quick: bool) -> Row:
    """Gradients that are not finite where the loss is."""
    clips = ({}, {"clip_norm": None}, {"clip_norm": None, "clip_value": 0.1}, {"clip_value": 0.1})
    hows = ("inf", "nan", "inf below", "nan below")
    tries = [
        (cell, precision, optimizer, clip, how, way)
        for cell, precision, optimizer, clip, how, way in product(
            CELLS, PRECISIONS, ("adamw", "adam", "rmsprop"), clips, hows, ("ordinary", "fixed")
        )
        if (precision != "int16" or cell == "lstm") and (way == "ordinary" or precision != "int16")
    ]
    tries = tries[::67] if quick else tries
    found = [one_overflow(*t) for t in tries]
    wrong = [f"{t}" for t, outcome in zip(tries, found, strict=True) if outcome == "WRONG"]
    return row("a gradient that is no finite number while the loss is", found, wrong)


def hopeless(quick: bool) -> Row:
    """Gradients that never are finite again; an fp16 scale that falls to nothing."""
    found, wrong = [], []
    for how in ("inf", "nan", "scale"):
        with folder() as here:
            training = begin(here, steps=400)
            if how == "scale":
                training.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16)
            spoilt(training, "inf" if how == "scale" else how)
            try:
                train.run(training, progress_bar=False)
                outcome = "WRONG: it went on"
            except train.TrainingError as error:
                advised = "use precision fp32" in str(error) and "\n" not in str(error)
                outcome = "stopped with advice" if advised else f"WRONG: {error}"
            at = training.progress.step
        scaled = how == "scale" and "however little" in str(outcome)
        found.append(outcome.split(":")[0])
        if outcome != "stopped with advice" or at > train.PATIENCE or scaled:
            wrong.append(f"{how}, step {at}: {outcome}")
    return row("every gradient overflows from some step on", found, wrong)


def spikes(quick: bool) -> Row:
    """Rates that are far too high, with and without clipping; and every recorded training."""
    rates = (30.0,) if quick else (3.0, 10.0, 30.0, 300.0, 1e5, 1e30)
    tries = list(product(rates, (1.0, None), ("adamw", "rmsprop")))
    found, wrong = [], []
    for lr, clip, optimizer in tries:
        said, stopped = io.StringIO(), ""
        with folder() as here, redirect_stderr(said):
            training = begin(here, lr=lr, clip_norm=clip, optimizer=optimizer, warmup=20)
            try:
                train.run(training, progress_bar=False)
            except train.TrainingError as error:
                stopped = str(error)
            losses = read_history(here / "history.csv")["train_loss"]
        notes = [line for line in said.getvalue().split("\n") if line]
        jumped = rise(losses, len(VOCAB)) > train.SPIKE
        good = bool(notes) == jumped and all("lower the learning rate" in n for n in notes)
        found.append("stopped with advice" if stopped else "noted" if notes else "no jump, no note")
        if not good:
            wrong.append(f"lr {lr}, clip_norm {clip}, {optimizer}: {notes or 'no note'}")
    for path in sorted(ROOT.glob("data/runs/*/history.csv")):
        high = rise(read_history(path)["train_loss"], 2**20)
        found.append("a recorded training: no jump")
        if high > train.SPIKE:
            wrong.append(f"{path.parent.name} rises by {high:.2f} nats: a false alarm")
    return row("learning rates that are too high, and recorded trainings", found, wrong)


def rise(losses: np.ndarray, symbols: int) -> float:
    """The largest rise of a loss above the lowest before it, or above ln V."""
    before = np.minimum.accumulate(np.concatenate([[np.log(symbols)], losses]))[:-1]
    return float((losses - before).max())


def hashes(tries: list[str], threads: int) -> list[str]:
    """Of each training, "cell precision hidden groups deterministic", the SHA-256 of all it is."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return [_hash(*line.split()) for line in tries]
    finally:
        torch.set_num_threads(before)


def _hash(cell: str, precision: str, hidden: str, groups: str, always: str) -> str:
    changes = {"precision": precision, "accumulate": int(groups), "deterministic": always == "True"}
    with folder() as here:
        try:
            done = begin(here, cell, int(hidden), batch=16, steps=8, **changes)
        except ValueError:
            return "-"
        train.run(done, progress_bar=False)
        kept = [t.numpy().tobytes() for t in (*contents(done), *done.state)]
    return hashlib.sha256(b"".join(kept)).hexdigest()


def repeats(quick: bool) -> Row:
    """The same trainings in two processes, by number of threads."""
    cells, sizes = (("lstm",), (32,)) if quick else (tuple(CELLS), (32, 128))
    groups, always = ((1,), (True,)) if quick else ((1, 4), (False, True))
    tries = [
        f"{cell} {precision} {hidden} {group} {on}"
        for cell, precision, hidden, group, on in product(cells, PRECISIONS, sizes, groups, always)
        if cell == "lstm" or precision != "int16"
    ]
    found, wrong = [], []
    for threads in (1,) if quick else (1, 2):
        runs = [hashes(tries, 1)] if quick else [_in_a_process(tries, threads)]
        runs.append(_in_a_process(tries, threads))
        for one, other, line in zip(*runs, tries, strict=True):
            same = "no such precision here" if one == "-" else "the same bytes"
            found.append(same if one == other else "other bytes")
            wrong += [] if one == other else [f"{line}, {threads} threads"]
    return row("a training twice, in two processes", found, wrong)


def _in_a_process(tries: list[str], threads: int) -> list[str]:
    """`hashes` in a process of its own."""
    program = "import sys; from trust.arithmetic import hashes; "
    program += "print(*hashes(sys.argv[2:], int(sys.argv[1])), sep='\\n')"
    command = [sys.executable, "-c", program, str(threads), *tries]
    calm = os.environ | {"OMP_WAIT_POLICY": "passive"}  # or threads in wait take others' time
    ran = subprocess.run(command, env=calm, capture_output=True, text=True, check=True, cwd=ROOT)
    return ran.stdout.split()


# Targets


class Counting(torch.nn.Module):
    """A model of a text 0, 1, 2, ... whose loss at a target names the target.

    Its state is the last symbol read, plus 1 (0: nothing): it must be the one before, but that the
    last stands for what is behind the text. The loss of target k is that of `expected`.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self.config, self.n = ModelConfig(n + 1), n
        self.device, self.gaps = torch.device("cpu"), 0

    def logits(self, ids: torch.Tensor) -> torch.Tensor:
        """(T, B, V): high at the next symbol, the higher the further on."""
        scores = torch.zeros(*ids.shape, self.n + 1)
        height = (ids + 1).float() / self.n
        return scores.scatter(2, (ids + 1).clamp(max=self.n)[..., None], height[..., None])

    def forward(self, ids, state=None, generator=None):
        last = torch.zeros(1, ids.shape[1], 1) if state is None else state[0]
        before = torch.cat([last[0, :, 0][None], ids[:-1] + 1.0])
        behind = (ids == self.n - 1) & (before == self.n)
        self.gaps += int(((before != 0) & (before != ids) & (ids > 0) & ~behind).sum())
        return self.logits(ids), ((ids[-1] + 1.0)[None, :, None],)

    def expected(self) -> np.ndarray:
        """The loss of targets 1 to n, float64."""
        height = np.arange(1, self.n + 1) / self.n
        return np.log(np.exp(height) + self.n) - height


class Reader:
    """`Counting` as a stepper of S streams."""

    def __init__(self, model: Counting, streams: int) -> None:
        self.model, self.kept = model, (np.zeros((1, streams, 1), np.float32),)

    def step(self, ids: np.ndarray) -> np.ndarray:
        state = tuple(map(torch.from_numpy, self.kept))
        logits, state = self.model(torch.from_numpy(ids)[None], state)
        self.kept = tuple(part.numpy() for part in state)
        return logits[0].numpy()

    def state(self) -> tuple[np.ndarray, ...]:
        return tuple(part.copy() for part in self.kept)

    def set_state(self, state: tuple[np.ndarray, ...]) -> None:
        self.kept = state


def counted(n: int, lanes: int, warmup: int, seq: int, small: CharRNN) -> list[str]:
    """What is wrong with the losses of n targets, read in such a way."""
    model, ids = Counting(n), np.arange(n + 1)
    ways = {
        "stream_nats": stream_nats(model, ids, lanes=lanes, warmup=warmup, seq=seq),
        "stepped_nats": stepped_nats(lambda s: Reader(model, s), ids, lanes=lanes, warmup=warmup),
    }
    wrong = [
        name
        for name, nats in ways.items()
        if len(nats) != n or np.abs(nats - model.expected()).max() > 1e-5
    ]
    ids = ids % small.config.vocab_size
    still = dynamic_nats(small, ids, seq=seq, lr=0.0)
    exact = stream_nats(small, ids)
    if len(still) != n or np.abs(still - exact).max() > 1e-4:
        wrong.append("dynamic_nats")
    return wrong + ["a lane that does not read on"] * bool(model.gaps)


def evaluations(quick: bool) -> Row:
    """Every target once, at any shape: hypothesis."""
    from hypothesis import HealthCheck, given, seed, settings
    from hypothesis import strategies as st

    found, wrong = [], []
    small = CharRNN(ModelConfig(7, hidden=4, layers=1), torch.Generator().manual_seed(0))
    sizes = (st.integers(1, 120), st.integers(1, 40), st.integers(0, 30), st.integers(1, 50))

    @seed(0)
    @settings(max_examples=30 if quick else 1500, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(*sizes)
    def attempt(n: int, lanes: int, warmup: int, seq: int) -> None:
        bad = counted(n, lanes, warmup, seq, small)
        found.append("every target once, in three ways" if not bad else "a target missed")
        wrong.extend(f"n {n}, lanes {lanes}, warmup {warmup}, seq {seq}: {b}" for b in bad)

    attempt()
    return row("an evaluation of n targets by lanes, run-up and step", found, wrong)


def epoch_of(ids, batch, seq, restart, ranks, groups) -> list[int]:
    """Positions of the targets of an epoch's steps, by all processes and groups of lanes.

    The ids name their positions; with `restart`, every id but that one.
    """
    seen: list[int] = []
    for rank in range(ranks):
        data = arrange(ids, batch, seq, restart, 0, rank, ranks)
        for number in range(data.steps):
            _, targets = data.step(number)
            for group in range(groups):
                own = share(targets.shape[1], group, groups)
                part = targets[:, own.start : own.stop]
                seen += part[part != IGNORED].tolist()
    return seen


def batches(quick: bool) -> Row:
    """Every target of an epoch once in what a training reads: hypothesis."""
    from hypothesis import HealthCheck, given, seed, settings
    from hypothesis import strategies as st

    found, wrong = [], []
    size = st.integers(1, 6)

    def lanes(n: int, batch: int, seq: int, ranks: int, groups: int) -> tuple[list, list]:
        steps = (n - 1) // batch // seq
        got = epoch_of(np.arange(n), batch, seq, None, ranks, groups)
        return sorted(got), list(range(1, steps * seq * batch + 1))

    def lines(n: int, batch: int, seq: int, ranks: int, groups: int) -> tuple[list, list]:
        ids = np.arange(1, n + 1)
        ids[np.random.default_rng([n, batch]).random(n) < 0.3] = 0
        ids[-1] = 0
        begun = np.concatenate([[0], np.flatnonzero(ids == 0)[:-1] + 1])
        place = np.arange(n) - np.repeat(begun, np.diff([*begun, n]))
        return sorted(epoch_of(ids, batch, seq, 0, ranks, groups)), sorted(ids[place < seq])

    @seed(0)
    @settings(max_examples=100 if quick else 5000, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.sampled_from((lanes, lines)), st.integers(2, 500), size, size, size, size)
    def attempt(way: Callable, n: int, each: int, seq: int, ranks: int, groups: int) -> None:
        batch = each * ranks * groups
        if way is lanes and (n - 1) // batch < seq:
            return  # refused: too few characters
        got, all_of_them = way(n, batch, seq, ranks, groups)
        same = got == all_of_them
        found.append(f"{way.__name__}: every target once" if same else "a target missed")
        if not same:
            wrong.append(f"{way.__name__}, n {n}, {batch} x {seq}, {ranks} ranks, {groups} groups")

    attempt()
    notes = "left out: what is behind the last whole step of lanes, and a line's part beyond T"
    return row("an epoch's batches by batch, seq, processes and groups", found, wrong, notes)


# Draws


@dataclass(frozen=True)
class Network:
    """What `sample` and `score` take in the place of a run."""

    model: CharRNN
    vocab: Vocab


def networks() -> dict[str, tuple[CharRNN, bool]]:
    """Networks by name, and whether the portable arithmetic takes them."""
    made = {}
    for symbols in (1, 2, 9):
        for cell in CELLS:
            model = _loud(symbols, cell)
            made[f"{cell} of {symbols}"] = model, True
    equal, cut = _loud(9, "lstm"), _loud(9, "lstm")
    with torch.no_grad():
        equal.decoder.weight.zero_()
        equal.decoder.bias.fill_(0.25)
        cut.decoder.bias[-1] = -torch.inf
    return made | {"equal logits": (equal, True), "a logit of -inf": (cut, False)}


def _loud(symbols: int, cell: str) -> CharRNN:
    """A network whose states do not settle."""
    model = CharRNN(ModelConfig(symbols, cell, 24, 2), torch.Generator().manual_seed(symbols))
    with torch.no_grad():
        for weights in model.parameters():
            weights.uniform_(-1, 1, generator=torch.Generator().manual_seed(weights.numel()))
    return model.eval()


def drawn(stepper, settings: Sampling, streams: int) -> np.ndarray:
    """Ids (n, S), one by one by `pick` or as the stepper itself draws."""
    numbers = uniform_stream(settings.seed, streams)
    uniforms = np.stack([next(numbers) for _ in range(settings.length)])
    ids, rows = np.zeros(streams, np.int64), []
    while len(rows) < settings.length:
        if hasattr(stepper, "draw"):
            rows += list(stepper.draw(ids, uniforms[len(rows) :], settings))
        else:
            rows.append(pick(stepper.step(ids), uniforms[len(rows)], settings))
        ids = rows[-1]
    return np.array(rows)


def every_way(model: CharRNN, rounded: bool, settings: Sampling, streams: int) -> list[str]:
    """The ways to draw that do not give the text of the first one of their arithmetic."""
    portable, wrong = replace(settings, portable=True), []
    first = drawn(Stepper(model, streams), settings, streams)
    ways = {"torch": drawn(TorchStepper(model, streams), settings, streams)}
    if usable(streams):
        ways["compiled"] = drawn(FusedStepper(model, streams), settings, streams)
    if settings.temperature == 0 or settings.temperature >= LEAST_TEMPERATURE:
        blocks, numbers = BlockStepper(model, settings, streams), uniform_stream(0, streams)
        ways["blocks"] = np.array(list(blocks.draw(np.zeros(1, int), numbers, settings.length)))
    wrong += [name for name, ids in ways.items() if not np.array_equal(ids, first)]
    if rounded:
        again = drawn(PortableStepper(model, streams), portable, streams)
        if usable(streams):
            compiled = drawn(FusedPortableStepper(model, streams), portable, streams)
            wrong += [] if np.array_equal(again, compiled) else ["portable, compiled"]
    if streams > 1 and not np.array_equal(first[:, :1], drawn(Stepper(model), settings, 1)):
        wrong.append("many streams")
    return wrong


def draws(quick: bool) -> Row:
    """Extreme temperatures, top_k and top_p in every way to draw."""
    made, found, wrong = networks(), [], []
    tries = list(product(made, TEMPERATURES, (None, 1, 9, 14, 2**70), TOP_P, (1, 3)))
    for name, temperature, top_k, top_p, streams in tries[::83] if quick else tries:
        settings = Sampling(10, temperature, top_k=top_k, top_p=top_p)
        bad = every_way(*made[name], settings, streams)
        found.append("the same text in every way" if not bad else "another text")
        if bad:
            wrong.append(f"{name}, T {temperature}, {top_k}, {top_p}, {streams}: {', '.join(bad)}")
    return row("a text at extreme temperature, top_k, top_p", found, wrong)


def limits(quick: bool) -> Row:
    """What extreme settings mean, by hand; and what is refused."""
    model, found, wrong = _loud(9, "lstm"), [], []
    run = Network(model, Vocab.of("abcdefghi"))

    def check(name: str, good: bool, outcome: str = "as defined") -> None:
        found.append(outcome if good else "WRONG")
        wrong.extend([] if good else [name])

    for on in ("logits", "hidden"):
        cold, cool = (
            sample(run, "a", temperature=t, temperature_on=on, length=50) for t in (0, 1e-30)
        )
        check(f"0 and 1e-30 on {on}", cold == cool)
        hot = [sample(run, "a", temperature=t, temperature_on=on) for t in (1e30, 1e300)]
        check(f"1e30 and 1e300 on {on}", hot[0] == hot[1] and len(set(hot[0])) == 9)
    check("top_k 1 is temperature 0", sample(run, "a", top_k=1) == sample(run, "a", temperature=0))
    check("top_p 1e-300 is top_k 1", sample(run, "a", top_p=1e-300) == sample(run, "a", top_k=1))
    check("top_k above V", sample(run, "a", top_k=10**9) == sample(run, "a"))
    check("length 0", sample(run, "a", length=0) == "")
    texts = {seed: sample(run, "a", seed=seed) for seed in (0, 1, 2**63 - 1, 2**64)}
    check("seeds", len(set(texts.values())) == 4)
    refused = {"temperature": (-1, np.nan, np.inf, "1", True, None), "top_p": (0, -1, 1.5, np.nan)}
    refused |= {"top_k": (0, -1, 2.5, "3"), "seed": (-1, 0.5, None), "length": (-1, 1.5, None)}
    for name, values in refused.items():
        for value in values:
            check(f"{name} {value!r}", _line(lambda n=name, v=value: Sampling(**{n: v})), "refused")
    return row("settings at and beyond their limits", found, wrong)


def _line(act: Callable[[], object]) -> bool:
    """Whether it ends in a ValueError of one line."""
    try:
        act()
    except ValueError as error:
        return bool(str(error)) and "\n" not in str(error)
    return False


def pages(quick: bool) -> Row:
    """The page's kernel at extreme settings, run by node, against Python's texts."""
    node = shutil.which("node")
    if node is None:
        return row("the page's texts at extreme settings", ["not tried: node is not installed"])
    temperatures = (0.0, 1e-30, 1e300) if quick else TEMPERATURES
    top_ps = (None, 1e-300) if quick else TOP_P
    with folder() as here:
        cases, traces = [], []
        for symbols, cell in ((1, "lstm"), (9, "lstm")) if quick else product((1, 2, 9), CELLS):
            cases += _page_cases(here, symbols, cell, product(temperatures, (None, 1, 14), top_ps))
        (here / "cases.json").write_text(json.dumps(cases))
        (here / "traces.json").write_text(json.dumps(traces))
        whole = ROOT / "tests" / "page" / "whole.mjs"
        command = [node, "--test", "--test-reporter=tap", "--test-name-pattern=safetensors: T"]
        environment = os.environ | {"CASES": str(here)}
        ran = subprocess.run(
            [*command, str(whole)], env=environment, capture_output=True, text=True, timeout=600
        )
    failed = re.findall(r"^\s*not ok \d+ - (.*safetensors: T.*)$", ran.stdout, re.MULTILINE)
    passed = re.findall(r"^\s*ok \d+ - (.*safetensors: T.*)$", ran.stdout, re.MULTILINE)
    passed = [name for name in passed if "# SKIP" not in name]
    outcomes = ["the text that Python draws"] * len(passed) + ["another text"] * len(failed)
    lost = [] if len(outcomes) == len(cases) else [f"{len(outcomes)} of {len(cases)} were run"]
    return row("the page's texts at extreme settings", outcomes, [*failed, *lost])


def _page_cases(here: Path, symbols: int, cell: str, settings) -> list[dict]:
    """Texts of a published file, as tests/page/whole.mjs reads them."""
    path, cases = here / f"{cell}{symbols}.safetensors", []
    provenance = {"name": "none", "licence": "CC0", "attribution": "nobody", "sha256": "00" * 32}
    vocab = Vocab.of("abcdefghi"[:symbols])
    save_model(path, _loud(symbols, cell), vocab, {"run": "random", "corpus": provenance})
    run = load_run(path)
    for temperature, top_k, top_p in settings:
        options = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        options |= {"prompt": "a", "seed": 3, "length": 40}
        cases.append({"file": path.name, **options, "text": sample(run, portable=True, **options)})
    return cases


def tiny(quick: bool) -> Row:
    """Texts of 0, 1 and 2 characters, for a network and for an n-gram; losses that are huge."""
    found, wrong, vocab = [], [], Vocab.of("ab")

    def check(name: str, good: bool, outcome: str) -> None:
        found.append(outcome if good else "WRONG")
        wrong.extend([] if good else [name])

    for cell in CELLS:
        model = CharRNN(ModelConfig(2, cell, 4, 1), torch.Generator().manual_seed(0))
        run = Network(model, vocab)
        with torch.no_grad():
            model.decoder.bias.copy_(torch.tensor([0.0, -3e38]))
        for text in ("", "a"):
            for dynamic in (False, True):
                act = lambda r=run, t=text, d=dynamic: score(r, t, dynamic=d)  # noqa: E731
                check(f"{cell}, {text!r}", _line(act), "refused in a line")
        total = score(run, "ab" * (500 if quick else 20_000)).nats
        check(f"{cell}, huge losses", np.isfinite(total) and total > 1e38, "a finite sum")
    for length, order in product((0, 1, 2, 3), (1, 2, 3, 5)):
        ids = np.arange(length) % 2
        act = lambda i=ids, o=order: Baseline.of(vocab, i, o)  # noqa: E731
        try:
            baseline = act()
        except ValueError:
            check(f"n-gram, {length}, {order}", _line(act), "refused in a line")
            continue
        nats = [
            baseline.ngram.nats(np.array([0, 1, 1])),
            adaptive_nats(ids, np.array([0, 1]), 2, 1),
        ]
        sound = all(np.isfinite(part).all() and (part >= 0).all() for part in nats)
        check(f"n-gram, {length}, {order}", sound, "a finite loss")
    return row("texts of 0 to 3 characters, and losses of 3e38 nats", found, wrong)


CASES: dict[str, Callable[[bool], Row]] = {
    "overflows": overflows,
    "hopeless": hopeless,
    "spikes": spikes,
    "repeats": repeats,
    "evaluations": evaluations,
    "batches": batches,
    "draws": draws,
    "limits": limits,
    "pages": pages,
    "tiny": tiny,
}
