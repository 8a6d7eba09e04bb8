r"""Which of the silent changes to the post's program mattered: all sixteen ways to combine four.

Between the program of 21 May 2015 and what char-rnn became, four changes touch training: the
softmax's gradient is *added* to the top layer's where it used to overwrite it, dropout is on the
way *upward* only and no longer on the recurrent path, the learning rate has a *decay* of 0.97 an
epoch after 10 epochs, and the *forget* gate's bias starts at 1. A fifth, what the temperature
divides, touches sampling alone (`benchmarks.temperatures`). Every combination is trained with every
seed, side by side (`benchmarks.ensemble`), on a GPU in TF32 products and on a CPU in float32. A
seed's networks begin with the same weights (but the forget bias), read the same text in the same
order and draw the same dropout masks, so differences between variants are taken seed by seed.

Both ways to hold text out are read on the same networks. The last 5 % of the file (a contiguous
tail, as nanoGPT and torch-rnn have it) is held out first. The rest is folded into lanes, and the
last 5 % of each lane is held out too, which is char-rnn's split; what remains is trained on. Either
text is read in lanes whose state was built up on what stands before, and every target counts once.

    python -m benchmarks.ablation TEXT [--hidden 128] [--layers 2] [--dropout 0.25] [--epochs 30]
        [--seeds 5] [--batch 100] [--seq 50] [--device D] [--groups all|NAME,NAME] [--minutes M]
        [--folder FOLDER] [--quick]

The changes to the gradient and to dropout change what a step computes, so they make four groups:
day (neither), added, upward, both. A group is written to `ablation-<text>-<machine>.json` once it
is finished, and not trained again by a later command with the same settings. Where `--minutes` run
out, what there is by then is written as unfinished; the chapter compares groups at the last step
that all of them reached. No weights are kept.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import gettempdir

import numpy as np
import torch

from benchmarks.ensemble import Ensemble, HeldOut, held_out, quick_products
from benchmarks.machine import RESULTS, machine, save_result, slug
from charrnn.corpora import load_corpus
from charrnn.devices import choose_device, describe_device
from charrnn.eras import ERAS
from charrnn.interrupts import Interrupted, stop_signals
from charrnn.model import CharRNN, ModelConfig
from charrnn.optimize import learning_rate
from charrnn.sample import Sampling, generate
from charrnn.settings import TrainConfig
from charrnn.vocab import Vocab

CHANGES = ("added", "upward", "decay", "forget")
"""The changes, as a row of the result names them: true where the later program's way is taken."""
GROUPS = {"day": (False, False), "added": (True, False), "upward": (False, True),
          "both": (True, True)}  # fmt: skip
"""(added, upward) of the networks that are trained side by side."""
MEMBERS = tuple((decay, forget) for decay in (False, True) for forget in (False, True))
POST_STEPS = (100, 300, 500, 700, 1200, 2000)
"""Iterations at which the post shows what its network wrote."""
TAIL = LANES = 0.05
"""Shares held out: of the file at its end, and of what is left at the end of every lane."""
SAMPLE = Sampling(length=300, temperature=1.0, seed=0)
SAVE_SECONDS = 60.0
"""Longest time for which what was measured stands in memory alone."""
QUICK = {"hidden": 16, "layers": 2, "epochs": 1.0, "seeds": 2, "batch": 16, "seq": 10}
FIRST_DAY, LAST_DAY = ERAS["2015-05-21"], ERAS["char-rnn"]


@dataclass(frozen=True)
class Settings:
    """What all networks of a result have in common."""

    hidden: int = 128
    layers: int = 2
    dropout: float = 0.25
    epochs: float = 30.0
    seeds: int = 5
    batch: int = 100
    seq: int = 50

    def __post_init__(self) -> None:
        for name in ("hidden", "layers", "epochs", "seeds", "batch", "seq"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}; it must be at least 0 and below 1")


@dataclass(frozen=True)
class Texts:
    """A text cut for the ablation."""

    vocab: Vocab
    columns: np.ndarray
    """int64 (steps * seq + 1, B), what is trained on."""
    tail: HeldOut
    """The end of the file."""
    lanes: HeldOut
    """The end of every lane."""


def cut(text: str, settings: Settings) -> Texts:
    """The three parts of a text. ValueError where it is too short for batch x seq.

    The first character of a lane's held-out end is the last target of training, as in char-rnn,
    and so does not count as held out.
    """
    vocab, batch, seq = Vocab.of(text), settings.batch, settings.seq
    ids = vocab.encode(text)
    body = math.floor(len(ids) * (1 - TAIL))
    chunks = body // (batch * seq)
    steps = math.floor(chunks * (1 - LANES))
    if steps < 1:
        raise ValueError(
            f"{len(ids)} characters are too few for batch {batch} x seq {seq}; lower one of the two"
        )
    starts, trained = np.arange(batch) * chunks * seq, steps * seq
    columns = ids[starts + np.arange(trained + 1)[:, None]].astype(np.int64)
    begins = starts + trained + 1
    width = -(-(len(ids) - body) // batch)
    return Texts(
        vocab=vocab,
        columns=columns,
        tail=held_out(ids, body + np.arange(batch) * width, width, len(ids), seq),
        lanes=held_out(ids, begins, (chunks - steps) * seq - 1, len(ids), seq),
    )


@dataclass(frozen=True)
class Variant:
    """One network: which of the changes it has, and its seed."""

    added: bool
    upward: bool
    decay: bool
    forget: bool
    seed: int

    def model(self, settings: Settings, vocab_size: int) -> CharRNN:
        """The network as it begins."""
        forget = (LAST_DAY if self.forget else FIRST_DAY).model["forget_bias"]
        config = ModelConfig(
            vocab_size,
            hidden=settings.hidden,
            layers=settings.layers,
            dropout=settings.dropout,
            forget_bias=forget,
            init=FIRST_DAY.model["init"],
            recurrent_dropout=not self.upward,
            detach_top_h=not self.added,
        )
        return CharRNN(config, torch.Generator().manual_seed(self.seed))

    def training(self, settings: Settings) -> TrainConfig:
        """The settings that `charrnn.train` would have."""
        era = LAST_DAY if self.decay else FIRST_DAY
        return TrainConfig(
            batch=settings.batch,
            seq=settings.seq,
            epochs=settings.epochs,
            clip_value=era.clip_value(settings.seq),
            seed=self.seed,
            **era.training,
        )


class Group:
    """The networks of one structure, trained side by side."""

    def __init__(self, name: str, texts: Texts, settings: Settings, device: torch.device) -> None:
        self.name, self.settings, self.vocab, self.device = name, settings, texts.vocab, device
        seeds = range(1, settings.seeds + 1)
        self.variants = [Variant(*GROUPS[name], *m, seed) for m in MEMBERS for seed in seeds]
        self.configs = [v.training(settings) for v in self.variants]
        self.stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        with self.side():
            self.ensemble = Ensemble(
                [v.model(settings, len(texts.vocab)) for v in self.variants],
                torch.from_numpy(texts.columns),
                settings.seq,
                [c.lr for c in self.configs],
                clip=self.configs[0].clip_value,
                alpha=self.configs[0].alpha,
                masks=[v.seed - 1 for v in self.variants],
                device=device,
            )
            self.readers = {k: self.ensemble.reader(getattr(texts, k)) for k in ("tail", "lanes")}
        self.epoch = self.ensemble.steps_per_epoch
        self.total = max(1, round(settings.epochs * self.epoch))
        self.due = report_steps(self.total, self.epoch)
        self.reports: list[dict] = []
        self.snapshots: dict[int, torch.Tensor] = {}
        self.samples: list[dict] = []
        self.shown = [i for i, v in enumerate(self.variants) if v.seed == 1]
        self.began: float | None = None

    def side(self):
        """The stream of a GPU on which all of this group happens, beside those of the others."""
        return nullcontext() if self.stream is None else torch.cuda.stream(self.stream)

    @property
    def seconds(self) -> float:
        """Since the first step; on a GPU the other groups were trained in the same time."""
        return 0.0 if self.began is None else time.monotonic() - self.began

    @property
    def finished(self) -> bool:
        return self.ensemble.step >= self.total

    def advance(self, most: int) -> bool:
        """Train up to so many steps, or to the next report; whether there was one."""
        self.began, step = self.began or time.monotonic(), self.ensemble.step
        following = next(s for s in self.due if s > step)
        edge = (step // self.epoch + 1) * self.epoch  # the rate changes between epochs
        with self.side():
            self._set_rates()
            self.ensemble.advance(min(most, following - step, edge - step))
            reached = self.ensemble.step == following
            if reached:
                self._report()
        return reached

    def _set_rates(self) -> None:
        """The rate of each network for the epoch at hand, where a new one begins."""
        epoch, rest = divmod(self.ensemble.step, self.epoch)
        if rest == 0:
            rates = [learning_rate(c, self.ensemble.step, epoch, 0.0) for c in self.configs]
            self.ensemble.rates.copy_(torch.tensor(rates)[:, None])

    def _report(self) -> None:
        loss, norm = self.ensemble.read_meter()
        step = self.ensemble.step
        found = {"train": loss, "norm": norm} | {k: read() for k, read in self.readers.items()}
        self.reports.append({"step": step, **found})
        if step in POST_STEPS or step == self.total:
            self.snapshots[step] = self.ensemble.snapshot(self.shown)

    def told(self) -> str:
        """The last report in a line."""
        last = self.reports[-1]
        losses = "  ".join(f"{k} {np.mean(last[k]):.4f}" for k in ("train", "tail", "lanes"))
        return f"{self.name:6}  step {last['step']:6,} of {self.total:,}  {losses}  " \
               f"norm {np.mean(last['norm']):.3f}  {self.seconds:5.0f} s"  # fmt: skip

    def record(self) -> dict:
        """The group as it stands in the result."""
        columns = ("train", "norm", "tail", "lanes")
        rows = []
        for i, variant in enumerate(self.variants):
            curves = {k: [round(float(r[k][i]), 4) for r in self.reports] for k in columns}
            rows.append({**asdict(variant), **curves})
        return {
            "group": self.name,
            "finished": self.finished,
            "device": describe_device(self.device),
            "torch": torch.__version__,
            "seconds": round(self.seconds, 1),
            "steps": [r["step"] for r in self.reports],
            "rows": rows,
            "samples": self._write(),
        }

    def _write(self) -> list[dict]:
        """What each variant's first seed wrote, at the post's iterations and at the end."""
        for step, rows in self.snapshots.items():
            for i, row in zip(self.shown, rows, strict=True):
                text = "".join(generate(self.ensemble.network(row), self.vocab, "", SAMPLE))
                variant = {k: getattr(self.variants[i], k) for k in CHANGES}
                self.samples.append({**variant, "step": step, "text": text})
        self.snapshots = {}
        return self.samples


def report_steps(total: int, epoch: int) -> list[int]:
    """Steps after which everything is measured: each epoch's last, the post's, and the last."""
    steps = {*range(epoch, total, epoch), *POST_STEPS, total}
    return sorted(s for s in steps if s <= total)


def train(groups: list[Group], until: float, save) -> None:
    """Train groups until that time, in turns of some steps; on a GPU they run at the same time.

    save: given those that go into the result; called as a group finishes, from time to time, and
    when time is up. Where there is no such time, a CPU trains one group after the other, so that
    each is finished as early as can be. Interrupted on Ctrl-C or SIGTERM, with all saved.
    """
    in_turns = math.isfinite(until) or any(group.stream for group in groups)
    left, saved = list(groups), time.monotonic()
    with stop_signals() as stopped:
        while left and time.monotonic() < until and not stopped():
            for group in left if in_turns else left[:1]:
                if group.advance(10):
                    print(group.told(), flush=True)
            done = [group for group in left if group.finished]
            late = time.monotonic() - saved > SAVE_SECONDS
            if done or late:
                save(left if late else done)
                saved = time.monotonic()
            left = [group for group in left if not group.finished]
        save(left)
        if left and stopped():
            raise Interrupted(f"stopped with {len(left)} of {len(groups)} groups unfinished")


class Book:
    """The result's file, to which several processes may add their groups."""

    def __init__(self, name: str, about: dict, folder: Path) -> None:
        """about: what all groups have in common. ValueError where the file has something else."""
        self.name, self.about, self.folder = name, about, folder
        self.path = folder / f"{name}-{slug(machine())}.json"
        kept = self._read()
        other = {k: kept[k] for k in about if kept and kept.get(k) != about[k]}
        if other:
            told = ", ".join(f"{k} {v}" for k, v in other.items())
            raise ValueError(f"{self.path} holds groups with {told}; move it away, or ask for that")

    def _read(self) -> dict:
        return json.loads(self.path.read_text()) if self.path.is_file() else {}

    def finished(self) -> list[str]:
        """The groups that need no more training."""
        return [g["group"] for g in self._read().get("groups", []) if g["finished"]]

    def add(self, groups: list[Group]) -> None:
        """Write groups, in place of those of their names that had come less far."""
        new = [group.record() for group in groups if group.reports]
        if not new:
            return
        with _alone(self.path):
            kept = {g["group"]: g for g in self._read().get("groups", [])}
            for group in new:
                before = kept.get(group["group"])
                if before is None or before["steps"][-1] <= group["steps"][-1]:
                    kept[group["group"]] = group
            ordered = [kept[name] for name in GROUPS if name in kept]
            save_result(self.name, {**self.about, "groups": ordered}, self.folder)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other process that asks for the same path is inside at the same time."""
    with open(Path(gettempdir()) / f"{path.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def options(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("text", help="the name of a corpus, or a file")
    for name, value in asdict(Settings()).items():
        parser.add_argument(f"--{name}", type=type(value), help=f"{value:g}")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--groups", default="all", help=f"all, or some of {', '.join(GROUPS)}")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so many")
    parser.add_argument("--folder", type=Path, default=RESULTS, help="where the result lies")
    parser.add_argument(
        "--quick", action="store_true", help="tiny networks, for less than a minute"
    )
    args = parser.parse_args(arguments)
    args.names = list(GROUPS) if args.groups == "all" else args.groups.split(",")
    unknown = [name for name in args.names if name not in GROUPS]
    if unknown:
        parser.error(f"group {unknown[0]!r}; there are {', '.join(GROUPS)}, or all")
    return args


def chosen(args: argparse.Namespace) -> Settings:
    """The settings of a command line. ValueError where one of them makes no sense."""
    base = replace(Settings(), **QUICK) if args.quick else Settings()
    asked = {k: getattr(args, k) for k in asdict(base) if getattr(args, k) is not None}
    return replace(base, **asked)


def ablate(text: str, settings: Settings, name: str, args: argparse.Namespace) -> Path:
    """Train the groups that are missing on a text and write them; the path of the result.

    args: as `options` gives them; `names`, `device`, `minutes` and `folder` count here.
    """
    until = time.monotonic() + 60 * args.minutes
    device, texts = choose_device(args.device), cut(text, settings)
    quick_products(device)
    book = Book(
        f"ablation-{name.replace('_', '-')}", about(text, texts, settings, name), args.folder
    )
    kept = book.finished()
    for group in (group for group in args.names if group in kept):
        print(f"{group} is finished in {book.path}")
    missing = [group for group in args.names if group not in kept]
    train([Group(n, texts, settings, device) for n in missing], until, book.add)
    return book.path


def about(text: str, texts: Texts, settings: Settings, name: str) -> dict:
    """What stands at the top of a result."""
    return {
        "text": name,
        "characters": len(text),
        "symbols": len(texts.vocab),
        "settings": asdict(settings),
        "steps_per_epoch": (len(texts.columns) - 1) // settings.seq,
        "targets": {"tail": texts.tail.targets, "lanes": texts.lanes.targets},
        "unit": "nats per character",
    }


def main(arguments: list[str] | None = None) -> int:
    args = options(arguments)
    try:
        settings = chosen(args)
        corpus = load_corpus(args.text)
        ablate(corpus.read_text(), settings, corpus.name, args)
    except ValueError as error:  # CorpusError is one
        print(f"ablation: {error}", file=sys.stderr)
        return 2
    except Interrupted as ended:
        print(f"{ended}; what was measured is written, they begin anew", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
