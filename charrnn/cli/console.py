"""What a person sees of a command: notes and errors as single lines, and the exit status."""

from __future__ import annotations

import errno
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
NAMES = (errno.ENAMETOOLONG, errno.ELOOP, errno.EROFS)  # a path that cannot be, or not be written


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
            return _fail(WRONG if _is_input(error) else FAILED, describe(error))
    return DONE


def mend_streams() -> None:
    """Where a stream was closed on start (`>&-`), take one that holds nothing: print would turn to
    another stream instead."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 (as long as the process)


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
    elif isinstance(error, OSError) and error.strerror:
        shown = error.strerror.lower()
    else:
        shown = " ".join(str(error).split())
    if _out_of_memory(error):
        return "not enough memory; take a smaller --hidden, --batch or --seq (or --n, of a sample)"
    if isinstance(error, (*INPUT, OSError)) or type(error).__module__.startswith("charrnn"):
        return shown
    return f"{type(error).__name__}: {shown[:300]} (CHARRNN_DEBUG=1 shows where)"


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
    say(f"charrnn: note: {' '.join(str(message).split())}")


def _folder(args) -> str:
    return quoted(getattr(args, "folder", None) or getattr(args, "name", "RUN"))


def _let_go_of_stdout() -> None:
    """Point stdout at nothing, or Python would complain again when it closes it."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
