"""Figures of how long a network remembers: what is given is drawn, and what can't be is refused."""

import itertools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from test_figures import words

from charrnn import figures as f

RNG = np.random.default_rng(0)
K = np.arange(1, 300)


def gate(a, b):
    right, left, _ = RNG.dirichlet([a, b, 2], 60).T
    return right, left


GATES = {g: {f"layer {n}": gate(a, n) for n in (1, 2, 3)}
         for g, a in (("input gate", 0.4), ("forget gate", 3), ("output gate", 1))}  # fmt: skip
CHANGES = [
    {"title": "a unit", "value": 0.4, "low": 0.3, "high": 0.5, "reference": 0.1, "group": "a $ or"},
    {"title": "a layer", "value": 0.8, "low": 0.7, "high": 0.9, "reference": 0.1,
     "group": "a $ or"},
    {"title": "nothing", "value": 0.1, "low": 0.1, "high": 0.12, "group": "line end"},
]  # fmt: skip
EVERY = {
    "lives": lambda: f.half_lives({f"layer {n}": RNG.lognormal(n, 1, 80) for n in (1, 2, 3)}),
    "gates": lambda: f.saturation(GATES),
    "reach": lambda: f.connectivity(K, {"layer 1": K**-1.2, "GRU": np.exp(-K / 4)}),
    "effects": lambda: f.effects(CHANGES, "probability of a closing mark"),
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


# ---------------------------------------------------------------------------------- half-lives


def test_half_lives_are_shares_that_last_so_long_with_their_medians():
    ax = f.half_lives({"layer 1": [8, 2, np.nan, 4, np.inf, 2]}).axes[0]
    x, y = line(ax, "layer 1: median 4").get_data()
    at_least = {v: y[np.searchsorted(x, v)] for v in (1, 2, 3, 4, 8, 10, 1000)}
    wanted = {1: 1, 2: 1, 3: 0.6, 4: 0.6, 8: 0.4, 10: 0.2, 1000: 0.2}
    assert at_least == pytest.approx(wanted)
    assert ax.get_xscale() == "log" and ax.get_xlim()[1] < 20


def test_cells_that_never_forget_are_drawn_as_such():
    fig = f.half_lives({"a": [np.inf, np.inf]})
    FigureCanvasAgg(fig).draw()
    assert "a: median inf" in texts(fig)


@pytest.mark.parametrize("lives", [[0.0, 1], [-1], [np.nan], [], [[1, 2]]])
def test_bad_half_lives_are_refused(lives):
    with pytest.raises(ValueError, match="must be flat and hold half-lives, all above 0"):
        f.half_lives({"a": lives})


# ---------------------------------------------------------------------------------- saturation


def test_each_gate_has_a_panel_with_a_mark_a_unit_right_across_and_left_up():
    fig = EVERY["gates"]()
    assert len(fig.axes) == 3
    for ax, (name, layers) in zip(fig.axes, GATES.items(), strict=True):
        assert name in [t.get_text() for t in ax.texts]
        assert ax.get_xlim() == ax.get_ylim() == (0, 1) and ax.get_aspect() == 1
        for layer, (right, left) in layers.items():
            drawn = line(ax, layer).get_xydata()
            np.testing.assert_allclose(drawn, np.column_stack([right, left]))
        assert [[0, 1], [1, 0]] in [one.get_xydata().tolist() for one in ax.get_lines()]
    marks = {line(fig.axes[0], layer).get_marker() for layer in GATES["input gate"]}
    assert len(marks) == 3
    assert {"layer 1", "layer 2", "layer 3"} <= set(texts(fig))


@pytest.mark.parametrize("draw", [f.half_lives, f.saturation])
def test_no_gates_are_said_to_be_none(draw):
    assert "too little text to follow gates in" in texts(draw({}))


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        ({"g": {str(n): ([0], [0]) for n in range(5)}}, "1 gates of 5 layers"),
        ({"g": {"l": ([0.7], [0.7])}}, "g, l: fractions below 0, or that sum to more than 1"),
        ({"g": {"l": ([-0.1], [0.7])}}, "g, l: fractions below 0"),
        ({"g": {"l": ([0.1, 0.2], [0.7])}}, r"g, l: shapes \(2,\) and \(1,\)"),
    ],
)
def test_bad_gates_are_refused(gates, message):
    with pytest.raises(ValueError, match=message):
        f.saturation(gates)


# -------------------------------------------------------------------------------- connectivity


def test_gradients_are_logarithmic_both_ways_with_gaps_where_there_are_none():
    ax = f.connectivity([1, 10, 100], {"a": [1, 0, np.nan]}).axes[0]
    assert ax.get_xscale() == ax.get_yscale() == "log"
    y = line(ax, "a").get_ydata()
    assert y[0] == 1 and np.isnan(y[1:]).all()


def test_powers_of_ten_are_written_as_such():
    fig = EVERY["reach"]()
    fig.draw_without_rendering()
    labels = [t.get_text() for t in fig.axes[0].get_yticklabels()]
    assert "10⁻³" in labels or "10⁻²" in labels
    low, high = fig.axes[0].get_ylim()
    assert high / low < 1e10  # what is near nothing does not flatten the rest


def test_distances_begin_at_1():
    with pytest.raises(ValueError, match="a distance is 0; allowed are 1 and more"):
        f.connectivity([0, 1], {"a": [1, 1]})
    with pytest.raises(ValueError, match=r"a: shapes \(2,\) and \(1,\)"):
        f.connectivity([1, 2], {"a": [1]})


# ------------------------------------------------------------------------------------- effects


def test_each_change_is_a_point_with_its_interval_and_what_was_before():
    fig = EVERY["effects"]()
    ax = fig.axes[0]
    points = [one.get_xdata()[0] for one in ax.get_lines() if one.get_marker() == "o"]
    assert points == [0.4, 0.8, 0.1]
    spans = [tuple(one.get_xdata()) for one in ax.get_lines() if one.get_color() == f.MODEL]
    assert {(0.3, 0.5), (0.7, 0.9), (0.1, 0.12)} <= set(spans)
    before = [tuple(one.get_xdata()) for one in ax.get_lines() if one.get_color() == f.PINK]
    assert before.count((0.1, 0.1)) == 2
    said = texts(fig)
    assert said.count("a $ or") == said.count("line end") == 1
    assert said.count("10%") == 3 and {"40%", "80%", "changed", "unchanged"} <= set(said)


def test_changes_without_a_reference_have_no_name_for_it():
    said = texts(f.effects([{"title": "a", "value": 0, "low": 0, "high": 0}]))
    assert "changed" in said and "unchanged" not in said


def test_an_interval_holds_its_value_and_no_change_is_said_to_be_none():
    for value in (0.5, np.nan):
        with pytest.raises(ValueError, match="low <= value <= high"):
            f.effects([{"title": "a", "value": value, "low": 0.6, "high": 0.7}])
    assert "nothing was changed" in texts(f.effects([]))
