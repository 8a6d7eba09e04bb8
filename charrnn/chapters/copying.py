"""What the chapter on copying shows: novelty, longest copied runs, room to remember, recitation.

Everything comes from run.json and measures.json, for which the training text was searched when a
run was measured; only `agreement` draws from the network itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import pandas as pd

from charrnn.chapters import sweep_row
from charrnn.runs import Run
from charrnn.sample import sample, sample_many
from charrnn.score import LN2
from charrnn.structure.copying import longest_copied_run

TEMPERATURES = (0.1, 0.5, 1.0, 1.5)
BITS = {"int8": 8, "fp16": 16}
"""Bits of a parameter in the published file; of a training that was not published, 32."""
STORED = 5.0
"""Bits of its task that a recurrent network can store in a parameter: Collins, Sohl-Dickstein and
Sussillo 2017, arXiv 1611.09913."""


@dataclass(frozen=True)
class Passage:
    """A piece of a sample that the network did not make up."""

    text: str
    temperature: float
    found: str
    """How it is known to be recited."""


def measured(runs: Iterable[Run]) -> list[Run]:
    """Those of the runs whose samples were held against their training text."""
    return [run for run in runs if "sweep" in run.measures]


def title(run: Run) -> str:
    """The title of a run's text, without what stands in brackets."""
    return run.info["title"].split(" (")[0]


def novelty(run: Run, temperatures: Sequence[float] = TEMPERATURES) -> dict[str, dict]:
    """Shares of new stretches by length, as `figures.novelty` takes a panel: "T = 0.5" and so on,
    and "real text". ValueError where a temperature was not drawn at."""
    found = {f"T = {t:g}": sweep_row(run, t)["novel"] for t in temperatures}
    return found | {"real text": run.measures["held_out"]["novel"]}


def longest(run: Run) -> dict[str, np.ndarray | float]:
    """The longest copied runs against temperature, in characters, as `figures.longest_copies` takes
    a panel: `temperature`, `median` and `max` over samples, `real_median` and `real_max`."""
    rows, real = run.measures["sweep"], run.measures["held_out"]["longest_copy"]
    found = {k: np.array([r["longest_copy"][k] for r in rows], dtype=float) for k in real}
    levels = {f"real_{k}": float(value) for k, value in real.items()}
    return {"temperature": np.array([r["temperature"] for r in rows]), **found, **levels}


def table(runs: Iterable[Run], length: int = 20, temperatures=(0.5, 0.8, 1.0)) -> pd.DataFrame:
    """The share of stretches of a length that are new, a row a run: at some temperatures, in real
    text, and from which temperature on samples are no less new than real text.

    ValueError: a length that was not measured.
    """
    rows = {}
    for run in runs:
        real = _share(run.measures["held_out"], length)
        drawn = [told(_share(sweep_row(run, t), length)) for t in temperatures]
        rows[title(run)] = [*drawn, told(real), new_from(run, length)]
    columns = [*(f"T = {t:g}" for t in temperatures), "real text", "as new as real text"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def new_from(run: Run, length: int = 20) -> str:
    """From which temperature on samples have no fewer new stretches than real text: "from T = 0.6".

    Judged by the shares themselves; above it, no temperature may fall below real text again.
    """
    real = _share(run.measures["held_out"], length)["value"]
    rows = sorted(run.measures["sweep"], key=lambda r: r["temperature"])
    shares = [(r["temperature"], _share(r, length)["value"]) for r in rows]
    if real is None or any(value is None for _, value in shares):
        return "too little text"
    short = [i for i, (_, value) in enumerate(shares) if value < real]
    if not short:
        return "at every T"
    return f"from T = {shares[short[-1] + 1][0]:g}" if short[-1] + 1 < len(shares) else "at no T"


def standing(runs: Iterable[Run], temperature: float, length: int = 20) -> str:
    """Which runs copy more than real text at a temperature, which less, and which cannot be told
    from it, a line each: two shares differ where their intervals do not touch."""
    kinds = {"more than real text": [], "less": [], "not to be told from it": []}
    for run in runs:
        ours, real = (
            _share(r, length) for r in (sweep_row(run, temperature), run.measures["held_out"])
        )
        if None in (ours["value"], real["value"]):
            continue
        more, less = ours["high"] < real["low"], ours["low"] > real["high"]
        kinds[list(kinds)[0 if more else 1 if less else 2]].append(title(run))
    return "\n".join(f"{kind}: {', '.join(names) or '-'}" for kind, names in kinds.items())


def longest_table(runs: Iterable[Run], temperatures=(0.5, 0.8, 1.0)) -> pd.DataFrame:
    """The longest copied runs, a row a run: the median over texts, and the longest of all."""
    rows = {}
    for run in runs:
        found = [sweep_row(run, t) for t in temperatures] + [run.measures["held_out"]]
        kept = [r["longest_copy"] for r in found]
        rows[title(run)] = [f"{k['median']:g}, {k['max']}" for k in kept]
    columns = [*(f"T = {t:g}" for t in temperatures), "real text"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def room(runs: Iterable[Run]) -> pd.DataFrame:
    """How much of its training text a network could hold, a row a run, in millions of bits.

    `file`: its parameters as published; `storable`: STORED a parameter; `text`: the training text
    at the loss that the network has on validation text, which is what it would cost to write that
    text down with the network's help and without its having learned any by heart.
    """
    rows = {title(run): _room(run) for run in runs}
    columns = ["parameters", "file", "storable", "training text", "text", "storable / text"]
    columns.append("readings")
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _room(run: Run) -> list[str]:
    info = run.info
    n, read = info["model"]["parameters"], info["split"]["train"]
    bits = BITS.get(info.get("published_precision"), 32)
    text = read * info["losses"]["val"] / LN2
    unit = "bytes" if info["corpus"]["level"] == "byte" else "characters"
    return [
        f"{n:,}",
        f"{n * bits / 1e6:.1f}",
        f"{n * STORED / 1e6:.1f}",
        f"{read:,} {unit}",
        f"{text / 1e6:.2f}",
        f"{n * STORED / text:.2g}",
        f"{info['epochs']:.3g}",
    ]


def recited(run: Run) -> Passage | None:
    """A passage that the network knows by heart; None where its texts hold none, or may not be
    passed on.

    Of source code, the longest run of words of the licence that stands in its training text. Of
    other texts, the longest run with words in it that two of the kept texts share, which were drawn
    with different seeds.
    """
    if not run.info["corpus"]["shareable"]:
        return None
    rows = run.measures.get("kernel", {}).get("rows", {})
    found = [
        (copy["length"], float(t), copy["text"])
        for t, row in rows.items()
        if t != "held_out"
        for copy in row["copied"]["longest"]
        if copy["licence"]
    ]
    if found:
        length, temperature, text = max(found)
        return Passage(text, temperature, f"{length} bytes that stand in the training text")
    return _written_twice(run.measures["shown"]["samples"])


def _written_twice(kept: Sequence[dict]) -> Passage | None:
    best = None
    for record in kept:
        others = [r["text"] for r in kept if r["seed"] != record["seed"]]
        run = longest_copied_run(record["text"], others)
        text = record["text"][run.start : run.start + run.length]
        if any(c.isalpha() for c in text) and len(text) > len(best.text if best else ""):
            found = f"{run.length} characters that two texts share"
            best = Passage(text, record["temperature"], found)
    return best


def real_recitation(run: Run) -> str | None:
    """The longest run with words of the licence that real held-out source code shares with the
    training text; None where no such thing was looked for or found."""
    row = run.measures.get("kernel", {}).get("rows", {}).get("held_out")
    found = [c for c in row["copied"]["longest"] if c["licence"]] if row else []
    return max(found, key=lambda c: c["length"])["text"] if found else None


def agreement(
    run: Run, prompt: str, n: int = 16, length: int = 200, temperature: float = 0.8, seed: int = 0
) -> list[int]:
    """For how many characters each of n continuations goes along with the likeliest one.

    Whoever makes a text up makes another one every time; what is known by heart comes out the same
    whatever is drawn.
    """
    likeliest = sample(run, prompt, length=length, temperature=0, unknown="skip")
    settings = {"length": length, "temperature": temperature, "seed": seed, "unknown": "skip"}
    texts = sample_many(run, n, prompt, **settings)
    return [_alike(text, likeliest) for text in texts]


def _alike(text: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(text, other, strict=False))
    return sum(1 for _ in pairs)


def agreements(run: Run, prompts: Iterable[str], **settings) -> pd.DataFrame:
    """`agreement` for several prompts, a row each: the least, the median and the most."""
    rows = {}
    for prompt in prompts:
        found = agreement(run, prompt, **settings)
        rows[repr(prompt)] = [min(found), float(np.median(found)), max(found)]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["least", "median", "most"])


def told(share: dict) -> str:
    """A share with its interval."""
    if share["value"] is None:
        return ""
    return f"{share['value']:.1%} [{share['low']:.1%}, {share['high']:.1%}]"


def _share(row: dict, length: int) -> dict:
    if str(length) not in row["novel"]:
        known = ", ".join(row["novel"])
        raise ValueError(f"length {length} was not measured; there are {known}")
    return row["novel"][str(length)]
