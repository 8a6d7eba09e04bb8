"""The inspector on a page of its own, run by a recorded model, against Python: make browser."""

import http.server
import json
import math
import re
from typing import ClassVar

import numpy as np
import pytest
from hostile_models import MARKUP
from live_figure import CONTROLS, PATIENCE, SHOTS, Figure, overflow, watched
from playwright.sync_api import expect
from portable_cases import write_network
from test_hostile import MODULE, page_of

from benchmarks.chromium import serve
from charrnn.runs import load_run
from charrnn.sample import sample
from charrnn.widgets import inspector, lasting
from charrnn.widgets.shaded import label, read, written

pytestmark = pytest.mark.browser
RUN = "paul_graham"
TEXT = (
    'The adjutant by his elbow said: "Your excellency, the French are on the bridge!"\n\n'
    '"What? On the bridge?" cried the prince, and, turning to the officers who stood (there were '
    "seven of them, and all were young) behind him, he added in a low voice: "
    '"Gentlemen, to your places." No one moved. Pierre, who had understood nothing of all this, '
    "looked from one to another with a smile."
)
OTHER = '"Yes," said he.\n"No," said she; "and who are you?"'
UNIT = (1, 200)
RULES = [
    {"title": f"a rule with {MARKUP}", "layer": 0, "unit": 17, "quantity": "h", "auc": 0.97},
    {"title": "another", "layer": 1, "unit": 511, "r": 0.5},
]
LIVES = np.random.default_rng(0).lognormal(1.5, 1.2, 1024).clip(0.3, 500).round(2).tolist()
SHARES = {"forget": [k / 1023 for k in range(1024)]}
MEMORY = {"half_life": LIVES, "longest": 500, "left": {"forget": [0.03] * 1024}, "right": SHARES}
# As the book's theme has them, in light and in dark.
LOOK = """
:root { color-scheme: light; --pst-color-border: #d1d5da; --pst-color-surface: #f3f4f5;
  --pst-color-primary: #0a7d91; --pst-color-text-muted: #48566b; --pst-color-text-base: #222832;
  --pst-color-background: #fff }
@media (prefers-color-scheme: dark) { :root { color-scheme: dark; --pst-color-border: #48566b;
  --pst-color-surface: #29313d; --pst-color-primary: #3fb1c5; --pst-color-text-muted: #9ca4af;
  --pst-color-text-base: #ced6dd; --pst-color-background: #14181e } }
body { max-width: 46rem; margin: 0 auto; padding: 0 1rem; font: 16px/1.65 system-ui, sans-serif;
  color: var(--pst-color-text-base); background: var(--pst-color-background) }
"""


class Pages(http.server.BaseHTTPRequestHandler):
    """Serves the files of its dictionary."""

    files: ClassVar[dict[str, bytes]]

    def do_GET(self) -> None:
        path = self.path.split("?")[0].lstrip("/")
        body = self.files[path]
        kind = {"mjs": "text/javascript", "html": "text/html"}.get(path.rsplit(".")[-1], "x/x")
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def run():
    return load_run(RUN)


SMALL = {"rnn": "zyx\nx", "bytes": "é 😀\n€a"}
"""Networks of one layer and without cells, and of bytes, with a text for each."""


def small_page(name: str, folder) -> bytes:
    """A page with one of the random networks, whose file the script is told of by hand."""
    path = write_network(folder, name)
    Pages.files[f"{name}.safetensors"] = path.read_bytes()
    figure = inspector(load_run(path), {"A": SMALL[name]}).static_html()
    told = f'data-model="{name}.safetensors" data-bytes="{path.stat().st_size}" data-charrnn="insp'
    return page_of(figure.replace('data-charrnn="insp', told))


@pytest.fixture(scope="module")
def site(run, tmp_path_factory):
    passages = {"A scene": TEXT, "Two lines": OTHER, MARKUP: f"He said: {MARKUP}"}
    figure = inspector(run, passages, [UNIT], RULES, memory=MEMORY).static_html()
    Pages.files = {
        "inspector.html": page_of(f"<style>{LOOK}</style><h1>A page</h1>{figure}"),
        "charrnn.mjs": MODULE.read_bytes(),
        f"_static/models/{RUN}.safetensors": (run.folder / "model.safetensors").read_bytes(),
    }
    folder = tmp_path_factory.mktemp("small")
    Pages.files |= {f"{name}.html": small_page(name, folder) for name in SMALL}
    with serve(Pages) as running:
        yield running


@pytest.fixture
def stored(browser, site):
    """The page without a script."""
    context = browser.new_context(java_script_enabled=False)
    page = watched(context, site.url)
    page.goto(f"{site.url}/inspector.html")
    yield page
    context.close()


@pytest.fixture(scope="module")
def page(browser, site):
    context = browser.new_context(viewport={"width": 1280, "height": 2400})
    opened = watched(context, site.url)
    opened.goto(f"{site.url}/inspector.html")
    yield opened
    assert opened.trouble == []
    assert opened.outside == []
    context.close()


@pytest.fixture(scope="module")
def loaded(page):
    assert page.locator(".charrnn-kept .charrnn-shades").is_visible()
    figure = Looking(page)
    figure.run_button.click()
    expect(figure.painted).to_be_visible(timeout=PATIENCE)
    return figure


@pytest.fixture
def figure(loaded):
    """The loaded figure as it is at the beginning."""
    loaded.deep.uncheck()
    loaded.read("A scene", TEXT)
    loaded.choose(*UNIT, "c")
    return loaded


class Looking(Figure):
    """An inspector, by what a reader sees."""

    def __init__(self, page) -> None:
        super().__init__(page)
        self.painted = self.form.get_by_role("application")
        self.spots = self.painted.locator("[data-i]")
        self.said = self.form.locator("> p.charrnn-told[role=status]")
        self.told = self.form.locator(".charrnn-expected [role=status]")
        self.bars = self.form.locator(".charrnn-expected li:not([hidden])")
        self.deep = self.field("Its five guesses under every character")

    def choice(self, name: str):
        return self.form.get_by_role("combobox", name=name, exact=True)

    def read(self, name: str, text: str) -> None:
        self.choice("Text").select_option(label=name)
        expect(self.said).not_to_have_text("Reading …", timeout=PATIENCE)
        expect(self.spots).to_have_count(len(text), timeout=PATIENCE)

    def choose(self, layer: int, unit: int, quantity: str) -> None:
        self.choice("Layer").select_option(label=str(layer + 1))
        self.field("Unit").fill(str(unit))
        self.choice("Colour by").select_option(value=quantity)

    def colours(self) -> list[list[float]]:
        """Red, green, blue and opacity of each character."""
        script = "(spots) => spots.map((spot) => spot.firstChild.style.backgroundColor)"
        found = self.spots.evaluate_all(script)
        return [[float(n) for n in re.findall(r"[\d.]+", colour)] for colour in found]

    def select(self, first: int, last: int) -> None:
        """Select characters as a pointer does: by a native selection."""
        script = """(home, [first, last]) => {
          const text = (i) => home.querySelector(`[data-i="${i}"] > span`).firstChild;
          const [from, to] = [text(first), text(last)];
          getSelection().setBaseAndExtent(from, 0, to, to.length);
        }"""
        self.painted.evaluate(script, [first, last])


@pytest.fixture(scope="module")
def found(run):
    return read(run, TEXT)


def auc(values: np.ndarray, inside: np.ndarray) -> float:
    """Mann and Whitney's, pair by pair."""
    differences = values[inside][:, None].astype(float) - values[~inside][None, :]
    return float(((differences > 0) + 0.5 * (differences == 0)).mean())


# Stored


def test_without_a_script_the_first_text_shows_in_the_first_unit_s_colours(stored, found):
    spots = stored.locator(".charrnn-shades span")
    assert spots.count() == len(TEXT)
    value = written(found.values["c"][9, 1, 200])
    assert spots.nth(9).get_attribute("title") == f"{value}, then: {found.told(9)}"
    shade = spots.nth(9).evaluate("(spot) => getComputedStyle(spot).backgroundColor")
    opacity = 0.065 * round(10 * abs(float(found.values["c"][9, 1, 200])))
    assert float(re.findall(r"[\d.]+", shade)[-1]) == pytest.approx(opacity, abs=0.006)
    assert stored.locator(".charrnn-shades").inner_text() == TEXT
    assert stored.locator("button, select").count() == 0


# Colours


def test_characters_have_the_colour_of_the_unit(figure, found):
    seen = []
    for layer, unit, quantity in ((1, 200, "c"), (0, 17, "c"), (0, 17, "h"), (1, 0, "h")):
        figure.choose(layer, unit, quantity)
        values = found.values[quantity][:, layer, unit]
        colours = figure.colours()
        assert [c[3] for c in colours] == pytest.approx(0.65 * np.abs(values), abs=0.005)
        ends = {"c": ([224, 49, 49], [34, 113, 235]), "h": ([34, 113, 235], [47, 158, 68])}
        assert [c[:3] for c in colours] == [ends[quantity][int(v >= 0)] for v in values]
        seen.append(colours)
    assert len({str(colours) for colours in seen}) == 4


def test_a_unit_is_chosen_by_its_neighbours_and_by_rule(figure):
    figure.button("Next unit").click()
    assert figure.field("Unit").input_value() == "201"
    figure.button("Previous unit").press("Enter")
    figure.button("Previous unit").press("Enter")
    assert figure.field("Unit").input_value() == "199"
    named = figure.choice("A unit by what it does")
    rule = f"a rule with {MARKUP}: layer 1, unit 17 (AUC 0.97)"
    assert named.locator("option").all_text_contents() == [
        "any", rule, "another: layer 2, unit 511 (r 0.50)", "layer 2, unit 200"
    ]  # fmt: skip
    named.select_option(label=rule)
    assert figure.choice("Layer").locator("option:checked").text_content() == "1"
    assert figure.field("Unit").input_value() == "17"
    assert figure.choice("Colour by").input_value() == "h"
    figure.button("Next unit").click()
    assert named.locator("option:checked").text_content() == "any"


# Guesses


def expect_guesses(figure, run, found, i: int) -> None:
    layer, unit = UNIT
    value = written(found.values["c"][i, layer, unit])
    expect(figure.told).to_contain_text(f"character {i + 1} of {len(TEXT)}: tanh(c) = {value}")
    best = found.guesses[i]
    symbols = figure.bars.locator(".charrnn-symbol").all_text_contents()
    assert symbols == [label(run.vocab, k) for k, _ in best]
    came = figure.form.locator(".charrnn-expected li.charrnn-came .charrnn-symbol")
    marked = [label(run.vocab, k) for k, _ in best if k == found.ids[i + 1]]
    assert came.all_text_contents() == marked


def test_a_pointer_and_the_arrow_keys_show_what_was_expected(figure, run, found):
    figure.spots.nth(40).hover()
    expect_guesses(figure, run, found, 40)
    figure.spots.nth(100).click()
    figure.form.locator("h2").first.hover()
    expect_guesses(figure, run, found, 100)
    figure.painted.focus()
    figure.page.keyboard.press("ArrowLeft")
    expect_guesses(figure, run, found, 99)
    figure.page.keyboard.press("ArrowDown")
    expect(figure.told).not_to_contain_text("character 100 ")
    figure.page.keyboard.press("ArrowUp")
    expect_guesses(figure, run, found, 99)
    figure.page.keyboard.press("Home")
    expect_guesses(figure, run, found, 0)
    figure.page.keyboard.press("End")
    expect(figure.form.locator(".charrnn-expected")).to_contain_text("Here the text ends.")


def test_the_guesses_stand_under_every_character(figure, run, found):
    figure.deep.check()
    assert figure.painted.locator("i").count() == 5 * len(TEXT)
    shown = figure.spots.nth(30).locator("i").all_text_contents()
    assert shown == [label(run.vocab, k) for k, _ in found.guesses[30]]
    p = figure.spots.nth(30).locator("i").first.evaluate("(i) => i.style.getPropertyValue('--p')")
    assert float(p) == pytest.approx(found.guesses[30][0][1], abs=0.0006)
    came = figure.painted.locator("i.charrnn-came").count()
    assert came == sum(
        n in [k for k, _ in best] for n, best in zip(found.ids[1:], found.guesses, strict=False)
    )
    assert overflow(figure.page) <= 0
    figure.deep.uncheck()
    assert figure.painted.locator("i").count() == 0


# The whole state


def test_a_field_of_the_strip_tells_and_chooses_its_unit(figure, found):
    figure.spots.nth(50).click()
    canvas = figure.form.get_by_role("img").nth(1)
    box = canvas.bounding_box()
    place = {"x": box["width"] * (8.5 / 64), "y": box["height"] * (3.5 / 8)}
    canvas.hover(position=place)
    told = figure.form.locator(".charrnn-strip .charrnn-told")
    value = written(found.values["c"][50, 1, 200])
    expect(told).to_have_text(f"layer 2, unit 200: tanh(c) = {value}")
    canvas.click(position={"x": box["width"] * (0.5 / 64), "y": box["height"] * (1.5 / 8)})
    assert figure.field("Unit").input_value() == "64"
    pixels = canvas.evaluate("(c) => [...c.getContext('2d').getImageData(0, 0, 64, 8).data]")
    alphas = np.array(pixels).reshape(-1, 4)[:, 3]
    assert alphas == pytest.approx(255 * np.abs(found.values["c"][50, 1]), abs=1.1)


# Memory


def test_the_unit_s_half_life_is_told_and_others_are_a_click_away(figure, run):
    memory, number = lasting.checked(MEMORY, run.model.config), 512 * UNIT[0] + UNIT[1]
    home = figure.form.locator(".charrnn-lasting")
    line = home.locator("[role=status]")
    expect(line).to_have_text(lasting.line(memory, number, "character"))
    order = sorted(range(1024), key=lambda k: (LIVES[k], k))
    canvas = home.get_by_role("img")
    assert "all 1,024 units" in canvas.get_attribute("aria-label")
    box, marker = canvas.bounding_box(), home.locator(".charrnn-marker").bounding_box()
    middle = marker["x"] + marker["width"] / 2 - box["x"]
    assert middle == pytest.approx(box["width"] * order.index(number) / 1024, abs=2)
    place = {"x": box["width"] * 900.5 / 1024, "y": 20}
    canvas.hover(position=place)
    told = home.locator(".charrnn-foot").text_content()
    layer, unit, half = re.fullmatch(r"layer (\d), unit (\d+): (\S+) characters", told).groups()
    assert order.index(512 * int(layer) - 512 + int(unit)) == pytest.approx(900, abs=2)
    canvas.click(position=place)
    assert figure.field("Unit").input_value() == unit
    expect(line).to_contain_text(f"gone after {half} characters")


# Texts


def test_a_text_of_the_reader_s_own(figure):
    figure.choice("Text").select_option(label="Your own text")
    own = figure.field(re.compile("^Your own text, up to"))
    own.fill("A king\u4e00\n\tspoke.")
    figure.button("Read").click()
    expect(figure.spots).to_have_count(len("A king\nspoke."))  # no tab in War and Peace
    expect(figure.said).to_contain_text("\u4e00")
    own.fill("a" * 2001)
    figure.button("Read").click()
    expect(figure.said).to_contain_text("The text has 2001 characters; at most 2000")
    figure.choice("Text").select_option(label=MARKUP)
    expect(figure.painted).to_contain_text("He said: ")
    assert figure.form.locator("script, img, svg, iframe").count() == 0
    assert figure.page.evaluate("window.hacked") is None


# Which units


def inside_of(first: int, last: int) -> np.ndarray:
    return np.isin(np.arange(len(TEXT)), range(first, last + 1))


def expect_ranked(figure, found, first: int, last: int) -> None:
    figure.button("Which units are on inside and off outside?").click()
    listed = figure.form.locator(".charrnn-ranked button")
    expect(listed).to_have_count(10, timeout=PATIENCE)
    values = found.values["c"].reshape(len(TEXT), -1)
    areas = np.array([auc(column, inside_of(first, last)) for column in values.T])
    fits = np.maximum(areas, 1 - areas)
    order = np.argsort(-fits, kind="stable")[:10]
    for k, text in zip(order, listed.all_inner_texts(), strict=True):
        parts = re.fullmatch(r"layer (\d), unit (\d+)\s+(on|off)\s+AUC ([\d.]+)", text)
        layer, unit, way, area = parts.groups()
        assert (int(layer) - 1, int(unit)) == divmod(int(k), 512)
        assert way == ("on" if areas[k] >= 0.5 else "off")
        assert float(area) == pytest.approx(fits[k], abs=0.0006)
    caveat = figure.form.locator(".charrnn-finding .charrnn-foot")
    expect(caveat).to_contain_text("With 1,024 units some always fit a short stretch by chance")
    listed.nth(2).click()
    assert figure.field("Unit").input_value() == str(order[2] % 512)
    expect(listed).to_have_count(10)


def test_a_selected_stretch_ranks_the_units(figure, found):
    figure.select(33, 79)
    told = figure.form.locator(".charrnn-finding [role=status]")
    expect(told).to_have_text(f"Selected: “{TEXT[33:80]}”, 47 characters")
    assert figure.painted.locator(".charrnn-inside").count() == 47
    expect_ranked(figure, found, 33, 79)


def test_shift_and_the_arrow_keys_select(figure, found):
    figure.spots.nth(60).click()
    for _ in range(6):
        figure.page.keyboard.press("Shift+ArrowRight")
    told = figure.form.locator(".charrnn-finding [role=status]")
    expect(told).to_have_text(f"Selected: “{TEXT[60:67]}”, 7 characters")
    figure.painted.focus()
    expect_ranked(figure, found, 60, 66)
    figure.painted.focus()
    figure.page.keyboard.press("Escape")
    expect(told).to_contain_text("Select a stretch of the text")


# Turning


def test_a_unit_that_is_held_writes_python_s_text_beside_the_free_one(figure, run):
    figure.spots.nth(120).click()
    figure.form.get_by_role("slider").fill("0.9")
    figure.field("Seed").fill("4")
    figure.button("Write on from here").click()
    status = figure.form.locator(".charrnn-turning [role=status]")
    expect(status).to_contain_text("Written at temperature 0.8, both", timeout=PATIENCE)
    options = {"length": 300, "temperature": 0.8, "seed": 4, "portable": True}
    free = sample(run, TEXT[:121], **options)
    held = sample(run, TEXT[:121], held=((*UNIT, math.atanh(0.9)),), **options)
    papers = figure.form.locator(".charrnn-turning .charrnn-paper").all()
    assert papers[0].text_content().endswith(free)
    assert papers[1].text_content().endswith(held)
    assert free != held
    names = figure.form.locator(".charrnn-turning .charrnn-side .charrnn-name")
    assert names.all_text_contents() == ["As it is", "Unit 200 of layer 2 held at 0.90"]
    figure.button("Next seed").click()
    expect(status).to_contain_text("both with seed 5", timeout=PATIENCE)
    assert not papers[0].text_content().endswith(free)


def test_a_seed_that_is_none_gets_one_line(figure):
    figure.field("Seed").fill("-3")
    figure.button("Write on from here").click()
    status = figure.form.locator(".charrnn-turning [role=status]")
    expect(status).to_contain_text("The seed is -3")
    figure.field("Seed").fill("1")


# Other networks


@pytest.fixture(params=SMALL)
def small(request, browser, site):
    context = browser.new_context(viewport={"width": 1280, "height": 1600})
    page = watched(context, site.url)
    page.goto(f"{site.url}/{request.param}.html")
    figure = Looking(page)
    figure.name = request.param
    figure.run_button.click()
    expect(figure.spots).to_have_count(len(SMALL[request.param]), timeout=PATIENCE)
    yield figure
    assert page.trouble == []
    context.close()


def test_other_networks_have_the_controls_that_they_need(small, tmp_path):
    lstm = small.name == "bytes"
    for name in ("Layer", "Colour by"):
        assert small.choice(name).count() == int(lstm)
    opened = load_run(write_network(tmp_path, small.name))
    found = read(opened, SMALL[small.name])
    values = found.values["c" if lstm else "h"][:, 0, 0]
    wanted = [0.65 * abs(values[at]) for _, at in found.places()]
    assert [colour[3] for colour in small.colours()] == pytest.approx(wanted, abs=0.005)
    small.spots.nth(1).click()
    small.form.get_by_role("slider").fill("1")
    small.button("Write on from here").click()
    status = small.form.locator(".charrnn-turning [role=status]")
    expect(status).to_contain_text("Written at", timeout=PATIENCE)
    held = ((0, 0, math.atanh(0.999) if lstm else 1.0),)
    options = {"length": 300, "temperature": 0.8, "seed": 1, "portable": True, "held": held}
    text = sample(opened, SMALL[small.name][:2], **options)
    assert small.form.locator(".charrnn-paper").nth(1).text_content().endswith(text)


# Looks and names


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_its_page(figure, width, theme):
    page = figure.page
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 2400})
    figure.select(33, 79)
    figure.button("Which units are on inside and off outside?").click()
    figure.button("Write on from here").click()
    expect(figure.form.locator(".charrnn-ranked button")).to_have_count(10, timeout=PATIENCE)
    status = figure.form.locator(".charrnn-turning [role=status]")
    expect(status).to_contain_text("Written at", timeout=PATIENCE)
    SHOTS.mkdir(parents=True, exist_ok=True)
    for name, deep in (("inspector", False), ("inspector-guesses", True)):
        figure.deep.set_checked(deep)
        figure.form.screenshot(path=SHOTS / f"{name}-{width}-{theme}.png")
        assert overflow(page) <= 0
    page.set_viewport_size({"width": 1280, "height": 2400})


def test_every_control_has_a_name_and_every_picture_too(figure):
    assert figure.nameless() == []
    assert figure.form.locator(CONTROLS).count() > 10
    for canvas in figure.form.locator(".charrnn-strip").get_by_role("img").all():
        assert "all 512 units" in canvas.get_attribute("aria-label")


def test_what_is_stored_reads_back(run):
    """The data that the script reads are those that were given."""
    markup = Pages.files["inspector.html"].decode()
    stored = re.search(r'<script type="application/json">(.*?)</script>', markup).group(1)
    data = json.loads(stored)
    assert data["passages"][0] == {"name": "A scene", "text": TEXT}
    assert data["units"] == [list(UNIT)]
    assert data["rules"] == RULES
