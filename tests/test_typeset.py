r"""Typesetting: cuts that excuse what they cut, outcomes, and documents that mean harm.

Tests that need pdfLaTeX (with Xy-pic) are skipped without; the rest does not need it.
"""

import io
import os
import time
from pathlib import Path

import pytest
from PIL import Image

from charrnn import typeset
from charrnn.mend import mend
from charrnn.structure.tex import INNER
from charrnn.typeset import cut, find_engine

PIECE = r"""ence it is
true.
\end{enumerate}
\end{proof}

\begin{lemma}
\label{lemma-a}
Let $X$ be a boat.
\end{lemma}

\begin{proof}
We have
$$
\xymatrix{
X \ar[r] \ar@{^{(}->}[d] & \Spec(k) \ar[d] \\
Y_\etale \ar[r] & \colim Z_i
}
$$
and hence
\begin{enumerate}
\item[(1)] one,

\item[(2)] two, and $\frac{1"""


@pytest.fixture(scope="module")
def engine():
    """The engine of this machine, if it has what the preamble asks for."""
    found = find_engine()
    if found is None:
        pytest.skip("no pdflatex here")
    if "not found" in (typeset.typeset("Hello.", found).log):
        pytest.skip("the LaTeX of this machine lacks amsart, Xy-pic or another of their files")
    return found


def test_a_cut_ends_at_empty_lines_and_closes_what_it_cut():
    found = cut(PIECE)
    assert found.before == ""  # what was open before has been cut away with its end
    assert found.text.startswith("\\begin{lemma}") and found.text.endswith("one,")
    assert found.after == "\n\\end{enumerate}\n\\end{proof}"
    assert found.body == found.before + found.text + found.after


def test_what_was_open_before_a_cut_is_opened_for_it():
    text = (
        "lost\n\nhalf a proof\n\n\\end{enumerate}\n\\end{proof}\n\n"
        "\\begin{lemma}a\\end{lemma}\n\nlost"
    )
    assert cut(text).before == "\\begin{proof}\n\\begin{enumerate}\\item\n"
    begins_with_item = text.replace("half a", "\\item half a")
    assert cut(begins_with_item).before == "\\begin{proof}\n\\begin{enumerate}\n"
    # After a lemma, which stands in nothing, an \end of nothing is a mistake; so is one of a name
    # that no environment has.
    late = "lost\n\n\\begin{lemma}a\\end{lemma}\n\nb\\end{proof}\n\nlost"
    assert cut(late).before == ""
    assert cut(text.replace("end{proof}", "end{prof}")).before == "\\begin{enumerate}\\item\n"


def test_what_a_lemma_began_in_is_not_closed_for_the_text():
    text = "lost\n\n\\begin{proof}\n\\begin{enumerate}\n\\item a\n\n\\begin{lemma}\nb\n\nlost"
    assert cut(text).after == "\n\\end{lemma}"
    assert cut("lost\n\n\\begin{lemma}\nb\n\\section{C} d\n\nlost").after == ""


def test_a_list_that_is_cut_at_both_ends():
    found = cut("lost\n\n\\item one,\n\n\\item two,\n\nlost")
    assert found.before == "\\begin{enumerate}\n" and found.after == "\n\\end{enumerate}"
    inside = cut("lost\n\nrest of one,\n\n\\item two,\n\nlost")
    assert inside.before == "\\begin{enumerate}\\item\n"
    with_lemma = cut("lost\n\n\\item one,\n\n\\begin{lemma}a\\end{lemma}\n\nlost")
    assert with_lemma.before == ""  # the list never ended: no cut did that


def test_a_list_that_has_just_begun_gets_its_item():
    assert cut("lost\n\n\\begin{itemize}\n\nlost").after == "\n\\item\\end{itemize}"


def test_the_frame_of_a_file_is_taken_out():
    text = "a\n\n\\end{document}\n\\input{preamble}\n\\begin{document}\n\\title{B}\n\nc"
    assert cut(text).text == "\\input{preamble}\n\\title{B}"


def test_few_empty_lines():
    assert cut("no border at all").body == ""
    assert cut("").body == ""
    assert cut("lost\n\nhalf \\begin{proof} a\\end{proof} lost").text == (
        "half \\begin{proof} a\\end{proof}"
    )
    assert cut("lost $\\end{proof} a \\item b $lost").text == " a "


def test_what_the_engine_says_is_read():
    body = "one\ntwo \\alpha three\nfour"
    row = typeset.PREAMBLE.count("\n") + 2
    log = (
        f"junk\ntext.tex:{row}: Missing $ inserted.\n<inserted text> \n                $\n"
        f"l.{row} two \\alpha\n              three\nmore\n! Emergency stop.\n"
    )
    fault = typeset._first_fault(log, body)
    assert fault.message == "Missing $ inserted."
    assert body[: fault.place] == "one\ntwo \\alpha"
    assert fault.read[0].startswith("<inserted text>") and fault.read[-1] == "two \\alpha"
    assert typeset._first_fault("all well\n", body) is None
    late = log.replace(f"l.{row} two \\alpha", f"l.{row + 9} \\end{{document}}")
    assert typeset._first_fault(late, body).place == len(body)
    long = log.replace(f"l.{row} two", f"l.{row} ...o")
    assert typeset._first_fault(long, body).place == fault.place


def test_without_an_engine(monkeypatch):
    monkeypatch.setattr(typeset.shutil, "which", lambda name: None)
    find_engine.cache_clear()
    try:
        assert find_engine() is None
    finally:
        find_engine.cache_clear()


def test_no_other_engine_is_taken(monkeypatch):
    others = {"xelatex": "/bin/true", "lualatex": "/bin/true", "latex": "/bin/true"}
    monkeypatch.setattr(typeset.shutil, "which", others.get)
    find_engine.cache_clear()
    try:
        assert find_engine() is None
    finally:
        find_engine.cache_clear()


def test_the_preamble_knows_every_environment(engine):
    arguments = {"array": "{c}", "tabular": "{c}", "multicols": "{2}"}
    bodies = []
    for name in sorted(typeset.ENVIRONMENTS - {"comment", "split"}):
        item = "\\item " if name in typeset.LISTS else ""
        body = f"\\begin{{{name}}}{arguments.get(name, '')}\n{item}a\n\\end{{{name}}}"
        bodies.append(f"$${body}$$" if name in INNER else body)
    found = typeset.typeset("\n\n".join(bodies), engine)
    assert found.compiled, found.fault


def test_a_piece_compiles(engine):
    found = typeset.typeset(cut(PIECE).body, engine)
    assert found.compiled and found.pages == 1 and found.fault is None
    assert found.pdf.startswith(b"%PDF")


@pytest.mark.parametrize(
    ("body", "message", "read"),
    [
        ("a\n\\nonsense b", "Undefined control sequence.", "a\n\\nonsense"),
        ("a \\alpha b", "Missing $ inserted.", "a \\alpha"),
        ("\\begin{lemma}\na\n\\end{proof}", "LaTeX Error: \\begin{lemma}", None),
        (
            "$$\n\\xymatrix{A \\ar[r]}\n$$",
            'Xy-pic error: in entry "1,1"',
            "$$\n\\xymatrix{A \\ar[r]}",
        ),
        ("x $y", "Missing $ inserted.", "x $y"),
    ],
)
def test_the_first_error_and_its_place(engine, body, message, read):
    found = typeset.typeset(body, engine)
    assert not found.compiled and found.pages == 0 and found.pdf is None
    assert found.fault.message.startswith(message)
    if read:
        assert body[: found.fault.place].rstrip() == read


def test_nothing_to_typeset_is_no_page(engine):
    found = typeset.typeset("% nothing", engine)
    assert not found.compiled and found.fault.message == "no page"


def test_a_text_must_be_typeset_to_its_end(engine):
    found = typeset.typeset("a\n\\end{document}\n\\nonsense", engine)
    assert not found.compiled and found.fault.message == "ended before the end of the text"
    assert not typeset.typeset("a\\csname @@end\\endcsname", engine).compiled


SECRET = "a line that no page may show"


@pytest.fixture
def elsewhere(tmp_path):
    (tmp_path / "secret.tex").write_text(SECRET + "\n")
    return tmp_path


@pytest.mark.parametrize(
    "body",
    [
        "\\immediate\\write18{{touch {folder}/made}}",
        "\\immediate\\openout5={folder}/made \\immediate\\write5{{x}}\\immediate\\closeout5",
        "\\immediate\\openout5=../made \\immediate\\write5{{x}}\\immediate\\closeout5",
        "\\input{{{folder}/secret.tex}}",
        "\\csname @@input\\endcsname {folder}/secret.tex ",
        "\\newread\\r\\openin\\r={folder}/secret.tex \\read\\r to\\x \\x",
        '\\csname @@input\\endcsname "|cat {folder}/secret.tex" ',
        "\\csname pdffiledump\\endcsname length 40 {{{folder}/secret.tex}}",
        "\\verbatiminput{{{folder}/secret.tex}}",
        "\\csname @@input\\endcsname /etc/passwd ",
        "\\pdfcompresslevel=0 \\immediate\\pdfobj stream file{{{folder}/secret.tex}}\\pdfrefobj"
        "\\pdflastobj",
    ],
)
def test_nothing_outside_is_read_written_or_run(engine, elsewhere, body):
    before = {p.name for p in Path(os.environ.get("TMPDIR", "/tmp")).glob("*made*")}
    found = typeset.typeset("Text. " + body.format(folder=elsewhere), engine)
    assert SECRET not in found.log and "root:" not in found.log
    assert SECRET.encode() not in (found.pdf or b"")
    if found.pdf:
        pypdfium2 = pytest.importorskip("pypdfium2")
        shown = pypdfium2.PdfDocument(found.pdf)[0].get_textpage().get_text_range()
        assert "no page may show" not in shown and "root:" not in shown
        assert SECRET.encode().hex()[:20].upper() not in shown
    assert sorted(p.name for p in elsewhere.iterdir()) == ["secret.tex"]
    assert {p.name for p in Path(os.environ.get("TMPDIR", "/tmp")).glob("*made*")} == before


@pytest.mark.parametrize(
    "body",
    [
        "\\def\\x{\\x}\\x",
        "\\def\\x{a\\x}\\x",
        "\\def\\x{\\x\\x}\\x",
        "\\def\\x{\\message{aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}\\x}\\x",
        "\\def\\x{a\\newpage\\x}\\x",
        "\\newwrite\\w\\immediate\\openout\\w=big \\def\\x{\\immediate\\write\\w{aaaaaaaaa}\\x}\\x",
    ],
)
def test_what_never_ends_is_ended(engine, body):
    began = time.monotonic()
    found = typeset.typeset("Text. " + body, engine, seconds=4)
    assert time.monotonic() - began < 10
    assert not found.compiled and found.fault is not None
    assert len(found.log) <= typeset.FILE_SIZE


def test_a_picture_is_small_cropped_and_grey(engine):
    pytest.importorskip("pypdfium2")
    data = typeset.picture(typeset.typeset(cut(PIECE).body, engine).pdf, width=600)
    image = Image.open(io.BytesIO(data))
    assert image.width == 600 and image.height < 600  # a lemma, not a whole page
    assert len(data) < 150_000
    assert image.convert("L").getextrema()[0] < 60
    assert image.convert("L").getpixel((0, 0)) == 255


def test_a_huge_page_makes_no_huge_picture(engine):
    pytest.importorskip("pypdfium2")
    huge = "\\pdfpagewidth=16000pt \\pdfpageheight=16000pt a"
    if engine.name != "pdflatex":
        pytest.skip("the size of a page is set otherwise")
    image = Image.open(io.BytesIO(typeset.picture(typeset.typeset(huge, engine).pdf, width=300)))
    assert image.width == 300


def test_characters_that_are_none(engine):
    found = typeset.typeset("a \ud800 \ufffd", engine)
    assert found.fault is not None or found.compiled


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        ("Let $X$ be one.", {}),
        ("\\begin{lemma}\na\n\\end{proof}", {"environment": 1}),
        ("a \\nonsense b \\nonsense c \\rubbish", {"command": 3}),
        ("$x^a^b$", {"command": 1}),
        ("$$\n\\xymatrix{A \\ar[rr] \\ar[r]^f & B \\ar[d]}\n$$", {"arrow": 2}),
        ("$\\left{ x \\right}$", None),
        ("$\\mathcal$ and \\text", None),
        ("a \\cite", None),
        ("a\\hspace{none} b", None),
        ("$$\n\\xymatrix{A \\ar[r]^{\\nonsense} & B}\n$$", {"command": 1}),
    ],
)
def test_mending(engine, body, reasons):
    found = mend(body, engine)
    assert found.outcome.compiled, (found.text, found.outcome.fault)
    assert found.edits == found.reasons.total() <= 6
    assert (found.first is None) == (found.edits == 0)
    if reasons is not None:
        assert found.reasons == reasons
    if found.edits == 0:
        assert found.text == body


def test_mending_stops_at_its_bounds(engine):
    few = mend("a $x^a^b^c^d^e^f^g^h$", engine, tries=3)
    assert few.edits is None and not few.outcome.compiled and few.tries == 3
    many = mend("a & " * 30, engine, density=0.05)  # 30 edits at once, where 10 are allowed
    assert many.edits is None and many.reasons == {"alignment": 30}
    endless = mend("\\def\\x{\\x}\\x", engine, seconds=1)
    assert endless.edits is None and endless.tries == 2
