"""The bank of rules: what each returns for any text, and how it is looked up."""

import random
import re

import numpy as np
import pytest

from charrnn.rules import KINDS, RULES, Rule, labels, rules_for

PIECES = (
    *"ab Wz.,?!\n\n\t\"'()[]{}<>$%\\#/*:;|=&19é\u201c\u201d\u2019\udc80",
    *(
        "[[",
        "]]",
        "{{",
        "}}",
        "&quot;",
        "&lt;",
        "http://",
        "www.",
        "/*",
        "*/",
        "//",
        "if (",
        "\n\n",
    ),
    *(
        "\\begin{lemma}",
        "\\end{lemma}",
        "\\begin{align}",
        "\\end{align}",
        "$$",
        "\\[",
        "\\]",
        "\\$",
    ),
    *("Ann:\n", "<text>", "#define ", "\\\n", "\\text{", "if (", "        "),
)
NAMES = [
    "inside_url", "first_w", "inside_link", "position_in_link", "inside_template", "inside_tag",
    "inside_quotes", "inside_parentheses", "after_full_stop", "capitalised_word", "word_length",
    "inside_number", "speaker_name", "position_in_line", "line_ends_next", "indentation",
    "bracket_depth", "expression_depth", "inside_comment", "inside_string", "inside_if_condition",
    "inside_preprocessor", "inside_environment", "inside_math",
]  # fmt: skip


def scramble(seed, pieces=PIECES, longest=80):
    """A text of pieces in any order."""
    chance = random.Random(seed)
    return "".join(chance.choices(pieces, k=chance.randrange(longest)))


def test_the_bank():
    assert list(RULES) == NAMES
    for name, rule in RULES.items():
        assert isinstance(rule, Rule) and rule.name == name and rule.title
        assert rule.texts and set(rule.texts) <= {*KINDS, "any"}
    assert len({rule.title for rule in RULES.values()}) == len(RULES)
    graded = {name for name, rule in RULES.items() if rule.graded}
    assert graded == {"position_in_link", "word_length", "position_in_line", "indentation",
                      "bracket_depth", "expression_depth"}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_one_label_a_character_whatever_the_text(name):
    kind = np.float32 if RULES[name].graded else np.bool_
    texts = ["", "\n", *PIECES, *(scramble(seed) for seed in range(60))]
    for text in texts:
        found = labels(name, text)
        assert found.shape == (len(text),) and found.dtype == kind, repr(text)
        assert not RULES[name].graded or not (found < 0).any()


@pytest.mark.parametrize("name", RULES)
def test_bytes_are_read_one_by_one(name):
    text = 'Ann:\n"é" [[a]] http://a.example/é {x} (1) /* c */ if (é) $x$ été.\n'
    for written in (text.encode(), text.encode("latin-1"), b"", b"\xff"):
        found = labels(name, written)
        assert found.shape == (len(written),)
        np.testing.assert_array_equal(found, labels(name, written.decode("latin-1")))


@pytest.mark.parametrize("name", RULES)
def test_a_rule_does_not_change_what_it_returned(name):
    text = scramble(7, longest=400)
    first = labels(name, text)
    first[:] = 0
    assert len(labels(name, text)) == len(text)


def test_each_rule_finds_something_and_not_all():
    text = (
        '[[Ann|a]] {{b}} http://www.a.example/b <text a="b">\n\n'
        'Bob:\nHe said "No." Then (1) left.\n'
        'int f(void)\n{\n\tif (a)\n\t\treturn "b"; /* c */\n}\n#define A 1\n'
        "\\begin{lemma}\nLet $x$ be.\n\\end{lemma}\n"
    )
    for name in RULES:
        found = labels(name, text)
        assert len(np.unique(found[~np.isnan(found)])) > 1, name


def test_an_unknown_rule_is_named_with_those_there_are():
    with pytest.raises(
        ValueError, match=r"no rule 'inside_quote'; there are inside_url, first_w, "
    ):
        labels("inside_quote", "a")


def test_rules_for_a_kind_of_text():
    names = {kind: [rule.name for rule in rules_for(kind)] for kind in (*KINDS, "any")}
    common = ["inside_parentheses", "word_length", "inside_number", "position_in_line",
              "line_ends_next"]  # fmt: skip
    assert names["any"] == common
    assert all(set(common) <= set(found) for found in names.values())
    assert set(names["latex"]) - set(common) == {
        "after_full_stop", "inside_environment", "inside_math"
    }  # fmt: skip
    assert set(names["play"]) - set(common) == {"speaker_name", "capitalised_word"}
    assert "inside_quotes" in names["prose"] and "inside_quotes" not in names["c"]
    for found in names.values():
        assert found == [name for name in RULES if name in found]


def test_an_unknown_kind():
    with pytest.raises(
        ValueError, match=re.escape("no kind of text 'java'; there are prose, play")
    ):
        rules_for("java")
