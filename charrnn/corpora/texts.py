"""Texts on disk: read in pieces, made plain, hashed, and put into the cache whole or not at all.

A corpus can be half a gigabyte, so nothing here holds a whole text in memory.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import hashlib
import itertools
import lzma
import os
import tempfile
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

CHUNK = 1 << 22  # bytes read at a time
OPENERS = {".xz": lzma.open, ".gz": gzip.open, ".bz2": bz2.open}
DAMAGE = (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile)
# UTF-32 stands first: its little-endian mark begins with that of UTF-16.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class CorpusError(ValueError):
    """A text that cannot be found, read, verified or split as asked."""


class CorpusWarning(UserWarning):
    """A text was changed on its way into the cache (the file itself never is)."""


def cache_folder() -> Path:
    """Where prepared texts are kept: $CHARRNN_CACHE, else `charrnn` in the user's cache folder."""
    if folder := os.environ.get("CHARRNN_CACHE"):
        return Path(folder).expanduser()
    import pooch

    return Path(pooch.os_cache("charrnn"))


@contextmanager
def workspace() -> Iterator[Path]:
    """A passing folder inside the cache; a finished file leaves it by `os.replace`.

    Being on the file system of the cache makes that move atomic, and whatever an error or Ctrl-C
    leaves unfinished goes with the folder.
    """
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        work = tempfile.TemporaryDirectory(dir=folder, prefix=".work-")
    except OSError as error:
        raise CorpusError(
            f"the cache folder {folder} cannot be written ({error.strerror}); "
            "set CHARRNN_CACHE to a folder that can"
        ) from None
    with work as path:
        yield Path(path)


def pieces(path: Path) -> Iterator[bytes]:
    """The bytes of a file in order, decompressed where its name ends in .xz, .gz or .bz2."""
    opener = OPENERS.get(path.suffix.lower(), open)
    try:
        with opener(path, "rb") as file:
            while piece := file.read(CHUNK):
                yield piece
    except DAMAGE as error:
        raise CorpusError(f"{path} is damaged or cut short ({error})") from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be read ({error.strerror or error})") from None


def write(source: Iterable[bytes], target: Path) -> str:
    """Writes pieces to a new file; the sha256 of what was written, from the same pass."""
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for piece in source:
            digest.update(piece)
            out.write(piece)
    return digest.hexdigest()


def digest(path: Path, kind: str = "sha256") -> str:
    """The hash of a file as it lies on disk: `sha256`, `md5`, or git's `git_blob_sha1`.

    Git hashes the word blob, the size and a zero byte before the contents.
    """
    state = hashlib.new("sha1" if kind == "git_blob_sha1" else kind, usedforsecurity=False)
    if kind == "git_blob_sha1":
        state.update(b"blob %d\0" % path.stat().st_size)
    try:
        with path.open("rb") as file:
            while piece := file.read(CHUNK):
                state.update(piece)
    except OSError as error:
        raise CorpusError(f"{path} cannot be read ({error.strerror or error})") from None
    return state.hexdigest()


def decoded(source: Iterable[bytes], encoding: str, name: str, offset: int = 0) -> Iterator[str]:
    """Pieces of bytes as pieces of text, whole characters only.

    Raises CorpusError, with the place, where the bytes are not in `encoding`; `offset` is the place
    of the first byte.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    for piece in itertools.chain(source, [None]):
        start = offset - len(decoder.getstate()[0])
        try:
            text = decoder.decode(piece or b"", final=piece is None)
        except UnicodeDecodeError as error:
            raise CorpusError(
                f"{name} is not {encoding.upper()}: byte 0x{error.object[error.start]:02x} at "
                f"offset {start + error.start}; convert it to UTF-8, or read its bytes with "
                'level="byte" (--level byte)'
            ) from None
        offset += len(piece or b"")
        if text:
            yield text


def normalised(source: Iterable[bytes], name: str) -> Iterator[bytes]:
    """A text as UTF-8 without byte order mark, every line ended by LF.

    CRLF and lone CR become LF, and a text that a mark shows to be UTF-16 or UTF-32 is decoded;
    each change is a CorpusWarning that says how many. Raises CorpusError where the bytes are in no
    such encoding.
    """
    source = iter(source)
    head = next(source, b"")
    mark, encoding = next((m for m in MARKS if head.startswith(m[0])), (b"", "utf-8"))
    if mark:
        became = "was dropped" if encoding == "utf-8" else "was dropped and the text made UTF-8"
        _warn(f"{name}: 1 byte order mark ({encoding.upper()}) {became}")
    body = itertools.chain([head[len(mark) :]], source)
    crlf = cr = 0
    held = ""  # a CR at the end of a piece, whose LF may begin the next
    for text in decoded(body, encoding, name, len(mark)):
        text = held + text
        held = "\r" if text.endswith("\r") else ""
        text = text[: len(text) - len(held)]
        pairs = text.count("\r\n")
        crlf, cr = crlf + pairs, cr + text.count("\r") - pairs
        yield text.replace("\r\n", "\n").replace("\r", "\n").encode()
    if held:
        cr += 1
        yield b"\n"
    for count, what in ((crlf, "CRLF line end"), (cr, "lone CR")):
        if count:
            _warn(f"{name}: {count} {what}{'s' * (count > 1)} became LF")


def _warn(message: str) -> None:
    warnings.warn(message, CorpusWarning, stacklevel=3)
