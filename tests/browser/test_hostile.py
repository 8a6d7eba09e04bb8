"""Models that write markup, and files that are broken: the page shows text and says what is wrong.

A small page of its own, with the figures as the book stores them and the book's module.
"""

import http.server
import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hostile_models import MARKUP, broken_files, markup_file, overflowing_file
from live_figure import PATIENCE, Figure, watched
from playwright.sync_api import expect

import charrnn
from benchmarks.chromium import serve
from charrnn.widgets import looked_back
from charrnn.widgets.markup import Stored, attributes
from trust.hostile import HOSTILE
from trust.labelled import looked_into

pytestmark = pytest.mark.browser
MODULE = Path(charrnn.__file__).parent / "static" / "charrnn.mjs"
MODEL = "models/model.safetensors"
FAILURES = ["404", "500", "no connection", "broken off half-way"]


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> bytes:
    """A sound file, of the network that writes markup."""
    return markup_file(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def broken(good) -> dict[str, bytes]:
    return broken_files(good)


def stored(size: int) -> Stored:
    """A figure with markup wherever text stands."""
    recorded = {0.5: MARKUP, 1.0: f"{MARKUP}, again"}
    model = {"model": f"{MODEL}?v=1", "bytes": size}
    return Stored(recorded, MARKUP, title=MARKUP, temperature=1.0, length=300, model=model)


def page_of(figure: str) -> bytes:
    """A page as Sphinx makes it, as far as the module can tell."""
    script = '<script type="module" src="charrnn.mjs"></script>'
    icon = '<link rel="icon" href="data:,">'
    head = f'<meta charset="utf-8"><title>A page</title>{icon}{script}'
    page = f'<!doctype html><html lang="en" data-content_root="./"><head>{head}</head>'
    return f"{page}<body>{figure}</body></html>".encode()


def playground_of(figure: Stored) -> str:
    """The stored playground with one model, as charrnn/widgets/playground.py writes it."""
    told = attributes({"title": MARKUP, "prompt": f"{MARKUP}\n"} | figure.address())
    model = f"<details {told} open><summary></summary>{figure.choice()}</details>"
    return f'<div data-charrnn="playground">{model}</div>'


class Host(http.server.BaseHTTPRequestHandler):
    """Serves the files of its dictionary; a model also in the ways in which it can fail."""

    files: ClassVar[dict[str, bytes]]
    model: bytes | str = b""
    """The bytes, or one of FAILURES."""

    def do_GET(self) -> None:
        path = self.path.split("?")[0].lstrip("/")
        if path == MODEL:
            self.answer_model()
        else:
            self.answer(200, self.files[path], "text/javascript" if "mjs" in path else "text/html")

    def answer(self, status: int, body: bytes, kind: str, cut: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:cut])

    def answer_model(self) -> None:
        kind, body = "application/octet-stream", Host.model
        if body == "broken off half-way":
            self.answer(200, Host.files["good"], kind, cut=len(Host.files["good"]) // 2)
        elif isinstance(body, str):
            self.answer(int(body), MARKUP.encode(), "text/html")
        else:
            self.answer(200, body, kind)


@pytest.fixture(scope="module")
def site(good):
    figure = stored(len(good))
    Host.files = {
        "sampler.html": page_of(figure.sampler()),
        "playground.html": page_of(playground_of(figure)),
        "charrnn.mjs": MODULE.read_bytes(),
        "good": good,
    }
    with serve(Host) as running:
        yield running


@pytest.fixture
def opened(browser, site, good):
    """`opened("sampler")`: a figure of the small page; afterwards, nothing was executed."""
    context = browser.new_context()
    page = watched(context, site.url)
    Host.model = good

    def visit(name: str) -> Figure:
        page.goto(f"{site.url}/{name}.html")
        expect(page.locator("form.charrnn-live")).to_be_visible()
        return Figure(page)

    yield visit
    untouched(page)
    assert page.trouble == []
    assert page.outside == []
    context.close()


def untouched(page) -> None:
    """No markup of a model or of a text became a part of the page."""
    assert page.evaluate("window.hacked") is None
    parsed = page.locator("form.charrnn-live").locator("script, img, style, b b, svg, iframe")
    assert parsed.count() == 0


# Markup


def test_markup_is_shown_as_text(opened):
    figure = opened("sampler")
    assert figure.prompt == MARKUP
    assert figure.text == f"{MARKUP}, again"
    assert figure.form.get_attribute("aria-label") == MARKUP
    figure.load()
    untouched(figure.page)
    figure.write(prompt="\n", length=3 * len(MARKUP), temperature=1.0)
    assert figure.text == MARKUP * 3
    assert MARKUP in figure.paper.inner_text()
    assert figure.prompt == "\n"
    figure.write(prompt=f"{MARKUP}<i>\u20ac\n", length=len(MARKUP), temperature=1.0)
    assert figure.prompt == f"{MARKUP}<i>\u20ac\n"
    assert figure.text.endswith(MARKUP)


def test_markup_is_shown_as_text_in_the_playground(opened):
    figure = opened("playground")
    assert figure.form.locator("option").inner_text() == MARKUP
    figure.load()
    figure.set("\n", temperature=1.0)
    bars = figure.form.locator(".charrnn-bars li:not([hidden]) button")
    expect(bars.first).to_have_text("<100 %", timeout=PATIENCE)
    for character in MARKUP[:8]:
        expect(bars.first).to_have_text(f"{character}100 %")
        bars.first.click()
    assert figure.form.get_by_label("Prompt", exact=True).input_value() == f"\n{MARKUP[:8]}"
    figure.set("<i>\u20ac</i>")
    expect(figure.form.locator("mark").last).to_have_text("\u20ac")


# Every hostile string at once


KNOWN = "".join(HOSTILE).encode(errors="ignore").decode()
"""Without the lone surrogates, which no vocabulary has."""
FIGURES = ("sampler", "playground", "inspector", "transplant", "evolution", "looked-back")


def every_figure(text: str, size: int) -> dict[str, str]:
    """All figures as a page stores them, with `text` wherever one may stand."""
    address = {"model": f"{MODEL}?v=1", "bytes": size}
    plain = Stored({0.5: text, 1.0: text}, text, title=text, length=300, model=address)
    made = {name: f.static_html() for name, f in looked_into(text, f"\nabc{KNOWN}x").items()}
    named = {name: f'data-charrnn="{name}"' for name in made}
    found = {n: h.replace(named[n], f"{named[n]} {attributes(address)}") for n, h in made.items()}
    found["looked-back"] = looked_back(list(text[:40]), np.zeros((40, 40)), text).static_html()
    told = attributes({"title": text, "prompt": text} | address)
    models = f"<details {told} open><summary></summary>{plain.choice()}</details>"
    found["playground"] = f'<div data-charrnn="playground">{models}</div>'
    return found | {"sampler": plain.sampler()}


SHAPE = """
() => [...document.body.querySelectorAll("*")].map((e) => `${e.tagName} ${e.getAttributeNames()}`)
"""


@pytest.mark.parametrize("name", FIGURES)
def test_hostile_strings_make_no_element_and_run_nothing(browser, site, good, name):
    context = browser.new_context()
    page = watched(context, site.url)
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    shapes = []
    for text in (KNOWN, "".join(c if c == "\n" else "x" for c in KNOWN)):
        Host.files["every.html"] = page_of(every_figure(text, len(good))[name])
        page.goto(f"{site.url}/every.html", wait_until="networkidle")
        expect(page.locator("body [data-charrnn]")).to_have_count(0)  # the live one is there
        shapes.append(page.evaluate(SHAPE))
    assert shapes[0] == shapes[1]
    assert page.evaluate("window.hacked") is None
    assert page.title() == "A page"
    assert (dialogs, page.trouble, page.outside) == ([], [], [])
    context.close()


# Broken files


def said(figure: Figure) -> str:
    """The loader's one line, after its button has come back."""
    expect(figure.run_button).to_be_visible(timeout=PATIENCE)
    expect(figure.run_button).to_be_enabled()
    line = figure.loader.get_by_role("alert").inner_text()
    assert 20 < len(line) < 400
    assert "\n" not in line
    assert "undefined" not in line
    assert "TypeError" not in line
    return line


def works_again(figure: Figure) -> None:
    """With a sound file, the same button loads the model, and it writes."""
    figure.load()
    assert figure.write(prompt="\n", length=len(MARKUP)) == MARKUP


# By name, since the files are made in a fixture.
BROKEN = [
    "empty",
    "not a model",
    "cut in its header",
    "cut in its data",
    "cut in half",
    "a byte too long",
    "one bit turned",
    "its last bit turned",
    "header length of 2^63",
    "header length too short",
    "shape too large",
    "shape negative",
    "offsets beyond the end",
    "offsets that overlap",
    "format of markup",
    "no vocabulary",
    "NaN in a scale",
    "scale of infinity",
    "NaN in a bias",
    "NaN in the last bias",
]


def test_all_broken_files_are_tried(broken):
    assert list(broken) == BROKEN
    assert len(set(broken.values())) == len(broken)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_gets_one_line_and_can_be_tried_again(opened, good, broken, name):
    figure = opened("sampler")
    Host.model = broken[name]
    figure.run_button.click()
    line = said(figure)
    assert "file" in line or "header" in line
    if name == "format of markup":
        assert "<script>" in line
    untouched(figure.page)
    Host.model = good
    works_again(figure)


def test_scores_that_are_not_finite_get_one_line(opened, good):
    figure = opened("sampler")
    Host.model = overflowing_file(good)
    figure.run_button.click()
    expect(figure.status).to_contain_text("not finite", timeout=PATIENCE)
    assert "\n" not in figure.status.inner_text()
    expect(figure.button("Stop")).to_be_disabled()
    figure.begin.click()
    expect(figure.status).to_contain_text("not finite")
    expect(figure.button("Stop")).to_be_disabled()


@pytest.mark.parametrize("failure", FAILURES)
def test_a_host_that_fails_gets_one_line_and_can_be_tried_again(opened, good, failure):
    figure = opened("sampler")
    page = figure.page
    if failure == "no connection":
        page.context.route(f"**/{MODEL}*", lambda route: route.abort("connectionrefused"))
    Host.model = failure
    figure.run_button.click()
    line = said(figure)
    assert failure in line if failure.isdigit() else "connection" in line
    assert MARKUP not in line
    page.context.unroute(f"**/{MODEL}*")
    Host.model = good
    works_again(figure)
    browsers_own = [t for t in page.trouble if t.startswith("Failed to load resource")]
    assert len(browsers_own) <= 1
    page.trouble[:] = [t for t in page.trouble if t not in browsers_own]


SPOIL = """
async (path) => {
  const store = await caches.open("charrnn-models");
  await store.put(new URL(path, location).href, new Response("spoiled"));
}
"""


def test_a_broken_copy_in_the_browsers_store_is_fetched_anew(opened):
    figure = opened("sampler")
    figure.page.evaluate(SPOIL, f"{MODEL}?v=1")
    figure.run_button.click()
    expect(figure.run_button.or_(figure.begin)).to_be_visible(timeout=PATIENCE)
    if figure.run_button.is_visible():
        figure.run_button.click()
    expect(figure.begin).to_be_visible()


def test_the_prompts_markup_survives_the_stored_form(site):
    """What the page is told, it is told in attributes that cannot be left."""
    text = Host.files["sampler.html"].decode()
    assert json.dumps(MARKUP) not in text
    assert MARKUP not in text
