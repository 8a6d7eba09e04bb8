"""What each guess depended on, on a page of its own: make browser."""

import re

import numpy as np
import pytest
from hostile_models import MARKUP
from live_figure import SHOTS, overflow, watched
from playwright.sync_api import expect
from test_hostile import MODULE, page_of
from test_inspector import LOOK, TEXT, Pages

from benchmarks.chromium import serve
from charrnn.widgets import looked_back

pytestmark = pytest.mark.browser
WHOLE = f"{TEXT[:300]} {MARKUP}"


@pytest.fixture(scope="module")
def made():
    length = len(WHOLE)
    away = np.arange(length)[:, None] - np.arange(length)
    decay = np.where(away > 0, np.exp(-away / 6.0), 0)
    return looked_back(WHOLE, decay * np.random.default_rng(1).random((length, length)), MARKUP)


@pytest.fixture(scope="module")
def site(made):
    page = page_of(f"<style>{LOOK}</style><h1>A page</h1>{made.static_html()}")
    Pages.files = {"looked-back.html": page, "charrnn.mjs": MODULE.read_bytes()}
    with serve(Pages) as running:
        yield running


@pytest.fixture(scope="module")
def page(browser, site):
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    opened = watched(context, site.url)
    opened.goto(f"{site.url}/looked-back.html")
    yield opened
    assert opened.trouble == []
    context.close()


def expect_character(page, made, at: int) -> None:
    expect(page.locator(".charrnn-looking [role=status]")).to_have_text(made.told(at))
    script = "(spots) => spots.map((spot) => spot.firstChild.style.backgroundColor)"
    colours = page.locator("[data-i]").evaluate_all(script)
    row = made._weights[at]
    shares = 0.75 * np.sqrt(row / max(row.max(), 1e-30))
    found = [[float(n) for n in re.findall(r"[\d.]+", colour)] for colour in colours]
    assert [c[3] for c in found] == pytest.approx(shares.tolist(), abs=0.006)
    assert all(c[:3] == [207, 95, 18] for c in found)
    framed = page.locator(".charrnn-at")
    assert framed.count() == 1 and framed.get_attribute("data-i") == str(at)


def test_pointer_tap_and_keys_choose_a_character(page, made):
    expect_character(page, made, len(WHOLE) - 1)
    spots = page.locator("[data-i]")
    assert spots.count() == len(WHOLE)
    spots.nth(40).hover()
    expect_character(page, made, 40)
    spots.nth(100).click()
    page.locator("h1").hover()
    expect_character(page, made, 100)
    page.get_by_role("application").focus()
    page.keyboard.press("ArrowLeft")
    expect_character(page, made, 99)
    page.keyboard.press("Shift+ArrowLeft")
    expect_character(page, made, 98)
    assert page.locator(".charrnn-inside").count() == 0
    page.keyboard.press("Home")
    expect_character(page, made, 0)
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_its_page(page, width, theme):
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 1000})
    page.locator("[data-i]").nth(200).click()
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.locator(".charrnn-looking").screenshot(path=SHOTS / f"looked-back-{width}-{theme}.png")
    assert overflow(page) <= 0


def test_without_a_script_the_last_character_s_colours_show(browser, site, made):
    context = browser.new_context(java_script_enabled=False)
    page = watched(context, site.url)
    page.goto(f"{site.url}/looked-back.html")
    figure = page.locator(".charrnn-looked-back")
    expect(figure).to_contain_text(made.told(len(WHOLE) - 1))
    assert figure.locator("span.at").count() == 1
    figure.screenshot(path=SHOTS / "looked-back-stored.png")
    context.close()
