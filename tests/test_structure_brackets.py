"""Brackets closed by their own kind, inside the unit of text that they were opened in."""

import re
import time

import pytest

from charrnn.structure.brackets import (
    LINE,
    PARAGRAPH,
    borders,
    brackets,
    closed,
    closing_right,
    nest_brackets,
    nest_within,
)
from charrnn.structure.nesting import by_distance
from charrnn.structure.shares import Share


def judged(text, kinds=("()", "[]", "{}"), border=LINE):
    """Closed openings and right closing brackets."""
    found = nest_brackets(text, kinds, border)
    return closed(found), closing_right(found)


def test_marks_by_hand():
    found = [(m.start, m.end, m.name, m.opens) for m in brackets("a[(b]}")]
    assert found == [(1, 2, "[]", True), (2, 3, "()", True), (4, 5, "[]", False),
                     (5, 6, "{}", False)]  # fmt: skip
    assert [m.name for m in brackets("([{", ["{}"])] == ["{}"]
    assert brackets("([{", []) == [] == brackets("no brackets")


@pytest.mark.parametrize(
    ("text", "openings", "closings"),
    [
        ("", Share(0, 0), Share(0, 0)),
        ("nothing here\nat all\n", Share(0, 0), Share(0, 0)),
        ("\n(a [b] {c})\n", Share(3, 3), Share(3, 3)),
        ("\n(a\n", Share(0, 1), Share(0, 0)),  # left open by the end of its line
        ("\na)\n", Share(0, 0), Share(0, 1)),  # nothing to close
        ("\n(a]\n", Share(0, 1), Share(0, 1)),  # closed by the wrong kind
        ("\n(a [b)\n", Share(1, 2), Share(0, 1)),  # right name, but [ was left open inside
        ("\n(a\nb)\n", Share(0, 1), Share(0, 1)),  # no bracket reaches over a line end
        ("\n((a)\n", Share(1, 2), Share(1, 1)),
        ("\n(a))\n", Share(1, 1), Share(1, 2)),
    ],
)
def test_one_line_by_hand(text, openings, closings):
    assert judged(text) == (openings, closings)


def test_what_a_cut_may_have_done_is_no_mistake():
    whole = "\n(a [b] c)\n\n(d (e) f)\n"
    assert judged(whole) == (Share(4, 4), Share(4, 4))
    for start in range(len(whole)):
        for end in range(start, len(whole) + 1):
            openings, closings = judged(whole[start:end])
            assert openings.hits == openings.total and closings.hits == closings.total


def test_a_paragraph_may_hold_several_lines():
    text = "x\n\n(a\nb)\n \n(c\n\nd"
    assert judged(text, border=PARAGRAPH) == (Share(1, 2), Share(1, 1))
    assert judged(text) == (Share(0, 2), Share(0, 1))


def test_only_the_kinds_asked_for_are_looked_at():
    assert judged("\n(a [b)\n", ["()"]) == (Share(1, 1), Share(1, 1))
    assert judged("\n(a [b)\n", ["[]"]) == (Share(0, 1), Share(0, 0))


def test_distance_of_what_was_left_open_is_to_the_end_of_its_line():
    found = nest_brackets("\n(123) (1234567\n(12345678901", ["()"])
    # The last one waits in a line that the text cuts off: it is not judged.
    assert by_distance(found, [0, 5, 10]) == [Share(1, 1), Share(0, 1)]


def test_units_without_a_mark_are_left_out_and_borders_are_where_they_match():
    assert borders("a--b--c", re.compile("--")) == [1, 4]
    assert nest_within([], [1, 4]) == []
    assert len(nest_within(brackets("()\n\n()"), [2, 3])) == 2


@pytest.mark.parametrize("text", ["(" * 100_000, ")" * 100_000, "([{" * 30_000, "\n" * 100_000])
def test_hostile_texts_take_no_longer_than_others(text):
    start = time.process_time()
    nest_brackets(text)
    assert time.process_time() - start < 10
