"""What a field of settings or of a TOML table may hold, and the one line that says it does not.

Each kind has `wrong(value)`: how the sentence "<name> is <value>; it must be ..." ends, or an empty
string where the value is right.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

LARGEST = sys.float_info.max
LONGEST = 80  # characters of a value that a message shows
DEEPEST = 200  # full stops in a line of TOML, which may all be in one key


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high`; true and false are none."""

    low: float = 0
    high: float = LARGEST
    above: bool = False
    """`low` itself is not allowed."""
    whole: bool = False
    optional: bool = False

    def wrong(self, value: object) -> str:
        if self.optional and value is None:
            return ""
        left_out = " (or left out)" if self.optional else ""
        kinds = int if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            return f"a {'whole ' if self.whole else ''}number{left_out}"
        if not (value > self.low if self.above else value >= self.low):
            least = f"above {self.low}" if self.above else f"{self.low} or more"
            return least + left_out
        if value > self.high:
            return (f"at most {self.high:,}" if self.high < LARGEST else "finite") + left_out
        return ""


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: Collection[str]
    optional: bool = False

    def wrong(self, value: object) -> str:
        if (self.optional and value is None) or (isinstance(value, str) and value in self.words):
            return ""
        return f"one of {', '.join(self.words)}" + " (or left out)" * self.optional


@dataclass(frozen=True)
class Text:
    """A string; a `pattern` has to fit all of it, and `shape` says so in words."""

    pattern: str = ""
    shape: str = "a string"
    optional: bool = False

    def wrong(self, value: object) -> str:
        if self.optional and value is None:
            return ""
        good = isinstance(value, str) and (not self.pattern or re.fullmatch(self.pattern, value))
        return "" if good else self.shape + " (or left out)" * self.optional


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def wrong(self, value: object) -> str:
        return "" if isinstance(value, bool) else "true or false"


@dataclass(frozen=True)
class Inside:
    """A path that stays below the folder it starts from, with / between its parts."""

    def wrong(self, value: object) -> str:
        good = isinstance(value, str) and re.fullmatch(r"[^\\:\x00-\x1f]+", value)
        parts = PurePosixPath(value).parts if good else ("/",)
        good = parts and not {"..", "/", "//"} & set(parts)
        return "" if good else "a path inside a folder, like folder/text.txt"


@dataclass(frozen=True)
class Many:
    """A list, or a tuple, whose every value is of one kind."""

    each: Number | Choice | Text | Inside
    least: int = 0
    most: int = 100_000

    def wrong(self, value: object) -> str:
        if not isinstance(value, list | tuple) or not self.least <= len(value) <= self.most:
            if self.least == self.most:
                return f"a list of {self.least}"
            return f"a list of at least {self.least}" if self.least else "a list"
        found = (self.each.wrong(v) for v in value)
        return next((f"a list, each {wrong}" for wrong in found if wrong), "")


@dataclass(frozen=True)
class Anything:
    """What is looked at elsewhere: a table in a table."""

    def wrong(self, value: object) -> str:
        return ""


ANYTHING = Anything()
Kind = Anything | Number | Choice | Text | Flag | Inside | Many


def shown(value: object) -> str:
    """A value as a message shows it: on one line, and not all of one that is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of 5,000 digits, a list in a list in a ...
        return f"{type(value).__name__} too large to show"
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def check(values: Mapping[str, object], kinds: Mapping[str, Kind], where: str = "") -> None:
    """ValueError for the first of `kinds` whose value is not as it must be; `where` begins it."""
    for name, kind in kinds.items():
        if name in values and (wrong := kind.wrong(values[name])):
            raise ValueError(f"{where}{name} is {shown(values[name])}; it must be {wrong}")


def check_table(
    table: object, where: str, kinds: Mapping[str, Kind], needed: Collection[str] = ()
) -> dict:
    """A table of a file whose keys are all among `kinds`, with those `needed`; else ValueError."""
    if not isinstance(table, dict):
        raise ValueError(f"{where} is {shown(table)}; it must be a table")
    if unknown := [key for key in table if key not in kinds]:
        raise ValueError(f"{where} has {shown(unknown[0])}; it may have {', '.join(kinds)}")
    if missing := [key for key in needed if key not in table]:
        raise ValueError(f"{where} lacks {missing[0]}; it must have {', '.join(needed)}")
    check(table, kinds, f"{where}: ")
    return table


def read_toml(text: str, where: str) -> dict:
    """The tables of a TOML text. ValueError, on one line, where it is none."""
    try:
        if any(line.count(".") > DEEPEST for line in text.splitlines()):
            raise RecursionError  # tomllib's time grows with the square of a dotted key's parts
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError(f"{where} cannot be read: it is nested too deeply") from None
    except ValueError as error:
        detail = " ".join(str(error).split())[:200]
        raise ValueError(f"{where} is not TOML ({detail})") from None
