"""C: comments, strings, brackets and the rest: examples, and a slow reader beside them."""

import numpy as np
import pytest
from rules_marked import check
from test_rules_bank import scramble

from charrnn.rules import labels


def test_inside_comment():
    check("inside_comment", r"""
        a /* b */ c // d¶e
        ...#####.....###..

        /*/ a */ b /**/ c
        .######.....##...

        "/*" /* " */ '"' // "
        ......#####.......###

        // a\¶b¶c /* d
        .######.......
        """)  # fmt: skip


def test_inside_string():
    check("inside_string", r"""
        a = "b" + "c\"d";
        ....##....#####..

        '"' "a" /* "b" */ "c"
        ....##............##.

        "a¶"b" // "c"¶"d"
        ...##.........##.

        "a\¶b" "" x"
        #####..#....

        don't "say" can't
        ......####.......
        """)  # fmt: skip


def test_bracket_depth():
    check("bracket_depth", """
        f(a[1], (b)) { }
        0112211122100110

        f(")", '(' /* ) */)
        0111111111111111110

        a) b (c
        0000000

        (a [b) c]
        111110000

        { ( } )
        1111000
        """)  # fmt: skip
    check("bracket_depth", "{}}{\n1000")


def test_a_brace_in_column_0_ends_what_both_branches_of_a_condition_opened():
    branches = "f()\n{\n#if A\n\tif (a) {\n#else\n\tif (b) {\n#endif\n\t}\n}\n"
    found = labels("bracket_depth", f"{branches}g()\n{{\n\tx;\n}}\n")
    text = np.array(list(branches))
    assert found[: len(text)][text == "#"].tolist() == [1, 1, 2]
    assert found[len(text) - 1] == 0 and found[-6] == 1 and found[-1] == 0


def test_a_brace_in_column_0_leaves_what_stands_around_its_item():
    text = 'extern "C" {\nf()\n{\n}\n}\n'
    assert labels("bracket_depth", text)[-4:].tolist() == [1, 1, 0, 0]


def test_expression_depth():
    check("expression_depth", """
        f(a[1], (b)) { (c }
        0111111122100000000

        ((a) b
        011000
        """)  # fmt: skip


def read_code(text):
    """Whether each character is code, in a state machine; for texts that leave nothing open."""
    state, place, code = "code", 0, [True] * len(text)
    while place < len(text):
        step, two = 1, text[place : place + 2]
        if state == "code":
            state = {"/*": "comment", "//": "line"}.get(two) or {'"': '"', "'": "'"}.get(
                two[0], state
            )
            step = 2 if state in ("comment", "line") else 1
        elif state == "comment":
            state, step = ("code", 2) if two == "*/" else (state, 1)
        elif state == "line":
            state = "code" if two[0] == "\n" else state
        elif two[0] == "\\":
            step = 2
        elif two[0] == state:
            state = "code"
        for i in range(place, min(place + step, len(text))):
            code[i] = state == "code"
        place += step
    return code


def read_depth(text, code):
    """How many brackets are open, of those that have a partner, found from each one anew."""
    partners, kinds = {}, {"(": ")", "[": "]", "{": "}"}
    taken = set()
    for place, sign in enumerate(text):
        if not code[place] or sign not in kinds.values():
            continue
        for before in range(place - 1, -1, -1):
            if code[before] and before not in taken and kinds.get(text[before]) == sign:
                taken.update(range(before, place))
                partners[before] = place
                break
    return [sum(a <= i < b for a, b in partners.items()) for i in range(len(text))]


@pytest.mark.parametrize("seed", range(120))
def test_brackets_as_a_reader_follows_them(seed):
    pieces = (
        *"(((])[}){",
        " (",
        "a",
        "/* ( */",
        "// }\n ",
        '"}("',
        '"\\")"',
        "'('",
        "'\\''",
        "\n ",
    )
    text = " " + scramble(seed, pieces)
    code = read_code(text)
    assert labels("bracket_depth", text).tolist() == read_depth(text, code)
    strings = "".join(np.array(list(text))[labels("inside_string", text)])
    assert strings.count('"') == text.count('"}("') + text.count('"\\")"') * 2


def test_inside_if_condition():
    check("inside_if_condition", """
        if (a && (b)) c(d);
        ...#########.......

        else if(a) xif (b)
        .......##.........

        #if (a)¶if¶(b) /* if (c) */
        ...........##..............

        if (")") while (a) if (b
        ...####.................
        """)  # fmt: skip


def test_inside_preprocessor():
    check("inside_preprocessor", r"""
        #if A¶b¶→# endif¶c # d
        #####....#######......

        #define a \¶b \¶c¶d
        #################..

        /*¶#a¶*/¶#b /* c
        .........#######
        """)  # fmt: skip


def test_texts_that_open_and_never_close_take_no_longer():
    for text in ("(" * 20_000 + "]" * 20_000, "{" * 20_000 + "\n}" * 20_000, "/*" * 20_000):
        assert len(labels("bracket_depth", text)) == len(text)
