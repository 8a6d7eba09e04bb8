"""Tables of the chapter on algebraic geometry, with and without an engine and a benchmark."""

from types import SimpleNamespace

import pytest

from charrnn.chapters import algebra


def share(value, total=10):
    low, high = max(0, value - 0.1), min(1, value + 0.1)
    return {"value": value, "low": low, "high": high, "hits": round(value * total), "total": total}


def made(compiled, edits, median):
    return {
        "compiled": share(compiled), "mended": share(0.9), "edits": edits, "median": median,
        "first_errors": {"Missing $ inserted.": 3},
    }  # fmt: skip


@pytest.fixture
def run():
    nothing = {**made(0, None, None), "compiled": share(0, 0) | {"value": None}}
    row = {
        "kept": share(0.9), "wrong_names": share(0.1), "never_closed": None,
        "by_distance": {"0": share(0.9), "100": None},
    }  # fmt: skip
    edits = {"value": 0.004, "low": 0.003, "high": 0.005, "total": 9000}
    typesetting = {
        "engine": "pdfTeX", "0.5": made(0.3, edits, 4.0), "0.8": made(0.1, None, None),
        "held_out": nothing,
    }  # fmt: skip
    info = {
        "model": {"layers": 2, "hidden": 512, "parameters": 3_000_000},
        "losses": {"val": 0.65}, "epochs": 1.2, "split": {"train": 1_000_000},
    }  # fmt: skip
    return SimpleNamespace(info=info, measures={"latex": {"0.8": row, "typesetting": typesetting}})


def test_outcomes(run):
    table = algebra.outcomes(run)
    assert list(table.index) == list(algebra.TEXTS.values())
    assert table.iloc[0].tolist() == [10, "30% [20%, 40%]", "9 of 10", "4.0 [3.0, 5.0]", "4.0"]
    assert table.iloc[1].tolist()[3:] == ["", "beyond the bound"]
    assert table.iloc[2].tolist() == [0, "", "", "", ""]
    assert algebra.first_errors(run)["texts"].to_dict() == {"Missing $ inserted.": 3}


def test_without_an_engine(run):
    run.measures["latex"]["typesetting"] = {"engine": None}
    assert len(algebra.outcomes(run)) == len(algebra.first_errors(run)) == 0


def test_sizes_with_and_without_the_benchmark(run, monkeypatch):
    def missing(name):
        raise FileNotFoundError(name)

    monkeypatch.setattr(algebra, "result", missing)
    alone = algebra.sizes(run)
    assert list(alone.index) == ["this run, 2 x 512"]
    assert alone.iloc[0].tolist() == [
        "3,000,000", "1,200,000", "0.650", "90.0% [80.0%, 100.0%]", "10.0% [0.0%, 20.0%]", "",
    ]  # fmt: skip
    small = run.measures["latex"]["0.8"] | {"layers": 2, "hidden": 64, "parameters": 9}
    small["losses"] = {"val": 1.0}
    kept = {"environments-here": {"characters": 6e6, "rows": [small]}}
    monkeypatch.setattr(algebra, "result", lambda name: kept)
    assert list(algebra.sizes(run).index) == ["2 x 64", "this run, 2 x 512"]
    assert algebra.sizes(run)["characters read"].iloc[0] == "6,000,000"
    assert list(algebra.distances(run)["2 x 64"]) == ["0", "100"]
