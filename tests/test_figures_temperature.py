"""What the temperature divides, drawn: curves where they should be, and what is refused."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from charrnn.figures.temperature import divided

T = [0.0, 0.1, 1.0]


def rows(*values):
    return [v and {"value": v, "low": 0.9 * v, "high": 1.1 * v} for v in values]


SHARES = {
    "loops": {"logits": rows(0.9, 0.5, 0.1), "hidden": rows(0.8, 0.6, 0.1)},
    "misspelt": {"logits": rows(0.01, 0.02, 0.1), "hidden": rows(None, 0.02, 0.1)},
}
AWAY = {"Essays": rows(None, 0.05, 0.001), "Plays": rows(None, 0.02, None)}


def lines(ax):
    return [bar[0] for bar in ax.get_legend_handles_labels()[0]]


def names(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_panel_a_share_and_one_for_the_distances():
    fig = divided(T, SHARES, AWAY)
    FigureCanvasAgg(fig).draw()
    titles = [ax.get_title(loc="left") for ax in fig.axes]
    assert titles[:2] == ["loops", "misspelt"] and titles[2].startswith("KL divergence")
    assert names(fig.axes[0]) == ["logits", "hidden"] and names(fig.axes[2]) == ["Essays", "Plays"]
    logits, hidden = lines(fig.axes[0])
    np.testing.assert_allclose(logits.get_ydata(), [0.9, 0.5, 0.1])
    np.testing.assert_allclose(hidden.get_ydata(), [0.8, 0.6, 0.1])
    assert logits.get_color() != hidden.get_color()
    assert [label.get_text() for label in fig.axes[2].get_xticklabels()] == ["0", "0.1", "1"]


def test_the_two_ways_stand_side_by_side():
    logits, hidden = lines(divided(T, SHARES, AWAY).axes[0])
    apart = hidden.get_xdata() - logits.get_xdata()
    assert (apart > 0).all() and (apart < 0.3).all()


def test_what_is_not_known_is_left_out():
    fig = divided(T, SHARES, AWAY)
    assert len(lines(fig.axes[1])[1].get_ydata()) == 2
    essays, plays = lines(fig.axes[2])
    np.testing.assert_allclose(essays.get_ydata(), [0.05, 0.001])
    np.testing.assert_allclose(plays.get_xdata(), [1])


def test_a_distance_of_nothing_has_no_place_on_the_axis():
    away = {"Essays": [None, *rows(0.05), {"value": 0.0, "low": 0.0, "high": 0.0}]}
    [line] = lines(divided(T, SHARES, away).axes[2])
    np.testing.assert_allclose(line.get_ydata(), [0.05])


def test_what_cannot_be_drawn():
    with pytest.raises(ValueError, match="Essays: 2 points for 3 temperatures"):
        divided(T, SHARES, {"Essays": rows(0.1, 0.2)})
    many = {str(i): rows(0.1, 0.1, 0.1) for i in range(7)}
    with pytest.raises(ValueError, match="2 ways and 7 networks; there are looks for 2 ways and 6"):
        divided(T, SHARES, many)
    with pytest.raises(ValueError, match="3 ways"):
        divided(T, {"loops": {str(i): rows(0.1, 0.1, 0.1) for i in range(3)}}, AWAY)
    assert "nothing was drawn" in [t.get_text() for t in divided([], {}, {}).axes[0].texts]
