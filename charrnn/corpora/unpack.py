"""From a download to a text: one function for each recipe that `corpora.toml` names.

Every recipe is `(download, target, **arguments) -> None`. It reads the downloaded file, writes the
text to `target`, and holds at most a few megabytes of it, half a gigabyte of kernel sources
included. Members of archives are read and never extracted, so that a path inside an archive is a
name to sort by and nothing else.

`most` is the largest file that it may write, in bytes; whatever a download claims or unpacks to, no
more comes to the disk, and what is held in memory has limits of its own, the constants below.
"""

from __future__ import annotations

import bz2
import csv
import errno
import gzip
import hashlib
import lzma
import re
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO
from xml.etree import ElementTree
from xml.parsers import expat

from charrnn.corpora.bounded import MOST, Bounded, Counted, bounded
from charrnn.corpora.texts import CHUNK, CorpusError
from charrnn.fields import Kind, Many, Number, Text, shown

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
MARKDOWN_LINK = re.compile(r"\[([^\]\[\n]*)\]\(([^()\s]*)\)")
LONGEST_ESSAY = 1 << 24  # characters; the csv module's own limit is 131,072 a field
LARGEST_PLAY = 1 << 22  # bytes of XML; Hamlet has about 280,000
LONGEST_HEADER = 1 << 16  # bytes of a long name or of attributes before a tarball's member
MEMORY = 1 << 28  # bytes for the decoder of an xz file; xz -9 needs 65 MiB
SKIPPED = 16  # times `most`: how large a tarball may be with what is not wanted of it
FAULTS = (
    *(OSError, EOFError, KeyError, ValueError, OverflowError, lzma.LZMAError, zlib.error),
    *(tarfile.TarError, zipfile.BadZipFile, csv.Error, ElementTree.ParseError, struct.error),
    RuntimeError,  # zipfile's, for a member that is encrypted or packed in a way of its own
)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
Part = tuple[str, int, int]  # the path of an archive's member, its offset in the spool, its size


def unpack(recipe: str, download: Path, target: Path, most: int = MOST, **arguments) -> None:
    """Applies a recipe by name; raises CorpusError where the download does not fit it.

    OSError where the disk is full.
    """
    if recipe not in RECIPES:
        raise CorpusError(f"recipe is {shown(recipe)}; it must be one of {', '.join(RECIPES)}")
    try:
        RECIPES[recipe](download, target, most=most, **arguments)
    except CorpusError:
        raise
    except FAULTS as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        detail = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise CorpusError(
            f"what was downloaded cannot be unpacked by {recipe} ({detail})"
        ) from None


def plain(download: Path, target: Path, *, most: int = MOST) -> None:
    """The file as it is."""
    _decompress(open, download, target, most)


def head(download: Path, target: Path, size: int, *, most: int = MOST) -> None:
    """The first `size` bytes of the file, which may not be shorter."""
    with download.open("rb") as source, bounded(target, most) as out:
        _copy(source, out, size)


def gunzip(download: Path, target: Path, *, most: int = MOST) -> None:
    """A gzip file, decompressed."""
    _decompress(gzip.open, download, target, most)


def bunzip2(download: Path, target: Path, *, most: int = MOST) -> None:
    """A bzip2 file, decompressed."""
    _decompress(bz2.open, download, target, most)


def unxz(download: Path, target: Path, *, most: int = MOST) -> None:
    """An xz file, decompressed; LZMAError where its decoder would take more than MEMORY."""
    with download.open("rb") as source, bounded(target, most) as out:
        piece = source.read(CHUNK)
        while True:  # one stream after another
            decoder = lzma.LZMADecompressor(memlimit=MEMORY)
            while not decoder.eof:
                if decoder.needs_input and not piece:
                    raise EOFError("the file ends before its stream does")
                out.write(decoder.decompress(piece, CHUNK))
                piece = source.read(CHUNK) if decoder.needs_input else b""
            piece = (decoder.unused_data or source.read(CHUNK)).lstrip(b"\0")
            if not piece:
                return


def zip_members(download: Path, target: Path, members: list[str], *, most: int = MOST) -> None:
    """Members of a zip file in the order given, nothing between them."""
    with zipfile.ZipFile(download) as archive, bounded(target, most) as out:
        for member in members:
            with archive.open(member) as source:
                shutil.copyfileobj(source, out, CHUNK)


def tar_by_name(download: Path, target: Path, suffix: str, *, most: int = MOST) -> None:
    """The files in a tarball's top folder that end in `suffix`, in bytewise order of names."""
    spool = target.with_name("spool")
    parts = _spool(download, spool, lambda path: "/" not in path and path.endswith(suffix), most)
    _join(spool, sorted(parts, key=lambda part: _raw(part[0])), target, most)


def tar_by_hash(
    download: Path, target: Path, suffixes: list[str], salt: str, *, most: int = MOST
) -> None:
    """A tarball's files that end in one of `suffixes`, in the order of their paths' hashes.

    The key is the hexadecimal SHA-256 of `salt` + path, the path without the top folder. Hashing
    spreads the folders evenly, so that the tail held out has the same kinds of code as the rest.
    """
    spool = target.with_name("spool")
    parts = _spool(download, spool, lambda path: path.endswith(tuple(suffixes)), most)
    parts.sort(key=lambda part: hashlib.sha256(_raw(salt + part[0])).digest())
    _join(spool, parts, target, most)


def essays(
    download: Path,
    target: Path,
    since: tuple[int, int] = (0, 1),
    until: tuple[int, int] = (9999, 12),
    *,
    most: int = MOST,
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
                    dated.append((when, int(row["id"] or ""), _clean(row["text"] or "")))
    finally:
        csv.field_size_limit(before)
    if not dated:
        raise CorpusError(f"no row is dated {since} to {until}")
    text = "\n\n".join(text for _, _, text in sorted(dated)) + "\n"
    with bounded(target, most) as out:
        out.write(text.encode())


def plays(download: Path, target: Path, path: str, order: list[str], *, most: int = MOST) -> None:
    """The speeches of XML plays in a tarball: the speaker and a colon, the lines, an empty line.

    `path` holds {play}, for which every name in `order` is put in turn; nothing stands between two
    plays. A speech ends at the first line that begins with a stage direction, and of a speech
    without a speaker only the empty line is left: so the text of 2015 was made.
    """
    spool = target.with_name("spool")
    wanted = [path.replace("{play}", play) for play in order]
    parts = {part[0]: part for part in _spool(download, spool, set(wanted).__contains__, most)}
    with spool.open("rb") as source, bounded(target, most) as out:
        for name in wanted:
            _, offset, size = parts[name]
            source.seek(offset)
            play = _parsed(source, name, size)
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

_NAMES = Many(Text(r"(?s).+", "a string that is not empty"), least=1)
_MONTH = Many(Number(high=9999, whole=True), 2, 2)
ARGUMENTS: dict[str, dict[str, Kind]] = {
    **{name: {} for name in ("plain", "gunzip", "bunzip2", "unxz")},
    "head": {"size": Number(above=True, high=10**12, whole=True)},
    "zip_members": {"members": _NAMES},
    "tar_by_name": {"suffix": Text()},
    "tar_by_hash": {"suffixes": _NAMES, "salt": Text()},
    "essays": {"since": _MONTH, "until": _MONTH},
    "plays": {"path": Text(r".*\{play\}.*", "a path with {play} in it"), "order": _NAMES},
}
"""What each recipe's arguments may hold; all are needed but those in OPTIONAL."""
OPTIONAL = {"essays": ("since", "until")}


def _copy(source: IO[bytes], out: Bounded, size: int) -> None:
    """Copies exactly `size` bytes; EOFError where there are fewer."""
    left = size
    while left:
        piece = source.read(min(left, CHUNK))
        if not piece:
            raise EOFError(f"{size - left:,} bytes of {size:,}")
        left -= len(piece)
        out.write(piece)


def _decompress(opener: Callable, download: Path, target: Path, most: int) -> None:
    with opener(download, "rb") as source, bounded(target, most) as out:
        shutil.copyfileobj(source, out, CHUNK)


class _Member(tarfile.TarInfo):
    """A member of a tarball whose name and attributes are not longer than they may be."""

    LONG = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, *tarfile.GNU_TYPES)

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> _Member:
        member = super().frombuf(buf, encoding, errors)
        if member.size < 0 or member.type == tarfile.GNUTYPE_SPARSE:
            raise CorpusError(f"the archive has a member with holes, {member.name[:60]!r}")
        if member.type in cls.LONG and member.size > LONGEST_HEADER:
            raise CorpusError(f"the archive has a header of {member.size:,} bytes")
        return member


def _spool(download: Path, spool: Path, wanted: Callable[[str], bool], most: int) -> list[Part]:
    """Copies the wanted regular files of a .tar.gz, in its own order, into one file on disk.

    A compressed tarball can only be read from its start to its end, and the texts need other
    orders; sorting happens on the offsets.
    """
    parts = []
    with gzip.open(download) as source, bounded(spool, most) as out:
        counted = Counted(source, SKIPPED * most)
        with tarfile.open(fileobj=counted, mode="r|", tarinfo=_Member) as archive:
            while (member := archive.next()) is not None:
                path = member.name.partition("/")[2]  # without the top folder
                if member.isreg() and wanted(path):
                    parts.append((path, out.written, member.size))
                    _copy(archive.extractfile(member), out, member.size)
                archive.members = []  # else tens of thousands of headers are kept
    return parts


def _join(spool: Path, parts: Iterable[Part], target: Path, most: int) -> None:
    with spool.open("rb") as source, bounded(target, most) as out:
        for _, offset, size in parts:
            source.seek(offset)
            _copy(source, out, size)


def _parsed(source: IO[bytes], name: str, size: int) -> ElementTree.Element:
    """An XML file of a tarball. CorpusError where it is too large or has entities of its own, which
    a few lines can nest so that they stand for gigabytes."""
    if size > LARGEST_PLAY:
        raise CorpusError(f"{name} has {size:,} bytes; a play may have at most {LARGEST_PLAY:,}")
    text = source.read(size)
    looking = expat.ParserCreate()
    looking.EntityDeclHandler = _refuse_entity
    with suppress(expat.ExpatError):  # ElementTree says the same, with the place
        looking.Parse(text, True)
    return ElementTree.fromstring(text)


def _refuse_entity(name: str, *_) -> None:
    raise CorpusError(f"the XML declares an entity, {name[:60]!r}; a play needs none")


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
