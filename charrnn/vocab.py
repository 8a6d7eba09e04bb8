"""Characters (or bytes) to ids and back: sorted, strict, and written down with every model.

Ids are the ranks of the sorted symbols, so two processes that read the same text number it alike.
A character the vocabulary lacks is an error unless the caller says that it may be skipped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from charrnn.fields import shown

LEVELS = ("char", "byte")
POLICIES = ("error", "skip")


class UnknownCharacterError(ValueError):
    """A text holds characters that the model was never shown."""


def _is_character(symbol: str) -> bool:
    """Whether a string is one code point that UTF-8 has: no half of a surrogate pair."""
    return len(symbol) == 1 and not "\ud800" <= symbol <= "\udfff"


def _is_byte(symbol: int) -> bool:
    return not isinstance(symbol, bool) and 0 <= symbol <= 255


@dataclass(frozen=True)
class Vocab:
    """The V symbols a model knows, in id order: characters, or bytes as integers 0 to 255."""

    symbols: tuple[str, ...] | tuple[int, ...]
    level: str = "char"

    def __post_init__(self) -> None:
        if not isinstance(self.level, str) or self.level not in LEVELS:
            raise ValueError(f"level is {shown(self.level)}; it must be one of {', '.join(LEVELS)}")
        kind, valid = (str, _is_character) if self.level == "char" else (int, _is_byte)
        for symbol in self.symbols:
            if not isinstance(symbol, kind) or not valid(symbol):
                what = "one character each" if kind is str else "bytes, 0 to 255"
                raise ValueError(f"a symbol is {symbol!r:.60}; symbols must be {what}")
        if not self.symbols:
            raise ValueError("a vocabulary needs at least one symbol; the text is empty")
        if list(self.symbols) != sorted(set(self.symbols)):
            raise ValueError("the symbols of a vocabulary must be sorted and distinct")

    @classmethod
    def of(cls, text: str | bytes) -> Vocab:
        """The vocabulary of a text: byte level for `bytes`, character level for `str`."""
        return cls(tuple(sorted(set(text))), "byte" if isinstance(text, bytes) else "char")

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def dtype(self) -> np.dtype:
        """The smallest unsigned type that holds every id: one byte where V <= 256."""
        return np.dtype(np.uint8 if len(self) <= 256 else np.uint16 if len(self) <= 65536 else "u4")

    @cached_property
    def ids(self) -> dict[str, int] | dict[int, int]:
        """Symbol to id."""
        return {symbol: i for i, symbol in enumerate(self.symbols)}

    def units(self, text: str | bytes) -> str | bytes:
        """The text in the vocabulary's own units: a `str` becomes UTF-8 bytes at byte level."""
        if self.level == "byte":
            return text.encode() if isinstance(text, str) else text
        return text.decode() if isinstance(text, bytes) else text

    def unknown(self, text: str | bytes) -> list[str | int]:
        """The distinct symbols of `text` that the vocabulary lacks, in order of appearance."""
        return [s for s in dict.fromkeys(self.units(text)) if s not in self.ids]

    def encode(self, text: str | bytes, unknown: str = "error") -> np.ndarray:
        """Ids of a text, shape (len(text),), dtype `self.dtype`.

        `unknown="error"` raises UnknownCharacterError and names what is missing;
        `unknown="skip"` leaves those characters out.
        """
        if unknown not in POLICIES:
            raise ValueError(f"unknown is {unknown!r}; it must be one of {', '.join(POLICIES)}")
        units = self.units(text)
        if unknown == "error" and (missing := self.unknown(units)):
            shown = " ".join(repr(s) for s in missing[:8]) + (" ..." if len(missing) > 8 else "")
            raise UnknownCharacterError(
                f"the model never saw {shown}; leave such characters out, "
                "or ask for them to be skipped with unknown='skip' (--unknown skip)"
            )
        ids = self.ids
        return np.fromiter((ids[s] for s in units if s in ids), dtype=self.dtype)

    def decode_bytes(self, ids) -> bytes:
        """The bytes that ids stand for (UTF-8 at character level)."""
        if self.level == "byte":
            return bytes(self.symbols[int(i)] for i in ids)
        return "".join(self.symbols[int(i)] for i in ids).encode()

    def decode(self, ids) -> str:
        """The text that ids stand for; at byte level what is not UTF-8 shows as U+FFFD."""
        return self.decode_bytes(ids).decode(errors="replace")

    def to_json(self) -> str:
        """The vocabulary as one JSON line, as it stands in the header of a model file."""
        symbols = list(self.symbols) if self.level == "byte" else "".join(self.symbols)
        return json.dumps({"level": self.level, "symbols": symbols})

    @classmethod
    def from_json(cls, line: str) -> Vocab:
        """The inverse of `to_json`. Raises ValueError, KeyError or TypeError for anything else."""
        read = json.loads(line)
        if not isinstance(read, dict) or not isinstance(read["symbols"], str | list):
            raise TypeError("a vocabulary is an object with level and symbols")
        return cls(tuple(read["symbols"]), read["level"])
