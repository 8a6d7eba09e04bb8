"""What `corpora.toml` says of each corpus, read into frozen dataclasses."""

from __future__ import annotations

import difflib
import functools
import graphlib
from dataclasses import dataclass, field
from importlib import resources

from charrnn.corpora.offline import GENERATORS
from charrnn.corpora.texts import CorpusError
from charrnn.corpora.unpack import ARGUMENTS, OPTIONAL, RECIPES
from charrnn.fields import (
    ANYTHING,
    Choice,
    Flag,
    Inside,
    Many,
    Number,
    Text,
    check,
    check_table,
    read_toml,
)
from charrnn.vocab import LEVELS

PINS = ("sha256", "md5", "git_blob_sha1")
CATALOGUE = "the catalogue of corpora"
WAYS = ("generator", "parts", "addresses")
"""How a text is made: every corpus has one of them."""
NAME = Text(r"[a-z][a-z0-9_]{0,59}", "lower-case letters, digits and _, a letter first")
SAID = Text(r"(?s).+", "a string that is not empty")
FIELDS = {
    "title": SAID,
    "licence": SAID,
    "attribution": SAID,
    "level": Choice(LEVELS),
    "encoding": Choice(("utf-8", "mixed")),
    "shareable": Flag(),
    "bytes": Number(high=10**12, whole=True),
    "sha256": Text(r"[0-9a-f]{64}", "64 hexadecimal digits, in lower case"),
    "md5": Text(r"[0-9a-f]{32}", "32 hexadecimal digits, in lower case"),
    "git_blob_sha1": Text(r"[0-9a-f]{40}", "40 hexadecimal digits, in lower case"),
    "prepared": Many(Inside()),
    "addresses": Many(ANYTHING),
    "generator": Choice(GENERATORS),
    "parts": Many(NAME, least=1),
    "notes": Text(),
}
"""What each key of a corpus' table may hold."""
ADDRESS = {
    "url": Text(r"https?://[\w.-]+(:\d{1,5})?/[\x21-\x7e]*", "an address, http:// or https://"),
    "recipe": Choice(RECIPES),
    "arguments": ANYTHING,
    "sha256": FIELDS["sha256"],
}


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
    return read((resources.files("charrnn") / "corpora.toml").read_text("utf-8"))


def read(text: str) -> dict[str, Entry]:
    """The corpora that a TOML text describes, by name, in its order; touches no file.

    CorpusError, one line with the table, the field and its value, where anything is not as it must
    be: a path in `prepared` that leaves its folder, an address that is not http, a hash of another
    length, corpora made of each other in a circle.
    """
    try:
        known = {name: _entry(name, table) for name, table in read_toml(text, CATALOGUE).items()}
        for entry in known.values():
            check({"parts": entry.parts}, {"parts": Many(Choice(known))}, f"{entry.name}: ")
        graphlib.TopologicalSorter({e.name: e.parts for e in known.values()}).prepare()
    except graphlib.CycleError as error:
        circle = " of ".join(error.args[1])
        raise CorpusError(f"parts go in a circle: {circle}; leave one out") from None
    except ValueError as error:
        raise CorpusError(str(error)) from None
    return known


def _entry(name: str, table: object) -> Entry:
    check({"name": name}, {"name": NAME}, f"{CATALOGUE}: ")
    table = check_table(table, name, FIELDS, ("title", "licence", "attribution"))
    addresses = tuple(_address(f"{name}.addresses", a) for a in table.get("addresses", ()))
    lists = {key: tuple(table.get(key, ())) for key in ("prepared", "parts")}
    entry = Entry(**{**table, **lists, "name": name, "addresses": addresses})
    ways = [way for way in WAYS if getattr(entry, way)]
    if len(ways) != 1:
        found = " and ".join(ways) or "none"
        raise ValueError(f"{name} has {found} of {', '.join(WAYS)}; it must have one")
    if not entry.generator and not (entry.bytes and entry.pins):
        raise ValueError(f"{name} has no bytes or no hash; a text that is fetched needs both")
    if entry.addresses and not entry.prepared:
        raise ValueError(f"{name} lacks prepared; it says where the text may stand offline")
    return entry


def _address(where: str, table: object) -> Address:
    table = check_table(table, where, ADDRESS, ("url", "recipe"))
    kinds, optional = ARGUMENTS[table["recipe"]], OPTIONAL.get(table["recipe"], ())
    needed = tuple(kind for kind in kinds if kind not in optional)
    check_table(table.get("arguments", {}), f"{where}.arguments", kinds, needed)
    return Address(**table)


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
