"""Verdicts on baby names: each rule on both sides."""

from types import SimpleNamespace

import pytest

from charrnn import claims


def share(value):
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


def favourite(name, p, training=False, held_out=False):
    return {"name": name, "p": p, "training": training, "held_out": held_out}


def run(lines=7150, known=0.1, cold=0.5, **first):
    row = {"new": share(0.9), "names": 5000}
    names = {
        "lists": {
            "training": {"lines": lines, "different": 6821},
            "held_out": {"lines": 794, "different": 758},
        },
        "by_temperature": {
            "1.0": row | {"mass": {"training": known}},
            "0.5": row | {"mass": {"training": cold}},
        },
        "post": {"favourites": [favourite("Baby", 1e-5, **first), favourite("Ahbort", 5e-9)]},
    }
    info = {"corpus": {"n_bytes": 55_869}}
    return SimpleNamespace(info=info, measures={"names": names})


@pytest.fixture
def judge(monkeypatch):
    def judged(claim, given):
        monkeypatch.setattr(claims, "load_run", lambda name: given)
        return claims.verdicts([claim])[0]

    return judged


@pytest.mark.parametrize(
    ("claim", "given", "verdict"),
    [
        ("C23", run(), "held"),
        ("C23", run(lines=32_033), "held with a change"),
        ("C24", run(), "held"),
        ("C24", run(known=0.3, cold=0.6), "not held"),
        ("C24", run(known=0.01, cold=0.12), "held with a change"),
        ("C25", run(), "held"),
        ("C25", run(training=True), "not held"),
        ("C25", run(held_out=True), "not held"),
    ],
)
def test_verdicts(judge, claim, given, verdict):
    assert judge(claim, given).verdict == verdict


def test_the_numbers_stand_beside_the_verdicts(judge):
    assert judge("C23", run()).number == "7,944 lines, 7,579 different names; 55,869 bytes"
    number = judge("C24", run()).number
    assert number == "90.0% [89.0%, 91.0%] of 5,000 names drawn at T = 1; exactly 90.0%"
    assert judge("C24", run(known=0.01, cold=0.12)).number.endswith("99.0%, and 88.0% at T = 0.5")
    assert judge("C24", run(known=0.3, cold=0.6)).number.endswith("; at no temperature 85% to 95%")
    number = judge("C25", run(held_out=True)).number
    assert number == (
        "1 of the 2 are in the list; drawn at T = 1, Baby once in 100,000 names, "
        "Ahbort once in 200,000,000 names"
    )


def test_letters_that_the_network_lacks_leave_no_number(judge):
    given = run()
    for name in given.measures["names"]["post"]["favourites"]:
        name["p"] = None
    assert judge("C25", given).number == "0 of the 2 are in the list"


def test_a_run_without_measures_of_names_is_not_tested(judge):
    given = run()
    del given.measures["names"]
    assert judge("C24", given).verdict == "not tested"
