"""Shares with their uncertainty: Wilson intervals, bootstrap intervals over samples."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np


@dataclass(frozen=True)
class Share:
    """`hits` out of `total`. Shares of several samples are pooled with `+`.

    >>> Share(9, 10).value
    0.9
    >>> Share(9, 10) + Share(1, 10)
    Share(hits=10, total=20)

    ValueError: not 0 <= hits <= total.
    """

    hits: int
    total: int

    @classmethod
    def of(cls, answers: Iterable[bool]) -> "Share":
        """How many of some answers are yes.

        >>> Share.of([True, False, True])
        Share(hits=2, total=3)
        """
        found = [bool(answer) for answer in answers]
        return cls(sum(found), len(found))

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.total:
            raise ValueError(f"a share of {self.hits} in {self.total}: hits must be in 0..total")

    def __add__(self, other: "Share") -> "Share":
        return Share(self.hits + other.hits, self.total + other.total)

    @property
    def value(self) -> float:
        """hits / total in [0, 1]; nan when there was nothing to count."""
        return self.hits / self.total if self.total else math.nan

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Wilson score interval (E. B. Wilson 1927, JASA 22:209-212); (0, 1) when total is 0.

        It takes the counted things as independent. Words or windows of one sample are not: there
        it is too narrow, and `bootstrap_share` over samples is the honest interval.
        """
        _check_confidence(confidence)
        if self.total == 0:
            return 0.0, 1.0
        z = NormalDist().inv_cdf(0.5 + confidence / 2)
        n, p = self.total, self.value
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        # With no hits (or nothing but hits) the bound is exactly 0 (or 1); rounding says 1e-17.
        low = 0.0 if self.hits == 0 else centre - half
        high = 1.0 if self.hits == n else centre + half
        return low, high

    def as_dict(self) -> dict[str, int | float | None]:
        """hits, total, value, low and high, ready for JSON (value is None when total is 0)."""
        low, high = self.interval()
        value = self.value if self.total else None
        return {"hits": self.hits, "total": self.total, "value": value, "low": low, "high": high}


@dataclass(frozen=True)
class Estimate:
    """A value, its interval, and the number of samples behind it."""

    value: float
    low: float
    high: float
    samples: int


def bootstrap_mean(
    values: Sequence[float], seed: int, n: int = 2000, confidence: float = 0.95
) -> Estimate:
    """Mean of `values`, one a sample, with the percentile bootstrap interval (Efron 1979).

    ValueError: fewer than two values, a value that is not finite, n < 1.
    """
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim != 1 or not np.isfinite(rows).all():
        raise ValueError("values must be a flat list of finite numbers; leave out samples without")
    return _bootstrap(rows[:, None], lambda sums, k: sums[0] / k, seed, n, confidence)


def bootstrap_share(
    shares: Sequence[Share], seed: int, n: int = 2000, confidence: float = 0.95
) -> Estimate:
    """The pooled share of several samples, with whole samples drawn anew: hits over totals.

    The sample is the block of this bootstrap, so that what depends on each other inside a sample
    stays together. Samples with nothing to count are left out. Where nothing hits, or everything,
    every draw is the same: the interval is then Wilson's, of the things counted.
    ValueError: fewer than two samples with something to count, n < 1.
    """
    rows = np.array([(s.hits, s.total) for s in shares if s.total], dtype=np.float64)
    found = _bootstrap(rows.reshape(-1, 2), lambda sums, k: sums[0] / sums[1], seed, n, confidence)
    pooled = sum(shares, Share(0, 0))
    if pooled.hits in (0, pooled.total):
        low, high = pooled.interval(confidence)
        return Estimate(found.value, low, high, found.samples)
    return found


def largest_of(values: Sequence[float], n: int) -> float:
    """The largest of `n` of some values, drawn without replacement: its median over all draws.

    The largest of many is larger than that of few, so a maximum over all pieces of real text is no
    yardstick for one over fewer samples. With n or fewer values it is simply the largest.

    >>> largest_of([1, 2, 3, 4, 5], 2)
    4

    ValueError: no values, n < 1.
    """
    if not len(values) or n < 1:
        raise ValueError(f"the largest of {n} of {len(values)} values: both must be 1 or more")
    rising = sorted(values)
    if n >= len(rising):
        return rising[-1]
    ways = math.comb(len(rising), n)  # of which comb(k, n) stay below the k + 1st value
    return next(v for k, v in enumerate(rising, 1) if 2 * math.comb(k, n) >= ways)


def pieces(text: str, length: int) -> list[str]:
    """Real text cut into neighbouring pieces of `length` characters, a shorter rest dropped.

    Many measures depend on the length of the text, so a yardstick needs pieces as long as the
    samples it stands beside. ValueError: length < 1.
    """
    if length < 1:
        raise ValueError(f"length {length}: a piece needs at least one character")
    return [text[i : i + length] for i in range(0, len(text) - length + 1, length)]


def _bootstrap(rows: np.ndarray, statistic, seed: int, n: int, confidence: float) -> Estimate:
    """Percentile interval of `statistic(column sums, number of rows)` over resampled rows."""
    _check_confidence(confidence)
    k = len(rows)
    if k < 2 or n < 1:
        raise ValueError(f"{k} samples and n={n}: a bootstrap needs at least 2 samples and n >= 1")
    rng = np.random.default_rng(seed)
    draws = [statistic(rows[rng.integers(0, k, k)].sum(axis=0), k) for _ in range(n)]
    low, high = np.quantile(draws, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return Estimate(float(statistic(rows.sum(axis=0), k)), float(low), float(high), k)


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence}: must lie between 0 and 1, for example 0.95")
