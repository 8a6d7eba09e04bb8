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
    "you should have received",
)
"""Phrases of the notice, in its order, that other licences do not have."""
_BETWEEN = re.compile(r"[\s*#]+|//+")


def marks(text: str) -> list[str]:
    """The MARKS that a text holds, in the order in which each first stands there."""
    plain = _plain(text)
    found = [(plain.find(mark), mark) for mark in MARKS]
    return [mark for place, mark in sorted(found) if place >= 0]


def whole(text: str) -> bool:
    """Whether a text holds all MARKS one behind the other, in the order of the notice."""
    plain, at = _plain(text), 0
    for mark in MARKS:
        at = plain.find(mark, at)
        if at < 0:
            return False
    return True


def _plain(text: str) -> str:
    return _BETWEEN.sub(" ", text.lower())
