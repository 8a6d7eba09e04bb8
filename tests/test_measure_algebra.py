"""What is measured of LaTeX: rows by hand, outcomes, and the choice of the best page."""

import json
from collections import Counter
from types import SimpleNamespace

import pytest

from charrnn import typeset
from charrnn.measure import KINDS, algebra
from charrnn.mend import Mended
from charrnn.typeset import Cut, Fault, Outcome

GOOD = (
    "cut\n\n\\begin{lemma}\n\\label{lemma-a}\nLet $X$ be a boat.\n\\end{lemma}\n\n"
    "\\begin{proof}\nOmitted. See Lemma \\ref{lemma-b}.\n\\end{proof}\n\ncut"
)
BAD = GOOD.replace("\\end{proof}", "\\end{lemma}")


def material(tmp_path, drawn=(GOOD, BAD), pieces=(GOOD, GOOD), samples=1):
    return SimpleNamespace(
        run=SimpleNamespace(folder=tmp_path),
        samples=samples,
        length=len(GOOD),
        drawn={t: list(drawn) for t in algebra.TEMPERATURES},
        pieces=list(pieces),
        train="\\label{lemma-b}\n\\label{section-c}",
    )


def test_a_row_by_hand():
    row = algebra.row([GOOD, BAD], {"lemma-b"})
    assert row["kept"]["value"] == 3 / 4 and row["wrong_names"]["value"] == 1 / 4
    assert row["wrong"] == {"proof closed as lemma": 1}
    assert row["environments"] == 4
    assert row["proofs_omitted"] == 1 and row["diagrams_tried"] == 0
    assert row["known_references"]["value"] == 1 and row["invented_references"] == []
    assert row["new_labels"]["value"] == 1
    assert row["math"]["total"] == 2
    assert row["by_distance"]["0"]["value"] == 3 / 4 and row["by_distance"]["800"] is None
    assert algebra.row([GOOD, BAD], set())["invented_references"] == ["lemma-b"]
    json.dumps(row, allow_nan=False)


def test_nothing_to_measure():
    for texts in ([], ["", ""], ["gibberish { $ \\"] * 2):
        row = algebra.row(texts, set())
        assert row["kept"] is None and row["environments"] == 0
        json.dumps(row, allow_nan=False)


def test_without_an_engine_the_rest_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(algebra, "sample_units", lambda run, n, **rest: [GOOD] * n)
    monkeypatch.setattr(typeset, "find_engine", lambda: None)
    found = algebra.measure(material(tmp_path))
    assert found["typesetting"] == {"engine": None}
    assert set(found) == {"0.5", "0.7", "0.8", "1.0", "held_out", "edges", "chance", "typesetting"}
    assert found["1.0"]["kept"]["value"] == 3 / 4 and found["held_out"]["kept"]["value"] == 1
    assert found["0.8"]["kept"]["value"] == 7 / 8  # with two texts more
    assert found["chance"] == {"name": "lemma", "always": 0.5, "drawn": 0.5}
    assert found["0.8"]["known_references"]["value"] == 1
    assert not list(tmp_path.iterdir())


def test_the_recipe_has_these_measures():
    assert KINDS["stacks"] == ("latex", algebra)


def tried(edits, length=100, reasons=None, error="Undefined control sequence."):
    """A text as if it had been mended by so many edits; None: a bound was hit."""
    compiled = edits is not None
    counts = Counter(reasons or ({"command": edits} if edits else {}))
    first = None if edits == 0 else Fault(error, 0, ())
    outcome = Outcome(compiled, int(compiled), None if compiled else first, b"pdf", "")
    return algebra.Tried(Cut("", "x" * length, ""), Mended("y", counts, outcome, first, 1))


def test_outcomes_by_hand():
    found = [tried(0), tried(2, reasons={"dollar": 1, "brace": 1}), tried(None), tried(4), None]
    row = algebra.outcomes(found, 5)
    assert row["texts"] == 5 and row["nothing_left"] == 1
    assert (row["compiled"]["hits"], row["compiled"]["total"]) == (1, 4)
    assert (row["mended"]["hits"], row["mended"]["total"]) == (3, 4)
    assert row["edits"]["value"] == pytest.approx(6 / 300)
    assert row["median"] == pytest.approx(30)  # of 0, 20, 40 and one without end
    assert row["reasons"] == {"command": 4, "dollar": 1, "brace": 1}
    assert row["first_errors"] == {"Undefined control sequence.": 3}
    assert row["each"] == [0.0, 20.0, None, 40.0]
    json.dumps(row, allow_nan=False)


def test_a_median_without_end_is_none():
    row = algebra.outcomes([tried(None), tried(None), tried(0)], 3)
    assert row["median"] is None and row["edits"] is None  # one text has no interval
    empty = algebra.outcomes([], 0)
    assert empty["median"] is None and empty["edits"] is None
    json.dumps([row, empty], allow_nan=False)


def test_the_best_is_the_longest_that_compiles_untouched():
    found = [tried(0, 60), tried(0, 80), tried(1, 99), tried(0, 20), None, tried(None, 100)]
    assert algebra.choose(found, 100) == (1, found[1])
    assert algebra.choose(found[2:], 100) == (0, found[2])  # the one of 20 is too short
    assert algebra.choose(found[3:], 100) == (0, found[3])  # unless there is no other
    assert algebra.choose([None, tried(None)], 100) is None
    by_rate = [tried(3, 60), tried(3, 90)]
    assert algebra.choose(by_rate, 100)[0] == 1


@pytest.mark.parametrize(
    ("message", "general"),
    [
        ('Xy-pic error: in entry "1,2": No [r] from here.', "Xy-pic error"),
        (
            r"LaTeX Error: \begin{proof} on input line 48 ended by \end{lemma}.",
            r"LaTeX Error: \begin{...} ended by \end{...}",
        ),
        ("LaTeX Error: Environment mit undefined.", "LaTeX Error: Environment ... undefined."),
        (
            r"Paragraph ended before \next@ was complete.",
            "Paragraph ended before ... was complete.",
        ),
        (r"File ended while scanning use of \text@.", "File ended while scanning use of ..."),
        ("Missing $ inserted.", "Missing $ inserted."),
    ],
)
def test_error_messages_without_what_is_particular(message, general):
    assert algebra.outcomes([tried(1, error=message)], 1)["first_errors"] == {general: 1}


def test_guessing_names():
    texts = [
        "\\begin{a}\\end{a}\\begin{a}\\end{a}\\begin{b}\\end{b}\\begin{c}",
        "\\begin{b}\\end{b}",
    ]
    assert algebra.guessing(texts) == {"name": "a", "always": 0.5, "drawn": 0.5}
    assert algebra.guessing(texts[:1])["drawn"] == pytest.approx(5 / 9)
    assert algebra.guessing([]) is None


def test_a_page_without_a_reader_of_pdf_keeps_its_source(tmp_path, monkeypatch):
    def missing(pdf):
        raise ImportError("pypdfium2")

    monkeypatch.setattr(typeset, "picture", missing)
    kept = algebra.page((3, tried(0)), tmp_path)
    assert kept["file"] is None and kept["source"] == "x" * 100 and kept["number"] == 3
    assert not list(tmp_path.iterdir())
    assert algebra.page(None, tmp_path) is None


def test_typesetting_with_the_engine(tmp_path):
    if typeset.find_engine() is None:
        pytest.skip("no pdflatex here")
    pytest.importorskip("pypdfium2")
    texts = {0.5: [BAD, GOOD], 0.8: [BAD, GOOD]}
    found = algebra.typesetting(material(tmp_path), texts)
    assert found["0.8"]["compiled"]["hits"] == 1 and found["0.8"]["texts"] == 2
    assert found["0.5"]["reasons"] == {"environment": 1}
    assert found["held_out"]["compiled"]["value"] == 1
    page = found["page"]
    assert page["number"] == 1 and page["edits"] == 0 and page["pages"] == 1
    assert page["source"].startswith("\\begin{lemma}")
    assert (tmp_path / page["file"]).read_bytes().startswith(b"\x89PNG")
    json.dumps(found, allow_nan=False)
