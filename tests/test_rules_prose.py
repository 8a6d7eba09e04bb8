"""Quotations, parentheses, sentences, words, numbers: examples, and slow readers beside them."""

import re

import numpy as np
import pytest
from rules_marked import check
from test_rules_bank import scramble

from charrnn.rules import labels


def test_inside_quotes():
    check("inside_quotes", """
        he said "no" and "yes"
        ........###......####.

        “no” and “so “it” is”
        ###......#######.....

        a &quot;b&quot; c
        .......#######...

        "open¶¶"shut"
        #####..#####.

        "open¶¶shut" no
        ...............

        "one" "two¶¶three
        ####.............

        “one¶¶“two”
        ####..####.

        &quot;a¶&quot;b&quot;
        .....##......#######.

        "a¶b" c"
        ####....

        7" high, "so" on
        .........###....

        "lost and "found" so
        ################....

        "
        .
        """)  # fmt: skip


def test_a_quotation_of_three_paragraphs():
    text = '"One.\n\n"Two.\n \n"Three." Four.\n'
    found = labels("inside_quotes", text)
    assert "".join(np.array(list(text))[found]) == '"One."Two."Three.'


def read_quotes(paragraph):
    """A straight quote opens if none is open and closes if one is, character by character."""
    inside, opened, found = False, 0, []
    for place, character in enumerate(paragraph):
        if character == '"':
            inside, opened = not inside, place if not inside else opened
        found.append(inside)
    return found[:opened] + [False] * (len(found) - opened) if inside else found


@pytest.mark.parametrize("seed", range(100))
def test_straight_quotes_as_a_reader_takes_turns(seed):
    text = scramble(seed, ("-", '"', "\n", "(", "-\n\n-"))
    parts = re.split(r"(\n[ \t]*\n\s*)", text)
    expected = []
    for number, part in enumerate(parts):
        after = parts[number + 2] if number + 2 < len(parts) else ""
        if number % 2:
            expected += [False] * len(part)
        elif after.startswith('"'):  # what is open goes on there
            closed = read_quotes(part + '"')[: len(part)]
            expected += closed if part.count('"') % 2 else read_quotes(part)
        else:
            expected += read_quotes(part)
    assert labels("inside_quotes", text).tolist() == expected


def test_inside_parentheses():
    check("inside_parentheses", """
        a (b) c
        ..##...

        a (b (c) d) e
        ..########...

        a (b (c) d
        .....##...

        a) b (c
        .......

        (a¶b) c
        ####...

        (a¶¶b) c
        ........

        1) a (b) 2)
        .....##....
        """)  # fmt: skip
    check("inside_parentheses", "()\n#.")


def test_after_full_stop():
    check("after_full_stop", """
        It is. So it is.
        .....##........#

        No?! Yes... So
        ..###...####..

        "No." She left.¶¶A
        ...###........###.

        (No.) So 3.14, a.b
        ...###............

        x.&quot; Y
        .########.

        Mr. Ames
        ..##....
        """)  # fmt: skip
    assert labels("after_full_stop", "a.\u201d\u2019 b").tolist() == [False, *[True] * 4, False]


def test_capitalised_word():
    check("capitalised_word", """
        Ann met O'Neil, and McAdam's
        ###.....######......########

        iPod Éric it's A 'Tis
        .....####......#..###

        A-b B2b
        #...#..
        """)  # fmt: skip


def test_word_length():
    check("word_length", """
        an ant's 'a' x_y a1b
        12.12334..1..1.1.1.1

        é
        1
        """)  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_word_length_as_a_reader_counts(seed):
    text, count, expected = scramble(seed), 0, []
    for place, character in enumerate(text):
        between = character in "'\u2019" and count and text[place + 1 : place + 2].isalpha()
        count = count + 1 if character.isalpha() else count if between else 0
        expected.append(count or np.nan)
    np.testing.assert_array_equal(labels("word_length", text), expected)


def test_inside_number():
    check("inside_number", """
        in 1,024.50, or x86. 3
        ...########......##..#

        1..2 .5 6,
        #..#..#.#.
        """)  # fmt: skip
