"""The n-gram beside a run: trained on what, chosen by what, read for what; and its table."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from charrnn import chapters, measure
from charrnn.measure import ngram
from charrnn.ngram import NGram
from charrnn.runs import load_run

TEXT = "the cat sat on the mat, and the rat sat on the cat; that was that.\n" * 30


def run_of(text, test="that rat sat.\n", restart=None):
    """A run and its texts, without a network: what `baseline` looks at."""
    symbols = sorted(set(text))
    ids = np.array([symbols.index(c) for c in text], dtype=np.uint8)
    split = SimpleNamespace(
        train=ids[:1500], val=ids[1500:], test=np.array([symbols.index(c) for c in test])
    )
    newline = symbols.index("\n") if restart else None
    model = SimpleNamespace(config=SimpleNamespace(restart=newline))
    return SimpleNamespace(model=model), SimpleNamespace(split=split, vocab=symbols)


def test_validation_chooses_the_order_and_both_parts_are_read_whole(monkeypatch):
    run, texts = run_of(TEXT)
    found = ngram.baseline(run, texts)
    split = texts.split
    assert found["trained_on"] == 1500
    assert found["orders"][str(found["order"])] == min(found["orders"].values())
    alone = NGram.train(split.train, len(texts.vocab), found["order"])
    assert found["val"] == pytest.approx(alone.nats(split.val).mean())
    assert found["test"] == pytest.approx(alone.nats(split.test).mean())
    monkeypatch.setattr(ngram, "READ", 700)
    monkeypatch.setattr(ngram, "CHOOSING", 100)
    short = ngram.baseline(run, texts)
    assert short["trained_on"] == 700
    alone = NGram.train(split.train[:700], len(texts.vocab), short["order"])
    assert short["val"] == pytest.approx(alone.nats(split.val).mean())
    of_100 = alone.nats(split.val[:100]).mean()
    assert short["orders"][str(short["order"])] == pytest.approx(of_100)


def test_no_test_part_and_nothing_to_validate_on():
    run, texts = run_of(TEXT, test="")
    assert ngram.baseline(run, texts)["test"] is None
    texts.split.val = texts.split.val[:1]
    assert ngram.baseline(run, texts) is None


def test_lines_know_nothing_of_each_other():
    """With a period of one line, an n-gram that looks past the newline knows what comes next."""
    lines = "ab\ncd\nef\n" * 200
    across, within = (ngram.baseline(*run_of(lines, "ab\n", restart=r)) for r in (False, True))
    assert across["val"] < 0.05
    assert within["val"] == pytest.approx(np.log(3) / 3, abs=0.02)


def test_a_measured_run_has_its_baseline_and_a_table(copy):
    measure.measure_run(copy, samples=2, length=40, progress=lambda line: None)
    run = load_run(copy)
    kept = run.measures["ngram"]
    json.dumps(kept, allow_nan=False)
    table = chapters.baseline(run)
    assert list(table.index) == ["network", f"{kept['order']}-gram", "the difference"]
    assert table.loc["network", "trained on"] == f"{run.info['split']['train']:,} characters"
    assert table.iloc[1]["validation, nats"] == f"{kept['val']:.3f}"
    assert table.iloc[0]["test, bits"] == f"{run.info['losses']['test'] / np.log(2):.3f}"
    ahead = run.info["losses"]["val"] - kept["val"]
    assert table.loc["the difference", "validation, nats"] == f"{ahead:+.3f}"
    assert table.loc["the difference", "validation, bits"] == f"{ahead / np.log(2):+.3f}"
    run.measures["ngram"]["test"] = run.info["losses"]["test"] = None
    assert (chapters.baseline(run)["test, nats"] == "").all()
    run.info["corpus"]["level"] = "byte"
    assert "bytes" in chapters.baseline(run).loc["network", "trained on"]
    del run.measures["ngram"]
    assert chapters.baseline(run).empty
