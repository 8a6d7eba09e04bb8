"""Recipes: what to train on which text, at three scales, and sizes for a text that has none.

A recipe is a file `recipes/<name>.toml`. Scale `post` is the post's own network, as far as it
states one, trained on a GPU, `laptop` the largest that two cores finish in about an hour, `smoke` a
few seconds on a text of the same genre that comes with the project, with no download.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from importlib import resources
from pathlib import Path

import numpy as np

from charrnn import eras
from charrnn.corpora import (
    Corpus,
    Split,
    corpus_names,
    encode_corpus,
    load_corpus,
    split_char_rnn,
    split_contiguous,
    split_lines,
    split_pages,
)
from charrnn.fields import (
    ANYTHING,
    Choice,
    Many,
    Number,
    Text,
    check,
    check_table,
    read_toml,
    shown,
)
from charrnn.model import ModelConfig
from charrnn.settings import TrainConfig
from charrnn.vocab import LEVELS, Vocab

SCALES = ("post", "laptop", "smoke")
SAMPLES = Path("data", "samples")
"""Texts written for this project, in a checkout of it."""
SPLITS = ("contiguous", "char-rnn", "lines", "pages")
SHARES = Many(Number(high=1), 3, 3)
NAME = Text(r"(?s).+", "a string that is not empty")
SEED = Number(high=2**63 - 1, whole=True)
LIMIT = Number(above=True, high=10**12, whole=True, optional=True)
KINDS = {
    "name": NAME,
    "title": Text(),
    "scale": Choice(SCALES),
    "corpus": NAME,
    "split": Choice(SPLITS),
    "seed": SEED,
    "limit": LIMIT,
    "level": Choice(LEVELS, optional=True),
    "notes": Text(),
    "era": Choice(eras.ERAS, optional=True),
}
"""What the plain fields of a Recipe may hold."""
TOP = {
    "title": NAME,
    "corpus": NAME,
    "genre": Text(r"[\w-]+\.\w+", "the name of a file in data/samples, like play.txt"),
    "seed": SEED,
    "prompt": Text(),
    "split": ANYTHING,
    **dict.fromkeys(SCALES, ANYTHING),
}
"""The keys of a recipe's file; those of a scale, and of a split."""
AT_SCALE = {
    "corpus": NAME,
    "limit": LIMIT,
    "split": ANYTHING,
    "model": ANYTHING,
    "training": ANYTHING,
}
SPLIT = {"kind": Choice(SPLITS), "fractions": SHARES}


@dataclass(frozen=True)
class Recipe:
    """A resolved recipe: everything that decides a training, but for the text itself."""

    name: str
    title: str
    scale: str
    corpus: str
    """A corpus' name or a file's path."""
    model: dict
    """Fields of ModelConfig, without vocab_size."""
    training: TrainConfig
    split: str = "contiguous"
    fractions: tuple[float, float, float] = (0.9, 0.05, 0.05)
    seed: int = 0
    limit: int | None = None
    """Read only that many characters from the start of the text."""
    level: str | None = None
    """char or byte; None: what the corpus says."""
    notes: str = ""
    era: str | None = None
    """The era (`charrnn.eras`) whose settings were asked for."""

    def __post_init__(self) -> None:
        check(vars(self), KINDS)
        object.__setattr__(self, "fractions", _shares(self.fractions))
        if not isinstance(self.training, TrainConfig):
            raise ValueError(f"training is {shown(self.training)}; it must be a TrainConfig")
        _check_model(self.model)


def _shares(fractions: tuple | list) -> tuple[float, float, float]:
    wrong = SHARES.wrong(fractions)
    if wrong or not fractions[0] > 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(
            f"split fractions are {shown(fractions)}; they must be three numbers that sum to 1, "
            "each 0 or more and the first above 0, like 0.9, 0.05, 0.05"
        )
    return tuple(fractions)


def _check_model(model: dict) -> None:
    """ValueError unless these are fields of a network that can be built for some vocabulary."""
    allowed = [f.name for f in fields(ModelConfig) if f.name not in ("vocab_size", "restart")]
    check_table(model, "model", dict.fromkeys(allowed, ANYTHING))
    try:
        ModelConfig(vocab_size=2, **model)
    except OverflowError:  # an integer beyond what a float holds
        raise ValueError("model has a number that is too large; it must be finite") from None


@dataclass(frozen=True)
class Texts:
    """A recipe's text as ids, split; arrays may be views of a memory map."""

    corpus: Corpus
    vocab: Vocab
    split: Split
    characters: int = field(default=0)
    """In the part of the text that is used (bytes at byte level)."""
    whole: int = field(default=0)
    """In the whole text."""


def recipe_names() -> list[str]:
    """The recipes that come with the library."""
    folder = resources.files("charrnn") / "recipes"
    names = (p.name for p in folder.iterdir())
    return sorted(n.removesuffix(".toml") for n in names if n.endswith(".toml"))


def load_recipe(name: str, scale: str = "laptop", **changes) -> Recipe:
    """The recipe of that name at a scale; `changes` replace fields of its training settings."""
    if scale not in SCALES:
        raise ValueError(f"scale is {scale!r}; it must be one of {', '.join(SCALES)}")
    if name not in recipe_names():
        raise ValueError(f"no recipe {name!r}; there are {', '.join(recipe_names())}")
    text = (resources.files("charrnn") / "recipes" / f"{name}.toml").read_text(encoding="utf-8")
    recipe = read_recipe(text, name, scale)
    if Path(recipe.corpus).is_relative_to(SAMPLES):
        recipe = replace(recipe, corpus=str(sample_text(Path(recipe.corpus).name)))
    return replace(recipe, training=change(recipe.training, **changes)) if changes else recipe


def read_recipe(text: str, name: str, scale: str) -> Recipe:
    """The recipe that a TOML text describes, at a scale; touches no file.

    A text of `data/samples/` is named by its place in a checkout. ValueError, one line with the
    table, the field and its value, where anything is not as it must be.
    """
    where = f"recipe {name}"
    needed = ("title", "corpus", "seed", "prompt", "split", scale)
    read = check_table(read_toml(text, where), where, TOP, needed)
    chosen = check_table(read[scale], f"{where}, {scale}", AT_SCALE, ("model", "training"))
    corpus, split = (chosen.get(key, read[key]) for key in ("corpus", "split"))
    split = check_table(split, f"{where}, split", SPLIT, tuple(SPLIT))
    genre = read.get("genre") if scale == "smoke" else None
    try:
        return Recipe(
            name=name,
            title=read["title"],
            scale=scale,
            corpus=(SAMPLES / genre).as_posix() if genre else corpus,
            model=chosen["model"],
            training=_training(read, chosen["training"]),
            split=split["kind"],
            fractions=tuple(split["fractions"]),
            seed=read["seed"],
            limit=chosen.get("limit"),
        )
    except ValueError as error:
        raise ValueError(f"{where}, {scale}: {error}") from None


def _training(read: dict, training: object) -> TrainConfig:
    """The word none stands for no value, which TOML does not have."""
    allowed = dict.fromkeys((f.name for f in fields(TrainConfig)), ANYTHING)
    given = {
        k: None if v == "none" else v for k, v in check_table(training, "training", allowed).items()
    }
    return TrainConfig(**{"seed": read["seed"], "sample_prompt": read["prompt"], **given})


def change(training: TrainConfig, **changes) -> TrainConfig:
    """Training settings with some replaced; a new length (epochs, steps, minutes) ousts the old."""
    given = {k: v for k, v in changes.items() if v is not None}
    if any(k in given for k in ("epochs", "steps", "minutes")):
        given = {"epochs": None, "steps": None, "minutes": None} | given
    return replace(training, **given)


def in_era(recipe: Recipe, name: str, sizes: bool = False) -> Recipe:
    """A recipe as an era trained: its network's switches, optimizer, rate, clipping and split.

    sizes: also the era's own network, batch, sequence and epochs, else the recipe's stay. Raises
    ValueError where there is no such era.
    """
    era = eras.era(name)
    training = change(recipe.training, **(era.length if sizes else {}))
    return replace(
        recipe,
        model={**recipe.model, **(era.shape if sizes else {}), **era.model},
        training=replace(
            training,
            **era.training,
            clip_value=era.clip_value(training.seq),
            sample_temperature_on=era.sampling["temperature_on"],
        ),
        split=era.split,
        fractions=era.fractions,
        era=name,
    )


def repository() -> Path | None:
    """The checkout that holds data/: the package's own, or one above the working folder."""
    for folder in (Path(__file__).resolve().parents[1], Path.cwd(), *Path.cwd().parents):
        if (folder / SAMPLES).is_dir() and (folder / "charrnn").is_dir():
            return folder
    return None


def sample_text(name: str) -> Path:
    """A text of `data/samples/`, written for this project."""
    root = repository()
    if root is None or not (root / SAMPLES / name).is_file():
        raise FileNotFoundError(
            f"data/samples/{name} is not here: smoke scale needs a checkout of the project; "
            "run it from there, or choose another scale"
        )
    return root / SAMPLES / name


def portable(corpus: str) -> str:
    """A recipe's corpus as a run keeps it: a text of this checkout goes by its place in it."""
    root = repository()
    if root is None or not Path(corpus).is_relative_to(root / SAMPLES):
        return corpus
    return Path(corpus).relative_to(root).as_posix()


def located(corpus: str) -> str:
    """The inverse of `portable`, in whatever folder the checkout is now."""
    root = repository()
    inside = root is not None and Path(corpus).is_relative_to(SAMPLES)
    return str(root / corpus) if inside else corpus


def public(corpus: str) -> str:
    """A recipe's corpus as a published run keeps it: of a file elsewhere only its name is left."""
    kept = portable(corpus)
    if kept in corpus_names() or Path(kept).is_relative_to(SAMPLES):
        return kept
    return Path(kept).name


def open_texts(recipe: Recipe, progress: bool = True, corpus: Corpus | None = None) -> Texts:
    """Fetch, encode and split a recipe's text (`corpus`: that text, where it is open already).

    Raises CorpusError where the text cannot be had, ValueError where it cannot be split as asked.
    """
    if corpus is None:
        corpus = load_corpus(recipe.corpus, level=recipe.level, progress=progress)
    ids, vocab = encode_corpus(corpus)
    whole = len(ids)
    ids = ids[: recipe.limit] if recipe.limit else ids
    return Texts(corpus, vocab, _split(ids, vocab, recipe), len(ids), whole)


def _split(ids: np.ndarray, vocab: Vocab, recipe: Recipe) -> Split:
    if recipe.split == "lines":
        return split_lines(ids, newline(vocab, recipe.corpus), recipe.fractions, recipe.seed)
    if recipe.split == "pages":
        return split_pages(ids, vocab, recipe.fractions, recipe.seed)
    if recipe.split == "char-rnn":
        batch, seq = recipe.training.batch, recipe.training.seq
        return split_char_rnn(ids, batch, seq, recipe.fractions)
    return split_contiguous(ids, recipe.fractions)


def newline(vocab: Vocab, text: str) -> int:
    """The id of the line end; ValueError where a text has none."""
    found = vocab.ids.get(10 if vocab.level == "byte" else "\n")
    if found is None:
        raise ValueError(f"{text} has no line ends; split it contiguous, not by lines")
    return found


def model_config(recipe: Recipe, vocab: Vocab) -> ModelConfig:
    """The network of a recipe for a vocabulary; split by lines, it reads each for itself."""
    restart = newline(vocab, recipe.corpus) if recipe.split == "lines" else None
    return ModelConfig(vocab_size=len(vocab), restart=restart, **recipe.model)


def own_text(path: str, n_chars: int, device: str, scale: str | None = None) -> tuple[Recipe, str]:
    """Sizes for a text without a recipe, and a sentence that says what was chosen and why.

    Larger texts get wider networks, less dropout and fewer epochs. On a CPU the training is kept
    to about twenty million characters read, some twenty minutes of a 2 x 256 on two cores.
    """
    name = Path(path).stem
    if scale == "smoke":
        model = {"hidden": 64, "layers": 2}
        training = TrainConfig(batch=8, seq=50, steps=150, lr=1e-2, warmup=10, sample_length=200)
        return Recipe(name, name, "smoke", path, model, training), _choice(n_chars, model, training)
    if n_chars < 10_000:  # too little for dropout and a low rate: learned by heart, in a minute
        model = {"hidden": 64, "layers": 2}
        training = TrainConfig(batch=1, seq=25, steps=1000, lr=1e-2, warmup=20)
        recipe = Recipe(name, name, scale or "laptop", path, model, training)
        return recipe, _choice(n_chars, model, training)
    small, big = n_chars < 200_000, n_chars > 3_000_000
    gpu = device != "cpu"
    hidden = 128 if small else (512 if gpu or scale == "post" else 256)
    model = {
        "hidden": hidden,
        "layers": 3 if big and gpu else 2,
        "dropout": 0.5 if small else 0.1 if big else 0.3,
    }
    budget = 200e6 if gpu else 20e6
    epochs = max(0.1, min(50.0 if small else 30.0, round(budget / n_chars, 1)))
    batch = next(b for b in (64, 32, 16, 8, 4, 2, 1) if b == 1 or n_chars >= b * 100 * 40)
    training = TrainConfig(batch=batch, seq=100 if n_chars > 20_000 else 25, epochs=epochs)
    recipe = Recipe(name, name, scale or "laptop", path, model, training)
    return recipe, _choice(n_chars, model, training)


def _choice(n_chars: int, model: dict, training: TrainConfig) -> str:
    length = f"{training.epochs:g} epochs" if training.epochs else f"{training.steps} steps"
    dropout = f", dropout {model['dropout']}" if model.get("dropout") else ""
    return (
        f"{n_chars:,} characters: {model['layers']} layers of {model['hidden']}{dropout}, "
        f"batch {training.batch} x {training.seq}, {length}"
    )
