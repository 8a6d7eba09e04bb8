r"""LaTeX: what stands in an environment and in a formula."""

import pytest
from rules_marked import check
from test_rules_bank import scramble

from charrnn.rules import labels


def test_inside_environment():
    check("inside_environment", r"""
        a \begin{b} c \end{b} d
        ..........##########...

        \begin{document}\begin{b}\end{b}\end{document}
        ........................#######...............

        \begin{b}\begin{c} \end{c}\end{b}
        ........########################.

        \begin{b} c \end{d} \begin{b}
        .............................

        % \begin{b}¶\end{b}
        ...................
        """)  # fmt: skip


def test_inside_math():
    check("inside_math", r"""
        a $b$ c $$d$$ e
        ..##.....###...

        \(a\) \[b $ \] \[c
        .###...######.....

        $a\$b$ \$c$d$
        #####.....##.

        $a$ $b¶¶c$ d$
        ##.......###.

        $a¶b$ $ c
        ####.....

        \begin{align*}a\\&b\end{align*}c
        .............#################..

        \begin{lemma}$a$\end{lemma}
        .............##............

        $a\text{ if $b$ or }c$ d
        #####################...

        % $a¶$b$ 5\% $c$
        .....##......##.

        $a %$¶b$ \verb|$| $c$
        #######...........##.

        \begin{verbatim}$\end{verbatim}$a$
        ...............................##.

        $$a¶¶$b$
        .....##.
        """)  # fmt: skip


def test_a_line_break_before_a_formula():
    check("inside_math", r"""
        \\$a$ \\[b] $$c$$
        ..##.........###.
        """)  # fmt: skip


def test_an_open_display_opens_nothing():
    assert not labels("inside_math", r"\begin{equation} a \end{align} \[ b").any()
    assert not labels("inside_math", "$$ a\n\n$").any()


def read_dollars(text):
    """Whether each character is in $ $, for a text of dollars, escapes and words on one line."""
    inside, opened, found, escaped = False, 0, [], False
    for place, character in enumerate(text):
        if character == "$" and not escaped:
            inside, opened = not inside, place if not inside else opened
        escaped = character == "\\" and not escaped
        found.append(inside)
    return found[:opened] + [False] * (len(found) - opened) if inside else found


@pytest.mark.parametrize("seed", range(60))
def test_dollars_as_a_reader_takes_turns(seed):
    text = scramble(seed, ("$ ", "a", "\\$", "\\\\", "\\a ", "{", "}"))
    assert labels("inside_math", text).tolist() == read_dollars(text)
