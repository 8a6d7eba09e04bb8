r"""LaTeX: environments and formulas; comments, verbatim text and escapes (\$) open nothing."""

import re

import numpy as np

from charrnn.rules.spans import inside
from charrnn.structure.nesting import nest
from charrnn.structure.tex import DISPLAYS, IN_TEXT, VERBATIM, environments

MATH = DISPLAYS | {"math", "displaymath", "flalign", "flalign*", "alignat", "alignat*"}
"""Environments that are a formula themselves."""


def _names(names: frozenset[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


# A formula crosses no empty line; the argument of \text and the like may hold others.
_LINE_END = r"\n(?![ \t]*\n)"
_ARGUMENT = rf"\{{(?:[^{{}}\\\n]|\{{[^{{}}\n]*+\}}|\\.|{_LINE_END})*+\}}"
_INNER = rf"(?:{_names(IN_TEXT)}){_ARGUMENT}|%[^\n]*+|{_LINE_END}|[^\\%$\n]"
_FORMULA = re.compile(
    rf"""
    %[^\n]*+
  | \\begin\{{(?P<verbatim>{_names(VERBATIM)})\}}(?s:.*?)(?:\\end\{{(?P=verbatim)\}}|\Z)
  | \\verb(?P<bar>[|!+/])[^\n]*?(?P=bar)
  | (?P<display>\$\$)(?:{_INNER}|\\.)*+\$\$
  | \$\$
  | (?P<inline>\$)(?:{_INNER}|\\.)*+\$
  | (?P<square>\\\[)(?:{_INNER}|\$|\\[^]])*+\\\]
  | (?P<round>\\\()(?:{_INNER}|\$|\\[^)])*+\\\)
  | (?P<begin>\\begin\{{(?P<name>{_names(MATH)})\}})
    (?:{_INNER}|\$|\\(?!end\{{(?P=name)\}}).)*+\\end\{{(?P=name)\}}
  | \\.
    """,
    re.VERBOSE | re.DOTALL,
)
_OPENINGS = ("display", "inline", "square", "round", "begin")


def inside_environment(text: str) -> np.ndarray:
    r"""Between \begin{...} and the \end{...} of its name, but for `document`; perhaps nested."""
    pairs = (pair for pair in nest(environments(text)).pairs if pair.right)
    return inside(len(text), [(p.opening.end - 1, p.closing.end - 1) for p in pairs])


def inside_math(text: str) -> np.ndarray:
    r"""Inside $ $, $$ $$, \( \), \[ \] or an environment of `MATH`, without an empty line in it.

    Words inside a formula, as in \text{if}, count as inside.
    """
    spans = []
    for found in _FORMULA.finditer(text):
        opening = next((name for name in _OPENINGS if found[name]), None)
        if opening:
            spans.append((found.end(opening) - 1, found.end() - 1))
    return inside(len(text), spans)
