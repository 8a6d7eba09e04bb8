"""Essays: footnote marks such as [2], in the text and before the notes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from charrnn.structure.shares import Share

# Markdown sources escape the brackets, both of them: \[2\].
_MARK = re.compile(r"(?<!\\)(?P<escape>\\?)\[(?P<number>[1-9][0-9]?)(?P=escape)\]")


@dataclass(frozen=True)
class FootnoteMark:
    """A mark: its place in the text, its number, and whether a note begins with it."""

    start: int
    number: int
    is_note: bool


def footnote_marks(text: str) -> list[FootnoteMark]:
    r"""The marks [1] to [99] of a text, also escaped as in Markdown: \[2\].

    A mark at the beginning of a line stands before a note; any other refers to one.

    >>> footnote_marks("So it goes. [1]\n\n[1] As Vonnegut says.")[1]
    FootnoteMark(start=17, number=1, is_note=True)
    """
    return [
        FootnoteMark(m.start(), int(m["number"]), m.start() == 0 or text[m.start() - 1] == "\n")
        for m in _MARK.finditer(text)
    ]


def share_with_marks(samples: Iterable[str]) -> Share:
    """Share of the samples that hold at least one mark; it rises with the samples' length."""
    found = [bool(footnote_marks(sample)) for sample in samples]
    return Share(sum(found), len(found))
