"""A figure with its model, by what a reader sees: roles, labels and names."""

import re
from functools import cache
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from benchmarks.chromium import HTML
from charrnn.runs import Run, load_run
from charrnn.sample import sample

SHOTS = HTML.parent / "screenshots"
RUNS = {
    "index": "shakespeare",
    "03-paul-graham": "paul_graham",
    "04-shakespeare": "shakespeare",
    "05-wikipedia": "wikipedia",
    "06-algebraic-geometry": "stacks",
    "07-linux": "linux",
    "08-names": "names",
    "15-this-book": "book",
}
"""The pages with a sampler, and whose model it has."""
PATIENCE = 60_000
"""Milliseconds that a busy machine may take to load a model or to write a text."""
LENGTH = re.compile("^(Characters|Bytes)$")
"""The label of the field for the length: its unit is the model's."""
CONTROLS = "input, select, textarea, button"


def model_file(name: str) -> Path:
    """The model that the built pages load."""
    return HTML / "_static" / "models" / f"{name}.safetensors"


@cache
def run(name: str) -> Run:
    """A published model as Python opens it."""
    return load_run(model_file(name))


def offer(name: str) -> str:
    """What the button says that loads a model."""
    return f"Run the model here ({model_file(name).stat().st_size / 1e6:.1f} MB)"


@cache
def expected(name: str, prompt: str = "", **settings) -> str:
    """What Python writes in the portable arithmetic."""
    return sample(run(name), prompt, portable=True, unknown="skip", **settings)


def has_length(name: str, text: str, length: int) -> bool:
    """Whether a model's text is as long as asked: exactly, in characters; a model of bytes may need
    several for one, of what are nearly all ASCII."""
    if run(name).vocab.level == "byte":
        return 0.95 * length < len(text) <= length
    return len(text) == length


class Figure:
    """A sampler or the playground on an open page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.form = page.locator("form.charrnn-live").first
        self.paper = self.form.locator(".charrnn-paper").first
        self.status = self.form.locator("p.charrnn-status")
        self.foot = self.form.locator(".charrnn-foot")
        self.loader = self.form.locator(".charrnn-loader")

    def button(self, name: str) -> Locator:
        return self.form.get_by_role("button", name=name, exact=True)

    def field(self, label: str | re.Pattern) -> Locator:
        return self.form.get_by_label(label, exact=True)

    @property
    def run_button(self) -> Locator:
        return self.form.get_by_role("button", name="Run the model here")

    @property
    def begin(self) -> Locator:
        """Writes anew: "Write", in the playground "Write both"."""
        return self.form.locator("button[type=submit]")

    @property
    def temperature(self) -> Locator:
        return self.form.get_by_role("slider").first

    @property
    def prompt(self) -> str:
        return self.paper.locator("b").text_content()

    @property
    def text(self) -> str:
        """The text without its prompt."""
        return self.paper.text_content()[len(self.prompt) :]

    @property
    def selected(self) -> str:
        """What a reader who selects the whole text gets: its lines as they are seen."""
        script = "(paper) => (getSelection().selectAllChildren(paper), `${getSelection()}`)"
        return self.paper.evaluate(script)

    def load(self) -> None:
        """Load the model, and wait for the text that it writes at once."""
        self.run_button.click()
        self.button("Stop").wait_for(timeout=PATIENCE)
        self.written()

    def stop(self) -> None:
        """Press Stop by keyboard: it may move away between a mouse's two events."""
        self.button("Stop").press("Enter")

    def written(self) -> str:
        """Wait until nothing is being written; the text."""
        expect(self.button("Stop")).to_be_disabled(timeout=PATIENCE)
        return self.text

    def grown(self, length: int) -> None:
        """Wait until more than that many characters show."""
        longer = "([paper, length]) => paper.textContent.length > length"
        arguments = [self.paper.element_handle(), length]
        self.page.wait_for_function(longer, arg=arguments, timeout=PATIENCE)

    def open_settings(self) -> None:
        if not self.field("Seed").is_visible():
            self.form.locator("summary").click()

    def set(self, prompt=None, temperature=None, **settings) -> None:
        """Put values into the fields: seed, length, top_k, top_p."""
        self.open_settings()
        labels = {"seed": "Seed", "length": LENGTH, "top_k": "top_k", "top_p": "top_p"}
        for name, value in settings.items():
            fill(self.field(labels[name]), str(value))
        if temperature is not None:
            fill(self.temperature, str(temperature))
        if prompt is not None:
            fill(self.field("Prompt"), prompt)

    def write(self, prompt="", temperature=0.8, seed=7, length=300, top_k="", top_p="") -> str:
        """Write a text at these settings and wait for it."""
        self.set(prompt, temperature, seed=seed, length=length, top_k=top_k, top_p=top_p)
        self.begin.click()
        return self.written()

    def nameless(self) -> list[str]:
        """The visible controls without a name that a screen reader could say."""
        session = self.page.context.new_cdp_session(self.page)
        found = []
        for i, control in enumerate(self.form.locator(CONTROLS).all()):
            if control.is_visible() and not computed_name(session, i):
                found.append(control.evaluate("(control) => control.outerHTML"))
        session.detach()
        return found


def watched(context, url: str):
    """A new page of a context that may ask only one host, its workers included.

    `trouble`: what it said on the console as an error, and what was thrown. `outside`: the requests
    for other hosts, none of which was let through.
    """
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.trouble, page.outside = [], []
    page.on("console", lambda m: page.trouble.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: page.trouble.append(str(e)))

    def route(r):
        if r.request.url.startswith((f"{url}/", "data:", "blob:")):
            return r.fallback()
        page.outside.append(r.request.url)
        return r.abort()

    context.route("**/*", route)
    return page


def overflow(page: Page) -> int:
    """How many pixels a page is wider than its window."""
    root = "document.documentElement"
    return page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")


def fill(field: Locator, value: str) -> None:
    """Put a value into a field that has another."""
    if field.input_value() != value:
        field.fill(value)


def recorded_texts(place: Locator) -> list[str]:
    """The texts that a page stores for a figure, by temperature; there without a script only."""
    return place.locator("[data-at] pre > span").all_text_contents()


def computed_name(session, i: int) -> str:
    """The name that Chromium tells assistive programs of the form's i-th control."""
    controls = f"document.querySelector('form.charrnn-live').querySelectorAll('{CONTROLS}')"
    handle = session.send("Runtime.evaluate", {"expression": f"{controls}[{i}]"})["result"]
    asked = {"objectId": handle["objectId"], "fetchRelatives": False}
    (node,) = session.send("Accessibility.getPartialAXTree", asked)["nodes"]
    return node.get("name", {}).get("value", "").strip()
