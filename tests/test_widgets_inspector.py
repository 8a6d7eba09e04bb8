"""The inspector: a text in a unit's colours, live in a kernel and stored; text stays text."""

import json
import re

import numpy as np
import pytest
import torch
from portable_cases import NETWORKS, random_network
from test_widgets import EVIL, Page

from charrnn.model import CharRNN, ModelConfig
from charrnn.portable import PortableStepper, tanh32
from charrnn.runs import Run, load_run
from charrnn.sample import Sampling, probabilities
from charrnn.vocab import Vocab
from charrnn.widgets import inspector
from charrnn.widgets.shaded import label, percent, read, written

KNOWN = EVIL + "\nabc"


@pytest.fixture
def fresh(tmp_path):
    """A run that knows the characters of markup."""
    vocab = Vocab.of(KNOWN)
    model = CharRNN(ModelConfig(len(vocab), hidden=12, layers=2), torch.Generator().manual_seed(1))
    return Run(tmp_path, {"name": "fresh", "title": EVIL}, model.eval(), vocab)


@pytest.fixture(scope="module")
def recorded():
    return load_run("tinyshakespeare")


def run_of(name: str) -> Run:
    """A run of one of the networks that the portable arithmetic is tested with."""
    options = NETWORKS[name]
    return Run(None, {"name": name}, random_network(**options), options["vocab"])


# What is read


@pytest.mark.parametrize("name", NETWORKS)
def test_the_values_are_those_of_the_portable_arithmetic(name):
    run = run_of(name)
    text = "".join(s if isinstance(s, str) else chr(s) for s in run.vocab.symbols if s != 0x80)
    found = read(run, text * 2)
    stepper = PortableStepper(run.model)
    if run.model.config.restart is not None:
        stepper.step(np.array([run.model.config.restart]))
    lstm = run.model.config.cell == "lstm"
    for at, i in enumerate(found.ids):
        logits = stepper.step(np.array([i]))[0]
        assert np.array_equal(found.values["h"][at], stepper.h[:, 0])
        cells = tanh32(stepper.c[:, 0]) if lstm else stepper.h[:, 0]
        assert np.array_equal(found.values["c"][at], cells)
        p = probabilities(logits, Sampling(portable=True))
        assert [k for k, _ in found.guesses[at]] == np.argsort(-p, kind="stable")[:5].tolist()
        assert [q for _, q in found.guesses[at]] == [p[k] for k, _ in found.guesses[at]]


def test_characters_of_several_bytes_stand_at_their_last():
    found = read(run_of("bytes"), "a\u20ac\n")
    assert found.places() == [("a", 0), ("\u20ac", 3), ("\n", 4)]


def test_what_cannot_be_read_is_one_line(fresh):
    for text in ("", "\u4e00", "a" * 2001):
        with pytest.raises(ValueError, match=r"it must have 1 to 2,000, so take another"):
            read(fresh, text)
    assert read(fresh, "a\u4e00b").ids == read(fresh, "ab").ids


def test_symbols_and_numbers_as_the_page_writes_them():
    vocab = Vocab(tuple("\x00\t\n a\x7f\xa0\u0301"))
    shown = [label(vocab, i) for i in range(len(vocab))]
    assert shown == ["\u2400", "⇥", "↵", "␣", "a", "␡", "U+00A0", "◌\u0301"]
    assert [label(Vocab.of(b"\na\xc3"), i) for i in range(3)] == ["↵", "a", "0xC3"]
    assert [percent(p) for p in (1, 0.0996, 0.0994, 0)] == ["100 %", "10 %", "9.9 %", "0.0 %"]
    assert [written(v) for v in (0.834, -0.071, -0.001)] == ["0.83", "−0.07", "0.00"]


# Stored


def stored(run, passages, **options) -> Page:
    return Page(inspector(run, passages, **options)._repr_mimebundle_()["text/html"])


def test_markup_is_text_wherever_it_stands(fresh):
    rules = [{"name": EVIL, "title": EVIL, "layer": 0, "unit": 1, "auc": np.float32(0.5)}]
    figure = inspector(fresh, {EVIL: EVIL, "b": "</script>" + EVIL}, rules=rules)
    markup = figure._repr_mimebundle_()["text/html"]
    page = Page(markup)
    assert {tag for tag, _ in page.tags} == {"div", "style", "p", "pre", "span", "script"}
    assert page.pre == ["\n" + EVIL]
    assert page.all("div")[0]["data-title"] == f"{EVIL}: inside the network"
    assert markup.count("</script>") == 1
    (data,) = re.findall(r'<script type="application/json">(.*?)</script>', markup, re.DOTALL)
    assert not set("<>&") & set(data)
    told = json.loads(data)
    assert told["passages"] == [
        {"name": EVIL, "text": EVIL}, {"name": "b", "text": "</script>" + EVIL}
    ]  # fmt: skip
    assert told["rules"] == [{"name": EVIL, "title": EVIL, "layer": 0, "unit": 1, "auc": 0.5}]
    assert told["units"] == [[0, 1]] and told["quantity"] == "c"
    assert "<img" not in figure.shown.value and "<script" not in figure.shown.value


def test_every_character_has_its_colour_and_tells_its_guesses(fresh):
    text = "abc\n\nalert"
    page = stored(fresh, {"A": text}, units=[(1, 3), (0, 0)], quantity="h")
    found = read(fresh, text)
    spans = page.all("span")
    assert len(spans) == len(text) and page.pre == ["\n" + text]
    for at, span in enumerate(spans):
        value = found.values["h"][at, 1, 3]
        assert span["title"] == f"{written(value)}, then: {found.told(at)}"
        level = round(10 * abs(float(value)))
        name = f"{'n' if value < 0 else 'p'}{level}" if level else ""
        assert span["class"].split() == [name] * bool(name) + ["nl"] * (text[at] == "\n")
    assert page.all("pre")[0]["class"] == "charrnn-shades of-h"


def test_only_a_recorded_run_has_a_model_to_load(recorded, fresh):
    root = stored(recorded, {"A": "ROMEO:\nAy"}).all("div")[0]
    assert root["data-charrnn"] == "inspector"
    assert root["data-model"].startswith("_static/models/tinyshakespeare.safetensors?v=")
    assert int(root["data-bytes"]) == (recorded.folder / "model.safetensors").stat().st_size
    assert "data-model" not in stored(fresh, {"A": "abc"}).all("div")[0]


def test_a_network_without_cells_is_coloured_by_h(tmp_path):
    run = run_of("gru")
    run.folder = tmp_path
    figure = inspector(run, {"A": "a lamb."}, quantity="c")
    assert figure.quantity.value == "h"
    assert figure.quantity not in figure.children[3].children
    assert '"quantity": "h"' in figure.static_html()


# Live


def test_every_control_shows_its_text_and_unit(fresh):
    rules = [{"title": "a rule", "layer": 0, "unit": 7, "quantity": "h", "r": 0.5}]
    figure = inspector(fresh, {"A": "abc", "B": "cab\nabc"}, [(1, 3)], rules)
    found = read(fresh, "cab\nabc")
    figure.passage.value = "B"
    assert figure.shown.value == found.html(1, 3, "c", marked=0)
    figure.unit.value = 4
    figure.layer.value = 0
    assert figure.shown.value == found.html(0, 4, "c", marked=0)
    figure.rule.value = 0
    assert figure.shown.value == found.html(0, 7, "h", marked=0)
    figure.position.value = 5
    assert figure.shown.value == found.html(0, 7, "h", marked=4)
    assert f"After a: h = {written(found.values['h'][4, 0, 7])}." in figure.expected.value
    assert figure.expected.value.count("<li>") == 5
    figure.passage.value = "A"
    assert figure.position.value == 3 and figure.shown.value.count("<span") == 3
    figure.position.value = 1
    came = [label(fresh.vocab, i) for i, _ in read(fresh, "abc").guesses[0]]
    assert ("<b>" in figure.expected.value) == ("b" in came)


def test_a_text_of_one_s_own(fresh):
    figure = inspector(fresh, {"A": "abc"})
    assert figure.own.layout.display == "none"
    figure.passage.value = "Your own text"
    assert figure.own.layout.display == "" and figure.shown.value == ""
    figure.own.value = EVIL
    assert Page(figure.shown.value).pre == ["\n" + EVIL]
    figure.own.value = "\u4e00"
    assert figure.shown.value.startswith('<p role="alert">the text has 0 symbols that')
    assert figure.expected.value == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"passages": {}}, "passages is empty; give at least one text with its name"),
        ({"quantity": "x"}, "quantity is 'x'; it must be c or h"),
        ({"units": [(2, 0)]}, "there is no unit 0 in layer 2; layers are 0 to 1, units 0 to 11"),
        ({"units": [(0, 12)]}, "there is no unit 12 in layer 0"),
        ({"rules": [{"title": "x", "layer": 0}]}, "a rule has no unit"),
        ({"rules": [{"title": "x", "layer": 0, "unit": 99}]}, "there is no unit 99"),
        ({"rules": [{"title": "x", "layer": 0, "unit": 1, "quantity": "y"}]}, "of a rule is 'y'"),
    ],
)
def test_what_is_wrong_is_one_line(fresh, options, message):
    with pytest.raises(ValueError, match=message):
        inspector(fresh, **{"passages": {"A": "abc"}} | options)


def test_a_passage_that_the_page_could_not_read_is_refused(fresh):
    figure = inspector(fresh, {"A": "abc", "long": "a" * 2001})
    with pytest.raises(ValueError, match=r"passage 'long' has 2,001 symbols that the model knows"):
        figure.static_html()


# Memory


LIVES = [*np.linspace(0.5, 30, 23).round(2).tolist(), 400.0]
MEMORY = {
    "half_life": LIVES,
    "longest": 400,
    "left": {gate: [k / 100 for k in range(24)] for gate in ("input", "forget", "output")},
    "right": {gate: [k / 24 for k in range(24)] for gate in ("input", "forget", "output")},
}


def test_what_a_unit_holds_is_told_where_it_is_known(fresh):
    figure = inspector(fresh, {"A": "abc"}, [(0, 3)], memory=MEMORY)
    said = (
        f"Half of what it holds is gone after {LIVES[3]:.1f} characters; its forget gate is "
        "nearly open (above 0.9) 13 % of the time and nearly closed (below 0.1) 3 %."
    )
    assert said in figure.lasting.value and said in figure.static_html()
    figure.layer.value, figure.unit.value = 1, 11
    assert "gone after at least 400 characters; its forget" in figure.lasting.value
    assert "All 24 units by half-life, 0.5 to 400 characters" in figure.lasting.value
    (data,) = re.findall(r"application/json\">(.*?)</script>", figure.static_html())
    memory = json.loads(data)["memory"]
    assert memory["gate"] == "forget" and memory["longest"] == 400
    assert memory["half_life"] == LIVES and memory["closed"] == MEMORY["left"]["forget"]
    assert memory["open"] == MEMORY["right"]["forget"]
    plain = inspector(fresh, {"A": "abc"}, [(0, 3)])
    assert plain.lasting not in plain.children and "memory" not in plain.static_html()


def test_a_memory_that_is_not_the_network_s_is_refused(fresh, tmp_path):
    with pytest.raises(ValueError, match="memory has 23 numbers of half_life for a network of 24"):
        inspector(fresh, {"A": "abc"}, memory=MEMORY | {"half_life": LIVES[1:]})
    with pytest.raises(ValueError, match="a plain rnn has no gates; leave it out"):
        inspector(run_of("rnn"), {"A": "xyz"}, memory=MEMORY)
    gates = {side: {"update": [0.5] * 80} for side in ("left", "right")}
    run = run_of("gru")
    run.folder = tmp_path
    figure = inspector(run, {"A": "a lamb"}, memory={"half_life": [3] * 80, "longest": 9} | gates)
    assert "gone after 3 characters; its update gate is" in figure.static_html()
