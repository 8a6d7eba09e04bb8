"""One file from one address, whole and with the right hash, or a CorpusError that says why not."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from charrnn.corpora.bounded import MOST, Bounded, bounded
from charrnn.corpora.texts import CorpusError, digest

if TYPE_CHECKING:
    import requests

PIECE = 1 << 16  # bytes between two steps of the progress bar
PATIENCE = 30  # seconds without an answer
SLOWEST = 1000  # bytes a second on average, once PATIENCE is over
AS_IT_IS = {"Accept-Encoding": "identity"}


def download(
    url: str, target: Path, sha256: str = "", progress: bool = True, most: int = MOST
) -> None:
    """Fetches `url` into `target`, with a progress bar on stderr.

    The bytes are taken as they are sent, whatever Content-Encoding says of them. Raises
    CorpusError, in a few words, where the address cannot be reached, refuses, is silent or slower
    than SLOWEST, stops half-way, sends more than `most` bytes, or other bytes than `sha256` (empty:
    not checked here). OSError where the file cannot be written.
    """
    import requests
    from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

    if progress:
        print(f"downloading {url}", file=sys.stderr)
    try:
        with requests.get(url, stream=True, timeout=PATIENCE, headers=AS_IT_IS) as answer:
            answer.raise_for_status()
            with bounded(target, most, "the download") as out:
                _receive(answer, out, most, progress)
    except (requests.Timeout, ReadTimeoutError):
        raise CorpusError(f"no answer within {PATIENCE} seconds") from None
    except ProtocolError:
        raise CorpusError("the download was cut short") from None
    except HTTPError as error:
        raise CorpusError(f"its answer is broken ({type(error).__name__})") from None
    except requests.RequestException as error:
        raise CorpusError(_reason(error)) from None
    except CorpusError:
        raise
    except ValueError:  # urllib's, for what a redirect calls an address
        raise CorpusError("it leads to what is no address") from None
    if sha256 and (found := digest(target)) != sha256:
        size = target.stat().st_size
        raise CorpusError(
            f"what came, {size:,} bytes, has sha256 {found}, but the pinned one is {sha256}"
        )


def _receive(answer: requests.Response, out: Bounded, most: int, progress: bool) -> None:
    """Writes the body of an answer as it comes; CorpusError unless it is whole."""
    from tqdm import tqdm

    stated = answer.headers.get("Content-Length", "")
    announced = int(stated) if stated.isascii() and stated.isdigit() else None
    if announced is not None and announced > most:
        raise CorpusError(f"the download has {announced:,} bytes; it may have at most {most:,}")
    read = getattr(answer.raw, "read1", answer.raw.read)  # read1 does not wait for a whole piece
    began = time.monotonic()
    with tqdm(total=announced, unit="B", unit_scale=True, disable=not progress) as bar:
        while piece := read(PIECE, decode_content=False):
            out.write(piece)
            bar.update(len(piece))
            seconds = time.monotonic() - began
            if seconds > PATIENCE and out.written < SLOWEST * seconds:
                raise CorpusError(f"only {out.written:,} bytes came in {seconds:.0f} seconds")
    if announced is not None and out.written != announced:
        raise CorpusError(f"the download was cut short: {out.written:,} bytes of {announced:,}")
    if not out.written:
        raise CorpusError("it sent nothing")


def _reason(error: requests.RequestException) -> str:
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError):
        return f"HTTP {error.response.status_code} {error.response.reason}"
    for kind, words in (
        (exceptions.ProxyError, "no answer from the proxy; correct or unset HTTP(S)_PROXY"),
        (exceptions.SSLError, "its certificate cannot be verified"),
        (exceptions.ChunkedEncodingError, "the download was cut short"),
        (exceptions.TooManyRedirects, "it leads from one address to the next without end"),
        (exceptions.InvalidSchema, "it leads to an address that is not http"),
        (exceptions.ConnectionError, "no connection"),
    ):
        if isinstance(error, kind):
            return words
    return type(error).__name__
