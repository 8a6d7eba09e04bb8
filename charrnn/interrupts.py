"""Ctrl-C, SIGTERM and SIGHUP as something to look at between two steps."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from charrnn import distributed

HANGUP = getattr(signal, "SIGHUP", None)
SIGNALS = tuple(s for s in (signal.SIGINT, signal.SIGTERM, HANGUP) if s is not None)
"""Ctrl-C; the notice of a batch system or of Colab; the terminal has gone away."""


class Interrupted(Exception):
    """The training was asked to stop and has been saved."""


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Turn the first of `SIGNALS` into a flag that is looked at between two steps.

    A second one acts at once, as it would have without this. Not so under torchrun, which may pass
    on what the terminal has sent already, and kills by itself what does not end. A SIGHUP that is
    ignored, as `nohup` has it, stays so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked = []
    before = {s: signal.getsignal(s) for s in SIGNALS}
    if before.get(HANGUP) == signal.SIG_IGN:
        del before[HANGUP]
    terminal = [fd for fd in (1, 2) if os.isatty(fd)]

    def ask(number, frame) -> None:
        asked.append(number)
        if number == HANGUP:
            _say_nothing_more(terminal)
        if distributed.ranks() == 1:
            signal.signal(number, before[number])

    for number in before:
        signal.signal(number, ask)
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say_nothing_more(descriptors: list[int]) -> None:
    """What goes to a terminal that is gone would fail, and the saving with it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in descriptors:
        os.dup2(nowhere, number)
    os.close(nowhere)
