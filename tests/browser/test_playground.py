"""The playground of the built book against Python: make browser."""

import math
from pathlib import Path

import numpy as np
import pytest
from live_figure import PATIENCE, Figure, expected, offer, recorded_texts, run
from playwright.sync_api import expect

from charrnn.portable import PortableStepper
from charrnn.sample import Sampling, probabilities

pytestmark = pytest.mark.browser
GUESSES, DEPTH, COLUMNS = 12, 5, 48
SIGNS = {"\n": "↵", " ": "␣"}


@pytest.fixture(scope="module")
def playground(loaded):
    """The playground with its first model; each test sets what it needs."""
    with loaded("playground") as figure:
        yield figure


@pytest.fixture(scope="module")
def offered(open_page):
    """What the page stores: by the name of the run, a model's title and recorded texts."""
    with open_page("playground", script=False) as page:
        models = page.locator("[data-model]").all()
        return {
            Path(model.get_attribute("data-model").split("?")[0]).stem: (
                model.get_attribute("data-title"),
                recorded_texts(model),
            )
            for model in models
        }


@pytest.fixture
def first(offered):
    """The run that the playground begins with."""
    return next(iter(offered))


def choose(figure, title: str) -> None:
    figure.form.get_by_role("combobox", name="Model").select_option(title)


def label(symbol: str | int) -> str:
    """What the page shows for a symbol; a byte below 128 is shown as its letter."""
    shown = chr(symbol) if isinstance(symbol, int) and symbol < 128 else symbol
    return SIGNS.get(shown, shown)


def percent(p: float) -> str:
    return f"{math.floor(p * 100 + 0.5)} %" if p >= 0.0995 else f"{p * 100:.1f} %"


def guesses(name: str, prompt: str, temperature: float, count: int) -> list[list]:
    """After each symbol of a prompt, the likeliest next ones: (symbol, probability)."""
    model, vocab = run(name).model, run(name).vocab
    stepper = PortableStepper(model)
    settings = Sampling(temperature=temperature, portable=True)
    rows, ids = [], vocab.encode(prompt, unknown="skip").tolist()
    if model.config.restart is not None:
        stepper.step(np.array([model.config.restart]))
    for i in ids:
        logits = stepper.step(np.array([i]))[0]
        p = probabilities(logits, settings)
        likeliest = np.argsort(-logits, kind="stable")[:count]
        rows.append([(vocab.symbols[k], p[k]) for k in likeliest])
    return rows


def expect_bars(figure, name: str, prompt: str, temperature: float) -> list:
    """Wait until the bars are Python's; Python's symbols and probabilities."""
    wanted = guesses(name, prompt, temperature, GUESSES)[-1]
    texts = [f"{label(symbol)}{percent(p)}" for symbol, p in wanted]
    items = figure.form.locator(".charrnn-bars li:not([hidden])")
    expect(items).to_have_text(texts, timeout=PATIENCE)
    return wanted


def widths(figure) -> list[float]:
    bars = figure.form.locator(".charrnn-bars li:not([hidden]) .charrnn-bar")
    return bars.evaluate_all("(bars) => bars.map((b) => parseFloat(b.style.inlineSize) / 100)")


def papers(figure) -> list[Figure]:
    """Both texts, each as a figure of its own."""
    found = [Figure(figure.page), Figure(figure.page)]
    for i, side in enumerate(found):
        side.paper = figure.form.locator(".charrnn-paper").nth(i)
    return found


def test_the_bars_are_pythons_probabilities(playground, first):
    playground.set("The king", temperature=0.5)
    wanted = expect_bars(playground, first, "The king", 0.5)
    shown = widths(playground)
    assert shown == pytest.approx([p for _, p in wanted], abs=1e-5)
    assert shown == sorted(shown, reverse=True)
    assert 0.5 < sum(shown) <= 1


def test_the_first_slider_changes_the_bars_and_the_second_does_not(playground, first):
    playground.set("What", temperature=0.5)
    cold = widths_after(playground, first, "What", 0.5)
    playground.form.get_by_role("slider").nth(1).fill("1.7")
    playground.written()
    assert widths(playground) == cold
    playground.set(temperature=1.5)
    hot = widths_after(playground, first, "What", 1.5)
    assert hot[0] < cold[0]
    playground.form.get_by_role("slider").nth(1).fill("1")


def widths_after(figure, name: str, prompt: str, temperature: float) -> list[float]:
    expect_bars(figure, name, prompt, temperature)
    return widths(figure)


def test_a_bar_writes_its_character(playground, first):
    prompt = "Wh"
    playground.set(prompt, temperature=0.5)
    for rank in (0, 3, 1):
        symbol, _ = expect_bars(playground, first, prompt, 0.5)[rank]
        playground.form.locator(".charrnn-bars button").nth(rank).click()
        prompt += symbol
        assert playground.field("Prompt").input_value() == prompt
    expect_bars(playground, first, prompt, 0.5)


def test_the_rows_are_the_prompts_characters_and_the_guesses_after_each(playground, first):
    prompt = "It was the best of times,\nit was the worst of times, it was"
    playground.set(prompt, temperature=1)
    tail = prompt[-COLUMNS:]
    table = playground.form.locator(".charrnn-rows table")
    expect(table.locator("th")).to_have_text([label(c) for c in tail], timeout=PATIENCE)
    rows = guesses(first, prompt, 1, DEPTH)[-COLUMNS:]
    cells = [label(row[depth][0]) for depth in range(DEPTH) for row in rows]
    expect(table.locator("td")).to_have_text(cells)
    came = [
        i * len(tail) + k
        for i in range(DEPTH)
        for k in range(len(tail) - 1)
        if rows[k][i][0] == tail[k + 1]
    ]
    marked = "(all) => all.flatMap((td, i) => (td.className === 'charrnn-came' ? [i] : []))"
    assert table.locator("td").evaluate_all(marked) == came
    assert len(came) > 10


def test_unknown_characters_are_marked_and_skipped(playground, first):
    playground.set("a\u20acb\u20ac", temperature=0.5)
    expect_bars(playground, first, "ab", 0.5)
    assert playground.form.locator("mark").all_inner_texts() == ["\u20ac", "\u20ac"]
    playground.begin.click()
    playground.written()
    assert "\u20ac" in playground.status.inner_text()
    playground.set("ab")
    expect(playground.form.locator("mark")).to_have_count(0)


def test_two_temperatures_are_written_side_by_side(playground, first):
    playground.set("What", 0.4, seed=3, length=400, top_k="", top_p="")
    playground.form.get_by_role("slider").nth(1).fill("1.1")
    playground.begin.click()
    playground.written()
    for side, temperature in zip(papers(playground), (0.4, 1.1), strict=True):
        wanted = expected(first, "What", temperature=temperature, seed=3, length=400)
        assert side.prompt == "What"
        assert side.text == wanted


def test_both_sides_stop_and_go_on(playground, first):
    playground.write("What", 0.4, seed=3, length=10)
    playground.form.get_by_role("slider").nth(1).fill("1.1")
    playground.set(length=20_000)
    playground.begin.click()
    playground.grown(50)
    playground.stop()
    playground.written()
    lengths = [len(side.text) for side in papers(playground)]
    assert max(lengths) < 20_000
    playground.button("Continue").click()
    playground.grown(lengths[0] + 50)
    playground.stop()
    playground.written()
    for side, temperature, before in zip(papers(playground), (0.4, 1.1), lengths, strict=True):
        text = side.text
        assert before < len(text) < 20_000
        settings = {"temperature": temperature, "seed": 3, "length": len(text)}
        assert text == expected(first, "What", **settings)


@pytest.mark.parametrize(("name", "value"), [("top_p", "2"), ("length", "0"), ("seed", "")])
def test_a_bad_value_gets_one_line(playground, name, value):
    playground.set("What", seed=3, length=100, top_k="", top_p="")
    playground.begin.click()
    before = playground.written()
    playground.set(**{name: value})
    playground.begin.click()
    said = playground.status.inner_text()
    assert name in said
    assert "\n" not in said
    assert playground.text == before
    assert playground.button("Stop").is_disabled()


def test_another_model_is_offered_loaded_and_kept(open_page, offered):
    """Every recorded model writes Python's text; one that was loaded needs no second press."""
    with open_page("playground") as page:
        figure = Figure(page)
        options = figure.form.get_by_role("combobox", name="Model").locator("option")
        titles = options.all_inner_texts()
        assert titles == [title for title, _ in offered.values()]
        assert len(titles) >= 4
        for name, (title, recorded) in offered.items():
            choose(figure, title)
            assert figure.run_button.inner_text() == offer(name)
            assert figure.text in recorded
            figure.load()
            text = figure.write("The ", 0.8, seed=5, length=300)
            assert text == expected(name, "The ", temperature=0.8, seed=5, length=300)
            expect_bars(figure, name, "The ", 0.8)
        choose(figure, titles[0])
        expect(figure.run_button).to_be_hidden()
        expect(figure.begin).to_be_visible()


@pytest.mark.parametrize("temperature", [0, 0.3, 0.8, 1.2])
def test_war_and_peace_is_pythons_character_by_character(warring, temperature):
    """The other recorded models have a page of their own; this one is here only."""
    settings = {"temperature": temperature, "seed": 11, "length": 1000}
    text = warring.write(**settings)
    assert text == expected("war_and_peace", **settings)


def test_another_model_is_chosen_while_two_texts_are_written(open_page, offered):
    """What the first model still says is not heard, and nothing is thrown (`open_page` looks)."""
    titles = [title for title, _ in offered.values()]
    with open_page("playground") as page:
        figure = Figure(page)
        figure.load()
        figure.set(length=20_000)
        figure.begin.click()
        figure.grown(200)
        figure.field("Prompt").press("x")
        choose(figure, titles[1])
        recorded = figure.text
        page.evaluate("new Promise((resolve) => setTimeout(resolve, 300))")
        assert figure.text == recorded
        expect(figure.status).to_contain_text("Recorded")
        choose(figure, titles[0])
        expect(figure.status).to_contain_text("Writing")
        figure.stop()
        figure.written()


@pytest.fixture(scope="module")
def warring(open_page, offered):
    with open_page("playground") as page:
        figure = Figure(page)
        choose(figure, offered["war_and_peace"][0])
        figure.load()
        yield figure
