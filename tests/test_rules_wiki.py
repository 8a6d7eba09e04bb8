"""Web addresses, links, templates and tags of wiki text."""

import numpy as np
from rules_marked import check

from charrnn.rules import labels


def test_inside_url():
    check("inside_url", """
        see http://a.example/x, or
        ..........############....

        [https://b.example/y(z) it]
        ........###############....

        (ftp://c.example/a_b).
        ......##############..

        http://a.example/?b=1&amp;c=2&quot; d
        ......#######################........

        go to www.a.example/b. Or not
        .........############........

        http://www.a.example
        ......##############

        http:// and www. and http
        .........................

        http://w.example/http://www.b.example c
        ......###############################..

        xwww.a.example a@www.b.example
        ..............................
        """)  # fmt: skip


def test_first_w():
    check("first_w", """
        http://www.a.example www.b.example
        .......#.............#............

        (www.a) http://www2.b xwww.c www d
        .#.............#..................

        /www/a ://www
        ..........#..
        """)  # fmt: skip


LINKS = """
    a [[b]] c [[d|e]]
    ...###.....#####.

    [[a [[b]] c]] d
    .###########...

    [[a [[b]] c
    .....###...

    [[a¶b]] c]]
    ...........

    [http://a [[b]]]
    ...........###..

    [a] ]] [[
    .........
"""


def test_inside_link():
    check("inside_link", LINKS)


def test_position_in_link():
    check("position_in_link", """
        a [[b]] c [[d|e]]
        ...012.....01234.

        [[[[b]]c]] [[d
        .01012567.....
        """)  # fmt: skip


def test_link_position_is_known_inside_links_only():
    text = "x [[ab [[c]] d]] y [[e"
    found, inside = labels("position_in_link", text), labels("inside_link", text)
    assert (found >= 0).tolist() == inside.tolist()


def test_link_position_is_counted_as_far_as_titles_go():
    found = labels("position_in_link", "[[" + "a" * 100 + "]]")
    assert np.nanmax(found) == 60
    assert np.isnan(found[62:]).all()


def test_inside_template():
    check("inside_template", """
        {{a|b={{c}}}} {d} {{e
        .###########.........

        {{a¶b}} {{{c}}} {{d
        .#####....###......

        {{a¶==b==¶c}}
        .............

        ¶{|¶{{c}}¶|}
        .....###....
        """)  # fmt: skip


def test_inside_tag():
    check("inside_tag", """
        <text a="b">c</text> d
        ###########..######...

        a < b > c <br /> &lt;i&gt;
        ..........#####...........

        <a <b> <!-- c --> <?d?>
        ...##..#########..####.
        """)  # fmt: skip
