"""The claims on Wikipedia, C12 and C13."""

from __future__ import annotations

from charrnn.claims.rules import Claim, percent
from charrnn.runs import Run
from charrnn.score import LN2

ENWIK8 = "enwik8"
TRAIN, VALIDATION = 96_000_000, 4_000_000
"""Bytes of enwik8 that the post trained on, and validated on."""
BAR = 0.9
"""The share that each kind of syntax must reach."""


def _size(run: Run) -> tuple[str, str]:
    corpus, split, val = run.info["corpus"], run.info["split"], run.info["losses"]["val"]
    if val is None:
        raise KeyError("no validation part")
    text = (
        f"{corpus['title']}: {split['train']:,} bytes for training, {split['val']:,} for "
        f"validation ({split['kind']}); {val / LN2:.3f} bits a byte; "
        f"{run.info['seconds'] / 3600:.1f} hours on {run.info['device']}"
    )
    if corpus["name"] != ENWIK8:
        return text, "not tested"  # another text: its bits stand beside nobody's
    same = (split["train"], split["val"]) == (TRAIN, VALIDATION)
    return text, "held" if same else "held with a change"


def _syntax(run: Run) -> tuple[str, str]:
    measured = run.measures["wikipedia"]
    ours, asked = measured["1.0"], measured["pages"]["1.0"]
    shares = {
        "[[ closed": ours["links_closed"],
        "( closed": ours["round_closed"],
        "{{ closed": ours["blocks_closed"],
        "headings balanced": ours["headings"],
        "XML tags closed": asked["tags_closed"],
        "timestamps valid": asked["dates"],
    }
    missing = [name for name, found in shares.items() if found is None]
    if missing:
        raise KeyError(f"too little text for: {', '.join(missing)}")
    counts = {
        "list lines": ours["list_lines"] is not None and ours["list_lines"]["value"] > 0,
        "invented addresses": ours["invented_urls_in_all"] > 0,
    }
    failed = [name for name, found in shares.items() if found["value"] < BAR]
    failed += [name for name, there in counts.items() if not there]
    told = ", ".join(f"{name} {percent(found)}" for name, found in shares.items())
    text = f"at T = 1: {told}"
    if ours["list_lines"]:
        text += f"; {ours['list_lines']['value']:.1%} of lines are of lists"
    if asked["parsed"]:
        text += f"; of the whole pages {percent(asked['parsed'])} are valid XML"
    if ours["urls_known"]:
        text += f"; {1 - ours['urls_known']['value']:.0%} of {ours['urls']} addresses invented"
    if asked["stamps_known"]:
        text += f"; {1 - asked['stamps_known']['value']:.0%} of timestamps invented"
    if not failed:
        return text, "held"
    text += f"; short of the rule: {', '.join(failed)}"
    most = len(failed) > (len(shares) + len(counts)) / 2
    return text, "not held" if most else "held with a change"


CHAPTER = "05-wikipedia"

CLAIMS = (
    Claim(
        "C12",
        "100 MB of Wikipedia, 96 MB of them for training, overnight",
        "wikipedia",
        _size,
        CHAPTER,
        "validation text",
    ),
    Claim(
        "C13",
        "links, invented addresses, brackets that close, headings, lists, templates, nested XML",
        "wikipedia",
        _syntax,
        CHAPTER,
        "samples",
    ),
)
