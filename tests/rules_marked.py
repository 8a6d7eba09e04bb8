"""Worked examples for the rules: a text, and under it what is labelled.

    he said "no" and left
    ........###..........

A pilcrow stands for a line end, an arrow for a tab. A graded rule's labels are digits, and a full
stop where it says nothing.
"""

import numpy as np

from charrnn.rules import RULES, labels


def check(name, block):
    """Holds a rule against pairs of lines, a text and its marks; empty lines may stand between."""
    lines = [line.strip() for line in block.split("\n") if line.strip()]
    for text, marks in zip(lines[::2], lines[1::2], strict=True):
        assert len(text) == len(marks), f"the example is crooked:\n{text}\n{marks}"
        found = drawn(name, text.replace("¶", "\n").replace("→", "\t"))
        assert found == marks, f"{name} of\n{text}\n{found} is not\n{marks}"


def drawn(name, text):
    """The labels of a text as a line of marks."""
    found = labels(name, text)
    if not RULES[name].graded:
        return "".join(".#"[int(label)] for label in found)
    return "".join("." if np.isnan(label) else str(int(label)) for label in found)
