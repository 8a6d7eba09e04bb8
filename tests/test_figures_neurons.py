"""Figures of units: the numbers that were given, each with its name, on any page."""

import itertools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from test_figures import words

from charrnn import figures as f
from charrnn.figures.neurons import HUES, LINES, MARKS

RULES = [
    {"title": "inside quotation marks", "best": 0.94, "probe": 0.99, "shifted": 0.12,
     "untrained": 0.31, "rotated": 0.45},
    {"title": "after a $", "best": 0.8, "probe": None, "untrained": np.nan},
]  # fmt: skip
X = np.arange(50)
SCORES = {"trained units": np.linspace(0, 0.8, 81), "random rotation": np.linspace(0, 0.4, 41),
          "untrained": [0.1, np.nan], "labels shifted": [0.0, 0.02]}  # fmt: skip
GROWN = [{"size": "1 x 64", "trained": [0.02, 0.04], "rotated": [0.01], "untrained": [0, 0.001]},
         {"size": "2 x 512", "trained": [0.06], "rotated": None}]  # fmt: skip
HELD = {
    "held on": (X, np.exp(-X / 90)),
    "free": (X, np.exp(-X / 20), np.exp(-X / 18) - 0.1, np.exp(-X / 22) + 0.1),
    "held off": (X, np.exp(-X / 3)),
    "another unit held": (X, np.exp(-X / 25)),
    "a fifth": (X, np.exp(-X / 50)),
}
EVERY = {
    "rules": lambda: f.rule_scores(RULES, "F1 on held-out text"),
    "census": lambda: f.census(SCORES, 0.5, "correlation"),
    "sizes": lambda: f.shares_by_size(GROWN, "share of units that follow some rule"),
    "ramp": lambda: f.ramp(X, X / 50, X / 50 - 0.1, X / 50 + 0.1, "characters", "tanh(c)"),
    "around": lambda: f.around(X - 25, {"unit 17": np.tanh(X - 25.0)}, "opening quote"),
    "symbols": lambda: f.around(X[:5], {"one": X[:5], "other": -X[:5]}, "here", list("a $\nb")),
    "leaving": lambda: f.leaving(HELD),
}


def texts(fig):
    return [text.get_text() for text, _ in words(fig)]


def line(ax, name):
    return next(one for one in ax.get_lines() if one.get_label() == name)


@pytest.mark.parametrize("name", EVERY)
def test_nothing_is_clipped_and_no_words_overlap_and_all_are_readable(name):
    fig = EVERY[name]()
    with f.style():  # as `png` draws it
        fig.draw_without_rendering()
    box = fig.get_tightbbox(FigureCanvasAgg(fig).get_renderer())  # inches
    assert box.x0 >= -0.01 and box.y0 >= -0.01
    assert box.x1 <= fig.get_figwidth() + 0.01 and box.y1 <= fig.get_figheight() + 0.01
    for (one, a), (other, b) in itertools.combinations(words(fig), 2):
        wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(wide, high) <= 2.5, (one.get_text(), other.get_text())
    for text in fig.findobj(mpl.text.Text):
        assert text.get_fontsize() / 72 / f.WIDTH * 340 >= 7.5, text.get_text()
    assert not any(text.get_parse_math() for text, _ in words(fig))


# -------------------------------------------------------------------------------------- rules


def test_each_score_has_its_mark_on_its_rule_s_line():
    ax = EVERY["rules"]().axes[0]
    marks = [m for m in ax.get_lines() if m.get_marker() != "None" and len(m.get_xydata())]
    drawn = {(m.get_marker(), m.get_markerfacecolor(), *m.get_xydata()[0]) for m in marks}
    wanted = {(sign, filling, RULES[0][key], 1)
              for key, (_, _, sign, _, filling) in MARKS.items() if key in RULES[0]}  # fmt: skip
    assert len(marks) == 6 and drawn == {*wanted, ("o", f.BLUE, 0.8, 0)}
    assert ax.get_xlim()[0] < 0.12 and ax.get_xlim()[1] > 1


def test_marks_are_told_apart_without_colour_and_named():
    shapes = [(sign, filling == "none") for key, (*_, sign, _, filling) in MARKS.items()
              if key != "trained"]  # fmt: skip
    assert len(set(shapes)) == len(shapes)
    assert {"best unit", "linear probe", "labels shifted", "untrained", "random rotation",
            "after a $", "0.94", "0.80"} <= set(texts(EVERY["rules"]()))  # fmt: skip
    few = texts(f.rule_scores([{"title": "a", "best": 0.5}], "F1"))
    assert "best unit" in few and "untrained" not in few


def test_scores_are_at_most_1_and_none_is_said_to_be_none():
    with pytest.raises(ValueError, match=r"a score is 1.5; allowed are numbers up to 1"):
        f.rule_scores([{"title": "a", "best": 1.5}], "F1")
    for rows in ([], [{"title": "a", "best": None, "probe": np.nan}]):
        assert any("too little text" in t for t in texts(f.rule_scores(rows, "F1")))


# ------------------------------------------------------------------------------------- census


def test_a_curve_is_the_share_of_units_at_least_so_high():
    ax = f.census({"a": [0.1, 0.4, 0.4, 0.8, np.nan]}, 0.4, "score").axes[0]
    x, y = line(ax, "a: 60%").get_data()
    at_least = {v: y[np.searchsorted(x, v)] for v in (0.1, 0.2, 0.4, 0.5, 0.8)}
    assert at_least == pytest.approx({0.1: 0.8, 0.2: 0.6, 0.4: 0.6, 0.5: 0.2, 0.8: 0.2})
    assert y[-1] < ax.get_ylim()[0]  # and nothing beyond
    assert ax.get_xlim() == (0.1, 1)


def test_shares_at_the_bar_stand_by_the_names_and_the_post_s_is_a_level():
    fig = EVERY["census"]()
    names = [t.get_text() for t in fig.axes[0].get_legend().get_texts()]
    assert names == ["trained units: 38.3%", "random rotation: 0%", "untrained: 0%",
                     "labels shifted: 0%"]  # fmt: skip
    assert {"the post: about 5 %", "the bar: 0.5"} <= set(texts(fig))
    assert not any("post" in t for t in texts(f.census(SCORES, 0.5, "score", None)))


def test_half_and_a_two_hundredth_are_both_legible():
    ax = EVERY["census"]().axes[0]
    low, high = ax.transAxes.inverted().transform(ax.transData.transform([(0, 0.005), (0, 0.5)]))
    assert 0.15 < low[1] < high[1] - 0.3 < 0.65


@pytest.mark.parametrize("scores", [[1.5], [], [[0.5]]])
def test_a_bad_census_is_refused(scores):
    with pytest.raises(ValueError, match=r"up to 1|must be flat"):
        f.census({"a": scores}, 0.5, "score")


def test_units_without_a_score_are_counted():
    fig = f.census({"a": [np.nan, np.nan]}, 0.5, "score")
    FigureCanvasAgg(fig).draw()
    assert "a: 0%" in texts(fig)


# -------------------------------------------------------------------------------------- sizes


def test_each_seed_is_a_mark_and_the_mean_of_the_trained_a_dash():
    ax = EVERY["sizes"]().axes[0]
    marks = [(one.get_label(), *place) for one in ax.get_lines() for place in one.get_xydata()
             if one.get_marker() != "None"]  # fmt: skip
    heights = sorted(y for *_, y in marks)
    assert heights == [0, 0.001, 0.01, 0.02, 0.04, 0.06]
    assert {round(x) for _, x, _ in marks} == {0, 1}
    dashes = [segment for c in ax.collections for segment in c.get_segments()]
    assert [d[0][1] for d in dashes] == pytest.approx([0.03, 0.06])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1 x 64", "2 x 512"]


def test_shares_are_shares_and_none_is_said_to_be_none():
    with pytest.raises(ValueError, match="a share is 5; allowed are 0 to 1"):
        f.shares_by_size([{"size": "1 x 64", "trained": [5]}], "share")
    assert "no network to count in" in texts(f.shares_by_size([], "share"))


# ------------------------------------------------------------------------------------- curves


@pytest.mark.parametrize("name", ["leaving", "around", "symbols"])
def test_curves_are_named_and_differ_without_colour(name):
    fig = EVERY[name]()
    legend = fig.axes[0].get_legend()
    assert len({str(dash) for dash in LINES}) == len(HUES) == len(set(HUES))
    colours = [text.get_color() for text in legend.get_texts()]
    assert colours == list(HUES[: len(colours)])


def test_nothing_to_draw_says_so():
    assert "too little text to measure: train for longer" in texts(f.leaving({}))


def test_curves_are_those_that_were_given_with_their_bands():
    ax = EVERY["leaving"]().axes[0]
    for name, (x, y, *_) in HELD.items():
        np.testing.assert_allclose(line(ax, name).get_xydata(), np.column_stack([x, y]))
    assert len(ax.collections) == 1


@pytest.mark.parametrize(
    ("curves", "message"),
    [
        ({str(i): (X, X) for i in range(6)}, "6 curves; one figure holds 1 to 5"),
        ({"a": (X, X, X)}, "a: 3 columns; allowed are 2"),
        ({"a": (X, X[1:])}, r"a: shapes \(50,\) and \(49,\)"),
    ],
)
def test_bad_curves_are_named(curves, message):
    with pytest.raises(ValueError, match=message):
        f.leaving(curves)


def test_an_event_stands_at_0_and_symbols_below():
    ax = EVERY["symbols"]().axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "␣", "$", "↵", "b"]
    assert [0, 0] in [list(one.get_xdata()) for one in ax.get_lines()]
    assert "here" in [t.get_text() for t in ax.texts]
    with pytest.raises(ValueError, match="2 ticks for 5 offsets"):
        f.around(X[:5], {"one": X[:5]}, "here", "ab")


def test_gaps_are_left_where_nothing_was_measured():
    gap = [1, np.nan, 3]
    FigureCanvasAgg(f.around([-1, 0, 1], {"a": gap}, "e")).draw()
    FigureCanvasAgg(f.ramp([0, 1, 2], gap, gap, gap, "x", "y")).draw()


def test_a_ramp_is_its_mean_and_its_band():
    ax = f.ramp([1, 2], [3, 4], [2, 3], [4, 6], "x", "y").axes[0]
    assert ax.get_lines()[0].get_xydata().tolist() == [[1, 3], [2, 4]]
    assert ax.collections[0].get_paths()[0].get_extents().bounds == (1, 2, 1, 4)
    with pytest.raises(ValueError, match=r"y: shapes \(2,\) and \(1,\)"):
        f.ramp([1, 2], [3, 4], [2], [4, 5], "x", "y")
