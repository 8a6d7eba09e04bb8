"""What the chapter shows of the temperature, from a result made up by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from charrnn.chapters import temperature
from charrnn.figures.temperature import divided
from charrnn.model import CharRNN, ModelConfig
from charrnn.structure.shares import Share
from charrnn.vocab import Vocab

T = [0.0, 0.1, 1.0]


def about(value, half=0.01):
    return {"value": value, "low": value - half, "high": value + half, "total": 4}


def way(starts):
    names = ("misspelt", "distinct", "repeated", "symbols", "nats", "entropy")
    looping = Share.of(start is not None for start in starts).as_dict()
    periods = [None if start is None else 9 for start in starts]
    cell = {"loops": looping, "starts": starts, "periods": periods}
    return cell | {name: about(0.25) for name in names}


def cell(t, logits, hidden, **away):
    apart = {name: about(0.0) for name in temperature.MEASURES} | away
    return {"temperature": t, "logits": way(logits), "hidden": way(hidden), "difference": apart}


def row(run, name, cold, **more):
    """cold: where loops begin at the lowest two temperatures, both ways."""
    read = [{"temperature": t, "kl": about(kl)} for t, kl in ((0.1, 0.05), (1.0, 0.0))]
    drawn = [
        cell(T[0], *cold[0]),
        cell(T[1], *cold[1], nats=about(0.2)),
        cell(T[2], [None] * 4, [None] * 4),
    ]
    loops = {"logits": [{"texts": 4, "period": 9, "lap": "and so on"}], "hidden": []}
    greedy = {"same_text": {"hits": 1, "total": 4}, "first": [3, 5, 10], "loops": loops}
    greedy["same_loop"] = {"hits": 2, "total": 4}
    bias = {"spread_hidden": 4.0, "spread_bias": 0.1, "range_bias": 0.3, "decides": about(0.016)}
    return {
        "run": run,
        "title": name,
        "bias": bias,
        "reading": read,
        "drawn": drawn,
        "greedy": greedy,
        **more,
    }


ALL, NONE = [1, 2, 3, 4], [None] * 4
SAME = ((ALL, ALL), ([5, None, None, None], [5, None, None, None]))
LESS = ((ALL, NONE), (ALL, NONE))


def result(*rows):
    asked = {"samples": 4, "length": 2000, "read": 20_000, "prompt": 40, "loop_tail": 60}
    return {"temperatures": T, "rows": list(rows), "machine": {"date": "2026-01-01"}, **asked}


@pytest.fixture
def kept():
    return result(
        row("essays", "Essays (all)", SAME), row("plays", "Plays", LESS, era="2015-05-21")
    )


def test_the_newest_result_is_taken(monkeypatch):
    old, new = result(), result() | {"machine": {"date": "2026-02-01"}}
    monkeypatch.setattr(temperature, "result", lambda name: {"b": new, "a": old})
    assert temperature.recorded() is new


def test_networks_by_their_text_and_program(kept):
    table = temperature.biases(kept)
    assert list(table.index) == ["Essays", "Plays, 2015-05-21"]
    assert list(table.iloc[0]) == ["4.00", "0.100", "2.5%", "1.60% [0.60%, 2.60%]"]
    assert temperature.distances(kept).loc["T = 0.1", "Essays"] == "0.05000 ±0.01000"
    assert temperature.drawn(kept).startswith("2 networks, 3 temperatures from 0 to 1: at each, 4")


def test_loops_of_one_network_and_of_all(kept):
    one = temperature.loops(kept, "essays")
    assert list(one.loc["T = 0.1"])[:2] == ["1 of 4", "1 of 4"]
    assert one.loc["T = 0.1"].iloc[3] == "0 and 0"
    everything = temperature.loops(kept)
    assert list(everything.loc["T = 0"]) == [
        "8 of 8",
        "4 of 8",
        everything.loc["T = 0"].iloc[2],
        "4 and 0",
    ]
    assert everything.loc["T = 0"].iloc[2].startswith("-50.0 [-")
    with pytest.raises(ValueError, match="'novel' was not drawn from both ways; there are essays"):
        temperature.loops(kept, "novel")


def test_a_difference_that_was_never_seen_is_not_known_to_be_none():
    found = temperature.difference([1, 0, 1], [1, 0, 1])
    assert found.value == 0 and found.high == -found.low == Share(0, 3).interval()[1]
    found = temperature.difference([0, 0, 0, 1], [1, 1, 1, 1])
    assert found.value == 0.75 and 0 < found.low < 0.75 < found.high


def test_measures_have_a_star_where_the_ways_differ(kept):
    table = temperature.measures(kept, "essays", ("misspelt", "nats"))
    assert list(table.columns) == ["misspelt words", "nats a character at T = 1"]
    assert list(table.loc["T = 0.1"]) == ["25.0% / 25.0%", "0.250 / 0.250 *"]
    assert "*" not in "".join(table.loc["T = 0"])


def test_greedy_limits_side_by_side(kept):
    table = temperature.greedy(kept)
    assert list(table.loc["Essays"]) == [
        "4 of 4: from 2.5, laps of 9",
        "4 of 4: from 2.5, laps of 9",
        "1 of 4",
        "5",
        "2 of 4",
    ]
    assert table.iloc[1, 1] == "0 of 4: from -, laps of -"
    assert list(temperature.laps(kept).loc["Essays"]) == ["and so on", None]


class TestAnswer:
    def test_no_difference(self):
        told = temperature.answer(result(row("essays", "Essays", SAME)))
        assert told.startswith(
            "Whether 1 network loop at T = 0 does not measurably depend on it (4 of 4 "
        )
        assert "the loop is the same one in 2 of 4" in told
        assert "from T = 0.1 to 0.1, it is as common with" in told
        assert "(1 of 4 texts end in one, against 1: +0.0 [-49.0, +49.0] percentage" in told

    def test_a_difference(self):
        kept = result(*(row(str(i), "Essays", LESS) for i in range(3)))
        assert temperature.effect(kept).value == -1
        told = temperature.answer(kept)
        assert "depends on it (12 of 12 texts do" in told and "it is rarer with" in told
        more = tuple((hidden, logits) for logits, hidden in LESS)
        assert "is more common with" in temperature.answer(result(row("essays", "Essays", more)))

    def test_passages_count_once_however_many_temperatures(self):
        kept = result(row("essays", "Essays", SAME), row("plays", "Plays", LESS))
        kept["temperatures"] = [0.0, 0.1, 0.2]
        found = temperature.effect(kept)
        assert found.samples == 8 and found.value == -0.25  # of 8 passages 4 lose half of theirs


def test_the_figure_and_its_alternative(kept):
    panels = temperature.panels(kept)
    loops, wrong = panels["shares"].values()
    assert [s["value"] for s in loops["logits divided"]] == [1.0, 5 / 8, 0.0]
    assert [s["value"] for s in wrong["hidden state divided"]] == [0.25] * 3
    assert panels["distances"]["Essays"] == [None, about(0.05), about(0.0)]
    FigureCanvasAgg(divided(**panels)).draw()
    told = temperature.alt(kept)
    assert "100.0% and 50.0% at T = 0, 62.5% and 12.5% at T = 0.1" in told
    assert "at most 0.05 nats" in told


@pytest.fixture
def run():
    torch.manual_seed(1)
    vocab = Vocab.of("abcdefgh\n")
    model = CharRNN(ModelConfig(len(vocab), hidden=10, layers=1))
    with torch.no_grad():
        model.decoder.bias.copy_(torch.linspace(-2, 2, len(vocab)))
    info = {"corpus": {"shareable": True}}
    return SimpleNamespace(model=model, vocab=vocab, info=info, name="random")


def test_texts_both_ways(run):
    table = temperature.both_ways(run, "abc", (0.1, 1.0), length=30)
    assert table.shape == (2, 2) and {len(text) for text in np.ravel(table)} == {30}
    logits, hidden = table.loc["T = 0.1"]
    assert logits != hidden
    assert table.loc["T = 1"].nunique() == 1


def test_a_text_that_may_not_be_passed_on(run):
    run.info = {"corpus": {"shareable": False}}
    with pytest.raises(ValueError, match="random: its training text may not be passed on"):
        temperature.both_ways(run, "abc")
