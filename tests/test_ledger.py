"""The ledger: what each number is over, what it rests on, and that no claim is left out."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from charrnn import claims
from charrnn.claims import ledger
from charrnn.runs import RunError, runs_folder

BOOK = Path(__file__).resolve().parents[1] / "book"
INFO = {
    "name": "essays", "scale": "post", "device": "a GPU", "seconds": 5400.0, "seed": 1,
    "corpus": {"level": "char"}, "split": {"val": 45_169},
    "model": {"layers": 2, "hidden": 512, "cell": "lstm"},
}  # fmt: skip
MEASURES = {
    "samples": 16, "length": 2000, "neurons": {"characters": 150_000},
    "names": {"by_temperature": {"1.0": {"names": 4999}}},
    "loops": {"greedy": [{}] * 10, "length": 6000},
    "latex": {"typesetting": {"0.8": {"compiled": {"total": 31}}}},
}  # fmt: skip
SAMPLES = [{"step": step, "text": "a" * 400} for step in (100, 300)]


def recorded(name):
    """A recorded run without its weights."""
    folder = runs_folder() / name
    if not (folder / "run.json").is_file():
        raise RunError(f"{name} is not there")
    info, measures = (json.loads((folder / f"{f}.json").read_text()) for f in ("run", "measures"))
    lines = (folder / "samples.jsonl").read_text().splitlines()
    return SimpleNamespace(
        name=name, info=info, measures=measures, samples=[json.loads(line) for line in lines]
    )


def made(name):
    return SimpleNamespace(info=INFO | {"name": name}, measures=MEASURES, samples=SAMPLES)


def line(over="samples", number="90.0% [88.0%, 92.0%] of words", verdict="held", **more):
    claim = claims.Claim(
        "C6", "said", "essays", lambda run: (number, verdict), "03-x", over, **more
    )
    return claims.judge(claim, made), claim


@pytest.fixture
def enter(monkeypatch):
    """The ledger of claims made up."""
    monkeypatch.setattr(ledger, "load_run", made)

    def entered(*lines):
        monkeypatch.setattr(ledger, "CLAIMS", [claim for _, claim in lines])
        return ledger.entries()

    return entered


def test_every_claim_of_the_post_has_a_rule_a_chapter_and_a_run():
    assert [c.id for c in claims.CLAIMS] == [f"C{n}" for n in range(1, 42)]
    chapters = {p.stem for p in BOOK.iterdir()}
    runs = {p.name for p in runs_folder().iterdir()}
    for claim in claims.CLAIMS:
        assert claim.said
        assert claim.chapter in chapters, claim.id
        assert {claim.run, claim.second or claim.run} <= runs, claim.id


def test_no_verdict_is_empty(monkeypatch):
    for module in (claims, claims.inside):
        monkeypatch.setattr(module, "load_run", recorded)
    for verdict in claims.verdicts():
        assert verdict.number.strip() and verdict.verdict in claims.VERDICTS, verdict.id


def test_the_chapters_show_the_verdicts_that_the_ledger_links_to():
    for claim in claims.CLAIMS:
        (chapter,) = BOOK.glob(f"{claim.chapter}.ipynb")
        assert f'\\"{claim.id}\\"' in chapter.read_text(), claim.id


def test_the_sections_hold_every_claim_once():
    numbers = [n for ids in ledger.SECTIONS.values() for n in ids]
    assert numbers == list(range(1, 42))


def test_every_kind_has_its_words():
    assert {*ledger.OVER_WORDS, "trainings", "timings"} == set(claims.OVER)


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ("count", "exact: nothing is drawn"),
        ("samples", "16 samples of 2,000 characters a temperature, one training"),
        ("samples while training", "samples of 400 characters at 2 steps of one training"),
        ("names", "4,999 names at T = 1, and exact shares of the distribution; one training"),
        ("greedy", "10 prompts decoded greedily, 6,000 characters each; one training"),
        ("typeset", "31 samples given to LaTeX, one training"),
        ("validation text", "45,169 characters of validation text, one training"),
        ("held-out text", "150,000 characters of held-out text, one training"),
        ("one training", "one training, timed once"),
    ],
)
def test_what_a_number_is_over_comes_from_the_run(enter, over, words):
    (sure,) = enter(line(over))
    (unsure,) = enter(line(over, number="12"))
    drawn = over != "count"
    assert sure.over == words + ("; 95 % intervals in brackets" if drawn else "")
    assert unsure.over == words + ("; no interval" if drawn else "")
    assert sure.basis == "essays, scale post, a GPU" and sure.single == drawn


def test_source_code_is_counted_in_its_own_samples(enter, monkeypatch):
    measures = MEASURES | {"kernel": {"samples": 32, "length": 4000}}
    monkeypatch.setattr(
        ledger, "load_run", lambda name: SimpleNamespace(info=INFO, measures=measures)
    )
    monkeypatch.setattr(ledger, "CLAIMS", [line()[1]])
    assert ledger.entries()[0].over.startswith("32 samples of 4,000 characters")


def test_a_second_run_is_named(enter):
    (entry,) = enter(line("held-out text", second="linux"))
    assert entry.basis == "essays, scale post, a GPU; linux, scale post, a GPU"
    assert entry.over.count("held-out text") == 1  # as much of each


def test_benchmarks_say_their_trainings_and_machines(enter, monkeypatch):
    machine = {"cpu": "a CPU", "cores": 2, "gpu": None}
    files = {
        "many": {"a": {"rows": [{"seed": 1}, {"seed": 2}, {"seed": 1}], "machine": machine}},
        "sizes": {"a": {"rows": [{}, {}], "machine": machine}},
        "times": {"a": {"machine": machine}, "b": {"machine": machine | {"gpu": "a GPU"}}},
    }
    monkeypatch.setattr(ledger, "result", files.__getitem__)
    many, more, timed = enter(
        line("trainings", benchmark="many"),
        line("samples", benchmark="sizes"),
        line("timings", benchmark="times"),
    )
    assert (many.over, many.single) == ("3 smaller trainings with 2 seeds", False)
    assert "; and 2 smaller trainings, one seed; 95 %" in more.over and more.single
    assert timed.basis == "benchmark times, a CPU (2 cores), a GPU" and not timed.single
    assert many.facts == timed.facts == ()


def test_a_claim_without_a_measurement_is_entered_as_such(enter, monkeypatch):
    def no_run(name):
        raise RunError(f"{name} is not there")

    monkeypatch.setattr(ledger, "load_run", no_run)
    (entry,) = enter(line())
    assert entry.verdict.verdict == "not tested" and entry.over == "nothing: no measurement"
    assert not entry.single and entry.facts == ()


def test_verdicts_are_counted_listed_and_told(enter):
    rows = enter(line(), line("count", verdict="not tested", number="a reason"))
    assert ledger.counts(rows)["claims"].to_dict()["held"] == 1
    assert list(ledger.counts(rows).index) == list(claims.VERDICTS)
    assert list(ledger.listed(rows, "not tested")["here"]) == ["a reason"]
    assert ledger.by_section(rows).loc["Paul Graham's essays"].to_dict() == {
        "held": 1,
        "not tested": 1,
    }
    told = ledger.on_one_training(rows)
    assert told.startswith("1 of the 1 verdicts") and told.endswith("each: C6")
    found = ledger.scales(rows).loc["essays"]
    assert (found["minutes"], found["claims"], found["network"]) == ("90", "C6, C6", "2 x 512 LSTM")
    with pytest.raises(ValueError, match="verdict is 'maybe'; it must be one of held"):
        ledger.listed(rows, "maybe")


def test_the_table_links_and_takes_text_as_text(enter):
    shown = ledger.show(enter(line(number="<b> & 3"))).data
    assert '<tr id="C6">' in shown and 'href="03-x.html#C6"' in shown
    assert "&lt;b&gt; &amp; 3" in shown
    assert shown.count("rowgroup") == 1 and "Paul Graham" in shown
