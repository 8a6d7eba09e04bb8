"""How well compressors guess a text: gzip, bzip2, xz and zstd, given the training text first.

A compressor that has read the training text and then the held-out text writes the second in the
bytes that the two together take more than the first alone. That is what it would take to send the
held-out text to someone who has the training text, and in bits a character it stands beside the
loss of a model. A compressor sees only so far back: gzip 32 kilobytes, bzip2 900 kilobytes, xz and
zstd, as set here, all of it.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable

WINDOW = 27
"""Base 2 logarithm of the bytes that zstd and xz look back, 128 MiB."""


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)


def _bzip2(data: bytes) -> bytes:
    return bz2.compress(data, 9)


def _xz(data: bytes) -> bytes:
    chosen = {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << WINDOW}
    return lzma.compress(data, lzma.FORMAT_XZ, filters=[chosen])


def _zstd(data: bytes) -> bytes:
    import zstandard

    settings = zstandard.ZstdCompressionParameters.from_level(
        22, window_log=WINDOW, enable_ldm=True
    )
    return zstandard.ZstdCompressor(compression_params=settings).compress(data)


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip -9": _gzip,
    "bzip2 -9": _bzip2,
    "xz -9e": _xz,
    "zstd -22": _zstd,
}


def bits_given(train: bytes, text: bytes, compress: Callable[[bytes], bytes]) -> int:
    """Bits that `text` takes behind `train`: what both together take more than `train` alone."""
    return 8 * (len(compress(train + text)) - len(compress(train)))
