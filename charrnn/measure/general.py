"""What is measured of every run, whatever its text: words, diversity, copying, loops, sureness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import numpy as np

from charrnn.export import published
from charrnn.measure.material import Material, as_text, each, mean, share
from charrnn.recipe import Texts
from charrnn.runs import Run
from charrnn.sample import make_stepper, sample_units
from charrnn.score import LN2, stepped_nats
from charrnn.stepper import Stepper
from charrnn.structure import copying, diversity, loops, shares, words
from charrnn.structure.copying import COPY_LIMIT, Matches

SLIDER = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5)
"""Temperatures whose samples are kept whole, for pages without a kernel."""
SHOWN = 1000
PORTABLE = 60_000
"""Validation characters that the portable arithmetic reads, at most: half a minute on a core for
3 x 512 units."""
NOVEL = (5, 10, 15, 20, 30, 40, 60)
LAPS = 60
"""Characters of a text's end that must be one cycle for it to be called a loop."""


def measure(material: Material) -> dict:
    """The parts of measures.json that every run has."""
    lexicon = words.Lexicon.english()
    lexicon |= words.Lexicon.from_text(material.train, name="its training text")
    groups = {**material.units, "held out": material.held_out_units}
    copied = compared(groups, material.source())
    run, texts, drawn = material.run, material.texts, material.drawn
    return {
        "lexicon": lexicon.name,
        "sweep": [
            {"temperature": t, **_sureness(run, texts, t), **row(s, copied[t], lexicon)}
            for t, s in drawn.items()
        ],
        "held_out": row(material.pieces, copied["held out"], lexicon, material.samples),
        "by_length": _by_length(drawn[0.8] + drawn[1.0], material.pieces, lexicon),
        "loops": _loops(material, 3 * material.length),
        "shown": _shown(material),
    }


def compared(groups: Mapping[object, Sequence], source: Iterable) -> dict[object, list[Matches]]:
    """What the texts of each group share with a source, which is read once for all of them."""
    found = iter(copying.compare([text for group in groups.values() for text in group], source))
    return {name: [next(found) for _ in group] for name, group in groups.items()}


def row(
    samples: list[str], matches: list[Matches], lexicon: words.Lexicon, few: int | None = None
) -> dict:
    """Words, diversity and copying of a set of texts of equal length. `few`: so many of them stand
    for all where a maximum is asked for (None: all)."""
    known = [words.known_share(s, lexicon) for s in samples]
    wrong = [words.spelling_errors(s, lexicon).share for s in samples]
    distinct = [diversity.distinct_n(s, 2) for s in samples]
    novel = [m.novelty(NOVEL) for m in matches]
    longest = [m.longest().length for m in matches]
    return {
        "known": share(known),
        "misspelt": share(wrong),
        "distinct_2": share(distinct),
        "each": {"misspelt": each(wrong), "distinct_2": each(distinct)},
        "repeated_4": share([diversity.repeated_share(s, 4) for s in samples]),
        "trigram_entropy": mean([diversity.ngram_entropy(s, 3) for s in samples]),
        "novel": {str(n): share([x[n] for x in novel]) for n in NOVEL},
        "longest_copy": {
            "median": float(np.median(longest)) if longest else 0.0,
            "max": int(shares.largest_of(longest, few or len(longest))) if longest else 0,
        },
    }


def _sureness(run: Run, texts: Texts, temperature: float) -> dict:
    """On validation text, bits a character at that temperature: what the network expects to pay
    (`entropy`, of what is drawn from) and what it pays (`cross_entropy`)."""
    ids = np.asarray(texts.split.val[:20_001], dtype=np.int64)
    scaled = _logits(run, ids[:-1]).astype(np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    log_p = scaled - np.log(np.exp(scaled).sum(axis=-1, keepdims=True))
    entropy = -(np.exp(log_p) * log_p).sum(axis=-1).mean()
    paid = -log_p[np.arange(len(ids) - 1), ids[1:]].mean()
    return {"entropy": float(entropy / LN2), "cross_entropy": float(paid / LN2)}


def _logits(run: Run, ids: np.ndarray) -> np.ndarray:
    """Logits after each of `ids`, (len(ids), V), in one pass with the state carried along."""
    kept = getattr(run, "_logits", None)
    if kept is None:
        import torch

        with torch.inference_mode():
            kept = run.model(torch.from_numpy(ids)[:, None])[0][:, 0].numpy()
        run._logits = kept
    return kept


def portable_cost(run: Run, texts: Texts) -> dict | None:
    """What the arithmetic of the book's pages costs: nats a character on the beginning of the
    validation text, read side by side by the published weights in float32 and by that arithmetic.

    `cost` is the second less the first; `int8` what the rounded weights cost on the whole part, by
    run.json (None where it does not say). None where there is nothing to read, or no int8 file.
    """
    ids = np.asarray(texts.split.val[: PORTABLE + 1], dtype=np.int64)
    if len(ids) < 2 or run.info.get("published_precision") == "fp16":
        return None
    model, losses = published(run.model), run.info.get("losses", {})
    plain, exact = (
        float(stepped_nats(partial(make, model), ids).mean())
        for make in (Stepper, partial(make_stepper, portable=True))
    )
    own, rounded = losses.get("val"), losses.get("val_published")
    return {
        "characters": len(ids) - 1,
        "float": plain,
        "portable": exact,
        "cost": exact - plain,
        "int8": None if None in (own, rounded) else rounded - own,
    }


def _by_length(samples: list[str], held_out: list[str], lexicon: words.Lexicon) -> dict:
    """Share of known words by number of letters: the model's and the real text's."""

    def table(texts: list[str]) -> dict:
        found: dict[int, shares.Share] = {}
        for text in texts:  # each on its own, for both its ends may be half words
            for n, known in words.known_share_by_length(text, lexicon).items():
                found[n] = found.get(n, shares.Share(0, 0)) + known
        return {str(n): found[n].as_dict() for n in sorted(found) if n <= 14}

    return {"samples": table(samples), "held_out": table(held_out)}


def _loops(material: Material, length: int) -> dict:
    """Where greedy decoding falls into its loop, from several prompts; and near temperature 0."""
    shareable = material.texts.corpus.shareable
    real = material.held_out_units
    prompts = ["", "The ", *(real[i][:40] for i in _places(len(real)))]
    greedy, seen, shown = [], [], 400
    for number, prompt in enumerate(prompts):
        settings = {"length": length, "temperature": 0, "unknown": "skip"}
        units = sample_units(material.run, 1, prompt, **settings)[0]
        text = as_text(units)
        found = loops.find_cycle(text, min_repeats=3, min_tail=LAPS)
        record = {"prompt": prompt if number < 2 else f"held-out passage {number - 1}"}
        if found:
            record |= {"start": found.start, "period": found.period, "repeats": found.repeats}
            record["text"] = found.text
        greedy.append(record | {"opening": text[: shown if number < 2 else 0]})
        told = max(found.start + 2 * found.period, shown) if found else len(text)
        seen.append(units[:told])
    for record, match in zip(greedy, copying.compare(seen, material.source()), strict=True):
        record["longest_copy"] = match.longest().length
        if not (shareable or record["longest_copy"] <= COPY_LIMIT):
            record["text"] = record["opening"] = ""  # what it recites is not ours to pass on
    near = {}
    for t in (0.1, 0.2, 0.3, 0.4, 0.5):
        ends = [loops.find_cycle(s, min_repeats=3, min_tail=LAPS) for s in material.drawn[t]]
        near[str(t)] = shares.Share(sum(c is not None for c in ends), len(ends)).as_dict()
    return {"length": length, "greedy": greedy, "near_zero": near}


def _places(n: int, wanted: int = 8) -> list[int]:
    """Up to `wanted` of n places, evenly spread, the first and the last of them left out."""
    return sorted({int(i) for i in np.linspace(0, max(0, n - 1), wanted + 2)[1:-1]}) if n else []


def _shown(material: Material) -> dict:
    """The samples that pages print whole, with the longest run each copies from training text.

    Seeds 0 to 2, unselected, and one text for each stop of the temperature slider.
    """
    kept, shareable = {}, material.texts.corpus.shareable
    for t in (0.5, 0.8, 1.0):
        for seed in (0, 1, 2):
            kept[f"T={t} seed={seed}"] = {"temperature": t, "seed": seed, "slider": False}
    for t in SLIDER:
        kept[f"slider T={t}"] = {"temperature": t, "seed": 7, "slider": True}
    drawn = []
    for record in kept.values():
        length = 500 if record["slider"] else SHOWN
        settings = {"temperature": record["temperature"], "seed": record["seed"]}
        drawn.append(sample_units(material.run, 1, length=length, **settings)[0])
    for record, text, match in zip(
        kept.values(), drawn, copying.compare(drawn, material.source()), strict=True
    ):
        if not shareable:
            whole, stop = len(text), match.allowed()
            text = text[:stop]
            record["cut"] = stop if stop < whole else None
        record["text"] = as_text(text)
        record["longest_copy"] = match.longest_before(len(text))
    return {"limit": None if shareable else COPY_LIMIT, "samples": list(kept.values())}
