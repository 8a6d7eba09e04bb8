"""Names: what is new among the drawn ones, and how probable the network finds any name, exactly.

A network that reads each line from an empty state draws each name afresh, so names are independent
of each other: their shares have Wilson intervals, and the probability of a name is the product of
its letters' and its line end's. That product needs no drawing. Summed over the training list it is
the share of draws, in the long run, that are not new.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch

from charrnn.corpora import CorpusError, load_corpus, verify
from charrnn.measure.material import Material, mean, quantiles
from charrnn.runs import Run
from charrnn.sample import sample_many
from charrnn.structure import names
from charrnn.structure.shares import Share

DRAWN = 5000
"""Names drawn at each temperature; fewer where shorter texts than usual are asked for."""
LENGTH = 60
"""Characters until which a drawn name has to end; what does not is counted and left out."""
NEAREST = 1000
"""Different new names whose distance to the training list is measured, at each temperature."""
KEPT = 24
"""Names in each of the lists that are kept."""
OUTSIDE = "names_makemore"
"""A list of other origin, used where it is on this machine: 32,033 names given in the USA."""
FAVOURITES = ("Baby", "Killie", "Char", "R", "More", "Mars", "Hi", "Saddie", "With", "Ahbort")
"""Those that the post likes best of what its network drew."""
QUOTED = (
    "Rudi Levette Berice Lussa Hany Mareanne Chrestina Carissy Marylen Hammine Janye Marlise "
    "Jacacrie Hendred Romand Charienna Nenotto Ette Dorane Wallen"
)
"""The first names that the post shows."""


def measure(material: Material) -> dict:
    """`by_temperature`, a row each by its number as text, and a row of the `held_out` list; how
    many names were `drawn` at each, and the sizes of the `lists`; and at T = 1 `cost` (mean nats
    of a name, by list), `parts` (first letters and endings), and names with their probabilities:
    `likeliest`, `unlikeliest`, `found` and, of those that the post shows, `post`; `first_new` are
    names alone.

    A row's `mass` is the probability of all different names of a list together, at its temperature.
    """
    run, temperatures = material.run, tuple(material.drawn)
    lists = {
        "training": names.lines(material.train),
        "held_out": names.lines(material.held_out),
    }
    outside = _outside()
    n = max(1, min(DRAWN, material.samples * material.length // 6))
    log_p = {
        key: log_probabilities(run, sorted(set(kept)), temperatures) for key, kept in lists.items()
    }
    rows, drawn = {}, {}
    for i, t in enumerate(temperatures):
        drawn[t], unfinished = draw(run, n, t)
        mass = {key: float(np.exp(p[i]).sum()) for key, p in log_p.items()}
        kept = row(drawn[t], lists["training"], lists["held_out"], outside)
        rows[str(t)] = kept | {"unfinished": unfinished, "mass": mass}
    return {
        "by_temperature": rows,
        "held_out": row(lists["held_out"], lists["training"], lists["held_out"], outside),
        "drawn": n,
        "outside": len(outside) or None,
        "lists": {k: {"lines": len(v), "different": len(set(v))} for k, v in lists.items()},
        "cost": _cost(run, lists),
        "parts": _parts({"model": drawn[1.0], **lists}),
        "likeliest": _likeliest(run, lists, outside),
        **_told(run, drawn[1.0], lists, outside),
        "post": {
            "favourites": _record(run, FAVOURITES, lists, outside),
            "quoted": _record(run, QUOTED.split(), lists, outside),
        },
    }


def draw(run: Run, n: int, temperature: float, seed: int = 1000) -> tuple[list[str], int]:
    """`n` names, each drawn from an empty state, without empty ones and those that did not end
    within `LENGTH` characters; and how many did not."""
    settings = {"length": LENGTH, "temperature": temperature, "seed": seed}
    texts = sample_many(run, n, stop="\n", **settings)
    ended = [text for text in texts if len(text) < LENGTH]
    return [name for name in ended if name], n - len(ended)


def row(
    drawn: Sequence[str],
    training: Sequence[str],
    held_out: Sequence[str],
    outside: Collection[str],
) -> dict:
    """The measures of a list of names.

    `new`, `new_folded`, `held_out`, `distinct` and `well_formed` as in `structure.names`; `listed`:
    new names, each once, that the outside list has (None without one); `near`: how far new names
    are from the training list, by distance, where "4" is 4 and more; `first_letters` and `endings`:
    total variation from the training list, in lots as large as the held-out list.
    """
    shares, known = names.name_shares(drawn, training, held_out), frozenset(training)
    fields = ("new", "new_folded", "held_out", "distinct", "well_formed")
    new = [name for name in dict.fromkeys(drawn) if name not in known]
    far = names.nearest(new[:NEAREST], training)
    lots = [drawn[i : i + len(held_out)] for i in _lots(len(drawn), len(held_out))]
    return {f: getattr(shares, f).as_dict() for f in fields} | {
        "names": len(drawn),
        "lengths": quantiles([len(name) for name in drawn]),
        "listed": names.listed(new, outside).as_dict() if outside else None,
        "near": {str(d): Share(int((far == d).sum()), len(far)).as_dict() for d in (1, 2, 3, 4)},
        "first_letters": _variation(lots, training, names.first_letter),
        "endings": _variation(lots, training, names.ending),
    }


def _lots(n: int, size: int) -> range:
    return range(0, n - size + 1, size) if size else range(0)


def _variation(lots: list, training: Sequence[str], part) -> dict | None:
    whole = names.frequencies(training, part)
    found = [names.total_variation(names.frequencies(lot, part), whole) for lot in lots]
    alone = {"value": found[0], "low": None, "high": None, "total": 1} if found else None
    return mean(found) or alone


def log_probabilities(
    run: Run, listed: Sequence[str], temperatures: Sequence[float] = (1.0,)
) -> np.ndarray:
    """ln p of each name and its line end, read from an empty state: float64 (temperatures, names).

    UnknownCharacterError for a name with a letter that the network has never seen.
    """
    newline = int(run.vocab.encode("\n")[0])
    found = np.zeros((len(temperatures), len(listed)))
    order = np.argsort([len(name) for name in listed], kind="stable")
    for start in range(0, len(order), 2048):
        chosen = order[start : start + 2048]
        ids = [run.vocab.encode(listed[i] + "\n") for i in chosen]
        longest = max(map(len, ids))
        targets = np.full((longest, len(ids)), -1)
        for i, name in enumerate(ids):
            targets[: len(name), i] = name
        inputs = np.vstack([np.full(len(ids), newline), targets[:-1]])
        behind = inputs[1:]  # what stands behind a name's end is predicted by nobody
        behind[(behind < 0) | (behind == newline)] = 0 if newline else 1
        logits = _logits(run, inputs)
        for k, t in enumerate(temperatures):
            p = _log_softmax(logits / t)
            each = np.take_along_axis(p, np.maximum(targets, 0)[..., None], axis=-1)[..., 0]
            found[k, chosen] = np.where(targets < 0, 0, each).sum(axis=0)
    return found


def likeliest(run: Run, least: float, most: int = 10_000) -> list[tuple[str, float]] | None:
    """All names of probability `least` or more, the likeliest first: without drawing, and exact.

    A beginning is at least as probable as any name that goes on from it, so what falls below
    `least` need not be followed. None where more than `most` beginnings would have to be.
    """
    newline = int(run.vocab.encode("\n")[0])
    begun, log_p = np.zeros((1, 0), dtype=np.int64), np.zeros(1)
    found = []
    for _ in range(LENGTH):
        inputs = np.hstack([np.full((len(begun), 1), newline), begun]).T
        p = log_p[:, None] + _log_softmax(_logits(run, inputs)[-1])
        ended = p[:, newline] >= np.log(least)
        found += zip(begun[ended], p[ended, newline], strict=True)
        p[:, newline] = -np.inf
        which, symbol = np.nonzero(p >= np.log(least))
        if len(which) > most:
            return None
        begun, log_p = np.hstack([begun[which], symbol[:, None]]), p[which, symbol]
        if not len(begun):
            break
    ranked = sorted(found, key=lambda item: -item[1])
    return [(run.vocab.decode(ids), float(np.exp(p))) for ids, p in ranked if len(ids)]


@torch.inference_mode()
def _logits(run: Run, inputs: np.ndarray) -> np.ndarray:
    """(T, N, V) from ids (T, N), from an empty state."""
    ids = torch.from_numpy(inputs.astype(np.int64)).to(run.model.device)
    return run.model(ids)[0].double().cpu().numpy()


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    scores = scores - scores.max(axis=-1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))


def _cost(run: Run, lists: dict[str, list[str]]) -> dict:
    """By list, the mean of -ln p over its different names, with its interval."""
    each = {key: -log_probabilities(run, sorted(set(kept)))[0] for key, kept in lists.items()}
    return {key: mean(values.tolist()) for key, values in each.items()}


def _parts(lists: dict[str, list[str]]) -> dict:
    """How often names begin with a letter and end in two: by list, the most frequent of all."""
    found = {}
    for title, part in (("first_letters", names.first_letter), ("endings", names.ending)):
        by_list = {key: names.frequencies(kept, part) for key, kept in lists.items()}
        shown = list(by_list["training"])[:KEPT]
        found[title] = {
            key: {p: round(table.get(p, 0.0), 6) for p in shown} for key, table in by_list.items()
        }
    return found


def _likeliest(run: Run, lists: dict[str, list[str]], outside: Collection[str]) -> dict | None:
    """Without drawing: of the `KEPT` likeliest names how many are in the training list (`known`),
    and the `KEPT` likeliest that are not (`new`). None where too little is likely to find them."""
    training, best = frozenset(lists["training"]), None
    for least in 10.0 ** -np.arange(2, 6.5, 0.5):
        found = likeliest(run, least)
        best = found or best
        if found is None or sum(name not in training for name, _ in found) >= KEPT:
            break
    if not best:
        return None
    new = [name for name, _ in best if name not in training][:KEPT]
    top = [name for name, _ in best[:KEPT]]
    return {
        "known": Share(sum(name in training for name in top), len(top)).as_dict(),
        "searched": len(best),
        "together": sum(p for _, p in best),
        "top": _record(run, top, lists, outside),
        "new": _record(run, new, lists, outside),
    }


def _told(
    run: Run, drawn: Sequence[str], lists: dict[str, list[str]], outside: Collection[str]
) -> dict:
    """Of the new names drawn at T = 1, each once and in the order of drawing: the first ones
    (`first_new`) and those that the held-out or the outside list has (`found`, and how many in
    all); and the least probable of the well-formed ones (`unlikeliest`)."""
    training, held_out = frozenset(lists["training"]), frozenset(lists["held_out"])
    new = [name for name in dict.fromkeys(drawn) if name not in training]
    good = [name for name in new if names.well_formed(name)]
    by_p = np.argsort(log_probabilities(run, good)[0], kind="stable")
    real = [name for name in new if name in held_out or names.folded(name) in outside]
    return {
        "unlikeliest": _record(run, [good[i] for i in by_p[:KEPT]], lists, outside),
        "found": _record(run, real[:KEPT], lists, outside),
        "first_new": new[:KEPT],
        "found_in_all": {
            "new": len(new),
            "held_out": sum(name in held_out for name in new),
            "either": len(real),
        },
    }


def _record(
    run: Run, listed: Sequence[str], lists: dict[str, list[str]], outside: Collection[str]
) -> list[dict]:
    """Names with their probability at T = 1 (None where a letter is unknown), and which lists have
    them: letter for letter, and the outside list (None without one) folded."""
    training, held_out = frozenset(lists["training"]), frozenset(lists["held_out"])
    readable = [name for name in listed if not run.vocab.unknown(name)]
    p = dict(zip(readable, np.exp(log_probabilities(run, readable)[0]).tolist(), strict=True))
    return [
        {
            "name": name,
            "p": p.get(name),
            "training": name in training,
            "held_out": name in held_out,
            "listed": names.folded(name) in outside if outside else None,
        }
        for name in listed
    ]


def _outside() -> frozenset[str]:
    """The outside list, folded; empty where it is not on this machine. Downloads nothing."""
    try:
        verify(OUTSIDE, required=True)
        text = load_corpus(OUTSIDE, progress=False).read_text()
    except CorpusError:
        return frozenset()
    return frozenset(map(names.folded, names.lines(text + "\n")))
