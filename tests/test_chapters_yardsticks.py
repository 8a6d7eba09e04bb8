"""What the chapter on yardsticks sets side by side, from measures and committed results."""

from types import SimpleNamespace

import pytest

from charrnn.chapters import yardsticks
from charrnn.score import LN2


def measured(part="test", read=100):
    return {
        "part": part,
        "characters": 100,
        "trained_on": 900,
        "network": 1.2,
        "ngram": {
            "best": 3,
            "val": {"2": 1.7, "3": 1.5, "4": 1.6},
            "static": {"2": 1.8, "3": 1.6, "4": 1.4},
            "adaptive": {"2": 1.5, "3": 1.3},
            "seconds": 2.0,
        },
        "compressors": {"gzip -9": 2.2, "xz -9e": 1.9},
        "protocols": {"characters": read, "stream": 1.2, "crops": 1.4, "dynamic": 1.1},
    }


def a_run(name="war_and_peace", **changes):
    info = {"title": "A text", "recipe": {"name": name}}
    info["model"] = {"cell": "lstm", "layers": 3, "hidden": 512}
    return SimpleNamespace(info=info, measures={"yardsticks": measured(**changes)})


@pytest.fixture(autouse=True)
def results(monkeypatch):
    def trained(cell, hidden, losses):
        return [
            {"cell": cell, "hidden": hidden, "lr": 0.01, "parameters": 1234, "losses": {"test": x}}
            for x in losses
        ]

    rows = trained("lstm", 8, (1.0, 1.2)) + trained("gru", 9, (1.5,)) + trained("rnn", 12, (2.0,))
    kept = {
        "cells": {"rows": rows},
        "splits": {
            "rows": [
                {"split": "contiguous", "losses": {"val": 1.6}},
                {"split": "char-rnn", "losses": {"val": 1.4}},
                {"split": "contiguous", "losses": {"val": 1.8}},
                {"split": "char-rnn", "losses": {"val": 1.5}},
            ]
        },
        "line_ends": {
            "longer": 1.02,
            "rows": [
                {"seed": 1, "ends": "two", "test": 1.0, "characters": 102},
                {"seed": 1, "ends": "one", "test": 1.02, "characters": 100},
            ],
        },
    }
    monkeypatch.setattr(yardsticks, "result", lambda name: {name: kept[name]})


def test_orders_are_in_bits_and_in_order():
    panel = yardsticks.by_order(a_run())
    assert list(panel["curves"]["n-gram"]) == [2, 3, 4]
    assert panel["curves"]["n-gram"][3] == pytest.approx(1.6 / LN2)
    assert panel["levels"] == {"network": pytest.approx(1.2 / LN2)}


def test_the_ladder_takes_the_order_that_validation_text_chose():
    rows = {row["name"]: row for row in yardsticks.ladder(a_run())}
    assert rows["3-gram"]["value"] == pytest.approx(1.6 / LN2), "not the 4-gram's 1.4"
    assert rows["LSTM 3 x 512, learning on"]["value"] == pytest.approx(1.1 / LN2)
    small = rows["LSTM 1 x 8"]
    assert [small[k] * LN2 for k in ("low", "value", "high")] == pytest.approx([1.0, 1.1, 1.2])


def test_what_was_read_on_other_characters_is_not_on_the_ladder():
    names = [row["name"] for row in yardsticks.ladder(a_run(read=50))]
    assert "LSTM 3 x 512" in names and "LSTM 3 x 512, learning on" not in names


def test_the_small_networks_stand_beside_their_own_text_only():
    names = [row["name"] for row in yardsticks.ladder(a_run("linux"))]
    assert not any("1 x 8" in name for name in names)


def test_splits_keep_their_spread():
    file, lanes = yardsticks.splits()
    assert (file["low"], file["value"], file["high"]) == pytest.approx((1.6, 1.7, 1.8))
    assert lanes["value"] == pytest.approx(1.45)
    assert "2 seeds" in file["name"]


def test_cells_say_their_seeds():
    table = yardsticks.cells_table()
    assert list(table["seeds"]) == [2, 1, 1]
    assert table.loc["LSTM 1 x 8", "test, nats"] == "1.100 (1.000 to 1.200)"


def test_published_losses_have_a_protocol_and_a_source():
    for row in yardsticks.PUBLISHED:
        assert row.protocol and row.source and row.unit in ("nats", "bits")
    table = yardsticks.published("tinyshakespeare")
    assert set(table["text"]) == {"tinyshakespeare"}
    assert table.loc["transformer, 10.7 M parameters (nanoGPT)", "loss"] == "1.4697 nats"


def test_losses_with_two_characters_a_line_end_are_rescaled():
    table = yardsticks.rescaled()
    assert table.loc["20-gram of the same paper", "on our copy"] == f"{1.195 * 1.02:.3f}"
    all_nats = yardsticks.line_ends()["all nats"]
    assert list(all_nats) == ["102", "102"]


def test_each_row_says_on_how_many_characters_it_was_taken():
    table = yardsticks.summary(a_run(read=50))
    assert table.loc["network", "on"] == "test, 100"
    assert table.loc["network, learning on", "on"] == "first 50"
    assert table.loc["3-gram, counting on", "nats"] == "1.300"


def test_compressors_stand_beside_the_counts_that_go_on():
    table = yardsticks.compressed(a_run())
    assert list(table.index)[-3:] == ["n-gram", "n-gram, counting on", "network"]
    assert table.loc["n-gram, counting on", "A text"] == f"{1.3 / LN2:.3f}"
    assert table.loc["gzip -9", "A text"] == f"{2.2 / LN2:.3f}"
