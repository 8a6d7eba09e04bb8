"""The stored form of samples: HTML that shows everything without a script, and tells one the rest.

The script of the book's pages (charrnn/static) finds a figure by `data-charrnn`, reads the recorded
texts out of it (`data-at` is a text's temperature) and puts the live figure in its place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from IPython.display import HTML

from charrnn.escape import escaped
from charrnn.runs import Run, list_runs

# The first rule undoes the book's theme, which paints every output white on its dark page.
TEXT_CSS = """
html[data-theme="dark"] .bd-content div.cell_output
.text_html:has([class|="charrnn"]):not(:has(table.dataframe)) {
  background: none; color: inherit; padding: 0 }
.charrnn-sample { margin: 0 0 1em }
.charrnn-sample p { margin: 0 0 .3em; font-size: .9em; text-align: left }
.charrnn-sample pre { white-space: pre-wrap; overflow-wrap: anywhere; overflow: visible;
  max-width: 80ch; margin: 0; padding: .7em .9em; color: inherit; background: none;
  border: 1px solid rgba(128, 128, 128, .5); border-radius: .4em; font-size: .875em;
  line-height: 1.45; font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace }
.charrnn-sample pre + p { margin-top: .6em }
.charrnn-sample b { font-weight: bold }
"""

_CHOICE_CSS = """
.charrnn-sampler fieldset { display: flex; flex-wrap: wrap; gap: .4em; min-width: 0;
  border: 0; margin: 0 0 .6em; padding: 0 }
.charrnn-sampler legend { float: none; width: auto; margin: 0 0 .3em; padding: 0; font-size: 1em }
.charrnn-sampler label { display: inline-flex; align-items: center; gap: .4em; margin: 0;
  padding: .25em .7em; cursor: pointer; border: 1px solid rgba(128, 128, 128, .5);
  border-radius: .4em; font-variant-numeric: tabular-nums }
.charrnn-sampler input { margin: 0; accent-color: currentColor }
.charrnn-sampler label:has(:checked) { background: rgba(128, 128, 128, .2);
  border-color: currentColor }
@supports selector(:has(a)) {
  .charrnn-sampler .charrnn-sample, .charrnn-sampler .charrnn-sample p { display: none }
  %s { display: block }
}
"""


@dataclass(frozen=True)
class Stored:
    """What a page without a kernel shows of a run, and what its script needs."""

    recorded: Mapping[float, str]
    """Temperature to continuation, of the same prompt; at least one, none below 0."""
    prompt: str = ""
    title: str = "Sampler"
    """The figure's name, for screen readers and menus."""
    temperature: float = 0.8
    """Where the slider starts; the nearest recorded one is taken."""
    length: int = 300
    seed: int = 0
    model: Mapping[str, str | int] | None = None
    """`page_model` of the run, or None where the page has no model to load."""

    def __post_init__(self) -> None:
        if not self.recorded or min(self.recorded) < 0:
            raise ValueError(
                f"recorded holds temperatures {sorted(self.recorded)}; give at least one, none "
                "below 0"
            )

    @property
    def start(self) -> float:
        """The recorded temperature that shows first."""
        return min(sorted(self.recorded), key=lambda t: abs(t - self.temperature))

    def sampler(self) -> str:
        """The figure of a chapter: recorded samples, chosen by radio buttons."""
        data = {
            "charrnn": "sampler",
            "title": self.title,
            "temperature": f"{self.start:g}",
            "prompt": self.prompt,
            "length": self.length,
            "seed": self.seed,
        }
        told = attributes(data | self.address())
        return f'<div class="charrnn-sampler" {told}>{self.choice()}</div>'

    def address(self) -> dict[str, str | int]:
        """The model's part of the attributes."""
        return dict(self.model or {})

    def choice(self) -> str:
        """Radio buttons and the samples that they choose among, without any script."""
        recorded = dict(sorted(self.recorded.items()))
        identity = repr((self.title, self.prompt, recorded)).encode()
        name = f"charrnn-{hashlib.sha256(identity).hexdigest()[:10]}"  # the same in every build
        css, radios, samples = [], "", ""
        for i, (t, text) in enumerate(recorded.items(), start=1):
            checked = " checked" if t == self.start else ""
            button = f'<input type="radio" name="{name}" value="{t:g}"{checked}>'
            radios += f"<label>{button}{t:g}</label>"
            samples += block(text, f"Temperature {t:g}", self.prompt, at=t)
            css.append(
                f".{name}:has(label:nth-of-type({i}) :checked) .charrnn-sample:nth-of-type({i})"
            )
        return (
            f"{style(TEXT_CSS + _CHOICE_CSS % ','.join(css))}"
            f'<div class="{name}"><fieldset><legend>Temperature</legend>{radios}</fieldset>'
            f'<div class="charrnn-samples">{samples}</div></div>'
        )


def page_model(run: Run) -> dict[str, str | int] | None:
    """Where the book's pages find the model of a recorded run, and its size; None for others.

    The address is relative to the site's root; the hash in it makes a new model a new address.
    """
    file = run.folder / "model.safetensors"
    if run.folder.resolve() not in [folder.resolve() for folder in list_runs()]:
        return None
    raw = file.read_bytes()
    version = hashlib.sha256(raw).hexdigest()[:12]
    return {"model": f"_static/models/{run.folder.name}.safetensors?v={version}", "bytes": len(raw)}


def sample_html(text: str, title: str | None = None, prompt: str | None = None) -> HTML:
    """A sample as a block of text for a notebook: wrapped, escaped, legible on light and dark.

    title: a line above it. prompt: what the model was given, in bold before its `text`.
    """
    return HTML(f"{style(TEXT_CSS)}{block(text, title, prompt)}")


def block(text: str, title: str | None, prompt: str | None, at: float | None = None) -> str:
    """One text in a box; `at` is the temperature that a script is told."""
    above = f"<p>{escaped(title)}</p>" if title else ""
    given = f"<b>{escaped(prompt)}</b>" if prompt else ""
    told = "" if at is None else f' data-at="{at:g}"'
    written = f"<span>{escaped(text)}</span>"
    # A parser drops a newline right after <pre>: this one, and not one of the sample's.
    return f'<div class="charrnn-sample"{told}>{above}<pre>\n{given}{written}</pre></div>'


def attributes(data: Mapping[str, object]) -> str:
    """`data-` attributes for a script."""
    return " ".join(f'data-{name}="{escaped(str(v))}"' for name, v in data.items())


def script_data(data: Mapping[str, object]) -> str:
    """What a script needs to know, as JSON; no text of it can end the element that holds it."""
    encoded = json.dumps(data, allow_nan=False)
    for character in "<>&":
        encoded = encoded.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json">{encoded}</script>'


def style(css: str) -> str:
    """A style element, its rules on one line."""
    return f"<style>{' '.join(css.split())}</style>"
