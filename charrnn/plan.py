"""From the name or path of a text and a few options to everything that a training needs.

The command line and `charrnn.train` both start here, so the same words mean the same in both, and
whatever is wrong with them is said before the first step.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

from charrnn import distributed, eras
from charrnn.batches import Lanes, Lines, arrange, check_shares
from charrnn.corpora import Corpus, CorpusWarning, encode_corpus, load_corpus
from charrnn.devices import choose_device
from charrnn.lock import NAME, held
from charrnn.model import ModelConfig
from charrnn.recipe import (
    Recipe,
    Texts,
    change,
    in_era,
    load_recipe,
    model_config,
    open_texts,
    own_text,
    recipe_names,
)
from charrnn.runs import Run, load_run
from charrnn.sample import Sampling
from charrnn.settings import TrainConfig

SHAPE = ("cell", "hidden", "layers")
MODEL = tuple(f.name for f in fields(ModelConfig) if f.name != "vocab_size")
TRAINING = tuple(f.name for f in fields(TrainConfig))
TEXT = ("level", "split", "split_kind")
# An option that another setting would leave without effect is refused rather than ignored.
NEEDS = {
    "warmup": ("schedule", "cosine"),
    "min_lr": ("schedule", "cosine"),
    "lr_decay": ("schedule", "decay"),
    "lr_decay_after": ("schedule", "decay"),
    "alpha": ("optimizer", "rmsprop"),
    "weight_decay": ("optimizer", "adamw"),
    "forget_bias": ("cell", "lstm"),
}
ATTEMPT = {"run.json", "history.csv", "samples.jsonl"}  # what a training leaves before it is saved
LOGITS = 1 << 25
"""Logits of a step, batch x seq x V, that are computed at once where `accumulate` is not given."""
MANY = 10_000  # symbols above which a network is mostly its first and last layer
LEAST = 20  # characters that leave at least one for validation
LITTLE = 20_000  # characters below which a network learns its text by heart


@dataclass(frozen=True)
class Plan:
    """A training that can begin: its settings are checked and its text is at hand."""

    recipe: Recipe
    texts: Texts
    folder: Path
    origin: str
    """Where the sizes come from: a recipe, or the length of the text."""
    init_from: Path | None = None
    fresh: int = 0
    """Symbols of the text that the weights to start from never saw."""

    @cached_property
    def data(self) -> Lanes | Lines:
        """The steps that the training text is read in; ValueError where it is too short."""
        t, restart = self.recipe.training, model_config(self.recipe, self.texts.vocab).restart
        return arrange(self.texts.split.train, t.batch, t.seq, restart, t.seed)

    @property
    def steps_per_epoch(self) -> int:
        return self.data.steps

    @property
    def total_steps(self) -> int | None:
        """Steps in the whole training; None where it is measured in minutes."""
        training = self.recipe.training
        if training.minutes is not None:
            return None
        return training.steps or max(1, round(training.epochs * self.steps_per_epoch))


def plan_training(
    text: str | Path,
    out: str | Path | None = None,
    scale: str | None = None,
    init_from: str | Path | None = None,
    progress: bool = True,
    era: str | None = None,
    **options,
) -> Plan:
    """Resolve what `charrnn.train` is asked for; its docstring lists the options.

    Where torchrun started several processes, this joins them. Raises ValueError (CorpusError,
    RunError, UnknownCharacterError) on anything that cannot work, and FileExistsError where `out`
    already holds something.
    """
    distributed.join()
    return distributed.in_turn(lambda: _plan(text, out, scale, init_from, progress, era, options))


def _plan(text, out, scale, init_from, progress: bool, era, options: dict) -> Plan:
    """`plan_training` in one process."""
    given = _known({k: v for k, v in options.items() if v is not None})
    if era is not None:
        eras.era(era)  # raises now rather than after a download
    source = load_run(init_from) if init_from is not None else None
    if source is not None:
        given = _shape_of(source, given)
    device = choose_device(given.get("device", "auto")).type
    corpus = None
    if _is_recipe(text):
        scale = scale or ("laptop" if device == "cpu" else "post")
        recipe = load_recipe(text, scale)
        origin = f"the recipe {text} at scale {scale}"
    else:
        corpus = load_corpus(text, given.get("level"), progress)
        recipe, origin = _sizes(text, corpus, device, scale)
    if era is not None:
        recipe, origin = _of_era(recipe, origin, era, corpus)
    folder = free_folder(Path(out) if out is not None else Path("runs") / recipe.name)
    recipe = _override(recipe, given)
    texts = open_texts(recipe, progress, corpus)
    if corpus is not None and not {"batch", "seq"} & set(given):
        recipe = _shorten(recipe, texts)
    if era is not None and "clip_value" not in given:  # by the sequences that it came to
        recipe = _set(recipe, clip_value=eras.era(era).clip_value(recipe.training.seq))
    if "accumulate" not in given:
        recipe = _in_groups(recipe, len(texts.vocab))
    recipe = _with_samples(recipe, texts, given)
    plan = Plan(recipe, texts, folder, origin, source and source.folder, _fresh(source, texts))
    _check(plan)
    return plan if "warmup" in given else _with_short_warmup(plan)


def _known(options: dict) -> dict:
    """The options, if all of them are known and none is without effect on its own."""
    names = (*MODEL, *TRAINING, *TEXT)
    for name in options:
        if name not in names:
            raise ValueError(f"no option {name!r}; there are {', '.join(names)}")
    lengths = [n for n in ("epochs", "steps", "minutes") if n in options]
    if len(lengths) > 1:
        raise ValueError(f"give only one of {' and '.join(lengths)}")
    return options


def _is_recipe(text: str | Path) -> bool:
    if not isinstance(text, str) or text not in recipe_names():
        return False
    if Path(text).is_file():
        message = f"{text} is taken as the recipe of that name; for the file write ./{text}"
        warnings.warn(message, CorpusWarning, stacklevel=7)
    return True


def _shape_of(source: Run, given: dict) -> dict:
    """The options with cell, size and level of the weights to start from, which leave no choice."""
    config = source.model.config
    have = {name: getattr(config, name) for name in SHAPE} | {"level": source.vocab.level}
    for name, value in have.items():
        if given.get(name, value) != value:
            raise ValueError(
                f"{name} is {given[name]}, but the weights to start from have {name} {value}; "
                f"leave {name} out"
            )
    return given | have


def _sizes(text: str | Path, corpus: Corpus, device: str, scale: str | None) -> tuple[Recipe, str]:
    """Settings for a text without a recipe, by its length."""
    n_chars = len(encode_corpus(corpus)[0])
    if n_chars < LEAST:
        raise ValueError(f"{corpus.title} has {n_chars} characters, too few to learn anything from")
    path = Path(text)
    where = str(path.expanduser().resolve()) if corpus.source == "file" else str(text)
    if corpus.source == "file" and not path.expanduser().is_file():
        where = str(corpus.path)  # a pipe is read once; what came of it is in the cache
    recipe, _ = own_text(where, n_chars, device, scale)
    origin = f"no recipe for {corpus.title}; sizes are chosen by its {n_chars:,} characters"
    if n_chars < LITTLE:
        origin += ", which are few: expect them to be learned by heart"
    return replace(recipe, name=corpus.name, title=corpus.title), origin


def _of_era(recipe: Recipe, origin: str, era: str, corpus: Corpus | None) -> tuple[Recipe, str]:
    """A recipe as an era trained; a text without a recipe (`corpus`) takes the era's sizes too, but
    at smoke scale."""
    sizes = corpus is not None and recipe.scale != "smoke"
    if sizes:
        origin = f"no recipe for {corpus.title}; sizes and switches are those of the era {era}"
    else:
        origin += f", switches of the era {era}"
    return in_era(recipe, era, sizes), origin


def _set(recipe: Recipe, **settings) -> Recipe:
    """The recipe with some settings of its training replaced."""
    return replace(recipe, training=replace(recipe.training, **settings))


def free_folder(folder: Path) -> Path:
    """The folder, if a training can go there. Raises FileExistsError where it holds anything else.

    What an attempt that never reached its first checkpoint left behind is removed; BusyError where
    it is still at it.
    """
    if folder.is_file():
        raise FileExistsError(f"{folder} is a file; give --out a folder")
    there = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} cannot be written: {there} is no folder that can be")
    if not folder.exists():
        return folder
    found = {p.name for p in folder.iterdir()}
    if "last.safetensors" in found:
        raise FileExistsError(
            f"{folder} already holds a training; go on with it (charrnn resume {folder}) or choose "
            "another folder (--out)"
        )
    rest = {n for n in found if n != NAME and not (n.startswith(".") and n.endswith(".partial"))}
    if rest - ATTEMPT or (rest and "run.json" not in rest):
        raise FileExistsError(f"{folder} is not empty; choose another folder (--out)")
    if found:
        with held(folder):
            for name in found - {NAME}:
                (folder / name).unlink(missing_ok=True)
    return folder


def _override(recipe: Recipe, given: dict) -> Recipe:
    """The recipe with the options in place of its own settings."""
    model = recipe.model | {k: v for k, v in given.items() if k in MODEL}
    training = {k: v for k, v in given.items() if k in TRAINING}
    if "sample_every" in training:  # instead of the recipe's own steps
        training.setdefault("sample_steps", ())
    off = {k: None for k in ("clip_norm", "clip_value") if training.get(k) == 0}
    changed = change(recipe.training, **{k: v for k, v in training.items() if k not in off})
    recipe = replace(
        recipe,
        model=model,
        training=replace(changed, **off),
        level=given.get("level", recipe.level),
        split=given.get("split_kind", recipe.split),
        fractions=tuple(given.get("split", recipe.fractions)),
    )
    settings = recipe.training.to_dict() | {"cell": "lstm"} | recipe.model
    for name, (setting, wanted) in NEEDS.items():
        if name in given and settings[setting] != wanted:
            raise ValueError(
                f"{name} has no effect with {setting} {settings[setting]}; "
                f"leave it out or take {setting} {wanted}"
            )
    if given.get("recurrent_dropout") and not settings.get("dropout"):
        raise ValueError(
            "recurrent_dropout has no effect with dropout 0; give a dropout, or leave it"
        )
    return recipe


def _shorten(recipe: Recipe, texts: Texts) -> Recipe:
    """A step that fits into a very short text."""
    training = recipe.training
    longest = (len(texts.split.train) - 1) // training.batch
    if not 1 <= longest < training.seq:
        return recipe
    return _set(recipe, seq=longest)


def _in_groups(recipe: Recipe, n_symbols: int) -> Recipe:
    """A step in as many groups of lanes as keep its logits to `LOGITS`, if its lanes allow that."""
    training, ranks = recipe.training, distributed.ranks()
    of_lane = training.seq * n_symbols
    if training.batch // ranks * of_lane <= LOGITS or training.batch % ranks:
        return recipe
    lanes = training.batch // ranks  # of this process
    groups = next(
        g
        for g in range(1, lanes + 1)
        if lanes % g == 0 and (lanes // g * of_lane <= LOGITS or g == lanes)
    )
    return _set(recipe, accumulate=groups)


def _with_samples(recipe: Recipe, texts: Texts, given: dict) -> Recipe:
    """The samples' prompt, checked; a recipe's own gives way where the text lacks it."""
    missing = texts.vocab.unknown(recipe.training.sample_prompt)
    if missing and "sample_prompt" in given:
        shown = " ".join(repr(s) for s in missing[:8])
        raise ValueError(f"sample_prompt holds {shown}, which the text does not; leave it out")
    if missing:
        return _set(recipe, sample_prompt="")
    return recipe


def _fresh(source: Run | None, texts: Texts) -> int:
    if source is None:
        return 0
    if source.vocab.level != texts.vocab.level:
        raise ValueError(
            f"the text is read by {texts.vocab.level}, the weights to start from by "
            f"{source.vocab.level}; they must agree (--level)"
        )
    return sum(s not in source.vocab.ids for s in texts.vocab.symbols)


def _check(plan: Plan) -> None:
    """Raise now what would otherwise stop the training at its first step or its first sample."""
    training = plan.recipe.training
    model_config(plan.recipe, plan.texts.vocab)
    Sampling(
        length=training.sample_length,
        temperature=training.sample_temperature,
        temperature_on=training.sample_temperature_on,
        seed=training.seed,
    )
    for name in ("warmup", "lr_decay_after", "weight_decay", "save_minutes"):
        if not getattr(training, name) >= 0:
            raise ValueError(f"{name} is {getattr(training, name)}; it must be 0 or more")
    for name in ("lr_decay", "alpha"):
        if not 0 < getattr(training, name) <= 1:
            raise ValueError(f"{name} is {getattr(training, name)}; it must be above 0, at most 1")
    if len(plan.texts.split.val) < 2:
        raise ValueError(
            f"{len(plan.texts.split.val)} of {plan.texts.characters:,} characters are too few for "
            "validation; give a longer text or a larger part (--split)"
        )
    _note_symbols(plan.texts)
    cut = getattr(plan.data, "cut", 0)  # raises ValueError where batch x seq do not fit
    check_shares(plan.data, distributed.ranks(), training.accumulate)
    distributed.check_device(choose_device(training.device))
    if cut:
        message = (
            f"{cut:,} lines are longer than {training.seq} characters (seq), and of each only the "
            "beginning is read; a larger seq (--seq) reads more"
        )
        warnings.warn(message, CorpusWarning, stacklevel=7)


def _note_symbols(texts: Texts) -> None:
    """A CorpusWarning of a text of one symbol, and of one of very many."""
    n, of = len(texts.vocab), texts.corpus.title
    if n == 1:
        message = f"{of} is one symbol over and over: nothing can be learnt from it"
    elif n > MANY:
        message = (
            f"{of} has {n:,} distinct characters, and a network needs weights, memory and time for "
            "each; --level byte reads the same text as at most 256 symbols"
        )
    else:
        return
    warnings.warn(message, CorpusWarning, stacklevel=7)


def _with_short_warmup(plan: Plan) -> Plan:
    """A warm-up of at most a tenth of a training that was asked to be short."""
    training = plan.recipe.training
    if plan.total_steps is None or training.warmup <= plan.total_steps // 10:
        return plan
    training = replace(training, warmup=plan.total_steps // 10)
    return replace(plan, recipe=replace(plan.recipe, training=training))
