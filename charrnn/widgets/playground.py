"""All recorded models on one page: the reader chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ipywidgets

from charrnn.escape import escaped
from charrnn.runs import Run
from charrnn.widgets.markup import attributes
from charrnn.widgets.slider import TemperatureSlider, live, stored_form

PROMPT = "The "


def playground(runs: Sequence[Run], prompts: Mapping[str, str] | None = None) -> Playground:
    """The playground of these runs: in a notebook one slider with a choice of models; on a page of
    the book the models run in the browser, with the next character's probabilities as bars.

    prompts: by name of the run, what a page's prompt begins with ("The " where none is given).
    ValueError where there are no runs.
    """
    return Playground(runs, prompts or {})


class Playground(ipywidgets.VBox):
    """A choice of runs above the chosen one's `TemperatureSlider`."""

    def __init__(self, runs: Sequence[Run], prompts: Mapping[str, str]) -> None:
        if not runs:
            raise ValueError("runs is empty; give at least one run")
        self._runs, self._prompts = list(runs), prompts
        self._sliders: dict[int, TemperatureSlider] = {}
        self.choice = ipywidgets.Dropdown(
            options=[(run.info.get("title", run.name), i) for i, run in enumerate(self._runs)],
            value=0,
            description="Model",
        )
        self.choice.observe(lambda _: self._choose(), "value")
        super().__init__()
        self._choose()

    def _choose(self) -> None:
        i = self.choice.value
        if i not in self._sliders:
            self._sliders[i] = live(self._runs[i])
        self.children = [self.choice, self._sliders[i]]

    def static_html(self) -> str:
        """The form for a page: every model's recorded texts, folded under its title."""
        return f'<div class="charrnn-models" data-charrnn="playground">{self._parts()}</div>'

    def _parts(self) -> str:
        parts = ""
        for run in self._runs:
            stored, title = stored_form(run), run.info.get("title", run.name)
            prompt = self._prompts.get(run.name, PROMPT)
            data = attributes({"title": title, "prompt": prompt} | stored.address())
            choice = f'<div class="charrnn-sampler">{stored.choice()}</div>'
            opened = " open" if not parts else ""
            parts += (
                f"<details {data}{opened}><summary>{escaped(title)}</summary>{choice}</details>"
            )
        return parts

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """The live widget for a notebook, and beside it the form that a built page shows."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "text/html": self.static_html()}
