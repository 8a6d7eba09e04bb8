"""What `corpora.toml` says of each corpus, read into frozen dataclasses."""

from __future__ import annotations

import difflib
import functools
import tomllib
from dataclasses import dataclass, field
from importlib import resources

from charrnn.corpora.texts import CorpusError

PINS = ("sha256", "md5", "git_blob_sha1")


@dataclass(frozen=True)
class Address:
    """One place to download from, and the recipe from that download to the text."""

    url: str
    recipe: str
    """A function of `unpack.py`."""
    arguments: dict = field(default_factory=dict)
    sha256: str = ""
    """Of the download; empty where the host makes the file anew for each request."""


@dataclass(frozen=True)
class Entry:
    """One table of `corpora.toml`: a corpus as it is known before it is at hand."""

    name: str
    title: str
    licence: str
    attribution: str
    """The credit line to print with anything made from the text."""
    level: str = "char"
    encoding: str = "utf-8"
    """utf-8, or mixed where only the byte level can read the text."""
    shareable: bool = True
    """False where the rights holder has not allowed the text to be passed on."""
    bytes: int = 0
    """Of the text; 0 where it differs from machine to machine."""
    sha256: str = ""
    """Of the text; where only another hash of it was published, that one is pinned."""
    md5: str = ""
    git_blob_sha1: str = ""
    prepared: tuple[str, ...] = ()
    """Where the text may stand in $CHARRNN_DATA, compressed or not."""
    addresses: tuple[Address, ...] = ()
    """In the order in which they are tried."""
    generator: str = ""
    """A function of `offline.py`, for a text that needs no download."""
    parts: tuple[str, ...] = ()
    """Other corpora that this one is made of, one after another with nothing between them."""
    notes: str = ""

    @property
    def url(self) -> str:
        """The canonical address; empty for a text that needs none."""
        return self.addresses[0].url if self.addresses else ""

    @property
    def pins(self) -> dict[str, str]:
        """The hashes that the text must have, by kind; empty for a text that changes."""
        return {kind: value for kind in PINS if (value := getattr(self, kind))}


@functools.cache
def entries() -> dict[str, Entry]:
    """All corpora by name, in the order of the file."""
    tables = tomllib.loads((resources.files("charrnn") / "corpora.toml").read_text("utf-8"))
    return {name: _entry(name, table) for name, table in tables.items()}


def _entry(name: str, table: dict) -> Entry:
    addresses = tuple(Address(**address) for address in table.pop("addresses", ()))
    prepared = tuple(table.pop("prepared", ()))
    parts = tuple(table.pop("parts", ()))
    return Entry(name=name, addresses=addresses, prepared=prepared, parts=parts, **table)


def find_entry(name: str) -> Entry:
    """The corpus of that name; CorpusError with the names there are, and the nearest."""
    known = entries()
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise CorpusError(
            f"there is no file and no corpus called {name!r}{hint} (corpora: {', '.join(known)})"
        )
    return known[name]
