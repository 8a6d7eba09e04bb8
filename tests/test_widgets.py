"""The temperature slider: live it samples, stored it shows what was recorded; text stays text."""

import html
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from charrnn.export import load_model
from charrnn.model import CharRNN, ModelConfig
from charrnn.runs import Run, list_runs, load_run
from charrnn.sample import sample
from charrnn.vocab import Vocab
from charrnn.widgets import TemperatureSlider, live, playground, sample_html
from charrnn.widgets.browser import published_bytes
from charrnn.widgets.markup import Stored, page_model

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
    assert {tag for tag, _ in page.tags} == {"style", "div", "p", "pre", "b", "span"}
    assert page.pre == ["\n<b>" + EVIL]
    assert page.all("div") == [{"class": "charrnn-sample"}]


def test_a_sample_keeps_its_first_newline():
    markup = sample_html("\n\nafter two newlines").data
    assert "<pre>\n<span>\n\nafter" in markup  # a parser drops the one right after <pre>


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


def stored(prompt="The ", **settings):
    return Stored(RECORDED, prompt, title="Essays", **settings)


def test_the_stored_form_holds_every_recorded_sample():
    page = Page(stored(temperature=0.9).sampler())
    assert page.pre == ["\nThe at two tenths", "\nThe " + EVIL, "\nThe at one"]
    assert {tag for tag, _ in page.tags} == {
        "div", "style", "fieldset", "legend", "label", "input", "p", "pre", "b", "span",
    }  # fmt: skip
    radios = page.all("input")
    assert [radio["value"] for radio in radios] == ["0.2", "0.8", "1"]
    assert [radio["value"] for radio in radios if "checked" in radio] == ["0.8"]
    assert len({radio["name"] for radio in radios}) == 1


def test_the_stored_form_tells_the_script_what_it_shows():
    model = {"model": "_static/models/essays.safetensors?v=1", "bytes": 3_000_000}
    page = Page(stored('a "quoted"\nprompt', seed=3, model=model).sampler())
    assert page.all("div")[0] == {
        "class": "charrnn-sampler",
        "data-charrnn": "sampler",
        "data-title": "Essays",
        "data-temperature": "0.8",
        "data-prompt": 'a "quoted"\nprompt',
        "data-length": "300",
        "data-seed": "3",
        "data-model": "_static/models/essays.safetensors?v=1",
        "data-bytes": "3000000",
    }
    samples = [d for d in page.all("div") if d.get("class") == "charrnn-sample"]
    assert [d["data-at"] for d in samples] == ["0.2", "0.8", "1"]


def test_without_a_model_the_script_is_told_of_none():
    assert "data-model" not in stored().sampler() and "data-bytes" not in stored().sampler()


def test_groups_of_radio_buttons_are_apart_and_the_same_in_every_build():
    def name(recorded, title):
        return Page(Stored(recorded, title=title).sampler()).all("input")[0]["name"]

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


# ---------------------------------------------------------------- one line for a run


@pytest.fixture(scope="module")
def recorded_run():
    assert list_runs(), "the project comes with recorded runs"
    return load_run("tinyshakespeare")


@pytest.fixture
def fresh(tmp_path):
    """A run that was trained just now: no measures, no place in the book."""
    vocab = Vocab.of("hello world\n")
    model = CharRNN(ModelConfig(len(vocab), hidden=12, layers=2), torch.Generator().manual_seed(1))
    return Run(tmp_path, {"name": "fresh", "title": "Fresh"}, model.eval(), vocab)


def test_one_line_shows_a_recorded_run(recorded_run):
    slider = live(recorded_run)
    page = Page(slider.static_html())
    root = page.all("div")[0]
    file = recorded_run.folder / "model.safetensors"
    assert root["data-model"].startswith("_static/models/tinyshakespeare.safetensors?v=")
    assert int(root["data-bytes"]) == file.stat().st_size
    assert root["data-title"].startswith("Tiny Shakespeare")
    assert len(page.pre) >= 5
    slider.length.value = 40
    slider.slider.value = 0.5
    expected = sample(recorded_run, length=40, temperature=0.5, seed=int(root["data-seed"]))
    assert shown(slider) == expected


def test_the_recorded_texts_are_what_their_seed_writes(recorded_run):
    root = Page(live(recorded_run).static_html()).all("div")[0]
    kept = live(recorded_run)._stored.recorded[0.8]
    assert (
        sample(recorded_run, length=200, temperature=0.8, seed=int(root["data-seed"])) == kept[:200]
    )


def test_a_fresh_run_is_drawn_from_and_has_no_model_on_a_page(fresh):
    slider = live(fresh, length=30)
    assert "data-model" not in slider.static_html()
    assert len(Page(slider.static_html()).pre) == 5
    slider.another.click()
    assert len(shown(slider)) == 30


def test_the_address_changes_with_the_file_and_only_for_recorded_runs(
    recorded_run, fresh, tmp_path
):
    (tmp_path / "model.safetensors").write_bytes(b"x")
    assert page_model(fresh) is None
    elsewhere = replace(recorded_run, folder=tmp_path)
    assert page_model(elsewhere) is None
    assert re.fullmatch(r".*\?v=[0-9a-f]{12}", page_model(recorded_run)["model"])


def test_the_playground_stores_every_model(recorded_run, fresh):
    both = playground([recorded_run, fresh], {"fresh": "hello\n"})
    page = Page(both._repr_mimebundle_()["text/html"])
    parts = page.all("details")
    assert [p["data-prompt"] for p in parts] == ["The ", "hello\n"]
    assert "data-model" in parts[0] and "data-model" not in parts[1]
    assert [("open" in p) for p in parts] == [True, False]
    both.choice.value = 1
    assert both.children[1].static_html() == live(fresh).static_html()


def test_a_playground_needs_a_run():
    with pytest.raises(ValueError, match="runs is empty"):
        playground([])


def test_in_the_browser_a_notebook_shows_the_page_s_figure(recorded_run):
    figure = live(recorded_run, in_browser=True)
    assert figure.weights == (recorded_run.folder / "model.safetensors").read_bytes()
    options = figure.options
    assert [r["temperature"] for r in options["recorded"]] == sorted(
        r["temperature"] for r in options["recorded"]
    )
    script = Path(__file__).parents[1] / "charrnn" / "static" / "charrnn.mjs"
    assert figure._esm == script.read_text(encoding="utf-8")
    bundle, _ = figure._repr_mimebundle_()
    assert bundle["text/html"] == live(recorded_run).static_html()


def test_a_training_gives_the_browser_the_file_that_export_would_write(fresh, tmp_path):
    (tmp_path / "copy.safetensors").write_bytes(published_bytes(fresh))
    model, vocab, header = load_model(tmp_path / "copy.safetensors")
    assert vocab.symbols == fresh.vocab.symbols and header["precision"] == "int8"
    assert model.config == fresh.model.config


def test_without_anywidget_it_says_what_to_install(recorded_run, monkeypatch):
    from charrnn.widgets import browser

    browser._figure.cache_clear()
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ImportError, match="pip install anywidget"):
        live(recorded_run, in_browser=True)


def test_markup_in_titles_and_prompts_is_text():
    evil = Stored({1.0: EVIL}, EVIL, title=EVIL).sampler()
    assert "<script" not in evil and "<img" not in evil
    assert Page(evil).all("div")[0]["data-title"] == EVIL
    assert html.escape(EVIL) in evil
