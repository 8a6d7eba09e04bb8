"""Ctrl-C and SIGTERM as something to look at between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from charrnn import distributed


class Interrupted(Exception):
    """The training was asked to stop (Ctrl-C, SIGTERM) and has been saved."""


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a flag that is looked at between two steps.

    A second one acts at once, as it would have without this. Not so under torchrun, which may pass
    on what the terminal has sent already, and kills by itself what does not end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked = []
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}

    def ask(number, frame) -> None:
        asked.append(number)
        if distributed.ranks() == 1:
            signal.signal(number, before[number])

    for number in before:
        signal.signal(number, ask)
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
