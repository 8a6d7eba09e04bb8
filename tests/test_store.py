"""Where a text by name is found: prepared, cached or downloaded, and always verified."""

import gzip
import hashlib
import http.server
import lzma
import os
import threading
from dataclasses import replace
from typing import ClassVar

import pytest

from charrnn import corpora
from charrnn.corpora import (
    CorpusError,
    catalogue,
    encode_corpus,
    load_corpus,
    offline,
    store,
    texts,
)
from charrnn.corpora.catalogue import Address, Entry

DATA = os.environ.get("CHARRNN_DATA")
TEXT = "Hör auf!\n\n€ Nein.\n" * 50
RAW = TEXT.encode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CHARRNN_DATA", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def small(monkeypatch):
    """Makes a corpus known for one test; returns its entry."""

    def small(raw=RAW, **changes):
        entry = Entry(
            **{"name": "small", "title": "Small", "licence": "none", "attribution": "nobody"}
            | {"bytes": len(raw), "sha256": sha256(raw), "prepared": ("s/small.txt.xz",)}
            | changes
        )
        for module in (catalogue, corpora, store):
            monkeypatch.setattr(module, "entries", lambda: {"small": entry})
        return entry

    return small


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder of prepared texts, in CHARRNN_DATA."""
    monkeypatch.setenv("CHARRNN_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / "s").mkdir(parents=True)
    return tmp_path / "data"


@pytest.fixture
def server():
    """A local server: `pages` has, by path, what to send, or (announced length, what to send)."""

    class Handler(http.server.BaseHTTPRequestHandler):
        pages: ClassVar[dict] = {}

        def do_GET(self):
            page = self.pages.get(self.path)
            if page is None:
                return self.send_error(404)
            length, body = page if isinstance(page, tuple) else (len(page), page)
            self.send_response(200)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        Handler.url = f"http://127.0.0.1:{listening.server_port}"
        yield Handler
        listening.shutdown()
        thread.join()


def at(server, *paths, recipe="plain", **fields):
    return tuple(Address(server.url + path, recipe, **fields) for path in paths)


def write(path, content):
    path.write_bytes(content)
    return path


# Prepared texts in CHARRNN_DATA


@pytest.mark.parametrize("name, made", [("small.txt.xz", lzma.compress(RAW)), ("small.txt", RAW)])
def test_prepared_texts_are_verified_and_used(small, data, name, made):
    small()
    file = write(data / "s" / name, made)
    before = file.stat()
    corpus = load_corpus("small")
    assert (corpus.read_bytes(), corpus.source) == (RAW, "CHARRNN_DATA")
    assert [f.name for f in data.rglob("*") if f.is_file()] == [name]
    assert file.stat() == before or file.read_bytes() == made
    write(file, made.replace(b"Nein", b"Doch") if made == RAW else lzma.compress(b"other"))
    with pytest.raises(CorpusError) as caught:
        load_corpus("small")
    other = sha256(file.read_bytes() if made == RAW else b"other")
    assert sha256(RAW) in str(caught.value) and other in str(caught.value)
    assert "unset CHARRNN_DATA" in str(caught.value)


def test_a_prepared_text_is_decompressed_once(small, data, monkeypatch):
    small()
    write(data / "s" / "small.txt.xz", lzma.compress(RAW))
    first = load_corpus("small")
    monkeypatch.setattr(store, "pieces", lambda _: pytest.fail("decompressed again"))
    assert load_corpus("small") == first


def test_folders_that_do_not_have_the_text(small, data, monkeypatch, server):
    small(addresses=at(server, "/text"))
    server.pages["/text"] = RAW
    write(data / "s" / "small.txt.xz", lzma.compress(RAW)[:-8])
    with pytest.raises(CorpusError, match=r"small\.txt\.xz is damaged or cut short"):
        load_corpus("small")
    (data / "s" / "small.txt.xz").unlink()
    assert load_corpus("small", progress=False).source == "download"
    monkeypatch.setenv("CHARRNN_DATA", str(data / "nowhere"))
    with pytest.raises(CorpusError, match="which is not a folder; correct or unset it"):
        load_corpus("small")


# Downloads


def test_a_download_is_verified_unpacked_and_kept(small, server, cache, capsys):
    packed = gzip.compress(RAW)
    small(addresses=at(server, "/text.gz", recipe="gunzip", sha256=sha256(packed)))
    server.pages["/text.gz"] = packed
    corpus = load_corpus("small")
    assert (corpus.read_bytes(), corpus.source) == (RAW, "download")
    assert corpus.url == server.url + "/text.gz" and corpus.url in capsys.readouterr().err
    del server.pages["/text.gz"]
    assert load_corpus("small") == corpus
    assert [f.name for f in cache.iterdir()] == ["texts"]


@pytest.mark.parametrize(
    "page, fields, reason",
    [
        (b"other", {"sha256": sha256(RAW)}, f"5 bytes, has sha256 {sha256(b'other')}, but the pin"),
        (b"other", {}, f"its sha256 is {sha256(b'other')} .5 bytes., the pinned one is"),
        ((len(RAW), RAW[:100]), {}, "cut short"),
        (None, {}, "HTTP 404 Not Found"),
        (b"<html>", {"recipe": "gunzip"}, "cannot be unpacked by gunzip"),
    ],
)
def test_a_bad_download_is_refused_and_leaves_nothing(small, server, cache, page, fields, reason):
    small(addresses=at(server, "/text", **fields))
    server.pages["/text"] = page
    with pytest.raises(CorpusError, match=reason) as caught:
        load_corpus("small", progress=False)
    message = str(caught.value)
    assert f"{server.url}/text" in message and "set CHARRNN_DATA" in message
    assert "\n" not in message and sha256(RAW) in message
    assert [f for f in cache.rglob("*") if f.is_file()] == []


def test_the_next_address_is_tried(small, server):
    nobody = Address("http://127.0.0.1:9/text", "plain")
    small(addresses=(nobody, *at(server, "/gone", "/other", "/text")))
    server.pages |= {"/other": b"other", "/text": RAW}
    assert load_corpus("small", progress=False).read_bytes() == RAW
    server.pages.clear()
    replaced = replace(catalogue.entries()["small"], addresses=(nobody,), sha256=sha256(b"new"))
    with pytest.raises(CorpusError, match=r"http://127\.0\.0\.1:9/text \(no connection"):
        store.find(replaced, progress=False)


@pytest.mark.parametrize(
    "kind, value",
    [
        ("md5", hashlib.md5(RAW).hexdigest()),
        ("git_blob_sha1", hashlib.sha1(b"blob %d\0" % len(RAW) + RAW).hexdigest()),
    ],
)
def test_other_pins_than_sha256_are_checked_too(small, server, kind, value):
    entry = small(sha256="", addresses=at(server, "/text"), **{kind: value})
    server.pages["/text"] = RAW
    assert load_corpus("small", progress=False).sha256 == sha256(RAW)
    wrong = replace(entry, **{kind: value[::-1]})
    with pytest.raises(CorpusError, match=f"its {kind} is {value} .* pinned one is {value[::-1]}"):
        store.find(wrong, progress=False)


def test_git_hashes_the_word_hello_like_this(tmp_path):
    """`printf 'hello\\n' | git hash-object --stdin`"""
    file = write(tmp_path / "hello.txt", b"hello\n")
    assert texts.digest(file, "git_blob_sha1") == "ce013625030ba8dba906f756967f9e9ca394464a"


# For the command line


def test_fetch_describe_and_verify(small, server, data, monkeypatch):
    small(addresses=at(server, "/text"))
    server.pages["/text"] = RAW
    row = {"name": "small", "title": "Small", "bytes": len(RAW), "licence": "none"}
    assert corpora.describe() == [row | {"source": server.url + "/text"}]
    assert "small: not on this machine" in corpora.verify("small")
    corpus = corpora.fetch("small", progress=False)
    assert corpora.describe() == [row | {"source": "cached"}]
    assert corpora.verify("small") == (
        f"small: {len(RAW):,} bytes, sha256 {sha256(RAW)}, as pinned (from download)"
    )
    write(corpus.path, RAW[::-1])
    with pytest.raises(CorpusError, match=r"is not the text of small.*remove it, and it is downlo"):
        corpora.verify("small")
    write(data / "s" / "small.txt.xz", lzma.compress(RAW))
    assert corpora.describe() == [row | {"source": "CHARRNN_DATA"}]
    assert corpora.verify("small").endswith("(from CHARRNN_DATA)")
    with pytest.raises(CorpusError, match="no file and no corpus called 'large'"):
        corpora.fetch("large")


def test_verify_and_describe_of_texts_without_a_pin(tmp_path, monkeypatch):
    write(tmp_path / "module.py", b"x = 1\n")
    monkeypatch.setattr(offline.sysconfig, "get_path", lambda _: str(tmp_path))
    assert corpora.verify("python") == (
        f"python: 6 bytes, sha256 {sha256(b'x = 1' + bytes([10]))}, not pinned (from offline)"
    )
    assert corpora.describe()[0]["source"] == "offline"


# The real texts, where they are at hand


@pytest.mark.skipif(not DATA, reason="CHARRNN_DATA is not set")
@pytest.mark.parametrize("name", [n for n in corpora.corpus_names() if n != "linux"])
def test_the_prepared_texts_at_hand_are_the_pinned_ones(monkeypatch, name):
    monkeypatch.setenv("CHARRNN_DATA", DATA)
    entry = catalogue.entries()[name]
    if entry.generator or not store.prepared(entry):
        pytest.skip("not among the prepared texts")
    corpus = load_corpus(name, progress=False)
    ids, vocab = encode_corpus(corpus)
    assert corpus.n_bytes == entry.bytes and corpus.sha256 == entry.sha256
    assert str(len(vocab)) in entry.notes
    assert corpus.read_bytes().startswith(vocab.decode_bytes(ids[:1000]))


# A text that is made of others


def joined(monkeypatch, data, whole=b"one\ntwo\n", **pins):
    parts = {"a": b"one\n", "b": b"two\n"}
    known = {
        name: Entry(name=name, title=name, licence="none", attribution="nobody", bytes=len(raw),
                    sha256=sha256(raw), prepared=(f"s/{name}.txt",))
        for name, raw in parts.items()
    }  # fmt: skip
    for name, raw in parts.items():
        write(data / "s" / f"{name}.txt", raw)
    pins = {"sha256": sha256(whole)} | pins
    known["both"] = Entry(name="both", title="Both", licence="none", attribution="nobody",
                          bytes=len(whole), parts=("a", "b"), **pins)  # fmt: skip
    for module in (catalogue, corpora, store):
        monkeypatch.setattr(module, "entries", lambda: known)


def test_a_joined_text_is_its_parts_in_order(monkeypatch, data):
    joined(monkeypatch, data)
    corpus = load_corpus("both")
    assert corpus.read_bytes() == b"one\ntwo\n" and corpus.source == "CHARRNN_DATA"
    (data / "s" / "a.txt").unlink()
    assert load_corpus("both").path == corpus.path, "it is in the cache now"
    described = {row["name"]: row["source"] for row in corpora.describe()}
    assert described["both"] == "a and b"
    assert "as pinned" in corpora.verify("both")


def test_a_joined_text_is_verified(monkeypatch, data):
    joined(monkeypatch, data, whole=b"two\none\n")
    with pytest.raises(CorpusError, match="a and b together is not the text of both"):
        load_corpus("both")


def test_a_joined_text_lacks_what_its_parts_lack(monkeypatch, data):
    joined(monkeypatch, data)
    (data / "s" / "b.txt").unlink()
    with pytest.raises(CorpusError, match="b could not be downloaded"):
        load_corpus("both")


def test_the_joined_corpora_of_the_catalogue_are_made_of_its_corpora():
    known = catalogue.entries()
    found = [entry for entry in known.values() if entry.parts]
    assert found
    for entry in found:
        parts = [known[name] for name in entry.parts]
        assert entry.bytes == sum(part.bytes for part in parts) and entry.pins
        assert {part.level for part in parts} == {entry.level}


# What comes is bounded


def test_a_prepared_bomb_stops_at_the_size_of_the_text(small, data, cache):
    small()
    write(data / "s" / "small.txt.xz", lzma.compress(bytes(1 << 24), preset=0))
    with pytest.raises(CorpusError, match=r"unpacks to more than its 1,000 bytes; replace"):
        store.find(replace(catalogue.entries()["small"], bytes=1000), progress=False)
    assert [f for f in cache.rglob("*") if f.is_file()] == []


def test_a_download_has_a_limit(small, server, cache, monkeypatch):
    monkeypatch.setattr(store, "ROOM", 10)
    small(addresses=at(server, "/text"))
    for page, reason in (
        (RAW + bytes(11), f"the download has {len(RAW) + 11:,} bytes; it may have at most"),
        ((10**15, RAW), "the download has 1,000,000,000,000,000 bytes"),
    ):
        server.pages["/text"] = page
        with pytest.raises(CorpusError, match=reason):
            load_corpus("small", progress=False)
    assert [f for f in cache.rglob("*") if f.is_file()] == []


def test_a_portals_page_says_what_to_do(small, server):
    small(addresses=at(server, "/text", recipe="gunzip"))
    server.pages["/text"] = b"\n<!DOCTYPE html><html>Welcome to the airport</html>"
    with pytest.raises(CorpusError, match="is a web page: if this network wants you to log in"):
        load_corpus("small", progress=False)


def test_a_full_disk_is_said_and_leaves_nothing(small, data, cache, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    small()
    write(data / "s" / "small.txt.xz", lzma.compress(RAW))
    monkeypatch.setattr(store, "write", full)
    with pytest.raises(CorpusError, match=r"\(No space left on device\); make room there, or set"):
        load_corpus("small")
    assert [f for f in cache.rglob("*") if f.is_file()] == []
