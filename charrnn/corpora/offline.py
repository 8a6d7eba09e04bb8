"""Texts that need no download: `hello`, this book's own prose, and the sources of Python itself.

Each generator is `(target) -> None` and writes its text, UTF-8 with LF line ends, to `target`.
"""

from __future__ import annotations

import json
import sysconfig
import tokenize
from collections.abc import Callable
from pathlib import Path

from charrnn.corpora.texts import CorpusError

HELLO_REPEATS = 200
BOOK = Path(__file__).parents[2] / "book"
# Tests repeat each other, newer versions lack lib2to3, and site-packages is not Python's own.
LEFT_OUT = {"test", "tests", "idle_test", "lib2to3", "site-packages", "dist-packages"}


def hello(target: Path) -> None:
    """ "hello" 200 times over, with nothing between: 1,000 characters, of four kinds."""
    target.write_bytes(b"hello" * HELLO_REPEATS)


def book(target: Path) -> None:
    """The Markdown of book/*.md and of the cells of book/*.ipynb, in order of file names.

    The folder stands beside the package in a checkout of the repository, and only there. A blank
    line stands between two cells and between two files.
    """
    files = sorted(f for f in BOOK.glob("*") if f.suffix in (".md", ".ipynb"))
    if not files:
        raise CorpusError(
            "the corpus `book` needs a checkout of the repository: there are no pages (*.md, "
            f"*.ipynb) in {BOOK}"
        )
    prose = [text for f in files for text in _prose(f) if text]
    target.write_bytes(("\n\n".join(prose) + "\n").encode())


def python(target: Path) -> None:
    """The standard library of the running Python: every .py file, in order of its path.

    Without the tests, lib2to3, installed packages, the machine's own build settings, and the few
    files that are not in the encoding they declare. So the text differs from version to version.
    """
    root = Path(sysconfig.get_path("stdlib"))
    files = [f.relative_to(root) for f in root.rglob("*.py")]
    chosen = sorted((f for f in files if _is_library(f)), key=Path.as_posix)
    with target.open("wb") as out:
        for file in chosen:
            out.write(_source(root / file))
    if not target.stat().st_size:
        raise CorpusError(f"there are no .py files in {root}, Python's own library folder")


GENERATORS: dict[str, Callable[[Path], None]] = {"hello": hello, "book": book, "python": python}


def _prose(file: Path) -> list[str]:
    if file.suffix == ".md":
        return [file.read_text(encoding="utf-8").strip()]
    try:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        markdown = [cell["source"] for cell in cells if cell["cell_type"] == "markdown"]
    except (json.JSONDecodeError, KeyError, TypeError):
        raise CorpusError(f"{file} is not a notebook; mend it or move it out of the book") from None
    return [(s if isinstance(s, str) else "".join(s)).strip() for s in markdown]


def _is_library(file: Path) -> bool:
    built_here = file.name.startswith("_sysconfigdata") or file.parts[0].startswith("config-")
    return not built_here and LEFT_OUT.isdisjoint(file.parts)


def _source(file: Path) -> bytes:
    """A module as UTF-8, whatever encoding it declares; nothing where it cannot be decoded."""
    try:
        with tokenize.open(file) as source:  # universal newlines: every line ends in LF
            text = source.read()
    except (SyntaxError, UnicodeDecodeError):
        return b""
    return (text if text.endswith("\n") or not text else text + "\n").encode()
