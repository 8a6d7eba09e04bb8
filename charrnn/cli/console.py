"""What a person sees of a command: notes and errors as single lines, and the exit status."""

from __future__ import annotations

import errno
import os
import re
import shlex
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout

from charrnn.corpora import CorpusWarning
from charrnn.train import Interrupted

DONE, FAILED, WRONG, STOPPED = 0, 1, 2, 130
INPUT = (
    ValueError,  # with every error of the library's own about what it was given
    FileNotFoundError,
    FileExistsError,
    PermissionError,
    IsADirectoryError,
    NotADirectoryError,
)
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""C0 and C1 but for tab and newline: what drives a terminal."""
BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""All of them, line separators and what turns the direction of writing: what would break a message
in two, or make it look like another one."""
NAMES = (errno.ENAMETOOLONG, errno.ELOOP, errno.EROFS)  # a path that cannot be, or not be written


def carry_out(args) -> int:
    """Run a parsed command; its exit status, with one line on stderr where that is not 0."""
    with warnings.catch_warnings(), _calm_terminal():
        warnings.simplefilter("always", CorpusWarning)
        warnings.showwarning = _show
        try:
            args.run(args)
            sys.stdout.flush()
        except BrokenPipeError:  # the reader of our output has seen enough, as `head` does
            _let_go_of_stdout()
        except Interrupted as stopped:
            return _fail(STOPPED, f"{stopped}; go on with: charrnn resume {_folder(args)}")
        except KeyboardInterrupt:
            return _fail(STOPPED, "stopped")
        except Exception as error:
            if os.environ.get("CHARRNN_DEBUG"):
                traceback.print_exc()
            return _fail(WRONG if _is_input(error) else FAILED, describe(error))
    return DONE


def mend_streams() -> None:
    """Where a stream was closed on start (`>&-`), take one that holds nothing: print would turn to
    another stream instead."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 (as long as the process)


def say(*lines: str) -> None:
    """Lines for the person, on stderr, with control characters shown."""
    for line in lines:
        print(calm(line), file=sys.stderr)


def calm(text: str, which: re.Pattern[str] = CONTROLS) -> str:
    """The text with control characters as Python writes them: an escape as backslash, x1b."""
    return which.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """A message as one line that drives no terminal, whatever is in the names that it holds."""
    return calm(text, BREAKING)


@contextmanager
def _calm_terminal() -> Iterator[None]:
    """stdout through `_Calm` where it is a terminal; a file or pipe gets what is written."""
    with redirect_stdout(_Calm(sys.stdout)) if sys.stdout.isatty() else nullcontext():
        yield


class _Calm:
    """A terminal that is shown the control characters in what is printed to it."""

    def __init__(self, stream) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(calm(text))

    def __getattr__(self, name):
        return getattr(self._stream, name)


def quoted(path) -> str:
    """A path as it can be typed in a shell."""
    return shlex.quote(str(path))


def describe(error: BaseException) -> str:
    """An error as one line."""
    if isinstance(error, UnicodeDecodeError):
        shown = f"the input is not {error.encoding.upper()} at byte {error.start} ({error.reason})"
    elif isinstance(error, OSError) and error.filename is not None:
        shown = one_line(f"{error.filename}: {(error.strerror or str(error)).lower()}")
    elif isinstance(error, OSError) and error.strerror:
        shown = error.strerror.lower()
    elif _of_the_library(error):
        shown = one_line(str(error))
    else:
        shown = one_line(" ".join(str(error).split()))
    if _out_of_memory(error):
        return "not enough memory; take a smaller --hidden, --batch or --seq (or --n, of a sample)"
    if isinstance(error, (*INPUT, OSError)) or _of_the_library(error):
        return shown
    return f"{type(error).__name__}: {shown[:300]} (CHARRNN_DEBUG=1 shows where)"


def _of_the_library(error: BaseException) -> bool:
    return type(error).__module__.startswith("charrnn")


def _out_of_memory(error: BaseException) -> bool:
    """Torch has a class of its own for a GPU's memory, and none for the CPU's."""
    named = isinstance(error, MemoryError) or "memory" in type(error).__name__.lower()
    return named or (isinstance(error, RuntimeError) and "allocate memory" in str(error))


def _is_input(error: BaseException) -> bool:
    return isinstance(error, INPUT) or getattr(error, "errno", None) in NAMES


def _fail(status: int, line: str) -> int:
    say(f"charrnn: {line}")
    return status


def _show(message, category, filename, lineno, file=None, line=None) -> None:
    say(f"charrnn: note: {one_line(str(message))}")


def _folder(args) -> str:
    return quoted(getattr(args, "folder", None) or getattr(args, "name", "RUN"))


def _let_go_of_stdout() -> None:
    """Point stdout at nothing, or Python would complain again when it closes it."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
