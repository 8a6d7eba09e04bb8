"""Verdicts on Wikipedia: each rule on both sides, and numbers that are missing."""

import copy
from types import SimpleNamespace

import pytest

from charrnn import claims


def share(value):
    return {"value": value, "low": value - 0.01, "high": min(1, value + 0.01), "total": 99}


@pytest.fixture
def run():
    """A run of which all that its claims ask for is true."""
    info = {
        "corpus": {"name": "enwik8", "title": "enwik8"},
        "split": {"train": 96_000_000, "val": 4_000_000, "kind": "contiguous"},
        "losses": {"val": 1.0, "test": None},
        "seconds": 36_000.0,
        "device": "a GPU",
    }
    row = {
        "links_closed": share(0.98), "round_closed": share(0.97), "blocks_closed": share(0.95),
        "headings": share(0.99), "list_lines": share(0.2), "invented_urls_in_all": 7,
        "urls": 9, "urls_known": share(0.2),
    }  # fmt: skip
    page = {
        "tags_closed": share(0.99), "dates": share(0.95), "stamps_known": share(0.25),
        "parsed": share(0.5),
    }  # fmt: skip
    measures = {"wikipedia": {"1.0": row, "pages": {"1.0": page}}}
    return SimpleNamespace(info=info, measures=measures)


@pytest.fixture
def judge(monkeypatch):
    """Judges one claim on a given run."""

    def judged(claim, run):
        monkeypatch.setattr(claims, "load_run", lambda name: run)
        return claims.verdicts([claim])[0]

    return judged


def test_all_of_it_as_the_post_says(judge, run):
    size, syntax = judge("C12", run), judge("C13", run)
    assert size.verdict == syntax.verdict == "held"
    assert "96,000,000 bytes for training" in size.number and "1.443 bits a byte" in size.number
    assert "10.0 hours on a GPU" in size.number
    assert "[[ closed 98.0% [97.0%, 99.0%]" in syntax.number
    assert "20.0% of lines are of lists" in syntax.number
    assert "of the whole pages 50.0% [49.0%, 51.0%] are valid XML" in syntax.number
    assert "80% of 9 addresses invented; 75% of timestamps invented" in syntax.number


def test_another_split_or_another_text(judge, run):
    run.info["split"] = {"train": 90_000_000, "val": 5_000_000, "kind": "contiguous"}
    assert judge("C12", run).verdict == "held with a change"
    run.info["corpus"] = {"name": "wikipedia_excerpts", "title": "two excerpts"}
    assert judge("C12", run).verdict == "not tested"
    assert "two excerpts" in judge("C12", run).number
    run.info["losses"]["val"] = None
    assert "no validation part" in judge("C12", run).number


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("links_closed", share(0.89)), ("round_closed", share(0.5)), ("blocks_closed", share(0.0)),
        ("headings", share(0.8)), ("list_lines", share(0.0)), ("list_lines", None),
        ("invented_urls_in_all", 0), ("tags_closed", share(0.89)), ("dates", share(0.89)),
    ],
)  # fmt: skip
def test_one_thing_that_fails_changes_the_verdict_and_is_named(judge, run, key, value):
    measured = run.measures["wikipedia"]
    row = measured["1.0"] if key in measured["1.0"] else measured["pages"]["1.0"]
    row[key] = value
    judged = judge("C13", run)
    assert judged.verdict == "held with a change"
    assert judged.number.count("short of the rule: ") == 1
    assert "," not in judged.number.split("short of the rule: ")[1]


def test_when_most_things_fail_it_is_not_held(judge, run):
    row = run.measures["wikipedia"]["1.0"]
    for key in ("links_closed", "round_closed", "blocks_closed", "headings"):
        row[key] = share(0.5)
    assert judge("C13", run).verdict == "held with a change"  # four of eight
    row["list_lines"] = share(0.0)
    assert judge("C13", run).verdict == "not held"


def test_what_there_was_too_little_of_is_not_tested_and_says_why(judge, run):
    spoilt = copy.deepcopy(run)
    spoilt.measures["wikipedia"]["1.0"]["headings"] = None
    judged = judge("C13", spoilt)
    assert judged.verdict == "not tested" and "too little text for: headings" in judged.number
    run.measures["wikipedia"]["pages"]["1.0"] |= {"stamps_known": None, "parsed": None}
    assert judge("C13", run).verdict == "held"
    del run.measures["wikipedia"]
    assert judge("C13", run).verdict == "not tested"
