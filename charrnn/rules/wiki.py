"""Wiki text in an XML dump: web addresses, links, templates, tags."""

import re
from collections.abc import Iterable, Iterator

import numpy as np

from charrnn.rules.spans import Span, inside, since
from charrnn.structure.markup import nest_blocks, nest_links, url_spans
from charrnn.structure.nesting import Nesting

_BARE = re.compile(r"(?<![\w./@-])www\.[^\s]++")
_FIRST_W = re.compile(r"(?<=://)www|(?<![A-Za-z0-9])www(?=\.[A-Za-z0-9])")
_TAG = re.compile(r"<[/!?]?+[A-Za-z-][^<>]*+>")

FARTHEST = 60
"""Characters of a link that are counted: titles end before, and a few captions run to hundreds."""


def inside_url(text: str) -> np.ndarray:
    """In a web address, from the last character of `http://` (https, ftp) or of a bare `www.` on.

    An address ends where `markup.url_spans` ends it: at a blank, a bracket, a bar, a quote or two
    apostrophes, escaped or not, and before the punctuation that stands there. One that has nothing
    behind its beginning is none.
    """
    closed = text + "\n"  # an address may end with the text
    whole = ((text.index("://", start) + 2, end) for start, end in url_spans(closed))
    return inside(len(text), [*whole, *_bare(text)])


def _bare(text: str) -> Iterator[Span]:
    """Addresses that begin with www, from their first full stop on."""
    for match in _BARE.finditer(text):
        for start, end in url_spans(f"http://{match[0]}\n"):
            if start == 0 and end > len("http://www."):
                yield match.start() + len("www"), match.start() + end - len("http://")


def first_w(text: str) -> np.ndarray:
    """At the first w of the `www` that begins an address: behind `://`, or before a full stop and
    behind neither letter nor digit."""
    return inside(len(text), [(m.start(), m.start() + 1) for m in _FIRST_W.finditer(text)])


def inside_link(text: str) -> np.ndarray:
    """Inside [[ ]], closed in the same line, and perhaps nested."""
    return inside(len(text), _spans(nest_links(text), "[["))


def position_in_link(text: str) -> np.ndarray:
    """Characters since the innermost open [[, whose second bracket is 0; NaN outside links, and
    beyond `FARTHEST` characters, where a caption is meant and not a title."""
    found = since(len(text), _spans(nest_links(text), "[["))
    return np.where(found > FARTHEST, np.float32(np.nan), found)


def inside_template(text: str) -> np.ndarray:
    """Inside {{ }}, closed in the same section, and perhaps nested."""
    return inside(len(text), _spans(nest_blocks(text), "{{"))


def _spans(found: Iterable[Nesting], name: str) -> list[Span]:
    pairs = (pair for nesting in found for pair in nesting.pairs)
    return [
        (pair.opening.end - 1, pair.closing.end - 1)
        for pair in pairs
        if pair.opening.name == name and pair.right
    ]


def inside_tag(text: str) -> np.ndarray:
    """Inside the < > of a tag, which begins with a letter, a slash, ! or ?; an escaped tag
    (`&lt;br&gt;`) is text."""
    return inside(len(text), [(m.start(), m.end() - 1) for m in _TAG.finditer(text)])
