"""One file from one address, whole and with the right hash, or a CorpusError that says why not."""

from __future__ import annotations

import sys
from pathlib import Path

from charrnn.corpora.texts import CorpusError, digest

PIECE = 1 << 16  # bytes between two steps of the progress bar
PATIENCE = 30  # seconds without an answer


def download(url: str, target: Path, sha256: str = "", progress: bool = True) -> None:
    """Fetches `url` into `target`, with a progress bar on stderr.

    Raises CorpusError, in a few words, where the address cannot be reached, refuses, stops
    half-way, or sends other bytes than `sha256` (empty: not checked here).
    """
    import pooch
    import requests

    if progress:
        print(f"downloading {url}", file=sys.stderr)
    fetch = pooch.HTTPDownloader(progressbar=progress, chunk_size=PIECE, timeout=PATIENCE)
    try:
        fetch(url, str(target), None)
    except requests.HTTPError as error:
        raise CorpusError(f"HTTP {error.response.status_code} {error.response.reason}") from None
    except requests.Timeout:
        raise CorpusError(f"no answer within {PATIENCE} seconds") from None
    except requests.exceptions.ChunkedEncodingError:
        raise CorpusError("the download was cut short") from None
    except requests.RequestException as error:
        kind = type(error).__name__
        raise CorpusError("no connection" if kind == "ConnectionError" else kind) from None
    if sha256 and (found := digest(target)) != sha256:
        size = target.stat().st_size
        raise CorpusError(
            f"what came, {size:,} bytes, has sha256 {found}, but the pinned one is {sha256}"
        )
