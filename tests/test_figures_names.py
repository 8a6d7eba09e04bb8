"""Figures of names: what they are given is drawn, and what can't be is refused or said."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from charrnn import figures as f


def drawn(fig):
    """Draws it, which is where layouts fail, and returns all of its words."""
    FigureCanvasAgg(fig).draw()
    words = []
    for ax in fig.axes:
        words += [t.get_text() for t in [*ax.texts, *ax.get_xticklabels(), *ax.get_yticklabels()]]
        words += [getattr(ax, f"_{side}_title").get_text() for side in ("left", "right")]
        words += [t.get_text() for t in (ax.get_legend().get_texts() if ax.get_legend() else [])]
    return " | ".join(words)


def test_new_names_have_an_exact_line_and_counted_points():
    t = [0.5, 1.0, 1.5]
    fig = f.new_names(t, [0.4, 0.8, 0.9], [0.41, 0.79, 0.9], [0.4, 0.78, 0.89], [0.42, 0.8, 0.91])
    words = drawn(fig)
    assert "summed over the list" in words and "the post: 90 %" in words
    lines = [line for line in fig.axes[0].get_lines() if len(line.get_xdata()) == 3]
    values = [np.asarray(line.get_ydata()).tolist() for line in lines]
    assert [0.4, 0.8, 0.9] in values and [0.41, 0.79, 0.9] in values
    with pytest.raises(ValueError, match="drawn"):
        f.new_names(t, [0.4, 0.8, 0.9], [0.4], [0.4], [0.4])


def share(value):
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


NEAR = {"1": share(0.5), "2": share(0.3), "3": share(0.15), "4": share(0.05)}


def test_distances_are_bars_side_by_side():
    fig = f.name_distances({"T = 1": NEAR, "held-out names": NEAR})
    words = drawn(fig)
    assert "4 and more" in words and "held-out names" in words
    heights = [bar.get_height() for bar in fig.axes[0].patches]
    assert heights == [0.5, 0.3, 0.15, 0.05] * 2
    assert len({bar.get_x() for bar in fig.axes[0].patches}) == 8  # none covers another


def test_distances_of_nothing_are_said_to_be_so():
    none = {d: {"value": None, "low": 0.0, "high": 1.0} for d in NEAR}
    assert "no new name" in drawn(f.name_distances({"T = 1": none, "held-out names": NEAR}))
    with pytest.raises(ValueError, match="0 series"):
        f.name_distances({})


def test_parts_of_names():
    table = {"training": {"A": 0.5, "B": 0.2}, "model": {"A": 0.4, "B": 0.3}}
    table["held_out"] = {"A": 0.6, "B": 0.1}
    fig = f.name_parts({"first letter": table, "last two letters": table})
    assert len(fig.axes) == 2 and "A | B" in drawn(fig)
    assert [bar.get_height() for bar in fig.axes[0].patches] == [0.4, 0.3]
    empty = {key: {} for key in table}
    assert "no names" in drawn(f.name_parts({"first letter": empty}))


def test_a_name_is_spelled_on_an_axis_of_factors():
    fig = f.spelled_name([*"Ada", "\n"], [0.08, 0.5, 0.002, 0.9])
    words = drawn(fig)
    assert "A | d | a | ↵" in words
    assert "8%" in words and "0.2%" in words and "90%" in words
    tops = [bar.get_y() + bar.get_height() for bar in fig.axes[0].patches]
    assert tops == pytest.approx([0.08, 0.5, 0.002, 0.9])
    assert fig.axes[0].get_yscale() == "log"


@pytest.mark.parametrize(("letters", "p"), [([], []), (["A"], [0.0]), (["A"], [0.1, 0.2])])
def test_a_name_without_probabilities_is_refused(letters, p):
    with pytest.raises(ValueError):
        f.spelled_name(letters, p)


def test_an_improbable_letter_stays_on_the_axis():
    fig = f.spelled_name(["Q", "\n"], [3e-7, 0.5])
    drawn(fig)
    assert fig.axes[0].get_ylim()[0] < 3e-7
