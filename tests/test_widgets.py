"""The temperature slider: live it samples, stored it shows what was recorded; text stays text."""

import re
from html.parser import HTMLParser

import pytest

from charrnn.widgets import TemperatureSlider, sample_html

EVIL = '<script>alert("1")</script> & </pre><img src=x onerror=alert(2)>'
RECORDED = {1.0: "at one", 0.2: "at two tenths", 0.8: EVIL}


class Page(HTMLParser):
    """The tags of a page in order, and the text inside each <pre>."""

    def __init__(self, markup):
        super().__init__()
        self.tags, self.pre, self.inside = [], [], False
        self.feed(markup)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "pre":
            self.inside = True
            self.pre.append("")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "pre"

    def handle_data(self, data):
        if self.inside:
            self.pre[-1] += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


class Sampler:
    """Remembers what it was asked; answers with an iterator of pieces."""

    def __init__(self, pieces=("one ", "two ", "three")):
        self.asked, self.pieces = [], pieces

    def __call__(self, **settings):
        self.asked.append(settings)
        return iter(self.pieces)


def shown(slider):
    return Page(slider.shown.value).pre[0].removeprefix("\n")


# ------------------------------------------------------------------------------- sample_html


def test_a_sample_is_text_whatever_it_holds():
    page = Page(sample_html(EVIL, title="<i>", prompt="<b>").data)
    assert {tag for tag, _ in page.tags} == {"style", "div", "p", "pre", "b"}
    assert page.pre == ["\n<b>" + EVIL]
    assert page.all("div") == [{"class": "charrnn-sample"}]


def test_a_sample_keeps_its_first_newline():
    markup = sample_html("\n\nafter two newlines").data
    assert "<pre>\n\n\nafter" in markup  # a parser drops the first of the three


def test_a_sample_needs_neither_title_nor_prompt():
    page = Page(sample_html("text").data)
    assert not page.all("p") and not page.all("b")


# ------------------------------------------------------------------------------------- live


def test_the_slider_asks_for_its_temperature():
    sampler = Sampler()
    slider = TemperatureSlider(sampler, RECORDED, "The ", length=50, seed=4)
    assert sampler.asked == []  # nothing is drawn before it is asked for
    slider.slider.value = 1.3
    assert sampler.asked == [{"prompt": "The ", "length": 50, "temperature": 1.3, "seed": 4}]
    assert shown(slider) == "The one two three"


def test_every_control_draws_again():
    sampler = Sampler()
    slider = TemperatureSlider(sampler, RECORDED, "The ")
    slider.prompt.value = "A\nnewline "
    slider.length.value = 5
    slider.another.click()
    assert [a["prompt"] for a in sampler.asked] == ["A\nnewline "] * 3
    assert [a["length"] for a in sampler.asked] == [300, 5, 5]
    assert [a["seed"] for a in sampler.asked] == [0, 0, 1]
    assert shown(slider) == "A\nnewline one t"  # no more than was asked for


def test_an_endless_sampler_is_stopped_at_the_length():
    slider = TemperatureSlider(lambda **_: iter(lambda: "ab", None), RECORDED, length=7)
    slider.slider.value = 0.5
    assert shown(slider) == "abababa"


def test_a_plain_string_will_do():
    slider = TemperatureSlider(lambda **s: f"T = {s['temperature']}", RECORDED)
    slider.slider.value = 0.1 + 0.2  # 0.30000000000000004
    assert shown(slider) == "T = 0.3"


def test_the_old_sample_stays_until_the_first_character():
    slider = TemperatureSlider(None, {0.8: "recorded"})
    seen = []

    def slow(**_):
        seen.append(shown(slider))
        yield "x"
        seen.append(shown(slider))
        yield "y"

    slider._sample = slow
    slider.slider.value = 1.0
    assert seen == ["recorded", "x"]
    assert shown(slider) == "xy"


def test_a_model_s_text_is_escaped_live_too():
    slider = TemperatureSlider(Sampler([EVIL[:5], EVIL[5:]]), RECORDED)
    slider.another.click()
    assert "<script" not in slider.shown.value and "<img" not in slider.shown.value
    assert shown(slider) == EVIL


def test_an_unknown_character_is_said_and_not_raised():
    def refuse(**_):
        raise ValueError("'<' is not in the vocabulary")

    slider = TemperatureSlider(refuse, RECORDED)
    slider.another.click()
    assert slider.shown.value == (
        '<p role="alert">&#x27;&lt;&#x27; is not in the vocabulary</p>'
    )  # fmt: skip


def test_controls_wait_for_the_end_of_a_drag():
    slider = TemperatureSlider(Sampler(), RECORDED)
    assert not slider.slider.continuous_update and not slider.prompt.continuous_update
    assert (slider.slider.min, slider.slider.max, slider.slider.step) == (0.1, 2.0, 0.1)


# ----------------------------------------------------------------------------------- stored


def test_the_bundle_has_both_forms():
    bundle = TemperatureSlider(Sampler(), RECORDED)._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "text/html"} <= bundle.keys()
    assert 'data-charrnn="sampler"' in bundle["text/html"]


def test_the_stored_form_holds_every_recorded_sample():
    slider = TemperatureSlider(Sampler(), RECORDED, "The ", run="essays", temperature=0.9)
    page = Page(slider.static_html())
    assert page.pre == ["\nThe at two tenths", "\nThe " + EVIL, "\nThe at one"]
    assert {tag for tag, _ in page.tags} == {
        "div", "style", "fieldset", "legend", "label", "input", "p", "pre", "b",
    }  # fmt: skip
    radios = page.all("input")
    assert [radio["value"] for radio in radios] == ["0.2", "0.8", "1"]
    assert [radio["value"] for radio in radios if "checked" in radio] == ["0.8"]
    assert len({radio["name"] for radio in radios}) == 1


def test_the_stored_form_tells_the_script_what_it_shows():
    slider = TemperatureSlider(Sampler(), RECORDED, 'a "quoted"\nprompt', run="essays", seed=3)
    root = Page(slider.static_html()).all("div")[0]
    assert root == {
        "class": "charrnn-sampler",
        "data-charrnn": "sampler",
        "data-run": "essays",
        "data-temperatures": "0.2 0.8 1",
        "data-temperature": "0.8",
        "data-prompt": 'a "quoted"\nprompt',
        "data-length": "300",
        "data-seed": "3",
    }


def test_groups_of_radio_buttons_are_apart_and_the_same_in_every_build():
    def name(recorded, run):
        page = Page(TemperatureSlider(Sampler(), recorded, run=run).static_html())
        return page.all("input")[0]["name"]

    assert name(RECORDED, "a") == name(dict(reversed(RECORDED.items())), "a")
    assert len({name(RECORDED, "a"), name(RECORDED, "b"), name({1.0: "x"}, "a")}) == 3


def test_samples_hide_only_where_the_style_can_show_them_again():
    style = re.search(r"<style>(.*?)</style>", TemperatureSlider(Sampler(), RECORDED).static_html())
    before, inside = style.group(1).split("@supports selector(:has(a))")
    assert "display: none" not in before and "display: none" in inside
    for i in (1, 2, 3):
        chosen = f":has(label:nth-of-type({i}) :checked) .charrnn-sample:nth-of-type({i})"
        assert chosen in inside
    assert "nth-of-type(4)" not in inside


def test_the_nearest_recorded_temperature_is_the_first_shown():
    slider = TemperatureSlider(Sampler(), RECORDED, temperature=0.3)
    assert slider.slider.value == 0.2
    assert shown(slider) == "at two tenths"
    assert "temperature 0.2, recorded" in slider.shown.value


@pytest.mark.parametrize("recorded", [{}, {-0.1: "x"}])
def test_something_must_be_recorded(recorded):
    with pytest.raises(ValueError, match="give at least one, none below 0"):
        TemperatureSlider(Sampler(), recorded)
