"""The samples of a training, on a page of its own: make browser."""

from types import SimpleNamespace

import numpy as np
import pytest
from hostile_models import MARKUP
from live_figure import SHOTS, overflow, watched
from playwright.sync_api import expect
from test_hostile import MODULE, page_of
from test_inspector import LOOK, TEXT, Pages

from benchmarks.chromium import serve
from charrnn.widgets import evolution

pytestmark = pytest.mark.browser
STEPS = [10, 50, 100, 200, 300, 500, 700, 1000, 1200, 2000, 20_000]


@pytest.fixture(scope="module")
def made():
    texts = [f"{step} {TEXT[:300]} {MARKUP}" for step in STEPS]
    steps = np.array(STEPS, float)
    losses = {"train_loss": 9 / np.sqrt(steps), "val_loss": np.where(steps > 150, 1.5, np.nan)}
    samples = [{"step": s, "text": t} for s, t in zip(STEPS, texts, strict=True)]
    return evolution(
        SimpleNamespace(
            name="novel",
            info={"title": MARKUP},
            history={"step": steps, "chars": steps * 5000} | losses,
            samples=samples,
            measures={"evolution": {"unreal": [["adjutant", "hacked"]] * len(STEPS)}},
        )
    )


@pytest.fixture(scope="module")
def site(made):
    page = page_of(f"<style>{LOOK}</style><h1>A page</h1>{made.static_html()}")
    Pages.files = {"evolution.html": page, "charrnn.mjs": MODULE.read_bytes()}
    with serve(Pages) as running:
        yield running


@pytest.fixture
def page(browser, site):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = watched(context, site.url)
    opened.goto(f"{site.url}/evolution.html")
    yield opened
    assert opened.trouble == []
    assert opened.evaluate("window.hacked") is None
    context.close()


def expect_text(page, made, at: int) -> None:
    expect(page.locator(".charrnn-evolving [role=status]")).to_have_text(made._told[at])
    assert page.locator(".charrnn-paper").text_content() == "".join(made._parts[at])
    assert (
        page.locator(".charrnn-paper .charrnn-unreal").all_text_contents() == made._parts[at][1::2]
    )
    pressed = page.locator("[aria-pressed=true]").all_text_contents()
    assert pressed == [f"{STEPS[at]:,}"] * (at in made._marked)
    slider = page.get_by_role("slider", name="Iteration")
    assert slider.get_attribute("aria-valuetext") == f"iteration {STEPS[at]:,}"


def test_slider_keys_and_buttons_choose(page, made):
    expect_text(page, made, 0)
    slider = page.get_by_role("slider", name="Iteration")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect_text(page, made, 1)
    page.keyboard.press("End")
    expect_text(page, made, len(STEPS) - 1)
    for name in ("100", "300", "500", "700", "1,200", "2,000"):
        page.get_by_role("button", name=name, exact=True).press("Enter")
        expect_text(page, made, STEPS.index(int(name.replace(",", ""))))
    slider.fill("3")
    expect_text(page, made, 3)
    assert page.locator("datalist option").count() == 6


def test_it_plays_to_the_end_and_from_there_all_again(page, made):
    slider = page.get_by_role("slider", name="Iteration")
    slider.fill(str(len(STEPS) - 3))
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect_text(page, made, len(STEPS) - 1)
    page.get_by_role("button", name="Play").click()
    under_way = f"([slider]) => slider.value >= 2 && slider.value < {len(STEPS) - 1}"
    page.wait_for_function(under_way, arg=[slider.element_handle()], polling=50)
    page.get_by_role("button", name="Stop").click()
    at = int(slider.input_value())
    page.wait_for_timeout(900)
    assert int(slider.input_value()) == at >= 2


def test_a_choice_ends_the_playing(page, made):
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="700", exact=True).click()
    page.wait_for_timeout(900)
    expect_text(page, made, STEPS.index(700))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_its_page(page, width, theme):
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 900})
    page.get_by_role("button", name="500", exact=True).click()
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.locator(".charrnn-evolving").screenshot(path=SHOTS / f"evolution-{width}-{theme}.png")
    assert overflow(page) <= 0


def test_without_a_script_the_marked_texts_show(browser, site, made):
    context = browser.new_context(java_script_enabled=False)
    page = watched(context, site.url)
    page.goto(f"{site.url}/evolution.html")
    shown = page.locator(".charrnn-evolution pre")
    assert shown.count() == 6
    assert shown.all_text_contents() == ["".join(made._parts[at]) for at in made._marked]
    expect(page.locator(".charrnn-evolution")).to_contain_text(made._told[2])
    page.locator(".charrnn-evolution").screenshot(path=SHOTS / "evolution-stored.png")
    context.close()
