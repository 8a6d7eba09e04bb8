"""Downloads from a server that fails, lies or attacks: nothing wrong is cached, all is said.

A server on this machine plays the network. After every try the cache has to be empty, no process
may hang, and the message has to be one line that names CHARRNN_DATA.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import http.server
import io
import json
import lzma
import os
import socket
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from trust.ledger import Row, row

TEXT = b"To be, or not to be: that is the question.\n" * 50
SHA256 = hashlib.sha256(TEXT).hexdigest()
PORTAL = b"<!DOCTYPE html><html><title>Welcome to the airport</title></html>"
PATIENCE, ROOM = 0.5, 1 << 20
"""Seconds and bytes: those of the library, shortened for the quick tries."""
MEMORY = 400
"""Megabytes that a bomb may take; the decoder of an xz file alone may have 256."""
LONGEST = 20
"""Seconds after which a try counts as one that hangs."""
Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


def sends(body: bytes = TEXT, length: int | None = -1, status: int = 200, **headers: str) -> Answer:
    """Answer with a body; `length`: what is announced (-1: the truth, None: nothing)."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        if length is not None:
            handler.send_header("Content-Length", str(len(body) if length < 0 else length))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def redirects(place: str) -> Answer:
    return sends(b"", status=302, Location=place)


def waits(handler: http.server.BaseHTTPRequestHandler) -> None:
    time.sleep(4 * PATIENCE)


def stops(handler: http.server.BaseHTTPRequestHandler) -> None:
    sends(TEXT[:100], len(TEXT))(handler)
    handler.wfile.flush()
    time.sleep(4 * PATIENCE)


def drips(handler: http.server.BaseHTTPRequestHandler) -> None:
    sends(b"", len(TEXT))(handler)
    for _ in range(100):
        handler.wfile.write(b"x")
        time.sleep(PATIENCE / 10)


def endless(handler: http.server.BaseHTTPRequestHandler) -> None:
    sends(b"", None)(handler)
    while True:
        handler.wfile.write(bytes(1 << 16))


def breaks_a_chunk(handler: http.server.BaseHTTPRequestHandler) -> None:
    sends(b"", None, Transfer_Encoding="chunked")(handler)
    handler.wfile.write(b"fff\r\nTo be")


def no_http(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")


NETWORK: dict[str, Answer] = {
    **{f"HTTP {code}": sends(PORTAL, status=code) for code in (403, 404, 429, 500, 503)},
    "redirects in a circle": redirects("/text"),
    "redirects to a file of this machine": redirects("file:///etc/passwd"),
    "redirects to ftp": redirects("ftp://127.0.0.1/text"),
    "redirects to a broken address": redirects("http://[::1/text"),
    "redirects to a name that is none": redirects(f"http://{'a' * 70}.invalid/"),
    "redirects to a host that does not resolve": redirects("http://nowhere.invalid/text"),
    "redirects to a closed port": redirects("http://127.0.0.1:9/text"),
    "a portal's page": sends(PORTAL),
    "another text": sends(TEXT[::-1]),
    "one byte changed": sends(b"t" + TEXT[1:]),
    "one byte more": sends(TEXT + b"\n"),
    "nothing": sends(b""),
    "nothing, 204": sends(b"", status=204),
    "a part, 206": sends(TEXT[:100], status=206),
    "cut, the length announced": sends(TEXT[:100], len(TEXT)),
    "cut, no length announced": sends(TEXT[:100], None),
    "cut within a chunk": breaks_a_chunk,
    "a length that is no number": sends(TEXT[:100], None, Content_Length="many"),
    "a length of 10**15": sends(TEXT, 10**15),
    "gzip announced, gzip sent": sends(gzip.compress(TEXT), Content_Encoding="gzip"),
    "gzip announced, something else sent": sends(TEXT[1:], Content_Encoding="gzip"),
    "gzip in gzip announced": sends(
        gzip.compress(gzip.compress(bytes(1 << 24))), Content_Encoding="gzip, gzip"
    ),
    "silence": waits,
    "silence half-way": stops,
    "a byte now and then": drips,
    "no end": endless,
    "no HTTP": no_http,
}
"""What the server does instead of sending the text."""


def tarball(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def zipped(*members: tuple[str, bytes], packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packed) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def encrypted() -> bytes:
    """A zip whose member says that it is encrypted, in both places where that is said."""
    made = bytearray(zipped(("a.txt", TEXT)))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        made[made.index(mark) + offset] |= 1
    return bytes(made)


def play(inside: bytes, before: bytes = b"") -> bytes:
    return tarball((member("top/p.xml"), before + b"<PLAY>" + inside + b"</PLAY>"))


def laughs() -> bytes:
    """A billion laughs: ten entities, each ten times the one before."""
    names = [b"a%d" % i for i in range(10)]
    lines = [b'<!ENTITY a0 "ha">'] + [
        b'<!ENTITY %s "%s">' % (new, b"&%s;" % old * 10) for old, new in pairwise(names)
    ]
    return play(b"&a9;", b"<!DOCTYPE PLAY [" + b"".join(lines) + b"]>")


def header_bomb(kind: bytes, size: int) -> bytes:
    """A tarball whose first header announces a name, or attributes, of `size` bytes."""
    made = member("top/x", kind)
    made.size = size
    return gzip.compress(made.tobuf(tarfile.GNU_FORMAT) + bytes(size + 1024))


BY_NAME = ("tar_by_name", {"suffix": ".tex"})
MEMBERS = ("zip_members", {"members": ["a.txt"]})
PLAYS = ("plays", {"path": "{play}.xml", "order": ["p"]})
CSV = b"id,date,text\n"


def archives() -> dict[str, tuple[str, dict, bytes]]:
    """Archives that are broken or mean harm: the recipe, its arguments, the download."""
    good = tarball((member("top/a.tex"), TEXT), (member("top/b.tex"), os.urandom(1 << 16)))
    climbing = [(member(f"top/{n}"), b"no") for n in ("../../../evil.tex", "/tmp/evil.tex")]
    link, hard = tarfile.SYMTYPE, tarfile.LNKTYPE
    makes: dict[str, tuple[tuple[str, dict], bytes]] = {
        "members that climb out": (BY_NAME, tarball(*climbing)),
        "a symbolic link": (BY_NAME, tarball((member("top/a.tex", link, "/etc/passwd"), b""))),
        "a hard link": (BY_NAME, tarball((member("top/a.tex", hard, "/etc/passwd"), b""))),
        "a device": (BY_NAME, tarball((member("top/a.tex", tarfile.CHRTYPE), b""))),
        "a pipe": (BY_NAME, tarball((member("top/a.tex", tarfile.FIFOTYPE), b""))),
        "a member with holes": (BY_NAME, tarball((member("top/a.tex", b"S"), TEXT))),
        "a member twice": (BY_NAME, tarball(*[(member("top/a.tex"), TEXT)] * 2)),
        "a tarball cut short": (BY_NAME, good[: len(good) // 2]),
        "a tarball without compression": (BY_NAME, gzip.decompress(good)),
        "a zip for a tarball": (BY_NAME, zipped(("a.tex", TEXT))),
        "a portal's page for a tarball": (BY_NAME, PORTAL),
        "no such play": (PLAYS, tarball((member("top/q.xml"), TEXT))),
        "a zip that is encrypted": (MEMBERS, encrypted()),
        "a zip cut short": (MEMBERS, zipped(("a.txt", TEXT))[:-30]),
        "a zip with a member twice": (MEMBERS, _twice()),
        "a zip without the member": (MEMBERS, zipped(("../a.txt", TEXT))),
        "a zip changed inside": (MEMBERS, _changed(zipped(("a.txt", TEXT)), 45)),
        "an xz cut short": (("unxz", {}), lzma.compress(TEXT)[:-20]),
        "an xz for a bz2": (("bunzip2", {}), lzma.compress(TEXT)),
        "a gzip changed inside": (("gunzip", {}), _changed(gzip.compress(TEXT), 30)),
        "a CSV of other columns": (("essays", {}), b"a,b\n1,2\n"),
        "a CSV with short rows": (("essays", {}), CSV + b"1,May 2015\n,May 2015\n"),
        "a CSV that is not UTF-8": (("essays", {}), CSV + b"1,May 2015,\xff\n"),
        "XML that is none": (PLAYS, play(b"<SPEECH>")),
        "fewer bytes than the head": (("head", {"size": 10**6}), TEXT),
    }
    return {name: (*recipe, made) for name, (recipe, made) in makes.items()}


def bombs(size: int) -> dict[str, tuple[str, dict, bytes]]:
    """Small downloads that unpack to about `size` bytes, or would take as much memory."""
    nothing = bytes(size)
    makes: dict[str, tuple[tuple[str, dict], bytes]] = {
        "gzip": (("gunzip", {}), gzip.compress(nothing)),
        "bzip2": (("bunzip2", {}), bz2.compress(nothing)),
        "xz": (("unxz", {}), lzma.compress(nothing, preset=0)),
        "xz with a dictionary of a gigabyte": (("unxz", {}), _greedy()),
        "zip": (MEMBERS, zipped(("a.txt", nothing))),
        "zip of xz": (MEMBERS, zipped(("a.txt", nothing), packed=zipfile.ZIP_LZMA)),
        "zip that lies about sizes": (MEMBERS, _lying(zipped(("a.txt", nothing)), size)),
        "tarball": (BY_NAME, tarball((member("top/a.tex"), nothing))),
        "tarball of what is not wanted": (BY_NAME, tarball((member("top/a.bin"), nothing * 5))),
        "tarball in the order of hashes": (
            ("tar_by_hash", {"suffixes": [".c"], "salt": ""}),
            tarball(*[(member(f"top/{i}.c"), nothing) for i in range(3)]),
        ),
        "tarball with a long name": (BY_NAME, header_bomb(tarfile.GNUTYPE_LONGNAME, size)),
        "tarball with long attributes": (BY_NAME, header_bomb(tarfile.XHDTYPE, size)),
        "CSV with one giant field": (("essays", {}), CSV + b"1,May 2015," + b"x" * 600_000),
        "a billion laughs": (PLAYS, laughs()),
        "a giant play": (PLAYS, play(b"<a/>" * 150_000)),
        "a deep play": (PLAYS, play(b"<a>" * 30_000 + b"</a>" * 30_000)),
    }
    return {name: (*recipe, made) for name, (recipe, made) in makes.items()}


def _twice() -> bytes:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's own, of the name
        return zipped(("a.txt", TEXT), ("a.txt", b"another"))


def _changed(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


def _greedy() -> bytes:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    made = bytearray(lzma.compress(TEXT * 2, filters=filters, check=lzma.CHECK_NONE))
    place = made.index(b"\x21\x01", 12) + 2  # the filter's properties, in the block's header
    made[place] = 36  # 2 ** 30 bytes
    header = made[12 : 12 + (made[12] + 1) * 4 - 4]
    import zlib

    made[12 + len(header) : 16 + len(header)] = zlib.crc32(bytes(header)).to_bytes(4, "little")
    return bytes(made)


def _lying(data: bytes, size: int) -> bytes:
    return data.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))


@contextmanager
def serving() -> Iterator[tuple[str, dict[str, Answer]]]:
    """A server on this machine: its address, and what it answers, by path."""
    answers: dict[str, Answer] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(OSError):  # who asked has gone
                answers[self.path](self)

        def log_message(self, *_) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/text", answers
        finally:
            server.shutdown()


@contextmanager
def shortened(cache: Path, **environment: str) -> Iterator[None]:
    """A cache of its own, little patience and little room; no proxy but that in `environment`."""
    from charrnn.corpora import download, store, unpack

    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    kept.pop("CHARRNN_DATA", None)
    kept |= {"CHARRNN_CACHE": str(cache), **environment}
    with (
        mock.patch.dict(os.environ, kept, clear=True),
        mock.patch.object(download, "PATIENCE", PATIENCE),
        mock.patch.object(store, "ROOM", ROOM),
        mock.patch.object(unpack, "LARGEST_PLAY", ROOM // 4),
        mock.patch.object(unpack, "LONGEST_ESSAY", ROOM // 2),
    ):
        yield


def entry(url: str, recipe: str = "plain", arguments: dict | None = None):
    """A corpus whose text is TEXT, from one address."""
    from charrnn.corpora.catalogue import Address, Entry

    return Entry(
        name="tried",
        title="Tried",
        licence="none",
        attribution="nobody",
        bytes=len(TEXT),
        sha256=SHA256,
        prepared=("t/text.txt.xz",),
        addresses=(Address(url, recipe, arguments or {}),),
    )


def attempt(wanted, cache: Path) -> tuple[str, str]:
    """Fetch into an empty cache: the outcome in a few words, and what is wrong with it or ""."""
    from charrnn.corpora import CorpusError, store

    began = time.monotonic()
    try:
        store.find(wanted, progress=False)
        outcome, wrong = "taken", "it was taken for the text"
    except CorpusError as error:
        said = str(error)
        good = "\n" not in said and "CHARRNN_" in said and len(said) < 3000
        outcome, wrong = "refused", "" if good else f"the message: {said}"
    except Exception as error:
        outcome, wrong = "failed", f"{type(error).__name__}: {error}"
    left = [str(f.relative_to(cache)) for f in cache.rglob("*")]
    if left:
        wrong = wrong or f"left in the cache: {left}"
    if (seconds := time.monotonic() - began) > LONGEST:
        wrong = wrong or f"it took {seconds:.0f} s"
    return outcome, wrong


def network(quick: bool) -> Row:
    """A server that refuses, is silent, lies or never ends."""
    outcomes, wrong = [], []
    with serving() as (url, answers), TemporaryDirectory(prefix="charrnn-trust-") as name:
        for what, answer in NETWORK.items():
            answers["/text"] = answer
            with shortened(Path(name)):
                outcome, fault = attempt(entry(url), Path(name))
            outcomes.append(outcome)
            wrong += [f"{what}: {fault}"] if fault else []
        answers["/text"] = sends()
        for proxy in ("http://127.0.0.1:9", "http://nowhere.invalid:80", "no address at all"):
            with shortened(Path(name), HTTP_PROXY=proxy, http_proxy=proxy):
                outcome, fault = attempt(entry(url), Path(name))
            outcomes.append(outcome)
            wrong += [f"proxy {proxy}: {fault}"] if fault else []
    return row("a server that refuses, redirects, lies, is silent or never ends", outcomes, wrong)


def unpacking(quick: bool) -> Row:
    """Archives that are broken, of another kind, or hold what could climb out."""
    what = "broken or hostile archives (links, devices, ../, cut short, encrypted)"
    return _downloaded(what, archives())


def bombing(quick: bool) -> Row:
    """Decompression bombs; in full, fetched by a process whose memory is looked at."""
    if quick:
        return _downloaded("decompression bombs of 4 MB, 1 MB allowed", bombs(4 << 20))
    outcomes, wrong, peaks = [], [], []
    with serving() as (url, answers), fetcher() as fetch:
        for case, (recipe, arguments, made) in bombs(1 << 27).items():
            answers["/text"] = sends(made)
            found = fetch(url=url, recipe=recipe, arguments=arguments)
            outcomes.append(found["outcome"])
            peaks.append(found["peak"])
            wrong += [f"{case}: {found['wrong']}"] if found["wrong"] else []
            wrong += [f"{case}: {found['peak']} MB of memory"] if found["peak"] > MEMORY else []
    note = f"at most {max(peaks)} MB more memory than before"
    return row("decompression bombs of 128 MB, 1 MB allowed", outcomes, wrong, note)


def _downloaded(what: str, tried: dict, folder: str | None = None) -> Row:
    outcomes, wrong = [], []
    with serving() as (url, answers), TemporaryDirectory(dir=folder) as name:
        for case, (recipe, arguments, made) in tried.items():
            answers["/text"] = sends(made)
            with shortened(Path(name)):
                outcome, fault = attempt(entry(url, recipe, arguments), Path(name))
            outcomes.append(outcome)
            wrong += [f"{case}: {fault}"] if fault else []
    return row(what, outcomes, wrong)


FETCHER = """
import json, os, resource, sys
from pathlib import Path
from charrnn.corpora import store
from trust.downloads import attempt, entry, shortened
cache = Path(os.environ["CHARRNN_CACHE"])
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
with shortened(cache):
    attempt(entry("http://127.0.0.1:9/text"), cache)
    before = peak()
    for line in sys.stdin:
        asked = json.loads(line)
        room = asked.pop("room", resource.RLIM_INFINITY)
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
        outcome, wrong = attempt(entry(**asked), cache)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        print(json.dumps([outcome, wrong, peak() - before]), flush=True)
"""


@contextmanager
def fetcher() -> Iterator[Callable[..., dict]]:
    """A process of its own that fetches, with a limit (`room`) on the size of a file if asked."""
    with TemporaryDirectory(prefix="charrnn-trust-") as name:
        environment = {**os.environ, "CHARRNN_CACHE": name}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen([sys.executable, "-c", FETCHER], env=environment, **pipes) as child:

            def fetch(**asked) -> dict:
                print(json.dumps(asked), file=child.stdin, flush=True)
                return dict(
                    zip(
                        ("outcome", "wrong", "peak"),
                        json.loads(child.stdout.readline()),
                        strict=True,
                    )
                )

            yield fetch
            child.stdin.close()


def disk(quick: bool) -> Row:
    """A disk that is full in the download or in the unpacking: the text fits at its whole size."""
    outcomes, wrong = [], []
    with serving() as (url, answers), fetcher() as fetch:
        answers["/text"] = sends(gzip.compress(TEXT))
        for room in range(0, len(TEXT), 500 if quick else 5):
            found = fetch(url=url, recipe="gunzip", room=room)
            outcomes.append(found["outcome"])
            wrong += [f"{room} bytes of room: {found['wrong']}"] if found["wrong"] else []
    return row("a disk that is full after so many bytes of a file", outcomes, wrong)


def offline(quick: bool) -> Row:
    """No network at all: a prepared text, a cached one and one without download still open."""
    from charrnn.corpora import load_corpus, store

    outcomes, wrong = [], []

    def refuse(*_, **__):
        raise OSError(101, "Network is unreachable")

    with TemporaryDirectory(prefix="charrnn-trust-") as name:
        cache, data = Path(name, "cache"), Path(name, "data")
        (data / "t").mkdir(parents=True)
        file = data / "t" / "text.txt.xz"
        file.write_bytes(lzma.compress(TEXT))
        wanted = entry("http://nowhere.invalid/text")
        with (
            shortened(cache, CHARRNN_DATA=str(data)),
            mock.patch.object(socket, "getaddrinfo", refuse),
            mock.patch.object(socket.socket, "connect", refuse),
        ):
            opened = {
                "prepared": lambda: store.find(wanted, progress=False).sha256 == SHA256,
                "without download": lambda: load_corpus("hello").read_text() == "hello" * 200,
            }
            for what, works in opened.items():
                good = works()
                outcomes.append("opened" if good else "failed")
                wrong += [] if good else [what]
            os.environ.pop("CHARRNN_DATA")
            good = store.find(wanted, progress=False).sha256 == SHA256
            outcomes.append("opened" if good else "failed")
            for f in (cache / "texts").iterdir():
                f.unlink()
            (cache / "texts").rmdir()
            outcome, fault = attempt(wanted, cache)
            outcomes.append(outcome)
            os.environ["CHARRNN_DATA"] = str(data)
            file.write_bytes(lzma.compress(bytes(1 << 24), preset=0))
            refused, bomb = attempt(wanted, cache)
            outcomes.append(refused)
            wrong += [f for f in (fault, bomb) if f]
    return row("no network: a prepared, a cached, a generated and an absent text", outcomes, wrong)


CASES: dict[str, Callable[[bool], Row]] = {
    "network": network,
    "unpacking": unpacking,
    "bombs": bombing,
    "full disk": disk,
    "offline": offline,
}
