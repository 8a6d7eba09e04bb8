"""Figures of losses: every value is written, colours go by kind, what can't be drawn is refused."""

import pytest
from matplotlib.colors import to_hex

from charrnn import figures

LOSSES = {1: 3.2, 2: 2.6, 3: 2.2, 4: 2.3}


def texts(fig):
    return [t.get_text() for ax in fig.axes for t in ax.texts]


class TestByOrder:
    def test_the_best_order_is_named(self):
        panel = {"curves": {"n-gram": LOSSES}, "levels": {"network": 1.9}}
        fig = figures.by_order({"a text": panel})
        assert "n-gram: 2.200 with 3" in texts(fig)
        assert "network: 1.900" in texts(fig)
        assert fig.axes[0].get_title(loc="left") == "a text"

    def test_a_panel_a_text(self):
        panel = {"curves": {"n-gram": LOSSES}, "levels": {}}
        assert len(figures.by_order({"a": panel, "b": panel}).axes) == 2

    def test_a_loss_that_is_none(self):
        panel = {"curves": {"n-gram": {1: 3.0, 2: float("nan")}}, "levels": {}}
        with pytest.raises(ValueError, match="a text, n-gram: a loss is not finite"):
            figures.by_order({"a text": panel})

    def test_nothing_counted(self):
        assert "no n-gram was counted" in texts(figures.by_order({}))


class TestLadder:
    ROWS = (
        {"name": "gzip -9", "value": 3.1, "kind": "compressor"},
        {"name": "xz", "value": 2.4, "kind": "compressor"},
        {"name": "network", "value": 1.7, "low": 1.6, "high": 1.8, "kind": "network"},
    )

    def test_the_highest_loss_stands_first(self):
        fig = figures.ladder(self.ROWS[::-1])
        names = [label.get_text() for label in fig.axes[0].get_yticklabels()]
        assert names == ["gzip -9", "xz", "network"]
        assert {"3.100", "2.400", "1.700"} <= set(texts(fig))
        assert fig.axes[0].get_ylim()[0] > fig.axes[0].get_ylim()[1], "the first row is on top"

    def test_a_kind_has_one_colour(self):
        labels = figures.ladder(self.ROWS).axes[0].get_yticklabels()
        first, second, third = (to_hex(label.get_color()) for label in labels)
        assert first == second != third

    def test_what_cannot_be_drawn(self):
        with pytest.raises(ValueError, match=r"x: 2.0 to 3.0 does not hold 1.0"):
            figures.ladder([{"name": "x", "value": 1.0, "low": 2.0, "high": 3.0, "kind": "k"}])
        rows = [{"name": str(i), "value": i, "kind": i} for i in range(5)]
        with pytest.raises(ValueError, match="5 kinds of rows; at most 4"):
            figures.ladder(rows)
        assert "nothing was measured" in texts(figures.ladder([]))


class TestClosing:
    def found(self, count=(10, 0, 5)):
        share = {"value": 0.5, "low": 0.3, "high": 0.7}
        none = {"value": None, "low": 0.0, "high": 1.0}
        likely = [share if n else none for n in count]
        distance = [4.0 if n else None for n in count]
        return {"kind": "braces", "count": count, "distance": distance,
                "network": {"likely": likely}, "9-gram": {"likely": likely}}  # fmt: skip

    def test_both_sides_are_named_and_empty_bins_left_out(self):
        fig = figures.closing({"Linux": self.found()})
        assert {"network", "9-gram", "10", "5"} <= set(texts(fig))
        assert "0" not in texts(fig)

    def test_no_mark_at_all(self):
        shown = texts(figures.closing({"Linux": self.found((0, 0, 0))}))
        assert "no closing mark in the held-out text" in shown
