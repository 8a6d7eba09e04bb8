"""The catalogue of corpora, and the texts in it that need no download."""

import hashlib
import inspect
import json
from pathlib import Path

import pytest

from charrnn import corpora
from charrnn.corpora import (
    CorpusError,
    catalogue,
    encode_corpus,
    load_corpus,
    offline,
    unpack,
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CHARRNN_DATA", raising=False)
    return tmp_path / "cache"


def write(path, content):
    path.write_bytes(content)
    return path


def test_every_table_of_the_catalogue_can_be_carried_out():
    for entry in catalogue.entries().values():
        assert entry.level in ("char", "byte"), entry.name
        assert entry.licence and entry.attribution and entry.title, entry.name
        for address in entry.addresses:
            recipe = unpack.RECIPES[address.recipe]
            inspect.signature(recipe).bind(Path(), Path(), **address.arguments)
        if entry.generator:
            assert entry.generator in offline.GENERATORS and not entry.addresses
        elif entry.parts:
            assert set(entry.parts) <= set(catalogue.entries()) and not entry.addresses
            assert entry.pins and entry.bytes
        else:
            assert entry.addresses and entry.prepared and entry.pins and entry.bytes, entry.name
        for pin, length in (("sha256", 64), ("md5", 32), ("git_blob_sha1", 40)):
            assert len(getattr(entry, pin)) in (0, length)


def test_what_the_catalogue_promises():
    entries = catalogue.entries()
    unshared = {name for name, entry in entries.items() if not entry.shareable}
    assert unshared == {"paul_graham", "paul_graham_to_2015", "paul_graham_all"}
    bytewise = {name for name, entry in entries.items() if entry.level == "byte"}
    assert bytewise == {"wikipedia", "enwik8", "enwik8_prefix", "wikipedia_excerpts", "linux"}
    offline = {name for name, entry in entries.items() if entry.generator}
    assert offline == {"hello", "book", "python"}
    assert corpora.corpus_names() == list(entries)
    assert len(entries["shakespeare"].addresses[0].arguments["order"]) == 37


def test_hello_is_four_characters_two_hundred_times():
    corpus = load_corpus("hello")
    assert corpus.read_text() == "hello" * 200
    assert (corpus.source, corpus.level, corpus.n_bytes) == ("offline", "char", 1000)
    ids, vocab = encode_corpus(corpus)
    assert vocab.symbols == ("e", "h", "l", "o")
    assert ids[:6].tolist() == [1, 0, 2, 2, 3, 1]


def test_python_is_the_standard_library_without_its_tests():
    corpus = load_corpus("python")
    text = corpus.read_text()
    assert 5_000_000 < corpus.n_bytes < 50_000_000
    assert corpus.sha256 == hashlib.sha256(corpus.read_bytes()).hexdigest()
    assert "class JSONDecoder" in text and "\r" not in text
    assert "import_fresh_module(" not in text and "build_time_vars = {" not in text


def test_python_reads_what_a_file_declares_and_leaves_out_what_lies(tmp_path, monkeypatch):
    for name, content in {
        "b.py": b"# coding: latin-1\nx = '\xe9'",
        "a.py": b"\xef\xbb\xbfx = 1\r\n",
        "broken.py": b"x = '\xe9'\n",
        "test/c.py": b"no",
        "site-packages/d.py": b"no",
        "_sysconfigdata_linux.py": b"no",
        "config-3.11-linux/python-config.py": b"no",
    }.items():
        (tmp_path / "lib" / name).parent.mkdir(parents=True, exist_ok=True)
        write(tmp_path / "lib" / name, content)
    monkeypatch.setattr(offline.sysconfig, "get_path", lambda _: str(tmp_path / "lib"))
    assert load_corpus("python").read_text() == "x = 1\n# coding: latin-1\nx = 'é'\n"
    monkeypatch.setattr(offline.sysconfig, "get_path", lambda _: str(tmp_path / "nowhere"))
    with pytest.raises(CorpusError, match=r"no \.py files in .*nowhere"):
        load_corpus("python")


def test_the_book_is_its_prose_in_order_of_names(tmp_path, monkeypatch):
    cells = [
        {"cell_type": "markdown", "source": ["# Two\n", "\n", "prose"]},
        {"cell_type": "code", "source": "print(1)"},
        {"cell_type": "markdown", "source": "more\n"},
    ]
    monkeypatch.setattr(offline, "BOOK", tmp_path / "book")
    with pytest.raises(CorpusError, match="`book` needs a checkout of the repository"):
        load_corpus("book")
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "02_b.ipynb").write_text(json.dumps({"cells": cells}))
    (tmp_path / "book" / "01_a.md").write_text("# One\n\nfirst\n")
    (tmp_path / "book" / "style.css").write_text("no")
    assert load_corpus("book").read_text() == "# One\n\nfirst\n\n# Two\n\nprose\n\nmore\n"
    (tmp_path / "book" / "03_c.ipynb").write_text("{}")
    with pytest.raises(CorpusError, match=r"03_c\.ipynb is not a notebook"):
        load_corpus("book")


RIGHT = """
[a]
title = "A"
licence = "none"
attribution = "nobody"
bytes = 5
md5 = "5d41402abc4b2a76b9719d911017c592"
prepared = ["a/a.txt.xz"]
addresses = [{ url = "https://example.org/a", recipe = "head", arguments = { size = 5 } }]

[b]
title = "B"
licence = "none"
attribution = "nobody"
bytes = 10
md5 = "5d41402abc4b2a76b9719d911017c592"
parts = ["a", "a"]
"""


def test_a_catalogue_is_read():
    known = catalogue.read(RIGHT)
    assert known["a"].addresses[0].arguments == {"size": 5} and known["b"].parts == ("a", "a")


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("[a]", "['../a']", "name is '../a'; it must be lower-case letters, digits and _"),
        ('title = "A"', "title = 1", "a: title is 1; it must be a string that is not empty"),
        ('title = "A"\n', "", "a lacks title; it must have title, licence, attribution"),
        ('title = "A"', 'title = "A"\ncolour = 1', "a has 'colour'; it may have title, licence"),
        ("bytes = 5", "bytes = -5", "a: bytes is -5; it must be 0 or more"),
        ("bytes = 5", "bytes = 5.0", "a: bytes is 5.0; it must be a whole number"),
        ("bytes = 5", "", "a has no bytes or no hash"),
        ("2abc4b", "2ABC4B", "a: md5 is .*; it must be 32 hexadecimal digits, in lower case"),
        ("md5 =", "sha256 =", "a: sha256 is .*; it must be 64 hexadecimal digits"),
        (
            "a/a.txt",
            "/a/a.txt",
            "a: prepared is .*; it must be a list, each a path inside",
        ),
        ("a/a.txt", "a/../../a.txt", "a: prepared is .*; it must be a list, each a path inside"),
        ("https:", "file:", r"a.addresses: url is 'file://.*; it must be an address, http"),
        ('"head"', '"untar"', "a.addresses: recipe is 'untar'; it must be one of plain, head"),
        ("size = 5", "sise = 5", "a.addresses.arguments has 'sise'; it may have size"),
        ("{ size = 5 }", "{}", "a.addresses.arguments lacks size"),
        ("size = 5", 'size = "5"', "a.addresses.arguments: size is '5'; it must be a whole number"),
        (
            "prepared",
            'level = "word"\nprepared',
            "a: level is 'word'; it must be one of char",
        ),
        ("prepared", 'generator = "hello"\nprepared', "a has generator and addresses of generator"),
        ('["a", "a"]', '["a", "c"]', "b: parts is .*; it must be a list, each one of a, b"),
        ('["a", "a"]', '["a", "b"]', "parts go in a circle: b of b; leave one out"),
        ("[a]", "[a", "the catalogue of corpora is not TOML"),
        ("bytes = 5", "bytes = " + "[" * 100_000, "cannot be read: it is nested too deeply"),
        ("[a]", "[" + "a." * 100_000 + "a]", "cannot be read: it is nested too deeply"),
    ],
)
def test_what_is_wrong_in_a_catalogue_is_named(old, new, message):
    assert old in RIGHT
    with pytest.raises(CorpusError, match=message) as caught:
        catalogue.read(RIGHT.replace(old, new, 1))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1000
