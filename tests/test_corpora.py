"""Texts by path and by name: what is taken, what is changed, what is refused."""

import bz2
import errno
import gzip
import hashlib
import lzma
import os
import random
import threading
import time
import warnings
from pathlib import Path

import pytest

from charrnn.corpora import (
    CorpusError,
    CorpusWarning,
    encode_corpus,
    load_corpus,
    texts,
)

TEXT = "Hör auf!\n\n€ Nein.\n" * 50
RAW = TEXT.encode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CHARRNN_DATA", raising=False)
    return tmp_path / "cache"


def write(path, content):
    path.write_bytes(content)
    return path


def test_a_plain_file_is_taken_as_it_is(tmp_path):
    corpus = load_corpus(write(tmp_path / "notes.v2.txt", RAW))
    assert corpus.read_bytes() == RAW and corpus.sha256 == sha256(RAW)
    assert (corpus.name, corpus.title, corpus.source) == ("notes.v2", "notes.v2.txt", "file")
    assert (corpus.level, corpus.n_bytes, corpus.url) == ("char", len(RAW), "")


@pytest.mark.parametrize(
    "suffix, compress", [(".xz", lzma.compress), (".gz", gzip.compress), (".bz2", bz2.compress)]
)
def test_a_compressed_file_is_decompressed(tmp_path, suffix, compress):
    file = write(tmp_path / f"notes.txt{suffix}", compress(RAW))
    corpus = load_corpus(str(file))
    assert (corpus.read_bytes(), corpus.name) == (RAW, "notes")
    write(file, compress(RAW)[:-9])
    with pytest.raises(CorpusError, match="is damaged or cut short"):
        load_corpus(file)


def test_marks_and_line_ends_are_made_plain_with_a_warning_each(tmp_path):
    raw = b"\xef\xbb\xbfa\r\nb\r\r\nc\rd\n\r"
    file = write(tmp_path / "dos.txt", raw)
    with pytest.warns(CorpusWarning) as caught:
        corpus = load_corpus(file)
    assert corpus.read_bytes() == b"a\nb\n\nc\nd\n\n"
    assert [str(w.message).removeprefix(f"{file}: ") for w in caught] == [
        "1 byte order mark (UTF-8) was dropped",
        "2 CRLF line ends became LF",
        "3 lone CRs became LF",
    ]
    assert file.read_bytes() == raw


def test_line_ends_and_characters_survive_any_cut_into_pieces(tmp_path, monkeypatch):
    """A CRLF or a character of four bytes may fall on the border of two pieces."""
    text = "".join(random.Random(1).choices("a\r\né😀", k=300))
    expected = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    file = write(tmp_path / "mixed.txt", text.encode())
    for chunk in (1, 2, 3, 7, 1000):
        monkeypatch.setattr(texts, "CHUNK", chunk)
        with pytest.warns(CorpusWarning) as caught:
            assert load_corpus(file).read_bytes() == expected
        counts = [str(w.message).removeprefix(f"{file}: ").split()[0] for w in caught]
        assert counts == [str(text.count("\r\n")), str(text.count("\r") - text.count("\r\n"))]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_other_unicode_is_decoded_where_a_mark_shows_it(tmp_path, monkeypatch, encoding):
    monkeypatch.setattr(texts, "CHUNK", 9)
    file = write(tmp_path / "wide.txt", ("\ufeff" + TEXT + "😀").encode(encoding))
    with pytest.warns(CorpusWarning, match=rf"mark \({encoding.upper()}\).* made UTF-8"):
        assert load_corpus(file).read_text() == TEXT + "😀"
    write(file, ("\ufeff" + TEXT).encode(encoding)[:-1])
    with (
        pytest.warns(CorpusWarning),
        pytest.raises(CorpusError, match=f"is not {encoding.upper()}"),
    ):
        load_corpus(file)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["plain English text\n" * 20, "ещё немного текста\n" * 20])
def test_other_unicode_without_a_mark_is_told_by_its_nuls(tmp_path, encoding, text):
    """Most of it is valid UTF-8, so a network would learn NULs in silence."""
    file = write(tmp_path / "wide.txt", text.encode(encoding))
    name = encoding.upper().replace("-", "").replace("UTF", "UTF-")
    with pytest.raises(CorpusError, match=rf"looks like {name} without .*iconv -f {name} -t UTF-8"):
        load_corpus(file)
    assert load_corpus(file, level="byte").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    "raw",
    [b"a\0b", b"\0".join(RAW.split()), b"\0" * 99, b"".join(b"%05d\0" % n for n in range(99))],
)
def test_nuls_in_a_text_are_kept_and_counted(tmp_path, raw):
    count = raw.count(b"\0")
    with pytest.warns(CorpusWarning, match=rf"{count} NUL characters? \(0x00\) kept"):
        corpus = load_corpus(write(tmp_path / "nul.txt", raw))
    assert corpus.read_bytes() == raw


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_undecodable_bytes_are_refused_with_their_place(tmp_path, monkeypatch, mark):
    raw = mark + "naïve ".encode() + b"caf\xe9\n"
    file = write(tmp_path / "latin.txt", raw)
    for chunk in (1, 4, 1000):
        monkeypatch.setattr(texts, "CHUNK", chunk)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CorpusWarning)
            with pytest.raises(CorpusError) as caught:
                load_corpus(file)
        place = f"not UTF-8: byte 0xe9 at offset {raw.index(bytes([0xE9]))};"
        assert place in str(caught.value)
        assert 'level="byte"' in str(caught.value)
    write(file, b"cut \xe2\x80")
    with pytest.raises(CorpusError, match="byte 0xe2 at offset 4"):
        load_corpus(file)


def test_at_byte_level_nothing_is_changed(tmp_path):
    raw = b"\xef\xbb\xbfa\r\nb\r\xff\xfe"
    corpus = load_corpus(write(tmp_path / "raw.bin", raw), level="byte")
    assert (corpus.read_bytes(), corpus.level) == (raw, "byte")
    ids, vocab = encode_corpus(corpus)
    assert vocab.decode_bytes(ids) == raw
    with pytest.raises(CorpusError, match=r"raw is not UTF-8 throughout; use read_bytes"):
        corpus.read_text()


def test_files_that_hold_no_text_are_refused(tmp_path, monkeypatch):
    with pytest.raises(CorpusError, match=r"empty\.txt is empty"):
        load_corpus(write(tmp_path / "empty.txt", b""))
    with pytest.warns(CorpusWarning), pytest.raises(CorpusError, match="is empty"):
        load_corpus(write(tmp_path / "mark.txt", b"\xef\xbb\xbf"))
    with pytest.raises(CorpusError, match="is a folder; give a text file"):
        load_corpus(tmp_path)
    with pytest.raises(CorpusError, match=r"there is no file .*gone\.txt"):
        load_corpus(tmp_path / "gone.txt")
    with pytest.raises(CorpusError, match="there is no file"):
        load_corpus("x/" * 5000)
    monkeypatch.setattr(texts, "OPENERS", {".txt": no_permission})
    with pytest.raises(CorpusError, match=r"locked\.txt cannot be read \(Permission denied\)"):
        load_corpus(write(tmp_path / "locked.txt", b"x"))


def test_a_pipe_is_read_to_its_end(tmp_path):
    for name, data in (("pipe", RAW * 100), ("pipe.gz", gzip.compress(RAW * 100))):
        os.mkfifo(tmp_path / name)
        threading.Thread(target=(tmp_path / name).write_bytes, args=(data,), daemon=True).start()
        corpus = load_corpus(tmp_path / name)
        assert (corpus.read_bytes(), corpus.name) == (RAW * 100, "pipe")


def test_a_pipe_that_nobody_writes_to_is_not_waited_for_long(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "PATIENCE", 0.05)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CorpusError, match=r"pipe that gave nothing for 0\.05 s"):
        load_corpus(tmp_path / "pipe")


def test_what_is_no_file_is_said(tmp_path):
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    for path, message in (
        (tmp_path / "broken", r"is a link that is broken \(to nowhere\)"),
        (tmp_path / "loop", "is a link that goes round in a circle"),
        (Path("/dev/zero"), "is a terminal or another device; give a text file"),
        (tmp_path / "a\0b", "there is no file"),
        (tmp_path / "a\udcff", "is not UTF-8; rename the file"),
    ):
        with pytest.raises(CorpusError, match=message):
            load_corpus(path)


def test_what_a_killed_process_left_in_the_cache_goes_after_a_day(tmp_path, cache):
    file = write(tmp_path / "notes.txt", RAW)
    load_corpus(file)
    left = {name: cache / f".work-{name}" for name in ("yesterday", "today", "at-work")}
    for folder in left.values():
        folder.mkdir()
        write(folder / "text", b"half")
    for path in (left["yesterday"], left["yesterday"] / "text", left["at-work"]):
        os.utime(path, (time.time() - texts.STALE - 1,) * 2)
    load_corpus(file)
    assert [name for name, folder in left.items() if folder.exists()] == ["today", "at-work"]


def test_a_full_cache_is_said_and_left_clean(tmp_path, cache, monkeypatch):
    def no_room(source, target):
        target.write_bytes(next(iter(source)))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("charrnn.corpora.write", no_room)
    with pytest.raises(CorpusError, match=r"no room for the text \(No space left on device\)"):
        load_corpus(write(tmp_path / "notes.txt", RAW))
    assert list(cache.iterdir()) == []


def no_permission(path, mode):
    raise PermissionError(13, "Permission denied")


def test_a_bare_word_is_a_corpus_before_it_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "hello", b"another hello")
    write(tmp_path / "diary", b"dear diary")
    (tmp_path / "book").mkdir()
    assert load_corpus("hello").source == "offline"
    assert load_corpus("./hello").read_text() == "another hello"
    assert load_corpus(Path("hello")).read_text() == "another hello"
    assert load_corpus("diary").read_text() == "dear diary"


def test_unknown_names_and_levels_say_what_there_is():
    with pytest.raises(CorpusError, match=r"called 'tinyshakspeare'; did you mean tinyshakespeare"):
        load_corpus("tinyshakspeare")
    with pytest.raises(CorpusError, match=r"called 'xyzzy' \(corpora: hello, book"):
        load_corpus("xyzzy")
    with pytest.raises(CorpusError, match="level is 'word'; it must be one of char, byte"):
        load_corpus("hello", level="word")
    with pytest.raises(CorpusError, match='linux is not UTF-8 throughout; its level has to be "b'):
        load_corpus("linux", level="char")
    assert load_corpus("hello", level="byte").level == "byte"


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARRNN_CACHE", str(write(tmp_path / "file", b"") / "below"))
    with pytest.raises(CorpusError, match="set CHARRNN_CACHE to a folder that can"):
        load_corpus("hello")


def test_without_charrnn_cache_the_cache_is_the_users_own(monkeypatch):
    monkeypatch.delenv("CHARRNN_CACHE")
    assert texts.cache_folder().name == "charrnn"
