"""What the chapter on speed makes of results: the best threads, honest ratios, bounds by hand."""

import pytest

from charrnn.chapters import speed


def row(side, median, threads=1, precision="fp32", case="a", **more):
    spread = {"median": median, "low": 0.9 * median, "high": 1.1 * median}
    return {
        "case": case,
        "side": side,
        "precision": precision,
        "threads": threads,
        **spread,
        **more,
    }


def ratio(side, median, against="nn.LSTM fp32", case="a"):
    return row(side, median, case=case) | {"against": against}


FAILED = {
    "case": "a",
    "side": "compiled",
    "precision": "fp32",
    "threads": 2,
    "failed": "no compiler",
}
RESULT = {
    "rows": [
        row("ours", 20),
        row("ours", 30, 2),
        row("ours", 50, 2, "int8"),
        row("nn.LSTM", 10),
        FAILED,
        row("ours", 7, case="b"),
        row("charrnn.minimal", 14, precision="fp64", case="b"),
    ],
    "ratios": [ratio("ours", 3.0), ratio("ours", 0.5, "charrnn.minimal fp64", "b")],
}
ROOFLINE = {
    "gflop_per_s": [
        {"shape": "s", "precision": "fp32", "threads": 1, "median": 90.0},
        {"shape": "s", "precision": "fp32", "threads": 2, "median": 180.0},
        {"shape": "s", "precision": "bf16", "threads": 2, "median": 400.0},
    ],
    "gb_per_s": [
        {"kilobytes": 64, "threads": 1, "median": 100.0},
        {"kilobytes": 4096, "threads": 1, "median": 40.0},
        {"kilobytes": 4096, "threads": 2, "median": 80.0},
        {"kilobytes": 32768, "threads": 2, "median": 50.0},
    ],
    "flop_per_character": {"2 x 512, V = 97": {"forward": 6e6, "training": 18e6}},
}
MODEL = {"hidden": 512, "layers": 2, "vocab": 97}


def test_a_side_races_with_its_best_number_of_threads():
    racers = {r["name"]: r for r in speed.racers(RESULT, "a")}
    assert set(racers) == {"charrnn, float32", "charrnn, int8", "nn.LSTM, float32"}
    assert racers["charrnn, float32"]["value"] == 30
    assert [r["ours"] for r in racers.values()] == [True, True, False]
    assert speed.cases(RESULT) == ["a", "b"]


def test_times_are_those_of_the_plain_loop_alone():
    table = speed.times(RESULT)
    assert list(table) == ["a"], "case b is divided by something else"
    assert table.loc["charrnn, float32", "a"] == "3.00 (2.70 to 3.30)"
    assert table.loc["compiled, float32", "a"] == "could not be run"


def test_rates_of_a_case():
    table = speed.rates(RESULT, "b")
    assert list(table.index) == ["charrnn, float32", "charrnn.minimal, float64"]
    assert table.loc["charrnn, float32", "b"] == "7 (6 to 8)"


def test_the_bound_of_products_is_the_best_float32_speed_over_the_work():
    training = {
        "sizes": {"case": {"layers": 2, "hidden": 512}, "other": {"layers": 9, "hidden": 1}}
    }
    assert speed.bound(ROOFLINE, training, "case") == {"float32 products alone": pytest.approx(1e4)}
    assert speed.bound(ROOFLINE, training, "other") == {}


def test_the_bounds_of_reading():
    numbers = 4 * 512 * 512 * 3 + 512 * 97 + 4 * 512
    assert speed.megabytes(MODEL, 4) == pytest.approx(4 * numbers / 2**20)
    bounds = speed.reading_bounds(ROOFLINE, MODEL)
    assert bounds["reading int8 weights"] == pytest.approx(80e9 / numbers)
    assert bounds["reading float32 weights"] == pytest.approx(50e9 / (4 * numbers))
    assert speed.reading_bounds({"gb_per_s": []}, MODEL) == {}, "a GPU's result has no caches"


def test_more_than_was_measured_is_read_as_the_largest_was():
    large = MODEL | {"hidden": 4096}
    assert speed.reading_bounds(ROOFLINE, large)["reading float32 weights"] > 0


def test_distances_are_from_float32():
    rows = {"fp32": {"train": [3.0, 2.0], "val": 2.0}, "int16": {"train": [3.0, 2.5], "val": 2.25}}
    exactness = {"window": 25, "rows": rows}
    assert speed.apart(exactness) == {"int16": {25: 0.0, 50: 0.5}}
    assert speed.held_out(exactness).loc["int16", "more than float32"] == "+0.2500"


def test_recorded_results_are_a_cpus(monkeypatch):
    machine = {"gpu": "a GPU", "cores": 2, "cpu": "a CPU", "torch": "2", "date": "2026-01-01"}
    kept = {
        "training_cuda-x": {"benchmark": "training_cuda", "machine": machine},
        "training-x": {"benchmark": "training", "machine": machine},
        "training-y": {"benchmark": "training", "machine": machine | {"date": "2027-01-01"}},
    }
    monkeypatch.setattr(speed, "result", lambda name: kept)
    found = speed.recorded("training")
    assert found is kept["training-y"], "the latest"
    assert speed.machine(found) == "2 cores of a CPU, torch 2, 2027-01-01"
    on_card = speed.recorded("training_cuda")
    assert speed.machine(on_card) == "a GPU, 2 cores of a CPU, torch 2, 2026-01-01"
    with pytest.raises(FileNotFoundError, match=r"results/roofline-\*\.json"):
        speed.recorded("roofline")


def test_published_speeds_have_their_sources():
    table = speed.published()
    assert (table["source"].str.len() > 20).all()
    assert "0.46 s a batch" in " ".join(table["figure"])


def test_what_the_committed_results_show():
    """Each table and each figure's rows can be made of what is in the repository."""
    training, sampling = speed.recorded("training"), speed.recorded("sampling")
    for found in (training, sampling):
        for case in speed.cases(found):
            assert speed.racers(found, case)
        assert not speed.times(found).empty
    roofline = speed.recorded("roofline")
    assert speed.bound(roofline, training, speed.cases(training)[0])
    assert len(speed.reading_bounds(roofline, sampling["model"])) == 2
    assert len(speed.reading(roofline)) == 2
    assert len(speed.costs(speed.recorded("curves"))) == 4
    tables = [speed.work(roofline), speed.products(roofline), speed.to_loss()]
    tables += [speed.gaps(speed.recorded("latency")), speed.memory(speed.recorded("memory"))]
    tables += [speed.scoring(speed.recorded("score")), speed.rounding(speed.recorded("rounding"))]
    tables += [speed.held_out(speed.recorded("exactness"))]
    assert not any(table.empty for table in tables)
    assert speed.to_loss("smoke").empty
