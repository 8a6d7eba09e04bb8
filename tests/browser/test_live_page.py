"""A live figure as a part of its page: how it loads, looks, is named, and is worked by keyboard."""

import pytest
from live_figure import (
    CONTROLS,
    PATIENCE,
    RUNS,
    SHOTS,
    Figure,
    expected,
    offer,
    overflow,
    recorded_texts,
)
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
ALL = [*RUNS, "playground"]
TALL = 2600
"""A window's height that holds a whole figure: the page's header lies over a higher one."""


# Before and while the model comes


@pytest.mark.parametrize("name", RUNS)
def test_recorded_texts_show_until_the_model_is_asked_for(open_page, server, name):
    with open_page(name, script=False) as page:
        recorded = recorded_texts(page.locator('[data-charrnn="sampler"]').first)
    del server.asked[:]
    with open_page(name) as page:
        figure, shown = Figure(page), []
        figure.temperature.focus()
        page.keyboard.press("Home")
        for _ in recorded:
            shown.append(figure.text)
            page.keyboard.press("ArrowRight")
        assert shown == recorded
        assert len(set(shown)) == len(shown) >= 5
        assert figure.run_button.inner_text() == offer(RUNS[name])
        assert figure.button("Write").count() == 0
    assert not [path for path in server.asked if "/models/" in path]


PROGRESS_SEEN = """
() => {
  const bar = document.querySelector(".charrnn-loader progress");
  window.seen = [];
  new MutationObserver(() => window.seen.push(bar.position)).observe(bar, { attributes: true });
}
"""


@pytest.mark.parametrize("name", RUNS)
def test_loading_shows_its_progress_and_then_the_controls(open_page, server, monkeypatch, name):
    with open_page(name) as page:
        monkeypatch.setattr(server, "pause", 0.1)
        figure, shown = Figure(page), []

        def look(route):
            bar = figure.loader.get_by_role("progressbar")
            shown.append((bar.is_visible(), figure.run_button.is_visible()))
            route.fallback()

        page.context.route("**/models/*", look)
        page.evaluate(PROGRESS_SEEN)
        figure.run_button.click()
        expect(figure.button("Write")).to_be_visible(timeout=PATIENCE)
        expect(figure.loader).to_be_hidden()
        figure.written()
        assert shown == [(True, False)]
        seen = [position for position in page.evaluate("window.seen") if position > 0]
        assert len(seen) > 2
        assert seen == sorted(seen)
        assert seen[-1] == 1
        assert figure.text == expected(RUNS[name], temperature=0.8, seed=7, length=500)


# The browser's own copy

KEPT = """
async () => (await (await caches.open("charrnn-models")).keys()).map(({ url }) => url)
"""


def test_a_second_visit_asks_for_the_model_only_where_it_is_another(open_page, server):
    def fetched() -> list[str]:
        return [path for path in server.asked if "/models/" in path]

    def visit(page, version: str) -> None:
        page.goto(f"{server.url}/book/index.html")
        Figure(page).load()
        page.wait_for_function(
            f"async () => (await ({KEPT})()).some((url) => url.includes('{version}'))"
        )

    del server.asked[:]
    with open_page("index") as first:
        visit(first, "?v=")
        (address,) = fetched()
        second = first.context.new_page()
        visit(second, address)
        assert fetched() == [address]
        changed = address.split("?")[0] + "?v=another"

        def rewritten(route):
            response = route.fetch()
            old, new = (path.lstrip("/") for path in (address, changed))
            route.fulfill(response=response, body=response.text().replace(old, new))

        third = first.context.new_page()
        third.route("**/book/index.html", rewritten)
        visit(third, changed)
        assert fetched() == [address, changed]
        assert third.evaluate(KEPT) == [f"{server.url}{changed}"]


# Looks


@pytest.fixture(scope="module", params=ALL)
def named_figure(request, loaded):
    with loaded(request.param) as figure:
        figure.name = request.param
        yield figure


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_running_figure_fits_its_page(named_figure, width, theme):
    figure, page = named_figure, named_figure.page
    page.emulate_media(color_scheme=theme)
    expect(page.locator("html")).to_have_attribute("data-theme", theme)
    page.set_viewport_size({"width": width, "height": TALL})
    figure.set(length=2000)
    figure.begin.click()
    figure.grown(200)
    SHOTS.mkdir(parents=True, exist_ok=True)
    figure.form.screenshot(path=SHOTS / f"{figure.name}-live-{width}-{theme}.png")
    assert overflow(page) <= 0
    figure.written()
    assert overflow(page) <= 0


def test_every_control_has_a_name(named_figure):
    named_figure.open_settings()
    assert named_figure.nameless() == []


PLACES = """
(form) => new Promise((resolve) => {
  const stop = [...form.querySelectorAll("button")].find((b) => b.textContent === "Stop");
  const places = new Set();
  form.requestSubmit();
  const look = () => {
    places.add(Math.round(stop.getBoundingClientRect().top));
    if (stop.disabled) resolve(places.size);
    else requestAnimationFrame(look);
  };
  look();
})
"""


def test_the_buttons_stand_still_while_a_text_is_written(named_figure):
    """A press of Stop whose two halves meet different elements does nothing."""
    named_figure.page.set_viewport_size({"width": 1280, "height": 900})
    named_figure.set(length=2000)
    named_figure.begin.click()
    named_figure.written()
    assert named_figure.form.evaluate(PLACES) == 1


# Keyboard


FOCUSED = """
() => {
  const { activeElement: focused } = document;
  if (!focused.closest("form.charrnn-live")) return null;
  const label = focused.labels?.[0]?.querySelector("span") ?? focused;
  return (focused.ariaLabel ?? label.textContent).trim();
}
"""


def tab_to(page, name: str) -> None:
    """Press Tab until that control has the focus; it must come before the figure's end."""
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
        if seen[-1] is not None and seen[-1].startswith(name):
            return
    raise AssertionError(f"Tab does not reach {name}; it reached {seen}")


def test_the_sampler_is_worked_by_keyboard_alone(open_page):
    with open_page("index") as page:
        figure, keyboard = Figure(page), page.keyboard
        figure.form.evaluate("(form) => { form.tabIndex = -1; form.focus(); }")
        tab_to(page, "Temperature")
        recorded = figure.text
        keyboard.press("ArrowRight")
        assert figure.text != recorded
        tab_to(page, "Run the model here")
        keyboard.press("Enter")
        figure.button("Stop").wait_for(timeout=PATIENCE)
        figure.written()
        assert page.evaluate(FOCUSED) == "Temperature"
        keyboard.press("ArrowLeft")
        figure.written()
        tab_to(page, "Prompt")
        keyboard.type("What")
        tab_to(page, "Write")
        keyboard.press("Enter")
        figure.written()
        assert figure.prompt == "What"
        tab_to(page, "Seed, length")
        keyboard.press("Enter")
        tab_to(page, "Seed")
        keyboard.type("12")
        keyboard.press("Enter")
        settings = {"temperature": float(figure.temperature.input_value()), "length": 500}
        assert figure.written() == expected(RUNS["index"], "What", seed=12, **settings)
        assert_reachable(figure)


def assert_reachable(figure) -> None:
    """Tab reaches every control that shows and can be used."""
    page, reached = figure.page, set()
    figure.form.focus()
    page.keyboard.press("Tab")
    while (name := page.evaluate(FOCUSED)) is not None:
        reached.add(name)
        page.keyboard.press("Tab")
    script = f"(form) => [...form.querySelectorAll('{CONTROLS}')].filter((c) => c.checkVisibility()"
    script += " && !c.disabled).map((c) => c.labels?.[0]?.firstChild.textContent ?? c.textContent)"
    wanted = figure.form.evaluate(script)
    assert len(wanted) >= 10
    assert reached >= {name.strip() for name in wanted}
