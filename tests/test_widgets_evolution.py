"""The samples of a training behind a slider: lines, parts and data; text stays text."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from test_widgets import EVIL, Page

from charrnn.widgets import evolution
from charrnn.widgets.evolution import parts, told

TEXTS = {50: "zq the\n\nzq", 100: f"the zq {EVIL}</script>", 300: "the", 2500: "\nthe end"}
HISTORY = {
    "step": np.array([50.0, 90, 100, 300, 2500]),
    "chars": np.array([50.0, 90, 100, 300, 2500]) * 5000,
    "train_loss": np.array([3.1, 2.7, np.nan, 2.0, 1.2]),
    "val_loss": np.array([np.nan, 2.8, np.nan, np.nan, 1.3]),
}


def run(unreal=(["zq"], ["zq"], [], [])):
    return SimpleNamespace(
        name="novel",
        info={"title": EVIL},
        history=HISTORY,
        samples=[{"step": step, "text": text} for step, text in TEXTS.items()],
        measures={"evolution": {"unreal": unreal}} if unreal else {},
    )


def stored(figure) -> dict:
    (data,) = re.findall(
        r'<script type="application/json">(.*?)</script>', figure.static_html(), re.DOTALL
    )
    assert not set("<>&") & set(data)
    return json.loads(data)


def test_a_line_says_what_was_read_and_what_was_known_of_the_loss():
    assert told(HISTORY, 50) == "Iteration 50: 250,000 characters read, training loss 3.10 nats"
    assert told(HISTORY, 100) == (
        "Iteration 100: 500,000 characters read, training loss 2.70 nats, validation loss 2.80 nats"
    )
    assert told(HISTORY, 2500).startswith("Iteration 2,500: 12,500,000 characters read")


@pytest.mark.parametrize(
    ("text", "unreal", "found"),
    [
        ("the zq end", ["zq"], ["the ", "zq", " end"]),
        ("zqs zq-s 'zq zq.", ["zq"], ["zqs zq-s 'zq ", "zq", "."]),
        ("zq-a zq", ["zq", "zq-a"], ["", "zq-a", " ", "zq", ""]),
        ("the", ["zq"], ["the"]),
        ("the", [], ["the"]),
        ("", ["zq"], [""]),
    ],
)
def test_words_that_are_none_stand_at_the_odd_places(text, unreal, found):
    assert parts(text, unreal) == found
    assert "".join(found) == text


def test_the_script_is_told_every_text():
    data = stored(evolution(run()))
    assert data["steps"] == list(TEXTS) and data["marked"] == [1, 2, 3]
    assert ["".join(each) for each in data["parts"]] == list(TEXTS.values())
    assert data["parts"][0] == ["", "zq", " the\n\n", "zq", ""]
    assert data["told"] == [told(HISTORY, step) for step in TEXTS]


def test_without_a_script_the_marked_texts_show_one_under_the_other():
    page = Page(evolution(run()).static_html())
    assert page.pre == ["\n" + TEXTS[step] for step in (100, 300, 2500)]
    assert [span["class"] for span in page.all("span")] == ["charrnn-unreal"]
    assert page.all("div")[0]["data-charrnn"] == "evolution"


def test_markup_is_text_wherever_it_stands():
    html = evolution(run()).static_html()
    page = Page(html)
    assert {tag for tag, _ in page.tags} == {"div", "style", "p", "pre", "span", "script"}
    assert page.all("div")[0]["data-title"] == f"{EVIL}: samples while training"
    assert html.count("</script>") == 1


def test_slider_and_buttons_choose():
    figure = evolution(run())
    assert Page(figure.shown.value).pre == ["\n" + TEXTS[50]]
    figure.slider.index = 2
    assert Page(figure.shown.value).pre == ["\n" + TEXTS[300]]
    assert [button.description for button in figure.marks] == ["100", "300", "2,500"]
    figure.marks[0].click()
    assert figure.slider.index == 1
    assert Page(figure.shown.value).pre == ["\n" + TEXTS[100]]
    assert figure.play.max == 3


def test_without_measures_nothing_is_tinted():
    figure = evolution(run(unreal=None))
    assert stored(figure)["parts"] == [[text] for text in TEXTS.values()]


def test_a_run_without_samples_is_refused():
    given = run()
    given.samples = []
    with pytest.raises(ValueError, match="novel wrote nothing while it was trained; give it"):
        evolution(given)
