"""A state copied from one text into another: Python's numbers, the stored form, the widget."""

import json
import re

import numpy as np
import pytest
import torch
from portable_cases import NETWORKS
from test_widgets import EVIL, Page
from test_widgets_inspector import run_of

from charrnn.model import CharRNN, ModelConfig
from charrnn.portable import PortableStepper
from charrnn.probe.cause import transplant as probed
from charrnn.runs import Run, load_run
from charrnn.sample import Sampling, probabilities, sample
from charrnn.vocab import Vocab
from charrnn.widgets import transplant
from charrnn.widgets.grafted import Grafting, choices
from charrnn.widgets.shaded import label, percent

DONOR, RECIPIENT = EVIL + "cab", "\nabcb"


@pytest.fixture
def fresh(tmp_path):
    """A run that knows the characters of markup."""
    vocab = Vocab.of(EVIL + "\nabc")
    model = CharRNN(ModelConfig(len(vocab), hidden=12, layers=2), torch.Generator().manual_seed(1))
    return Run(tmp_path, {"name": "fresh", "title": EVIL}, model.eval(), vocab)


def guesses_of(stepper: PortableStepper, i: int) -> list[tuple[int, float]]:
    logits = stepper.step(np.array([i]))[0]
    p = probabilities(logits, Sampling(portable=True))
    return [(int(k), p[k]) for k in np.argsort(-logits, kind="stable")[:8]]


# Numbers


@pytest.mark.parametrize("name", NETWORKS)
def test_all_go_on_as_the_networks_own_samples_do(name):
    run = run_of(name)
    known = "".join(s if isinstance(s, str) else chr(s) for s in run.vocab.symbols if s != 0x80)
    donor, recipient = known * 2 + known[-1], known[::-1] + known[-1]
    parts = dict(choices(run.model.config, []))
    settings = {"portable": True, "temperature": 0.8, "seed": 5, "length": 60, "unknown": "skip"}
    theirs, ours = (sample(run, text, **settings) for text in (donor, recipient))
    graft = Grafting(run)
    nothing = graft(donor, recipient, parts["nothing"], seed=5, length=60)
    assert [side.text for side in nothing] == [theirs, ours, ours]
    (everything,) = (p for t, p in parts.items() if t.startswith("everything"))
    all_copied = graft(donor, recipient, everything, seed=5, length=60)
    assert [side.text for side in all_copied] == [theirs, ours, theirs]
    assert all_copied[2].guesses == nothing[0].guesses != nothing[2].guesses


def test_one_unit_is_copied_and_no_other(fresh):
    steppers = [PortableStepper(fresh.model) for _ in "ab"]
    ids = [fresh.vocab.encode(text) for text in (DONOR, RECIPIENT)]
    for stepper, read in zip(steppers, ids, strict=True):
        for i in read[:-1]:
            stepper.step(np.array([i]))
    steppers[1].c[1, 0, 7] = steppers[0].c[1, 0, 7]
    graft, parts = Grafting(fresh), dict(choices(fresh.model.config, [(1, 7)]))
    found = graft(DONOR, RECIPIENT, parts["c of layer 2, unit 7"], length=0)
    assert found[2].guesses == guesses_of(steppers[1], ids[1][-1])
    assert found[2].guesses != found[1].guesses and found[2].text == ""


def test_a_real_network_says_nearly_what_the_probe_says():
    run = load_run("war_and_peace")
    texts = '"I do not know," said he. "You are', "I do not know, said he. You are"
    for name, parts in choices(run.model.config, [(1, 200)])[1:]:
        found = Grafting(run)(*texts, parts, length=0)[2].guesses
        p = probed(run.model, *(run.vocab.encode(text)[None] for text in texts), parts)[0]
        assert [q for _, q in found] == pytest.approx([p[k] for k, _ in found], abs=0.01), name


# Stored


def test_the_stored_form_lists_what_comes_for_everything_and_for_the_first_unit(fresh):
    units = [(1, 7), (0, 3)]
    figure = transplant(fresh, DONOR, RECIPIENT, units, title=EVIL)
    markup = figure._repr_mimebundle_()["text/html"]
    page = Page(markup)
    assert {tag for tag, _ in page.tags} == {
        "div", "style", "p", "pre", "table", "tr", "td", "i", "script"
    }  # fmt: skip
    assert page.pre == ["\n" + DONOR, "\n" + RECIPIENT]
    assert page.all("div")[0]["data-title"] == EVIL
    assert "data-model" not in page.all("div")[0]
    assert markup.count("</script>") == 1 and len(page.all("table")) == 4
    parts = dict(choices(fresh.model.config, units))
    graft = Grafting(fresh)
    copied = graft(DONOR, RECIPIENT, parts["c of layer 2, unit 7"], length=0)
    everything = graft(DONOR, RECIPIENT, parts["everything (h and c)"], length=0)
    lists = [copied[0], copied[1], everything[2], copied[2]]
    rows = [row for side in lists for row in side.guesses]
    cells = re.findall(r"<td>(.*?)</td><td><i[^>]*></i></td><td>(.*?)</td>", markup)
    assert len(cells) == 32
    escaped = {"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;"}
    wanted = [(label(fresh.vocab, k), percent(p)) for k, p in rows]
    assert cells == [(escaped.get(symbol, symbol), p) for symbol, p in wanted]
    assert "The recipient with c of layer 2, unit 7 copied" in markup


def test_the_script_is_told_the_texts_and_all_choices(fresh):
    markup = transplant(fresh, DONOR, RECIPIENT, [(1, 7), (0, 3)]).static_html()
    (data,) = re.findall(r'<script type="application/json">(.*?)</script>', markup, re.DOTALL)
    assert not set("<>&") & set(data)
    told = json.loads(data)
    assert told["donor"] == DONOR and told["recipient"] == RECIPIENT
    assert [choice["text"] for choice in told["choices"]] == [
        "nothing", "everything (h and c)", "c of all layers", "h of all layers", "c of layer 1",
        "h and c of layer 1", "c of layer 2", "h and c of layer 2", "c of layer 2, unit 7",
        "c of layer 1, unit 3",
    ]  # fmt: skip
    assert told["start"] == 8
    assert told["choices"][8]["parts"] == [{"what": "c", "layer": 1, "unit": 7}]
    assert told["choices"][5]["parts"] == [{"what": "hc", "layer": 0, "unit": None}]
    assert told["choices"][0]["parts"] == []


def test_without_units_everything_is_copied(fresh):
    figure = transplant(fresh, DONOR, RECIPIENT)
    page = Page(figure.static_html())
    assert len(page.all("table")) == 3 and '"start": 1}' in figure.static_html()
    assert page.all("div")[0]["data-title"] == f"{EVIL}: a state copied from one text into another"


def test_what_there_is_to_copy_goes_by_the_network():
    named = {
        name: [t for t, _ in choices(run_of(name).model.config, [(0, 5)])] for name in NETWORKS
    }
    assert named["gru"] == ["nothing", "everything (h)", "h of layer 1", "h of layer 2",
                            "h of layer 1, unit 5"]  # fmt: skip
    assert named["rnn"] == ["nothing", "everything (h)", "h of unit 5"]
    assert named["wide"] == ["nothing", "everything (h and c)", "c of all units", "h of all units",
                             "c of unit 5"]  # fmt: skip


def test_a_recorded_run_has_a_model_to_load():
    run = load_run("tinyshakespeare")
    root = Page(transplant(run, "Ay, now", "O, ho, now").static_html()).all("div")[0]
    assert root["data-charrnn"] == "transplant"
    assert root["data-model"].startswith("_static/models/tinyshakespeare.safetensors?v=")


# Live


def test_every_control_copies_anew(fresh):
    figure = transplant(fresh, DONOR, RECIPIENT, [(1, 7)])
    graft, parts = Grafting(fresh), dict(choices(fresh.model.config, [(1, 7), (0, 3)]))

    def expect(name, donor=DONOR, seed=1):
        sides = graft(donor, RECIPIENT, parts[name], seed)
        page = Page(figure.shown.value)
        assert page.pre == [
            "\n" + given[-len(given) :] + side.text
            for given, side in zip(
                (f"… {donor[-40:]}" if len(donor) > 40 else donor, RECIPIENT, RECIPIENT),
                sides,
                strict=True,
            )
        ]
        assert [cell for cell in re.findall(r"width: ([\d.]+)%", figure.shown.value)] == [
            f"{100 * p:.1f}" for side in sides for _, p in side.guesses
        ]
        assert f"The recipient with {name} copied" in figure.shown.value

    expect("c of layer 2, unit 7")
    figure.part.value = 4
    expect("c of layer 1")
    assert figure.layer.layout.display == figure.unit.layout.display == "none"
    figure.part.value = None
    figure.unit.value = 3
    assert figure.layer.layout.display == ""
    expect("c of layer 1, unit 3")
    figure.seed.value = 4
    expect("c of layer 1, unit 3", seed=4)
    figure.donor.value = "bb"
    expect("c of layer 1, unit 3", "bb", seed=4)
    assert "<img" not in figure.shown.value and "<script" not in figure.shown.value


def test_texts_that_do_not_go_together_get_one_line(fresh):
    figure = transplant(fresh, DONOR, RECIPIENT)
    figure.donor.value = "abc<"
    assert figure.shown.value == (
        '<p role="alert">the donor ends in “&lt;”, the recipient in “b”; let both texts end alike'
        "</p>"
    )
    figure.donor.value = ""
    assert "the donor: the text has 0 symbols that the model knows" in figure.shown.value
    for donor, message in (("a", "the donor ends in “a”"), ("\u4e00", "the donor: the text has 0")):
        with pytest.raises(ValueError, match=message):
            transplant(fresh, donor, RECIPIENT)
    with pytest.raises(ValueError, match="there is no unit 12 in layer 0"):
        transplant(fresh, DONOR, RECIPIENT, [(0, 12)])
