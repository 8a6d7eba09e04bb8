"""Commands that several processes carry out together: process 0 speaks for all of them."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from charrnn import distributed
from charrnn.cli.console import FAILED, STOPPED, say
from charrnn.corpora import CorpusWarning
from charrnn.train import Interrupted, TrainingError


@contextmanager
def one_voice(args: argparse.Namespace) -> Iterator[None]:
    """Join the processes that torchrun started; all but process 0 are quiet.

    What stops all of them alike is said by process 0, and what is wrong in one by that one; the
    others end with a status and no word. Without torchrun nothing is changed.
    """
    distributed.join()
    if distributed.rank():
        args.quiet = True
        warnings.simplefilter("ignore", CorpusWarning)
    try:
        yield
    except distributed.LostProcessError as lost:
        say(f"charrnn: {lost}")
        os._exit(FAILED)  # what the lost one left unanswered would hold up an ordinary end
    except distributed.ElsewhereError:
        sys.exit(FAILED)
    except (Interrupted, TrainingError) as stopped:
        if distributed.rank() == 0:
            raise
        sys.exit(STOPPED if isinstance(stopped, Interrupted) else FAILED)
    finally:
        distributed.leave()
