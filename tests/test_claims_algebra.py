"""Verdicts on the claims about algebraic geometry: each rule on both sides."""

import copy
from types import SimpleNamespace

import pytest

from charrnn import claims


def share(value, margin=0.02, total=100):
    return {"value": value, "low": value - margin, "high": value + margin, "total": total}


def row(tried=10, drawn=0.3, omitted=1, wrong=0.05, left=0.02):
    return {
        "diagrams_tried": tried,
        "drawn": share(drawn, total=tried) if tried else None,
        "proofs_omitted": omitted,
        "wrong_names": share(wrong),
        "never_closed": share(left),
    }


def typeset(untouched=0.2, median=3.0):
    mended = {"hits": 30, "total": 32}
    return {"compiled": share(untouched), "median": median, "mended": mended}


@pytest.fixture
def algebra():
    """A run of which all that its claims ask for is true."""
    info = {
        "corpus": {"n_bytes": 16_694_382},
        "model": {"layers": 2, "hidden": 512, "cell": "lstm", "parameters": 3_397_728},
        "scale": "laptop",
    }
    latex = {t: row() for t in ("0.5", "0.7", "0.8", "1.0")}
    latex["held_out"] = row(drawn=1.0, omitted=8, wrong=0.0, left=0.0)
    latex["typesetting"] = {"engine": "pdfTeX", "0.8": typeset(), "held_out": typeset(1.0, 0.0)}
    return SimpleNamespace(info=info, measures={"latex": latex})


def sizes(small=0.7, large=0.9):
    rows = [
        {"layers": 2, "hidden": h, "parameters": h * h, "kept": share(kept)}
        for h, kept in ((256, large), (64, small), (128, (small + large) / 2))
    ]
    return {"environments-a-machine": {"rows": rows}}


@pytest.fixture
def judge(monkeypatch):
    """Judges one claim on a given run, with a given benchmark."""

    def judged(claim, run, benchmark=None):
        monkeypatch.setattr(claims, "load_run", lambda name: run)
        monkeypatch.setattr(claims.algebra, "result", lambda name: benchmark or sizes())
        return claims.verdicts([claim])[0]

    return judged


@pytest.mark.parametrize("claim", ["C14", "C16", "C17", "C18"])
def test_what_is_so_is_held(judge, algebra, claim):
    assert judge(claim, algebra).verdict == "held"


def spoil(run, path, value):
    run = copy.deepcopy(run)
    at = run.info if path[0] in run.info else run.measures["latex"]
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return run


@pytest.mark.parametrize(
    ("claim", "path", "value", "verdict"),
    [
        ("C14", ("corpus", "n_bytes"), 4_000_000, "not held"),
        ("C16", ("typesetting", "0.8"), typeset(median=12.0), "held with a change"),
        ("C16", ("typesetting", "0.8"), typeset(untouched=1.0), "held with a change"),
        ("C16", ("typesetting", "0.8"), typeset(median=30.0), "not held"),
        ("C16", ("typesetting", "0.8"), typeset(median=None), "not held"),
        ("C16", ("typesetting",), {"engine": None}, "not tested"),
        ("C17", ("held_out", "drawn"), share(0.3), "held with a change"),
        ("C18", ("0.8",), row(wrong=0.0, left=0.0), "not held"),
        ("C18", ("0.8", "wrong_names"), None, "not tested"),
    ],
)
def test_what_is_not_so_is_not_held(judge, algebra, claim, path, value, verdict):
    assert judge(claim, spoil(algebra, path, value)).verdict == verdict


def test_diagrams_and_omitted_proofs(judge, algebra):
    rows = algebra.measures["latex"]
    for t in claims.algebra.ROWS:
        rows[t] = row(omitted=0)
    assert judge("C17", algebra).verdict == "held with a change"
    for t in claims.algebra.ROWS:
        rows[t] = row(tried=0, omitted=0)
    assert judge("C17", algebra).verdict == "not held"
    for t in claims.algebra.ROWS:
        rows[t] = row(drawn=1.0, omitted=0)
    assert judge("C17", algebra).verdict == "not held"


@pytest.mark.parametrize(
    ("small", "large", "verdict"),
    [(0.7, 0.9, "held"), (0.7, 0.72, "held with a change"), (0.9, 0.7, "not held")],
)
def test_larger_networks_make_fewer_mistakes_or_not(judge, algebra, small, large, verdict):
    judged = judge("C18", algebra, sizes(small, large))
    assert judged.verdict == verdict
    assert f"{small:.1%}" in judged.number and "with 2 x 64" in judged.number


def test_without_the_benchmark_sizes_are_not_tested(monkeypatch, algebra):
    monkeypatch.setattr(claims, "load_run", lambda name: algebra)
    monkeypatch.setattr(claims.rules, "repository", lambda: None)
    judged = claims.verdicts(["C18"])[0]
    assert judged.verdict == "not tested" and "benchmarks/results/environments" in judged.number


def test_the_numbers_stand_beside_the_verdict(judge, algebra):
    assert "16,694,382 bytes" in judge("C14", algebra).number
    network = judge("C15", algebra)
    assert network.verdict == "not stated in 2015" and "2 x 512 LSTM" in network.number
    compiled = judge("C16", algebra).number
    assert "20.0% [18.0%, 22.0%] compile untouched" in compiled and "median: 3.0" in compiled
    assert (
        "T = 0.5 to 1.0 together: 40 diagrams tried, 12 of 40 closed"
        in judge("C17", algebra).number
    )
