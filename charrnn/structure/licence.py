"""The notice of the GNU licence that so many files begin with: is it there, and is it all there?

A notice is known by short phrases of it, MARKS, in whatever case, and however its words are broken
into the lines of a comment.
"""

import re

MARKS = (
    "free software",
    "redistribute it and/or modify",
    "general public license",
    "without any warranty",
    "merchantability",
    "you should have received",
)
"""Phrases of the notice, in its order."""
_BETWEEN = re.compile(r"[\s*#]+|//+")


def marks(text: str) -> list[str]:
    """The MARKS that a text holds, in the order in which each first stands there."""
    plain = _BETWEEN.sub(" ", text.lower())
    found = [(plain.find(mark), mark) for mark in MARKS]
    return [mark for place, mark in sorted(found) if place >= 0]


def whole(text: str) -> bool:
    """Whether a text holds all MARKS, in the order of the notice."""
    return marks(text) == list(MARKS)
