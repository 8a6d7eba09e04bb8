"""A state copied from text to text, on a page of its own, against Python: make browser."""

import pytest
from hostile_models import MARKUP
from live_figure import CONTROLS, PATIENCE, SHOTS, Figure, overflow, watched
from playwright.sync_api import expect
from test_hostile import MODULE, page_of
from test_inspector import LOOK, RUN, Pages

from benchmarks.chromium import serve
from charrnn.runs import load_run
from charrnn.widgets import transplant
from charrnn.widgets.grafted import Grafting, choices, unit_choice
from charrnn.widgets.shaded import label, percent

pytestmark = pytest.mark.browser
DONOR = 'Prince Andrew looked at her and said in a low voice: "I do not think that he will come'
RECIPIENT = "Prince Andrew looked at her and thought for a long time that he would never come"
UNIT = (1, 200)
NAMES = ["The donor, as it is", "The recipient, as it is"]


@pytest.fixture(scope="module")
def run():
    return load_run(RUN)


@pytest.fixture(scope="module")
def graft(run):
    return Grafting(run)


@pytest.fixture(scope="module")
def site(run):
    figure = transplant(run, DONOR, RECIPIENT, [UNIT, (0, 17)], title=MARKUP)
    Pages.files = {
        "transplant.html": page_of(f"<style>{LOOK}</style><h1>A page</h1>{figure.static_html()}"),
        "charrnn.mjs": MODULE.read_bytes(),
        f"_static/models/{RUN}.safetensors": (run.folder / "model.safetensors").read_bytes(),
    }
    with serve(Pages) as running:
        yield running


@pytest.fixture(scope="module")
def figure(browser, site):
    context = browser.new_context(viewport={"width": 1280, "height": 1600})
    page = watched(context, site.url)
    page.goto(f"{site.url}/transplant.html")
    expect(page.locator(".charrnn-kept table")).to_have_count(4)
    opened = Copying(page)
    opened.run_button.click()
    opened.copied()
    yield opened
    assert page.trouble == []
    assert page.outside == []
    context.close()


class Copying(Figure):
    """The figure, by what a reader sees."""

    def __init__(self, page) -> None:
        super().__init__(page)
        self.told = self.form.locator("> p.charrnn-told[role=status]")
        self.sides = self.form.locator(".charrnn-three .charrnn-side")

    def copied(self) -> None:
        expect(self.told).to_contain_text("Likeliest next", timeout=PATIENCE)

    def choose(self, name: str) -> None:
        part = self.form.get_by_role("combobox", name="What is copied", exact=True)
        if part.locator("option:checked").text_content() == name:
            return
        part.select_option(label=name)
        self.copied()


def expect_sides(figure, run, name, sides, texts=(DONOR, RECIPIENT)) -> None:
    """What Python computed stands in the three columns."""
    names = figure.sides.locator(".charrnn-name").all_text_contents()
    assert names == [*NAMES, f"The recipient with {name} copied"]
    for k, side in enumerate(sides):
        column = figure.sides.nth(k)
        symbols = column.locator(".charrnn-symbol").all_text_contents()
        shares = column.locator(".charrnn-share").all_text_contents()
        wanted = [(label(run.vocab, i), percent(p)) for i, p in side.guesses]
        assert list(zip(symbols, shares, strict=True)) == wanted
        paper = column.locator(".charrnn-paper")
        assert paper.text_content().endswith(f"{texts[min(k, 1)][-20:]}{side.text}")


def test_the_page_computes_what_python_computes(figure, run, graft):
    kinds = choices(run.model.config, [UNIT])
    figure.choose("c of layer 2, unit 200")
    for name, parts in (kinds[-1], kinds[3], kinds[1]):
        figure.choose(name)
        expect_sides(figure, run, name, graft(DONOR, RECIPIENT, parts))


def test_any_unit_can_be_typed_and_any_seed_drawn_with(figure, run, graft):
    figure.choose("c of a unit of your choice")
    figure.form.get_by_role("combobox", name="Layer", exact=True).select_option(label="2")
    unit = figure.field("Unit, 0 to 511")
    unit.fill("365")
    unit.press("Enter")
    figure.copied()
    figure.button("Next seed").click()
    expect(figure.told).to_contain_text("with seed 2", timeout=PATIENCE)
    name, parts = unit_choice(run.model.config, 1, 365)
    expect_sides(figure, run, name, graft(DONOR, RECIPIENT, parts, seed=2))
    unit.fill("512")
    unit.press("Enter")
    expect(figure.told).to_have_text("The unit is 512; it must be whole, 0 to 511.")
    unit.fill("0")
    figure.field("Seed").fill("1")
    figure.choose("everything (h and c)")


def test_texts_can_be_changed_and_must_end_alike(figure, run, graft):
    donor = figure.field("The donor, whose state is copied")
    donor.fill(f"{MARKUP}? ome!")
    figure.button("Copy").click()
    expect(figure.told).to_have_text(
        "The donor ends in “!”, the recipient in “e”; let both texts end alike."
    )
    donor.fill("\u4e00He asked: why did he come")
    figure.button("Copy").click()
    expect(figure.told).to_contain_text("no such character: \u4e00", timeout=PATIENCE)
    texts = ("He asked: why did he come", RECIPIENT)
    name, parts = choices(run.model.config, [])[1]
    expect_sides(figure, run, name, graft(*texts, parts), texts)
    donor.fill(DONOR)
    figure.button("Copy").click()
    assert figure.page.evaluate("window.hacked") is None
    assert figure.form.get_attribute("aria-label") == MARKUP


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_its_page(figure, width, theme):
    page = figure.page
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 1600})
    figure.choose("c of layer 2, unit 200")
    SHOTS.mkdir(parents=True, exist_ok=True)
    figure.form.screenshot(path=SHOTS / f"transplant-{width}-{theme}.png")
    assert overflow(page) <= 0
    page.set_viewport_size({"width": 1280, "height": 1600})


def test_every_control_has_a_name(figure):
    assert figure.nameless() == []
    assert figure.form.locator(CONTROLS).count() >= 7


@pytest.mark.parametrize("width", [360, 1280])
def test_without_a_script_four_lists_stand_side_by_side(browser, site, width):
    size = {"width": width, "height": 900}
    context = browser.new_context(java_script_enabled=False, viewport=size)
    page = watched(context, site.url)
    page.goto(f"{site.url}/transplant.html")
    assert page.locator(".charrnn-transplant table").count() == 4
    assert page.locator("button, select").count() == 0
    page.locator(".charrnn-transplant").screenshot(path=SHOTS / f"transplant-stored-{width}.png")
    assert overflow(page) <= 0
    context.close()
