"""Where the text of a catalogued corpus is found: generated, prepared, cached or downloaded.

Whatever comes back has every hash that the catalogue pins. A text in the cache has a small JSON
file beside it: its hash, its size, the pins it was verified against and the file it was made from,
so that half a gigabyte is not decompressed and hashed anew for each training.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from charrnn.corpora.catalogue import Entry, entries, find_entry
from charrnn.corpora.download import download
from charrnn.corpora.offline import GENERATORS
from charrnn.corpora.texts import (
    OPENERS,
    CorpusError,
    cache_folder,
    digest,
    pieces,
    workspace,
    write,
)
from charrnn.corpora.unpack import unpack

ROOM = 1 << 26
"""Bytes that a download, or a file made of it, may have more than the text itself."""


@dataclass(frozen=True)
class Found:
    """A verified text on disk: what is known of it besides its entry."""

    path: Path
    sha256: str
    source: str
    """CHARRNN_DATA, download or offline."""


def find(entry: Entry, progress: bool) -> Found:
    """The verified text: from the first of the four places that has it."""
    return (
        _generated(entry)
        or _joined(entry, progress)
        or _from_data(entry, progress)
        or cached(entry)
        or _downloaded(entry, progress)
    )


def recheck(entry: Entry) -> Found | None:
    """As `find`, but every byte is read and hashed again, and nothing is downloaded.

    None where the text is not on this machine.
    """
    if found := _generated(entry) or _from_data(entry, progress=False, anew=True):
        return found
    if found := cached(entry):
        advice = "; remove it, and it is downloaded again"
        _check(entry, found.path, digest(found.path), str(found.path), advice)
    return found


def _generated(entry: Entry) -> Found | None:
    if not entry.generator:
        return None
    with _working() as work:
        text = work / "text"
        GENERATORS[entry.generator](text)
        sha256 = digest(text)
        _check(entry, text, sha256, f"what offline.{entry.generator} wrote")
        return _accept(entry, text, sha256, "offline")


def _joined(entry: Entry, progress: bool) -> Found | None:
    """A text that is others one after another, each found in its own way."""
    if not entry.parts:
        return None
    if found := cached(entry):
        return found
    parts = [find(find_entry(name), progress) for name in entry.parts]
    with _working() as work:
        text = work / "text"
        sha256 = write((piece for part in parts for piece in pieces(part.path)), text)
        _check(entry, text, sha256, f"{' and '.join(entry.parts)} together")
        return _accept(entry, text, sha256, parts[0].source)


def prepared(entry: Entry) -> Path | None:
    """The file of the text in $CHARRNN_DATA, if there is one."""
    if not (named := os.environ.get("CHARRNN_DATA")):
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise CorpusError(f"CHARRNN_DATA is {named!r}, which is not a folder; correct or unset it")
    candidates = [
        f for name in entry.prepared for f in (folder / name, folder / uncompressed(name))
    ]
    return next((f for f in candidates if f.is_file()), None)


def _from_data(entry: Entry, progress: bool, anew: bool = False) -> Found | None:
    """The text in $CHARRNN_DATA; a compressed one is decompressed once, or again if `anew`."""
    file = prepared(entry)
    if file is None:
        return None
    advice = "; replace the file, or unset CHARRNN_DATA"
    if file == uncompressed(file):
        sha256 = digest(file)
        _check(entry, file, sha256, str(file), advice)
        return Found(file, sha256, "CHARRNN_DATA")
    status = file.stat()
    stamp = {"file": str(file.absolute()), "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
    if not anew and (known := cached(entry, stamp)):
        return known
    with _working() as work:
        text = work / "text"
        unpacked = _no_more(_shown(pieces(file), entry, progress), entry, f"{file}", advice)
        sha256 = write(unpacked, text)
        _check(entry, text, sha256, str(file), advice)
        return _accept(entry, text, sha256, "CHARRNN_DATA", stamp)


def cached(entry: Entry, stamp: dict | None = None) -> Found | None:
    """The verified text in the cache, if it is whole and verified against today's pins.

    With `stamp` only if it was made from that very file.
    """
    for about in (cache_folder() / "texts").glob(f"{entry.name}-*.json"):
        try:
            kept = json.loads(about.read_text())
            path = about.with_suffix(".txt")
            whole = path.stat().st_size == kept["bytes"] and kept["pins"] == entry.pins
            if whole and (stamp is None or kept["stamp"] == stamp):
                return Found(path, kept["sha256"], kept["source"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
    return None


def _downloaded(entry: Entry, progress: bool) -> Found:
    """The text from the first address that gives it."""
    failures = []
    for address in entry.addresses:
        with _working() as work:
            try:
                most = entry.bytes + ROOM
                download(address.url, work / "download", address.sha256, progress, most)
                taken = work / "download", work / "text", most
                unpack(address.recipe, *taken, **address.arguments)
                sha256 = digest(work / "text")
                _check(entry, work / "text", sha256, f"what {address.recipe} made of it")
                return _accept(entry, work / "text", sha256, "download")
            except CorpusError as error:
                failures.append(f"{address.url} ({error}{_page(work / 'download')})")
    pins = ", ".join(f"{kind} {value}" for kind, value in entry.pins.items())
    offline = ", ".join(name for name, other in entries().items() if other.generator)
    raise CorpusError(
        f"{entry.name} could not be downloaded: {'; '.join(failures)}; set CHARRNN_DATA to a "
        f"folder that has the text as {uncompressed(entry.prepared[0])} ({pins}), give the path "
        f"of a text of your own, or take one that needs no download ({offline})"
    )


@contextmanager
def _working() -> Iterator[Path]:
    """A workspace; where the disk has no room for what is written there, a CorpusError says so."""
    with workspace() as work:
        try:
            yield work
        except OSError as error:
            raise CorpusError(
                f"the cache folder {cache_folder()} cannot be written ({error.strerror or error}); "
                "make room there, or set CHARRNN_CACHE to a folder that has it"
            ) from None


def _page(download: Path) -> str:
    """What to do about a download that is a web page: nothing, where it is none."""
    if not download.is_file():
        return ""
    with download.open("rb") as file:
        begins = file.read(200).lstrip().lower()
    if not begins.startswith((b"<!doctype html", b"<html")):
        return ""
    return "; what came is a web page: if this network wants you to log in, do that first"


def _no_more(source: Iterable[bytes], entry: Entry, where: str, advice: str) -> Iterator[bytes]:
    """The same pieces; CorpusError once they are more bytes than the text has."""
    size = 0
    for piece in source:
        size += len(piece)
        if entry.bytes and size > entry.bytes:
            raise CorpusError(
                f"{where} is not the text of {entry.name}: it unpacks to more than its "
                f"{entry.bytes:,} bytes{advice}"
            )
        yield piece


def _accept(entry: Entry, text: Path, sha256: str, source: str, stamp: dict | None = None) -> Found:
    """Moves a verified text into the cache, with a note of what it is."""
    kept = {"sha256": sha256, "bytes": text.stat().st_size, "source": source}
    about = text.with_name("about.json")
    about.write_text(json.dumps(kept | {"pins": entry.pins, "stamp": stamp}))
    path = keep(text, "texts", f"{entry.name}-{sha256}.txt")
    keep(about, "texts", f"{entry.name}-{sha256}.json")
    return Found(path, sha256, source)


def _check(entry: Entry, text: Path, sha256: str, where: str, advice: str = "") -> None:
    """Raises CorpusError, naming both hashes, unless the text has every pinned hash."""
    for kind, wanted in entry.pins.items():
        found = sha256 if kind == "sha256" else digest(text, kind)
        if found != wanted:
            raise CorpusError(
                f"{where} is not the text of {entry.name}: its {kind} is {found} "
                f"({text.stat().st_size:,} bytes), the pinned one is {wanted} "
                f"({entry.bytes:,} bytes){advice}"
            )


def keep(file: Path, folder: str, name: str) -> Path:
    """Moves a finished file into the cache, in one step."""
    target = cache_folder() / folder / name
    target.parent.mkdir(exist_ok=True)
    return file.replace(target)


def uncompressed(file: str | Path) -> Path:
    """The path without its .xz, .gz or .bz2."""
    file = Path(file)
    return file.with_suffix("") if file.suffix.lower() in OPENERS else file


def _shown(source: Iterable[bytes], entry: Entry, progress: bool) -> Iterator[bytes]:
    """The same pieces, with a progress bar on stderr when they take longer than two seconds."""
    from tqdm import tqdm

    label = f"unpacking {entry.name}"
    with tqdm(
        total=entry.bytes or None,
        desc=label,
        unit="B",
        unit_scale=True,
        delay=2,
        leave=False,
        disable=not progress,
    ) as bar:
        for piece in source:
            yield piece
            bar.update(len(piece))
