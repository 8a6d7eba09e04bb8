r"""XML as in a dump of Wikipedia: tags, entities, and pages with their fields.

In such a file the text of an article is escaped: its own angle brackets and quotes stand as `&lt;`,
`&gt;` and `&quot;`, and are text. So every `<` begins a tag of the file, every `&` an entity, and
what HTML an article contains is a second language inside the first (`escaped_tags`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from xml.etree import ElementTree

from charrnn.structure.brackets import nest_within
from charrnn.structure.nesting import Mark, Nesting
from charrnn.structure.shares import Share

_ATTRIBUTES = r'(?:\s++[A-Za-z_:][\w:.-]*+\s*+=\s*+"[^"<>&]*+")*+'
_TAG = re.compile(rf"<(/?+)([A-Za-z_:][\w:.-]*+)({_ATTRIBUTES})\s*+(/?+)>")
_BEGUN = re.compile(r"<[^<>]*+")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});")
_ENTITY_BEGUN = re.compile(r"&#?[A-Za-z0-9]{0,8}\Z")
_ESCAPED_TAG = re.compile(r"&lt;(/?+)([A-Za-z][A-Za-z0-9]*+)((?:(?!&[lg]t;)[^\n])*+)&gt;")
_VOID = {"br", "hr", "img", "li", "p", "tr", "td", "th", "dd", "dt", "wbr", "references"}
_STAMP = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z")

_HEAD = re.compile(
    "title (ns )?id (redirect )?(restrictions )?revision id (parentid )?timestamp "
    "contributor (username id |ip )?(minor )?(comment )?(model format )?text "
)
"""The fields of a page in the order of a dump, those of 2006 and of 2016 alike."""
_PAGE_EVENT = re.compile(r"<(page|/page|text)(?=[\s>/])")
_OPENING = re.compile(r"<([A-Za-z_:][\w:.-]*+)")


def tags(text: str) -> list[Mark]:
    """The well-formed tags of a text as marks; a self-closing one opens and closes nothing.

    Well formed: `<name>`, `</name>` or `<name/>`, a name of letters, digits and `_:.-`, attributes
    each with a value in double quotes and without `<`, `>` or `&`, none in a closing tag.
    """
    found = (m for m in _TAG.finditer(text) if _is_tag(m) and not m[4])
    return [Mark(m.start(), m.end(), m[2], not m[1]) for m in found]


def well_formed(text: str) -> Share:
    """Well-formed tags, of all `<`. One that the end of the text cuts off is not counted."""
    right = total = 0
    for begun in _BEGUN.finditer(text):
        if begun.end() == len(text):
            break
        total += 1
        tag = _TAG.match(text, begun.start())
        right += bool(tag and _is_tag(tag))
    return Share(right, total)


def _is_tag(tag: re.Match) -> bool:
    return not (tag[1] and (tag[3] or tag[4]))


def entities(text: str) -> Share:
    """References that XML defines, of all `&`: amp, lt, gt, quot, apos, and numbers.

    HTML's others (`&nbsp;`) are none of them; an article writes them `&amp;nbsp;`. One that the
    end of the text cuts off is not counted.
    """
    total = text.count("&") - bool(_ENTITY_BEGUN.search(text[-12:]))
    return Share(sum(1 for _ in _ENTITY.finditer(text)), total)


def escaped_tags(text: str) -> list[Mark]:
    """HTML inside an article, `&lt;ref&gt;` to `&lt;/ref&gt;`, as marks named in lower case.

    Left out: self-closing ones, elements that HTML lets one leave open (br, hr, li, p, td and the
    like), and what stands inside no complete pair of angle brackets on one line.
    """
    marks = []
    for m in _ESCAPED_TAG.finditer(text):
        name = m[2].lower()
        apart = m[3][:1] in ("", " ", "/")
        if apart and name not in _VOID and not m[3].endswith("/"):
            marks.append(Mark(m.start(), m.end(), name, not m[1]))
    return marks


def contents(text: str, name: str) -> list[str]:
    """What stands in the complete elements of this name that hold no other element."""
    return re.findall(rf"<{re.escape(name)}>([^<>]*+)</{re.escape(name)}>", text)


def timestamp(written: str) -> datetime | None:
    """The moment that YYYY-MM-DDTHH:MM:SSZ stands for; None where there is none, such as on the
    30th of February or at 24:00."""
    match = _STAMP.fullmatch(written)
    if not match:
        return None
    try:
        return datetime(*map(int, match.groups()))
    except ValueError:
        return None


def dates(text: str) -> Share:
    """Contents of complete `<timestamp>` elements that are valid, of all."""
    found = contents(text, "timestamp")
    return Share(sum(timestamp(t) is not None for t in found), len(found))


def numbers(text: str) -> Share:
    """Contents of complete `<id>` and `<parentid>` elements that are a number, of all."""
    found = contents(text, "id") + contents(text, "parentid")
    return Share(sum(t.isascii() and t.isdigit() for t in found), len(found))


def addresses(text: str) -> Share:
    """Contents of complete `<ip>` elements that are IP addresses, of those that begin with a digit
    (the oldest pages have words there)."""
    found = [t for t in contents(text, "ip") if t[:1].isdigit()]
    return Share(sum(_is_address(t) for t in found), len(found))


def _is_address(written: str) -> bool:
    try:
        return bool(ip_address(written))
    except ValueError:
        return False


def hashes(text: str) -> Share:
    """Contents of complete `<sha1>` elements that have 31 digits of base 36, of all."""
    found = contents(text, "sha1")
    right = re.compile("[0-9a-z]{31}")
    return Share(sum(bool(right.fullmatch(t)) for t in found), len(found))


@dataclass(frozen=True)
class Page:
    """A `<page>` and what became of it, in a text that may end in the middle of it."""

    start: int
    end: int
    head_end: int | None
    """Where its head ends: at `<text`, or at whatever page border comes first; None: cut off."""
    whole: bool
    """It reaches its `</page>`."""


def pages(text: str) -> list[Page]:
    """The pages that begin in a text. One ends at its `</page>`, or where the next one begins."""
    found: list[Page] = []
    start = head = None
    for m in _PAGE_EVENT.finditer(text):
        if m[1] == "text":
            head = m.start() if start is not None and head is None else head
            continue
        if start is not None:
            end = m.start() + len("</page>") * (m[1] == "/page")
            found.append(Page(start, end, m.start() if head is None else head, m[1] == "/page"))
        start, head = (m.start(), None) if m[1] == "page" else (None, None)
    if start is not None:
        found.append(Page(start, len(text), head, False))
    return found


def nest_pages(text: str) -> list[Nesting]:
    """The tags of a text, nested page by page: what is open where a page begins was left open.

    What stands before the first page is a unit of its own, and the last one may be cut off.
    """
    marks = tags(text)
    return nest_within(marks, [m.start for m in marks if m.opens and m.name == "page"])


def in_order(text: str) -> Share:
    """Pages whose fields stand in the order of the dump, of all whose head is complete.

    The head goes to `<text`: title, id, revision, its id, timestamp, contributor (a name with an
    id, or an address), text; and, where there are any, ns, redirect, restrictions, parentid, minor,
    comment, model and format in their places.
    """
    heads = [(p.start, p.head_end) for p in pages(text) if p.head_end is not None]
    return Share(sum(_head_right(text, start, end) for start, end in heads), len(heads))


def _head_right(text: str, start: int, end: int) -> bool:
    names = [m[1] for m in _OPENING.finditer(text, start + len("<page"), end + len("<text"))]
    return bool(_HEAD.fullmatch("".join(f"{name} " for name in names)))


def parsed(text: str) -> Share:
    """Whole pages that an XML parser (expat) takes without an error, of all whole pages.

    Nothing is forgiven: each tag closed in its order, every attribute and entity well formed. Bytes
    that are no UTF-8 may be in the text as Python's `surrogateescape` has them, and are an error.
    """
    whole = [text[p.start : p.end] for p in pages(text) if p.whole]
    return Share(sum(_parses(page) for page in whole), len(whole))


def _parses(page: str) -> bool:
    try:
        ElementTree.fromstring(page.encode("utf-8", "surrogateescape"))
    except (ElementTree.ParseError, ValueError):
        return False
    return True


def whole_pages(texts: Iterable[str]) -> list[str]:
    """The whole pages of several texts that a parser takes, as they stand."""
    found = (text[p.start : p.end] for text in texts for p in pages(text) if p.whole)
    return [page for page in found if _parses(page)]
