"""The figure of the grid: a panel a kind of cell, equal scales, nothing that cannot be drawn."""

import pytest
from matplotlib.colors import to_hex

from charrnn.figures.grid import losses_by_size
from charrnn.figures.look import PALETTE

CURVES = {1: [(40_000, 1.6), (400_000, 1.4)], 2: [(3_000_000, 1.2), (80_000, 1.5)]}


def lines(ax):
    return [line for line in ax.lines if len(line.get_xdata()) and line.get_marker() == "o"]


def test_a_panel_a_cell_and_a_curve_a_depth():
    fig = losses_by_size({"LSTM": CURVES, "plain RNN": {1: CURVES[1]}}, {"20-gram": 1.3})
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["LSTM", "plain RNN"]
    assert [len(lines(ax)) for ax in fig.axes] == [2, 1]
    assert to_hex(lines(fig.axes[0])[1].get_color()) == PALETTE[1]
    assert list(lines(fig.axes[0])[1].get_xdata()) == [80_000, 3_000_000]
    assert fig.axes[0].get_xlim() == fig.axes[1].get_xlim()
    assert "20-gram" in [t.get_text() for t in fig.axes[0].texts]
    assert all(1.3 in line.get_ydata() for ax in fig.axes for line in ax.lines[-1:])
    key = [t.get_text() for t in fig.axes[-1].get_legend().get_texts()]
    assert key == ["1 layer", "2 layers"]
    assert [t.get_text() for t in fig.axes[0].get_xticklabels()] == ["100 K", "1 M"]


def test_what_cannot_be_drawn():
    with pytest.raises(ValueError, match="loss nan: there is no such network"):
        losses_by_size({"LSTM": {1: [(1000, float("nan"))]}})
    with pytest.raises(ValueError, match="0 parameters"):
        losses_by_size({"LSTM": {1: [(0, 1.0)]}})


def test_nothing_was_trained():
    fig = losses_by_size({})
    assert "no network was trained" in [t.get_text() for ax in fig.axes for t in ax.texts]
