"""What scores are worth: the same measurement where there is nothing to find, or nothing special.

- Labels shifted in time keep their shares and their runs and lose the text: what is left is chance.
- An untrained network of the same size shows what its wiring and the last characters give away.
- A random rotation of each layer's state keeps all its information and mixes the units: if rotated
  units score as well, single units are nothing special (Szegedy et al. 2014 asked so of images).
- The best unit's threshold used on the others shows what is left when units are shuffled
  (`charrnn.probe.ranking.Ranking.shuffled`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from charrnn.model import CharRNN


def shifted(labels: Mapping[str, np.ndarray], seed: int = 0) -> dict[str, np.ndarray]:
    """Labels turned round the text by between a third and two thirds of its length."""
    found = {}
    rng = np.random.default_rng(seed)
    for name, label in labels.items():
        by = int(rng.integers(len(label) // 3, max(len(label) // 3 + 1, 2 * len(label) // 3)))
        found[name] = np.roll(label, by)
    return found


def untrained(model: CharRNN, seed: int = 0) -> CharRNN:
    """A network of the same shape with fresh weights, in evaluation mode, on the same device."""
    fresh = CharRNN(model.config, torch.Generator().manual_seed(seed))
    return fresh.to(model.device).eval()


class Rotation:
    """A random rotation of each layer's state, about the mean of the first states it is given.

    Units keep their own scales: brought to one, a unit that is hardly ever on would be on a
    hundredfold then, and every rotated unit would have some of it. The centre changes no score.
    """

    def __init__(self, layers: int, hidden: int, seed: int = 0) -> None:
        self.layers, self.hidden = layers, hidden
        rng = np.random.default_rng(seed)
        self.turns = [_orthogonal(hidden, rng) for _ in range(layers)]
        self.mean: np.ndarray | None = None

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Values (m, L H) to rotated ones of the same shape, float32."""
        if self.mean is None:
            self.mean = values.mean(axis=0)
        parts = np.split(values - self.mean, self.layers, axis=1)
        return np.concatenate([p @ q for p, q in zip(parts, self.turns, strict=True)], axis=1)


def _orthogonal(size: int, rng: np.random.Generator) -> np.ndarray:
    """A random orthogonal matrix, uniform among all (Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    return (q * np.sign(np.diag(r))).astype(np.float32)
