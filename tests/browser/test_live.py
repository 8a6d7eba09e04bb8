"""The samplers of the built pages, run by their models: make browser."""

import pytest
from live_figure import RUNS, expected, has_length, run
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
LARGEST_SEED = 2**53 - 1


@pytest.fixture(scope="module", params=RUNS)
def page_name(request):
    return request.param


@pytest.fixture(scope="module")
def figure(loaded, page_name):
    """One loaded figure for all tests here; each test sets what it needs."""
    with loaded(page_name) as opened:
        opened.model = RUNS[page_name]
        yield opened


# Python


@pytest.mark.parametrize("temperature", [0, 0.3, 0.8, 1.2])
def test_the_text_is_pythons_character_by_character(figure, temperature):
    settings = {"temperature": temperature, "seed": 11, "length": 1000}
    assert figure.write(**settings) == expected(figure.model, **settings)


def test_prompt_seed_top_k_and_top_p_are_pythons_too(figure):
    settings = {"temperature": 1.5, "seed": LARGEST_SEED, "length": 300, "top_k": 7, "top_p": 0.9}
    wanted = expected(figure.model, "What is\nthis?", **settings)
    assert figure.write("What is\nthis?", **settings) == wanted
    assert figure.prompt == "What is\nthis?"


# The controls


def test_the_arrow_keys_move_the_slider_and_a_new_text_comes(figure):
    before = figure.write(temperature=0.8)
    figure.temperature.focus()
    figure.page.keyboard.press("ArrowRight")
    after = figure.written()
    value = float(figure.temperature.input_value())
    assert 0.8 < value < 0.9
    assert after == expected(figure.model, temperature=value, seed=7, length=300) != before


def test_continue_goes_on_where_the_text_ended(figure):
    first = figure.write(seed=5, length=200)
    figure.button("Continue").click()
    both = figure.written()
    assert first == expected(figure.model, temperature=0.8, seed=5, length=200)
    assert both == expected(figure.model, temperature=0.8, seed=5, length=400)
    assert both.startswith(first.rstrip("\ufffd"))  # a byte's stop may part a character


def test_a_long_text_stops_and_goes_on_where_it_stopped(figure):
    """Had it gone on unseen, the text after Continue would not be Python's."""
    figure.write(length=10)
    figure.set(seed=3, length=20_000)
    figure.button("Write").click()
    figure.grown(50)
    figure.stop()
    stopped = figure.written()
    figure.button("Continue").click()
    figure.grown(len(stopped) + 50)
    figure.stop()
    longer = figure.written()
    assert 50 < len(stopped) < len(longer) < 20_000
    assert longer == expected(figure.model, temperature=0.8, seed=3, length=len(longer))
    assert longer.startswith(stopped)


def test_a_text_that_is_stopped_before_it_begins_begins_when_it_goes_on(figure):
    """While a long prompt is read there is nothing to show; the old text must not be continued."""
    figure.write(length=200)
    prompt = "no " * 1500
    figure.set(prompt, 0.8, seed=3, length=150)
    stop = figure.button("Stop").element_handle()
    figure.form.evaluate("(form, stop) => (form.requestSubmit(), stop.click())", stop)
    assert figure.written() == ""
    assert figure.prompt == prompt
    figure.button("Continue").click()
    assert figure.written() == expected(figure.model, prompt, temperature=0.8, seed=3, length=150)


def test_a_prompt_stands_in_bold_and_unknown_characters_are_named(figure):
    settings = {"temperature": 0.5, "seed": 2, "length": 100}
    text = figure.write("The \u20ac king", **settings)
    assert figure.prompt == "The \u20ac king"
    assert figure.paper.locator("b").evaluate("(b) => getComputedStyle(b).fontWeight") >= "600"
    vocab = run(figure.model).vocab
    known = vocab.decode(vocab.encode("\u20ac", unknown="skip")) == "\u20ac"
    assert known == (vocab.level == "byte")
    assert ("\u20ac" in figure.status.inner_text()) == (not known)
    read = "The \u20ac king" if known else "The  king"
    assert text == expected(figure.model, read, **settings)
    figure.write("The king")
    assert "\u20ac" not in figure.status.inner_text()


def test_a_seed_has_one_text_and_the_next_seed_another(figure):
    first = figure.write(seed=41)
    figure.button("Next seed").click()
    second = figure.written()
    assert figure.field("Seed").input_value() == "42"
    assert second == figure.write(seed=42) != first
    assert figure.write(seed=41) == first


def test_the_likeliest_character_alone_is_temperature_zero(figure):
    assert figure.write(temperature=1.4, top_k=1) == figure.write(temperature=0, seed=8)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top_p", "2"),
        ("top_k", "0"),
        ("length", "0"),
        ("length", "20001"),
        ("seed", ""),
        ("seed", "-1"),
    ],
)
def test_a_bad_value_gets_one_line_and_nothing_breaks(figure, name, value):
    before = figure.write()
    figure.set(**{name: value})
    figure.button("Write").click()
    said = figure.status.inner_text()
    assert name in said
    assert "\n" not in said
    assert figure.text == before
    assert figure.button("Stop").is_disabled()
    assert figure.write(seed=9) == expected(figure.model, temperature=0.8, seed=9, length=300)


def test_copy_takes_the_prompt_and_the_text(figure):
    text = figure.write("What", seed=6, length=500)
    figure.button("Copy").click()
    expect(figure.status).to_contain_text("Copied")
    assert figure.page.evaluate("navigator.clipboard.readText()") == f"What{text}"


def test_a_long_text_is_seen_as_it_was_written(figure):
    """No line is lost or made where its blocks meet."""
    text = figure.write("What", seed=4, length=12_000)
    figure.button("Copy").click()
    expect(figure.status).to_contain_text("Copied")
    copied = figure.page.evaluate("navigator.clipboard.readText()")
    assert figure.form.locator(".charrnn-block").count() >= 3
    assert has_length(figure.model, text, 12_000)
    assert copied == f"What{text}"
    # A selection leaves out a line end that nothing follows.
    assert figure.selected.split("\n") == copied.removesuffix("\n").split("\n")
    figure.page.evaluate("getSelection().removeAllRanges()")


# Motion


COUNTED = """
(paper) => {
  window.changes = 0;
  window.counter?.disconnect();
  window.counter = new MutationObserver(() => (window.changes += 1));
  window.counter.observe(paper, { childList: true, characterData: true, subtree: true });
}
"""


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_with_reduced_motion_the_text_comes_in_one_piece(figure, motion):
    figure.page.emulate_media(reduced_motion=motion)
    figure.set("", 0.8, length=1500, top_k="", top_p="")
    figure.write(length=1500)
    figure.paper.evaluate(COUNTED)
    figure.button("Next seed").click()
    figure.written()
    changes = figure.page.evaluate("window.changes")
    assert changes == 1 if motion == "reduce" else changes > 1
