"""The claims on Shakespeare, C9 to C11."""

from __future__ import annotations

from charrnn.claims.rules import Claim, percent
from charrnn.runs import Run


def _plays_size(run: Run) -> tuple[str, str]:
    corpus = run.info["corpus"]
    text = f"{corpus['n_bytes']:,} bytes, {run.info['model']['vocab_size']} distinct, rebuilt"
    return text + " from the Moby edition", "held with a change"


def _plays_network(run: Run) -> tuple[str, str]:
    model, i = run.info["model"], run.info
    text = (
        f"{model['layers']} x {model['hidden']}, {model['parameters']:,} parameters; "
        f"{i['seconds'] / 3600:.1f} hours, {i['epochs']:.1f} epochs at scale "
        f"{i['scale']} on {i['device']}"
    )
    same = (model["layers"], model["hidden"]) == (3, 512)
    if i["scale"] != "post":
        return text, "not tested"  # a shorter training says nothing about hours
    return text, "held" if same else "held with a change"


def _plays_form(run: Run) -> tuple[str, str]:
    ours, real = run.measures["plays"]["1.0"], run.measures["plays"]["held_out"]
    known = 1 - ours["known_speeches"]["value"]
    text = (
        f"{percent(ours['well_formed'])} of blocks are a heading and a speech (held-out text: "
        f"{real['well_formed']['value']:.1%}); longest speech {ours['speech_lines']['max']} lines "
        f"(held-out text: {real['speech_lines']['max']}); "
        f"{known:.0%} of speeches by invented speakers"
    )
    if ours["well_formed"]["value"] <= 0.9:
        return text, "not held"
    # Monologues: speeches at least half as long as the longest in real pieces of the same length.
    long = 2 * ours["speech_lines"]["max"] >= real["speech_lines"]["max"]
    return text, "held" if long else "held with a change"


CHAPTER = "04-shakespeare"

CLAIMS = (
    Claim("C9", "all of Shakespeare is one 4.4 MB file", "shakespeare", _plays_size, CHAPTER),
    Claim(
        "C10",
        "3 layers of 512, a few hours",
        "shakespeare",
        _plays_network,
        CHAPTER,
        "one training",
    ),
    Claim(
        "C11", "speakers, speeches, long monologues", "shakespeare", _plays_form, CHAPTER, "samples"
    ),
)
