"""Figures of markup: what they are given is drawn, and too little is said to be."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from charrnn import figures as f


def share(value):
    return {"value": value, "low": value - 0.02, "high": min(1, value + 0.02)}


def words(fig):
    """Draws it, which is where layouts fail, and returns all of its words."""
    FigureCanvasAgg(fig).draw()
    found = [t.get_text() for ax in fig.axes for t in ax.texts]
    for ax in fig.axes:
        found += [t.get_text() for t in (ax.get_legend().get_texts() if ax.get_legend() else [])]
        found += [getattr(ax, f"_{side}_title").get_text() for side in ("left", "right")]
    return " | ".join(found)


EDGES = (0, 10, 100, 1000)
OURS, REAL = [share(0.9), share(0.5), None], [share(1.0), share(1.0), share(0.99)]


def test_two_curves_a_panel_at_the_middles_of_their_bins():
    fig = f.kept_by_distance({"links": (OURS, REAL), "brackets": (REAL, REAL)}, EDGES)
    told = words(fig)
    assert all(w in told for w in ("links", "brackets", "model", "real text"))
    real, model = [line.get_xydata() for line in fig.axes[0].get_lines()]
    np.testing.assert_allclose(model[:, 1], [0.9, 0.5])
    np.testing.assert_allclose(model[:, 0], [30**0.5, 1000**0.5])
    np.testing.assert_allclose(real[:, 1], [1.0, 1.0, 0.99])


def test_a_panel_without_anything_is_left_out():
    nothing = [None] * 3
    fig = f.kept_by_distance({"links": (nothing, REAL), "brackets": (OURS, REAL)}, EDGES)
    assert "links" not in words(fig) and len(fig.axes) == 1
    assert "too little text" in words(f.kept_by_distance({"links": (nothing, REAL)}, EDGES))
    assert "too little text" in words(f.kept_by_distance({}, EDGES))
    with pytest.raises(ValueError, match="links: bins do not fit the 2 of edges"):
        f.kept_by_distance({"links": (OURS, REAL)}, EDGES[:-1])


LAYERS = [
    {"layer": "prose", "share": 0.75, "bits": 2.0},
    {"layer": "]] of a link", "share": 0.25, "bits": 0.4},
    {"layer": "all", "share": 1.0, "bits": 1.6},
]


def test_layers_are_bars_the_dearest_first_and_a_line_for_the_whole():
    fig = f.layer_costs(LAYERS[::-1])
    told = words(fig)
    assert told.index("prose") < told.index("]] of a link")
    assert all(w in told for w in ("2.00 bits", "0.40 bits", "75.0%", "all: 1.60"))
    assert [bar.get_width() for bar in fig.axes[0].patches] == [2.0, 0.4]
    assert "too little text" in words(f.layer_costs([]))


def test_shares_by_temperature_with_real_texts_level():
    rows = {
        "0.5": {"a": share(0.9), "b": None},
        "1.0": {"a": share(0.7), "b": None},
        "held_out": {"a": share(0.95), "b": share(1.0)},
    }
    fig = f.shares_by_temperature(rows, {"brackets": "a", "quotes": "b"})
    assert len(fig.axes) == 1 and "real text" in words(fig)
    np.testing.assert_allclose(fig.axes[0].get_lines()[0].get_xydata(), [[0.5, 0.9], [1.0, 0.7]])
    assert "too little text" in words(f.shares_by_temperature(rows, {"quotes": "b"}))
    rows["held_out"]["a"] = None
    assert "real text" not in words(f.shares_by_temperature(rows, {"brackets": "a"}))
