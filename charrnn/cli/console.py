"""What a person sees of a command: notes and errors as single lines, and the exit status."""

from __future__ import annotations

import os
import shlex
import sys
import traceback
import warnings

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


def carry_out(args) -> int:
    """Run a parsed command; its exit status, with one line on stderr where that is not 0."""
    with warnings.catch_warnings():
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
            return _fail(WRONG if isinstance(error, INPUT) else FAILED, describe(error))
    return DONE


def say(*lines: str) -> None:
    """Lines for the person, on stderr."""
    for line in lines:
        print(line, file=sys.stderr)


def quoted(path) -> str:
    """A path as it can be typed in a shell."""
    return shlex.quote(str(path))


def describe(error: BaseException) -> str:
    """An error as one line."""
    if isinstance(error, UnicodeDecodeError):
        shown = f"the input is not {error.encoding.upper()} at byte {error.start} ({error.reason})"
    elif isinstance(error, OSError) and error.filename is not None:
        shown = f"{error.filename}: {(error.strerror or str(error)).lower()}"
    else:
        shown = " ".join(str(error).split())
    if isinstance(error, MemoryError) or "memory" in type(error).__name__.lower():
        shown = "not enough memory; take a smaller --hidden, --batch or --seq"
    if isinstance(error, (*INPUT, OSError)) or type(error).__module__.startswith("charrnn"):
        return shown
    return f"{type(error).__name__}: {shown[:300]} (CHARRNN_DEBUG=1 shows where)"


def _fail(status: int, line: str) -> int:
    say(f"charrnn: {line}")
    return status


def _show(message, category, filename, lineno, file=None, line=None) -> None:
    say(f"charrnn: note: {' '.join(str(message).split())}")


def _folder(args) -> str:
    return quoted(getattr(args, "folder", None) or getattr(args, "name", "RUN"))


def _let_go_of_stdout() -> None:
    """Point stdout at nothing, or Python would complain again when it closes it."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
