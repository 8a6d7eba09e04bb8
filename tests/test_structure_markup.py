"""Wiki markup on lines written for the purpose, and the layers of a dump."""

import time

import pytest

from charrnn.structure import markup
from charrnn.structure.brackets import closed, closing_right
from charrnn.structure.layers import LAYERS, layers
from charrnn.structure.markup import (
    Link,
    balanced_headings,
    block_marks,
    domain,
    emphasis,
    external,
    heading_steps,
    headings,
    host,
    languages,
    link_marks,
    links,
    list_lines,
    list_steps,
    nest_blocks,
    nest_links,
    page_name,
    plausible,
    urls,
)
from charrnn.structure.shares import Share

ARTICLE = """
'''Orrel Sound''' is a [[strait]] (a ''narrow'' one) of [[Verrany|the country]].

== Geography ==
{{Infobox
| name = {{lang|en|Orrel}}
}}
* one
** two
* [http://www.orrel.example.org/tides?id=3&amp;amp;x=4 Tide tables]
=== Islands ===
{| class=&quot;wikitable&quot;
| a
|}
[[Category:Straits]]
[[de:Orrelsund]]
"""


def test_an_article_is_all_right():
    for found in (nest_links(ARTICLE), nest_blocks(ARTICLE)):
        assert closed(found).value == closing_right(found).value == 1.0
    assert external(ARTICLE) == Share(1, 1)
    assert balanced_headings(ARTICLE) == Share(2, 2) and heading_steps(ARTICLE) == Share(1, 1)
    assert list_lines(ARTICLE) == Share(3, 14) and list_steps(ARTICLE) == Share(3, 3)
    assert emphasis(ARTICLE) == Share(1, 1)
    assert [plausible(url) for url in urls(ARTICLE)] == [True]


def test_what_a_cut_may_have_done_is_no_mistake():
    rules = (
        lambda t: closed(nest_links(t)), lambda t: closing_right(nest_links(t)),
        lambda t: closed(nest_blocks(t)), lambda t: closing_right(nest_blocks(t)),
        external, balanced_headings, heading_steps, list_steps, emphasis,
    )  # fmt: skip
    for start in range(0, len(ARTICLE), 9):
        for end in range(start, len(ARTICLE) + 1, 7):
            for rule in rules:
                found = rule(ARTICLE[start:end])
                assert found.hits == found.total, (ARTICLE[start:end], rule)


def test_texts_without_any_markup():
    for text in ("", "plain", "plain\nlines\nhere\n"):
        rules = (external, balanced_headings, heading_steps, list_steps, emphasis)
        assert [rule(text).total for rule in rules] == [0] * 5
        assert links(text) == urls(text) == headings(text) == languages(text) == []
        assert nest_links(text) == nest_blocks(text) == []
    assert list_lines("") == Share(0, 0)


@pytest.mark.parametrize(
    ("line", "openings", "closings"),
    [
        ("[[a]] [[b|c]]", Share(2, 2), Share(2, 2)),
        ("[[a [[b]]", Share(1, 2), Share(1, 1)),
        ("[[a", Share(0, 1), Share(0, 0)),
        ("a]]", Share(0, 0), Share(0, 1)),
        ("[a]", Share(0, 0), Share(0, 0)),  # single brackets are not links
        ("[http://x.example/ a [[b]]]", Share(1, 1), Share(1, 1)),
        ("[[Image:a.png|[[b]]]]", Share(2, 2), Share(2, 2)),
        ("[[[a]]", Share(1, 1), Share(1, 1)),
    ],
)
def test_links_are_closed_in_their_line(line, openings, closings):
    found = nest_links(f"\n{line}\n")
    assert (closed(found), closing_right(found)) == (openings, closings)


def test_marks_stand_at_the_inner_side_of_odd_runs():
    assert [m.start for m in link_marks("[[[a]]]")] == [1, 4]
    assert [(m.start, m.name, m.opens) for m in block_marks("{{{a}}}")] == [
        (1, "{{", True), (4, "{{", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "openings"),
    [
        ("{{a\n|b}}", Share(1, 1)),
        ("{{a\n== Next ==\n", Share(0, 1)),  # the section ends first
        ("{|\n| {{a}}\n|}", Share(2, 2)),
        ("{|\n| {{a\n|}\n", Share(1, 2)),  # the table's end leaves the template open
        ("{{a|}}", Share(1, 1)),
        ("x {| no table", Share(0, 0)),
        (":{|\n|}", Share(1, 1)),
        ("{{a}}}}", Share(1, 1)),
    ],
)
def test_templates_and_tables_are_closed_in_their_section(text, openings):
    assert closed(nest_blocks(f"\n== A ==\n{text}\n== B ==\n")) == openings


def test_links_have_targets_labels_and_kinds():
    text = "[[strait#North|the strait]] [[Category:Seas]] [[de:Sund]] [[Image:a.png|[[b]]]]"
    found = links(
        text
        + "[[File:c.png]] [[Wikipedia:Help]] [[zh-min-nan:X]] [[Star Trek: II]] [[:Category:A]]"
    )
    assert [x.kind for x in found] == [
        "article", "category", "language", "article", "file", "other", "language", "article",
        "article",
    ]  # fmt: skip
    assert found[0] == Link("strait#North", "the strait") and found[0].page == "Strait"
    assert found[3] == Link("b", None)
    assert links("[[a\nb]] [[]] [[a{b]] [[c") == []
    assert languages(text) == ["de"]


@pytest.mark.parametrize(
    ("target", "name"),
    [("orrel_sound", "Orrel sound"), (" Orrel  Sound ", "Orrel Sound"), ("a#b", "A"), ("", ""),
     (":Category:x", "Category:x"), ("élan", "Élan")],
)  # fmt: skip
def test_page_names(target, name):
    assert page_name(target) == name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see http://a.example/x, and", ["http://a.example/x"]),
        ("(http://a.example/x) and", ["http://a.example/x"]),
        ("http://a.example/x_(y) and", ["http://a.example/x_(y)"]),
        ("[https://a.example label]", ["https://a.example"]),
        ("http://a.example/?b=1&amp;c=2&quot; and", ["http://a.example/?b=1&amp;c=2"]),
        ("''http://a.example/''.", ["http://a.example/"]),
        ("|url=http://a.example/x|date", ["http://a.example/x"]),
        ("http://a.example/cut", []),  # it may go on
        ("http:// a xhttp://b.example c", []),
        ("http://... a", []),
        ("ftp://a.example/ HTTP://b.example ", ["ftp://a.example/"]),
        ("http://web.example/http://a.example/ b", ["http://web.example/http://a.example/"]),
    ],
)
def test_urls(text, found):
    assert urls(text) == found


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("http://www.a-b.example/x/y.html?q=1&amp;r=%20#z", True),
        ("http://192.0.2.44:8080/", True),
        ("http://a.museum", True),
        ("ftp://user@files.example.org/", True),
        ("http://localhost/", False),
        ("http://www..example/", False),
        ("http://-a.example/", False),
        ("http://a_b.example/", False),
        ("http://a.e/", False),
        ("http://a.b.192/", False),
        ("http://a.example:port/", False),
        ("http://a.example/%zz", False),
        ("http://a.example/\ufffd", False),
        ("http://a.example/a&lt;b", True),  # & and ; are allowed, whatever they mean
        ("http:///x", False),
        ("http://" + "a" * 64 + ".example/", False),
    ],
)
def test_the_form_of_a_web_address(url, form):
    assert plausible(url) == form


def test_hosts_and_domains():
    assert host("http://User@WWW.A.example:80/x") == "www.a.example"
    assert host("http://a.example?x=b.example") == "a.example"
    assert domain("http://www.a.example/x.html") == "example"


def test_external_links_are_closed_in_their_line():
    text = "\n[http://a.example b] [http://c.example d\n[not a link\n[http://e.example [f] g]\n"
    assert external(text) == Share(2, 3)
    assert external("[http://a.example b") == Share(0, 0)  # cut off


@pytest.mark.parametrize(
    ("line", "share"),
    [
        ("== a ==", Share(1, 1)),
        ("==a==", Share(1, 1)),
        ("=== a ==", Share(0, 1)),
        ("== a", Share(0, 1)),
        ("== a = b ==", Share(1, 1)),
        ("====", Share(0, 1)),
        ("======= a =======", Share(0, 1)),
        ("== a == &lt;!-- b --&gt;", Share(1, 1)),
        ("== a == &lt;!-- b --&gt; &lt;!-- c --&gt;", Share(1, 1)),
        ("== a &lt;!-- b --&gt;", Share(0, 1)),
        ("== a == --&gt;", Share(0, 1)),
        ("= a =", Share(0, 0)),
        ("a == b ==", Share(0, 0)),
    ],
)
def test_headings(line, share):
    assert balanced_headings(f"x\n{line}\ny\n") == share


def test_headings_that_the_cut_may_have_shortened_are_not_counted():
    assert headings("== a ==\nx\n== b") == []
    assert [h.title for h in headings("x\n== a ==\n== b ==\n")] == ["a", "b"]


def test_heading_steps():
    assert heading_steps("x\n== a ==\n=== b ===\n== c ==\n") == Share(2, 2)
    assert heading_steps("x\n== a ==\n==== b ====\n") == Share(0, 1)
    assert heading_steps("x\n== a ==\n<page>\n==== b ====\n") == Share(0, 0)
    assert heading_steps("x\n== a ==\n=== bad ==\n=== c ===\n") == Share(1, 1)


def test_lists():
    text = "cut\n* a\n*# b\n\n** c\nd\n: e\n"
    assert list_lines(text) == Share(4, 5)
    assert list_steps(text) == Share(2, 3)  # the line before the first one is cut
    assert list_steps("cut\nx\n*** a\n") == Share(0, 1)


@pytest.mark.parametrize(
    ("line", "share"),
    [
        ("''a'' '''b''' '''''c'''''", Share(1, 1)),
        ("''a", Share(0, 1)),
        ("'''''a'' b'''", Share(1, 1)),
        ("'''a''", Share(0, 1)),
        ("''''a'''' ", Share(1, 1)),
        ("don't 'a'", Share(0, 0)),
    ],
)
def test_emphasis(line, share):
    assert emphasis(f"\n{line}\n") == share


def test_layers_by_hand():
    text = "    <id>12</id>\n== A ==\nSee [[b c|d]] &quot;x&quot; {{t|u}}.\n"
    text += "[http://www.a.example/b c]\n"
    found = layers(text)
    assert found.shape == (len(text),)

    def layer(part, within=0):
        start = text.index(part, within)
        names = {LAYERS[i] for i in found[start : start + len(part)]}
        assert len(names) == 1, (part, names)
        return names.pop()

    assert layer("    <id>") == "XML tags" and layer("12") == "fields between tags"
    assert layer("== A ==") == "headings"
    assert layer("See ") == "prose"
    assert layer("[[") == "[[ of a link" and layer("b c") == "target of a link"
    assert layer("|d") == "label of a link" and layer("]]") == "]] of a link"
    assert layer("&quot;") == "entities" and layer("x", text.index("&quot;")) == "prose"
    assert layer("{{t|u}}") == "templates and tables"
    assert layer("http://www.") == "http:// and www."
    assert layer("a.example/b") == "rest of the address"
    assert layer(" c]") == "prose"


def test_a_link_in_a_template_is_a_link_and_text_without_markup_is_prose():
    text = "\n{{t|[[a]]}}\n"
    assert LAYERS[layers(text)[text.index("a")]] == "target of a link"
    assert not layers("nothing but words").any() and layers("").shape == (0,)


@pytest.mark.parametrize(
    "text", ["[[" * 20_000, "{{" * 20_000, "]]" * 20_000, "[[a|" * 12_000, "[http://a" * 11_000,
             "http://a.b" * 10_000, "http://" + "a." * 50_000 + " x", "\n==" * 33_000,
             "=" * 100_000, "\n*" * 50_000, "'" * 100_000, "\n{|" * 30_000,
             "\n== a" + "&lt;!--" * 20_000 + "--&gt;x--&gt;\n\n",
             "\n== a" + "&lt;!----&gt;" * 8_000 + "\n\n", "http://a&amp;" * 8_000 + " "],
)  # fmt: skip
def test_hostile_texts_take_no_longer_than_others(text):
    start = time.process_time()
    for name in ("nest_links", "nest_blocks", "links", "urls", "external", "balanced_headings",
                 "heading_steps", "list_steps", "emphasis"):  # fmt: skip
        getattr(markup, name)(text)
    layers(text)
    assert time.process_time() - start < 10
