"""Figures of copying: curves and levels are drawn where they should be, for any number of texts."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from charrnn import figures as f


def curve(*values):
    numbers = zip((5, 10, 20), values, strict=True)
    return {str(n): {"value": v, "low": v - 0.01, "high": v + 0.01} for n, v in numbers}


NOTHING = {"5": None, "10": {"value": None, "low": 0.0, "high": 1.0}}
PANEL = {"T = 0.5": curve(0.0, 0.4, 0.8), "T = 1": curve(0.1, 0.6, 0.9)}
PANEL |= {"real text": curve(0.0, 0.5, 0.9)}


def words(fig):
    """Draws it, which is where layouts fail, and returns all of its words."""
    FigureCanvasAgg(fig).draw()
    found = [t.get_text() for ax in fig.axes for t in ax.texts]
    found += [t.get_text() for legend in fig.legends for t in legend.get_texts()]
    found += [ax.get_title(loc="left") for ax in fig.axes]
    return " | ".join(found)


@pytest.mark.parametrize("count", [1, 4, 9])
def test_a_panel_a_text_and_one_key(count):
    fig = f.novelty({f"text {i}": PANEL for i in range(count)})
    told = words(fig)
    assert all(told.count(name) == 1 for name in PANEL)
    panels = [ax for ax in fig.axes if ax.get_lines()]
    assert len(panels) == count and f"text {count - 1}" in told
    for line, values in zip(panels[-1].get_lines(), PANEL.values(), strict=True):
        np.testing.assert_allclose(line.get_xdata(), [5, 10, 20])
        np.testing.assert_allclose(line.get_ydata(), [v["value"] for v in values.values()])


def test_real_text_has_its_own_colour_and_dashes():
    *drawn, real = f.novelty({"plays": PANEL}).axes[0].get_lines()
    assert real.get_color() == f.REAL and real.get_linestyle() == "--"
    assert len({str(line.get_color()) for line in drawn}) == 2


def test_a_text_of_which_nothing_was_measured_is_left_out():
    fig = f.novelty({"plays": PANEL, "names": PANEL | {"real text": NOTHING}})
    assert "names" not in words(fig) and "plays" in words(fig)
    empty = {"plays": PANEL | {"real text": NOTHING}}
    assert "too little text" in words(f.novelty(empty))
    assert "too little text" in words(f.novelty({}))


def test_panels_with_other_curves_are_refused():
    with pytest.raises(ValueError, match="names: curves real text; the first has"):
        f.novelty({"plays": PANEL, "names": {"real text": PANEL["real text"]}})


@pytest.mark.parametrize("count", [1, 5])
def test_longest_runs_and_the_levels_of_real_text(count):
    rows = {"temperature": np.array([0.5, 1.0]), "median": np.array([0.0, 30.0]),
            "max": np.array([90.0, 40.0]), "real_median": 35.0, "real_max": 300.0}  # fmt: skip
    fig = f.longest_copies({f"text {i}": rows for i in range(count)})
    assert "real text, longest" in words(fig)
    panels = [ax for ax in fig.axes if ax.get_lines()]
    assert len(panels) == count
    drawn = [line.get_ydata() for line in panels[0].get_lines()]
    np.testing.assert_allclose(drawn, [[1, 30], [90, 40], [35, 35], [300, 300]])
    assert "nothing was measured" in words(f.longest_copies({}))
