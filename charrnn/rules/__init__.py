r"""Rules: what a unit of a network might track, as one label for each character of a text.

The label of a character is about the state after it was read. A span is labelled from its opening
mark, behind which one is inside, up to but not including its closing mark, behind which one is
outside. Of marks of several characters (`[[`, `/*`, `http://`, `\begin{x}`) the last one decides.
What has no marks, such as a word, a number or a web address, is labelled on all its characters.

Rules look at the whole text, forward too. A construct that never closes, such as a quotation that
its paragraph does not end, is not labelled.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from charrnn.rules import latex, lines, prose, source, wiki

KINDS = ("prose", "play", "wiki", "latex", "c")
"""Kinds of text; a rule for "any" is meant for them all."""


@dataclass(frozen=True)
class Rule:
    """A property of the characters of a text."""

    name: str
    title: str
    """what a label says, for tables and captions"""
    graded: bool
    """False: yes or no; True: a number"""
    texts: tuple[str, ...]
    """the kinds of text that it is meant for: of KINDS, or just "any" for all"""
    label: Callable[[str], np.ndarray]
    """a text to (len(text),) bool; float32 if graded, NaN where the rule says nothing"""


def _rule(
    label: Callable[[str], np.ndarray], title: str, *texts: str, graded: bool = False
) -> Rule:
    return Rule(label.__name__, title, graded, texts, label)


_ALL = (
    _rule(wiki.inside_url, "inside a web address", "wiki"),
    _rule(wiki.first_w, "at the first w of www", "wiki"),
    _rule(wiki.inside_link, "inside a link [[ ]]", "wiki"),
    _rule(wiki.position_in_link, "characters since [[", "wiki", graded=True),
    _rule(wiki.inside_template, "inside a template {{ }}", "wiki"),
    _rule(wiki.inside_tag, "inside an XML tag", "wiki"),
    _rule(prose.inside_quotes, "inside a quotation", "prose", "wiki"),
    _rule(prose.inside_parentheses, "inside parentheses", "any"),
    _rule(prose.after_full_stop, "between two sentences", "prose", "wiki", "latex"),
    _rule(prose.capitalised_word, "in a capitalised word", "prose", "play", "wiki"),
    _rule(prose.word_length, "letters of the word so far", "any", graded=True),
    _rule(prose.inside_number, "inside a number", "any"),
    _rule(lines.speaker_name, "in a speaker's name", "play"),
    _rule(lines.position_in_line, "position in the line", "any", graded=True),
    _rule(lines.line_ends_next, "before a line end", "any"),
    _rule(lines.indentation, "indentation of the line", "c", graded=True),
    _rule(source.bracket_depth, "depth of brackets", "c", graded=True),
    _rule(source.expression_depth, "depth of parentheses", "c", graded=True),
    _rule(source.inside_comment, "inside a comment", "c"),
    _rule(source.inside_string, "inside a string", "c"),
    _rule(source.inside_if_condition, "inside the condition of an if", "c"),
    _rule(source.inside_preprocessor, "in a preprocessor line", "c"),
    _rule(latex.inside_environment, "inside an environment", "latex"),
    _rule(latex.inside_math, "inside a formula", "latex"),
)
RULES: dict[str, Rule] = {rule.name: rule for rule in _ALL}
"""Every rule by its name."""


def labels(name: str, text: str | bytes) -> np.ndarray:
    """The labels that a rule gives a text, one a character; bytes are read as Latin-1, one a byte.

    (len(text),) bool; of a graded rule float32, NaN where it says nothing. ValueError: there is no
    rule of this name.
    """
    if name not in RULES:
        raise ValueError(f"no rule {name!r}; there are {', '.join(RULES)}")
    return RULES[name].label(text.decode("latin-1") if isinstance(text, bytes) else text)


def rules_for(kind: str) -> list[Rule]:
    """The rules meant for a kind of text, in the order of `RULES`; for "any" those that fit all.

    ValueError: the kind is none of `KINDS` and not "any".
    """
    if kind not in (*KINDS, "any"):
        raise ValueError(f"no kind of text {kind!r}; there are {', '.join(KINDS)}, any")
    return [rule for rule in RULES.values() if kind in rule.texts or "any" in rule.texts]
