"""Figures of LaTeX: they draw what is given, and say so where there is nothing."""

import pytest

from charrnn import figures
from charrnn.figures.latex import SERIES

TEXTS = "too few environments"


def share(value, margin=0.05):
    return {"value": value, "low": value - margin, "high": value + margin, "total": 9}


REAL = {"0": share(1.0, 0), "100": share(1.0, 0), "200": share(1.0, 0)}


def texts(fig):
    return [t.get_text() for t in fig.findobj(lambda x: hasattr(x, "get_text"))]


def test_closed_by_distance():
    ours = {"0": share(0.9), "100": None, "200": share(0.5)}
    fig = figures.closed_by_distance({"T = 0.8": ours}, REAL, "closed")
    assert {"0–100", "100–200", "200 or more", "T = 0.8", "real text"} <= set(texts(fig))
    [ax] = fig.axes
    assert sorted(len(line.get_xdata()) for line in ax.lines) == [2, 3]
    guessed = figures.closed_by_distance({"T = 0.8": ours}, REAL, "closed", guess=0.3)
    assert "guessing" in texts(guessed)
    assert [0.3, 0.3] in [list(line.get_ydata()) for line in guessed.axes[0].lines]
    assert figures.png(fig).startswith(b"\x89PNG")


def test_nothing_closed_is_said_so():
    fig = figures.closed_by_distance({"T = 0.8": dict.fromkeys(REAL)}, REAL, "closed")
    assert any(TEXTS in t for t in texts(fig))
    with pytest.raises(ValueError, match="one figure holds"):
        figures.closed_by_distance(dict.fromkeys("abcdefgh"[: len(SERIES) + 1], REAL), REAL, "")


def test_edits_by_reason():
    rows = {
        "T = 0.5": {"reasons": {"dollar": 4}, "characters": 1000},
        "T = 0.8": {"reasons": {"dollar": 2, "arrow": 8}, "characters": 2000},
    }
    fig = figures.edits_by_reason(rows)
    [ax] = fig.axes
    assert [t.get_text() for t in ax.get_yticklabels()] == ["dollars", "arrows to nowhere"]
    assert sorted(p.get_width() for p in ax.patches) == [0, 1, 4, 4]
    assert figures.png(fig).startswith(b"\x89PNG")


def test_no_edits_is_said_so():
    for rows in (
        {},
        {"a": {"reasons": {}, "characters": 0}},
        {"a": {"reasons": {}, "characters": 9}},
    ):
        assert any("no text" in t for t in texts(figures.edits_by_reason(rows)))
    with pytest.raises(ValueError, match="holds three"):
        figures.edits_by_reason({n: {"reasons": {}, "characters": 1} for n in "abcd"})


def test_a_page_is_html_with_its_text_escaped(tmp_path):
    (tmp_path / "page.png").write_bytes(b"picture")
    shown = figures.typeset_page(tmp_path / "page.png", 'a "page"', "caption & all").data
    assert 'alt="a &quot;page&quot;"' in shown and "caption &amp; all" in shown
    assert "cGljdHVyZQ==" in shown and "<figure" in shown
    with pytest.raises(ValueError, match="alt is empty"):
        figures.typeset_page(tmp_path / "page.png", " ")
    with pytest.raises(FileNotFoundError):
        figures.typeset_page(tmp_path / "none.png", "a page")
