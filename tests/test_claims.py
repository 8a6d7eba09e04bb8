"""Verdicts on the claims of the post: each rule on both sides, and numbers that are missing."""

import copy
import re
from types import SimpleNamespace

import pytest

from charrnn import claims
from charrnn.runs import RunError


def share(value, margin=0.01, hits=9, total=16):
    return {
        "value": value, "low": value - margin, "high": value + margin, "hits": hits, "total": total,
    }  # fmt: skip


def stop(temperature, known, misspelt, entropy, distinct):
    return {
        "temperature": temperature, "known": share(known), "misspelt": share(misspelt),
        "entropy": entropy, "distinct_2": share(distinct),
    }  # fmt: skip


@pytest.fixture
def essays():
    """A run of which all that its claims ask for is true."""
    info = {
        "corpus": {"n_bytes": 903_847},
        "model": {"layers": 2, "hidden": 512, "parameters": 3_389_532, "vocab_size": 92,
                  "dropout": 0.5},
        "training": {"batch": 100, "seq": 100},
        "scale": "post",
        "device": "a GPU",
    }  # fmt: skip
    measures = {
        "sweep": [
            stop(0.5, 0.99, 0.01, 1.0, 0.8), stop(1.0, 0.97, 0.05, 2.0, 0.95),
            stop(1.5, 0.8, 0.3, 3.0, 0.99),
        ],
        "held_out": {"known": share(0.99)},
        "essays": {"1.0": share(0.5)},
        "loops": {"greedy": [{"period": 41}, {"period": 13}]},
    }  # fmt: skip
    return SimpleNamespace(info=info, measures=measures)


@pytest.fixture
def judge(monkeypatch):
    """Judges one claim on a given run."""

    def judged(claim, run):
        monkeypatch.setattr(claims, "load_run", lambda name: run)
        return claims.verdicts([claim])[0]

    return judged


@pytest.mark.parametrize("claim", ["C2", "C3", "C6", "C7", "C8"])
def test_what_is_so_is_held(judge, essays, claim):
    assert judge(claim, essays).verdict == "held"


def spoil(run, path, value):
    """A copy of a run with one number changed."""
    run = copy.deepcopy(run)
    at = run.info if path[0] in run.info else run.measures
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return run


@pytest.mark.parametrize(
    ("claim", "path", "value", "verdict"),
    [
        ("C2", ("model", "layers"), 3, "not held"),
        ("C2", ("model", "parameters"), 5_000_000, "not held"),
        ("C3", ("model", "dropout"), 0.3, "not tested"),
        ("C6", ("sweep", 1, "known"), share(0.7), "not held"),
        ("C6", ("essays", "1.0"), share(0.0, hits=0), "not held"),
        ("C7", ("sweep", 0, "misspelt"), share(0.06), "not held"),
        ("C7", ("sweep", 1, "entropy"), 0.9, "not held"),
        ("C7", ("sweep", 0, "distinct_2"), share(0.99), "not held"),
        ("C8", ("loops", "greedy", 0), {}, "held with a change"),
        ("C8", ("loops", "greedy"), [{}, {}], "not held"),
    ],
)  # fmt: skip
def test_what_is_not_so_is_not_held(judge, essays, claim, path, value, verdict):
    assert judge(claim, spoil(essays, path, value)).verdict == verdict


def test_the_numbers_stand_beside_the_verdict(judge, essays):
    assert "903,847 bytes" in judge("C1", essays).number
    assert judge("C2", essays).number == "3,389,532 at 92 symbols"
    assert "97.0% [96.0%, 98.0%]" in judge("C6", essays).number
    assert "periods 13 to 41 characters" in judge("C8", essays).number


def plays(well_formed=0.95, longest_real=60, scale="post", layers=3):
    info = {
        "corpus": {"n_bytes": 4_571_475},
        "model": {"layers": layers, "hidden": 512, "parameters": 5_426_755, "vocab_size": 67},
        "seconds": 7200.0, "epochs": 30.0, "scale": scale, "device": "a GPU",
    }  # fmt: skip
    ours = {
        "well_formed": share(well_formed),
        "known_speeches": share(0.8),
        "speech_lines": {"max": 41},
    }
    real = {"well_formed": share(0.999), "speech_lines": {"max": longest_real}}
    return SimpleNamespace(info=info, measures={"plays": {"1.0": ours, "held_out": real}})


def test_the_form_of_a_play(judge):
    good = judge("C11", plays())
    assert good.verdict == "held"
    assert "longest speech 41 lines" in good.number and "20% of speeches by invented" in good.number
    assert judge("C11", plays(well_formed=0.6)).verdict == "not held"
    assert judge("C11", plays(longest_real=100)).verdict == "held with a change"  # no monologues


def test_a_smaller_scale_changes_the_claim_about_hours(judge):
    assert judge("C10", plays()).verdict == "held"
    assert judge("C10", plays(scale="laptop")).verdict == "not tested"
    assert "2.0 hours" in judge("C10", plays()).number
    assert judge("C9", plays()).verdict == "held with a change"


def timing(seconds, cpu="a CPU", gpu=None):
    """A machine's file of timed batches: {"cpu": {100: 1.5}} is 1.5 s for 100 x 100 on its CPU."""
    times = {
        f"{kind} 100 x {seq}": {"median": median}
        for kind, each in seconds.items()
        for seq, median in each.items()
    }
    return {"machine": {"cpu": cpu, "cores": 2, "gpu": gpu}, "batch_seconds": times}


def bptt(monkeypatch, cost, *timed):
    rows = [
        {"seq": q, "seed": s, "losses": {"val": 1.5 + (cost if q == 50 else 0)}}
        for q in (50, 100) for s in (1, 2)
    ]  # fmt: skip
    kept = {
        "bptt": {"bptt": {"rows": rows, "epochs": 2, "model": {"hidden": 256}}},
        "training": {f"training-{i}": each for i, each in enumerate(timed)},
    }
    monkeypatch.setattr(claims.essays, "result", kept.get)


@pytest.mark.parametrize(
    ("cost", "seconds", "verdict"),
    [(0.01, 50.0, "held"), (-0.1, 50.0, "held"), (0.05, 50.0, "not held"), (0.0, 90.0, "not held")],
)
def test_truncation_at_fifty(judge, essays, monkeypatch, cost, seconds, verdict):
    bptt(monkeypatch, cost, timing({"cpu": {100: 100.0, 50: seconds}}))
    judged = judge("C5", essays)
    assert judged.verdict == verdict
    assert f"{seconds / 100:.2f} of the time on a CPU (2 cores)" in judged.number


def test_truncation_is_timed_on_one_device(judge, essays, monkeypatch):
    gpu = timing({"cuda": {100: 0.01, 50: 0.006}}, gpu="a GPU")
    bptt(monkeypatch, 0.0, gpu, timing({"cpu": {100: 1.0, 50: 0.5}}))
    assert "0.50 of the time on a CPU" in judge("C5", essays).number  # as the trainings were
    bptt(monkeypatch, 0.0, timing({"cpu": {100: 1.0}}), gpu)
    assert "0.60 of the time on a GPU" in judge("C5", essays).number
    bptt(monkeypatch, 0.0, timing({"cpu": {100: 1.0}}), timing({"cpu": {50: 0.5}}, "another"))
    assert not judge("C5", essays).measured


def timed(monkeypatch, *machines):
    files = {f"training-{i}": each for i, each in enumerate(machines)}
    monkeypatch.setattr(claims.essays, "result", lambda name: files)


@pytest.mark.parametrize(("seconds", "verdict"), [(0.15, "held"), (0.005, "not held")])
@pytest.mark.parametrize("apart", [False, True])
def test_cpu_against_gpu(judge, essays, monkeypatch, seconds, verdict, apart):
    if apart:
        timed(
            monkeypatch, timing({"cuda": {100: seconds}}, gpu="a GPU"), timing({"cpu": {100: 1.5}})
        )
    else:
        timed(monkeypatch, timing({"cpu": {100: 1.5}, "cuda": {100: seconds}}, gpu="a GPU"))
    judged = judge("C35", essays)
    assert judged.verdict == verdict
    assert f"{1.5 / seconds:.0f} times, a CPU (2 cores) against a GPU" in judged.number


def test_every_cpu_stands_against_every_gpu(judge, essays, monkeypatch):
    timed(
        monkeypatch,
        timing({"cpu": {100: 1.0}}, "slow"),
        timing({"cpu": {100: 0.1}, "cuda": {100: 0.01}}, "fast", "a GPU"),
    )
    judged = judge("C35", essays)
    assert judged.verdict == "held with a change"
    assert "100 times, slow" in judged.number and "10 times, fast" in judged.number
    timed(monkeypatch, timing({"cpu": {100: 1.5}}))
    judged = judge("C35", essays)
    assert judged.verdict == "not tested" and judged.measured  # no GPU is the reason


def test_batch_times_name_their_machines(judge, essays, monkeypatch):
    timed(monkeypatch, timing({"cuda": {100: 0.15}}, gpu="a GPU"), timing({"cpu": {100: 1.5}}))
    judged = judge("C4", essays)
    assert judged.verdict == "not tested"  # no TITAN Z
    assert judged.number == "1.5 s on a CPU (2 cores); 0.15 s on a GPU; no TITAN Z at hand"


def test_a_run_or_a_number_that_is_missing_is_not_tested_and_says_why(monkeypatch, judge, essays):
    def no_run(name):
        raise RunError(f"{name} is neither a folder nor the name of a run")

    monkeypatch.setattr(claims, "load_run", no_run)
    judged = claims.verdicts(["C6"])[0]
    assert judged.verdict == "not tested" and "paul_graham is neither" in judged.number
    del essays.measures["sweep"]
    assert judge("C7", essays).verdict == "not tested"
    monkeypatch.setattr(claims.rules, "repository", lambda: None)
    assert judge("C5", essays).verdict == "not tested"


def test_verdicts_come_in_the_order_asked_for(monkeypatch, essays):
    monkeypatch.setattr(claims, "load_run", lambda name: essays)
    table = claims.table(["C8", "C2"])
    assert list(table.index) == ["C8", "C2"]
    assert list(table.columns) == ["the post", "here", "verdict"]
    assert [v.id for v in claims.verdicts()] == [c.id for c in claims.CLAIMS]


def test_a_missing_number_is_told_from_a_reason_not_to_test(monkeypatch, essays):
    monkeypatch.setattr(claims, "load_run", lambda name: spoil(essays, ("model", "dropout"), 0.3))
    assert claims.verdicts(["C3"])[0].verdict == "not tested"
    assert claims.missing(["C2", "C3", "C7"]) == []
    claims.check(["C2", "C3", "C7"])
    essays.measures["sweep"] = essays.measures["sweep"][:2]  # nothing at T = 1.5
    (found,) = claims.missing(["C2", "C3", "C7"])
    assert found.id == "C7" and "no samples at T = 1.5" in found.number
    with pytest.raises(RunError, match=r"^no measurement for C7 \(paul_graham\); record the run"):
        claims.check(["C2", "C3", "C7"])


def test_each_row_of_a_table_can_be_linked_to(monkeypatch, essays):
    monkeypatch.setattr(claims, "load_run", lambda name: essays)
    shown = claims.table(["C8", "C2"])._repr_html_()
    assert re.findall(r'<tr id="(\w+)">\s*<th>(\w+)</th>', shown) == [("C8", "C8"), ("C2", "C2")]


def test_an_unknown_claim_or_verdict_is_refused():
    with pytest.raises(ValueError, match="no rule for claim C99; there are C1, C2"):
        claims.verdicts(["C99"])
    with pytest.raises(ValueError, match="verdict is 'maybe'; it must be one of held"):
        claims.Verdict("C1", "said", "number", "maybe", None)
    with pytest.raises(ValueError, match="over is 'dreams'; it must be one of count, samples"):
        claims.Claim("C1", "said", "run", len, "01-chapter", "dreams")
