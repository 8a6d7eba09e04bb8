"""The training program of May 2015 in plain NumPy, float64, with its backward pass by hand.

Nothing of the library is used. Weights are a dictionary with torch's names and shapes (gates i, f,
g, o). T steps, B lanes, H units, V symbols; masks are (T, B, H) a layer, what h is multiplied by.
The loss is that of the program: at each step the mean over the lanes, summed over the steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Weights = dict[str, np.ndarray]
UNIFORM = 0.08


@dataclass(frozen=True)
class Program:
    """What the program does, a flag a behaviour; as it stands, that of 21 May 2015."""

    overwrite: bool = True
    """The decoder's gradient takes the place of what came back through the top layer's h."""
    recurrent: bool = True
    """Dropout multiplies h itself, and the next step reads that."""
    forget_bias: float = 0.0
    """First bias of the forget gate, where above 0."""
    clip: float | None = 5.0
    """Largest element of the summed gradient; None: any."""
    lr: float = 2e-3
    alpha: float = 0.95
    eps: float = 1e-8
    layers: int = 2


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def first_weights(program: Program, vocab: int, hidden: int, rng: np.random.Generator) -> Weights:
    """Every number from U(-0.08, 0.08); then the forget gates' input biases, as `started`."""
    shapes = {}
    for n in range(program.layers):
        shapes[f"rnn.{n}.weight_ih_l0"] = (4 * hidden, hidden if n else vocab)
        shapes[f"rnn.{n}.weight_hh_l0"] = (4 * hidden, hidden)
        shapes[f"rnn.{n}.bias_ih_l0"] = shapes[f"rnn.{n}.bias_hh_l0"] = (4 * hidden,)
    shapes |= {"decoder.weight": (vocab, hidden), "decoder.bias": (vocab,)}
    return started({k: rng.uniform(-UNIFORM, UNIFORM, s) for k, s in shapes.items()}, program)


def started(weights: Weights, program: Program) -> Weights:
    """A copy of the weights with the forget gates' input biases set, if the program does that."""
    weights = {k: v.copy() for k, v in weights.items()}
    hidden = weights["decoder.weight"].shape[1]
    if program.forget_bias > 0:
        for n in range(program.layers):
            weights[f"rnn.{n}.bias_ih_l0"][hidden : 2 * hidden] = program.forget_bias
    return weights


def cell(weights: Weights, n: int, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> dict:
    """One step of one LSTM layer; all that the way back needs."""
    a = x @ weights[f"rnn.{n}.weight_ih_l0"].T + weights[f"rnn.{n}.bias_ih_l0"]
    a = a + h @ weights[f"rnn.{n}.weight_hh_l0"].T + weights[f"rnn.{n}.bias_hh_l0"]
    i, f, g, o = np.split(a, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    new = f * c + i * g
    return {
        "x": x,
        "h_old": h,
        "c_old": c,
        "gates": (i, f, g, o),
        "c": new,
        "h": o * np.tanh(new),
    }


def forward(weights, program: Program, ids, targets, state, masks, frozen=None) -> dict:
    """The loss of a sequence, the state after it, and what each step left.

    ids, targets: (T, B). state: (h, c), each (layers, B, H). frozen: (T, B, H), what the top layer
    reads of its past in place of its own h; None: its own.
    """
    hs, cs = list(state[0]), list(state[1])
    vocab, steps, loss = len(weights["decoder.bias"]), [], 0.0
    for t, symbols in enumerate(ids):
        x, left = np.eye(vocab)[symbols], []
        for n in range(program.layers):
            top = n == program.layers - 1
            read = hs[n] if frozen is None or not top else frozen[t]
            step = cell(weights, n, x, read, cs[n])
            x = step["h"] * masks[n][t]
            hs[n], cs[n] = x if program.recurrent else step["h"], step["c"]
            left.append(step)
        scores = x @ weights["decoder.weight"].T + weights["decoder.bias"]
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        loss -= np.log(p[np.arange(len(symbols)), targets[t]]).mean()
        steps.append({"layers": left, "shown": x, "p": p})
    return {"loss": loss, "state": (np.array(hs), np.array(cs)), "steps": steps}


def backward(weights, program: Program, run: dict, targets, masks) -> Weights:
    """The gradient of the summed loss: from the last step to the first, the top layer first."""
    grads = {k: np.zeros_like(v) for k, v in weights.items()}
    later_h = [np.zeros_like(h) for h in run["state"][0]]  # what comes back from the step after
    later_c = [np.zeros_like(c) for c in run["state"][1]]
    for t in reversed(range(len(targets))):
        step, lanes = run["steps"][t], len(targets[t])
        d = step["p"].copy()
        d[np.arange(lanes), targets[t]] -= 1
        d /= lanes
        grads["decoder.weight"] += d.T @ step["shown"]
        grads["decoder.bias"] += d.sum(axis=0)
        above = d @ weights["decoder.weight"]
        for n in reversed(range(program.layers)):
            through_h = later_h[n]
            if program.overwrite and n == program.layers - 1:
                through_h = 0.0  # the decoder's gradient was put where this one stood
            if program.recurrent:  # both paths carry the h that was dropped out
                dh = (above + through_h) * masks[n][t]
            else:
                dh = above * masks[n][t] + through_h
            above, later_h[n], later_c[n] = _back(weights, grads, n, step["layers"][n], dh, later_c)
    return grads


def _back(weights, grads, n: int, step: dict, dh, later_c) -> tuple:
    """Back through one cell: the gradients of its input, of the h and of the c that it read."""
    i, f, g, o = step["gates"]
    squashed = np.tanh(step["c"])
    dc = later_c[n] + dh * o * (1 - squashed**2)
    da = np.concatenate(
        [
            dc * g * i * (1 - i),
            dc * step["c_old"] * f * (1 - f),
            dc * i * (1 - g**2),
            dh * squashed * o * (1 - o),
        ],
        axis=1,
    )
    grads[f"rnn.{n}.weight_ih_l0"] += da.T @ step["x"]
    grads[f"rnn.{n}.weight_hh_l0"] += da.T @ step["h_old"]
    grads[f"rnn.{n}.bias_ih_l0"] += da.sum(axis=0)
    grads[f"rnn.{n}.bias_hh_l0"] += da.sum(axis=0)
    below, before = weights[f"rnn.{n}.weight_ih_l0"], weights[f"rnn.{n}.weight_hh_l0"]
    return da @ below, da @ before, dc * f


def update(weights: Weights, squares: Weights, grads: Weights, program: Program) -> None:
    """Clip each element, then RMSProp (Hinton's, as in Torch7's optim), in place."""
    for name, grad in grads.items():
        g = grad if program.clip is None else np.clip(grad, -program.clip, program.clip)
        squares[name] = program.alpha * squares[name] + (1 - program.alpha) * g**2
        weights[name] = weights[name] - program.lr * g / (np.sqrt(squares[name]) + program.eps)


def train(weights: Weights, program: Program, batches, masks, state) -> dict:
    """Updates over `batches` of (ids, targets), the state carried along; `masks` are a list each.

    Returns the losses (summed over the steps of a sequence), the summed gradients before clipping,
    the weights after the last update, and the state.
    """
    weights = started(weights, program)
    squares = {k: np.zeros_like(v) for k, v in weights.items()}
    losses, gradients = [], []
    for (ids, targets), kept in zip(batches, masks, strict=True):
        run = forward(weights, program, ids, targets, state, kept)
        grads = backward(weights, program, run, targets, kept)
        update(weights, squares, grads, program)
        losses.append(run["loss"])
        gradients.append(grads)
        state = run["state"]
    return {"losses": losses, "gradients": gradients, "weights": weights, "state": state}
