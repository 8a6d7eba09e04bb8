"""From a download to a text: one function for each recipe that `corpora.toml` names.

Every recipe is `(download, target, **arguments) -> None`. It reads the downloaded file, writes the
text to `target`, and holds at most a few megabytes of it, half a gigabyte of kernel sources
included. Members of archives are read and never extracted, so that a path inside an archive is a
name to sort by and nothing else.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import hashlib
import lzma
import re
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from charrnn.corpora.texts import CHUNK, CorpusError

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
MARKDOWN_LINK = re.compile(r"\[([^\]\[\n]*)\]\(([^()\s]*)\)")
LONGEST_ESSAY = 1 << 24  # characters; the csv module's own limit is 131,072 a field
FAULTS = (
    *(OSError, EOFError, KeyError, ValueError, lzma.LZMAError, zlib.error),
    *(tarfile.TarError, zipfile.BadZipFile, csv.Error, ElementTree.ParseError),
)
Part = tuple[str, int, int]  # the path of an archive's member, its offset in the spool, its size


def unpack(recipe: str, download: Path, target: Path, **arguments) -> None:
    """Applies a recipe by name; raises CorpusError where the download does not fit it."""
    if recipe not in RECIPES:
        raise CorpusError(f"recipe is {recipe!r}; it must be one of {', '.join(RECIPES)}")
    try:
        RECIPES[recipe](download, target, **arguments)
    except CorpusError:
        raise
    except FAULTS as error:
        detail = f"{type(error).__name__}: {error}"
        raise CorpusError(
            f"what was downloaded cannot be unpacked by {recipe} ({detail})"
        ) from None


def plain(download: Path, target: Path) -> None:
    """The file as it is."""
    shutil.copyfile(download, target)


def head(download: Path, target: Path, size: int) -> None:
    """The first `size` bytes of the file, which may not be shorter."""
    with download.open("rb") as source, target.open("wb") as out:
        _copy(source, out, size)


def gunzip(download: Path, target: Path) -> None:
    """A gzip file, decompressed."""
    _decompress(gzip.open, download, target)


def bunzip2(download: Path, target: Path) -> None:
    """A bzip2 file, decompressed."""
    _decompress(bz2.open, download, target)


def unxz(download: Path, target: Path) -> None:
    """An xz file, decompressed."""
    _decompress(lzma.open, download, target)


def zip_members(download: Path, target: Path, members: list[str]) -> None:
    """Members of a zip file in the order given, nothing between them."""
    with zipfile.ZipFile(download) as archive, target.open("wb") as out:
        for member in members:
            with archive.open(member) as source:
                shutil.copyfileobj(source, out, CHUNK)


def tar_by_name(download: Path, target: Path, suffix: str) -> None:
    """The files in a tarball's top folder that end in `suffix`, in bytewise order of names."""
    spool = target.with_name("spool")
    parts = _spool(download, spool, lambda path: "/" not in path and path.endswith(suffix))
    _join(spool, sorted(parts, key=lambda part: _raw(part[0])), target)


def tar_by_hash(download: Path, target: Path, suffixes: list[str], salt: str) -> None:
    """A tarball's files that end in one of `suffixes`, in the order of their paths' hashes.

    The key is the hexadecimal SHA-256 of `salt` + path, the path without the top folder. Hashing
    spreads the folders evenly, so that the tail held out has the same kinds of code as the rest.
    """
    spool = target.with_name("spool")
    parts = _spool(download, spool, lambda path: path.endswith(tuple(suffixes)))
    _join(spool, sorted(parts, key=lambda p: hashlib.sha256(_raw(salt + p[0])).digest()), target)


def essays(
    download: Path,
    target: Path,
    since: tuple[int, int] = (0, 1),
    until: tuple[int, int] = (9999, 12),
) -> None:
    """Dated essays of a CSV file (columns id, date, text), oldest first, a blank line between them.

    Takes the rows whose date is "<Month> <year>" from `since` to `until`, each (year, month) and
    inclusive. CRLF becomes LF, U+00A0 a space and U+FFFD an em dash (the source lost its dashes);
    of a Markdown link the text stays and the target goes.
    """
    dated = []
    before = csv.field_size_limit(LONGEST_ESSAY)
    try:
        with download.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                when = _month(row["date"])
                if when and tuple(since) <= when <= tuple(until):
                    dated.append((when, int(row["id"]), _clean(row["text"])))
    finally:
        csv.field_size_limit(before)
    if not dated:
        raise CorpusError(f"no row is dated {since} to {until}")
    text = "\n\n".join(text for _, _, text in sorted(dated)) + "\n"
    target.write_bytes(text.encode())


def plays(download: Path, target: Path, path: str, order: list[str]) -> None:
    """The speeches of XML plays in a tarball: the speaker and a colon, the lines, an empty line.

    `path` holds {play}, for which every name in `order` is put in turn; nothing stands between two
    plays. A speech ends at the first line that begins with a stage direction, and of a speech
    without a speaker only the empty line is left: so the text of 2015 was made.
    """
    spool = target.with_name("spool")
    wanted = [path.format(play=play) for play in order]
    parts = {part[0]: part for part in _spool(download, spool, set(wanted).__contains__)}
    with spool.open("rb") as source, target.open("wb") as out:
        for name in wanted:
            _, offset, size = parts[name]
            source.seek(offset)
            play = ElementTree.fromstring(source.read(size))
            out.write("".join(map(_speech, play.iter("SPEECH"))).encode())


RECIPES: dict[str, Callable[..., None]] = {
    "plain": plain,
    "head": head,
    "gunzip": gunzip,
    "bunzip2": bunzip2,
    "unxz": unxz,
    "zip_members": zip_members,
    "tar_by_name": tar_by_name,
    "tar_by_hash": tar_by_hash,
    "essays": essays,
    "plays": plays,
}


def _copy(source: IO[bytes], out: IO[bytes], size: int) -> None:
    """Copies exactly `size` bytes; EOFError where there are fewer."""
    left = size
    while left:
        piece = source.read(min(left, CHUNK))
        if not piece:
            raise EOFError(f"{size - left:,} bytes of {size:,}")
        left -= len(piece)
        out.write(piece)


def _decompress(opener: Callable, download: Path, target: Path) -> None:
    with opener(download, "rb") as source, target.open("wb") as out:
        shutil.copyfileobj(source, out, CHUNK)


def _spool(download: Path, spool: Path, wanted: Callable[[str], bool]) -> list[Part]:
    """Copies the wanted regular files of a tarball, in its own order, into one file on disk.

    A compressed tarball can only be read from its start to its end, and the texts need other
    orders; sorting happens on the offsets.
    """
    parts = []
    with tarfile.open(download, "r|*") as archive, spool.open("wb") as out:
        while (member := archive.next()) is not None:
            path = member.name.partition("/")[2]  # without the top folder
            if member.isreg() and wanted(path):
                parts.append((path, out.tell(), member.size))
                _copy(archive.extractfile(member), out, member.size)
            archive.members = []  # else tens of thousands of headers are kept
    return parts


def _join(spool: Path, parts: Iterable[Part], target: Path) -> None:
    with spool.open("rb") as source, target.open("wb") as out:
        for _, offset, size in parts:
            source.seek(offset)
            _copy(source, out, size)


def _raw(path: str) -> bytes:
    """A member's path as the bytes that stand in the archive."""
    return path.encode("utf-8", "surrogateescape")


def _month(date: str) -> tuple[int, int] | None:
    """ "May 2015" as (2015, 5); None for anything else."""
    found = re.fullmatch(r"([A-Z][a-z]+) (\d{4})", date or "")
    if not found or found[1] not in MONTHS:
        return None
    return int(found[2]), MONTHS.index(found[1]) + 1


def _clean(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\u00a0", " ").replace("\ufffd", "\u2014")
    return MARKDOWN_LINK.sub(r"\1", text).strip()


def _speech(speech: ElementTree.Element) -> str:
    speaker = speech.findtext("SPEAKER")
    if not speaker:
        return "\n"
    lines = [speaker + ":"]
    for line in speech.findall("LINE"):
        if line.text is None:
            break
        lines.append(line.text)
    return "\n".join(lines) + "\n\n"
