"""The networks of charrnn.model once more, written out number by number in float64.

Slow on purpose: loops over lanes, time steps, layers and units, one gate at a time, and nothing of
the library used. Weights come as a dictionary with torch's names and shapes.
"""

from __future__ import annotations

from math import exp, log, tanh

import numpy as np

GATES = {"lstm": "ifgo", "gru": "rzn", "rnn": "h"}


def sigmoid(x: float) -> float:
    """The logistic function."""
    return 1.0 / (1.0 + exp(-x))


def gate_inputs(weights, cell: str, layer: int, x, h) -> tuple[dict, dict]:
    """For each gate, what the input and what the old state add to each unit, biases included."""
    w_ih, w_hh = weights[f"rnn.{layer}.weight_ih_l0"], weights[f"rnn.{layer}.weight_hh_l0"]
    b_ih, b_hh = weights[f"rnn.{layer}.bias_ih_l0"], weights[f"rnn.{layer}.bias_hh_l0"]
    from_input, from_state = {}, {}
    for g, gate in enumerate(GATES[cell]):
        from_input[gate], from_state[gate] = [], []
        for unit in range(len(h)):
            row = g * len(h) + unit
            total = float(b_ih[row])
            for column in range(len(x)):
                total += float(w_ih[row, column]) * x[column]
            from_input[gate].append(total)
            total = float(b_hh[row])
            for column in range(len(h)):
                total += float(w_hh[row, column]) * h[column]
            from_state[gate].append(total)
    return from_input, from_state


def lstm_cell(weights, layer: int, x, h, c) -> dict:
    """All that one step of one LSTM layer computes, kept for the way back."""
    a, b = gate_inputs(weights, "lstm", layer, x, h)
    n = range(len(h))
    i = [sigmoid(a["i"][u] + b["i"][u]) for u in n]
    f = [sigmoid(a["f"][u] + b["f"][u]) for u in n]
    g = [tanh(a["g"][u] + b["g"][u]) for u in n]
    o = [sigmoid(a["o"][u] + b["o"][u]) for u in n]
    c_new = [f[u] * c[u] + i[u] * g[u] for u in n]
    h_new = [o[u] * tanh(c_new[u]) for u in n]
    before = {"x": list(x), "h_old": list(h), "c_old": list(c)}
    return before | {"i": i, "f": f, "g": g, "o": o, "c": c_new, "h": h_new}


def gru_cell(weights, layer: int, x, h) -> dict:
    """One step of one GRU layer: r decides how much of the state's part reaches the candidate."""
    a, b = gate_inputs(weights, "gru", layer, x, h)
    new = []
    for u in range(len(h)):
        r = sigmoid(a["r"][u] + b["r"][u])
        z = sigmoid(a["z"][u] + b["z"][u])
        n = tanh(a["n"][u] + r * b["n"][u])
        new.append(z * h[u] + (1.0 - z) * n)
    return {"h": new}


def rnn_cell(weights, layer: int, x, h) -> dict:
    """One step of one plain layer."""
    a, b = gate_inputs(weights, "rnn", layer, x, h)
    return {"h": [tanh(a["h"][u] + b["h"][u]) for u in range(len(h))]}


def decode(weights, h) -> list[float]:
    """Scores of the V symbols."""
    scores = []
    for symbol in range(len(weights["decoder.bias"])):
        total = float(weights["decoder.bias"][symbol])
        for unit in range(len(h)):
            total += float(weights["decoder.weight"][symbol, unit]) * h[unit]
        scores.append(total)
    return scores


def forward(weights, cell: str, layers: int, ids: np.ndarray, state=None) -> dict:
    """Read ids (T, B) from a state (None: zeros).

    Returns logits (T, B, V), the state after (a tuple of (L, B, H)), and the tape of LSTM steps.
    """
    steps, lanes = ids.shape
    vocab, hidden = weights["decoder.weight"].shape
    logits = np.zeros((steps, lanes, vocab))
    h = np.zeros((layers, lanes, hidden)) if state is None else np.array(state[0], float)
    c = np.zeros((layers, lanes, hidden))
    if cell == "lstm" and state is not None:
        c = np.array(state[1], float)
    tape = {}
    for b in range(lanes):
        for t in range(steps):
            x = [1.0 if symbol == ids[t, b] else 0.0 for symbol in range(vocab)]
            for layer in range(layers):
                if cell == "lstm":
                    step = lstm_cell(weights, layer, x, h[layer, b], c[layer, b])
                    c[layer, b] = step["c"]
                else:
                    step = {"gru": gru_cell, "rnn": rnn_cell}[cell](weights, layer, x, h[layer, b])
                tape[t, b, layer] = step
                h[layer, b] = x = step["h"]
            logits[t, b] = decode(weights, x)
    return {"logits": logits, "state": (h, c) if cell == "lstm" else (h,), "tape": tape}


def softmax(scores) -> list[float]:
    """Probabilities of a list of scores."""
    top = max(scores)
    parts = [exp(s - top) for s in scores]
    return [p / sum(parts) for p in parts]


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> float:
    """Mean over all (T, B) targets of -log p(target), in nats."""
    total = 0.0
    for t in range(logits.shape[0]):
        for b in range(logits.shape[1]):
            total -= log(softmax(logits[t, b])[targets[t, b]])
    return total / targets.size


def lstm_gradients(weights, layers: int, ids: np.ndarray, targets: np.ndarray, state=None) -> dict:
    """Gradients of `cross_entropy` by every weight: full BPTT over the T steps, one gate at a time.

    The state that is passed in is a constant: nothing flows back into it.
    """
    run = forward(weights, "lstm", layers, ids, state)
    grads = {name: np.zeros(value.shape) for name, value in weights.items()}
    steps, lanes = ids.shape
    hidden = weights["decoder.weight"].shape[1]
    for b in range(lanes):
        dh_later = np.zeros((layers, hidden))  # what step t + 1 asks of h[t] and c[t]
        dc_later = np.zeros((layers, hidden))
        for t in reversed(range(steps)):
            top = run["tape"][t, b, layers - 1]["h"]
            dx = np.zeros(hidden)  # what stands above asks of this layer's h
            for symbol, p in enumerate(softmax(run["logits"][t, b])):
                error = (p - (1.0 if symbol == targets[t, b] else 0.0)) / targets.size
                grads["decoder.bias"][symbol] += error
                for unit in range(hidden):
                    grads["decoder.weight"][symbol, unit] += error * top[unit]
                    dx[unit] += error * weights["decoder.weight"][symbol, unit]
            for layer in reversed(range(layers)):
                dh = dx + dh_later[layer]
                dx, dh_later[layer], dc_later[layer] = lstm_cell_backward(
                    weights, grads, layer, run["tape"][t, b, layer], dh, dc_later[layer]
                )
    return grads


def lstm_cell_backward(weights, grads, layer: int, step: dict, dh, dc_later):
    """One step back through one layer; adds to `grads`, returns gradients by x, old h and old c."""
    hidden = len(dh)
    d_in = []  # gradients by the arguments of the gates: i, f, g, o in torch's order of rows
    dc_old = np.zeros(hidden)
    by_gate = {"i": [], "f": [], "g": [], "o": []}
    for u in range(hidden):
        i, f, g, o = (step[gate][u] for gate in "ifgo")
        shown = tanh(step["c"][u])
        dc = dc_later[u] + dh[u] * o * (1.0 - shown * shown)
        by_gate["o"].append(dh[u] * shown * o * (1.0 - o))
        by_gate["f"].append(dc * step["c_old"][u] * f * (1.0 - f))
        by_gate["i"].append(dc * g * i * (1.0 - i))
        by_gate["g"].append(dc * i * (1.0 - g * g))
        dc_old[u] = dc * f
    for gate in "ifgo":
        d_in += by_gate[gate]
    dx, dh_old = np.zeros(len(step["x"])), np.zeros(hidden)
    for row, d in enumerate(d_in):
        grads[f"rnn.{layer}.bias_ih_l0"][row] += d
        grads[f"rnn.{layer}.bias_hh_l0"][row] += d
        for column, value in enumerate(step["x"]):
            grads[f"rnn.{layer}.weight_ih_l0"][row, column] += d * value
            dx[column] += d * weights[f"rnn.{layer}.weight_ih_l0"][row, column]
        for column, value in enumerate(step["h_old"]):
            grads[f"rnn.{layer}.weight_hh_l0"][row, column] += d * value
            dh_old[column] += d * weights[f"rnn.{layer}.weight_hh_l0"][row, column]
    return dx, dh_old, dc_old
