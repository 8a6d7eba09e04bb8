"""Quotations, parentheses, sentences, words and numbers."""

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from charrnn.rules.spans import Span, codes, inside
from charrnn.structure.brackets import LINE, PARAGRAPH, nest_brackets

_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")
_STOP = re.compile(r"[.?!]++(?:&quot;|[\"'\u201d\u2019)\]])*+(?:\s++|\Z)")
_WORD = re.compile(r"[^\W\d_]++(?:['\u2019][^\W\d_]++)*+")
_NUMBER = re.compile(r"[0-9]++(?:[.,][0-9]++)*+")


def inside_quotes(text: str) -> np.ndarray:
    """Inside double quotes: straight, typographic, or the `&quot;` of escaped XML.

    Straight ones alternate in each paragraph, `&quot;` in each line, since a paragraph of wiki text
    is one line; but one between a word and a blank does not open, nor does one between a blank and
    a word close. What is left open at the end of a paragraph reaches up to it if the next one
    begins with an opening mark, as a quotation of several paragraphs does; else it is none.
    """
    straight = _quotations(text, *_alternating('"'), _BLANK_LINES)
    typographic = _quotations(text, "\u201c", "\u201d", _BLANK_LINES)
    escaped = _quotations(text, *_alternating("&quot;"), LINE)
    return inside(len(text), [*straight, *typographic, *escaped])


def _alternating(sign: str) -> tuple[str, str]:
    """Patterns of a sign where it may open and where it may close: in most places both match."""
    return rf"(?<![\w.,!?]){sign}|{sign}(?!\s)", rf"(?<!\s){sign}|{sign}(?!\w)"


def _quotations(text: str, opening: str, closing: str, border: re.Pattern) -> Iterator[Span]:
    opens, closes = re.compile(opening), re.compile(closing)
    borders = [(0, 0), *(m.span() for m in border.finditer(text)), (len(text), len(text))]
    for (_, start), (end, following) in pairwise(borders):
        while begin := opens.search(text, start, end):
            finish = closes.search(text, begin.end(), end)
            if finish is None:
                if opens.match(text, following):
                    yield begin.end() - 1, end
                break
            yield begin.end() - 1, finish.end() - 1
            start = finish.end()


def inside_parentheses(text: str) -> np.ndarray:
    """Inside ( ), closed in the same paragraph; a ) that nothing waits for is passed over."""
    found = nest_brackets(text, ["()"], PARAGRAPH)
    pairs = (pair for nesting in found for pair in nesting.pairs)
    return inside(len(text), [(p.opening.start, p.closing.start) for p in pairs])


def after_full_stop(text: str) -> np.ndarray:
    """From a full stop, ? or ! up to what comes next behind the white space that must follow it.

    Closing quotes and brackets may stand between. Abbreviations ("Mr. Bennet") count as they are.
    """
    return inside(len(text), [m.span() for m in _STOP.finditer(text)])


def capitalised_word(text: str) -> np.ndarray:
    """On the letters, and apostrophes between them, of a word that begins with a capital."""
    words = (m for m in _WORD.finditer(text) if m[0][0].isupper())
    return inside(len(text), [m.span() for m in words])


def word_length(text: str) -> np.ndarray:
    """Letters of the word so far, this one included; NaN outside words.

    An apostrophe between letters belongs to the word, but is not counted.
    """
    spans = [m.span() for m in _WORD.finditer(text)]
    within = inside(len(text), spans)
    letters = np.cumsum(within & ~np.isin(codes(text), [ord("'"), ord("\u2019")]))
    before = np.zeros(len(text), np.int64)
    starts = np.array([start for start, _ in spans], np.int64)
    before[starts] = letters[starts] - 1
    counts = (letters - np.maximum.accumulate(before)).astype(np.float32)
    return np.where(within, counts, np.float32(np.nan))


def inside_number(text: str) -> np.ndarray:
    """On the digits 0 to 9, and on a comma or a full stop between two of them."""
    return inside(len(text), [m.span() for m in _NUMBER.finditer(text)])
