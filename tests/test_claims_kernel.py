"""Verdicts on the claims about the Linux source: each rule on both sides."""

import copy
from types import SimpleNamespace

import pytest

from charrnn import claims


def share(value, margin=0.01, total=1000):
    return {"value": value, "low": value - margin, "high": value + margin, "total": total}


def row(**changes):
    good = {
        "brackets": 0.99, "comments_closed": 0.98, "strings_closed": 0.99, "indented": 0.9,
        "sound": 0.7, "declared": 0.6, "used": 0.8, "vacuous": 0.05, "void_returns": 0.2,
        "licence": 0.1, "includes": 0.99,
    }  # fmt: skip
    made = {key: share(value) for key, value in (good | changes).items() if value is not None}
    made |= {key: None for key, value in changes.items() if value is None}
    return made | {"macros": 12, "copied": {"licence_run": 120}}


REAL = row(sound=0.98, indented=0.97, declared=0.91, used=0.99, vacuous=0.0, void_returns=0.0)
REAL["copied"] = {"licence_run": 700}


def linux(ours=None, **info):
    known = {
        "corpus": {"n_bytes": 496_594_277, "title": "Linux 4.1.15", "used": 1, "characters": 1},
        "model": {"layers": 3, "hidden": 700, "parameters": 10_200_000},
        "scale": "post", "seconds": 100_000.0, "device": "a GPU",
    }  # fmt: skip
    rows = {t: copy.deepcopy(ours or row()) for t in ("0.5", "0.7", "0.8", "1.0")}
    rows["held_out"] = copy.deepcopy(REAL)
    return SimpleNamespace(info=known | info, measures={"kernel": {"rows": rows}})


@pytest.fixture
def judge(monkeypatch):
    def judged(claim, run):
        monkeypatch.setattr(claims, "load_run", lambda name: run)
        return claims.verdicts([claim])[0]

    return judged


def test_size(judge):
    judged = judge("C19", linux())
    assert judged.verdict == "held with a change"
    assert "496,594,277 bytes (473.6 MiB)" in judged.number and "100%" in judged.number
    small = {"n_bytes": 16_000_000, "title": "Linux", "used": 16_000_000, "characters": 16_000_000}
    assert judge("C19", linux(corpus=small)).verdict == "not held"


def test_network_and_days(judge):
    assert judge("C20", linux()).verdict == "held"
    assert judge("C20", linux(seconds=7200.0)).verdict == "held with a change"
    assert judge("C20", linux(scale="laptop")).verdict == "not tested"
    two = {"layers": 2, "hidden": 512, "parameters": 4_000_000}
    assert judge("C20", linux(model=two)).verdict == "held with a change"
    assert "27.8 hours" in judge("C20", linux()).number


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "held"),
        ({"vacuous": 0.0}, "held with a change"),
        ({"vacuous": None}, "held with a change"),
        ({"vacuous": 0.015}, "held with a change"),  # the intervals overlap
        ({"sound": 0.4}, "held with a change"),  # less than half as many items parse
        ({"void_returns": 0.005}, "held with a change"),
        ({"declared": 0.91, "used": 0.99, "vacuous": 0, "void_returns": 0}, "not held"),
        ({"brackets": 0.8}, "not held"),
        ({"strings_closed": 0.94}, "not held"),
        ({"indented": 0.8}, "not held"),
        ({"comments_closed": None}, "not tested"),
    ],
)
def test_form_and_what_goes_wrong(judge, changes, verdict):
    assert judge("C21", linux(row(**changes))).verdict == verdict


def test_the_numbers_of_the_form_stand_beside_those_of_real_files(judge):
    number = judge("C21", linux()).number
    assert "brackets 99.0% [98.0%, 100.0%]" in number
    assert "undeclared names 40.0% (real 9.0%)" in number
    assert "void functions that return a value 20.0% (real 0.0%)" in number


def test_the_licence(judge):
    judged = judge("C22", linux())
    assert judged.verdict == "held"
    assert "T = 0.5 to 1.0 together: 400 of 4000 samples" in judged.number
    assert "copied: 120 bytes (held-out files: 700)" in judged.number
    assert "48 macros" in judged.number
    short, bare, none = row(), row(), row(licence=0.0)
    short["copied"]["licence_run"] = 70
    assert judge("C22", linux(short)).verdict == "held with a change"
    bare |= {"macros": 0}
    assert judge("C22", linux(bare)).verdict == "held with a change"
    none["copied"] = {"licence_run": 0}
    assert judge("C22", linux(none)).verdict == "not held"
    assert judge("C22", linux(row(includes=None))).verdict == "held with a change"


def test_a_run_that_was_not_measured_is_not_tested(judge):
    run = linux()
    run.measures = {}
    assert judge("C21", run).verdict == judge("C22", run).verdict == "not tested"
