"""What is learned when, drawn: what was measured is there, and what can't be told is said."""

import numpy as np
import pytest
from test_figures_names import drawn

from charrnn import figures as f

STEPS = [10, 20, 50, 100, 500, 1000]


def reach(first, stays):
    return {"first": first, "stays": stays}


def measure(title, hits, half=(50, 100), most=(500, 500)):
    return {
        "title": title,
        "hits": hits,
        "total": [4] * 6,
        "smooth": [None if h is None else h / 4 for h in hits],
        "held_out": {"value": 0.9, "low": 0.8, "high": 1.0, "total": 99},
        "half": reach(*half),
        "most": reach(*most),
    }


@pytest.fixture
def found():
    measures = {
        "spaces": measure("blanks among all", [0, 1, 2, 3, 4, 4], (10, 20), (20, 50)),
        "names": measure("names", [0, 0, 0, 1, 2, 3], most=(None, None)),
        "never": measure("long words", [0] * 6, (None, None), (None, None)),
    }
    return {"steps": STEPS, "unigram": 3.0, "measures": measures}


HISTORY = {
    "step": [10, 50, 100, 1000],
    "train_loss": [4, 3, 2, 1.2],
    "val_loss": [np.nan, np.nan, 2.1, 1.4],
}


def test_every_measure_has_a_panel_behind_the_loss(found):
    fig = f.evolution(found, HISTORY)
    words = drawn(fig)
    used = [ax for ax in fig.axes if ax.axison]
    assert len(used) == 4 and "loss in nats" in words and "names" in words
    curves = [np.asarray(line.get_ydata(), float).tolist() for line in used[0].get_lines()]
    assert [4, 3, 2, 1.2] in curves and [2.1, 1.4] in curves and [3.0, 3.0] in curves
    points, line, level = used[1].get_lines()
    assert points.get_ydata().tolist() == line.get_ydata().tolist() == [0, 0.25, 0.5, 0.75, 1, 1]
    assert list(level.get_ydata()) == [0.9, 0.9]
    assert all(ax.get_xscale() == "log" for ax in used)


def test_what_could_not_be_counted_leaves_a_gap(found):
    spaces = found["measures"]["spaces"]
    spaces["total"][0], spaces["smooth"][0], spaces["held_out"] = 0, None, None
    ax = [ax for ax in f.evolution(found, HISTORY).axes if ax.axison][1]
    points, line = ax.get_lines()
    assert np.isnan(points.get_ydata()[0]) and line.get_xdata().tolist() == STEPS[1:]


def test_the_order_is_that_of_the_first_dot(found):
    fig = f.learning_order(found)
    assert "long words" not in drawn(fig)
    at = {text.get_text(): text.xy[1] for text in fig.axes[0].texts}
    assert at["blanks among all"] == at["20"] == 1 and at["names"] == at["100"] == 0
    dots = [line for line in fig.axes[0].get_lines() if line.get_marker() in "oD" and
            len(line.get_xdata()) == 1]  # fmt: skip
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in dots] == [
        (100, 0), (50, 1), (20, 1),
    ]  # fmt: skip


def test_too_few_samples_are_said_to_be_so(found):
    found["steps"] = STEPS[:4]
    assert "too few samples to follow" in drawn(f.evolution(found, HISTORY))
    assert "too few samples to tell an order" in drawn(f.learning_order(found))
