"""A state copied from one text into another: in the kernel, and as a page stores it."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets

from charrnn.escape import escaped
from charrnn.probe.cause import Part
from charrnn.runs import Run
from charrnn.widgets import grafted
from charrnn.widgets.grafted import Grafting
from charrnn.widgets.markup import TEXT_CSS, attributes, page_model, script_data, style

NAMES = ("The donor, as it is", "The recipient, as it is")
EVERYTHING = 1
"""Its place among the choices."""
REMINDED = 40


def transplant(
    run: Run,
    donor: str,
    recipient: str,
    units: Sequence[tuple[int, int]] = (),
    title: str | None = None,
) -> Transplant:
    """Copy a part of the state of one text into another, and see what comes next.

    Both texts are read from an empty state up to, but without, their last character; then a part of
    the donor's state takes the place of the recipient's, and the last character is read. Side by
    side stand the likeliest next characters of the donor, of the recipient and of the recipient
    with the part, and how each goes on. What is copied is chosen from a list: nothing, everything,
    h or c of all layers, those of one layer, a unit. In a notebook the kernel computes it, on a
    page of the book the run's model in the reader's browser, to the same bits; without a script
    the lists show for everything copied, and for the first of `units`.

    donor, recipient: up to 2,000 characters each that the model knows (the others are left out);
    they end in the same one. units: (layer, unit), counted from 0, whose c (h where there is no c)
    can be copied; the first one is, to begin with. title: the figure's name, for screen readers.
    ValueError where these are otherwise.
    """
    return Transplant(run, donor, recipient, units, title)


class Transplant(ipywidgets.VBox):
    """Two texts and a choice above what comes of them; `donor`, `recipient`, `part`, `layer` and
    `unit` (of one's choice), `seed` and `shown` are its parts."""

    def __init__(
        self,
        run: Run,
        donor: str,
        recipient: str,
        units: Sequence[tuple[int, int]] = (),
        title: str | None = None,
    ) -> None:
        self._run, self._texts = run, (donor, recipient)
        named = f"{run.info.get('title', run.name)}: a state copied from one text into another"
        self._title = named if title is None else title
        self._choices = grafted.choices(run.model.config, units)
        self._start = len(self._choices) - len(units) if units else EVERYTHING
        self._graft = Grafting(run)
        self._first = self._graft(donor, recipient, self._choices[EVERYTHING][1], length=0)
        self._build()
        self._show()
        self._arrange()

    def _build(self) -> None:
        """The controls; any change copies anew."""
        config, wide = self._run.model.config, {"description_width": "initial"}
        self.donor, self.recipient = (
            ipywidgets.Textarea(value=text, description=name, continuous_update=False, style=wide)
            for text, name in zip(self._texts, ("Donor", "Recipient"), strict=True)
        )
        own = f"{'c' if config.cell == 'lstm' else 'h'} of a unit of your choice"
        options = [(name, k) for k, (name, _) in enumerate(self._choices)]
        self.part = ipywidgets.Dropdown(
            options=[*options, (own, None)], value=self._start, description="What is copied",
            style=wide,
        )  # fmt: skip
        layers = [(str(n + 1), n) for n in range(config.layers)]
        self.layer = ipywidgets.Dropdown(options=layers, description="Layer")
        self.unit = ipywidgets.BoundedIntText(0, max=config.hidden - 1, description="Unit")
        self.seed = ipywidgets.BoundedIntText(1, max=2**31 - 1, description="Seed")
        self.shown = ipywidgets.HTML()
        for control in (
            self.donor, self.recipient, self.part, self.layer, self.unit, self.seed
        ):  # fmt: skip
            control.observe(lambda _: self._show(), "value")

    def _arrange(self) -> None:
        hidden = ipywidgets.Layout(display="none")
        css = ipywidgets.HTML(style(TEXT_CSS + grafted.CSS), layout=hidden)
        rows = [[self.donor, self.recipient], [self.part, self.layer, self.unit], [self.seed]]
        wrapped = ipywidgets.Layout(flex_flow="row wrap")
        boxes = [ipywidgets.Box(row, layout=wrapped) for row in rows]
        super().__init__([css, *boxes, self.shown])

    def _show(self) -> None:
        """What comes of the texts and the choice, or what is wrong with them."""
        own = self.part.value is None
        for control in (self.layer, self.unit):
            control.layout.display = "" if own else "none"
        name, parts = self._choice()
        texts = self.donor.value, self.recipient.value
        try:
            found = self._graft(*texts, parts, self.seed.value)
        except ValueError as error:
            self.shown.value = f'<p role="alert">{escaped(str(error))}</p>'
            return
        prompts = [_end(text) for text in (*texts, texts[1])]
        names = (*NAMES, f"The recipient with {name} copied")
        sides = [
            (named, side.guesses, prompt, side.text)
            for named, side, prompt in zip(names, found, prompts, strict=True)
        ]
        told = f'<div class="charrnn-sample">{grafted.lists(sides, self._run.vocab)}</div>'
        self.shown.value = told

    def _choice(self) -> tuple[str, tuple[Part, ...]]:
        if self.part.value is not None:
            return self._choices[self.part.value]
        return grafted.unit_choice(self._run.model.config, self.layer.value, self.unit.value)

    def static_html(self) -> str:
        """The form for a page: what comes after everything was copied and after the first unit,
        which needs no script, and for the script of the book's pages the texts and choices."""
        told = {"charrnn": "transplant", "title": self._title}
        attached = attributes(told | (page_model(self._run) or {}))
        texts = "".join(
            f"<p>{name}</p><pre>\n{escaped(text)}</pre>"
            for name, text in zip(("The donor:", "The recipient:"), self._texts, strict=True)
        )
        said = (
            "Both are read up to their last character; then a part of the donor’s state takes the "
            "place of the recipient’s, and the last character is read. Expected next:"
        )
        return (
            f'<div class="charrnn-transplant charrnn-sample" {attached}>'
            f"{style(TEXT_CSS + grafted.CSS)}{texts}<p>{said}</p>"
            f"{grafted.lists(self._stored_sides(), self._run.vocab)}{self._data()}</div>"
        )

    def _stored_sides(self) -> list[tuple]:
        """The donor, the recipient, everything copied, and the first unit where there is one."""
        copied = [(self._choices[EVERYTHING][0], self._first)]
        if self._start != EVERYTHING:
            name, parts = self._choices[self._start]
            copied.append((name, self._graft(*self._texts, parts, length=0)))
        plain = [(name, side.guesses) for name, side in zip(NAMES, self._first, strict=False)]
        return plain + [(f"The recipient with {n} copied", f[2].guesses) for n, f in copied]

    def _data(self) -> str:
        """What the script needs to know."""
        kinds = [{"text": t, "parts": [grafted.plain(p) for p in ps]} for t, ps in self._choices]
        donor, recipient = self._texts
        texts = {"donor": donor, "recipient": recipient}
        return script_data(texts | {"choices": kinds, "start": self._start})

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """The live widget for a notebook, and beside it the form that a built page shows."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "text/html": self.static_html()}


def _end(text: str) -> str:
    """The last characters of a text, to remind of it."""
    return text if len(text) <= REMINDED else f"… {text[-REMINDED:]}"
