"""Texts on disk: read in pieces, made plain, hashed, and put into the cache whole or not at all.

A corpus can be half a gigabyte, so nothing here holds a whole text in memory.
"""

from __future__ import annotations

import bz2
import codecs
import errno
import gzip
import hashlib
import itertools
import lzma
import os
import select
import shutil
import stat
import tempfile
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 22  # bytes read at a time
OPENERS = {".xz": lzma.open, ".gz": gzip.open, ".bz2": bz2.open}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PATIENCE = 30.0  # seconds until something has to come from a pipe
SHOWN = 1 << 16  # bytes of a text's beginning by which its encoding is told
STALE = 24 * 3600.0  # seconds after which a passing folder is one that a killed process left
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
    leaves unfinished goes with the folder; what a killed process left goes a day later. Raises
    CorpusError where the cache cannot be written, or is full.
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
    _sweep(folder)
    try:
        with work as path:
            yield Path(path)
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise CorpusError(
            f"the cache folder {folder} has no room for the text ({error.strerror}); free some, "
            "or set CHARRNN_CACHE to a folder that has it"
        ) from None


def _sweep(folder: Path) -> None:
    """Remove passing folders that nobody has written to for a day."""
    for left in folder.glob(".work-*"):
        with suppress(OSError):
            if time.time() - max(p.stat().st_mtime for p in (left, *left.iterdir())) > STALE:
                shutil.rmtree(left, ignore_errors=True)


def check_file(file: Path) -> None:
    """CorpusError, with what to do, unless a path leads to a file or to a pipe."""
    if not _speakable(file):
        raise CorpusError(f"the name of {str(file)!r} is not UTF-8; rename the file")
    try:
        mode = os.stat(file).st_mode
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise CorpusError(_unfound(file, error)) from None
    if stat.S_ISDIR(mode):
        raise CorpusError(f"{file} is a folder; give a text file")
    if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
        what = "socket" if stat.S_ISSOCK(mode) else "terminal or another device"
        raise CorpusError(f"{file} is a {what}; give a text file")


def _speakable(file: Path) -> bool:
    try:
        str(file).encode()
    except UnicodeEncodeError:
        return False
    return True


def _unfound(file: Path, error: OSError | ValueError) -> str:
    if os.path.islink(file):
        what = (
            "goes round in a circle" if getattr(error, "errno", 0) == errno.ELOOP else "is broken"
        )
        return f"{file} is a link that {what} (to {os.readlink(file)}); give a text file"
    if isinstance(error, PermissionError):
        return f"{file} cannot be read ({error.strerror}); ask for the right to, or copy it"
    return f"there is no file {file} (in {file.absolute().parent})"


def pieces(path: Path) -> Iterator[bytes]:
    """The bytes of a file or pipe, decompressed where its name ends in .xz, .gz or .bz2.

    Raises CorpusError where it cannot be read or is damaged, and where a pipe stays silent from the
    start; once something came, the rest is waited for.
    """
    opener = OPENERS.get(path.suffix.lower())
    try:
        with _opened(path) as raw, opener(raw, "rb") if opener else nullcontext(raw) as file:
            while piece := file.read(CHUNK):
                yield piece
    except DAMAGE as error:
        raise CorpusError(f"{path} is damaged or cut short ({error})") from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be read ({error.strerror or error})") from None


def _opened(path: Path) -> BinaryIO:
    """A file, or a pipe that has something to read: opening one as a file could take for ever."""
    if not stat.S_ISFIFO(os.stat(path).st_mode):
        return open(path, "rb")
    pipe = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    if not select.select([pipe], [], [], PATIENCE)[0]:
        pipe.close()
        raise CorpusError(
            f"{path} is a pipe that gave nothing for {PATIENCE:g} s; start what writes to it, or "
            "give a text file"
        )
    os.set_blocking(pipe.fileno(), True)
    return pipe


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
    each change is a CorpusWarning that says how many, and so are NULs, which stay. Raises
    CorpusError where the bytes are in no such encoding, or look like one without its mark.
    """
    source = iter(source)
    head = next(source, b"")
    mark, encoding = next((m for m in MARKS if head.startswith(m[0])), (b"", "utf-8"))
    if not mark and (wide := _unmarked(head[:SHOWN])):
        raise CorpusError(
            f"{name} looks like {wide} without a byte order mark; convert it to UTF-8 "
            f'(iconv -f {wide} -t UTF-8), or read its bytes with level="byte" (--level byte)'
        )
    if mark:
        became = "was dropped" if encoding == "utf-8" else "was dropped and the text made UTF-8"
        _warn(f"{name}: 1 byte order mark ({encoding.upper()}) {became}")
    body = itertools.chain([head[len(mark) :]], source)
    crlf = cr = nul = 0
    held = ""  # a CR at the end of a piece, whose LF may begin the next
    for text in decoded(body, encoding, name, len(mark)):
        text = held + text
        held = "\r" if text.endswith("\r") else ""
        text = text[: len(text) - len(held)]
        pairs = text.count("\r\n")
        crlf, cr = crlf + pairs, cr + text.count("\r") - pairs
        nul += text.count("\0")
        yield text.replace("\r\n", "\n").replace("\r", "\n").encode()
    if held:
        cr += 1
        yield b"\n"
    for count, what in ((crlf, "CRLF line end"), (cr, "lone CR")):
        if count:
            _warn(f"{name}: {count} {what}{'s' * (count > 1)} became LF")
    if nul:
        _warn(f"{name}: {nul} NUL character{'s' * (nul > 1)} (0x00) kept; is it really a text?")


def _unmarked(head: bytes) -> str:
    """UTF-16LE, ... where the beginning of a file without a mark looks like it; else nothing.

    Two bytes a character: of the high ones at least one in twenty is NUL, as a space's or a line
    end's, and with one other value, the alphabet's, NULs are nearly all; nearly none of the low
    ones is NUL. Four bytes: the highest is always NUL, the next nearly always.
    """
    if head.count(0) < 4:
        return ""
    nul = [head[i::4].count(0) / len(head[i::4]) for i in range(4)]
    if nul[3] == 1 and nul[2] > 0.9 and nul[0] < 0.1:
        return "UTF-32LE"
    if nul[0] == 1 and nul[1] > 0.9 and nul[3] < 0.1:
        return "UTF-32BE"
    for high, low, wide in (
        (head[1::2], head[::2], "UTF-16LE"),
        (head[::2], head[1::2], "UTF-16BE"),
    ):
        usual = sum(n for _, n in Counter(high).most_common(2))
        if (
            20 * high.count(0) > len(high)
            and usual > 0.9 * len(high)
            and 100 * low.count(0) < len(low)
        ):
            return wide
    return ""


def _warn(message: str) -> None:
    warnings.warn(message, CorpusWarning, stacklevel=3)
