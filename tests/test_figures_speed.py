"""Figures of speed: every rate is written, what cannot be drawn is refused."""

import pytest
from matplotlib.colors import to_hex

from charrnn import figures
from charrnn.figures.speed import short

ROWS = (
    {"name": "ours", "value": 12_500.0, "low": 12_000.0, "high": 13_000.0, "ours": True},
    {"name": "plain", "value": 6_240.0, "low": 6_200.0, "high": 6_300.0, "ours": False},
)


def texts(fig):
    return [t.get_text() for ax in fig.axes for t in ax.texts]


def test_the_slowest_stands_first_and_bounds_are_named():
    fig = figures.race(ROWS, "characters a second", {"products alone": 9_800.0})
    names = [label.get_text() for label in fig.axes[0].get_yticklabels()]
    assert names == ["plain", "ours"]
    assert {"12,500", "6,240", "products alone: 9,800"} <= set(texts(fig))
    colours = [to_hex(label.get_color()) for label in fig.axes[0].get_yticklabels()]
    assert colours == [figures.REAL, figures.MODEL]


def test_the_scale_is_linear_until_sides_are_far_apart():
    assert figures.race(ROWS, "x").axes[0].get_xscale() == "linear"
    far = (*ROWS, {"name": "slow", "value": 100.0, "low": 90.0, "high": 110.0, "ours": False})
    assert figures.race(far, "x").axes[0].get_xscale() == "log"


@pytest.mark.parametrize("bad", [{"low": 13_000.0}, {"low": 0.0}])
def test_what_cannot_be_drawn(bad):
    with pytest.raises(ValueError, match=r"ours: .* does not hold 12500\.0, or is not above 0"):
        figures.race([{**ROWS[0], **bad}], "x")


def test_nothing_measured():
    assert "nothing was measured" in texts(figures.race([], "x"))
    assert "nothing was measured" in texts(figures.cost_curves({}, "x"))
    assert "no reading speed was measured" in texts(figures.caches({}, {}))
    assert "no training was compared" in texts(figures.distances({}, "x"))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123, "0.0123"), (1.5, "1.50"), (42.26, "42.3"), (137.4, "137"), (12_345.0, "12,300")],
)
def test_three_figures(value, text):
    assert short(value) == text


def test_a_panel_for_each_size():
    sides = {"ours": {1: 2.0, 2: 3.0}, "nn.LSTM": {1: 4.0, 2: 5.0}}
    fig = figures.cost_curves({"lanes": sides, "layers": sides, "hidden": sides}, "microseconds")
    shown = [ax for ax in fig.axes if ax.get_visible()]
    assert [ax.get_title(loc="left") for ax in shown] == ["lanes", "layers", "hidden"]
    assert [t.get_text() for t in shown[0].get_legend().get_texts()] == ["ours", "nn.LSTM"]


def test_weights_lie_beside_the_caches_that_hold_them():
    fig = figures.caches({"1 thread": {0.1: 90.0, 10: 40.0}}, {"int8": 3.0, "float32": 12.0})
    assert {"1 thread", "int8", "float32"} <= set(texts(fig))


def test_equal_to_the_last_bit_is_drawn_too():
    fig = figures.distances({"int16": {25: 0.0, 50: 1e-4}, "seed": {25: 0.1, 50: 0.1}}, "nats")
    assert {"int16", "seed"} <= set(texts(fig))
    assert fig.axes[0].get_yscale() == "log"
