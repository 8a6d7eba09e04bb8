"""Text in a page: escaped so that it reads the same; the page's module parses no markup."""

import html
import re
from pathlib import Path

import pytest

import charrnn
from charrnn.escape import escaped

SOURCES = sorted((Path(charrnn.__file__).parent / "static" / "src").glob("*.mjs"))
PARSES = re.compile(
    r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|srcdoc|DOMParser|cssText|eval)\b"
    r"|createContextualFragment|document\.write|\bFunction\(|\bset(?:Timeout|Interval)\(\s*[\"'`]"
    r"|setAttribute\(\s*[\"'`](?:on|style|href|src)|\.(?:href|src)\s*=[^=]"
)
"""What would take text for markup, code, a style or an address."""


@pytest.mark.parametrize("text", ["a\r\nb\rc", "<b>&amp;\"'", "\u2028\u202e\x1b[0m", ""])
def test_a_page_reads_the_same_text(text):
    assert html.unescape(escaped(text)) == text
    assert not re.search("[<>\"'\r]", escaped(text))


def test_what_no_page_can_hold_is_replaced():
    assert escaped("a\0b\ud800c") == "a\ufffdb\ufffdc"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_the_pages_module_takes_no_text_for_markup_or_code(path):
    assert not PARSES.search(path.read_text(encoding="utf-8"))


def test_what_is_forbidden_would_be_found():
    assert len(SOURCES) > 30
    for line in ("a.innerHTML = b", "eval(x)", 'e.setAttribute("onclick", x)', "a.href = b"):
        assert PARSES.search(line)
