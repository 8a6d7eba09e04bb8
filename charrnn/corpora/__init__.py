"""A text by name or by path: found or downloaded, verified against its hash, made plain.

    name ─┬─ needs no download? ─ generated ────────┐
          ├─ $CHARRNN_DATA has it? ─ decompressed ──┤
          ├─ cached? ───────────────────────────────┼─ hash as pinned? ─┬─ Corpus
          └─ else downloaded ─ unpacked ────────────┘                   │
    path ─── decompressed ─ UTF-8 with LF line ends ────────────────────┘

Names, addresses, hashes and licences stand in `corpora.toml`. Nothing is written outside the cache
folder: the user's files and those in $CHARRNN_DATA are only read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from charrnn.corpora.catalogue import Entry, entries, find_entry
from charrnn.corpora.encode import encode_corpus
from charrnn.corpora.splits import (
    Split,
    split_char_rnn,
    split_contiguous,
    split_lines,
    split_pages,
)
from charrnn.corpora.store import Found, cached, find, keep, prepared, recheck, uncompressed
from charrnn.corpora.texts import (
    CorpusError,
    CorpusWarning,
    cache_folder,
    check_file,
    normalised,
    pieces,
    workspace,
    write,
)
from charrnn.fields import shown
from charrnn.vocab import LEVELS

__all__ = [
    "Corpus",
    "CorpusError",
    "CorpusWarning",
    "Split",
    "cache_folder",
    "corpus_names",
    "describe",
    "encode_corpus",
    "fetch",
    "load_corpus",
    "split_char_rnn",
    "split_contiguous",
    "split_lines",
    "split_pages",
    "verify",
]


@dataclass(frozen=True)
class Corpus:
    """A text at hand."""

    name: str
    title: str
    path: Path
    """A file that holds exactly the training text."""
    sha256: str
    """Of that text."""
    n_bytes: int
    level: str
    """What a model of it predicts: char or byte."""
    licence: str
    attribution: str
    """The credit line to print with anything made from the text."""
    url: str
    """The canonical address; empty for a user's file and for a text that needs no download."""
    shareable: bool
    """False where the rights holder has not allowed the text to be passed on."""
    source: str
    """Where it came from: CHARRNN_DATA, download, file or offline."""

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise CorpusError(
                f"level is {shown(self.level)}; it must be one of {', '.join(LEVELS)}"
            )

    def read_bytes(self) -> bytes:
        """The whole text as bytes, in memory."""
        return self.path.read_bytes()

    def read_text(self) -> str:
        """The whole text as a string, in memory; CorpusError where it is not UTF-8."""
        try:
            return self.read_bytes().decode()
        except UnicodeDecodeError:
            raise CorpusError(f"{self.name} is not UTF-8 throughout; use read_bytes()") from None


def corpus_names() -> list[str]:
    """The names that `load_corpus` knows."""
    return list(entries())


def load_corpus(
    name_or_path: str | Path, level: str | None = None, progress: bool = True
) -> Corpus:
    """A text by name (see `corpus_names`) or by path.

    A Path, or a string with a folder or a suffix in it, is a file; a bare word is the corpus of
    that name, else a file; "-" is standard input. It may be a pipe, and compressed (.xz, .gz,
    .bz2). At level char, the default
    for files, it has to be UTF-8, or UTF-16 or UTF-32 with a byte order mark; a copy without the
    mark and with LF line ends goes into the cache, and each change is a CorpusWarning. At level
    byte the bytes stay as they are, marks and line ends included.

    `progress` draws a bar on stderr for what takes long. Raises CorpusError, one line that says
    what to do, for an unknown name; a file that is missing, empty, unreadable, a device or in
    another encoding; a hash that is not the pinned one; and a download that fails at every address.
    """
    if level is not None and level not in LEVELS:
        raise CorpusError(f"level is {shown(level)}; it must be one of {', '.join(LEVELS)}")
    if name_or_path == "-":
        return _load_file(Path("/dev/stdin"), level or "char")
    if _names_a_file(name_or_path):
        return _load_file(Path(name_or_path).expanduser(), level or "char")
    entry = find_entry(str(name_or_path))
    level = level or entry.level
    if level == "char" and entry.encoding != "utf-8":
        raise CorpusError(f'{entry.name} is not UTF-8 throughout; its level has to be "byte"')
    return _corpus(entry, level, find(entry, progress))


def fetch(name: str, progress: bool = True) -> Corpus:
    """Brings a corpus by name to this machine and verifies it; at once where it is there."""
    entry = find_entry(name)
    return _corpus(entry, entry.level, find(entry, progress))


def verify(name: str, required: bool = False) -> str:
    """Hashes a text anew, wherever it would come from now, and says in one line what was found.

    Downloads nothing. Raises CorpusError where the hash is not the pinned one and, if the text is
    `required`, where it is not on this machine.
    """
    entry = find_entry(name)
    found = recheck(entry)
    if found is None:
        line = f"{name}: not on this machine; `charrnn corpora fetch {name}` downloads it"
        if required:
            raise CorpusError(line)
        return line
    pinned = "as pinned" if entry.pins else "not pinned"
    size = found.path.stat().st_size
    return f"{name}: {size:,} bytes, sha256 {found.sha256}, {pinned} (from {found.source})"


def describe() -> list[dict]:
    """All corpora: name, title, bytes (0 where not fixed), licence, and source.

    The source is where the text would come from now: offline, CHARRNN_DATA, cached, or the address
    of the download.
    """
    return [
        {
            "name": entry.name,
            "title": entry.title,
            "bytes": entry.bytes,
            "licence": entry.licence,
            "source": _source(entry),
        }
        for entry in entries().values()
    ]


def _source(entry: Entry) -> str:
    if entry.generator:
        return "offline"
    if entry.parts:
        return " and ".join(entry.parts)
    if prepared(entry):
        return "CHARRNN_DATA"
    return "cached" if cached(entry) else entry.url


def _names_a_file(given: str | Path) -> bool:
    if isinstance(given, Path):
        return True
    if Path(given).name != given or Path(given).suffix:
        return True
    return given not in entries() and os.path.lexists(given)


def _load_file(file: Path, level: str) -> Corpus:
    check_file(file)
    stem = uncompressed(file).stem
    source = pieces(file) if level == "byte" else normalised(pieces(file), str(file))
    with workspace() as work:
        sha256 = write(source, work / "text")
        if not (size := (work / "text").stat().st_size):
            raise CorpusError(f"{file} is empty; there is nothing to learn from it")
        path = keep(work / "text", "files", f"{stem[:40]}-{sha256}.txt")
    return Corpus(
        name=stem,
        title=file.name,
        path=path,
        sha256=sha256,
        n_bytes=size,
        level=level,
        licence="not stated",
        attribution="",
        url="",
        shareable=True,  # whether a text of one's own may be passed on is for its owner to say
        source="file",
    )


def _corpus(entry: Entry, level: str, found: Found) -> Corpus:
    return Corpus(
        name=entry.name,
        title=entry.title,
        path=found.path,
        sha256=found.sha256,
        n_bytes=found.path.stat().st_size,
        level=level,
        licence=entry.licence,
        attribution=entry.attribution,
        url=entry.url,
        shareable=entry.shareable,
        source=found.source,
    )
