"""A model's text behind a temperature slider: in the kernel, and as a page stores it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache

import ipywidgets

from charrnn.chapters import slider_texts
from charrnn.escape import escaped
from charrnn.runs import Run
from charrnn.sample import sample_many, stream
from charrnn.widgets.markup import TEXT_CSS, Stored, block, page_model, style

SLIDER_SEED = 7
"""Of the texts that `charrnn measure` keeps for the slider's stops."""
STOPS = (0.3, 0.5, 0.8, 1.0, 1.2)
"""Temperatures at which a run without kept texts is sampled for the stored form."""


def live(run: Run, *, length: int = 500, temperature: float = 0.8, in_browser: bool = False):
    """The slider of a run: `live(run)` as the last line of a cell is all that a chapter needs.

    Samples in the kernel, on a GPU where there is one. Stored, it shows the texts kept with the run
    (for one that has none, a few are drawn now), and a page of the book runs a recorded run's model
    in the browser. in_browser: sample in this notebook's browser as well, by the same script
    (needs the package anywidget; ImportError says so).
    """
    stored = stored_form(run, length=length, temperature=temperature)
    if in_browser:
        from charrnn.widgets.browser import in_browser as figure

        return figure(run, stored)

    @cache
    def moved() -> Run:  # at the first draw, and without moving the chapter's own
        return replace(run, model=deepcopy(run.model)).to("auto")

    return TemperatureSlider(lambda **settings: stream(moved(), **settings), stored=stored)


def stored_form(run: Run, prompt: str = "", length: int = 500, temperature: float = 0.8) -> Stored:
    """What a page shows of a run."""
    title = run.info.get("title", run.name)
    return Stored(
        recorded=_recorded(run),
        prompt=prompt,
        title=f"{title}: text at the slider's temperature",
        temperature=temperature,
        length=length,
        seed=SLIDER_SEED,
        model=page_model(run),
    )


def _recorded(run: Run) -> dict[float, str]:
    if run.measures:
        return slider_texts(run)
    drawn = {t: sample_many(run, 1, length=300, temperature=t, seed=SLIDER_SEED) for t in STOPS}
    return {t: texts[0] for t, texts in drawn.items()}


class TemperatureSlider(ipywidgets.VBox):
    """A model's text at the temperature of a slider: live with a kernel, recorded without one.

    sample: called with the keywords `prompt`, `length`, `temperature`, `seed`; returns the
    continuation as a string, or an iterator of pieces, which are shown as they come. A
    `ValueError` from it (an unknown character in the prompt, say) is shown in place of the text.
    recorded: temperature to continuation, of the same `prompt`: what shows before the first
    sample is drawn, and all there is on a page without a kernel or a model. ValueError where it
    is empty. temperature: where to start; the nearest recorded one is taken. length: characters.
    seed: of the first draw. stored: all of these at once.

    `slider`, `prompt`, `length`, `another` and `shown` are its parts.
    """

    def __init__(
        self,
        sample: Callable[..., str | Iterable[str]],
        recorded: Mapping[float, str] | None = None,
        prompt: str = "",
        *,
        temperature: float = 0.8,
        length: int = 300,
        seed: int = 0,
        stored: Stored | None = None,
    ) -> None:
        self._stored = stored or Stored(
            recorded or {}, prompt, temperature=temperature, length=length, seed=seed
        )
        self._sample, self._seed = sample, self._stored.seed
        self._build()
        self._show_recorded()
        controls = ipywidgets.Box(
            [self.slider, self.prompt, self.length, self.another],
            layout=ipywidgets.Layout(flex_flow="row wrap"),
        )
        hidden = ipywidgets.Layout(display="none")
        css = ipywidgets.HTML(style(TEXT_CSS), layout=hidden)
        super().__init__([css, controls, self.shown])

    def _build(self) -> None:
        """The controls; any change draws a new sample, a button the next seed's."""
        wide = {"description_width": "initial"}
        self.slider = ipywidgets.FloatSlider(
            value=self._stored.start, min=0.1, max=2.0, step=0.1, readout_format=".1f",
            description="Temperature", continuous_update=False, style=wide,
        )  # fmt: skip
        self.prompt = ipywidgets.Textarea(  # of several lines: a prompt may hold newlines
            value=self._stored.prompt, description="Prompt", continuous_update=False, rows=1,
            style=wide,
        )  # fmt: skip
        self.length = ipywidgets.BoundedIntText(
            value=self._stored.length, min=1, max=5000, description="Characters", style=wide,
            layout=ipywidgets.Layout(width="11em"),
        )  # fmt: skip
        self.another = ipywidgets.Button(description="Another", tooltip="Draw with the next seed")
        self.shown = ipywidgets.HTML(layout=ipywidgets.Layout(width="auto"))
        for control in (self.slider, self.prompt, self.length):
            control.observe(lambda _: self._draw(), "value")
        self.another.on_click(lambda _: self._draw(step=1))

    def _show_recorded(self) -> None:
        start, prompt = self._stored.start, self._stored.prompt
        text = self._stored.recorded[start]
        self.shown.value = block(text, f"temperature {start:g}, recorded", prompt)

    def _draw(self, step: int = 0) -> None:
        """Sample and show; what was there stays until the first character has come."""
        self._seed += step
        prompt, text, shown_at = self.prompt.value, "", -1.0
        title = f"temperature {self.slider.value:.1f}, seed {self._seed}"
        try:
            for text in self._grow():
                if time.monotonic() - shown_at > 0.1:
                    self.shown.value = block(text, title, prompt)
                    shown_at = time.monotonic()
            self.shown.value = block(text, title, prompt)
        except ValueError as error:
            self.shown.value = f'<p role="alert">{escaped(str(error))}</p>'

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
        """The form for a page without a kernel."""
        return self._stored.sampler()

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """The live widget for a notebook, and beside it the form that a built page shows."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "text/html": self.static_html()}
