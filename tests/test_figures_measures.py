"""Figures of what a text is like: what they are given is drawn, and too little is said to be."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from charrnn import figures as f


def shares(*values):
    numbers = zip((5, 10, 20), values, strict=True)
    return {str(n): {"value": v, "low": v - 0.01, "high": v + 0.01} for n, v in numbers}


ROWS = shares(0.1, 0.5, 0.9)
NONE = {"5": None, "10": {"value": None, "low": 0.0, "high": 1.0}}


def drawn(fig):
    """Draws it, which is where layouts fail, and returns all of its words."""
    FigureCanvasAgg(fig).draw()
    words = [t.get_text() for ax in fig.axes for t in [*ax.texts, ax.title]]
    for ax in fig.axes:
        words += [t.get_text() for t in (ax.get_legend().get_texts() if ax.get_legend() else [])]
        words += [getattr(ax, f"_{side}_title").get_text() for side in ("left", "right")]
    return " | ".join(words)


def lines(fig):
    return [line.get_xydata() for line in fig.axes[0].get_lines() if len(line.get_xydata()) > 1]


def test_both_texts_are_drawn_by_number():
    fig = f.by_number(ROWS, shares(0.0, 0.2, 0.7) | {"30": None}, "share of x", "letters")
    words = drawn(fig)
    assert all(w in words for w in ("share of x", "model", "real text"))
    real, model = lines(fig)
    np.testing.assert_allclose(model[:, 1], [0.1, 0.5, 0.9])
    np.testing.assert_allclose(real[:, 1], [0.0, 0.2, 0.7])
    assert list(fig.axes[0].get_xticks()) == [5, 10, 20]


@pytest.mark.parametrize("empty", [(NONE, ROWS), (ROWS, NONE)])
def test_too_short_a_text_is_said_to_be_so(empty):
    assert "too little text" in drawn(f.by_number(*empty, "share of x", "letters"))


def test_a_comparison_becomes_bars_or_a_sentence():
    columns = ["value", "low", "high", "real", "real low", "real high"]
    table = pd.DataFrame([[0.5, 0.4, 0.6, 0.9, 0.8, 1.0]], index=["real words"], columns=columns)
    assert "50.0%" in drawn(f.compared(table))
    assert "too little text" in drawn(f.compared(table.iloc[:0]))


def test_speeches_of_a_temperature_without_any_are_left_out():
    plays = {
        "0.8": {"lengths": [20, 40]},
        "1.0": {"lengths": []},
        "held_out": {"lengths": [30, 90]},
    }
    words = drawn(f.speeches(plays, (0.8, 1.0)))
    assert "T = 0.8" in words and "T = 1" not in words
    plays["held_out"] = {"lengths": []}
    assert "no whole speech" in drawn(f.speeches(plays, (0.8,)))


def test_a_state_that_stops_is_named_with_its_lap():
    fig = f.closing_in({"h": [1.0, 1e-3, 0.0, 0.0], "c": [5.0, 5.0, 4.0, 4.0]}, period=13)
    words = drawn(fig)
    assert "h (unchanged from lap 4 on)" in words  # lap 4 is as lap 3 was
    assert "c" in words
    h, c = lines(fig)
    assert len(h) == 2 and len(c) == 4


def samples_of(temperatures=(0.1, 0.5, 1.0, 1.5), n=12, seed=0):
    """Made-up measures of single texts: hotter ones are more varied and worse spelt."""
    rng = np.random.default_rng(seed)
    rows = [(t, 0.1 * t + 0.01 * rng.random(), 0.5 + 0.3 * t + 0.02 * rng.random())
            for t in temperatures for _ in range(n)]  # fmt: skip
    rows += [(np.nan, 0.01 * rng.random(), 0.9 + 0.02 * rng.random()) for _ in range(n)]
    return pd.DataFrame(rows, columns=["temperature", "misspelt", "distinct_2"])


def test_every_sample_is_a_dot_of_its_temperature():
    fig = f.spread_of_samples(samples_of(), "misspelt", "misspelt words")
    assert "misspelt words" in drawn(fig)
    labels = [t.get_text() for t in fig.axes[0].get_xticklabels()]
    assert labels == ["0.1", "0.5", "1", "1.5", "real"]
    dots = [np.asarray(c.get_offsets()) for c in fig.axes[0].collections]
    dots = [d for d in dots if len(d)]
    assert [len(d) for d in dots] == [12] * 5
    assert sorted(dots[1][:, 1]) == sorted(samples_of().query("temperature == 0.5").misspelt)


def test_two_measures_against_each_other_with_real_text_behind():
    table = samples_of()
    fig = f.trade(table, "distinct_2", "misspelt", "distinct pairs", "misspelt words")
    words = drawn(fig)
    assert all(w in words for w in ("T = 0.1", "T = 1.5", "real text", "misspelt words"))
    dots = [np.asarray(c.get_offsets()) for c in fig.axes[0].collections]
    assert sorted(len(d) for d in dots if len(d) >= 12) == [12, 48]


def test_too_few_texts_are_said_to_be_too_few():
    table = samples_of()
    empty = table.assign(misspelt=np.nan)
    for fig in (
        f.spread_of_samples(empty, "misspelt", "x"),
        f.trade(empty, "distinct_2", "misspelt", "x", "y"),
        f.trade(table.query("temperature > 0"), "distinct_2", "misspelt", "x", "y"),
    ):
        assert "too little" in drawn(fig)


def test_real_texts_that_are_all_alike_have_no_density():
    table = samples_of()
    table.loc[table.temperature.isna(), "misspelt"] = 0.0
    drawn(f.trade(table, "distinct_2", "misspelt", "x", "y"))
