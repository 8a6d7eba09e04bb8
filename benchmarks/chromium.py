"""Chromium at the built book: a server, a browser, and what the page's main thread did.

Used by `benchmarks.page` and by tests/browser.
"""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HTML = Path(__file__).resolve().parents[1] / "_build" / "html"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NO_BOOK = "build the book first: make book"
PIECES = 8
CATEGORIES = ["-*", "toplevel", "devtools.timeline", "blink.user_timing"]


@dataclass
class Site:
    """A running server."""

    url: str
    asked: list[str] = field(default_factory=list)
    """The path of every request that arrived, with its query."""
    pause: float = 0.0
    """Seconds between two pieces of a file, of which there are then PIECES: a slow connection."""


@contextmanager
def serve(handler: type[http.server.BaseHTTPRequestHandler], **options) -> Iterator[Site]:
    """A server on a free port of this machine; `options` go to the handler."""
    site = Site("")

    class Noting(handler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            super().do_GET()

        def copyfile(self, source, outputfile) -> None:
            if not site.pause:
                return super().copyfile(source, outputfile)
            whole = source.read()
            for i in range(PIECES):
                first, after = (len(whole) * k // PIECES for k in (i, i + 1))
                outputfile.write(whole[first:after])
                time.sleep(site.pause)

        def log_message(self, *args) -> None:
            pass

    made = functools.partial(Noting, **options)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), made) as running:
        site.url = f"http://127.0.0.1:{running.server_port}"
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield site
        running.shutdown()


def serve_book():
    """The built book; FileNotFoundError where there is none."""
    if not (HTML / "book" / "index.html").is_file():
        raise FileNotFoundError(NO_BOOK)
    return serve(http.server.SimpleHTTPRequestHandler, directory=str(HTML))


@contextmanager
def chromium() -> Iterator:
    """A headless Chromium or Chrome of this machine; FileNotFoundError where there is none."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "google-chrome", "chromium-browser")
    path = next((p for p in map(shutil.which, names) if p), None)
    if path is None:
        raise FileNotFoundError("Chromium is needed: apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


# Resolves once a figure has written: its Stop button can be pressed while it writes only.
WRITTEN = """
(press) => new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error(`nothing was written within 60 s of ${press}`)), 60_000);
  const form = document.querySelector("form.charrnn-live");
  const named = (name) =>
    [...form.querySelectorAll("button")].find((button) => button.textContent.includes(name));
  performance.mark("begun");
  new MutationObserver((_, observer) => {
    if (!named("Stop")?.disabled) return;
    observer.disconnect();
    performance.mark("ended");
    resolve(performance.measure("work", "begun", "ended").duration);
  }).observe(form, { subtree: true, childList: true, attributeFilter: ["disabled"] });
  named(press).click();
})
"""


def press_and_wait(page, name: str) -> float:
    """Press a button of the page's figure; milliseconds until the text that follows is written."""
    return page.evaluate(WRITTEN, name)


@dataclass(frozen=True)
class Task:
    """One piece of work of the page's main thread, at whose end it looks at what else waits."""

    ms: float
    """Thread time: what the thread computed, without waiting for a core."""
    what: str


# Resolves after a frame with a layout, then one without.
LAID_OUT = """
() => new Promise((resolve) => {
  const mark = document.body.appendChild(document.createElement("div"));
  mark.textContent = "laid out";
  requestAnimationFrame(() => requestAnimationFrame(() => {
    mark.remove();
    requestAnimationFrame(() => requestAnimationFrame(resolve));
  }));
})
"""


def traced_tasks(page, name: str) -> list[Task]:
    """Press a button of the figure; the tasks of the page until all is written, largest first.

    At the first layout after a page has loaded Chromium reads all its text once, for itself
    (`ChromeRenderFrameObserver::CapturePageText`, 4 to 7 ms in a long chapter, inside that frame's
    task). That layout is made before the trace begins.
    """
    browser = page.context.browser
    page.evaluate(LAID_OUT)
    browser.start_tracing(page=page, categories=CATEGORIES)
    try:
        press_and_wait(page, name)
    finally:
        raw = browser.stop_tracing()
    return tasks_between(json.loads(raw)["traceEvents"], "begun", "ended")


def tasks_between(events: list[dict], begun: str, ended: str) -> list[Task]:
    """The tasks of the thread that set two marks which were not over at the one, and had begun at
    the other, largest first."""
    marks = {e["name"]: e for e in events if e.get("cat") == "blink.user_timing"}
    first, last = marks[begun], marks[ended]
    thread = first["pid"], first["tid"]
    own = [e for e in events if (e["pid"], e["tid"]) == thread and e["ph"] == "X" and "tdur" in e]
    outer = [
        e
        for e in own
        if e["name"] == "ThreadControllerImpl::RunTask"
        and e["ts"] <= last["ts"]
        and e["ts"] + e["dur"] >= first["ts"]
    ]
    largest = sorted(outer, key=lambda e: -e["tdur"])
    return [Task(e["tdur"] / 1000, _named(e, own)) for e in largest]


def _named(task: dict, events: list[dict]) -> str:
    """Where a task was posted from, and its largest parts."""
    end = task["ts"] + task["dur"]
    inner = [e for e in events if e is not task and task["ts"] <= e["ts"] < end]
    parts = [
        f"{e['name']} {e.get('args', {}).get('data', {}).get('functionName', '')}".strip()
        + f" {e['tdur'] / 1000:.1f} ms"
        for e in sorted(inner, key=lambda e: -e["tdur"])[:6]
    ]
    args = task.get("args", {})
    return f"{args.get('src_func', '?')} ({args.get('src_file', '?')}): {', '.join(parts)}"
