r"""Typeset LaTeX that a model wrote, safely: does it compile, and what does the page look like?

A text is cut at an empty line at both ends, wrapped in a preamble of our own (amsart, Xy-pic, and
the environments and commands whose names the Stacks project's text uses), and given to an engine
that may write to a temporary folder only, may read nothing outside of it but its own distribution,
may start no other program, and has limits of time, memory and size of files.

pdfLaTeX is used; where there is none, `find_engine` returns None. XeLaTeX and LuaLaTeX are not,
though they would do: the one's driver can embed files, and a document could have the other run Lua.
What pdfLaTeX opens, it checks by `openin_any` and `openout_any`, but for \pdfobj, which reads any
file into the PDF: so that is taken away, and \pdfprimitive, which would bring it back.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from charrnn.structure.nesting import Mark, nest
from charrnn.structure.tex import (
    ENVIRONMENTS,
    HEADINGS,
    LISTS,
    TOP,
    Token,
    environments,
    is_border,
    tokens,
)

ENGINE = "pdflatex"
SECONDS = 20
"""Seconds of the clock that a document may take; half of them on the processor."""
MEMORY = 1_000_000
"""Kilobytes of memory."""
FILE_SIZE = 8_000_000
"""Bytes of a file that it writes."""
ALL_FILES = 64_000_000
"""Bytes of all files that it writes, looked at twice a second."""
PREAMBLE = r"""\documentclass{amsart}
\usepackage{amssymb,mathrsfs,multicol,verbatim,url}
\usepackage[all,2cell]{xy}
\UseAllTwocells
\newtheorem{theorem}{Theorem}[section]
\newtheorem{proposition}[theorem]{Proposition}
\newtheorem{lemma}[theorem]{Lemma}
\newtheorem{corollary}[theorem]{Corollary}
\theoremstyle{definition}
\newtheorem{definition}[theorem]{Definition}
\newtheorem{example}[theorem]{Example}
\newtheorem{exercise}[theorem]{Exercise}
\newtheorem{situation}[theorem]{Situation}
\newtheorem{remark}[theorem]{Remark}
\newtheorem{remarks}[theorem]{Remarks}
\newenvironment{slogan}{\begin{quote}\itshape}{\end{quote}}
\newenvironment{reference}{\begin{quote}\small}{\end{quote}}
\newenvironment{history}{\begin{quote}\small}{\end{quote}}
\DeclareMathOperator{\Spec}{Spec}
\DeclareMathOperator{\Hom}{Hom}
\DeclareMathOperator{\Mor}{Mor}
\DeclareMathOperator{\Ob}{Ob}
\DeclareMathOperator{\NL}{NL}
\DeclareMathOperator*{\colim}{colim}
\newcommand{\SheafHom}{\operatorname{\mathscr{H}\!\mathit{om}}}
\newcommand{\Sch}{\textit{Sch}}
\newcommand{\Sh}{\textit{Sh}}
\newcommand{\QCoh}{\textit{QCoh}}
\newcommand{\etale}{{\acute{e}tale}}
\newcommand{\proetale}{{pro\text{-}\etale}}
\newcommand{\Ker}{\text{Ker}}
\newcommand{\Coker}{\text{Coker}}
\newcommand{\Coim}{\text{Coim}}
\renewcommand{\Im}{\text{Im}}
\newcommand{\hyperref}[2][]{#2}
\newcommand{\href}{\begingroup\catcode`\%=12 \catcode`\#=12 \catcode`\_=12 \catcode`\&=12 \hreftext}
\newcommand{\hreftext}[2]{\endgroup #2}
\newcommand{\phantomsection}{}
\newcommand{\externaldocument}[2][]{}
\renewcommand{\bibliography}[1]{}
\renewcommand{\bibliographystyle}[1]{}
\renewcommand{\title}[2][]{\begin{center}\bfseries #2\end{center}}
\renewcommand{\maketitle}{}
\renewcommand{\tableofcontents}{}
\begin{document}
\pagestyle{empty}\thispagestyle{empty}\raggedbottom
\renewcommand{\input}[1]{}\let\pdfobj\undefined\let\pdfprimitive\undefined
"""
_WHOLE = "every character was typeset"
_CLOSING = f"\n\\typeout{{{_WHOLE}}}\n\\end{{document}}\n"

_FRAME = re.compile(r"\\(?:begin|end)[ ]?\{document\}[ \t]*\n?")
_PARAGRAPH = re.compile(r"\n[ \t]*\n[ \t\n]*")
_ERROR = re.compile(r"^(?:\./)?text\.[a-z]+:(\d+): (.*)$|^! (.*)$", re.MULTILINE)
_LINE = re.compile(r"^l\.(\d+) ?(.*)\n(.*)", re.MULTILINE)
_PAGES = re.compile(r"Output written on text\.pdf \((\d+) pages?")


@dataclass(frozen=True)
class Engine:
    """A LaTeX program of this machine."""

    name: str
    path: str
    version: str


@cache
def find_engine() -> Engine | None:
    """The machine's pdfLaTeX; None where there is none (nor `sh`)."""
    path = shutil.which(ENGINE)
    if path is None or os.name != "posix" or not Path("/bin/sh").exists():
        return None
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return Engine(ENGINE, path, told.stdout.split("\n", 1)[0])


@dataclass(frozen=True)
class Cut:
    r"""The part of a text that is compiled, and what its cut makes necessary around it."""

    before: str
    r"""\begin{...} of environments that were open where it begins"""
    text: str
    after: str
    r"""\end{...} of those that are open where it ends"""

    @property
    def body(self) -> str:
        """What is given to the engine."""
        return self.before + self.text + self.after


def cut(text: str) -> Cut:
    r"""Cut a text at its first and its last empty line, and open and close what the cut cut off.

    A closing \end of a known environment that nothing opened is taken to have been opened before
    the text, as long as no statement, proof or heading (which stand in no environment) has come;
    later ones are the text's own mistakes. What waits at the end is taken to be closed behind it,
    unless a statement, proof or heading has begun since, before which it had to be closed. Lone
    \item in a text without any of these stand in a list that is cut at both ends. The frame of a
    file, \begin{document} and \end{document}, is taken out. A text with less than two empty lines
    is cut at its first and last border (see `structure.latex`); without any, nothing is left.
    """
    text = _FRAME.sub("", text)
    breaks = list(_PARAGRAPH.finditer(text))
    if len(breaks) > 1:
        text = text[breaks[0].end() : breaks[-1].start()]
    else:
        borders = [t for t in tokens(text) if is_border(t)]
        text = text[_edge(borders[0], True) : _edge(borders[-1], False)] if borders else ""
    found = list(tokens(text))
    nesting = nest(environments(found))
    tops = [t.start for t in found if t.kind == "begin" and t.name in TOP]
    tops += [t.start for t in found if t.kind == "command" and t.name in HEADINGS]
    first, last = min(tops, default=len(text)), max(tops, default=-1)
    opened = [m.name for m in nesting.unopened if m.start < first and m.name in ENVIRONMENTS]
    waiting = [m for m in nesting.pending if m.end > last and m.name in ENVIRONMENTS]
    items = [t.start for t in found if t.name == r"\item"]
    after = [_ending(mark, items) for mark in reversed(waiting)]
    if not tops and not LISTS & set(opened) and _lone_item(found):
        opened.append("enumerate")
        after.append(r"\end{enumerate}")
    inside = bool(opened) and opened[0] in LISTS and not text.lstrip().startswith(r"\item")
    before = [f"\\begin{{{name}}}" + r"\item" * (name in LISTS) for name in reversed(opened[1:])]
    before += [f"\\begin{{{name}}}" + r"\item" * inside for name in opened[:1]]
    return Cut("".join(f"{b}\n" for b in before), text, "".join(f"\n{a}" for a in after))


def _edge(border: Token, first: bool) -> int:
    """Where a text is cut at a border, which belongs to it or not."""
    inside = border.kind in ("begin", "command") if first else border.kind == "end"
    return border.start if inside == first else border.end


def _ending(mark: Mark, items: list[int]) -> str:
    empty = mark.name in LISTS and not any(at >= mark.end for at in items)
    return r"\item" * empty + f"\\end{{{mark.name}}}"


def _lone_item(found) -> bool:
    r"""Whether an \item stands in no list."""
    lists = 0
    for token in found:
        if token.name in LISTS:
            lists = max(0, lists + (1 if token.kind == "begin" else -1))
        elif token.name == r"\item" and not lists:
            return True
    return False


@dataclass(frozen=True)
class Fault:
    """The first error of a document."""

    message: str
    place: int | None
    """Characters of the body that the engine had read; None where it does not say."""
    read: tuple[str, ...]
    """What the engine says it had just read, the innermost first: macros, arguments, the line."""


class Outcome(NamedTuple):
    """What became of a document."""

    compiled: bool
    """Typeset to its end without an error."""
    pages: int
    fault: Fault | None
    pdf: bytes | None
    log: str


def typeset(body: str, engine: Engine, go_on: bool = False, seconds: float = SECONDS) -> Outcome:
    """Typeset a body in the preamble. It stops at the first error, or, with `go_on`, at none."""
    with TemporaryDirectory(prefix="charrnn-latex-") as folder:
        whole = (PREAMBLE + body + _CLOSING).encode("utf-8", errors="replace")
        (Path(folder) / "text.tex").write_bytes(whole)
        late = _run(engine, Path(folder), go_on, seconds)
        log = _read(Path(folder) / "text.log").decode(errors="replace")
        pdf = _read(Path(folder) / "text.pdf")
    pages = int(found[1]) if (found := _PAGES.search(log)) else 0
    fault = Fault(late, None, ()) if late else _first_fault(log, body)
    compiled = fault is None and pages > 0 and _WHOLE in log
    if not compiled and fault is None:
        fault = Fault("no page" if _WHOLE in log else "ended before the end of the text", None, ())
    return Outcome(compiled, pages if compiled else 0, fault, pdf if compiled else None, log)


def _run(engine: Engine, folder: Path, go_on: bool, seconds: float) -> str | None:
    """Run the engine on text.tex; what stopped it, where a limit did."""
    limits = (
        f"ulimit -t {max(1, int(seconds / 2))}; ulimit -v {MEMORY}; ulimit -f {FILE_SIZE // 512}"
    )
    options = ["-interaction=batchmode", "-file-line-error", "-no-shell-escape"]
    options += [] if go_on else ["-halt-on-error"]
    command = [engine.path, *options, "text.tex"]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "TMPDIR": str(folder),
        "LC_ALL": "C", "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1",
        "openin_any": "p", "openout_any": "p", "shell_escape": "f",
        "MKTEXPK": "0", "MKTEXTFM": "0", "MKTEXMF": "0", "MKTEXTEX": "0",
        "error_line": "254", "half_error_line": "239", "max_print_line": "2000",
    }  # fmt: skip
    quiet = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    shell = ["/bin/sh", "-c", f'{limits}; exec "$@"', "sh"]
    running = subprocess.Popen(
        shell + command, cwd=folder, env=environment, start_new_session=True, **quiet
    )
    try:
        stopped = _watch(running, folder, seconds)
    finally:  # whatever it started, too
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        code = running.wait()
    return stopped or ("stopped at a limit of time, memory or size" if code < 0 else None)


def _watch(running: subprocess.Popen, folder: Path, seconds: float) -> str | None:
    """Wait for the engine; why it has to be stopped, where it has."""
    end = time.monotonic() + seconds
    while True:
        try:
            running.wait(max(0, min(0.5, end - time.monotonic())))
            return None
        except subprocess.TimeoutExpired:
            if time.monotonic() >= end:
                return f"ran past {seconds:g} seconds"
            if _size(folder) > ALL_FILES:
                return f"wrote more than {ALL_FILES:,} bytes"


def _size(folder: Path) -> int:
    """Bytes of the files of a folder, one of which may just go."""
    size = 0
    for file in folder.iterdir():
        with suppress(FileNotFoundError):
            size += file.lstat().st_size
    return size


def _read(path: Path) -> bytes:
    if not path.is_file() or path.is_symlink():
        return b""
    with path.open("rb") as file:
        return file.read(FILE_SIZE)


def _first_fault(log: str, body: str) -> Fault | None:
    match = _ERROR.search(log)
    if match is None:
        return None
    message = match[2] or match[3]
    line = _LINE.search(log, match.end())
    if line is None:
        return Fault(message, None, ())
    read = [x for x in log[match.end() : line.start()].split("\n") if x.strip()]
    before = line[2]
    row = int(line[1]) - PREAMBLE.count("\n") - 1
    lines = body.split("\n")
    if not 0 <= row < len(lines):
        return Fault(message, len(body) if row >= len(lines) else 0, (*read, before))
    place = sum(len(x) + 1 for x in lines[:row])
    if before.startswith("..."):
        at = lines[row].rfind(before[3:])
        column = len(lines[row]) if at < 0 else at + len(before) - 3
    else:
        column = min(len(before), len(lines[row]))
    return Fault(message, place + column, (*read, before))


def picture(pdf: bytes, page: int = 0, width: int = 900) -> bytes:
    """A page as a PNG of 16 greys, cropped to what is printed, its text `width` pixels wide."""
    import pypdfium2
    from PIL import Image, ImageOps

    document = pypdfium2.PdfDocument(pdf)
    try:
        scale = min(4, 4000 / max(document[page].get_size()))  # a page may say that it is huge
        image = document[page].render(scale=scale, grayscale=True).to_pil().convert("L")
    finally:
        document.close()
    box = ImageOps.invert(image).getbbox() or (0, 0, *image.size)
    image = ImageOps.expand(image.crop(box), border=24, fill=255)
    size = (width, max(1, round(image.height * width / image.width)))
    small = io.BytesIO()
    grey = image.resize(size, Image.Resampling.LANCZOS).quantize(16)
    grey.save(small, "png", optimize=True)
    return small.getvalue()
