"""What a network wrote while it was trained, behind a slider: no model needed."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import ipywidgets
import numpy as np

from charrnn.chapters.evolution import marked
from charrnn.escape import escaped
from charrnn.runs import Run
from charrnn.widgets.markup import TEXT_CSS, attributes, script_data, style

CSS = """
.charrnn-sample .charrnn-unreal { background: rgba(207, 95, 18, .25); border-radius: .15em }
"""
PAUSE = 400
"""Milliseconds that a text stays while all are played; as in charrnn/static/src/evolution.mjs."""


def evolution(run: Run) -> Evolution:
    """The samples of a run's training, one at a time, chosen by their iteration.

    Above a text stand what had been read by then and the loss; words that are in no dictionary and
    not in the training text are tinted, where `run.measures["evolution"]` names them. Buttons lead
    to the iterations of the post, or those next to them. Stored, it shows the texts of these, and a
    page of the book has the slider. ValueError where the training wrote no sample.
    """
    return Evolution(run)


class Evolution(ipywidgets.VBox):
    """`slider` and `play` above `marks` (buttons) and `shown`, the text with its line."""

    def __init__(self, run: Run) -> None:
        if not run.samples:
            raise ValueError(f"{run.name} wrote nothing while it was trained; give it sample_steps")
        steps = [record["step"] for record in run.samples]
        unreal = run.measures.get("evolution", {}).get("unreal") or [()] * len(steps)
        self._title = f"{run.info.get('title', run.name)}: samples while training"
        self._steps, self._told = steps, [told(run.history, step) for step in steps]
        self._parts = [
            parts(record["text"], none) for record, none in zip(run.samples, unreal, strict=True)
        ]
        self._marked = marked(steps)
        self._build()
        self._show()

    def _build(self) -> None:
        options = [(f"{step:,}", i) for i, step in enumerate(self._steps)]
        self.slider = ipywidgets.SelectionSlider(options=options, description="Iteration")
        self.play = ipywidgets.Play(max=len(options) - 1, interval=PAUSE)
        ipywidgets.jslink((self.play, "value"), (self.slider, "index"))
        self.slider.observe(lambda _: self._show(), "index")
        self.marks = [ipywidgets.Button(description=options[i][0]) for i in self._marked]
        for i, button in zip(self._marked, self.marks, strict=True):
            button.on_click(lambda _, i=i: setattr(self.slider, "index", i))
        self.shown = ipywidgets.HTML()
        css = ipywidgets.HTML(style(TEXT_CSS + CSS), layout=ipywidgets.Layout(display="none"))
        wrap = ipywidgets.Layout(flex_flow="row wrap")
        top = ipywidgets.Box([self.slider, self.play], layout=wrap)
        super().__init__([css, top, ipywidgets.Box(self.marks, layout=wrap), self.shown])

    def _show(self) -> None:
        self.shown.value = f'<div class="charrnn-sample">{self._text(self.slider.index)}</div>'

    def _text(self, i: int) -> str:
        """A text with its line, the words that are none in spans."""
        written = "".join(
            f'<span class="charrnn-unreal">{escaped(part)}</span>' if odd else escaped(part)
            for part, odd in zip(self._parts[i], _alternating(self._parts[i]), strict=True)
        )
        return f"<p>{escaped(self._told[i])}</p><pre>\n{written}</pre>"

    def static_html(self) -> str:
        """The form for a page: the texts of the post's iterations, and for the script all."""
        named = attributes({"charrnn": "evolution", "title": self._title})
        data = {"steps": self._steps, "told": self._told, "parts": self._parts}
        data["marked"] = self._marked
        texts = "".join(self._text(i) for i in self._marked)
        return (
            f'<div class="charrnn-evolution charrnn-sample" {named}>{style(TEXT_CSS + CSS)}{texts}'
            f"{script_data(data)}</div>"
        )

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """The live widget for a notebook, and beside it the form that a built page shows."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "text/html": self.static_html()}


def told(history: Mapping[str, np.ndarray], step: int) -> str:
    """What had been read at a step, and the losses known by then, in a line.

    >>> told(run.history, 300)  # validated at step 281 last
    'Iteration 300: 1,500,000 characters read, training loss 1.66 nats, validation loss 1.63 nats'
    """
    steps = history["step"]
    read = np.interp(step, steps, history["chars"])
    said = [f"Iteration {step:,}: {read:,.0f} characters read"]
    for name, title in (("train_loss", "training"), ("val_loss", "validation")):
        known = history[name][np.isfinite(history[name]) & (steps <= step)]
        said += [f"{title} loss {known[-1]:.2f} nats"] if len(known) else []
    return ", ".join(said)


def parts(text: str, unreal: Collection[str]) -> list[str]:
    """A text cut where words begin and end that are none: those stand at the odd places.

    >>> parts("the rorse ran", ["rorse"])
    ['the ', 'rorse', ' ran']
    """
    if not unreal:
        return [text]
    longest = sorted(map(re.escape, unreal), key=len, reverse=True)
    return re.split(rf"(?<![\w'-])({'|'.join(longest)})(?![\w'-])", text)


def _alternating(found: list[str]) -> list[bool]:
    return [bool(i % 2) for i in range(len(found))]
