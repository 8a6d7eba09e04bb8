"""Runs: training a recipe into a folder, and runs found and loaded.

A training folder holds checkpoints; a recorded run, `data/runs/<name>/`, holds the published model
and what was measured of it. Both hold a `run.json` of the same keys, and `load_run` opens either.
"""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np

from charrnn import distributed, export
from charrnn.checkpoint import Checkpoint, copy_matching, load_checkpoint, write_atomically
from charrnn.corpora import corpus_names
from charrnn.devices import choose_device, describe_device
from charrnn.fields import ANYTHING, Many, Text, check, shown
from charrnn.lock import held
from charrnn.model import CharRNN
from charrnn.recipe import (
    Recipe,
    Texts,
    change,
    located,
    model_config,
    open_texts,
    portable,
    repository,
)
from charrnn.records import read_history, read_samples
from charrnn.saving import alone, said_when_full, settings_of
from charrnn.score import loss as stream_loss
from charrnn.settings import TrainConfig
from charrnn.train import Interrupted, Training, resume, run, start
from charrnn.vocab import Vocab

HELD_OUT = {"lanes": 32, "warmup": 1000}
"""How held-out losses are streamed: `charrnn.score.loss`'s options."""
LENGTHS = ("epochs", "steps", "minutes")
TABLES = ("recipe", "corpus", "model", "training", "split", "losses")
"""What is a JSON object in a run.json that has it."""


class RunError(ValueError):
    """No such run, or one that cannot be used for what was asked."""


@dataclass
class Run:
    """A trained model and what is known about it."""

    folder: Path
    info: dict
    """run.json"""
    model: CharRNN
    """On the CPU in evaluation mode; `run.to("cuda")` moves it."""
    vocab: Vocab
    history: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    samples: list[dict] = field(default_factory=list, repr=False)
    measures: dict = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        return self.info.get("name", self.folder.name)

    def to(self, device: str) -> Run:
        """Move the model ("auto": to the best device there is); returns the run itself."""
        self.model.to(choose_device(device))
        return self


def runs_folder() -> Path | None:
    """Where recorded runs lie: data/runs of the checkout."""
    root = repository()
    return root / "data" / "runs" if root else None


def list_runs() -> list[Path]:
    """The folders of all recorded runs."""
    folder = runs_folder()
    found = (p.parent for p in folder.glob("*/run.json")) if folder else ()
    return sorted(p for p in found if not p.name.startswith("."))  # such a one is being written


def find_run(name: str | Path) -> Path:
    """The folder of a run: a path, or the name of a recorded one. Raises RunError."""
    path = Path(name)
    if (path / "run.json").is_file() or (path / "last.safetensors").is_file():
        return path
    recorded = {p.name: p for p in list_runs()}
    if str(name) in recorded:
        return recorded[str(name)]
    known = f"recorded runs: {', '.join(recorded)}" if recorded else "there are no recorded runs"
    what = "holds no run" if path.is_dir() else "is neither a folder nor the name of a run"
    raise RunError(f"{name} {what}; {known}")


def load_run(name: str | Path) -> Run:
    """Open a run for sampling, scoring and drawing: a training folder or a recorded run.

    A training folder gives its best weights so far; a recorded run its published ones. A model file
    that `charrnn export` wrote opens too, with what its header says as `info`.
    """
    if Path(name).is_file():
        return _open_file(Path(name))
    folder = find_run(name)
    info = read_info(folder)
    if (folder / "model.safetensors").is_file():
        model, vocab, _ = export.load_model(folder / "model.safetensors")
    else:
        best = next(
            (
                folder / f
                for f in ("best.safetensors", "last.safetensors")
                if (folder / f).is_file()
            ),
            None,
        )
        if best is None:
            raise RunError(f"{folder} holds no model yet; let it reach its first validation")
        checkpoint = load_checkpoint(best)
        model, vocab = checkpoint.model(), checkpoint.vocab
    history, samples = folder / "history.csv", folder / "samples.jsonl"
    return Run(
        folder=folder,
        info=info,
        model=model,
        vocab=vocab,
        history=_records(history, read_history) or {},
        samples=_records(samples, read_samples) or [],
        measures=read_json(folder / "measures.json"),
    )


def _open_file(file: Path) -> Run:
    """A published model on its own."""
    model, vocab, header = export.load_model(file)
    provenance = header["provenance"]
    return Run(file.parent, {"name": provenance["run"], **provenance}, model, vocab)


def read_json(path: Path) -> dict:
    """A JSON object of a run, empty where there is no such file. RunError where it is damaged."""
    if not path.is_file():
        return {}
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(read, ensure_ascii=False).encode()  # no half of a surrogate pair
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged: it is not JSON ({error})") from None
    if not isinstance(read, dict):
        raise RunError(f"{path} is damaged: it is not a JSON object")
    return read


def read_info(folder: Path) -> dict:
    """A run's run.json, empty where it has none. RunError where it is damaged."""
    info, path = read_json(folder / "run.json"), folder / "run.json"
    kinds = {"name": Text(), "title": Text(), "scale": Text(), "earlier_lengths": Many(ANYTHING)}
    try:
        check(info, kinds)
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}") from None
    for name in TABLES:
        if not isinstance(info.get(name, {}), dict):
            raise RunError(
                f"{path} is damaged: {name} is {shown(info[name])}; it must be an object"
            )
    return info


def _records(path: Path, read: Callable):
    """What `read` makes of a file; None where there is none."""
    if not path.is_file():
        return None
    try:
        return read(path)
    except ValueError as error:
        raise RunError(f"{path} is damaged ({error}); the run opens once it is removed") from None


def train_recipe(
    recipe: Recipe,
    folder: str | Path,
    init_from: str | Path | None = None,
    progress: bool = True,
    texts: Texts | None = None,
) -> Run:
    """Train a recipe into a new folder and return the run. Interrupted is raised with all saved.

    Where torchrun started several processes, each calls this; process 0 alone writes the folder.
    `texts`: what `open_texts` gave for this recipe, where the caller has it already.
    """
    texts = texts or open_texts(recipe, progress)
    training = start(
        model_config(recipe, texts.vocab),
        texts.vocab,
        texts.split.train,
        texts.split.val,
        recipe.training,
        folder,
        corpus_facts(texts),
    )
    if init_from is not None:
        copy_matching(training.model, texts.vocab, _weights_of(init_from))
    return _finish(training, recipe, texts, progress, init_from)


def resume_run(
    folder: str | Path, progress: bool = True, text: str | Path | None = None, **changes
) -> Run:
    """Go on with a stopped training; `changes` may give a new total (epochs, steps or minutes).

    text: the file of its text, where that has moved. Under torchrun as `train_recipe`, with as many
    processes as there are now. Raises RunError where the folder holds no training or its text has
    changed since.
    """
    distributed.join()
    folder = find_run(folder)
    with held(folder) if distributed.rank() == 0 else nullcontext():
        opened = distributed.in_turn(lambda: _reopen(folder, progress, text, changes))
        return _finish(*opened)


def _reopen(folder: Path, progress: bool, text: str | Path | None, changes: dict) -> tuple:
    """A stopped training with its changes, and what else `_finish` takes."""
    if not (folder / "last.safetensors").is_file():
        raise RunError(f"{folder} holds no training to resume; --init-from starts from its weights")
    recipe, texts = run_texts(folder, text, progress)
    kept = settings_of(load_checkpoint(folder / "last.safetensors"))
    settings = change(kept, **changes)
    training = resume(folder, texts.split.train, texts.split.val, settings)
    recipe = replace(recipe, training=settings)
    info = read_info(folder)
    asked = {n: getattr(kept, n) for n in LENGTHS if getattr(kept, n) is not None}
    earlier = info.get("earlier_lengths", [])
    if any(getattr(settings, n) != getattr(kept, n) for n in LENGTHS):
        earlier = [*earlier, {**asked, "until_step": training.progress.step}]
    return training, recipe, texts, progress, info.get("init_from"), earlier


def run_texts(
    folder: Path, text: str | Path | None = None, progress: bool = True
) -> tuple[Recipe, Texts]:
    """The recipe of a run and its text, which is checked to be the one it was trained on.

    text: the file of that text, where it is not where it was. Raises RunError where run.json names
    no text or the text is another one, CorpusError where it cannot be had.
    """
    info = read_info(folder)
    if "recipe" not in info:
        raise RunError(f"{folder} has no run.json that says which text it was trained on")
    try:
        recipe, sha256 = recipe_from_dict(info["recipe"]), info["corpus"]["sha256"]
    except (KeyError, TypeError, AttributeError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise RunError(f"{folder / 'run.json'} is damaged ({detail})") from None
    if text is not None:
        recipe = replace(recipe, corpus=str(Path(text).expanduser().absolute()))
    elif recipe.corpus not in corpus_names() and not Path(recipe.corpus).is_file():
        raise RunError(f"the text {recipe.corpus} is not there; say where it is now (--text FILE)")
    texts = open_texts(recipe, progress)
    if texts.corpus.sha256 != sha256:
        raise RunError(
            f"{recipe.corpus} is not what this run was trained on: its hash has changed. Give the "
            "text as it was (--text FILE), or start on the new one from these weights: "
            f"charrnn train {recipe.corpus} --init-from {folder}"
        )
    return recipe, texts


def _finish(
    training: Training, recipe: Recipe, texts: Texts, progress: bool, init_from, earlier=()
) -> Run:
    """Run a training to its end, keeping run.json true at every moment.

    earlier: totals that it was asked for before, on which its learning rate depended until then.
    """
    facts = run_facts(training, recipe, texts, init_from)
    if earlier:
        facts["earlier_lengths"] = list(earlier)
    first = distributed.rank() == 0
    with alone(training), said_when_full(training):
        if first:
            write_info(training.folder, facts)
        try:
            run(training, progress)
        except Interrupted:
            if first:
                write_info(training.folder, facts | progress_facts(training))
            distributed.agreed(False)  # no process ends before it is written
            raise
        facts |= progress_facts(training)
        if first:
            best = load_checkpoint(training.folder / "best.safetensors").model()
            facts["losses"] = held_out_losses(best.to(training.device), texts)
            write_info(training.folder, facts)
        distributed.agreed(False)
    return load_run(training.folder)


def held_out_losses(model: CharRNN, texts: Texts, known: dict | None = None) -> dict:
    """Nats per character on the validation part and, read once, on the test part (None: no part).

    Streamed in float32 with the state carried along, in at most 32 stretches that each begin with
    1000 characters of run-up (`HELD_OUT`); every target is counted once. What is in `known` is not
    computed again.
    """
    losses = dict(known or {})
    for part, ids in {"val": texts.split.val, "test": texts.split.test}.items():
        if part not in losses:
            losses[part] = stream_loss(model, ids, **HELD_OUT) if len(ids) > 1 else None
    return losses


def corpus_facts(texts: Texts) -> dict:
    """What a run remembers about its text."""
    c = texts.corpus
    return {
        "name": c.name,
        "title": c.title,
        "level": c.level,
        "sha256": c.sha256,
        "n_bytes": c.n_bytes,
        "characters": texts.whole,
        "used": texts.characters,
        "licence": c.licence,
        "attribution": c.attribution,
        "url": c.url,
        "shareable": c.shareable,
    }


def run_facts(training: Training, recipe: Recipe, texts: Texts, init_from) -> dict:
    """What is known of a run before its first step."""
    split = texts.split
    facts = {
        "name": recipe.name,
        "title": recipe.title,
        "scale": recipe.scale,
        "recipe": recipe_to_dict(recipe),
        "corpus": corpus_facts(texts),
        "model": training.model.config.to_dict() | {"parameters": training.model.n_parameters},
        "training": training.config.to_dict(),
        "split": {
            "kind": recipe.split,
            "fractions": list(recipe.fractions),
            "train": len(split.train),
            "val": len(split.val),
            "test": len(split.test),
        },
        "device": describe_device(training.device),
        "precision": training.precision,
        "versions": versions(),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "seed": recipe.training.seed,
        "init_from": str(init_from) if init_from else None,
    }
    if recipe.era is not None:
        facts["era"] = recipe.era
    if distributed.ranks() > 1:
        facts["processes"] = distributed.ranks()
    return facts


def progress_facts(training: Training) -> dict:
    """What is known of a run by its training so far."""
    progress = training.progress
    return {
        "finished": training.finished,
        "steps": progress.step,
        "epochs": progress.step / training.steps_per_epoch,
        "best_step": progress.best_step,
        "skipped_updates": progress.skipped,
        "seconds": progress.seconds,
        "chars_per_second": training.characters / max(progress.seconds, 1e-9),
        "training": training.config.to_dict(),
        "losses": {"val": progress.best_loss if progress.best_step else None, "test": None},
    }


def recipe_to_dict(recipe: Recipe) -> dict:
    """A recipe as run.json keeps it; `era` only where one was asked for."""
    kept = asdict(recipe) | {"corpus": portable(recipe.corpus)}
    kept["training"] = recipe.training.to_dict()
    if recipe.era is None:
        del kept["era"]
    return kept


def recipe_from_dict(kept: dict) -> Recipe:
    """The inverse of `recipe_to_dict`."""
    training = TrainConfig.from_dict(kept["training"])
    fractions, corpus = tuple(kept["fractions"]), located(kept["corpus"])
    return Recipe(**{**kept, "training": training, "fractions": fractions, "corpus": corpus})


def versions() -> dict:
    """Versions of what computed a run."""
    packages = {"charrnn": "charrnn", "torch": "torch", "numpy": "numpy"}
    found = {"python": platform.python_version()}
    for name, package in packages.items():
        try:
            found[name] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def commit() -> str | None:
    """The checkout's commit, with "+" where files were changed since; None outside a checkout."""
    root = repository()
    if root is None:
        return None
    try:
        ask = {"cwd": root, "capture_output": True, "text": True, "timeout": 10, "check": True}
        head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], **ask).stdout.strip()
        dirty = subprocess.run(["git", "status", "--porcelain", "charrnn"], **ask).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
    return head + ("+" if dirty else "")


def write_info(folder: Path, facts: dict) -> None:
    """Write a run's run.json."""
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    write_atomically(Path(folder) / "run.json", text.encode())


def _weights_of(name: str | Path) -> Checkpoint:
    """Weights to start from: a training's best, or a recorded run's published ones."""
    opened = load_run(name)
    tensors = {f"model.{k}": v for k, v in opened.model.state_dict().items()}
    return Checkpoint(opened.model.config, opened.vocab, {}, {}, {}, tensors)
