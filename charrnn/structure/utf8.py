"""Broken UTF-8: does a model of bytes finish the characters it begins?

A character outside ASCII takes two to four bytes, of which the first says how many follow. A model
of bytes writes them one after another and can break off in the middle.
"""

import codecs
from collections.abc import Collection

from charrnn.structure.shares import Share


def whole(text: bytes) -> bytes:
    """The bytes without what a cut may have broken at either end: continuation bytes in front, a
    character that has begun and is valid so far behind.

    >>> whole("né".encode()[:2]), whole("én".encode()[1:])
    (b'n', b'n')
    """
    start = next((i for i, byte in enumerate(text[:3]) if byte & 0xC0 != 0x80), min(3, len(text)))
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    decoder.decode(text[start:])
    return text[start : len(text) - len(decoder.getstate()[0])]


def valid_sequences(text: bytes) -> Share:
    """Characters outside ASCII that are valid UTF-8, of all that were begun.

    What is broken counts once for each sequence that a decoder would replace by U+FFFD: an
    incomplete character once, each byte that can't begin one once. Overlong forms, surrogates and
    code points above U+10FFFF are broken.

    >>> valid_sequences(b"caf\\xc3\\xa9 caf\\xc3 and more")
    Share(hits=1, total=2)
    """
    text = whole(text)
    decoded = text.decode(errors="replace")
    outside = sum(not part.isascii() and len(_outside(part)) for part in decoded.split("\n"))
    broken = decoded.count("\ufffd") - text.count(b"\xef\xbf\xbd")  # that one is valid
    return Share(outside - broken, outside)


def known_characters(text: bytes, known: Collection[str]) -> Share:
    """Valid characters outside ASCII that `known`, those of a training text, holds."""
    found = _outside(whole(text).decode(errors="ignore"))
    return Share(sum(character in known for character in found), len(found))


def _outside(text: str) -> list[str]:
    return [character for character in text if ord(character) > 127]
