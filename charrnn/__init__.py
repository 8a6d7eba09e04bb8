"""Character-level recurrent networks: trained, sampled, scored, looked into.

>>> import charrnn
>>> run = charrnn.train("python", scale="smoke", out="runs/first")
>>> print(charrnn.sample(run, "def ", length=300, temperature=0.8, seed=1))

`train`, `sample` and `score` are functions here and modules of the same names beneath: write
`from charrnn.sample import Sampling` for what else a module holds.
"""

from __future__ import annotations

from pathlib import Path

# These imports load every module that shares its name with a function before the function takes
# the name; a module is bound to its package only when it is first loaded, so the function stays.
from charrnn.corpora import load_corpus
from charrnn.plan import plan_training
from charrnn.probe import clamp, rank_units, trace
from charrnn.runs import Run, list_runs, load_run, train_recipe
from charrnn.runs import resume_run as resume
from charrnn.sample import sample, sample_many, stream
from charrnn.score import Score, score

__version__ = "0.1.0"

__all__ = [
    "Run",
    "Score",
    "clamp",
    "list_runs",
    "load_corpus",
    "load_run",
    "rank_units",
    "resume",
    "sample",
    "sample_many",
    "score",
    "stream",
    "trace",
    "train",
]


def train(
    text: str | Path,
    out: str | Path | None = None,
    scale: str | None = None,
    init_from: str | Path | None = None,
    progress: bool = True,
    era: str | None = None,
    **options,
) -> Run:
    """Train on a text, a corpus or a recipe, and return the run.

    text: a file, or a name; the name of a recipe brings its settings at `scale` (post, laptop,
    smoke; None: laptop on a CPU, post on a GPU), any other text gets sizes by its length. out: a
    new folder (None: runs/<name>). init_from: a run whose weights to start from. era: "2015-05-21"
    or "char-rnn", the settings of the post's program on that day or of what became of it
    (`charrnn.eras`). Options replace single settings, an era's too:

    - the network: cell, hidden, layers, dropout, forget_bias, init (scaled, uniform),
      recurrent_dropout, detach_top_h
    - its training: batch, seq, one of epochs, steps and minutes, optimizer, lr, schedule, warmup,
      lr_decay, lr_decay_after, alpha, weight_decay, clip_norm and clip_value (0: off), seed,
      accumulate, device, precision, deterministic, eval_every, save_minutes (fields of
      `TrainConfig`)
    - the text: level (char, byte), split (three fractions), split_kind (contiguous, char-rnn,
      lines)
    - samples on the way: sample_every or sample_steps, sample_prompt, sample_length,
      sample_temperature

    Raises ValueError with one clear line on anything that cannot work, FileExistsError where `out`
    already holds something, and `charrnn.train.Interrupted` on Ctrl-C, with all saved.
    """
    plan = plan_training(text, out, scale, init_from, progress, era, **options)
    return train_recipe(plan.recipe, plan.folder, init_from, progress, plan.texts)
