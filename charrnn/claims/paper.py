"""What the paper after the post found in its grid of networks, judged by ours; C37 to C41.

A row is one trained network as `benchmarks/grid.py` writes it. Losses are in nats a character on
the test part, which was read once. A difference of two networks has two errors: the text's, from
the differences over equal stretches of it, and the seed's, from networks that were trained more
than once. It counts where it is larger than `BAR` times both together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.claims import changes
from charrnn.claims.rules import Claim, result
from charrnn.runs import Run
from charrnn.score import LN2

CELL_NAMES = {"lstm": "LSTM", "gru": "GRU", "rnn": "plain RNN"}
CELLS = tuple(CELL_NAMES)


STRETCHES = 16
"""How many stretches of the test text a text's error is taken over: long enough that one says
little about the next."""
PAIRS = {"deeper": 12, "gated": 24}
"""Comparisons that the whole grid has: of two depths, of a cell with gates and the plain one."""
LEAST = 5
"""Degrees of freedom from which the grid's own seeds say how far a loss spreads over them."""
TEXT = "war_and_peace"
BAR = 2.0
"""Errors that a difference must have to count: about 95 % of a normal distribution lie within."""


MOST = 2 / 3
"""Share of the comparisons that carries a finding which some of them don't."""


SAME = ("epochs", "batch", "seq")
"""In what rows must agree to be set side by side."""


@dataclass(frozen=True)
class Difference:
    """What one network's test loss has more than another's, in nats, and its standard error."""

    value: float
    error: float

    @property
    def sign(self) -> int:
        """-1 or 1 where it counts, 0 where it may be chance."""
        return 0 if abs(self.value) <= BAR * self.error else int(math.copysign(1, self.value))

    def __str__(self) -> str:
        return f"{self.value:+.3f} ± {BAR * self.error:.3f}"


def every() -> list[dict]:
    """The rows of all committed results. FileNotFoundError where there is none."""
    kept = [r for r in result("grid").values() if r["benchmark"] == "grid"]
    return [row for r in kept for row in r["rows"]]


def recorded() -> list[dict]:
    """The rows of all committed results that were trained alike.

    Of rows that differ in `SAME` the kind that most networks have is taken. Networks are compared
    at the rates of the table in `benchmarks/grid.py`: of others only a few were tried. Of one
    trained on several machines, or from several first biases of the forget gate, the row with the
    lowest validation loss. FileNotFoundError where there is no result.
    """
    return alike(every())


def alike(rows: Sequence[dict]) -> list[dict]:
    """The rows of `recorded`, out of these."""
    kinds: dict[tuple, dict[tuple, dict]] = {}
    at_table = (row for row in rows if row["factor"] == 1)
    for row in sorted(at_table, key=lambda row: -row["losses"]["val"]):
        kind = tuple(row[name] for name in SAME)
        kinds.setdefault(kind, {})[(*place(row), row["seed"])] = row
    # Of kinds that equally many networks have, the longer trainings.
    kind = max(kinds, key=lambda kind: (len(kinds[kind]), *kind), default=None)
    chosen = kinds.get(kind, {})
    return [chosen[key] for key in sorted(chosen)]


def place(row: dict) -> tuple[int, int, int]:
    """Where a row stands in the grid: number of its cell, layers, size."""
    return CELLS.index(row["cell"]), row["layers"], row["size"]


def networks(rows: Iterable[dict]) -> dict[tuple[str, int, int], list[dict]]:
    """Rows by (cell, layers, size), in the grid's order; a row a seed."""
    found: dict[tuple[str, int, int], list[dict]] = {}
    for row in sorted(rows, key=lambda row: (*place(row), row["seed"])):
        found.setdefault((row["cell"], row["layers"], row["size"]), []).append(row)
    return found


def loss(rows: Sequence[dict]) -> float:
    """Test loss of a network, the mean over its seeds."""
    return float(np.mean([row["losses"]["test"] for row in rows]))


def seed_error(rows: Iterable[dict]) -> float:
    """Standard deviation of a held-out loss over seeds, pooled over all networks with several.

    Where these leave fewer than `LEAST` degrees of freedom, that of the ablation's networks on the
    same text. NaN where there is neither: then only the text's error is known.
    """
    groups = [[r["losses"]["test"] for r in g] for g in networks(rows).values() if len(g) > 1]
    if sum(len(g) - 1 for g in groups) < LEAST:
        groups = _of_the_ablation()
    if not groups:
        return math.nan
    squares = sum(float(np.var(g)) * len(g) for g in groups)
    return math.sqrt(squares / sum(len(g) - 1 for g in groups))


def _of_the_ablation() -> list[list[float]]:
    """Held-out losses on the text's end of each of the ablation's programs, a number a seed."""
    try:
        kept = changes.recorded()[TEXT]
    except (FileNotFoundError, KeyError):
        return []
    seeds = changes.networks(kept).groupby([*changes.begun(kept), "seed"])["tail"].mean()
    programs = seeds.groupby(level=changes.begun(kept))
    return [group.tolist() for _, group in programs]


def text_error(blocks: np.ndarray) -> float:
    """Standard error of a mean over equal stretches of the test text, which are joined to
    `STRETCHES` where they are more: short ones say something about their neighbours."""
    if len(blocks) > STRETCHES:
        blocks = [part.mean() for part in np.array_split(np.asarray(blocks), STRETCHES)]
    return float(np.std(blocks, ddof=1) / math.sqrt(len(blocks)))


def difference(one: Sequence[dict], other: Sequence[dict], seeds: float) -> Difference:
    """What a network (its rows, one a seed) has more than another.

    seeds: the spread of a single training over seeds; NaN counts as none.
    """
    first, second = (np.mean([row["blocks"] for row in rows], axis=0) for rows in (one, other))
    spread = 0.0 if math.isnan(seeds) else seeds**2 * (1 / len(one) + 1 / len(other))
    error = math.sqrt(text_error(first - second) ** 2 + spread)
    return Difference(loss(one) - loss(other), error)


def deeper(rows: Sequence[dict], layers: int, than: int) -> dict[tuple[str, int], Difference]:
    """What networks of so many layers have more than those of `than`, by cell and size."""
    found, seeds = networks(rows), seed_error(rows)
    pairs = {
        (cell, size): (group, found.get((cell, than, size)))
        for (cell, depth, size), group in found.items()
        if depth == layers
    }
    return {key: difference(a, b, seeds) for key, (a, b) in pairs.items() if b}


def gated(rows: Sequence[dict]) -> dict[tuple[str, int, int], Difference]:
    """What LSTM and GRU have more than the plain network with as many parameters and layers."""
    found, seeds = networks(rows), seed_error(rows)
    pairs = {key: found.get(("rnn", *key[1:])) for key in found if key[0] != "rnn"}
    return {key: difference(found[key], plain, seeds) for key, plain in pairs.items() if plain}


def _count(found: Iterable[Difference]) -> tuple[int, int, int]:
    """How many are lower, higher, and within chance."""
    signs = [d.sign for d in found]
    return signs.count(-1), signs.count(1), signs.count(0)


def two_layers(rows: Sequence[dict]) -> tuple[str, str, str]:
    """Held: two layers have the lower loss than one in every comparison, beyond its error. Held
    with a change: in two thirds of them, and in more than those where they have the higher."""
    said = "at least two layers are better than one"
    found = deeper(rows, 2, 1)
    if not found:
        return said, "no network of two layers beside one of one", "not tested"
    lower, higher, chance = _count(found.values())
    number = f"2 against 1 at equal size: lower in {lower}, higher in {higher}, within chance in "
    number += f"{chance} of {_pairs(len(found), 'deeper')}"
    return said, number, _most(lower, higher, len(found))


def three_layers(rows: Sequence[dict]) -> tuple[str, str, str]:
    """Held: three layers beside two have the lower loss in some comparison and the higher in some,
    beyond the errors. Not held: the lower, or the higher, in two thirds, and never the other. Held
    with a change: neither, so that most are within chance."""
    said = "three layers beside two: mixed"
    found = deeper(rows, 3, 2)
    if not found:
        return said, "no network of three layers beside one of two", "not tested"
    lower, higher, chance = _count(found.values())
    number = f"3 against 2 at equal size: lower in {lower}, higher in {higher}, within chance in "
    one_way = max(lower, higher) >= MOST * len(found)
    mixed = "held" if lower and higher else "not held" if one_way else "held with a change"
    return said, number + f"{chance} of {_pairs(len(found), 'deeper')}", mixed


def gates(rows: Sequence[dict]) -> tuple[str, str, str]:
    """Held: LSTM and GRU each have the lower loss than the plain network of as many parameters in
    every comparison, beyond its error. Not held: neither has it in two thirds of them (or each is
    the higher more often). Held with a change: what lies between."""
    said = "LSTM and GRU far ahead of the plain network at equal parameters"
    found = gated(rows)
    if not found:
        return said, "no network with gates beside one without", "not tested"
    told_of, judged = [], []
    for cell in dict.fromkeys(key[0] for key in found):
        kept = [d for key, d in found.items() if key[0] == cell]
        lower, higher, _ = _count(kept)
        gain = float(np.median([-d.value for d in kept]))
        judged.append(_most(lower, higher, len(kept)))
        told_of.append(
            f"{CELL_NAMES[cell]}: lower in {lower} of {len(kept)}, higher in {higher}, gains "
            f"{gain:+.3f} nats in the median"
        )
    verdict = judged[0] if len(set(judged)) == 1 else "held with a change"
    missing = PAIRS["gated"] - len(found)
    told_of += [f"{missing} of {PAIRS['gated']} pairs not trained"] if missing > 0 else []
    return said, "; ".join(told_of), verdict


def _pairs(number: int, kind: str) -> str:
    """How many comparisons there were, and of how many."""
    whole = PAIRS[kind]
    return f"{number} pairs" + (
        f" ({whole - number} of {whole} not trained)" if number < whole else ""
    )


def _most(lower: int, higher: int, all_: int) -> str:
    if lower == all_:
        return "held"
    return "held with a change" if lower >= MOST * all_ and lower > higher else "not held"


def best(rows: Sequence[dict]) -> dict:
    """The row with the lowest validation loss: chosen without its test loss. ValueError where there
    is none."""
    if not rows:
        raise ValueError("there is no network to choose; train some (python -m benchmarks.grid)")
    return min(rows, key=lambda row: row["losses"]["val"])


PAPERS = 1.077, 1.195
"""Test losses on War and Peace of the paper's best network and of its 20-gram, nats a character
(confirmed in the slides of a talk on it)."""
CLAIMED, GRAVES = 1.57, 1.67
"""Bits a character on Wikipedia: of the post's first revision (3 x 700, 7 epochs; withdrawn on
28 May 2015), and of Graves 2013 (7 x 700), which it stood beside."""


def _of_the_grid(rule) -> Callable[[Run], tuple[str, str]]:
    """A finding's number and verdict over all committed rows."""
    return lambda run: rule(recorded())[1:]


def _beside_counting(run: Run) -> tuple[str, str]:
    """Held: the best network has a lower test loss than the longest n-gram of the same training
    text."""
    row, counted = best(recorded()), run.measures["yardsticks"]["ngram"]["static"]
    order = max(counted, key=int)
    network, plain = row["losses"]["test"], counted[order]
    text = (
        f"{CELL_NAMES[row['cell']]} {row['layers']} x {row['size']} {network:.3f} beside our "
        f"{order}-gram's {plain:.3f} nats, {1 - network / plain:.1%} less (the paper: "
        f"{1 - PAPERS[0] / PAPERS[1]:.1%} less)"
    )
    return text, "held" if network < plain else "not held"


def _withdrawn(run: Run) -> tuple[str, str]:
    """Never tested without enwik8: what the nearest recorded run has, and why it doesn't count."""
    nats, trained = run.info["losses"]["val"], run.info["split"]["train"]
    text = (
        f"the text was not at hand; on other text of the kind, {trained / 1e6:.1f} MB of it, "
        f"{run.info['model']['layers']} x {run.info['model']['hidden']} reach {nats / LN2:.2f} bits"
    )
    return text, "not tested"


CHAPTER = "20-the-grid"
GRID = {"run": "war_and_peace", "chapter": CHAPTER, "over": "trainings", "benchmark": "grid"}

CLAIMS = (
    Claim(
        "C37",
        "3 x 700 reach 1.57 bits a character on Wikipedia (withdrawn)",
        "wikipedia",
        _withdrawn,
        CHAPTER,
        "validation text",
    ),
    Claim(
        "C38", "two layers are better than one (the paper)", rule=_of_the_grid(two_layers), **GRID
    ),
    Claim("C39", "three beside two are mixed (the paper)", rule=_of_the_grid(three_layers), **GRID),
    Claim(
        "C40",
        "LSTM and GRU are far ahead of the plain network at equal parameters (the paper)",
        rule=_of_the_grid(gates),
        **GRID,
    ),
    Claim(
        "C41",
        "the best network is ahead of a 20-gram, 1.077 beside 1.195 nats (the paper)",
        "war_and_peace",
        _beside_counting,
        CHAPTER,
        "trainings",
        benchmark="grid",
    ),
)
