"""Recipes from a download to a text, on archives of a few members made by hand."""

import bz2
import csv
import errno
import gzip
import hashlib
import io
import lzma
import random
import tarfile
import tracemalloc
import zipfile

import pytest

from charrnn.corpora import unpack
from charrnn.corpora.texts import CorpusError


@pytest.fixture
def run(tmp_path):
    """Applies a recipe by name to bytes; the text."""

    def run(recipe, download, **arguments):
        (tmp_path / "download").write_bytes(download)
        unpack.unpack(recipe, tmp_path / "download", tmp_path / "text", **arguments)
        return (tmp_path / "text").read_bytes()

    return run


def tarball(members, top="repository-0123/"):
    """A .tar.gz; a value is the bytes of a file, or a string: the target of a symbolic link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(top + name)
            if isinstance(content, str):
                member.type, member.linkname, content = tarfile.SYMTYPE, content, b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def sheet(*rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([("id", "title", "date", "text"), *rows])
    return out.getvalue().encode()


def test_plain_copies_bytes_as_they_are(run):
    assert run("plain", b"\xef\xbb\xbfa\r\n\xff") == b"\xef\xbb\xbfa\r\n\xff"


def test_head_takes_exactly_that_many_bytes(run):
    assert run("head", b"abcdef Hol Hol", size=6) == b"abcdef"
    assert run("head", b"abcdef", size=6) == b"abcdef"
    with pytest.raises(CorpusError, match="6 bytes of 7"):
        run("head", b"abcdef", size=7)


@pytest.mark.parametrize(
    "recipe, compress",
    [("gunzip", gzip.compress), ("bunzip2", bz2.compress), ("unxz", lzma.compress)],
)
def test_compressed_files_are_decompressed_and_damaged_ones_refused(run, recipe, compress):
    text = b"to be or not to be\n" * 1000
    assert run(recipe, compress(text)) == text
    with pytest.raises(CorpusError, match=f"cannot be unpacked by {recipe}"):
        run(recipe, compress(text)[:-20])
    with pytest.raises(CorpusError, match=f"cannot be unpacked by {recipe}"):
        run(recipe, b"<html>not found</html>")


def test_zip_members_come_in_the_order_asked_for(run):
    archive = zipped({"names/female.txt": "Ada\n", "README": "read me", "names/male.txt": "Bob\n"})
    members = ["names/male.txt", "names/female.txt"]
    assert run("zip_members", archive, members=members) == b"Bob\nAda\n"
    with pytest.raises(CorpusError, match=r"other\.txt"):
        run("zip_members", archive, members=["other.txt"])
    with pytest.raises(CorpusError, match="BadZipFile"):
        run("zip_members", archive[:40], members=members)


def test_tex_files_of_the_top_folder_come_in_bytewise_order(run):
    """In bytes "Z" stands before "a" and "-" before "."; a locale's order would differ."""
    members = {
        "sets.tex": b"5",
        "a.tex": b"3",
        "Zariski.tex": b"1",
        "a-b.tex": b"2",
        "b.tex.old": b"no",
        "scripts/deep.tex": b"no",
        "link.tex": "sets.tex",
        "more.tex": b"4",
    }
    assert run("tar_by_name", tarball(members), suffix=".tex") == b"12345"


def test_sources_come_in_the_order_of_their_hashed_paths(run):
    members = {f"kernel/f{i}.{'ch'[i % 2]}": b"%d\n" % i for i in range(20)}
    text = run(
        "tar_by_hash",
        tarball(members | {"Makefile": b"all:\n", "l.h": "kernel/f1.h", "x.S": b"nop"}),
        suffixes=[".c", ".h"],
        salt="20150521:",
    )
    keys = {name: hashlib.sha256(b"20150521:" + name.encode()).hexdigest() for name in members}
    assert text == b"".join(members[name] for name in sorted(members, key=keys.get))
    assert text != b"".join(members.values())


def test_a_path_that_climbs_out_of_the_archive_is_only_a_name(run, tmp_path):
    archive = tarball({"../../evil.tex": b"no", "/etc/evil.tex": b"no", "good.tex": b"yes"})
    assert run("tar_by_name", archive, suffix=".tex") == b"yes"
    assert run("tar_by_hash", tarball({"../../up.c": b"x"}), suffixes=[".c"], salt="") == b"x"
    assert run("zip_members", zipped({"../../evil": "z"}), members=["../../evil"]) == b"z"
    assert {f.name for f in tmp_path.rglob("*")} == {"download", "text", "spool"}
    assert not list(tmp_path.parent.glob("*evil*"))


def test_a_truncated_tarball_is_refused(run):
    archive = tarball({f"{i}.tex": hashlib.sha256(b"%d" % i).digest() * 300 for i in range(20)})
    with pytest.raises(CorpusError, match="cannot be unpacked by tar_by_name"):
        run("tar_by_name", archive[: len(archive) // 2], suffix=".tex")


def test_a_large_tarball_takes_little_memory(run, tmp_path, monkeypatch):
    """Three files of 2 MB: reading the archive, a file or the text at once would show."""
    monkeypatch.setattr(unpack, "CHUNK", 1 << 16)
    source = random.Random(0).randbytes(1 << 21)
    archive = tarball({f"{i}.c": source for i in range(3)})
    assert run("tar_by_hash", archive, suffixes=[".c"], salt="") == source * 3
    tracemalloc.start()
    unpack.tar_by_hash(tmp_path / "download", tmp_path / "text", [".c"], "")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6


def test_essays_are_chosen_cleaned_and_sorted(run):
    essays = sheet(
        (10, "Ten", "May 2015", "ten "),
        (9, "Nine", "May 2015", "nine\r\nsecond\u00a0line \ufffd end"),
        (3, "Links", "January 2008", " a [link](x.html), [1](y), \\[2\\] and f(x)"),
        (4, "Early", "December 2007", "too early"),
        (5, "Late", "June 2015", "too late"),
        (6, "Undated", "", "no date"),
        (7, "Odd", "May 2011, rev. June 2012", "no"),
        (8, "Year", "1993", "no"),
    )
    expected = "a link, 1, \\[2\\] and f(x)\n\nnine\nsecond line \u2014 end\n\nten\n"
    assert run("essays", essays, since=[2008, 1], until=[2015, 5]).decode() == expected
    assert run("essays", essays, until=[2007, 12]) == b"too early\n"
    assert run("essays", essays).count(b"\n\n") == 4


def test_essays_longer_than_the_csv_module_allows_by_itself(run):
    limit = csv.field_size_limit()
    assert len(run("essays", sheet((1, "Long", "May 2011", "x" * (limit + 1))))) == limit + 2
    assert csv.field_size_limit() == limit


def test_essays_of_another_table_are_refused(run):
    with pytest.raises(CorpusError, match="no row is dated"):
        run("essays", sheet((1, "", "May 2011", "x")), since=[2012, 1])
    with pytest.raises(CorpusError, match="KeyError: 'date'"):
        run("essays", b"a,b\n1,2\n")


PLAY = """<?xml version="1.0"?><!DOCTYPE PLAY SYSTEM "play.dtd"><PLAY><TITLE>T</TITLE><ACT><SCENE>
<STAGEDIR>Enter</STAGEDIR>
<SPEECH><SPEAKER>First &amp; Last</SPEAKER><SPEAKER>Both</SPEAKER>
<LINE>One,</LINE><STAGEDIR>Aside</STAGEDIR><LINE>two <STAGEDIR>Exit</STAGEDIR>three.</LINE></SPEECH>
<SPEECH><LINE>nobody's</LINE></SPEECH>
<SPEECH><SPEAKER>B</SPEAKER><LINE>kept</LINE><LINE><STAGEDIR>Dies</STAGEDIR> lost</LINE>
<LINE>lost too</LINE></SPEECH></SCENE></ACT></PLAY>"""


def test_plays_become_speakers_and_lines(run):
    members = {"texts/b_moby.xml": PLAY.replace("One,", "Ein,").encode(), "texts/notes.xml": b"<"}
    archive = tarball(members | {"texts/a_moby.xml": PLAY.encode()})
    text = run("plays", archive, path="texts/{play}_moby.xml", order=["b", "a"]).decode()
    first = "First & Last:\nEin,\ntwo \n\n\nB:\nkept\n\n"
    assert text == first + first.replace("Ein,", "One,")
    with pytest.raises(CorpusError, match="texts/c_moby"):
        run("plays", archive, path="texts/{play}_moby.xml", order=["c"])
    with pytest.raises(CorpusError, match="ParseError"):
        run("plays", archive, path="texts/{play}.xml", order=["notes"])


def test_an_unknown_recipe_names_the_known_ones(run):
    with pytest.raises(CorpusError, match="recipe is 'untar'; it must be one of plain, head"):
        run("untar", b"")


BOMB = bytes(1 << 16)


@pytest.mark.parametrize(
    "recipe, download, arguments",
    [
        ("plain", BOMB, {}),
        ("gunzip", gzip.compress(BOMB), {}),
        ("bunzip2", bz2.compress(BOMB), {}),
        ("unxz", lzma.compress(BOMB), {}),
        ("head", BOMB, {"size": 1 << 16}),
        ("zip_members", zipped({"a": BOMB}), {"members": ["a"]}),
        ("tar_by_name", tarball({"a.tex": BOMB}), {"suffix": ".tex"}),
        ("tar_by_hash", tarball({"a.c": BOMB}), {"suffixes": [".c"], "salt": ""}),
        ("plays", tarball({"a.xml": BOMB}), {"path": "{play}.xml", "order": ["a"]}),
        ("essays", sheet((1, "Long", "May 2011", "x" * (1 << 16))), {}),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_no_recipe_writes_more_than_it_may(run, tmp_path, recipe, download, arguments):
    with pytest.raises(CorpusError, match="what it unpacks to has more than 60,000 bytes"):
        run(recipe, download, most=60_000, **arguments)
    assert all(f.stat().st_size <= 60_000 for f in tmp_path.iterdir() if f.name != "download")


def test_what_is_not_wanted_of_a_tarball_has_a_limit_too(run):
    archive = tarball({"a.bin": bytes(1 << 18)})
    with pytest.raises(CorpusError, match="the archive has more than 160,000 bytes"):
        run("tar_by_name", archive, suffix=".tex", most=10_000)


def test_an_xz_file_of_several_streams_with_padding(run):
    first, second = lzma.compress(b"one "), lzma.compress(b"two")
    assert run("unxz", first + bytes(8) + second + bytes(4)) == b"one two"


def test_an_xz_decoder_takes_no_more_memory_than_it_may(run, monkeypatch):
    monkeypatch.setattr(unpack, "MEMORY", 1 << 20)
    with pytest.raises(CorpusError, match="Memory usage limit"):
        run("unxz", lzma.compress(BOMB))


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_tarballs_header_has_a_limit(run, kind):
    member = tarfile.TarInfo("top/x")
    member.type, member.size = kind, 10**12
    archive = gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 16))
    with pytest.raises(CorpusError, match="the archive has a header of 1,000,000,000,000 bytes"):
        run("tar_by_name", archive, suffix=".tex")


def test_a_long_name_within_its_limit_is_read(run):
    name = "x" * 300 + ".tex"
    assert run("tar_by_name", tarball({name: b"yes"}), suffix=".tex") == b"yes"


def test_entities_and_giant_plays_are_refused(run, monkeypatch):
    laughs = b'<!DOCTYPE PLAY [<!ENTITY a "ha">]><PLAY>&a;</PLAY>'
    wanted = {"path": "{play}.xml", "order": ["a"]}
    for text in (laughs, laughs.decode().encode("utf-16")):
        with pytest.raises(CorpusError, match="the XML declares an entity, 'a'"):
            run("plays", tarball({"a.xml": text}), **wanted)
    monkeypatch.setattr(unpack, "LARGEST_PLAY", 10)
    with pytest.raises(CorpusError, match=r"a\.xml has 50 bytes; a play may have at most 10"):
        run("plays", tarball({"a.xml": laughs}), **wanted)


def test_a_full_disk_is_no_broken_download(run, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(unpack.shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space left"):
        run("gunzip", gzip.compress(b"x"))
