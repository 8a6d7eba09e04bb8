"""Figures of an ablation: every row where it belongs, one scale, what can't be drawn is refused."""

import numpy as np
import pytest

from charrnn.figures.ablation import two_programs, which_mattered


def row(name, value, kind="tail", width=0.01):
    return {"name": name, "kind": kind, "value": value, "low": value - width, "high": value + width}


ROWS = [row("one", -0.1), row("two", 0.02), row("one", -0.08, "lanes"), row("two", 0.0, "lanes")]


def marks(ax):
    """(x, y) of the marks in an axis."""
    return [tuple(np.ravel(line.get_xydata())) for line in ax.lines if line.get_marker() in "oD"]


class TestWhichMattered:
    def test_a_row_a_change_and_a_mark_a_kind(self):
        (ax,) = which_mattered({"a text": ROWS}).axes
        assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "two"]
        found = marks(ax)
        assert [x for x, _ in found] == [-0.1, 0.02, -0.08, 0.0]
        assert [round(y) for _, y in found] == [0, 1, 0, 1]
        assert found[0][1] < 0 < found[2][1], "neither kind hides the other"
        assert [t.get_text() for t in ax.get_legend().get_texts()] == ["tail", "lanes"]

    def test_texts_have_one_scale_that_holds_zero_and_every_interval(self):
        fig = which_mattered({"a": ROWS, "b": [row("one", -0.5)]})
        first, second = fig.axes
        assert first.get_xlim() == second.get_xlim()
        low, high = first.get_xlim()
        assert low < -0.51
        assert high > 0.03
        assert first.get_title(loc="left") == "a"

    def test_what_cannot_be_drawn(self):
        with pytest.raises(ValueError, match=r"one: 0.2 to 0.3 does not hold 0.1"):
            which_mattered({"a": [row("one", 0.1) | {"low": 0.2, "high": 0.3}]})
        with pytest.raises(ValueError, match="3 kinds of rows; at most 2"):
            which_mattered({"a": [row("one", 0.1, kind) for kind in "xyz"]})
        nothing = which_mattered({})
        assert "nothing was trained" in [t.get_text() for t in nothing.axes[0].texts]


def curve(level):
    values = level + np.zeros(3)
    return {"step": [100, 300, 900], "mean": values, "low": values - 0.1, "high": values + 0.1}


class TestTwoPrograms:
    def test_a_panel_a_measure_and_a_curve_a_program(self):
        fig = two_programs(
            {"loss": {"day": curve(2), "last": curve(1)}, "norm": {"day": curve(3)}}, (300,)
        )
        loss, norm = fig.axes
        assert {t.get_text() for t in loss.texts} == {"day", "last"}
        assert list(loss.lines[0].get_ydata()) == [2, 2, 2]
        assert list(norm.lines[0].get_ydata()) == [3, 3, 3]
        assert list(norm.lines[1].get_xdata()) == [300, 300], "what is to be pointed out"
        assert loss.get_xscale() == "log"
        assert len(loss.collections) == 2

    def test_what_cannot_be_drawn(self):
        with pytest.raises(ValueError, match="day: shapes"):
            two_programs({"loss": {"day": curve(2) | {"low": [1.0]}}})
        with pytest.raises(ValueError, match="5 curves; at most 4"):
            two_programs({"loss": {str(i): curve(i) for i in range(5)}})
        assert "nothing was trained" in [t.get_text() for t in two_programs({}).axes[0].texts]
