"""Everything about a recorded run that needs its corpus, computed once and kept with the run.

`measure_run` draws samples from the published model, holds them against the training text and the
held-out text, and writes `measures.json`. Held-out text is cut into pieces as long as the samples,
so that model and yardstick are measured alike. Intervals are 95 % bootstraps over samples.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from charrnn.checkpoint import write_atomically
from charrnn.export import published
from charrnn.portable import PortableStepper
from charrnn.recipe import Texts
from charrnn.runs import Run, commit, find_run, load_run, run_texts
from charrnn.sample import sample, sample_many
from charrnn.score import LN2, stepped_nats
from charrnn.stepper import Stepper
from charrnn.structure import copying, diversity, essays, loops, plays, shares, words
from charrnn.structure.copying import COPY_LIMIT

TEMPERATURES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5)
SLIDER = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5)
"""Temperatures whose samples are kept whole, for pages without a kernel."""
SAMPLES = 16
LENGTH = 2000
SHOWN = 1000
PORTABLE = 60_000
"""Validation characters that the portable arithmetic reads, at most: half a minute on a core for
3 x 512 units."""
NOVEL = (5, 10, 15, 20, 30, 40, 60)
STRUCTURES = {"paul_graham": "essays", "tinyshakespeare": "plays", "shakespeare": "plays"}


def measure_run(
    name: str | Path,
    samples: int = SAMPLES,
    length: int = LENGTH,
    progress=print,
    text: str | Path | None = None,
) -> Path:
    """Measure a run and write its measures.json: `samples` texts of `length` a temperature.

    text: the file of its text, where that is not where it was. Raises RunError where the text is
    not the run's, CorpusError where it cannot be had.
    """
    folder = find_run(name)
    run = load_run(folder)
    _, texts = run_texts(folder, text, progress=False)
    train, held_out = _text(texts, texts.split.train), _held_out(texts)
    lexicon = words.Lexicon.english() | words.Lexicon.from_text(train, name="its training text")
    progress(f"{run.name}: sampling at {len(TEMPERATURES)} temperatures")
    drawn = {
        t: sample_many(run, samples, length=length, temperature=t, seed=1000) for t in TEMPERATURES
    }
    progress("measuring words, diversity and copying")
    measures = {
        "corpus": {"name": texts.corpus.name, "sha256": texts.corpus.sha256},
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "samples": samples,
        "length": length,
        "lexicon": lexicon.name,
        "sweep": [
            {"temperature": t, **_sureness(run, texts, t), **_row(s, train, lexicon)}
            for t, s in drawn.items()
        ],
        "held_out": _row(shares.pieces(held_out, length), train, lexicon),
        "by_length": _by_length(drawn[0.8] + drawn[1.0], held_out, lexicon),
        "loops": _loops(run, texts, drawn, 3 * length),
        "shown": _shown(run, texts, train),
    }
    kind = STRUCTURES.get(run.info["recipe"]["name"])
    if kind == "plays":
        measures["plays"] = _plays(drawn, held_out, train, length)
    if kind == "essays":
        measures["essays"] = _essays(drawn, held_out, length)
    if cost := _portable(run, texts):
        measures["portable"] = cost
    path = folder / "measures.json"
    write_atomically(path, (json.dumps(measures, indent=1, ensure_ascii=False) + "\n").encode())
    return path


def _text(texts: Texts, ids: np.ndarray) -> str:
    return texts.vocab.decode(np.asarray(ids))


def _held_out(texts: Texts) -> str:
    return _text(texts, texts.split.val) + _text(texts, texts.split.test)


def _row(samples: list[str], train: str, lexicon: words.Lexicon) -> dict:
    """Words, diversity and copying of a set of texts of equal length."""
    known = [words.known_share(s, lexicon) for s in samples]
    wrong = [words.spelling_errors(s, lexicon).share for s in samples]
    matches = copying.compare(samples, train)
    distinct = [diversity.distinct_n(s, 2) for s in samples]
    novel = [m.novelty(NOVEL) for m in matches]
    longest = [m.longest().length for m in matches]
    return {
        "known": _share(known),
        "misspelt": _share(wrong),
        "distinct_2": _share(distinct),
        "each": {"misspelt": _each(wrong), "distinct_2": _each(distinct)},
        "repeated_4": _share([diversity.repeated_share(s, 4) for s in samples]),
        "trigram_entropy": _mean([diversity.ngram_entropy(s, 3) for s in samples]),
        "novel": {str(n): _share([x[n] for x in novel]) for n in NOVEL},
        "longest_copy": {"median": float(np.median(longest)), "max": int(max(longest))},
    }


def _share(found: list[shares.Share]) -> dict | None:
    counted = [s for s in found if s.total]
    if len(counted) < 2:
        return None
    e = shares.bootstrap_share(counted, seed=0)
    return {"value": e.value, "low": e.low, "high": e.high, "total": sum(s.total for s in counted)}


def _each(found: list[shares.Share]) -> list[float | None]:
    """The share in each text on its own; None in one that had nothing to count."""
    return [round(s.value, 5) if s.total else None for s in found]


def _mean(values: list[float]) -> dict | None:
    if len(values) < 2:
        return None
    e = shares.bootstrap_mean(values, seed=0)
    return {"value": e.value, "low": e.low, "high": e.high, "total": e.samples}


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


def _portable(run: Run, texts: Texts) -> dict | None:
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
        float(stepped_nats(lambda streams, kind=kind: kind(model, streams), ids).mean())
        for kind in (Stepper, PortableStepper)
    )
    own, rounded = losses.get("val"), losses.get("val_published")
    return {
        "characters": len(ids) - 1,
        "float": plain,
        "portable": exact,
        "cost": exact - plain,
        "int8": None if None in (own, rounded) else rounded - own,
    }


def _by_length(samples: list[str], held_out: str, lexicon: words.Lexicon) -> dict:
    """Share of known words by number of letters: the model's and the real text's."""

    def table(text: str) -> dict:
        found = words.known_share_by_length(text, lexicon)
        return {str(n): s.as_dict() for n, s in found.items() if n <= 14}

    return {"samples": table("\n".join(samples)), "held_out": table(held_out)}


def _loops(run: Run, texts: Texts, drawn: dict[float, list[str]], length: int) -> dict:
    """Where greedy decoding falls into its loop, from several prompts; and near temperature 0."""
    train, held_out = _text(texts, texts.split.train), _held_out(texts)
    prompts = ["", "The ", *[held_out[i : i + 40] for i in _places(len(held_out))]]
    greedy, seen, shown = [], [], 400
    for number, prompt in enumerate(prompts):
        text = sample(run, prompt, length=length, temperature=0)
        found = loops.find_cycle(text, min_repeats=3)
        record = {"prompt": prompt if number < 2 else f"held-out passage {number - 1}"}
        if found:
            record |= {"start": found.start, "period": found.period, "repeats": found.repeats}
            record["text"] = found.text
        greedy.append(record | {"opening": text[: shown if number < 2 else 0]})
        told = max(found.start + 2 * found.period, shown) if found else len(text)
        seen.append(text[:told])
    for record, match in zip(greedy, copying.compare(seen, train), strict=True):
        record["longest_copy"] = match.longest().length
        if not (texts.corpus.shareable or record["longest_copy"] <= COPY_LIMIT):
            record["text"] = record["opening"] = ""  # what it recites is not ours to pass on
    near = {}
    for t in (0.1, 0.2, 0.3, 0.4, 0.5):
        ends = [loops.find_cycle(s, min_repeats=3, min_tail=60) for s in drawn[t]]
        near[str(t)] = shares.Share(sum(c is not None for c in ends), len(ends)).as_dict()
    return {"length": length, "greedy": greedy, "near_zero": near}


def _places(length: int, n: int = 8, prompt: int = 40) -> list[int]:
    """Where `n` prompts begin, evenly over a text."""
    return [int(i) for i in np.linspace(0, max(0, length - prompt), n + 2)[1:-1]]


def _shown(run: Run, texts: Texts, train: str) -> dict:
    """The samples that pages print whole, with the longest run each copies from training text.

    Seeds 0 to 2, unselected, and one text for each stop of the temperature slider.
    """
    kept = {}
    for t in (0.5, 0.8, 1.0):
        for seed in (0, 1, 2):
            kept[f"T={t} seed={seed}"] = {"temperature": t, "seed": seed, "slider": False}
    for t in SLIDER:
        kept[f"slider T={t}"] = {"temperature": t, "seed": 7, "slider": True}
    for record in kept.values():
        length = 500 if record["slider"] else SHOWN
        settings = {"temperature": record["temperature"], "seed": record["seed"]}
        record["text"] = sample(run, "", length=length, **settings)
    matches = copying.compare([r["text"] for r in kept.values()], train)
    for record, match in zip(kept.values(), matches, strict=True):
        if not texts.corpus.shareable:
            whole, stop = len(record["text"]), match.allowed()
            record |= {"text": record["text"][:stop], "cut": stop if stop < whole else None}
        record["longest_copy"] = match.longest_before(len(record["text"]))
    return {"limit": None if texts.corpus.shareable else COPY_LIMIT, "samples": list(kept.values())}


def _plays(drawn: dict[float, list[str]], held_out: str, train: str, length: int) -> dict:
    """The form of a play: by temperature, and in the held-out text."""
    known, elsewhere = plays.speakers(train), plays.speakers(held_out)
    rows = {str(t): _play_row(drawn[t], known, elsewhere) for t in (0.5, 0.7, 0.8, 0.9, 1.0, 1.2)}
    return rows | {"held_out": _play_row(shares.pieces(held_out, length), known, elsewhere)}


def _play_row(samples: list[str], known, elsewhere) -> dict:
    """`known`: speakers of the training text; `elsewhere`: those of the held-out text."""
    found = [plays.play_structure(s, known) for s in samples]
    fields = ("headings", "well_formed", "changes", "capital_lines", "known_speeches")
    speeches = [s for text in samples for s in plays.speeches(text)]
    sizes = [s.characters for s in speeches]
    lines = [len(s.lines) for s in speeches]
    invented = list(dict.fromkeys(name for f in found for name in f.invented))
    words_known = {word for name in known for word in name.split()}
    return {f: _share([getattr(x, f) for x in found]) for f in fields} | {
        "speeches": len(speeches),
        "speech_characters": _quantiles(sizes),
        "speech_lines": _quantiles(lines),
        "speakers": len({s.speaker for s in speeches}),
        "invented": invented[:30],
        "invented_in_all": len(invented),
        "of_known_words": sum(words_known.issuperset(name.split()) for name in invented),
        "in_held_out": sum(name in elsewhere for name in invented),
        "lengths": sizes[:2000],
    }


def _quantiles(values: list[int]) -> dict | None:
    if not values:
        return None
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
    top = int(max(values))
    return {"p10": float(low), "median": float(middle), "p90": float(high), "max": top}


def _essays(drawn: dict[float, list[str]], held_out: str, length: int) -> dict:
    """Footnote marks such as [2]: the share of texts that hold one."""
    pieces = shares.pieces(held_out, length)
    return {str(t): essays.share_with_marks(s).as_dict() for t, s in drawn.items()} | {
        "held_out": essays.share_with_marks(pieces).as_dict()
    }
