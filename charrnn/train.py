"""Truncated BPTT with carried state: from a stream of ids to a model, resumable at any step.

A training is a folder:

    last.safetensors   everything needed to go on: weights, optimizer, random states, place in text
    best.safetensors   the weights with the lowest validation loss so far, ready to be sampled
    history.csv        one line per report: step, epoch, chars, losses, rate, speed, seconds
    samples.jsonl      texts the model wrote on the way, from one fixed prompt and seed

On one machine's CPU a training that was stopped and resumed, in whatever way, gives the same
weights bit for bit as one that was not.

A step can be computed in groups of lanes, one after the other (`accumulate`), and its lanes can be
shared out over processes (`charrnn.distributed`): the same losses, but for the rounding of sums.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm.auto import tqdm

from charrnn import distributed
from charrnn.batches import IGNORED, Lanes, Lines, arrange, check_shares, share
from charrnn.checkpoint import load_checkpoint
from charrnn.cuda.captured import step_for
from charrnn.devices import PRECISIONS, arithmetic, choose_device, choose_precision, deterministic
from charrnn.fields import shown
from charrnn.interrupts import Interrupted, stop_signals
from charrnn.lock import held
from charrnn.maps import digest, let_go
from charrnn.masks import LaneMasks
from charrnn.model import CharRNN, ModelConfig, State
from charrnn.native.fixed_point_kernel import forget
from charrnn.native.memory import keep_pages
from charrnn.optimize import build_optimizer, finite_lanes, learning_rate, update
from charrnn.records import append_history, append_sample, truncate_records
from charrnn.sample import Sampling, generate
from charrnn.saving import TrainingError as TrainingError  # raised by `run`
from charrnn.saving import (
    alone,
    check_finite,
    restore,
    said_when_full,
    save,
    settings_of,
    write,
)
from charrnn.score import loss as stream_loss
from charrnn.settings import TrainConfig
from charrnn.vocab import Vocab

EVAL = {"lanes": 32, "warmup": 128, "seq": 256}
NEWER = ("skipped", "lowest_loss", "spiking")
"""Fields of `Progress` that older checkpoints lack."""
PATIENCE = 50
"""Updates left out one after another before a training stops. fp16's scale, halved at each, goes
from its first value, 2^16, below `LEAST_SCALE` in fewer."""
LEAST_SCALE = 2.0**-14
"""fp16's smallest normal number: the loss itself, about 1, is lost among the subnormal ones by a
scale below it, and so are all of its gradients."""
SPIKE = 1.0
"""Nats a train_loss in the history must be above the lowest one to count as a spike, or above
ln V, which all symbols alike cost. The largest rise in a recorded run's history is 0.17."""


@dataclass
class Progress:
    """Where a training stands; every field is kept in its checkpoint."""

    step: int = 0
    best_loss: float = math.inf
    best_step: int = 0
    seconds: float = 0.0
    meter_steps: int = 0
    """Steps since the last line of the history."""
    meter_seconds: float = 0.0
    skipped: int = 0
    """Updates left out because their gradient was not finite."""
    lowest_loss: float = math.inf
    """The lowest train_loss in the history."""
    spiking: int = 0
    """1 from a line of the history far above the lowest on, until the loss is back; else 0."""

    @classmethod
    def from_dict(cls, kept: dict) -> Progress:
        """The fields as a checkpoint keeps them.

        Raises KeyError where it lacks one, TypeError or ValueError where one cannot be.
        """
        kept = {name: getattr(cls, name) for name in NEWER} | kept
        progress = cls(**{f.name: kept[f.name] for f in fields(cls)})
        for name, value in asdict(progress).items():
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise TypeError(f"{name} is {shown(value)}, which is no number")
            whole = isinstance(getattr(cls, name), int)
            if math.isnan(value) or (value < 0 and not name.endswith("_loss")):
                raise ValueError(f"{name} is {value}; it must be 0 or more")
            if whole and not isinstance(value, int):
                raise TypeError(f"{name} is {shown(value)}; it must be a whole number")
        return progress


@dataclass(repr=False)
class Training:
    """A training in memory: made by `start` or `resume`, advanced by `run`."""

    model: CharRNN
    vocab: Vocab
    config: TrainConfig
    train_ids: np.ndarray
    val_ids: np.ndarray
    folder: Path
    corpus: dict
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    generator: torch.Generator
    device: torch.device
    precision: str
    progress: Progress = field(default_factory=Progress)
    state: State | None = None
    """Of this process's lanes, each (L, B, H)."""
    meter: torch.Tensor | None = None

    def __repr__(self) -> str:
        total = "" if self.total_steps is None else f" of {self.total_steps:,}"
        return f"<Training {self.folder}: step {self.progress.step:,}{total}>"

    @cached_property
    def data(self) -> Lanes | Lines:
        """The steps that the training text is read in, this process's lanes of each."""
        c, restart = self.config, self.model.config.restart
        rank, ranks = distributed.rank(), distributed.ranks()
        return arrange(self.train_ids, c.batch, c.seq, restart, c.seed, rank, ranks)

    @cached_property
    def left_out(self) -> Tensor:
        """On the device, (2,) float32: updates left out since `settle`, and the latest in a row."""
        return torch.zeros(2, device=self.device)

    @property
    def steps_per_epoch(self) -> int:
        return self.data.steps

    @property
    def characters(self) -> int:
        """Characters read so far."""
        return round(self.progress.step * self.data.characters)

    @property
    def total_steps(self) -> int | None:
        """Steps in the whole training; None when it is measured in minutes."""
        if self.config.minutes is not None:
            return None
        if self.config.steps is not None:
            return self.config.steps
        return max(1, round(self.config.epochs * self.steps_per_epoch))

    @property
    def done(self) -> float:
        """The share of the training that is behind, 0 to 1."""
        if self.total_steps is None:
            return min(1.0, self.progress.seconds / (60 * self.config.minutes))
        return min(1.0, self.progress.step / self.total_steps)

    @property
    def finished(self) -> bool:
        return self.done >= 1.0

    def count(self, left_out: Tensor) -> None:
        """Note on the device that an update was left out, 1, or not, 0."""
        self.left_out += left_out
        self.left_out[1] *= left_out

    def settle(self) -> int:
        """Take over into `progress` what the device has counted, which is waited for.

        Returns how many updates in a row were left out just now.
        """
        skipped, in_a_row = map(int, self.left_out.tolist())
        self.progress.skipped += skipped
        self.left_out[0] = 0
        return in_a_row


def start(
    model_config: ModelConfig,
    vocab: Vocab,
    train_ids: np.ndarray,
    val_ids: np.ndarray,
    config: TrainConfig,
    folder: str | Path,
    corpus: dict | None = None,
) -> Training:
    """A new training in an empty folder (FileExistsError where one stands already, BusyError where
    another process is about to put one there)."""
    folder = Path(folder)
    if (folder / "last.safetensors").exists():
        raise FileExistsError(
            f"{folder} already holds a training; resume it or choose another name"
        )
    if len(val_ids) < 2:
        raise ValueError(
            f"{len(val_ids)} characters for validation are too few; give it a larger part"
        )
    vocab.encode(config.sample_prompt)  # raises now rather than at the first sample
    if distributed.rank() == 0 and folder.is_dir():
        with held(folder):  # records of a training killed before its first save
            for name in ("history.csv", "samples.jsonl"):
                (folder / name).unlink(missing_ok=True)
    generator = torch.Generator().manual_seed(config.seed)
    model = CharRNN(model_config, generator)
    training = _assemble(model, vocab, train_ids, val_ids, config, folder, corpus or {})
    training.generator.manual_seed(config.seed + 1)
    return training


def resume(
    folder: str | Path,
    train_ids: np.ndarray,
    val_ids: np.ndarray,
    config: TrainConfig | None = None,
) -> Training:
    """The training in a folder, exactly as its last checkpoint left it.

    `config` replaces the settings kept there: a longer total, another device. The texts must be
    those it was started with; the caller checks the corpus' hash. Raises ValueError where the
    place in the text or the optimizer's memory would lose its meaning, BusyError where another
    process is at work in the folder.
    """
    checkpoint = load_checkpoint(Path(folder) / "last.safetensors")
    kept = settings_of(checkpoint)
    config = config or kept
    for name in ("batch", "seq", "optimizer"):
        if getattr(config, name) != getattr(kept, name):
            raise ValueError(
                f"{name} was {getattr(kept, name)} and cannot become {getattr(config, name)} on "
                "the way; keep it, or start a new training from these weights (--init-from)"
            )
    model, vocab = checkpoint.model(), checkpoint.vocab
    training = _assemble(model, vocab, train_ids, val_ids, config, Path(folder), checkpoint.corpus)
    restore(training, checkpoint)
    if distributed.rank() == 0:
        with held(training.folder):
            truncate_records(training.folder, training.progress.step)
    return training


def _assemble(model, vocab, train_ids, val_ids, config, folder, corpus) -> Training:
    device = choose_device(config.device)
    distributed.check_device(device)
    precision = choose_precision(device, config.precision, model.config)
    model.to(device)
    if device.type == "cpu":
        keep_pages()
    training = Training(
        model=model,
        vocab=vocab,
        config=config,
        train_ids=train_ids,
        val_ids=val_ids,
        folder=folder,
        corpus=corpus,
        optimizer=build_optimizer(model, config),
        scaler=torch.amp.GradScaler(device.type, enabled=precision == "fp16"),
        generator=torch.Generator(device),
        device=device,
        precision=precision,
        meter=torch.zeros((), dtype=_meter_dtype(device), device=device),
    )
    check_shares(training.data, distributed.ranks(), config.accumulate)
    return training


def _meter_dtype(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


def run(training: Training, progress_bar: bool = True) -> Training:
    """Train to the end. Interrupted (all saved) on Ctrl-C, SIGTERM or SIGHUP, TrainingError on NaN
    or where the disk is full.

    Where torchrun started several processes, each calls this with a training of its own; what a
    signal to one of them stops stops in all of them at the same step.
    """
    with alone(training), said_when_full(training):
        return _run(training, progress_bar)


def _run(training: Training, progress_bar: bool) -> Training:
    """`run` in a folder that is this process's own."""
    data = training.data
    distributed.check_same(_facts(training))
    if isinstance(data, Lanes) and training.device.type != "cpu":
        data = data.on(training.device)
    advance = step_for(training, data) or partial(_advance, training, data)
    with stop_signals() as stopped, _bar(training, progress_bar) as bar:
        saved_at = time.monotonic()
        while not training.finished:
            advance()
            overdue = time.monotonic() - saved_at > 60 * training.config.save_minutes
            asked, overdue = _agree(training, stopped(), overdue)
            if _due(training):
                if report(training, bar)["val_loss"] is not None:
                    saved_at = time.monotonic()
            elif overdue:
                save(training)
                saved_at = time.monotonic()
            bar.update(1 if training.total_steps else 0)
            if asked and not training.finished:
                save(training)
                raise Interrupted(f"stopped at step {training.progress.step}; all is saved")
    forget()
    return training


def _facts(training: Training) -> dict[str, str]:
    """What has to be the same in all processes that train together; hashes of it."""
    if distributed.ranks() == 1:
        return {}
    settings = json.dumps([training.config.to_dict(), training.model.config.to_dict()])
    weights = (w.detach().cpu().numpy() for w in training.model.parameters())
    return {
        "text": digest([training.train_ids, training.val_ids]),
        "setting": settings,
        "precision": training.precision,  # of "auto", what each machine makes of it
        "network or checkpoint": digest(weights) + f" at step {training.progress.step}",
    }


def _agree(training: Training, asked: bool, overdue: bool) -> tuple[bool, bool]:
    """Whether any process was asked to stop, and whether process 0 finds a checkpoint overdue.

    The time that has passed is process 0's from here on, as everything that depends on it must be
    the same everywhere.
    """
    progress = training.progress
    asked, numbers = distributed.agreed(
        asked, progress.seconds, progress.meter_seconds, float(overdue)
    )
    progress.seconds, progress.meter_seconds, overdue = numbers
    return asked, overdue > 0


def _advance(training: Training, data) -> None:
    """One step of truncated BPTT: forward, backward, clip, update."""
    began = time.perf_counter()
    progress, config, epoch = training.progress, training.config, training.steps_per_epoch
    lines = isinstance(training.data, Lines)
    if lines or progress.step % epoch == 0:
        training.state = None  # no text stands before a line, nor before a lane that starts over
    rate = learning_rate(config, progress.step, progress.step / epoch, training.done)
    for group in training.optimizer.param_groups:
        group["lr"] = rate
    x, y = data.step(progress.step if lines else progress.step % epoch)
    x, y = x.to(training.device), y.to(training.device)
    training.model.train()
    training.optimizer.zero_grad(set_to_none=True)
    on_cpu = training.device.type == "cpu"
    with deterministic(config.deterministic):
        loss, state = _differentiate(training, x, y)
        left_out = update(training.model, training.optimizer, training.scaler, config, ask=on_cpu)
    training.count(left_out)
    training.state = finite_lanes(state, ask=on_cpu)
    training.meter += loss
    progress.step += 1
    progress.meter_steps += 1
    if on_cpu:
        check_finite(training, loss.item())
        _check_going(training)
    elapsed = time.perf_counter() - began
    progress.seconds += elapsed
    progress.meter_seconds += elapsed


def _check_going(training: Training) -> None:
    """TrainingError where update after update is left out, so that nothing is learnt any more."""
    in_a_row, step, config = training.settle(), training.progress.step, training.config
    advice = (
        f"lower the learning rate (lr is {config.lr:g}) or clip harder (clip_norm is "
        f"{config.clip_norm}); the last checkpoint is kept"
    )
    if in_a_row >= PATIENCE:
        raise TrainingError(
            f"the gradient was not finite at {in_a_row} steps in a row, the last of them {step}, "
            f"and no update was made: use precision fp32 (it is {training.precision}), {advice}"
        )
    if training.scaler.is_enabled() and training.scaler.get_scale() < LEAST_SCALE:
        raise TrainingError(
            f"fp16 overflows at step {step} however little the loss is scaled (by "
            f"{training.scaler.get_scale():g}): use precision fp32 or bf16, {advice}"
        )


def _differentiate(training: Training, x: Tensor, y: Tensor) -> tuple[Tensor, State]:
    """The mean loss of a step, its (scaled) gradient left in the weights, and the state after it.

    x, y: (T, B), this process's lanes. The mean is over the targets of all processes.
    """
    if distributed.ranks() == training.config.accumulate == 1:
        loss, state = _loss(training, x, y, training.state, training.generator)
        training.scaler.scale(loss).backward()
        return loss.detach(), state
    losses, weights, states = zip(*_in_groups(training, x, y), strict=True)
    loss = distributed.average(training.model, sum(losses), sum(weights))
    return loss, tuple(torch.cat(parts, dim=1) for parts in zip(*states, strict=True))


def _in_groups(training: Training, x: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor, State]]:
    """Add up the gradients of groups of lanes, each weighted by its share of a step's targets.

    Yields of each its loss times that weight, the weight, and its state afterwards. All draw
    dropout's masks from the same place, so that each finds its own lanes'.
    """
    config, before = training.config, training.generator.get_state()
    width = training.data.width(training.progress.step)
    mine = share(width, distributed.rank(), distributed.ranks())
    for group in range(config.accumulate):
        lanes = share(len(mine), group, config.accumulate)
        if not len(lanes):  # the last lines of an epoch can be fewer than the groups
            continue
        own = slice(lanes.start, lanes.stop)
        training.generator.set_state(before)
        masks = LaneMasks(training.generator, mine.start + lanes.start, width)
        state = training.state and tuple(s[:, own].contiguous() for s in training.state)
        x_own, y_own = x[:, own].contiguous(), y[:, own].contiguous()
        loss, state = _loss(training, x_own, y_own, state, masks)
        weight = (y_own != IGNORED).sum() / (config.batch * config.seq)
        training.scaler.scale(loss * weight).backward()
        yield (loss * weight).detach(), weight, state


def _loss(
    training: Training,
    x: Tensor,
    y: Tensor,
    state: State | None,
    masks: torch.Generator | LaneMasks,
) -> tuple[Tensor, State]:
    """Mean cross-entropy of lanes (T, B) in nats per character, and the detached state after them.

    masks: where dropout's are drawn from.
    """
    with arithmetic(training.device, training.precision):
        logits, state = training.model(x, state, masks)
    loss = F.cross_entropy(logits.float().flatten(0, 1), y.flatten())
    return loss, tuple(s.detach() for s in state)


def eval_every(training: Training) -> int:
    """Steps between validations: as asked for, or 40 in a run and at most 500 steps apart.

    Fewer where the validation part is long, but at least 10: a character read takes about a third
    of the time of one trained on, and with half as many of them that adds a sixth to the training.
    """
    if training.config.eval_every:
        return training.config.eval_every
    total = training.total_steps or 20 * training.steps_per_epoch
    cheap = int(2 * len(training.val_ids) / training.data.characters)
    return max(1, min(500, total // 40), min(cheap, total // 10))


def _due(training: Training) -> bool:
    """Whether a line of the history is wanted after this step."""
    step, every = training.progress.step, eval_every(training)
    return _sample_due(training) or step % every == 0 or step % max(1, every // 5) == 0


def _sample_due(training: Training) -> bool:
    step, config = training.progress.step, training.config
    regular = config.sample_every is not None and step % config.sample_every == 0
    return regular or step in config.sample_steps or training.finished


def report(training: Training, bar=None) -> dict:
    """Add a line to the history; validate, keep the best, sample and save where it is time."""
    progress = training.progress
    began = time.perf_counter()
    train_loss = (training.meter / max(1, progress.meter_steps)).item()  # waits for a GPU's queue
    progress.seconds += time.perf_counter() - began
    progress.meter_seconds += time.perf_counter() - began
    _agree(training, asked=False, overdue=False)
    check_finite(training, train_loss)
    _check_going(training)
    _note_spikes(training, train_loss)
    chars = progress.meter_steps * training.data.characters
    due = progress.step % eval_every(training) == 0 or training.finished
    row = {
        "step": progress.step,
        "epoch": progress.step / training.steps_per_epoch,
        "chars": training.characters,
        "train_loss": train_loss,
        "val_loss": validate(training) if due else None,
        "lr": training.optimizer.param_groups[0]["lr"],
        "chars_per_s": chars / max(1e-9, progress.meter_seconds),
        "seconds": progress.seconds,
    }
    training.meter.zero_()
    progress.meter_steps, progress.meter_seconds = 0, 0.0
    if distributed.rank() == 0:
        append_history(training.folder, row)
        if _sample_due(training):
            _append_sample(training)
    if due:
        save(training)
    if bar is not None:
        shown = {"loss": f"{train_loss:.3f}", "char/s": f"{row['chars_per_s']:,.0f}"}
        if math.isfinite(progress.best_loss):
            shown["best val"] = f"{progress.best_loss:.3f}"
        bar.set_postfix(shown)
    return row


def _note_spikes(training: Training, train_loss: float) -> None:
    """Say once, in a line on stderr, that the loss of the history has jumped up."""
    progress, config = training.progress, training.config
    knowing_nothing = math.log(training.model.config.vocab_size)
    lowest = min(progress.lowest_loss, knowing_nothing)
    above = train_loss - lowest
    progress.lowest_loss = min(progress.lowest_loss, train_loss)
    if above > SPIKE and not progress.spiking and distributed.rank() == 0:
        note = (
            f"the loss jumped to {train_loss:.4g} nats at step {progress.step}, from {lowest:.4g} "
            f"before; if it stays up, lower the learning rate (--lr, {config.lr:g}) or clip harder "
            f"(--clip-norm, {config.clip_norm or 'off'}); best.safetensors keeps the best weights"
        )
        tqdm.write(note, file=sys.stderr)
    progress.spiking = int(above > (SPIKE / 2 if progress.spiking else SPIKE))


def validate(training: Training) -> float:
    """Validation loss in nats per character; a new best is written to best.safetensors at once.

    Process 0 reads the text; the others wait for what it finds.
    """
    value = 0.0
    if distributed.rank() == 0:
        dtype = PRECISIONS[training.precision]
        with deterministic(training.config.deterministic):
            value = stream_loss(training.model, training.val_ids, precision=dtype, **EVAL)
        let_go(training.val_ids)
    _, (value,) = distributed.agreed(False, value)
    check_finite(training, value)
    if value < training.progress.best_loss:
        training.progress.best_loss, training.progress.best_step = value, training.progress.step
        write(training, "best.safetensors")
    return value


def _append_sample(training: Training) -> None:
    config = training.config
    settings = Sampling(
        length=config.sample_length,
        temperature=config.sample_temperature,
        temperature_on=config.sample_temperature_on,
        seed=config.seed,
    )
    text = "".join(generate(training.model, training.vocab, config.sample_prompt, settings))
    record = {
        "step": training.progress.step,
        "epoch": round(training.progress.step / training.steps_per_epoch, 3),
        "prompt": config.sample_prompt,
        "temperature": config.sample_temperature,
        "seed": config.seed,
        "text": text,
    }
    append_sample(training.folder, record)


def _bar(training: Training, shown: bool) -> tqdm:
    return tqdm(
        total=training.total_steps,
        initial=training.progress.step,
        unit="step",
        disable=not shown or distributed.rank() > 0,
        desc="".join(c if c.isprintable() else "?" for c in training.folder.name),
        mininterval=0.5,
    )
