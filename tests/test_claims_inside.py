"""Verdicts on what goes on inside: each rule on both sides."""

from types import SimpleNamespace

import pytest

from charrnn import claims
from charrnn.claims import inside


def facts(score, graded=False, title="a thing"):
    best = {"layer": 1, "unit": 7, "found": score, "score": score}
    best |= {"r": -score} if graded else {"auc": 0.9, "on": True}
    return {"title": title, "graded": graded, "units": {"c": [best], "h": [best]}}


def run(name="wikipedia", **neurons):
    info = {"title": name, "model": {"layers": 2, "hidden": 512}}
    return SimpleNamespace(name=name, info=info, measures={"neurons": neurons})


def address(after):
    text = "http://www."
    return {"text": text, "count": 30, "p": [0.1] * (text.index("www") - 1) + after}


def census(trained, rotated=0.0, untrained=0.0):
    """100 cells of which so many reach 0.5; one in two of these reaches 0.7."""

    def cells(share):
        n = round(100 * share)
        return [0.8] * (n // 2) + [0.6] * (n - n // 2) + [0.1] * (100 - n)

    scores = {"trained": cells(trained), "rotated": cells(rotated)}
    scores |= {"untrained": cells(untrained), "shifted": cells(0)}
    return {"over": ["x"], "hidden": 50, "scores": scores}


@pytest.fixture
def judge(monkeypatch):
    def judged(claim, given, others=()):
        known = {r.name: r for r in (given, *others)}

        def load(name):
            return known.get(name, given)

        monkeypatch.setattr(claims, "load_run", load)
        monkeypatch.setattr(inside, "load_run", load)
        monkeypatch.setattr(inside, "result", lambda name: {})
        return claims.verdicts([claim])[0]

    return judged


@pytest.mark.parametrize(
    ("claim", "given", "verdict"),
    [
        ("C27", run(address=address([0.9, 0.99, 0.99, 0.99])), "held"),
        ("C27", run(address=address([0.3, 0.99, 0.99, 0.99])), "held with a change"),
        ("C28", run(rules={"inside_url": facts(0.8)}), "held"),
        ("C28", run(rules={"inside_url": facts(0.6)}), "held with a change"),
        ("C28", run(rules={"inside_url": facts(0.4)}), "not held"),
        ("C29", run(rules={"inside_link": facts(0.71)}), "held"),
        ("C30", run(rules={"position_in_link": facts(0.75, graded=True)}), "held"),
        ("C30", run(rules={"position_in_link": facts(0.2, graded=True)}), "not held"),
        ("C33", run("war_and_peace", census=census(0.08)), "held"),
        ("C33", run("war_and_peace", census=census(0.3)), "held with a change"),
        ("C33", run("war_and_peace", census=census(0.08, rotated=0.05)), "not held"),
        ("C33", run("war_and_peace", census=census(0.08, untrained=0.08)), "not held"),
    ],
)
def test_verdicts(judge, claim, given, verdict):
    assert judge(claim, given).verdict == verdict


@pytest.mark.parametrize(
    ("mean", "verdict"),
    [
        ((-0.4, -0.4, 0.5, 0.0), "held"),
        ((-1.0, -0.1, 0.5, 0.0), "held with a change"),  # it was on its way before
        ((0.4, 0.4, 0.5, 0.0), "not held"),
    ],
)
def test_a_switch_is_a_jump_at_one_character(judge, mean, verdict):
    event = {"offset": [-2, -1, 0, 1], "mean": mean, "events": 9, "layer": 0, "unit": 3}
    found = judge("C31", run(event=event))
    assert found.verdict == verdict
    assert f"from {mean[1]:+.2f} to {mean[2]:+.2f}" in found.number


@pytest.mark.parametrize(
    ("scores", "verdict"),
    [
        ((0.8,) * 6, "held"),
        ((0.8, 0.8, 0.6, 0.6, 0.2, 0.2), "held with a change"),
        ((0.8, 0.8, 0.6, 0.2, 0.2, 0.2), "not held"),
    ],
)
def test_panes_of_two_networks(judge, scores, verdict):
    names = [rule for rules in inside.PANES.values() for rule in rules]
    rules = {name: facts(s, title=name) for name, s in zip(names, scores, strict=True)}
    found = judge("C32", run("war_and_peace", rules=rules), [run("linux", rules=rules)])
    assert found.verdict == verdict
    assert all(name in found.number for name in names)


def test_seeds_are_told_where_they_were_counted(judge, monkeypatch):
    given = run("war_and_peace", census=census(0.08))
    monkeypatch.setattr(claims, "load_run", lambda name: given)
    rows = [{"rules": {"inside_quotes": {"trained": s}}} for s in (0.9, 0.75, 0.3)]
    monkeypatch.setattr(inside, "result", lambda name: {"one": {"rows": rows}})
    assert "of 3 smaller networks 2 have a quotation cell" in claims.verdicts(["C33"])[0].number


def test_without_a_measurement_nothing_is_judged(judge):
    assert judge("C28", run(rules={})).verdict == "not tested"
