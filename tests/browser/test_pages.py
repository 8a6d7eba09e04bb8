"""Every page of the built book in a real browser: make browser."""

import pytest
from live_figure import RUNS, SHOTS, overflow
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
PAGES = [
    "index",
    "01-recurrence",
    "02-training",
    "03-paul-graham",
    "04-shakespeare",
    "05-wikipedia",
    "06-algebraic-geometry",
    "07-linux",
    "08-names",
    "09-predictions",
    "10-neurons",
    "11-turning-a-neuron",
    "12-evolution",
    "13-how-good",
    "14-copying",
    "15-this-book",
    "16-where-this-led",
    "history",
    "17-verdicts",
    "18-how-fast",
    "19-that-day",
    "20-the-grid",
    "playground",
]


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_page(open_page, name, width):
    with open_page(name, width) as page:
        SHOTS.mkdir(parents=True, exist_ok=True)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            expect(page.locator("html")).to_have_attribute("data-theme", theme)
            page.screenshot(path=SHOTS / f"{name}-{width}-{theme}.png", full_page=True)
            assert overflow(page) <= 0, f"{theme}: wider than the window"
        images = page.locator("article img")
        nameless = "(all) => all.filter((i) => !i.alt.trim()).map((i) => i.src)"
        assert images.evaluate_all(nameless) == []


def shown_by_radios(sampler) -> list[str]:
    """Choose every radio of a stored sampler in turn; the one text that shows at each."""
    radios, samples = sampler.locator("input[type=radio]"), sampler.locator(".charrnn-sample")
    assert radios.count() == samples.count() >= 5
    shown = []
    for i in range(radios.count()):
        radios.nth(i).check()
        visible = [j for j in range(samples.count()) if samples.nth(j).is_visible()]
        assert visible == [i]
        shown.append(samples.nth(i).inner_text())
    return shown


@pytest.mark.parametrize("name", RUNS)
def test_the_slider_shows_one_sample_at_a_time_without_any_script(open_page, name):
    with open_page(name, 360, script=False) as page:
        shown = shown_by_radios(page.locator('[data-charrnn="sampler"]').first)
        assert len(set(shown)) == len(shown)


def test_the_playground_folds_every_models_texts_without_any_script(open_page):
    with open_page("playground", 360, script=False) as page:
        models = page.locator('[data-charrnn="playground"] > details')
        assert models.count() >= 4
        texts = []
        for model in models.all():
            if model.get_attribute("open") is None:
                model.locator("summary").click()
            texts += shown_by_radios(model)
        assert len(set(texts)) == len(texts)
