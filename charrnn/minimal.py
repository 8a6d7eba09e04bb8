"""The post's small program, written anew: a tanh network that learns to continue a text.

One layer of H units reads a text character by character; NumPy does all of it, gradient included:

    h[t] = tanh(W_xh x[t] + W_hh h[t-1] + b_h)        the state after reading character t
    scores[t] = W_hy h[t] + b_y                       for each of the V characters that may follow

Its settings are those of the post: H = 100, 25 characters a step, Adagrad with rate 0.1, gradients
clipped to +-5, weights drawn with deviation 0.01. Run it: python -m charrnn.minimal FILE
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np

Weights = dict[str, np.ndarray]


class Moment(NamedTuple):
    """Where a training stands after one of its iterations."""

    iteration: int
    loss: float
    """Nats per character, smoothed: each iteration counts for a thousandth."""
    text: str | None
    """What the network writes at this point; None between two samples."""


def init(vocab_size: int, hidden: int = 100, scale: float = 0.01, seed: int = 0) -> Weights:
    """Small random matrices (rows: what they produce, columns: what they read) and zero biases."""
    normal = np.random.default_rng(seed).standard_normal
    return {
        "W_xh": normal((hidden, vocab_size)) * scale,
        "W_hh": normal((hidden, hidden)) * scale,
        "W_hy": normal((vocab_size, hidden)) * scale,
        "b_h": np.zeros(hidden),
        "b_y": np.zeros(vocab_size),
    }


def step(weights: Weights, symbol: int, h: np.ndarray) -> np.ndarray:
    """The state (H,) after reading one character; W_xh times a 1-of-k vector is a column of it."""
    return np.tanh(weights["W_xh"][:, symbol] + weights["W_hh"] @ h + weights["b_h"])


def log_probabilities(weights: Weights, states: np.ndarray) -> np.ndarray:
    """Log of the softmax of the scores: states (..., H) to (..., V)."""
    scores = states @ weights["W_hy"].T + weights["b_y"]
    scores = scores - scores.max(axis=-1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))


def loss_and_gradients(
    weights: Weights, inputs: np.ndarray, targets: np.ndarray, h: np.ndarray
) -> tuple[float, Weights, np.ndarray]:
    """Loss of T predictions (nats, summed), its gradients, and the state after the last.

    inputs, targets: (T,) ids. h: (H,), the state before the first input.
    """
    length = np.arange(len(inputs))
    states = np.vstack([h, np.zeros((len(inputs), len(h)))])  # states[t + 1]: after inputs[t]
    for t in length:
        states[t + 1] = step(weights, inputs[t], states[t])
    log_p = log_probabilities(weights, states[1:])  # (T, V)

    wrong = np.exp(log_p)  # of softmax and cross-entropy together: what was predicted ...
    wrong[length, targets] -= 1  # ... less what came, (T, V)
    inner = wrong @ weights["W_hy"]  # (T, H), becomes the gradient of what goes into each tanh
    later = np.zeros_like(h)  # what the states from t + 1 on ask of state t
    for t in reversed(length):
        inner[t] = (inner[t] + later) * (1 - states[t + 1] ** 2)
        later = inner[t] @ weights["W_hh"]
    columns = np.zeros_like(weights["W_xh"].T)
    np.add.at(columns, inputs, inner)  # each input used one column of W_xh
    gradients = {
        "W_xh": columns.T,
        "W_hh": inner.T @ states[:-1],
        "W_hy": wrong.T @ states[1:],
        "b_h": inner.sum(axis=0),
        "b_y": wrong.sum(axis=0),
    }
    return -log_p[length, targets].sum(), gradients, states[-1]


def sample(
    weights: Weights, first: int, length: int, rng: np.random.Generator, h: np.ndarray | None = None
) -> list[int]:
    """`length` ids that the network draws after reading `first` in state `h` (None: zeros)."""
    h, symbol, drawn = np.zeros(len(weights["b_h"])) if h is None else h, first, []
    for _ in range(length):
        h = step(weights, symbol, h)
        symbol = int(rng.choice(len(weights["b_y"]), p=np.exp(log_probabilities(weights, h))))
        drawn.append(symbol)
    return drawn


def train(
    text: str, hidden: int = 100, seq: int = 25, rate: float = 0.1, clip: float = 5.0, seed: int = 0
) -> Iterator[Moment]:
    """Train on a text for as long as the caller asks for the next moment, one iteration each.

    Every 100th iteration, from iteration 0 on, comes with a sample of 200 characters.
    Raises ValueError where the text is shorter than one iteration.
    """
    if len(text) <= seq:
        raise ValueError(f"{len(text)} characters are too few for seq {seq}; give more than {seq}")
    symbols = sorted(set(text))
    ids = np.searchsorted(symbols, list(text))
    weights, rng = init(len(symbols), hidden, seed=seed), np.random.default_rng(seed + 1)
    squares = {name: np.zeros_like(w) for name, w in weights.items()}
    smooth, place, h, iteration = np.log(len(symbols)), 0, np.zeros(hidden), 0
    while True:
        if place + seq >= len(ids):  # the end of the text: start over, with nothing read
            place, h = 0, np.zeros(hidden)
        inputs, targets = ids[place : place + seq], ids[place + 1 : place + seq + 1]
        drawn = sample(weights, inputs[0], 200, rng, h) if iteration % 100 == 0 else None
        loss, gradients, h = loss_and_gradients(weights, inputs, targets, h)
        for name, gradient in gradients.items():  # Adagrad (Duchi et al. 2011)
            gradient = np.clip(gradient, -clip, clip)
            squares[name] += gradient**2
            weights[name] -= rate * gradient / np.sqrt(squares[name] + 1e-8)
        smooth = 0.999 * smooth + 0.001 * loss / seq
        yield Moment(iteration, smooth, drawn and "".join(symbols[i] for i in drawn))
        place, iteration = place + seq, iteration + 1


def check_gradients(
    weights: Weights, inputs: np.ndarray, targets: np.ndarray, h: np.ndarray, probes: int = 50
) -> dict[str, float]:
    """The worst relative error of each gradient, against central differences in float64.

    Up to `probes` elements of each parameter are nudged up and down by 1e-5.
    """
    _, gradients, _ = loss_and_gradients(weights, inputs, targets, h)
    rng, worst = np.random.default_rng(0), {}
    for name, w in weights.items():
        errors = []
        for place in rng.permutation(w.size)[:probes]:
            nudged = []
            for nudge in (1e-5, -1e-5):
                moved = w.copy()
                moved.flat[place] += nudge
                nudged.append(loss_and_gradients({**weights, name: moved}, inputs, targets, h)[0])
            measured, computed = (nudged[0] - nudged[1]) / 2e-5, gradients[name].flat[place]
            size = max(abs(measured) + abs(computed), 1e-4)  # below that, only rounding is seen
            errors.append(abs(measured - computed) / size)
        worst[name] = max(errors)
    return worst


def main(arguments: list[str] | None = None) -> None:
    """Train on a file and print a sample every 100 iterations."""
    parser = argparse.ArgumentParser(prog="charrnn.minimal", description="A small NumPy RNN.")
    parser.add_argument("file", help="the text to learn (UTF-8)")
    parser.add_argument("--iterations", type=int, default=10000)
    chosen = parser.parse_args(arguments)
    with open(chosen.file, encoding="utf-8") as opened:
        text = opened.read()
    for moment in islice(train(text), chosen.iterations):
        if moment.text is not None:
            print(f"---- {moment.text}\n---- iteration {moment.iteration}: loss {moment.loss:.3f}")


if __name__ == "__main__":
    main()
