r"""Which layer of syntax each character of a Wikipedia dump belongs to.

Three languages stand inside one another: XML, whose text is wiki markup, whose characters are
entities where XML needs them to be. What a model pays for a character can so be told apart by what
the character is for: `]]` must come some time after `[[`, while `[[` itself is a choice.
"""

import re

import numpy as np

from charrnn.structure.markup import LINK, headings, nest_blocks, url_spans

LAYERS = (
    "prose",
    "XML tags",
    "fields between tags",
    "templates and tables",
    "headings",
    "[[ of a link",
    "target of a link",
    "label of a link",
    "]] of a link",
    "http:// and www.",
    "rest of the address",
    "entities",
)
"""What `layers` numbers. "prose" is whatever is nothing else: words, emphasis, list signs."""

_TAG = re.compile(r"(?<![ ])[ ]*+</?+[A-Za-z][^<>\n]*+>")
_FIELD = re.compile(
    r"<(title|ns|id|parentid|timestamp|username|ip|model|format|sha1)>([^<>\n]*+)</"
)
_FRONT = re.compile(r"(?:https?|ftp)://(?:www\.)?")
_ENTITY = re.compile(r"&(?:amp;)?#?[A-Za-z0-9]{1,8};")


def layers(text: str) -> np.ndarray:
    """The layer of each character, shape (len(text),), as its place in LAYERS.

    Where layers overlap the one further down the list counts: a link in a template is a link. To
    label bytes, decode them as Latin-1, one character a byte.
    """
    found = np.zeros(len(text), dtype=np.int8)

    def paint(name: str, start: int, end: int) -> None:
        found[start:end] = LAYERS.index(name)

    for m in _TAG.finditer(text):
        paint("XML tags", *m.span())
    for m in _FIELD.finditer(text):
        paint("fields between tags", *m.span(2))
    for nesting in nest_blocks(text):
        for pair in nesting.pairs:
            paint("templates and tables", pair.opening.start, pair.closing.end)
    for heading in headings(text):
        paint("headings", heading.start, text.index("\n", heading.start))
    for m in LINK.finditer(text):
        paint("[[ of a link", m.start(), m.start() + 2)
        paint("target of a link", *m.span(1))
        paint("]] of a link", m.end() - 2, m.end())
        if m[2]:
            paint("label of a link", *m.span(2))
    for start, end in url_spans(text):
        front = _FRONT.match(text, start, end).end()
        paint("http:// and www.", start, front)
        paint("rest of the address", front, end)
    for m in _ENTITY.finditer(text):
        paint("entities", *m.span())
    return found
