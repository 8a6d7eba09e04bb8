"""Dynamic evaluation: a network whose weights go on learning from the text that it is held against.

A text repeats itself, in its names and its turns of phrase, and a network with fixed weights can
keep of that only what fits into its state. Here each stretch of the text is scored first, and then
the weights take one gradient step on it (Mikolov et al. 2010, "Recurrent neural network based
language model", Interspeech; Graves 2013, arXiv 1308.0850), so no character is predicted by weights
that have seen it. The step is stochastic gradient descent that is drawn back to the trained weights
(B. Krause, E. Kahembwe, I. Murray & S. Renals 2018, "Dynamic evaluation of neural sequence models",
arXiv 1709.07432):

    w <- w - lr * g + decay * (w_trained - w)

where g is the gradient of the stretch's mean loss, its norm clipped. Their further variant divides
g by its root mean square over the training text; a published run does not come with that text, so
it is not done here.

A loss found so is lower than one with fixed weights, and the two must not be compared without
saying so. What stands beside it fairly is a baseline that learns from the text too:
`charrnn.adaptive`.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from charrnn.model import CharRNN


@dataclass(frozen=True)
class Dynamic:
    """How the weights go on learning."""

    seq: int = 50
    """Characters that are scored, and then learnt from, at once."""
    lr: float = 0.05
    """The rate of the gradient step; 0 leaves the weights as they are. Chosen on validation text of
    War and Peace; a text that repeats itself more gains from a higher one."""
    decay: float = 0.0
    """The share of the way back to the trained weights that each step takes."""
    clip_norm: float = 1.0
    """The norm at which the gradient is clipped (Pascanu et al. 2013)."""

    def __post_init__(self) -> None:
        if self.seq < 1:
            raise ValueError(f"seq is {self.seq}; it must be at least 1")
        if not 0 <= self.lr < math.inf:
            raise ValueError(f"lr is {self.lr}; it must be 0 or more, and finite")
        if not 0 <= self.decay <= 1:
            raise ValueError(f"decay is {self.decay}; it must be 0 to 1")
        if not 0 < self.clip_norm < math.inf:
            raise ValueError(f"clip_norm is {self.clip_norm}; it must be above 0, and finite")


def dynamic_nats(model: CharRNN, ids: np.ndarray, **settings) -> np.ndarray:
    """Negative log-likelihood of every target ids[1:], in nats: float32 of shape (len(ids) - 1,).

    As `charrnn.score.stream_nats` with one lane, but a copy of the model learns from each stretch
    once it is scored; `model` itself stays as it is. Settings are fields of `Dynamic`. ValueError:
    fewer than two ids, or a setting that cannot be.
    """
    chosen, n = Dynamic(**settings), len(ids) - 1
    if n < 1:
        raise ValueError(f"{len(ids)} characters hold nothing to predict; at least 2 are needed")
    nats = np.empty(n, dtype=np.float32)
    with torch.inference_mode(False), torch.enable_grad():
        learner, state = _Learner(model, chosen), None
        for begin in range(0, n, chosen.seq):
            end = min(begin + chosen.seq, n)
            stretch = torch.from_numpy(np.asarray(ids[begin : end + 1], dtype=np.int64))
            nats[begin:end], state = learner.score_and_learn(stretch.to(model.device), state)
    return nats


class _Learner:
    """A copy of a model, and the weights that it began with."""

    def __init__(self, model: CharRNN, settings: Dynamic) -> None:
        self.settings = settings
        self.model = copy.deepcopy(model).eval().requires_grad_(True)
        self.model.rnn.train()  # cuDNN has gradients in no other mode; dropout is the model's own
        for layer in self.model.rnn:
            layer.flatten_parameters()  # a copy's lie apart, and cuDNN would gather them each time
        self.weights = list(self.model.parameters())
        self.trained = [weight.detach().clone() for weight in self.weights]

    def score_and_learn(self, ids: torch.Tensor, state):
        """The nats of ids[1:], (T,), and the state after them; then one step on their mean."""
        logits, state = self.model(ids[:-1, None], state)
        nats = F.cross_entropy(logits[:, 0].float(), ids[1:], reduction="none")
        self._step(torch.autograd.grad(nats.mean(), self.weights))
        return nats.detach().cpu().numpy(), tuple(part.detach() for part in state)

    @torch.no_grad()
    def _step(self, gradient: tuple[torch.Tensor, ...]) -> None:
        norm = torch.linalg.vector_norm(torch.stack([g.norm() for g in gradient]))
        rate = self.settings.lr * min(1.0, self.settings.clip_norm / max(float(norm), 1e-12))
        for weight, g, trained in zip(self.weights, gradient, self.trained, strict=True):
            weight.lerp_(trained, self.settings.decay).sub_(g, alpha=rate)
