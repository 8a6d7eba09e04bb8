"""The claim of the post's closing joke, C34: a network that has read the text it stands in."""

from __future__ import annotations

from charrnn.claims.rules import Claim
from charrnn.runs import Run

COLD = 0.2
"""The highest temperature that is low."""
SHOWN = 60
"""Characters of a loop that are told."""


def _loops(run: Run) -> tuple[str, str]:
    measured = run.measures["loops"]
    greedy = [r for r in measured["greedy"] if "period" in r]
    near = {float(t): share for t, share in measured["near_zero"].items()}
    cold = [(t, share) for t, share in sorted(near.items()) if t <= COLD]
    text = f"greedy decoding loops from {len(greedy)} of {len(measured['greedy'])} prompts"
    if greedy:
        text += _first(greedy)
    text += "".join(f"; {s['hits']} of {s['total']} samples at T = {t:g}" for t, s in cold)
    looped = bool(greedy) or any(share["hits"] for _, share in cold)
    return text, "held" if looped else "not held"


def _first(greedy: list[dict]) -> str:
    """Where the earliest loop with words in it begins, how long it is, and its text."""
    worded = [r for r in greedy if any(c.isalpha() for c in r.get("text", ""))]
    loop = min(worded or greedy, key=lambda r: r["start"])
    text = loop.get("text", "")
    shown = text if len(text) <= SHOWN else text[: SHOWN - 2] + " …"
    told = f", one at character {loop['start']}, period {loop['period']}"
    return f"{told}: {shown!r}" if text else told


CHAPTER = "15-this-book"

CLAIMS = (
    Claim(
        "C34",
        "trained on the post itself, low T goes in circles",
        "book",
        _loops,
        CHAPTER,
        "greedy",
    ),
)
