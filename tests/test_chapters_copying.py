"""What the chapter on copying shows: from hand-made measures, and a network that knows one text."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from charrnn.chapters import copying
from charrnn.model import CharRNN, ModelConfig
from charrnn.vocab import Vocab


def share(value, margin=0.01):
    low, high = (0.0, 1.0) if value is None else (value - margin, value + margin)
    return {"value": value, "low": low, "high": high}


def row(new, median=20.0, longest=30, **more):
    return {"novel": {"20": share(new)}, "longest_copy": {"median": median, "max": longest}} | more


def kept(text, seed, temperature=0.5):
    return {"text": text, "seed": seed, "temperature": temperature, "slider": False}


def make(new=(0.5, 0.9, 0.95), real=0.8, texts=(), shareable=True, **measures):
    sweep = [row(n, 20.0 - t, 40, temperature=t) for n, t in zip(new, (0.5, 0.8, 1.0), strict=True)]
    info = {
        "title": "Plays (all of them)",
        "corpus": {"shareable": shareable, "level": "char"},
        "model": {"parameters": 1_000_000},
        "split": {"train": 2_000_000},
        "losses": {"val": 2.0 * np.log(2)},
        "published_precision": "int8",
        "epochs": 3.0,
    }
    found = {"sweep": sweep, "held_out": row(real), "shown": {"samples": list(texts)}}
    return SimpleNamespace(info=info, measures=found | measures)


def test_only_runs_that_were_held_against_their_text_are_asked():
    run = make()
    assert copying.measured([SimpleNamespace(measures={}), run]) == [run]


def test_novelty_is_taken_at_the_temperatures_asked_for_and_of_real_text():
    found = copying.novelty(make(), temperatures=(0.5, 1.0))
    assert list(found) == ["T = 0.5", "T = 1", "real text"]
    assert [c["20"]["value"] for c in found.values()] == [0.5, 0.95, 0.8]
    with pytest.raises(ValueError, match=r"temperature 0\.3 is not in the sweep"):
        copying.novelty(make(), temperatures=(0.3,))


def test_longest_runs_as_the_figure_takes_them():
    found = copying.longest(make())
    np.testing.assert_allclose(found["temperature"], [0.5, 0.8, 1.0])
    np.testing.assert_allclose(found["median"], [19.5, 19.2, 19.0])
    assert (found["real_median"], found["real_max"]) == (20.0, 30.0)
    table = copying.longest_table([make()], temperatures=(0.5,))
    assert list(table.loc["Plays"]) == ["19.5, 40", "20, 30"]


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ((0.9, 0.9, 0.9), "at every T"),
        ((0.5, 0.8, 0.9), "from T = 0.8"),
        ((0.9, 0.5, 0.9), "from T = 1"),  # it fell below once more
        ((0.9, 0.9, 0.7), "at no T"),
        ((0.9, 0.9, None), "too little text"),
    ],
)
def test_from_which_temperature_on_a_text_is_new_enough(new, told):
    assert copying.new_from(make(new)) == told


def test_a_table_of_shares():
    table = copying.table([make()], temperatures=(0.5, 1.0))
    assert list(table.loc["Plays"]) == [
        "50.0% [49.0%, 51.0%]", "95.0% [94.0%, 96.0%]", "80.0% [79.0%, 81.0%]", "from T = 0.8",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="length 7 was not measured; there are 20"):
        copying.table([make()], length=7)


@pytest.mark.parametrize(
    ("new", "line"), [(0.7, 0), (0.9, 1), (0.815, 2), (0.79, 2)]
)  # intervals of 0.01 on either side
def test_standing_asks_for_intervals_that_do_not_touch(new, line):
    lines = copying.standing([make((new, 0.9, 0.9))], 0.5).splitlines()
    assert [text.endswith(": Plays") for text in lines] == [i == line for i in range(3)]


def test_room_is_counted_in_millions_of_bits():
    table = copying.room([make()])
    assert list(table.loc["Plays"]) == [
        "1,000,000", "8.0", "5.0", "2,000,000 characters", "4.00", "1.2", "3",
    ]  # fmt: skip


def test_the_licence_is_recited():
    rows = {
        t: {"copied": {"longest": [{"length": n, "licence": licence, "text": text}]}}
        for t, n, licence, text in (
            ("0.5", 300, False, "   "),
            ("0.8", 90, True, "free software"),
            ("1.0", 40, True, "free"),
            ("held_out", 900, True, "This program is free software"),
        )
    }
    run = make(kernel={"rows": rows})
    found = copying.recited(run)
    assert (found.text, found.temperature) == ("free software", 0.8)
    assert found.found.startswith("90 bytes")
    assert copying.real_recitation(run) == "This program is free software"
    assert copying.real_recitation(make()) is None


def test_what_two_texts_share_is_recited():
    texts = [kept("a cat sat\n----------", 1), kept("the cat sat", 2), kept("----------", 3)]
    assert copying.recited(make(texts=texts)).text == " cat sat"  # and not the dashes
    assert copying.recited(make(texts=texts[:1])) is None
    assert copying.recited(make(texts=texts, shareable=False)) is None


@pytest.fixture(scope="module")
def by_heart():
    """A network without memory that is sure of b after a, of a after b, and of nothing after c."""
    model = CharRNN(ModelConfig(vocab_size=3, hidden=3, layers=1, cell="rnn")).eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
        model.rnn[0].weight_ih_l0.copy_(5 * torch.eye(3))
        model.decoder.weight[1, 0] = model.decoder.weight[0, 1] = 50.0
    return SimpleNamespace(model=model, vocab=Vocab.of("abc"))


def test_what_is_known_by_heart_comes_out_the_same(by_heart):
    assert copying.agreement(by_heart, "a", n=4, length=30) == [30] * 4
    loose = copying.agreement(by_heart, "c", n=32, length=30)
    assert min(loose) == 0 < max(loose)
    table = copying.agreements(by_heart, ["a", "c"], n=4, length=30)
    assert list(table.loc["'a'"]) == [30, 30, 30]
