"""XML of a dump: tags, entities and pages, on a page written for the purpose."""

import time

import pytest

from charrnn.structure.brackets import borders, closed, closing_right, nest_within
from charrnn.structure.markup import SECTION
from charrnn.structure.nesting import nest
from charrnn.structure.shares import Share
from charrnn.structure.tags import (
    addresses,
    contents,
    dates,
    entities,
    escaped_tags,
    hashes,
    in_order,
    nest_pages,
    numbers,
    pages,
    parsed,
    tags,
    timestamp,
    well_formed,
    whole_pages,
)

PAGE = """  <page>
    <title>Orrel Sound</title>
    <id>101</id>
    <revision>
      <id>40118</id>
      <timestamp>2005-03-14T09:26:53Z</timestamp>
      <contributor>
        <username>Tidewatcher</username>
        <id>2718</id>
      </contributor>
      <minor />
      <comment>tides &amp; times</comment>
      <text xml:space="preserve">A &quot;sound&quot; &lt;ref&gt;a chart&lt;/ref&gt;</text>
    </revision>
  </page>
"""
LATER = (
    PAGE.replace("<id>101</id>", "<ns>0</ns>\n<id>101</id>\n<redirect title=\"Sound\" />")
    .replace("<timestamp>", "<parentid>7</parentid>\n<timestamp>")
    .replace("      <text", "<model>wikitext</model>\n<format>text/x-wiki</format>\n<text")
)  # fmt: skip


def test_a_page_is_all_right():
    for page in (PAGE, LATER):
        found = nest(tags(page))
        assert found.kept() == found.closed_right() and found.kept().value == 1.0
        assert not found.pending and not found.unopened
        assert well_formed(page).value == 1.0 and entities(page).value == 1.0
        assert in_order(page) == parsed(page) == Share(1, 1)
        assert dates(page) == Share(1, 1)
    assert numbers(PAGE) == Share(3, 3) and numbers(LATER) == Share(4, 4)


def test_tags_by_hand():
    found = [(m.name, m.opens) for m in tags('<a><b x="1" y="2"/></a ><c:d z = "3">')]
    assert found == [("a", True), ("a", False), ("c:d", True)]


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", Share(0, 0)),
        ("no tags", Share(0, 0)),
        ('<a b="c">x</a><d/>', Share(3, 3)),
        ("a < b", Share(0, 0)),  # that < may begin a tag, of which the text's end cuts the rest
        ("a < b <c>", Share(1, 2)),
        ("<a b=c></a>", Share(1, 2)),  # no quotes
        ('<a b="c></a>', Share(1, 2)),
        ("</a b='c'>.", Share(0, 1)),
        ("</a/>.", Share(0, 1)),
        ("<1a>.", Share(0, 1)),
        ("<a><b xml:sp", Share(1, 1)),  # cut off
    ],
)
def test_well_formed(text, share):
    assert well_formed(text) == share


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", Share(0, 0)),
        ("&lt;b&gt; &amp;nbsp; &#233; &#xe9; &apos;", Share(6, 6)),
        ("a & b", Share(0, 1)),
        ("&nbsp; and", Share(0, 1)),  # HTML's, not XML's
        ("&ampere; &lt and", Share(0, 2)),
        ("&lt;a&g", Share(1, 1)),  # cut off
        ("&lt;a&", Share(1, 1)),
    ],
)
def test_entities(text, share):
    assert entities(text) == share


def test_html_inside_an_article():
    text = "\n&lt;ref name=&quot;x&quot;&gt;a&lt;br&gt;&lt;/ref&gt; &lt;ref name=y/&gt; 1 &lt; 2\n"
    assert [(m.name, m.opens) for m in escaped_tags(text)] == [("ref", True), ("ref", False)]
    left_open = text + "&lt;small&gt;b\n== Next ==\n"
    found = nest_within(escaped_tags(left_open), borders(left_open, SECTION))
    assert closed(found) == Share(1, 2)
    assert escaped_tags("&lt;REF&gt;")[0].name == "ref"
    assert escaped_tags("&lt;ref and then nothing") == []


@pytest.mark.parametrize(
    ("written", "valid"),
    [
        ("2005-03-14T09:26:53Z", True),
        ("2004-02-29T23:59:59Z", True),
        ("2005-02-29T09:26:53Z", False),
        ("2005-13-01T09:26:53Z", False),
        ("2005-03-14T24:00:00Z", False),
        ("2005-03-14T09:60:53Z", False),
        ("2005-3-14T09:26:53Z", False),
        ("2005-03-14 09:26:53Z", False),
        ("0000-01-01T00:00:00Z", False),
        ("\u0662005-03-14T09:26:53Z", False),
        ("", False),
    ],
)
def test_timestamps(written, valid):
    assert (timestamp(written) is not None) == valid
    assert dates(f"<timestamp>{written}</timestamp>") == Share(valid, 1)


def test_fields_that_the_cut_leaves_incomplete_are_not_counted():
    assert dates("2005-03-14T09:26:53Z</timestamp><timestamp>2005-03") == Share(0, 0)
    assert numbers("<id>12</id><id>1x</id><id>9") == Share(1, 2)
    assert contents("<id>1</id><id><b>2</b></id><idx>3</idx>", "id") == ["1"]


def test_addresses_and_hashes():
    text = "<ip>192.0.2.44</ip><ip>192.0.2.256</ip><ip>2001:db8::1</ip><ip>Conversion script</ip>"
    assert addresses(text) == Share(2, 3)
    one, other = "0" * 31, "0" * 30
    found = hashes(f"<sha1>{one}</sha1><sha1>{other}</sha1><sha1>{one.replace('0', 'A')}</sha1>")
    assert found == Share(1, 3)


@pytest.mark.parametrize(
    ("old", "new", "ordered", "parses"),
    [
        ("<id>101</id>", "", 0, 1),
        ("<minor />", "<minor>", 1, 0),
        ("</contributor>", "</revision>", 1, 0),
        ("tides &amp;", "tides &", 1, 0),
        ("<revision>", "<title>Twice</title><revision>", 0, 1),
        ("</title>", "</titel>", 1, 0),
        ("A &quot;", "A \ufffd", 1, 1),
        ("A &quot;", "A \x01", 1, 0),
        (" xml:space", ' a="1" a="2" xml:space', 1, 0),
    ],
)
def test_pages_in_order_and_pages_that_a_parser_takes_are_two_things(old, new, ordered, parses):
    page = PAGE.replace(old, new, 1)
    assert in_order(page) == Share(ordered, 1)
    assert parsed(page) == Share(parses, 1)
    assert len(whole_pages([page])) == parses


def test_a_byte_that_is_no_utf8_is_an_error_for_the_parser():
    spoilt = PAGE.replace("Orrel", "Orr\xe9l").encode("latin-1")
    page = spoilt.decode(errors="surrogateescape")
    assert parsed(page) == Share(0, 1) and whole_pages([page]) == []
    assert parsed(spoilt.decode("latin-1")) == Share(1, 1)


def test_what_is_open_where_a_page_begins_was_left_open():
    begun = "  <page>\n    <title>A</title>\n    <revision>\n      <text>abc\n"
    found = nest_pages(begun * 5)
    assert closed(found) == Share(5, 5 + 3 * 4)  # the last page may have been cut
    assert closed(nest_pages(PAGE + PAGE)) == closing_right(nest_pages(PAGE + PAGE))
    assert closed(nest_pages(PAGE + PAGE)).value == 1.0


def test_pages_that_a_text_cuts():
    assert in_order(PAGE[:200]) == Share(0, 0)  # the head is not complete
    cut = PAGE[: PAGE.index("</text>")]
    assert in_order(cut) == Share(1, 1) and parsed(cut) == Share(0, 0)
    tail = PAGE[PAGE.index("<revision>") :]
    assert in_order(tail + PAGE) == Share(1, 1) and parsed(tail + PAGE) == Share(1, 1)
    assert pages("no page, but </page> and <text>") == []


def test_a_page_that_is_never_closed_ends_where_the_next_begins():
    head = "<page>\n<title>A</title>\n"
    found = pages(head + PAGE.lstrip())
    assert [p.whole for p in found] == [False, True]
    assert in_order(head + PAGE) == Share(1, 2)
    assert whole_pages([head + PAGE]) == [PAGE.strip()]


@pytest.mark.parametrize(
    "text", ["<" * 100_000, "<a>" * 30_000, "&" * 100_000, "<page>" * 20_000, "<page><text" * 9_000,
             "&lt;a" * 20_000, '<a b="c' * 14_000, "<id>" * 25_000],
)  # fmt: skip
def test_hostile_texts_take_no_longer_than_others(text):
    start = time.process_time()
    for measure in (well_formed, tags, entities, escaped_tags, in_order, parsed, dates, numbers):
        measure(text)
    assert time.process_time() - start < 10
