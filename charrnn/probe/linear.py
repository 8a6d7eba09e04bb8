"""What a linear reading of the whole state can tell of a rule: the ceiling for any single unit.

A logistic regression for each yes-or-no rule, ridge regression for each graded one (diagnostic
classifiers: Alain & Bengio 2016; Hupkes et al. 2018), fitted on a sample of the first half of a
text and measured on a sample of the second. A single unit is one such reading, so a good probe
beside bad units says that the network knows, and that no unit does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.probe.ranking import FEWEST, exact_auc

SAMPLE = 40_000
"""States of each half that are kept, at most."""
PENALTY = 1e-4
"""Times half the mean of the squared weights' sum, on standardised states."""
ROUNDS = 60
FAINT = np.float32(0.01)
"""Spread of a unit below which it is not scaled up: it would be noise, or wake up later."""


@dataclass(frozen=True)
class Read:
    """How well a linear reading tells a rule on the second half."""

    auc: float | None = None
    f1: float | None = None
    r: float | None = None


class Sample:
    """An even sample of the states of both halves of a text, for whatever needs them at once."""

    def __init__(self, length: int, most: int = SAMPLE, seed: int = 0) -> None:
        """length: characters of the text; most: kept of each half."""
        rng = np.random.default_rng(seed)
        middle = length // 2
        chosen = [
            rng.choice(range_ := np.arange(a, b), min(most, len(range_)), replace=False)
            for a, b in ((0, middle), (middle, length))
        ]
        self.taken = np.zeros(length, bool)
        self.taken[np.concatenate(chosen)] = True
        self.middle, self._parts = middle, []

    def add(self, where: np.ndarray, values: np.ndarray) -> None:
        """Keep what was chosen of states values (m, N) after characters where (m,)."""
        here = self.taken[where]
        if here.any():
            self._parts.append((where[here], values[here]))

    def halves(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(where, values) of the first half, then of the second."""
        where, values = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        for half in (where < self.middle, where >= self.middle):
            yield where[half], values[half]


def linear_probes(sample: Sample, labels: Mapping[str, np.ndarray]) -> dict[str, Read]:
    """Fit and measure a reading for every rule; labels as for `charrnn.probe.ranking.Ranking`.

    Rules with fewer than ten characters of either kind in a half's sample are left out.
    """
    (fit_at, x), (test_at, x_test) = sample.halves()
    mean, spread = x.mean(axis=0), np.maximum(x.std(axis=0), FAINT)
    x, x_test = (torch.from_numpy((v - mean) / spread) for v in (x, x_test))
    told = {k: v for k, v in labels.items() if v.dtype == bool}
    told = {k: v for k, v in told.items() if _enough(v[fit_at]) and _enough(v[test_at])}
    found: dict[str, Read] = {}
    if told:
        y, y_test = (np.stack([v[at] for v in told.values()], axis=1) for at in (fit_at, test_at))
        fitted, tested = _logistic(x, torch.from_numpy(y.astype(np.float32)), x_test)
        for i, name in enumerate(told):
            auc = exact_auc(tested[:, i : i + 1], y_test[:, i])[0]
            cut = best_cut(fitted[:, i], y[:, i])
            found[name] = Read(auc=float(auc), f1=f1_above(tested[:, i], y_test[:, i], cut))
    for name, label in labels.items():
        if label.dtype != bool:
            r = _ridge(x, label[fit_at], x_test, label[test_at])
            found |= {} if r is None else {name: Read(r=r)}
    return found


def _enough(label: np.ndarray) -> bool:
    return FEWEST <= label.sum() <= len(label) - FEWEST


def _logistic(x: Tensor, y: Tensor, x_test: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Scores on both halves (n, R), of logistic regressions for all R rules at once."""
    weights = torch.zeros(x.shape[1], y.shape[1], requires_grad=True)
    bias = torch.logit(y.mean(dim=0).clamp(1e-5, 1 - 1e-5)).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [weights, bias], max_iter=ROUNDS, history_size=10, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        rules = F.binary_cross_entropy_with_logits(x @ weights + bias, y, reduction="none")
        total = rules.mean(dim=0).sum() + PENALTY / 2 * (weights**2).sum()
        total.backward()
        return total

    optimizer.step(loss)
    with torch.no_grad():
        return tuple((part @ weights + bias).numpy() for part in (x, x_test))


def _ridge(x: Tensor, y: np.ndarray, x_test: Tensor, y_test: np.ndarray) -> float | None:
    """Correlation of a ridge regression with a graded rule where that says something."""
    here, there = ~np.isnan(y), ~np.isnan(y_test)
    if min(here.sum(), there.sum()) <= 2 * FEWEST or not y[here].std() or not y_test[there].std():
        return None
    design, target = x[torch.from_numpy(here)], torch.from_numpy(y[here].astype(np.float32))
    design = design - design.mean(dim=0)
    square = design.t() @ design + 1e-2 * len(design) * torch.eye(design.shape[1])
    weights = torch.linalg.solve(square, design.t() @ (target - target.mean()))
    told = (x_test[torch.from_numpy(there)] @ weights).numpy()
    return float(np.corrcoef(told, y_test[there])[0, 1]) if told.std() > 0 else 0.0


def best_cut(scores: np.ndarray, inside: np.ndarray) -> float:
    """The score from which on saying yes has the best F1: the middle between the lowest of those
    and the next one below, so that another text's scores fall on their own side."""
    ordered = -np.sort(-scores.astype(np.float64), kind="stable")
    hits = np.cumsum(inside[np.argsort(-scores, kind="stable")])
    f1 = 2 * hits / (np.arange(1, len(ordered) + 1) + inside.sum())
    f1[:-1][np.diff(ordered) == 0] = 0  # equal scores are all above it
    last = int(f1.argmax())
    return float(ordered[last : last + 2].mean())


def f1_above(scores: np.ndarray, inside: np.ndarray, cut: float) -> float:
    """F1 of saying yes from a score on."""
    yes = scores >= cut
    total = yes.sum() + inside.sum()
    return float(2 * (yes & inside).sum() / total) if total else 0.0
