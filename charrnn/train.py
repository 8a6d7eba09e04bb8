"""Truncated BPTT with carried state: from a stream of ids to a model, resumable at any step.

A training is a folder:

    last.safetensors   everything needed to go on: weights, optimizer, random states, place in text
    best.safetensors   the weights with the lowest validation loss so far, ready to be sampled
    history.csv        one line per report: step, epoch, chars, losses, rate, speed, seconds
    samples.jsonl      texts the model wrote on the way, from one fixed prompt and seed

On one machine's CPU a training that was stopped and resumed, in whatever way, gives the same
weights bit for bit as one that was not.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from tqdm.auto import tqdm

from charrnn.batches import Lanes, Lines, arrange
from charrnn.checkpoint import (
    Checkpoint,
    CheckpointError,
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from charrnn.devices import PRECISIONS, choose_device, choose_precision
from charrnn.model import CharRNN, ModelConfig
from charrnn.optimize import build_optimizer, clip, learning_rate
from charrnn.records import append_history, append_sample, truncate_records
from charrnn.sample import Sampling, generate
from charrnn.score import loss as stream_loss
from charrnn.settings import TrainConfig
from charrnn.vocab import Vocab

EVAL = {"lanes": 32, "warmup": 128, "seq": 256}


class TrainingError(RuntimeError):
    """A training cannot go on; the message says what to change."""


class Interrupted(Exception):
    """The training was asked to stop (Ctrl-C, SIGTERM) and has been saved."""


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

    @classmethod
    def from_dict(cls, kept: dict) -> Progress:
        """The fields as a checkpoint keeps them; KeyError or TypeError where it lacks one."""
        progress = cls(**{f.name: kept[f.name] for f in fields(cls)})
        for name, value in asdict(progress).items():
            if not isinstance(value, int | float):
                raise TypeError(f"{name} is {value!r}, which is no number")
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
    state: tuple[torch.Tensor, ...] | None = None
    meter: torch.Tensor | None = None

    def __repr__(self) -> str:
        total = "" if self.total_steps is None else f" of {self.total_steps:,}"
        return f"<Training {self.folder}: step {self.progress.step:,}{total}>"

    @cached_property
    def data(self) -> Lanes | Lines:
        """The steps that the training text is read in."""
        c, restart = self.config, self.model.config.restart
        return arrange(self.train_ids, c.batch, c.seq, restart, c.seed)

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


def start(
    model_config: ModelConfig,
    vocab: Vocab,
    train_ids: np.ndarray,
    val_ids: np.ndarray,
    config: TrainConfig,
    folder: str | Path,
    corpus: dict | None = None,
) -> Training:
    """A new training in an empty folder (FileExistsError where one stands already)."""
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
    for name in ("history.csv", "samples.jsonl"):  # of a training killed before its first save
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
    place in the text or the optimizer's memory would lose its meaning.
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
    try:
        _restore(training, checkpoint)
    except (KeyError, TypeError) as error:
        raise _broken(error) from None
    truncate_records(training.folder, training.progress.step)
    return training


def settings_of(checkpoint: Checkpoint) -> TrainConfig:
    """The settings that a checkpoint keeps; CheckpointError where they are broken."""
    try:
        return TrainConfig.from_dict(checkpoint.settings)
    except TypeError as error:
        raise _broken(error) from None


def _broken(error: Exception) -> CheckpointError:
    detail = " ".join(str(error).split())
    return CheckpointError(f"the last checkpoint is broken ({type(error).__name__}: {detail})")


def _restore(training: Training, checkpoint: Checkpoint) -> None:
    """Everything but the weights: where the training was, and all that it remembered."""
    restore_optimizer(training.optimizer, checkpoint.part("optimizer"))
    training.progress = Progress.from_dict(checkpoint.progress)
    if training.scaler.is_enabled() and checkpoint.progress.get("scaler"):
        training.scaler.load_state_dict(checkpoint.progress["scaler"])
    random_states = checkpoint.part("rng")
    if training.device.type in random_states:
        training.generator.set_state(random_states[training.device.type])
    else:  # started on another kind of device
        training.generator.manual_seed(training.config.seed + 1 + training.progress.step)
    state = checkpoint.part("state")
    if state:
        training.state = tuple(state[str(i)].to(training.device) for i in range(len(state)))
    training.meter = checkpoint.tensors["meter"].to(training.meter)


def _assemble(model, vocab, train_ids, val_ids, config, folder, corpus) -> Training:
    device = choose_device(config.device)
    precision = choose_precision(device, config.precision)
    model.to(device)
    return Training(
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


def _meter_dtype(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


def run(training: Training, progress_bar: bool = True) -> Training:
    """Train to the end. Interrupted (all saved) on Ctrl-C or SIGTERM, TrainingError on NaN."""
    data = training.data
    if isinstance(data, Lanes) and training.device.type != "cpu":
        data = data.on(training.device)
    with _stop_signals() as stopped, _bar(training, progress_bar) as bar:
        saved_at = time.monotonic()
        while not training.finished:
            _advance(training, data)
            if _due(training):
                if report(training, bar)["val_loss"] is not None:
                    saved_at = time.monotonic()
            elif time.monotonic() - saved_at > 60 * training.config.save_minutes:
                save(training)
                saved_at = time.monotonic()
            bar.update(1 if training.total_steps else 0)
            if stopped() and not training.finished:
                save(training)
                raise Interrupted(f"stopped at step {training.progress.step}; all is saved")
    return training


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
    loss, training.state = _loss(training, x, y)
    training.optimizer.zero_grad(set_to_none=True)
    training.scaler.scale(loss).backward()
    training.scaler.unscale_(training.optimizer)
    clip(training.model, config)
    training.scaler.step(training.optimizer)
    training.scaler.update()
    training.meter += loss.detach()
    progress.step += 1
    progress.meter_steps += 1
    if training.device.type == "cpu":
        _check_finite(training, loss.item())
    elapsed = time.perf_counter() - began
    progress.seconds += elapsed
    progress.meter_seconds += elapsed


def _loss(training: Training, x: torch.Tensor, y: torch.Tensor):
    """Mean cross-entropy of a step in nats per character, and the detached state after it."""
    dtype = PRECISIONS[training.precision]
    with torch.autocast(training.device.type, dtype=dtype, enabled=dtype is not None):
        logits, state = training.model(x, training.state, training.generator)
    loss = F.cross_entropy(logits.float().flatten(0, 1), y.flatten())
    return loss, tuple(s.detach() for s in state)


def _check_finite(training: Training, loss: float) -> None:
    if not math.isfinite(loss):
        config = training.config
        raise TrainingError(
            f"the loss is {loss} at step {training.progress.step}: the weights have blown up. "
            f"Lower the learning rate (lr is {config.lr:g}), clip harder (clip_norm is "
            f"{config.clip_norm}), or use precision fp32; the last good checkpoint is kept"
        )


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
    _check_finite(training, train_loss)
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


def validate(training: Training) -> float:
    """Validation loss in nats per character; a new best is written to best.safetensors at once."""
    dtype = PRECISIONS[training.precision]
    value = stream_loss(training.model, training.val_ids, precision=dtype, **EVAL)
    _check_finite(training, value)
    if value < training.progress.best_loss:
        training.progress.best_loss, training.progress.best_step = value, training.progress.step
        _write(training, "best.safetensors", whole=False)
    return value


def save(training: Training) -> None:
    """Write last.safetensors: all that `resume` needs. TrainingError on broken weights."""
    for weights in training.model.parameters():
        _check_finite(training, weights.detach().abs().sum().item())
    _write(training, "last.safetensors", whole=True)


def _write(training: Training, name: str, whole: bool) -> None:
    tensors = {f"model.{k}": v for k, v in training.model.state_dict().items()}
    progress = asdict(training.progress)
    if whole:
        tensors |= optimizer_tensors(training.optimizer)
        tensors |= {f"state.{i}": s for i, s in enumerate(training.state or ())}
        tensors[f"rng.{training.device.type}"] = training.generator.get_state()
        tensors["meter"] = training.meter
        progress["scaler"] = training.scaler.state_dict()
    checkpoint = Checkpoint(
        training.model.config,
        training.vocab,
        training.corpus,
        training.config.to_dict(),
        progress,
        tensors,
    )
    save_checkpoint(training.folder / name, checkpoint)


def _append_sample(training: Training) -> None:
    config = training.config
    settings = Sampling(
        length=config.sample_length,
        temperature=config.sample_temperature,
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


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a flag that is looked at between two steps.

    A second one acts at once, as it would have without this.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked = []
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}

    def ask(number, frame) -> None:
        asked.append(number)
        signal.signal(number, before[number])

    for number in before:
        signal.signal(number, ask)
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _bar(training: Training, shown: bool) -> tqdm:
    return tqdm(
        total=training.total_steps,
        initial=training.progress.step,
        unit="step",
        disable=not shown,
        desc=training.folder.name,
        mininterval=0.5,
    )
