"""The drawings of the book: recurrent networks as boxes and arrows, in the look of `figures`.

Every drawing is laid out on a canvas 100 units wide, with y upwards and as many units high as its
shape needs. One meaning a colour throughout: teal is what goes in, blue is the network and its
state, orange is what comes out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon
from matplotlib.path import Path
from numpy.typing import ArrayLike

from charrnn.figures.look import BLUE, DASHES, INK, MONO, ORANGE, PINK, TEAL, WIDTH, style, visible

HUES = INPUT, STATE, OUTPUT = TEAL, BLUE, ORANGE
GATE = GRADIENT = PINK
FORGET, WRITE, READ = 21, 49, 76  # places of the LSTM's three acts
CELL = 5.4  # height of a number's cell
CHARACTER = {"family": MONO, "fontsize": 17, "parse_math": False}
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def _canvas(height: float) -> tuple[Figure, Axes]:
    """A figure 100 units wide and `height` units high, without axes."""
    fig = Figure(figsize=(WIDTH, WIDTH * height / 100))
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 100), ylim=(0, height))
    ax.axis("off")
    return fig, ax


def _box(ax: Axes, x: float, y: float, w: float, h: float, colour: str, text: str = "",
         fill: float = 0.15, **kwargs) -> None:  # fmt: skip
    """A rounded box with its centre at (x, y); `kwargs` go to the text."""
    shape = f"round,pad=0,rounding_size={0.22 * min(w, h, 7):.3g}"
    for edge, face, alpha in [("none", colour, fill), (colour, "none", 1)]:
        patch = FancyBboxPatch((x - w / 2, y - h / 2), w, h, boxstyle=shape, alpha=alpha,
                               edgecolor=edge, facecolor=face, linewidth=1.6)  # fmt: skip
        ax.add_patch(patch)
    if text:
        _text(ax, x, y, text, **kwargs)


def _text(ax: Axes, x: float, y: float, text: str, fontsize: float = 12.5, **kwargs) -> None:
    """A line of words around height y; formulas between dollar signs are set as such.

    All lines at one height share their baseline, whatever letters they hold.
    """
    baseline = y - 0.32 * fontsize * 100 / (72 * WIDTH)
    usual = {"ha": "center", "parse_math": True, "linespacing": 1.2}
    ax.text(x, baseline, text, fontsize=fontsize, **{**usual, **kwargs})


def _arrow(ax: Axes, start: tuple | None, end: tuple | None, colour: str = INK, **kwargs) -> None:
    usual = {"arrowstyle": "-|>", "mutation_scale": 12, "linewidth": 1.6, "shrinkA": 0,
             "shrinkB": 0, "joinstyle": "miter", "capstyle": "butt"}  # fmt: skip
    ax.add_patch(FancyArrowPatch(start, end, color=colour, **{**usual, **kwargs}))


# ------------------------------------------------------------------------------------- the regimes

STEP, BOX_W, BOX_H = 11.6, 9.6, 6.4  # distance of two time steps, and the size of a box

FRAMES = {0: "frame 0", 1: "frame 1", 2: "frame 2"}
REGIMES = (  # left, row, name, task, inputs by time step, outputs by time step
    (2, 1, "one to one", "image\nclassification", {0: "photo"}, {0: "hill"}),
    (27, 1, "one to many", "captioning", {0: "photo"}, {0: "a", 1: "red", 2: "hill"}),
    (66, 1, "many to one", "sentiment", {0: "not", 1: "bad", 2: "!"}, {2: "good"}),
    (2, 0, "many to many", "translation", {0: "the", 1: "sea", 2: "."},
     {2: "la", 3: "mer", 4: "."}),
    (66, 0, "many to many, in step", "a label per frame", FRAMES, {0: "rise", 1: "top", 2: "fall"}),
)  # fmt: skip


@style()
def regimes() -> Figure:
    """The five shapes of input and output that a network can read and write, each with a task."""
    fig, ax = _canvas(87)
    for left, row, *regime in REGIMES:
        _regime(ax, left, 10 + 44 * row, *regime)
    return fig


def _regime(ax: Axes, left: float, y: float, name: str, task: str, inputs: dict, outputs: dict):
    """One small network with its inputs at height y + 3."""
    y_in, y_state, y_out = y + 3, y + 13, y + 23
    steps = max(*inputs, *outputs) + 1
    for t in range(steps):
        x = left + BOX_W / 2 + t * STEP
        _box(ax, x, y_state, BOX_W, BOX_H, STATE)
        if t in inputs:
            _content(ax, x, y_in, inputs[t], INPUT)
            _arrow(ax, (x, y_in + BOX_H / 2), (x, y_state - BOX_H / 2))
        if t in outputs:
            _content(ax, x, y_out, outputs[t], OUTPUT)
            _arrow(ax, (x, y_state + BOX_H / 2), (x, y_out - BOX_H / 2))
        if t:
            _arrow(ax, (x - STEP + BOX_W / 2, y_state), (x - BOX_W / 2, y_state), STATE,
                   mutation_scale=8)  # fmt: skip
    _text(ax, left, y + 30, name, ha="left", fontsize=13, fontweight="bold")
    for i, line in enumerate(task.split("\n")):
        _text(ax, left, y - 4.5 - 3.4 * i, line, ha="left")


def _content(ax: Axes, x: float, y: float, what: str, colour: str) -> None:
    """A box with a word in it, or a small picture: a landscape, or a ball in flight."""
    picture = what.startswith(("photo", "frame"))
    _box(ax, x, y, BOX_W, BOX_H, colour, "" if picture else what)
    if what == "photo":
        hill = [(-3.8, -2.1), (-1.3, 1.3), (0.4, -0.7), (1.5, 0.4), (3.8, -2.1)]
        ax.add_patch(Polygon(np.add(hill, (x, y)), facecolor=colour, edgecolor="none"))
        ax.add_patch(Circle((x + 2.2, y + 1.5), 0.75, facecolor=colour, edgecolor="none"))
    elif picture:
        way = np.linspace(-1, 1, 30)
        ax.plot(x + 2.9 * way, y + 1.2 - 2.6 * way**2, color=colour, linewidth=1.2, linestyle=":")
        at = (int(what[-1]) - 1) * 0.85
        ball = (x + 2.9 * at, y + 1.2 - 2.6 * at**2)
        ax.add_patch(Circle(ball, 1.05, facecolor=colour, edgecolor="none"))


# ------------------------------------------------------------------------- unrolling and stacking


@style()
def unrolled(text: str = "hello") -> Figure:
    """The network with its loop, and the same network written out once a character of `text`.

    text: 3 to 6 characters; all but the last are read, and each next one is to be predicted.
    """
    _check_text(text, 6)
    fig, ax = _canvas(50)
    _column(ax, 9, (6, 25, 44), ("$x$", "$h$", "$y$"))
    loop = Path([(13, 27.5), (20, 30.5), (20, 19.5), (13.2, 22.4)], [1, 4, 4, 4])
    _arrow(ax, None, None, STATE, path=loop)
    _text(ax, 22.4, 25, "$W_{hh}$", color=STATE)
    _text(ax, 31.5, 25, "=", fontsize=22)
    steps = len(text) - 1
    for t, x in enumerate(np.linspace(41, 90, steps)):
        _column(ax, x, (6, 25, 44), (text[t], f"$h_{t + 1}$", text[t + 1]))
        if t:
            before = x - 49 / (steps - 1)
            _arrow(ax, (before + 4, 25), (x - 4, 25), STATE)
            _text(ax, (before + x) / 2, 28.4, "$W_{hh}$", color=STATE)
    return fig


def _column(ax: Axes, x: float, ys: Sequence[float], texts: Sequence[str]) -> None:
    """Input, state and output of one step, joined by the matrices between them."""
    for y, text, colour in zip(ys, texts, (INPUT, STATE, OUTPUT), strict=True):
        _symbol(ax, x, y, text, colour)
    for low, high, name in zip(ys[:-1], ys[1:], ("$W_{xh}$", "$W_{hy}$"), strict=True):
        _arrow(ax, (x, low + 4), (x, high - 4))
        _text(ax, x + 1.2, (low + high) / 2 - 0.6, name, ha="left")


def _symbol(ax: Axes, x: float, y: float, text: str, colour: str, size: float = 8) -> None:
    """A box with one character, or with a formula between dollar signs."""
    formula = len(text) > 2
    look = {"fontsize": 16} if formula else {"family": MONO, "fontsize": 17, "parse_math": False}
    _box(ax, x, y, size, size, colour, text if formula else visible(text), **look)


def _check_text(text: str, most: int) -> None:
    if not 3 <= len(text) <= most:
        raise ValueError(f"text has {len(text)} characters; the drawing holds 3 to {most}")


@style()
def stack(layers: int = 3, text: str = "hello") -> Figure:
    """Several recurrent layers: each reads the states of the one below, at the same step.

    layers: 1 to 5; text: 3 to 6 characters.
    """
    _check_text(text, 6)
    if not 1 <= layers <= 5:
        raise ValueError(f"layers is {layers}; the drawing holds 1 to 5")
    fig, ax = _canvas(13 * (layers + 2) - 1)
    ys = 6 + 13 * np.arange(layers + 2)
    rows = ["input", *(f"layer {i + 1}" for i in range(layers)), "output"]
    colours = [INPUT, *[STATE] * layers, OUTPUT]
    xs = np.linspace(28, 92, len(text) - 1)
    for y, row, colour in zip(ys, rows, colours, strict=True):
        _text(ax, 2, y, row, ha="left", color=colour, fontweight="bold")
        for t, x in enumerate(xs):
            inside = {"input": text[t], "output": text[t + 1]}.get(row, "")
            _box(ax, x, y, 10, 7.4, colour, visible(inside) if inside else "", family=MONO,
                 fontsize=17, parse_math=False)  # fmt: skip
            if row != "output":
                _arrow(ax, (x, y + 3.7), (x, y + 9.3))
            if t and colour == STATE:
                _arrow(ax, (xs[t - 1] + 5, y), (x - 5, y), STATE)
    return fig


# ------------------------------------------------------------------------------ the worked example


@style()
def hello_scores(
    x: ArrayLike, h: ArrayLike, y: ArrayLike, vocabulary: Sequence[str], targets: Sequence[int]
) -> Figure:
    """Every number of a small network while it reads a word: inputs, hidden values, scores.

    x: (T, V) 1-of-k inputs; h: (T, H) hidden values; y: (T, V) scores of the next character;
    vocabulary: V characters; targets: T ids of the characters that do come next. T up to 6.
    The target's score stands out; below each column of scores stands what it says.
    """
    x, h, y = (np.asarray(a, dtype=float) for a in (x, h, y))
    steps, symbols = len(targets), len(vocabulary)
    if x.shape != (steps, symbols) or y.shape != x.shape or h.ndim != 2 or len(h) != steps:
        raise ValueError(f"x, h, y have shapes {x.shape}, {h.shape}, {y.shape}; they must be "
                         f"({steps}, {symbols}), ({steps}, H), ({steps}, {symbols})")  # fmt: skip
    if not 2 <= steps <= 6:
        raise ValueError(f"{steps} steps; the drawing holds 2 to 6")
    names = [visible(symbol) for symbol in vocabulary]
    sizes = CELL * np.array([symbols, h.shape[1], symbols])
    middles = 9 + np.cumsum(sizes + 9) - 9 - sizes / 2  # of the inputs, the states, the scores
    fig, ax = _canvas(9 + sizes.sum() + 18 + 14)
    places = np.linspace(24, 92, steps)
    for t, at in enumerate(places):
        marks = (int(np.argmax(x[t])), None, targets[t])
        _numbers(ax, at, middles, (x[t], h[t], y[t]), marks)
        if t:
            _arrow(ax, (places[t - 1] + 6.2, middles[1]), (at - 6.2, middles[1]), STATE)
        _verdict(ax, at, middles[2] + sizes[2] / 2, names, int(np.argmax(y[t])), targets[t])
        _text(ax, at, 4, names[marks[0]], color=INPUT, **CHARACTER)
    _text(ax, 1, middles[2] + sizes[2] / 2 + 10, "target", ha="left", fontweight="bold",
          color=OUTPUT)  # fmt: skip
    for name, at, colour in zip(("input", "hidden", "scores"), middles, HUES, strict=True):
        _text(ax, 1, at, name, ha="left", color=colour, fontweight="bold")
        for i, symbol in enumerate(names if name != "hidden" else []):
            row = at + CELL * ((symbols - 1) / 2 - i)
            _text(ax, places[0] - 8.4, row, symbol, **{**CHARACTER, "fontsize": 14})
    return fig


def _numbers(ax: Axes, x: float, middles: Sequence[float], columns: tuple, marks: tuple) -> None:
    """Inputs, hidden values and scores of one step as columns of cells, joined by arrows."""
    tops = [y + CELL * len(c) / 2 for y, c in zip(middles, columns, strict=True)]
    for k, (y, column, colour) in enumerate(zip(middles, columns, HUES, strict=True)):
        _box(ax, x, y, 12, CELL * len(column), colour, fill=0.05)
        for i, number in enumerate(column):
            row = tops[k] - CELL * (i + 0.5)
            if i == marks[k]:
                _box(ax, x, row, 12, CELL, colour)
            rounded = round(float(number), 1) + 0.0  # no minus zero
            shown = f"{rounded:.1f}".replace("-", "\N{MINUS SIGN}") if k else f"{number:.0f}"
            _text(ax, x, row, shown, fontweight="bold" if i == marks[k] else "normal")
        if k:
            _arrow(ax, (x, tops[k - 1]), (x, y - CELL * len(column) / 2))


def _verdict(ax: Axes, x: float, top: float, names: list[str], best: int, target: int) -> None:
    """The character that does come next, and the one with the highest score."""
    _text(ax, x, top + 10, names[target], color=OUTPUT, **CHARACTER)
    right = best == target
    said = f"{'✓' if right else '✗'} says {names[best]}"
    _text(ax, x, top + 4, said, color=TEAL if right else PINK, parse_math=False)


# ---------------------------------------------------------------------------------------- the LSTM


@style()
def lstm_cell() -> Figure:
    """One LSTM unit as a flow of data: the memory runs along the top, four gates act on it.

    c_t = f c_(t-1) + i g and h_t = o tanh(c_t), component by component, where f, i and o are
    logistic and g is tanh of a matrix times (x_t, h_(t-1)).
    """
    fig, ax = _canvas(72)
    _memory_and_input(ax)
    sigma = r"$\sigma$"
    gates = [(FORGET, sigma, "$f$"), (WRITE - 9, sigma, "$i$"), (WRITE + 9, "tanh", "$g$"),
             (READ, sigma, "$o$")]  # fmt: skip
    for x, function, letter in gates:
        _arrow(ax, (x, 6), (x, 13), INPUT)
        _box(ax, x, 16.6, 12, 7, GATE, function, fontsize=17 if x != WRITE + 9 else 14)
        _text(ax, x + 1.6, 23.6, letter, ha="left", fontsize=16)
    _arrow(ax, (FORGET, 20.2), (FORGET, 49.2))
    for side, angle in ((-1, 180), (1, 0)):
        corner = f"angle,angleA=90,angleB={angle},rad=8"
        _arrow(ax, (WRITE + 9 * side, 20.2), (WRITE + 2.8 * side, 35), connectionstyle=corner)
    _arrow(ax, (WRITE, 37.7), (WRITE, 49.2))
    _arrow(ax, (READ, 20.2), (READ, 25.4))
    _arrow(ax, (READ, 36.8), (READ, 30.9))
    for x, y, sign in [(FORGET, 52, r"\times"), (WRITE, 35, r"\times"), (WRITE, 52, "+"),
                       (READ, 28.2, r"\times")]:  # fmt: skip
        ax.add_patch(Circle((x, y), 2.6, facecolor="none", edgecolor=INK, linewidth=1.6))
        _text(ax, x, y, f"${sign}$", fontsize=16)
    acts = [(FORGET, "forget", r"keep $f\,c_{t-1}$"), (WRITE, "write", r"add $i\,g$"),
            (READ, "read", r"show $o\,\tanh(c_t)$")]  # fmt: skip
    for x, act, formula in acts:
        _text(ax, x, 68.5, act, fontsize=14, fontweight="bold")
        _text(ax, x, 62, formula, fontsize=14)
    return fig


def _memory_and_input(ax: Axes) -> None:
    """The lines that run from left to right, and what enters and leaves by them."""
    thick = {"linewidth": 3.2, "mutation_scale": 18}
    for a, b in [(10.5, FORGET - 2.6), (FORGET + 2.6, WRITE - 2.6)]:
        ax.plot([a, b], [52, 52], color=STATE, linewidth=3.2, solid_capstyle="butt")
    _arrow(ax, (WRITE + 2.6, 52), (91, 52), STATE, **thick)
    _arrow(ax, (READ, 52), (READ, 43.8), STATE)
    _box(ax, READ, 40.3, 12, 7, STATE, "tanh", fontsize=14)
    _arrow(ax, (READ + 2.6, 28.2), (91, 28.2), OUTPUT, **thick)
    ax.plot([10.5, READ], [6, 6], color=INPUT, linewidth=2.4)
    ends = [(9.5, 52, "$c_{t-1}$", STATE, "right"), (92, 52, "$c_t$", STATE, "left"),
            (9.5, 8.6, "$x_t$", INPUT, "right"), (9.5, 3.4, "$h_{t-1}$", INPUT, "right"),
            (92, 28.2, "$h_t$", OUTPUT, "left")]  # fmt: skip
    for x, y, name, colour, side in ends:
        _text(ax, x, y, name, color=colour, ha=side, fontsize=16)


# ------------------------------------------------------------------------------- truncated BPTT


@style()
def truncated_bptt(lanes: int = 3, steps: int = 4, text: str = ALPHABET) -> Figure:
    """A text folded into B lanes and walked in windows of T: what is carried, and what is cut.

    lanes: B, 1 to 6; steps: T. As many windows are drawn as the text fills, up to three;
    ValueError where it does not fill one, or where a character would get no room.
    """
    count = min(3, (len(text) - 1) // lanes // steps) if lanes > 0 and steps > 0 else 0
    if not 1 <= lanes <= 6 or count < 1 or count * steps > 18:
        raise ValueError(f"{lanes} lanes x {steps} steps of {len(text)} characters: the drawing "
                         "holds 1 to 6 lanes, and windows that the text fills")  # fmt: skip
    lane = (len(text) - 1) // lanes // steps * steps  # inputs in a lane
    bottom, top = 20, 20 + 8 * lanes
    fig, ax = _canvas(top + 8)
    gap = 7.5
    pitch = (82 - gap * (count - 1)) / (count * steps)
    for k in range(count):
        left = 16 + k * (steps * pitch + gap)
        right = left + steps * pitch
        _window(ax, left, pitch, [text[b * lane + k * steps :][:steps] for b in range(lanes)])
        _text(ax, (left + right) / 2, top + 4, f"step {k}", fontweight="bold")
        for b in range(lanes if k + 1 < count else 0):
            y = top - 4 - 8 * b
            _arrow(ax, (right + 0.6, y), (right + gap - 0.6, y), STATE, linewidth=2.2)
    for b in range(lanes):
        _text(ax, 1, top - 4 - 8 * b, f"lane {b}", ha="left")
    _text(ax, 16, bottom - 11, "the state goes on into the next step", color=STATE, ha="left")
    _text(ax, 16, bottom - 16, "the gradient stops at the edge of its step", color=GRADIENT,
          ha="left")  # fmt: skip
    return fig


def _window(ax: Axes, left: float, pitch: float, rows: Sequence[str], bottom: float = 20) -> None:
    """The characters of one step, boxed, with the reach of its gradient below."""
    height, width = 8 * len(rows), pitch * len(rows[0])
    _box(ax, left + width / 2, bottom + height / 2, width, height, STATE, fill=0.1)
    for b, row in enumerate(rows):
        for t, character in enumerate(row):
            y = bottom + height - 4 - 8 * b
            _text(ax, left + pitch * (t + 0.5), y, visible(character), **CHARACTER)
    y = bottom - 5
    ax.plot([left + width, left + 3], [y, y], color=GRADIENT, linewidth=2, linestyle=DASHES)
    _arrow(ax, (left + 3.2, y), (left + 0.5, y), GRADIENT, linewidth=2)
    ax.plot([left, left], [y - 2, y + 2], color=GRADIENT, linewidth=3.2)
