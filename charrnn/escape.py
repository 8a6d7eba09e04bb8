"""Text of a model, a file or a reader in HTML: as text only, and the same text when it is read."""

from __future__ import annotations

import html
import re

_NONE = re.compile("[\0\ud800-\udfff]")


def escaped(text: str) -> str:
    r"""A text for an element or a quoted attribute of a page: a parser reads the same text there.

    A \r stands by its number, since a parser takes a bare one for a newline. NUL and lone
    surrogates, which no page can hold, become U+FFFD.
    """
    return html.escape(_NONE.sub("\ufffd", text)).replace("\r", "&#13;")
