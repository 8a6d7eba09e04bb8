"""How good is a run, really? Its loss beside those of programs that count, match or read along.

All on the same characters: the first of the part that is read once (of the validation part, where
there is no other). Losses are in nats a character, or a byte at byte level.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import torch
from torch.nn import functional as F

from charrnn.adaptive import adaptive_losses
from charrnn.dynamic import dynamic_nats
from charrnn.measure.compressors import COMPRESSORS, bits_given
from charrnn.measure.kernel import plain
from charrnn.measure.material import units
from charrnn.measure.ngram import READ
from charrnn.model import CharRNN
from charrnn.ngram import NGram, losses_by_order
from charrnn.recipe import Texts
from charrnn.runs import Run, commit
from charrnn.score import LN2, stream_nats
from charrnn.structure.brackets import PARAGRAPH
from charrnn.structure.c_text import CText
from charrnn.structure.nesting import Nesting
from charrnn.structure.quotes import nest_quotes
from charrnn.structure.shares import Share

KINDS = {
    "war_and_peace": "quotation marks",
    "tinyshakespeare": None,
    "linux": "braces",
}
"""The recipes that are measured so, and the closing marks whose distance is looked at."""
CHARACTERS = 500_000
"""Of held-out text, at most."""
ALONG = 111_540
"""Of those, what is read with weights that go on learning, at most: the tail that many programs
are judged on, and some minutes for 3 x 512 units."""
ORDERS = range(1, 21)
ADAPTIVE = range(1, 13)
CROP = 256
"""Characters of a crop, as many as nanoGPT's settings for this text have."""
EDGES = (0, 10, 30, 60, 100, 200, 400, 1000, 3000)
"""Bins of the distance between a mark and the one that closes it, in characters."""
READING = {"lanes": 32, "warmup": 1000}


def measure(run: Run, texts: Texts, progress=print) -> dict:
    """All of it; `texts` is the run's own. KeyError where its recipe is not one of `KINDS`."""
    kind = KINDS[run.info["recipe"]["name"]]
    part = "test" if len(texts.split.test) > 1 else "val"
    ids = np.asarray(getattr(texts.split, part)[: CHARACTERS + 1])
    train = np.asarray(texts.split.train[:READ])
    progress(f"reading {len(ids) - 1:,} symbols of the {part} part")
    nats = stream_nats(run.model, ids, **READING)
    progress(f"counting n-grams of {len(train):,} symbols")
    counted = count(train, np.asarray(texts.split.val[:READ]), ids, len(texts.vocab))
    progress("compressing")
    squeezed = compress(texts, train, ids)
    progress("reading along")
    found = {
        "part": part,
        "characters": len(ids) - 1,
        "trained_on": len(train),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "network": float(nats.mean(dtype=np.float64)),
        "ngram": counted,
        "compressors": squeezed,
        "protocols": protocols(run.model, ids[: ALONG + 1], nats[:ALONG]),
    }
    if kind is not None:
        progress(f"looking at {kind}")
        model = NGram.train(train, len(texts.vocab), counted["best"])
        text = plain(units(texts.vocab, ids))
        sides = {"network": nats, f"{counted['best']}-gram": model.nats(ids)}
        found["closing"] = {"kind": kind, **closing(CLOSERS[kind](text), sides)}
    return found


def count(train: np.ndarray, val: np.ndarray, ids: np.ndarray, vocab_size: int) -> dict:
    """Losses of the n-gram by order: `val` by which the `best` is chosen, `static`, and `adaptive`
    with the counts of what it has read; `seconds` that training and reading took."""
    began = time.monotonic()
    found = losses_by_order(train, {"val": val, "held out": ids}, vocab_size, ORDERS)
    static, took = found["held out"], time.monotonic() - began
    along = adaptive_losses(train, ids, vocab_size, ADAPTIVE)
    return {
        "best": min(found["val"], key=found["val"].get),
        "val": _by_name(found["val"]),
        "static": _by_name(static),
        "adaptive": _by_name(along),
        "seconds": round(took, 1),
    }


def _by_name(losses: dict[int, float]) -> dict[str, float]:
    return {str(order): float(loss) for order, loss in losses.items()}


def compress(texts: Texts, train: np.ndarray, ids: np.ndarray) -> dict[str, float]:
    """Nats a character that each compressor takes for the held-out text behind the training one."""
    before, text = (texts.vocab.decode_bytes(part) for part in (train, ids[1:]))
    return {
        name: bits_given(before, text, squeeze) * LN2 / (len(ids) - 1)
        for name, squeeze in COMPRESSORS.items()
    }


def protocols(model: CharRNN, ids: np.ndarray, nats: np.ndarray) -> dict:
    """One model on the same `characters`, read in three ways: as one `stream`; in `crops` that each
    begin with an empty state; `dynamic`, with weights that go on learning."""
    return {
        "characters": len(ids) - 1,
        "stream": float(nats.mean(dtype=np.float64)),
        "crops": crops_loss(model, ids),
        "dynamic": float(dynamic_nats(model, ids).mean(dtype=np.float64)),
    }


@torch.inference_mode()
def crops_loss(model: CharRNN, ids: np.ndarray, crop: int = CROP, batch: int = 64) -> float:
    """Mean nats a target over neighbouring crops of so many targets, each read from an empty state;
    targets behind the last whole crop are left out. ValueError where there is no whole crop."""
    count = (len(ids) - 1) // crop
    if count < 1:
        raise ValueError(f"{len(ids)} characters hold no crop of {crop}")
    starts, total = np.arange(count) * crop, 0.0
    for first in range(0, count, batch):
        window = ids[starts[first : first + batch, None] + np.arange(crop + 1)].astype(np.int64)
        both = torch.from_numpy(np.ascontiguousarray(window.T)).to(model.device)  # (T + 1, B)
        logits, _ = model(both[:-1])
        losses = F.cross_entropy(logits.flatten(0, 1), both[1:].flatten(), reduction="none")
        total += losses.double().sum().item()
    return total / (count * crop)


def braces(text: str) -> list[Nesting]:
    """How the braces of C source are nested, outside comments, strings and directives."""
    return [_of(nesting, "{") for nesting in CText(text).brackets()]


def _of(nesting: Nesting, opening: str) -> Nesting:
    pairs = tuple(p for p in nesting.pairs if p.opening.name == opening and p.right)
    return Nesting(pairs, (), (), ())


def quotation_marks(text: str) -> list[Nesting]:
    """Quotations of a novel, which end with their paragraph."""
    return nest_quotes(text, PARAGRAPH)


CLOSERS: dict[str, Callable[[str], list[Nesting]]] = {
    "braces": braces,
    "quotation marks": quotation_marks,
}


def closing(found: Iterable[Nesting], sides: dict[str, np.ndarray]) -> dict:
    """How well each side expects a closing mark, by its distance from the mark that opened it.

    sides: nats of every target, (n,), where the target of place i is character i + 1. For each bin
    of `edges`: `count`, `distance` (median), and by side `likely` (the share of marks to which it
    gave at least one half, with Wilson's interval) and `bits` (their mean cost).
    """
    pairs = [p for nesting in found for p in nesting.pairs if p.right and p.closing.start > 0]
    distance = np.array([p.distance for p in pairs])
    places = np.array([p.closing.start - 1 for p in pairs], dtype=np.int64)
    bins = [(distance >= low) & (distance < high) for low, high in pairwise(EDGES)]
    result = {
        "edges": list(EDGES),
        "count": [int(b.sum()) for b in bins],
        "distance": [float(np.median(distance[b])) if b.any() else None for b in bins],
    }
    for name, nats in sides.items():
        cost = [nats[places[b]] / LN2 for b in bins]
        result[name] = {
            "likely": [Share(int((c <= 1).sum()), len(c)).as_dict() for c in cost],
            "bits": [float(c.mean()) if len(c) else None for c in cost],
        }
    return result
