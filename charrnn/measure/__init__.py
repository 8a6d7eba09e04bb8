"""Everything about a recorded run that needs its corpus or an outside engine, computed once and
kept with the run.

`measure_run` draws samples from the published model, holds them against the training text and the
held-out text, and writes `measures.json`. Held-out text is cut into pieces as long as the samples,
so that model and yardstick are measured alike. Intervals are 95 % bootstraps over samples, Wilson's
where nothing hits or everything; held-out pieces are taken as independent, neighbours too. What
every run is measured by stands in `general.py`; a genre's own measures in a file each.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from charrnn.checkpoint import write_atomically
from charrnn.measure import (
    algebra,
    essays,
    evolution,
    general,
    kernel,
    names,
    neurons,
    ngram,
    plays,
    wikipedia,
    yardsticks,
)
from charrnn.measure.material import Material
from charrnn.recipe import Texts
from charrnn.runs import Run, commit, find_run, load_run, run_texts

TEMPERATURES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5)
SAMPLES = 16
LENGTH = 2000
PARTS = ("samples", "neurons", "evolution", "yardsticks")
KINDS = {
    "paul_graham": ("essays", essays),
    "tinyshakespeare": ("plays", plays),
    "shakespeare": ("plays", plays),
    "wikipedia": ("wikipedia", wikipedia),
    "linux": ("kernel", kernel),
    "names": ("names", names),
    "stacks": ("latex", algebra),
}
"""The recipes whose genre has measures of its own: their name in measures.json, and their module,
whose `measure(material)` returns what JSON can hold."""


def measure_run(
    name: str | Path,
    samples: int = SAMPLES,
    length: int = LENGTH,
    progress=print,
    text: str | Path | None = None,
    only: str | None = None,
) -> Path:
    """Measure a run and write its measures.json: `samples` texts of `length` a temperature.

    samples: at least 2, since intervals are over samples. text: the file of its text, where that is
    not where it was. only: one of `PARTS` measures that part and keeps the others as they are.
    Otherwise "evolution", of the samples written while training, is for runs that have ten of them
    or more, "yardsticks" for the recipes of `yardsticks.KINDS`.
    Raises ValueError where there are too few samples, or on another `only`, RunError where the text
    is not the run's, CorpusError where it cannot be had.
    """
    if samples < 2:
        raise ValueError(f"samples is {samples}; it must be 2 or more, to have intervals over them")
    if only not in (None, *PARTS):
        raise ValueError(f"only is {only!r}; it must be one of {', '.join(PARTS)}, or left out")
    folder = find_run(name)
    run = load_run(folder)
    _, texts = run_texts(folder, text, progress=False)
    measures = dict(run.measures)
    if only in (None, "samples"):
        kept = {part: measures[part] for part in PARTS[1:] if part in measures}
        measures = _samples(run, texts, samples, length, progress) | kept
    if only in (None, "neurons") and run.info["recipe"]["name"] in neurons.KINDS:
        measures["neurons"] = neurons.measure(run, texts, progress)
    if only == "evolution" or (only is None and len(run.samples) >= evolution.LEAST):
        measures["evolution"] = evolution.measure(run, texts, progress)
    if only in (None, "yardsticks") and run.info["recipe"]["name"] in yardsticks.KINDS:
        measures["yardsticks"] = yardsticks.measure(run, texts, progress)
    path = folder / "measures.json"
    write_atomically(path, (json.dumps(measures, indent=1, ensure_ascii=False) + "\n").encode())
    return path


def _samples(run: Run, texts: Texts, samples: int, length: int, progress) -> dict:
    """What is measured of texts that the run drew, beside real ones."""
    progress(f"{run.name}: sampling at {len(TEMPERATURES)} temperatures")
    material = Material.draw(run, texts, TEMPERATURES, samples, length)
    progress("measuring words, diversity and copying")
    measures = {
        "corpus": {"name": texts.corpus.name, "sha256": texts.corpus.sha256},
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "samples": samples,
        "length": length,
        **general.measure(material),
    }
    if kind := KINDS.get(run.info["recipe"]["name"]):
        title, module = kind
        progress(f"measuring {title}")
        measures[title] = module.measure(material)
    progress("counting n-grams")
    if counted := ngram.baseline(run, texts):
        measures["ngram"] = counted
    if cost := general.portable_cost(run, texts):
        measures["portable"] = cost
    return measures
