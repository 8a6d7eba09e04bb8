"""Characters a second of the book's own pages: the model in a worker of headless Chromium.

Two built pages, of the recorded 2 x 512 and 3 x 512 runs, load their models and write
texts. What a worker computed, and how long, it says itself; the reader's time is from the press of
a button to the end of the text on the page. A worker is one thread.

A slow machine is Chromium's CPU throttling, which reaches a page's main thread only: asked of a
worker's target it answers "Operation is only supported for pages, not workers", and a known loop in
a worker stays as fast as its core (both loops are timed here each time, and their slowdowns kept).
So for that number the worker's own code runs in the main thread, behind the same messages, and the
text shows at its end only (as for readers who ask for reduced motion), so that painting, which is
throttled too, does not take turns with it.

    python -m benchmarks page [--quick]
"""

from __future__ import annotations

import argparse
import sys
from contextlib import contextmanager
from statistics import median

from benchmarks.chromium import chromium, press_and_wait, serve_book, traced_tasks
from benchmarks.command import allow_shared
from benchmarks.machine import save_result

PAGES = {"paul_graham": "03-paul-graham", "shakespeare": "04-shakespeare"}
LENGTH, TRACED_LENGTH = 3000, 5000
THROTTLING = 6

# What the worker says, and when it arrives.
SPY = """
window.heard = [];
const note = ({ type, drawn, seconds, done }) =>
  heard.push({ at: performance.now(), type, drawn, seconds, done });
window.Worker = class extends Worker {
  constructor(url) {
    super(url);
    this.addEventListener("message", ({ data }) => note(data));
  }
};
"""

# The worker's source, run by the page's own thread.
IN_PAGE = """
window.heard = [];
const note = ({ type, drawn, seconds, done }) =>
  heard.push({ at: performance.now(), type, drawn, seconds, done });
const later = (work) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => (port1.close(), work());
  port2.postMessage(null);
};
window.Worker = class {
  constructor(url) {
    const request = new XMLHttpRequest();
    request.open("GET", url, false); // at once: the page gives the address back right after
    request.send();
    const postMessage = (data) => later(() => (note(data), this.onmessage({ data })));
    this.inside = { postMessage };
    new Function("self", request.responseText)(this.inside);
  }
  postMessage(data) { later(() => this.inside.onmessage({ data })); }
  terminate() {}
};
"""

LOAD = """
() => new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error("no text came within 60 s")), 60_000);
  const form = document.querySelector("form.charrnn-live");
  const begun = performance.now();
  new MutationObserver((_, observer) => {
    const loaded = heard.find(({ type }) => type === "loaded");
    if (!loaded) return;
    observer.disconnect();
    const first_character_ms = performance.now() - loaded.at;
    resolve({ load_s: (loaded.at - begun) / 1000, first_character_ms });
  }).observe(form.querySelector(".charrnn-paper"), { childList: true, subtree: true });
  [...form.querySelectorAll("button")].find((b) => b.textContent.startsWith("Run")).click();
})
"""

LOOP = """
const loop = () => {
  const begun = performance.now();
  for (let i = 0, x = 0; i < 30_000_000; i++) x = (x * 31 + i) | 0;
  return performance.now() - begun;
};
"""
MAIN_LOOP = f"() => {{ {LOOP} return loop(); }}"
WORKER_LOOP = f"""
() => new Promise((resolve) => {{
  const source = `{LOOP} postMessage(loop());`;
  const worker = new Worker(URL.createObjectURL(new Blob([source])));
  worker.onmessage = ({{ data }}) => (worker.terminate(), resolve(data));
}})
"""


@contextmanager
def opened(browser, address: str, script: str = "", **options):
    """A page with an empty cache of its own, which runs a script before its own ones."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
    page = context.new_page()
    page.add_init_script(script)
    page.goto(address, wait_until="networkidle")
    yield page
    context.close()


def set_length(page, length: int) -> None:
    """The length of the next texts; by hand it would begin one."""
    field = page.get_by_label("Characters", exact=True)
    field.evaluate("(field, length) => { field.value = length; }", length)


def texts(page, count: int) -> list[dict]:
    """Write texts of LENGTH; characters a second by the worker's clock and by the reader's."""
    set_length(page, LENGTH)
    rows = []
    for _ in range(count):
        ms = press_and_wait(page, "Next seed")
        said = page.evaluate("heard.findLast(({ done }) => done)")
        assert said["drawn"] == LENGTH, f"the text has {said['drawn']} characters"
        rows.append({"worker": LENGTH / said["seconds"], "reader": LENGTH / ms * 1000})
    return rows


def measure_run(browser, address: str, count: int) -> dict:
    """One page: loading, speed, and speed on a slow machine."""
    with opened(browser, address, SPY) as page:
        result = page.evaluate(LOAD)
        page.wait_for_function("heard.at(-1).done")
        rows = texts(page, count)
    for clock in ("worker", "reader"):
        rates = [row[clock] for row in rows]
        name = f"chars_per_s_{clock}"
        result |= {name: median(rates), f"{name}_low": min(rates), f"{name}_high": max(rates)}
    with opened(browser, address, IN_PAGE, reduced_motion="reduce") as page:
        page.evaluate(LOAD)
        page.wait_for_function("heard.at(-1).done")
        result["chars_per_s_in_page"] = median(row["worker"] for row in texts(page, count))
        throttle(page)
        slow = [row["worker"] for row in texts(page, count)]
    result["chars_per_s_throttled"] = median(slow)
    return result


def throttle(page) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": THROTTLING})


def slowdowns(browser, address: str) -> dict:
    """How much slower a loop is under throttling: in the page's main thread, and in a worker."""
    with opened(browser, address) as page:
        loops = {"main_thread": MAIN_LOOP, "worker": WORKER_LOOP}
        before = {name: min(page.evaluate(loop) for _ in range(5)) for name, loop in loops.items()}
        throttle(page)
        after = {name: min(page.evaluate(loop) for _ in range(5)) for name, loop in loops.items()}
    return {name: after[name] / before[name] for name in loops}


def largest_tasks(browser, address: str) -> dict:
    """The main thread's largest tasks, while the model loads and while a long text is written."""
    with opened(browser, address) as page:
        loading = traced_tasks(page, "Run the model here")[0]
        set_length(page, TRACED_LENGTH)
        writing = traced_tasks(page, "Next seed")[0]
    pairs = (("loading", loading), ("writing", writing))
    return {name: {"ms": task.ms, "what": task.what} for name, task in pairs}


def measure(count: int) -> dict:
    """Everything, for each page."""
    runs = {}
    with serve_book() as site, chromium() as browser:
        for name, page in PAGES.items():
            address = f"{site.url}/book/{page}.html"
            tasks = largest_tasks(browser, address)
            runs[name] = measure_run(browser, address, count) | {"largest_task": tasks}
        slowed = slowdowns(browser, f"{site.url}/book/index.html")
        version = browser.version
    return {
        "chromium": version,
        "length": LENGTH,
        "texts": count,
        "runs": runs,
        "throttling": {"rate": THROTTLING, "loop_slowdown": slowed},
    }


def show(result: dict) -> None:
    """The table."""
    print(
        f"Chromium {result['chromium']}, {result['texts']} texts of {result['length']} characters"
    )
    for name, run in result["runs"].items():
        print(f"{name}:")
        for clock in ("worker", "reader"):
            key = f"chars_per_s_{clock}"
            spread = f"{run[f'{key}_low']:,.0f} to {run[f'{key}_high']:,.0f}"
            print(f"  {run[key]:6,.0f} characters/s by the {clock}'s clock ({spread})")
        print(f"  {run['chars_per_s_in_page']:6,.0f} in the main thread")
        print(f"  {run['chars_per_s_throttled']:6,.0f} there, throttled {THROTTLING} times")
        print(
            f"  loaded in {run['load_s']:.2f} s, then {run['first_character_ms']:.0f} ms to a text"
        )
        for when, task in run["largest_task"].items():
            print(f"  largest task of the main thread, {when}: {task['ms']:.1f} ms, {task['what']}")
    slowed = result["throttling"]["loop_slowdown"]
    print(
        f"a loop under throttling: main thread {slowed['main_thread']:.1f} times slower,", end=" "
    )
    print(f"worker {slowed['worker']:.1f} times")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        "python -m benchmarks page", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="two texts each, nothing written")
    parser.add_argument("--texts", type=int, default=7)
    allow_shared(parser)
    args = parser.parse_args(arguments)
    try:
        result = measure(2 if args.quick else args.texts)
    except FileNotFoundError as error:
        sys.exit(str(error))
    show(result)
    if not args.quick:
        save_result("page", result)


if __name__ == "__main__":
    main()
