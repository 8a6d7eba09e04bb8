"""One process at a time in a training's folder.

The lock is the system's own, on the file `.lock` in the folder, so that it ends with the process
that holds it, however that ends. A process may take a folder that it holds already.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

NAME = ".lock"
CANNOT = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)
"""What a file system says that has no locks; a training goes on there without one."""
_held: set[Path] = set()


class BusyError(ValueError):
    """Another process is at work in a folder."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder as this process's own for a while; it is made if need be.

    Raises BusyError where another process has it, PermissionError where it cannot be written.
    """
    key = folder.absolute()
    if key in _held:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock = _locked(folder)
    _held.add(key)
    try:
        yield
    finally:
        _held.remove(key)
        with suppress(OSError):  # Windows keeps a file that is open; it does no harm there
            (key / NAME).unlink()
        lock.release()


def _locked(folder: Path) -> FileLock:
    """The folder's lock, taken; without effect where the file system has no locks."""
    lock = FileLock(folder.absolute() / NAME)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(
            f"another process is training in {folder}; wait for its end, stop it, or choose "
            "another folder (--out)"
        ) from None
    except NotImplementedError:  # filelock's word for ENOSYS
        pass
    except OSError as error:
        if error.errno not in CANNOT:
            raise
    return lock
