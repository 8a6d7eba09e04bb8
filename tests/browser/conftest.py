"""The built book, a browser, and its pages: what they say on the console, and whom they ask."""

from contextlib import contextmanager

import pytest
from live_figure import Figure, watched

from benchmarks.chromium import chromium, serve_book


@pytest.fixture(scope="session")
def server():
    """The built book's server: `url`, and `asked`, all that it was asked for."""
    with serve_book() as site:
        yield site


@pytest.fixture(scope="session")
def browser():
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="session")
def open_page(browser, server):
    """`with open_page("index", width=360) as page`: a page of the book in a context of its own.

    At the end of the block there must have been no trouble and no request that leaves the host.
    `script`: False turns JavaScript off. Other keywords are those of the browser's context.
    """

    @contextmanager
    def opened(name, width=1280, theme="light", script=True, **options):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            java_script_enabled=script,
            **options,
        )
        page = watched(context, server.url)
        try:
            page.goto(f"{server.url}/book/{name}.html", wait_until="networkidle")
            yield page
            assert page.trouble == []
            assert page.outside == []
        finally:
            context.close()

    return opened


@pytest.fixture(scope="module")
def loaded(open_page):
    """`with loaded("index") as figure`: a page's figure, its model loaded and a text written."""

    @contextmanager
    def opened(name, **options):
        allowed = ["clipboard-read", "clipboard-write"]
        with open_page(name, permissions=allowed, **options) as page:
            figure = Figure(page)
            figure.load()
            yield figure

    return opened
