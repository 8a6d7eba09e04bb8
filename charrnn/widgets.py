"""Samples in a notebook: as text, and behind a temperature slider.

A slider needs something that answers. In a live notebook that is the kernel, and
`TemperatureSlider` is an ordinary ipywidgets box that calls a sampling function. A page of the
built book has no kernel, and there a stored ipywidgets slider shows nothing, or moves and changes
nothing. So the widget has a second form, as `text/html`: samples recorded at a few temperatures,
and a row of radio buttons to choose among them. It works without any script; and without its style
sheet, too, since then all samples show, each under its temperature. The book's script finds it by
`data-charrnn` and puts a live sampler in its place.

Text from a model is text: it is escaped, never parsed as HTML.
"""

from __future__ import annotations

import hashlib
import html
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

import ipywidgets
from IPython.display import HTML

# The first rule undoes the book's theme, which paints every output white on its dark page.
_TEXT_CSS = """
html[data-theme="dark"] .bd-content div.cell_output
.text_html:has([class|="charrnn"]):not(:has(table.dataframe)) {
  background: none; color: inherit; padding: 0 }
.charrnn-sample { margin: 0 0 1em }
.charrnn-sample p { margin: 0 0 .3em; font-size: .9em; text-align: left }
.charrnn-sample pre { white-space: pre-wrap; overflow-wrap: anywhere; overflow: visible;
  max-width: 80ch; margin: 0; padding: .7em .9em; color: inherit; background: none;
  border: 1px solid rgba(128, 128, 128, .5); border-radius: .4em; font-size: .875em;
  line-height: 1.45; font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace }
.charrnn-sample b { font-weight: bold }
"""

_SAMPLER_CSS = """
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


def sample_html(text: str, title: str | None = None, prompt: str | None = None) -> HTML:
    """A sample as a block of text for a notebook: wrapped, escaped, legible on light and dark.

    title: a line above it. prompt: what the model was given, in bold before its `text`.
    """
    return HTML(f"{_style(_TEXT_CSS)}{_block(text, title, prompt)}")


def _block(text: str, title: str | None, prompt: str | None) -> str:
    above = f"<p>{html.escape(title)}</p>" if title else ""
    given = f"<b>{html.escape(prompt)}</b>" if prompt else ""
    # A parser drops a newline right after <pre>: this one, and not one of the sample's.
    return f'<div class="charrnn-sample">{above}<pre>\n{given}{html.escape(text)}</pre></div>'


def _style(css: str) -> str:
    return f"<style>{' '.join(css.split())}</style>"


class TemperatureSlider(ipywidgets.VBox):
    """A model's text at the temperature of a slider: live with a kernel, recorded without one.

    sample: called with the keywords `prompt`, `length`, `temperature`, `seed`; returns the
    continuation as a string, or an iterator of pieces, which are shown as they come. A
    `ValueError` from it (an unknown character in the prompt, say) is shown in place of the text.
    recorded: temperature to continuation, of the same `prompt`: what shows before the first
    sample is drawn, and all there is on a page without a kernel. ValueError where it is empty.
    run: the recorded run that the page's script may sample from. temperature: where to start;
    the nearest recorded one is taken. length: characters. seed: of the first draw.

    `slider`, `prompt`, `length`, `another` and `shown` are its parts.
    """

    def __init__(
        self,
        sample: Callable[..., str | Iterable[str]],
        recorded: Mapping[float, str],
        prompt: str = "",
        *,
        run: str = "",
        temperature: float = 0.8,
        length: int = 300,
        seed: int = 0,
    ) -> None:
        if not recorded or min(recorded) < 0:
            raise ValueError(
                f"recorded holds temperatures {sorted(recorded)}; give at least one, none below 0"
            )
        self._sample, self._seed, self._run = sample, seed, run
        self._recorded = dict(sorted(recorded.items()))
        self._start = min(self._recorded, key=lambda t: abs(t - temperature))
        self._given = prompt
        self._build(prompt, length)
        text = self._recorded[self._start]
        self.shown.value = _block(text, f"temperature {self._start:g}, recorded", prompt)
        controls = ipywidgets.Box(
            [self.slider, self.prompt, self.length, self.another],
            layout=ipywidgets.Layout(flex_flow="row wrap"),
        )
        hidden = ipywidgets.Layout(display="none")
        css = ipywidgets.HTML(_style(_TEXT_CSS), layout=hidden)
        super().__init__([css, controls, self.shown])

    def _build(self, prompt: str, length: int) -> None:
        """The controls; any change draws a new sample, a button the next seed's."""
        wide = {"description_width": "initial"}
        self.slider = ipywidgets.FloatSlider(
            value=self._start, min=0.1, max=2.0, step=0.1, readout_format=".1f",
            description="Temperature", continuous_update=False, style=wide,
        )  # fmt: skip
        self.prompt = ipywidgets.Textarea(  # of several lines: a prompt may hold newlines
            value=prompt, description="Prompt", continuous_update=False, rows=1, style=wide
        )
        self.length = ipywidgets.BoundedIntText(
            value=length, min=1, max=5000, description="Characters", style=wide,
            layout=ipywidgets.Layout(width="11em"),
        )  # fmt: skip
        self.another = ipywidgets.Button(description="Another", tooltip="Draw with the next seed")
        self.shown = ipywidgets.HTML(layout=ipywidgets.Layout(width="auto"))
        for control in (self.slider, self.prompt, self.length):
            control.observe(lambda _: self._draw(), "value")
        self.another.on_click(lambda _: self._draw(step=1))

    def _draw(self, step: int = 0) -> None:
        """Sample and show; what was there stays until the first character has come."""
        self._seed += step
        prompt, text, shown_at = self.prompt.value, "", -1.0
        title = f"temperature {self.slider.value:.1f}, seed {self._seed}"
        try:
            for text in self._grow():
                if time.monotonic() - shown_at > 0.1:
                    self.shown.value = _block(text, title, prompt)
                    shown_at = time.monotonic()
            self.shown.value = _block(text, title, prompt)
        except ValueError as error:
            self.shown.value = f'<p role="alert">{html.escape(str(error))}</p>'

    def _grow(self) -> Iterator[str]:
        """The sample so far, piece by piece, up to the length asked for."""
        length, text = self.length.value, ""
        pieces = self._sample(
            prompt=self.prompt.value,
            length=length,
            temperature=round(self.slider.value, 2),
            seed=self._seed,
        )
        for piece in [pieces] if isinstance(pieces, str) else pieces:
            text = (text + piece)[:length]
            yield text
            if len(text) == length:
                return

    def static_html(self) -> str:
        """The form for a page without a kernel: recorded samples, chosen by radio buttons."""
        identity = repr((self._run, self._given, self._recorded)).encode()
        name = f"charrnn-{hashlib.sha256(identity).hexdigest()[:10]}"  # the same in every build
        css, radios, samples = [], "", ""
        for i, (t, text) in enumerate(self._recorded.items(), start=1):
            checked = " checked" if t == self._start else ""
            button = f'<input type="radio" name="{name}" value="{t:g}"{checked}>'
            radios += f"<label>{button}{t:g}</label>"
            samples += _block(text, f"Temperature {t:g}", self._given)
            css.append(
                f".charrnn-sampler:has(label:nth-of-type({i}) :checked) "
                f".charrnn-sample:nth-of-type({i})"
            )
        style = _style(_TEXT_CSS + _SAMPLER_CSS % ",".join(css))
        return (
            f'<div class="charrnn-sampler" {self._data()}>{style}'
            f"<fieldset><legend>Temperature</legend>{radios}</fieldset>"
            f'<div class="charrnn-samples">{samples}</div></div>'
        )

    def _data(self) -> str:
        """What the page's script needs to sample by itself, as attributes."""
        data = {
            "charrnn": "sampler",
            "run": self._run,
            "temperatures": " ".join(f"{t:g}" for t in self._recorded),
            "temperature": f"{self._start:g}",
            "prompt": self._given,
            "length": self.length.value,
            "seed": self._seed,
        }
        return " ".join(f'data-{name}="{html.escape(str(v))}"' for name, v in data.items())

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """The live widget for a notebook, and beside it the form that a built page shows."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "text/html": self.static_html()}
