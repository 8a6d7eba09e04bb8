"""Places in a line, indentation, and the names of those who speak."""

import numpy as np
import pytest
from rules_marked import check
from test_rules_bank import scramble

from charrnn.rules import labels


def test_position_in_line():
    check("position_in_line", """
        ab¶c¶¶de
        12010012

        ¶a
        01
        """)  # fmt: skip


def test_line_ends_next():
    check("line_ends_next", """
        ab¶c¶¶de
        .#.##...

        ¶
        .

        ¶¶
        #.
        """)  # fmt: skip


def test_indentation():
    check("indentation", """
        a→b¶→→c→d¶e¶¶→
        00001222200001
        """)  # fmt: skip
    eights = 2 * "        "
    found = labels("indentation", eights + "x\n\t     \t   y")
    assert found.tolist() == [0] * 7 + [1] * 8 + [2, 2, 0] + [1] * 6 + [2] * 3 + [3] * 2


@pytest.mark.parametrize("seed", range(40))
def test_indentation_as_a_reader_counts(seed):
    text = scramble(seed, ("\t", "\t", "    ", " ", "a", "\n"))
    expected, lead, leading = [], "", True
    for character in text:
        if character == "\n":
            lead, leading = "", True
        leading = leading and character in "\t \n"
        lead += character if leading else ""
        expected.append(lead.count("\t") + lead.count(" ") // 8)
    assert labels("indentation", text).tolist() == expected


def test_speaker_name():
    check("speaker_name", """
        First Citizen:¶Speak.¶¶ALL:¶So:¶No
        #############..........###........

        Ann:¶Hark¶¶ ¶Bob and Cid:
        ###..........###########.

        a man:¶He: said¶¶Ann: no
        ........................

        ¶¶¶Ann:¶¶Bob:
        ...###...###.
        """)  # fmt: skip


def test_types_of_a_graded_and_of_a_plain_rule():
    assert labels("position_in_line", "a").dtype == np.float32
    assert labels("line_ends_next", "a").dtype == bool
