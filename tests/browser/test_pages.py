"""Every page of the built book in a real browser: make browser."""

import functools
import http.server
import shutil
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
SHOTS = ROOT / "_build" / "screenshots"
PAGES = ["index", "01-recurrence", "02-training", "03-paul-graham", "04-shakespeare"]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server():
    assert (HTML / "book" / "index.html").is_file(), "build the book first: make book"
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *a: None})
    handler = functools.partial(quiet, directory=str(HTML))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    names = ("chromium", "google-chrome", "chromium-browser")
    path = next((p for p in map(shutil.which, names) if p), None)
    assert path, "Chromium is needed: apt-get install chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


def open_page(browser, server, name, width, theme="light", script=True):
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, java_script_enabled=script
    )
    page = context.new_page()
    page.trouble, page.outside = [], []
    page.on("console", lambda m: page.trouble.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: page.trouble.append(str(e)))

    def route(r):
        if r.request.url.startswith((server, "data:")):
            return r.continue_()
        page.outside.append(r.request.url)
        return r.abort()

    page.route("**/*", route)
    page.goto(f"{server}/book/{name}.html", wait_until="networkidle")
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_page(browser, server, name, width, theme):
    page = open_page(browser, server, name, width, theme)
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}-{width}-{theme}.png", full_page=True)
    assert page.trouble == []
    assert page.outside == []
    wide = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 0, f"{wide} px wider than the window"
    missing = page.evaluate(
        "[...document.querySelectorAll('article img')].filter(i => !i.alt.trim()).map(i => i.src)"
    )
    assert missing == []
    page.context.close()


@pytest.mark.parametrize("name", ["03-paul-graham", "04-shakespeare"])
def test_the_slider_shows_one_sample_at_a_time_without_any_script(browser, server, name):
    page = open_page(browser, server, name, 360, script=False)
    sampler = page.locator('[data-charrnn="sampler"]').first
    radios, samples = sampler.locator("input[type=radio]"), sampler.locator(".charrnn-sample")
    assert radios.count() == samples.count() >= 5
    shown = []
    for i in (0, radios.count() - 1):
        radios.nth(i).check()
        visible = [j for j in range(samples.count()) if samples.nth(j).is_visible()]
        assert visible == [i]
        shown.append(samples.nth(i).inner_text())
    assert shown[0] != shown[1]
    page.context.close()
