"""Double quotes in pairs: straight ones take turns, typographic ones say what they do."""

import time

import pytest

from charrnn.structure.brackets import PARAGRAPH, closed, closing_right
from charrnn.structure.nesting import by_distance
from charrnn.structure.quotes import nest_quotes, placed, quotes
from charrnn.structure.shares import Share


def judged(text, **options):
    found = nest_quotes(text, **options)
    return closed(found), closing_right(found)


@pytest.mark.parametrize(
    ("text", "openings", "closings"),
    [
        ("", Share(0, 0), Share(0, 0)),
        ("no quotes\nat all", Share(0, 0), Share(0, 0)),
        ('\n"a" and "b"\n', Share(2, 2), Share(2, 2)),
        ('\n"a" and "b\n', Share(1, 2), Share(1, 1)),
        ("\n&quot;a&quot; and &quot;b\n", Share(1, 2), Share(1, 1)),
        ('\n&quot;a"\n', Share(1, 1), Share(1, 1)),  # the same sign, escaped or not
        ("\n\u201ca\u201d \u201cb\n", Share(1, 2), Share(1, 1)),
        ("\na\u201d\n", Share(0, 0), Share(0, 1)),
        ('\n\u201ca"\n', Share(0, 2), Share(0, 0)),  # “ and " don't close each other
        ("\n'a' don't\n", Share(0, 0), Share(0, 0)),  # single quotes are not looked at
        ('\n"a\nb"\n', Share(0, 2), Share(0, 0)),  # each line begins anew
    ],
)
def test_one_line_by_hand(text, openings, closings):
    assert judged(text) == (openings, closings)


def test_straight_quotes_of_a_first_line_and_open_ones_of_a_last_are_not_judged():
    assert quotes('a" and "b"') == []
    assert judged('a" and "b"\n') == (Share(0, 0), Share(0, 0))
    assert judged('a" and\n"b" "c') == (Share(1, 1), Share(1, 1))
    assert judged("a\u201d and \u201cb\u201d\n") == (Share(1, 1), Share(1, 1))


def test_what_a_cut_may_have_done_is_no_mistake():
    whole = '\n"a" \u201cb\u201d\n\n"c" &quot;d&quot;\n'
    for start in range(len(whole)):
        for end in range(start, len(whole) + 1):
            openings, closings = judged(whole[start:end])
            assert openings.hits == openings.total and closings.hits == closings.total


def test_a_quotation_over_two_lines_of_a_paragraph():
    text = 'x\n\n"a\nb"\n\ny'
    assert judged(text, border=PARAGRAPH) == (Share(1, 1), Share(1, 1))


def test_distances():
    found = nest_quotes('\n"123" "1234567\n')
    assert by_distance(found, [0, 5, 10]) == [Share(1, 1), Share(0, 1)]


@pytest.mark.parametrize(
    ("line", "share"),
    [
        ('he said "no" and left', Share(2, 2)),
        ('("no")', Share(2, 2)),
        ('&lt;ref name=&quot;x&quot;&gt;', Share(2, 2)),
        ('he said" no" and', Share(1, 2)),  # d" should not open
        ('he said " no" and', Share(1, 2)),
        ('he said "no"and', Share(1, 2)),
        ('it is 7" long and "so" on', Share(0, 3)),  # an inch puts all that follows out of step
        ("none", Share(0, 0)),
    ],
)  # fmt: skip
def test_quotes_stand_on_the_side_that_their_turn_asks_for(line, share):
    assert placed(f"\n{line}\n") == share


def test_the_ends_of_a_text_decide_nothing_about_places():
    assert placed('\nx "a" "') == Share(2, 2)
    assert placed('"a" "b"\n') == Share(0, 0)


@pytest.mark.parametrize("text", ['\n"' * 20_000, "\n" + '"' * 40_000, "&quot;" * 20_000])
def test_hostile_texts_take_no_longer_than_others(text):
    start = time.process_time()
    nest_quotes(text), placed(text)
    assert time.process_time() - start < 10
