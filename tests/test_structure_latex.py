r"""The form of LaTeX, on a small chapter written for the purpose and on what is wrong with it."""

import gc
import time
from collections import Counter

import pytest

from charrnn.structure.diagrams import diagrams
from charrnn.structure.latex import (
    Balance,
    balance,
    labels,
    latex_structure,
    references,
    refers_to,
)
from charrnn.structure.nesting import nest
from charrnn.structure.shares import Share
from charrnn.structure.tex import Passage, environments, passages, tokens

CHAPTER = r"""\section{Boats}
\label{section-boats}

\begin{lemma}
\label{lemma-boats-float}
Let $B$ be a boat. Then
$$
\xymatrix{
B \ar[r]^f \ar[d] & S \ar[d]^{\text{over $S$}} \\
T \ar@{=}[r] & T
}
$$
commutes, and costs \$5, not \{5\}. % $ \begin{proof}
\end{lemma}

\begin{proof}
Omitted. Hint: see Lemma \ref{harbour-lemma-water}.
\end{proof}

\begin{definition}
\label{definition-mast}
A {\it mast} is
\begin{enumerate}
\item long, see Section \ref{section-boats}, or
\item \begin{equation}
\label{equation-mast}
m = \left( a_1 \right)
\end{equation}
\end{enumerate}
\end{definition}

\begin{theorem}
Boats float.
\end{theorem}

\begin{proof}
This is Lemma \ref{lemma-boats-float}.
\end{proof}

\section{The end}
"""


def kinds(text):
    return [(t.kind, t.name) for t in tokens(text)]


def test_tokens():
    assert kinds(r"a\alpha_1{$\$\{\\") == [
        ("command", r"\alpha"), ("special", "_"), ("special", "{"), ("special", "$"),
        ("command", r"\$"), ("command", r"\{"), ("command", r"\\"),
    ]  # fmt: skip
    assert kinds("a % $ {\nb\n\n c") == [("comment", "% $ {"), ("blank", "\n\n ")]
    assert kinds(r"100\% {") == [("command", r"\%"), ("special", "{")]
    assert kinds(r"\begin{align*}\end {x}") == [("begin", "align*"), ("end", "x")]
    assert kinds(r"\ref{a_b}\hyperref[c_d]{e}")[:2] == [("refers", "ref"), ("refers", "hyperref")]
    assert kinds(r"\verb|$ {|") == [("verbatim", "")]
    assert kinds("\\begin{verbatim}$ {\\end{verbatim}$") == [
        ("begin", "verbatim"), ("verbatim", ""), ("end", "verbatim"), ("special", "$"),
    ]  # fmt: skip
    assert kinds("\\begin{verbatim} { $") == [("begin", "verbatim"), ("verbatim", "")]
    assert kinds("") == [] and kinds("\\") == [("command", "\\")]


def test_tokens_say_where_they_are():
    for token in tokens(CHAPTER):
        assert 0 <= token.start < token.end <= len(CHAPTER)
        if token.kind in ("command", "special", "comment"):
            assert CHAPTER[token.start : token.end] == token.name


def test_environments_leave_out_comments_and_the_frame_of_a_file():
    marks = environments("\\begin{document}\n%\\begin{a}\n\\begin{b}\\end{c}\\end{document}")
    assert [(m.name, m.opens) for m in marks] == [("b", True), ("c", False)]


def one(text, display=False):
    return balance(Passage(tuple(tokens(text)), display))


@pytest.mark.parametrize(
    ("text", "formulas", "braces"),
    [
        ("", (0, 0), (0, 0)),
        ("$x$ and $$y$$ and \\(z\\) and \\[w\\]", (4, 4), (0, 0)),
        ("{a}{b{c}}", (0, 0), (3, 3)),
        ("$a$$b$", (2, 2), (0, 0)),  # closes one, opens the next
        ("\\$5 \\{", (0, 0), (0, 0)),
        ("$x", (0, 1), (0, 0)),
        ("$x$ and $", (1, 2), (0, 0)),
        ("$$x$", (0, 1), (0, 0)),  # a display closed by half of its mark
        ("$x$$", (1, 2), (0, 0)),
        ("\\[x$", (0, 1), (0, 0)),
        ("x\\)", (0, 1), (0, 0)),
        ("$\\text{if $x$ is}$", (2, 2), (1, 1)),
        ("$\\text{if $x is}$", (1, 2), (1, 1)),  # the inner one is left open by the brace
        ("$\\overline{x$ and {y}", (1, 1), (1, 2)),  # the brace is left open by the dollar
        ("}{", (0, 0), (0, 2)),
        ("{$x}$", (0, 2), (1, 1)),  # left open by the brace, and another one at the end
    ],
)
def test_balance(text, formulas, braces):
    assert one(text) == Balance(Share(*formulas), Share(*braces))


def test_a_dollar_in_an_equation_is_wrong_but_not_in_its_text():
    assert one("x = \\text{$y$}", display=True).formulas == Share(1, 1)
    assert one("x = $y$", display=True).formulas == Share(0, 2)
    assert one("x = y", display=True).formulas == Share(0, 0)


def test_a_passage_balances_or_not():
    assert one("$x$ $y$").math == Share(1, 1) and one("$x$ $y").math == Share(0, 1)
    assert one("none").math == Share(0, 0) == one("none").groups
    assert one("{}").groups == Share(1, 1) and one("{").groups == Share(0, 1)


def test_passages():
    text = (
        "cut $\n\na\\item b\\begin{equation}c\\end{equation}d$\\begin{matrix}\\end{matrix}$\n\n cut"
    )
    whole = passages(tokens(text), cut_ends=False)
    assert [p.display for p in whole] == [False, False, False, True, False, False]
    assert len(passages(tokens(text))) == 4
    assert passages(tokens("no border")) == []
    assert len(passages(tokens("no border"), cut_ends=False)) == 1


def test_chapter_by_hand():
    found = latex_structure(CHAPTER, {"lemma-water"}, cut_ends=False)
    assert found.nesting.closed_right() == Share(7, 7)
    assert found.forgotten == Share(0, 7)
    # B, S, the display, and S inside of the \text in it.
    assert found.formulas == Share(3, 3) and found.math == Share(1, 1)
    assert found.braces.hits == found.braces.total > 0
    assert found.groups.hits == found.groups.total
    assert found.diagrams == found.drawn == Share(1, 1)
    assert found.arrows == Share(4, 4)
    assert found.proved == Share(2, 2)
    assert found.stated == Share(2, 2)
    assert found.omitted == Share(1, 2)
    assert found.label_kinds == Share(3, 3)
    assert found.reference_kinds == Share(3, 3)
    assert found.known_references == Share(1, 3)
    assert found.own_references == Share(2, 3)
    assert found.new_labels == Share(4, 4)


def test_empty_text_and_prose_have_nothing_to_count():
    for text in ("", "It was late, and nobody spoke.\n\nThe end."):
        found = latex_structure(text)
        assert found.nesting.closed_right() == Share(0, 0)
        assert {found.formulas, found.braces, found.drawn, found.proved} == {Share(0, 0)}


SURE = ("formulas", "math", "braces", "groups", "diagrams", "drawn", "arrows", "forgotten",
        "proved", "stated", "label_kinds", "reference_kinds")  # fmt: skip


def test_a_cut_makes_no_mistakes():
    whole = CHAPTER + "\n" + CHAPTER
    for start in range(0, len(CHAPTER), 7):
        found = latex_structure(whole[start : start + 700])
        for name in SURE:
            share = getattr(found, name)
            assert share.hits == (0 if name == "forgotten" else share.total), (start, name)
        assert found.nesting.kept().hits == found.nesting.kept().total


def test_what_is_wrong_is_counted():
    wrong = CHAPTER.replace("\\end{lemma}", "\\end{proof}", 1)
    assert latex_structure(wrong).nesting.wrong_names() == Share(1, 7)
    forgotten = latex_structure(CHAPTER.replace("\\end{enumerate}\n", ""))
    assert forgotten.nesting.never_closed() == Share(1, 7)
    # The definition is not closed at all: a theorem begins inside of it.
    begun = latex_structure(CHAPTER.replace("\\end{definition}\n", ""))
    assert begun.nesting.kept() == Share(6, 6)  # which nesting alone can't know
    assert begun.forgotten == Share(1, 7)
    twice = latex_structure(CHAPTER.replace("Boats float.", "Boats $float."))
    assert twice.math == Share(1, 2)
    lone = latex_structure(CHAPTER.replace("\\begin{proof}\nOmitted", "Omitted", 1))
    assert lone.proved == Share(1, 2)
    other = latex_structure(CHAPTER.replace("\\label{lemma-", "\\label{theorem-"))
    assert other.label_kinds == Share(2, 3)
    named = latex_structure(CHAPTER.replace("see Lemma \\ref", "see Theorem \\ref"))
    assert named.reference_kinds == Share(2, 3)


@pytest.mark.parametrize(
    ("body", "omitted"),
    [
        ("Omitted.", 1), ("Proof omitted.", 1), (" \nOmitted. Hint: look.", 1),
        ("The proof is omitted.", 1), ("We omit it.", 0), ("Details are omitted.", 0), ("", 0),
    ],
)  # fmt: skip
def test_omitted_proofs(body, omitted):
    found = latex_structure(f"\\begin{{proof}}\n{body}\n\\end{{proof}}", cut_ends=False)
    assert found.omitted == Share(omitted, 1)


def drawn(body):
    [found] = diagrams(f"$$\n\\xymatrix{body}\n$$", cut_ends=False)
    return found


@pytest.mark.parametrize(
    ("body", "arrows"),
    [
        ("{A \\ar[r] & B}", (1, 1)),
        ("{A \\ar[r]}", (0, 1)),
        ("{A \\ar[rd] & B \\\\ C}", (0, 1)),  # the second row is shorter
        ("{A \\ar[d] & B \\\\ }", (0, 1)),  # an empty last row is none
        ("{A \\ar[d] & B \\\\ &}", (1, 1)),
        ("{A \\\\ B \\ar[u]}", (1, 1)),
        ("{A & B \\ar[l]_{f & g}}", (1, 1)),  # & in a group divides no cells
        ("{A \\ar@{=}[r] \\ar@<1ex>[l] & B}", (1, 2)),
        ("{A \\ar@{^{(}->}[r] & B}", (1, 1)),
        ("{A \\ar@/^1pc/[r] & \\text{$B$}}", (1, 1)),
        ("{A \\ar '[r] [rr] & B}", (0, 0)),  # no plain target
        ("@C=3pc{A \\ar[r] & B}", (1, 1)),
        ("{A & B}", (0, 0)),
    ],
)
def test_arrows_point_at_cells_or_not(body, arrows):
    found = drawn(body)
    assert found.end is not None
    assert found.arrows == Share(*arrows)
    assert found.drawn == (arrows[0] == arrows[1])
    assert len(found.lost) == arrows[1] - arrows[0]


@pytest.mark.parametrize("body", ["{A \\ar[r]^{f} & B", "{A", " A}", "{A $x$ }"])
def test_diagrams_that_are_not_closed(body):
    assert drawn(body).end is None and not drawn(body).drawn


def test_diagrams_at_the_ends_may_be_cut():
    text = "\\xymatrix{A\n\n\\xymatrix{B}\n\n\\xymatrix{C"
    assert [d.drawn for d in diagrams(text)] == [True]
    assert [d.drawn for d in diagrams(text, cut_ends=False)] == [False, True, False]


def test_labels_and_references():
    assert labels(CHAPTER)[:2] == ["section-boats", "lemma-boats-float"]
    assert references(CHAPTER)[0] == "harbour-lemma-water"
    known = {"lemma-a", "section-phantom"}
    assert refers_to("lemma-a", known) and refers_to("more-algebra-lemma-a", known)
    assert refers_to("sites-section-phantom", known)
    assert not refers_to("lemma-b", known) and not refers_to("a", known)
    assert not refers_to("dilemma-a", known)  # not a kind of its own


@pytest.mark.parametrize(
    "text",
    [
        "{", "}", "$", "\\", "\n", " \n", "\\begin{", "\\begin{lemma}", "\\end{a}", "%", "\\verb|",
        "\\begin{verbatim}", "\\begin{a}\\end{b}", "\\ref{", "Lemma \\ref{", "$\\text{", "\\ar[",
        "\\xymatrix{", "\\xymatrix{ & \\\\", "\\ar@{", "\\hyperref[", "a b ",
    ],
)  # fmt: skip
def test_hostile_text_takes_time_in_proportion(text):
    def seconds(n):
        gc.collect()
        gc.disable()  # its passes over all that other tests left behind would be counted as well
        try:
            began = time.process_time()
            latex_structure(text * (n // len(text)), {"lemma-a"})
            return time.process_time() - began
        finally:
            gc.enable()

    seconds(1000)
    assert seconds(80_000) < 20 * max(seconds(10_000), 0.01)  # 64 times, if it were quadratic


def test_counts_of_marks_add_up():
    found = nest(environments(CHAPTER))
    assert Counter(p.opening.name for p in found.pairs)["proof"] == 2
