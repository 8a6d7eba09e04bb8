"""A page of source with marks on it."""

import matplotlib
import pytest
from matplotlib.patches import Rectangle

from charrnn import figures
from charrnn.figures.source import COLUMNS, LINES, _layout

TEXT = "int f(void)\n{\n\treturn x;\n}\n"


def grounds(fig):
    boxes = [p for p in fig.axes[0].patches if isinstance(p, Rectangle)]
    return [(b.get_x(), b.get_y(), b.get_width()) for b in boxes]


def test_marks_lie_under_their_characters():
    start = TEXT.index("x")
    fig = figures.marked_source(TEXT, [(start, start + 1, "undeclared"), (0, 16, "copied")])
    # Copied ground first, a row at a time; then the x, behind a tab of 8 columns and "return ".
    assert grounds(fig) == [(0, 0, 11), (0, 1, 1), (0, 2, 9), (15, 2, 1)]
    assert [t.get_text() for t in fig.axes[0].texts][2] == " " * 8 + "return x;"


def test_letters_are_as_wide_as_columns():
    fig = figures.marked_source("m" * COLUMNS, [])
    fig.set_dpi(200)  # as the picture on a page
    fig.canvas.draw()
    text = fig.axes[0].texts[0]
    left, right = fig.axes[0].transData.transform([(0, 0), (COLUMNS, 0)])[:, 0]
    box = text.get_window_extent()
    assert box.x0 == pytest.approx(left, abs=3) and box.x1 == pytest.approx(right, abs=4)


def test_long_lines_are_broken_and_long_texts_end():
    places, rows = _layout("a" * (COLUMNS + 1) + "\nb")
    assert [len(row) for row in rows] == [COLUMNS, 1, 1]
    assert places[COLUMNS] == (1, 0, 1) and places[-1] == (2, 0, 1)
    places, rows = _layout("x\n" * 100)
    assert len(rows) == LINES and len(places) < 100
    figures.marked_source(
        "x\n" * 100, [(0, 150, "copied"), (180, 190, "unused"), (0, 199, "broken")]
    )


def test_a_broken_item_has_a_stroke_beside_it():
    fig = figures.marked_source(TEXT, [(0, len(TEXT), "broken")])
    (line,) = fig.axes[0].lines
    assert list(line.get_ydata()) == [0.05, 3.95]


def test_a_mark_of_no_known_kind_is_refused_and_an_empty_text_says_so():
    with pytest.raises(ValueError, match="mark of kind 'odd'; there are undeclared"):
        figures.marked_source(TEXT, [(0, 1, "odd")])
    assert figures.marked_source("", []).axes
    assert matplotlib.rcParams["font.size"] == matplotlib.rcParamsDefault["font.size"]


def test_costs_of_a_name_with_and_without_its_declaration():
    def band(values):
        return [{"value": v, "low": v - 1, "high": v + 1, "total": 9} for v in values]

    scope = {"lines": [0, 1, 8], "declared": band([3, 4, 9]), "another": band([20, 20, 21])}
    scope["saved"] = band([17, 16, 12])
    above, below = figures.name_costs(scope).axes
    assert [list(line.get_ydata()) for line in above.lines] == [[20, 20, 21], [3, 4, 9]]
    assert list(below.lines[0].get_ydata()) == [17, 16, 12]
    assert [t.get_text() for t in below.get_xticklabels()] == ["0", "1", "8"]
    assert below.get_ylim()[0] <= 0
    assert figures.name_costs(None).axes  # says why there is nothing
