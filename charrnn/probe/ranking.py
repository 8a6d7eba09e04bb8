"""Every unit of a network against every rule, in one pass over its states and in bounded memory.

A unit is judged by how well its value alone tells what a rule says: by the area under the ROC curve
(AUC: the probability that the unit is higher at a random character inside than at one outside), by
F1 at a threshold, or, for graded rules, by the correlation. A million characters and 1,024 units
make a billion values; they are not kept but counted, in a histogram for each unit and rule, from
which AUC and F1 follow. Values that share a bin count as ties, so the AUC is exact to the
resolution of the bins.

Which units are good is found on the first half of the text and measured on the second, polarity and
threshold included: the best of a thousand units looks good by chance on what it was chosen by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

BINS = 512
ROWS = 16_384
"""States that are counted at once."""
PER_SUM, FIELD = 3, 17
"""Counts that share one float64 number, which is exact to 53 bits, and the bits of each: at most
2^17 - 1 states can be counted at once."""
FEWEST = 10
"""Characters on either side of a yes-or-no rule, in each half, below which it is left out."""


@dataclass(frozen=True)
class Scores:
    """How well each of N units tells one yes-or-no rule, (N,) each.

    Polarity is arbitrary: `sign` is +1 for a unit that is higher inside, -1 for one that is lower,
    by the first half of the text. Thresholds are values as they were counted.
    """

    rule: str
    sign: np.ndarray
    auc_found: np.ndarray
    """On the first half, at least 0.5 by the choice of the sign."""
    auc: np.ndarray
    """On the second half, with that sign: 0.5 is chance."""
    threshold: np.ndarray
    """The value from which on (`above`; else below which) the unit says yes: the best F1 of the
    first half."""
    above: np.ndarray
    f1_found: np.ndarray
    f1: np.ndarray
    """On the second half, at that threshold."""
    positives: float
    """The share of the second half that the rule labels."""

    @property
    def guessing(self) -> float:
        """The F1 of saying yes everywhere."""
        return 2 * self.positives / (1 + self.positives)

    def best(self, count: int = 10, by: str = "f1") -> np.ndarray:
        """The best units of the first half, best first: "auc" or "f1"."""
        found = {"auc": self.auc_found, "f1": self.f1_found}[by]
        return np.argsort(-found, kind="stable")[:count]


@dataclass(frozen=True)
class Correlations:
    """How well each of N units follows one graded rule, (N,) each."""

    rule: str
    r_found: np.ndarray
    """Pearson's correlation on the first half."""
    r: np.ndarray
    """On the second half; the sign is that of the unit."""
    n: int
    """Characters of the second half about which the rule says something."""

    def best(self, count: int = 10) -> np.ndarray:
        """The units that follow it most closely on the first half, best first."""
        return np.argsort(-np.abs(self.r_found), kind="stable")[:count]


class Ranking:
    """Counts states as they come, and scores all units at the end."""

    def __init__(self, labels: Mapping[str, np.ndarray], bins: int = BINS) -> None:
        """labels: rule to (n,) labels of the text, bool for yes-or-no rules, floats for graded ones
        (NaN where one says nothing). ValueError where their lengths differ or there are none."""
        lengths = {len(label) for label in labels.values()}
        if len(lengths) != 1:
            raise ValueError(f"labels have lengths {sorted(lengths)}; give some, all of one length")
        self.length, self.bins = lengths.pop(), bins
        told = {k: v for k, v in labels.items() if v.dtype == bool}
        self.yes_or_no = {k: v for k, v in told.items() if _enough(v)}
        self.graded = {k: v for k, v in labels.items() if v.dtype != bool}
        self.half = np.arange(self.length) >= self.length // 2
        self._packed()
        self._waiting: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._rows = 0
        self.counts = None

    def _packed(self) -> None:
        """Labels as weights that count three rules in one sum: `weights` (groups, n) float64, each
        holding three labels `FIELD` bits apart; the last label, which is always 1, is for all."""
        rows = [*self.yes_or_no.values(), np.ones(self.length, bool)]
        groups = [rows[i : i + PER_SUM] for i in range(0, len(rows), PER_SUM)]
        packed = np.zeros((len(groups), self.length), np.int64)
        for total, group in zip(packed, groups, strict=True):
            for place, row in enumerate(group):
                total += row.astype(np.int64) << (place * FIELD)
        self.weights = packed

    def add(self, where: np.ndarray, values: np.ndarray, shown: np.ndarray | None = None) -> None:
        """Count states: where (m,) in the text, values (m, N) of the units, any real numbers.

        shown (m, N): what correlations are taken of, where that is not `values`.
        """
        self._waiting.append((where, values, values if shown is None else shown))
        self._rows += len(where)
        if self._rows >= ROWS:
            self._count()

    def _count(self) -> None:
        if not self._waiting:
            return
        where, values, shown = (np.concatenate(part) for part in zip(*self._waiting, strict=True))
        self._waiting, self._rows = [], 0
        if self.counts is None:
            units = values.shape[1]
            shape = (len(self.yes_or_no) + 1, 2, units, self.bins)
            self.counts = np.zeros(shape, np.int64 if self.length >= 2**31 else np.int32)
            self.sums = {name: np.zeros((2, 6, units)) for name in self.graded}
            self.origin = shown[-1]
        for i in range(0, len(where), ROWS):
            some = slice(i, i + ROWS)
            self._histograms(where[some], values[some])
            self._moments(where[some], shown[some])

    def _histograms(self, where: np.ndarray, values: np.ndarray) -> None:
        codes = bins_of(values, self.bins)  # (m, N) int16
        for half in (0, 1):
            here = self.half[where] == bool(half)
            weights = self.weights[:, where[here]].astype(np.float64)
            for unit, code in enumerate(np.ascontiguousarray(codes[here].T)):
                self._count_unit(half, unit, code.astype(np.intp), weights)

    def _count_unit(self, half: int, unit: int, code: np.ndarray, weights: np.ndarray) -> None:
        """Add one unit's bins (m,) to the counts; float64 holds the packed sums exactly."""
        rules = len(self.counts)
        for group, weight in enumerate(weights):
            sums = np.bincount(code, weight, minlength=self.bins).astype(np.int64)
            for place, rule in enumerate(range(group * PER_SUM, min(rules, (group + 1) * PER_SUM))):
                self.counts[rule, half, unit] += sums >> (place * FIELD) & (1 << FIELD) - 1

    def _moments(self, where: np.ndarray, shown: np.ndarray) -> None:
        """Of each graded rule y and unit x: n, sums of x, xx, xy, y, yy, where y is a number.

        x is counted from some state on, or a unit that hardly leaves 1 would drown in rounding.
        """
        shown = shown - self.origin
        for name, label in self.graded.items():
            y = label[where].astype(np.float32)
            told = ~np.isnan(y)
            for half in (0, 1):
                here = told & (self.half[where] == bool(half))
                if not here.any():
                    continue
                some, known = shown[here], y[here]
                ones = np.ones_like(known)
                sums = self.sums[name][half]
                sums[0] += len(known)
                sums[1] += ones @ some
                sums[2] += np.einsum("ij,ij->j", some, some)
                sums[3] += known @ some
                sums[4] += known.sum(dtype=np.float64)
                sums[5] += (known.astype(np.float64) ** 2).sum()

    def scores(self) -> dict[str, Scores | Correlations]:
        """Every rule's scores; a rule with too few characters of either kind is left out."""
        self._count()
        if self.counts is None:
            raise ValueError("no states were counted; add some first")
        found: dict[str, Scores | Correlations] = {}
        for i, name in enumerate(self.yes_or_no):
            inside = self.counts[i].astype(np.int64)  # (2, N, bins)
            outside = self.counts[-1] - inside
            if min(inside[:, 0].sum(axis=1).min(), outside[:, 0].sum(axis=1).min()) >= FEWEST:
                found[name] = _scores(name, inside, outside, self.bins)
        for name, sums in self.sums.items():
            if sums[:, 0, 0].min() >= FEWEST:
                first, second = (_correlation(s) for s in sums)
                found[name] = Correlations(name, first, second, int(sums[1, 0, 0]))
        return found

    def shuffled(self, rule: str) -> np.ndarray:
        """(N - 1,) F1 on the second half of every unit but the best, at the best one's threshold:
        what is left of its score when units are shuffled between the halves."""
        self._count()
        i = list(self.yes_or_no).index(rule)
        inside = self.counts[i].astype(np.int64)
        outside = self.counts[-1] - inside
        above, edge, found = _best_f1(inside[0], outside[0])
        best = int(found.argmax())
        same = np.full(len(found), best)
        return np.delete(_f1_at(inside[1], outside[1], above[same], edge[same]), best)


def _enough(label: np.ndarray) -> bool:
    """Whether a text has enough on both sides of a rule for it to be counted at all."""
    return FEWEST <= int(label.sum()) <= len(label) - FEWEST


def bins_of(values: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Which bin real numbers fall into, int16: equal steps of x / (1 + |x|), which tells a memory
    of 20 from one of 30 as well as it tells 0.1 from 0.11."""
    squashed = np.abs(values)
    squashed += 1
    np.divide(values, squashed, out=squashed)
    squashed += 1
    squashed *= bins / 2
    return np.minimum(squashed, bins - 1).astype(np.int16)


def edge_value(edge: np.ndarray, bins: int = BINS) -> np.ndarray:
    """The smallest number of a bin, the inverse of `bins_of`."""
    squashed = np.clip(2 * np.asarray(edge) / bins - 1, -1 + 1e-9, 1 - 1e-9)
    return squashed / (1 - np.abs(squashed))


def histogram_auc(inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """AUC from counts by bin, (..., bins) each, to (...): ties count half (Mann & Whitney 1947)."""
    below = np.cumsum(outside, axis=-1) - outside
    wins = (inside * (below + outside / 2)).sum(axis=-1)
    pairs = inside.sum(axis=-1).astype(float) * outside.sum(axis=-1)
    return np.divide(wins, pairs, out=np.full(wins.shape, np.nan), where=pairs > 0)


def exact_auc(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """AUC of values (T, N) for labels (T,) bool, to (N,), by ranks: nothing is binned.

    ValueError where all characters are inside, or none.
    """
    yes = int(inside.sum())
    if not 0 < yes < len(inside):
        raise ValueError(f"{yes} of {len(inside)} characters are inside; some must be, and not all")
    found = np.empty(values.shape[1])
    for unit, column in enumerate(values.T):
        order = np.sort(column)
        chosen = column[inside]
        low, high = order.searchsorted(chosen, "left"), order.searchsorted(chosen, "right")
        ranks = (low + high + 1) / 2  # the mean rank of equals
        found[unit] = (ranks.sum() - yes * (yes + 1) / 2) / (yes * (len(inside) - yes))
    return found


def _scores(name: str, inside: np.ndarray, outside: np.ndarray, bins: int) -> Scores:
    first, second = histogram_auc(inside, outside)
    up = first >= 0.5
    above, edge, f1_found = _best_f1(inside[0], outside[0])
    yes, no = inside[1, 0].sum(), outside[1, 0].sum()
    return Scores(
        rule=name,
        sign=np.where(up, 1, -1),
        auc_found=np.where(up, first, 1 - first),
        auc=np.where(up, second, 1 - second),
        threshold=edge_value(edge, bins),
        above=above,
        f1_found=f1_found,
        f1=_f1_at(inside[1], outside[1], above, edge),
        positives=float(yes / (yes + no)),
    )


def _best_f1(inside: np.ndarray, outside: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """On which side a unit says yes (N,) bool, the edge between bins (N,) and the F1 (N,) that are
    best for counts (N, bins): edge k says yes from bin k on, or below bin k."""
    higher, lower = _f1_curves(inside, outside)
    up, down = higher.argmax(axis=1), lower.argmax(axis=1)
    rows = np.arange(len(inside))
    best_up, best_down = higher[rows, up], lower[rows, down]
    above = best_up >= best_down
    return above, np.where(above, up, down), np.maximum(best_up, best_down)


def _f1_curves(inside: np.ndarray, outside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F1 for every edge 0 to bins, (N, bins + 1): of saying yes from there on, and below it."""
    hits = np.zeros((len(inside), inside.shape[1] + 1))
    false = hits.copy()
    np.cumsum(inside, axis=1, out=hits[:, 1:])  # below each edge
    np.cumsum(outside, axis=1, out=false[:, 1:])
    yes, no = hits[:, -1:], false[:, -1:]

    def f1(hit: np.ndarray, wrong: np.ndarray) -> np.ndarray:
        return 2 * hit / np.maximum(hit + wrong + yes, 1)

    return f1(yes - hits, no - false), f1(hits, false)


def _f1_at(
    inside: np.ndarray, outside: np.ndarray, above: np.ndarray, edge: np.ndarray
) -> np.ndarray:
    """F1 of counts (N, bins) at given sides and edges (N,)."""
    higher, lower = _f1_curves(inside, outside)
    rows = np.arange(len(inside))
    return np.where(above, higher[rows, edge], lower[rows, edge])


def _correlation(sums: np.ndarray) -> np.ndarray:
    """Pearson's r from the moments (6, N); 0 for a unit, or a rule, that never changes."""
    n, x, xx, xy, y, yy = sums
    spread = np.sqrt(np.maximum(n * xx - x * x, 0) * np.maximum(n * yy - y * y, 0))
    together = n * xy - x * y
    return np.divide(together, spread, out=np.zeros_like(spread), where=spread > 1e-9 * n * n)
