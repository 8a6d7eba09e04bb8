"""A text coloured by a unit of the network: in the kernel, and as a page stores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ipywidgets

from charrnn.escape import escaped
from charrnn.runs import Run
from charrnn.widgets import lasting
from charrnn.widgets.markup import TEXT_CSS, attributes, page_model, script_data, style
from charrnn.widgets.shaded import (
    LONGEST,
    QUANTITIES,
    Shaded,
    label,
    percent,
    read,
    shades_css,
    written,
)

OWN = "Your own text"
RULE = ("name", "title", "layer", "unit", "quantity", "auc", "f1", "r")
"""What a page is told of a rule; the fits are optional."""


def inspector(
    run: Run,
    passages: Mapping[str, str],
    units: Sequence[tuple[int, int]] | None = None,
    rules: Sequence[Mapping] | None = None,
    quantity: str = "c",
    memory: Mapping | None = None,
) -> Inspector:
    """A look inside a run's network while it reads: each character coloured by one unit.

    In a notebook the kernel computes it. Stored, it shows the first passage and the first unit; on
    a page of the book the run's model then runs in the reader's browser, where units are also
    searched for and held at a value.

    passages: texts to choose from, by name; at most 2,000 characters each that the model knows
    (the others are left out). units: (layer, unit) to begin with, counted from 0; the first one is
    shown. Without any, those of the rules. rules: units that are known to follow a rule, each with
    title, layer, unit, and maybe quantity and its fit (auc, f1 or r). quantity: "c" colours by
    tanh(c), "h" by h, as always where the network is no LSTM. memory: how long each unit holds what
    it holds, as `run.measures["neurons"]["memory"]` has it: then that is told and drawn too.
    ValueError where there is no passage, or one of these is not as described.
    """
    return Inspector(run, passages, units, rules, quantity, memory)


class Inspector(ipywidgets.VBox):
    """A choice of texts and units above the coloured text; `passage`, `own`, `layer`, `unit`,
    `quantity`, `rule`, `shown`, `position`, `expected` and `lasting` are its parts."""

    def __init__(
        self,
        run: Run,
        passages: Mapping[str, str],
        units: Sequence[tuple[int, int]] | None = None,
        rules: Sequence[Mapping] | None = None,
        quantity: str = "c",
        memory: Mapping | None = None,
    ) -> None:
        if not passages:
            raise ValueError("passages is empty; give at least one text with its name")
        if quantity not in QUANTITIES:
            raise ValueError(f"quantity is {quantity!r}; it must be c or h")
        self._run, self._passages, self._read = run, dict(passages), {}
        self._start = quantity if run.model.config.cell == "lstm" else "h"
        self._rules = [_plain(rule) for rule in rules or ()]
        named = [(rule["layer"], rule["unit"]) for rule in self._rules]
        self._units = [(int(layer), int(unit)) for layer, unit in units or named or [(0, 0)]]
        for layer, unit in [*self._units, *named]:
            self._check(layer, unit)
        self._memory = lasting.checked(memory, run.model.config) if memory else None
        self._build()
        self._arrange()
        self._show()

    def _check(self, layer: int, unit: int) -> None:
        config = self._run.model.config
        if not (0 <= layer < config.layers and 0 <= unit < config.hidden):
            raise ValueError(
                f"there is no unit {unit} in layer {layer}; layers are 0 to {config.layers - 1}, "
                f"units 0 to {config.hidden - 1}"
            )

    def _build(self) -> None:
        """The controls; any change shows the text anew."""
        config, (layer, unit) = self._run.model.config, self._units[0]
        self.passage = ipywidgets.Dropdown(options=[*self._passages, OWN], description="Text")
        self.own = ipywidgets.Textarea(description=OWN, continuous_update=False)
        layers = [(str(n + 1), n) for n in range(config.layers)]
        self.layer = ipywidgets.Dropdown(options=layers, value=layer, description="Layer")
        self.unit = ipywidgets.BoundedIntText(unit, max=config.hidden - 1, description="Unit")
        kinds = [(name, key) for key, name in QUANTITIES.items()]
        self.quantity = ipywidgets.Dropdown(
            options=kinds, value=self._start, description="Colour by"
        )
        titles = [(_titled(rule), i) for i, rule in enumerate(self._rules)]
        self.rule = ipywidgets.Dropdown(
            options=[("any", None), *titles], description="What it does"
        )
        self.position = ipywidgets.IntSlider(1, 1, 1, description="Character")
        self.shown, self.expected, self.lasting = (ipywidgets.HTML() for _ in range(3))
        for control in (
            self.passage,
            self.own,
            self.layer,
            self.unit,
            self.quantity,
            self.position,
        ):
            control.observe(lambda _: self._show(), "value")
        self.rule.observe(lambda _: self._follow(), "value")

    def _arrange(self) -> None:
        """All parts that this network and these data have a use for."""
        config = self._run.model.config
        row = [self.rule] * bool(self._rules) + [self.layer] * (config.layers > 1) + [self.unit]
        row += [self.quantity] * (config.cell == "lstm")
        hidden = ipywidgets.Layout(display="none")
        css = ipywidgets.HTML(style(shades_css("c") + shades_css("h")), layout=hidden)
        units = ipywidgets.Box(row, layout=ipywidgets.Layout(flex_flow="row wrap"))
        texts = [self.passage, self.own]
        below = [self.shown, self.position, self.expected] + [self.lasting] * bool(self._memory)
        super().__init__([css, *texts, units, *below])

    def _follow(self) -> None:
        """The unit of a rule."""
        if self.rule.value is None:
            return
        rule = self._rules[self.rule.value]
        self.layer.value, self.unit.value = rule["layer"], rule["unit"]
        if self._run.model.config.cell == "lstm":
            self.quantity.value = rule.get("quantity", self.quantity.value)

    def _show(self) -> None:
        """The chosen text in the chosen unit's colours, and what was expected at one place."""
        own = self.passage.value == OWN
        self.own.layout.display = "" if own else "none"
        text = self.own.value if own else self._passages[self.passage.value]
        try:
            found = self._traced(text)
        except ValueError as error:
            said = f'<p role="alert">{escaped(str(error))}</p>'
            self.shown.value, self.expected.value = said if text else "", ""
            return
        places, chosen = found.places(), (self.layer.value, self.unit.value, self.quantity.value)
        self.position.max = len(places)
        self.shown.value = found.html(*chosen, marked=self.position.value - 1)
        self.expected.value = _expected(found, places[self.position.value - 1][1], *chosen)
        self.lasting.value = self._lasting(*chosen[:2])

    def _lasting(self, layer: int, unit: int) -> str:
        """How long a unit holds what it holds, where that is known."""
        if not self._memory:
            return ""
        noun = "byte" if self._run.vocab.level == "byte" else "character"
        number = layer * self._run.model.config.hidden + unit
        return lasting.shown(self._memory, number, noun)

    def _traced(self, text: str) -> Shaded:
        """A text that was read before is not read again."""
        if text not in self._read:
            self._read[text] = read(self._run, text)
        return self._read[text]

    def static_html(self) -> str:
        """The form for a page: the first passage in the first unit's colours, which needs no
        script, and for the script of the book's pages all passages, units and rules."""
        name, text = next(iter(self._passages.items()))
        layer, unit = self._units[0]
        found = self._traced(text)
        title = self._run.info.get("title", self._run.name)
        told = {"charrnn": "inspector", "title": f"{title}: inside the network"}
        attached = attributes(told | (page_model(self._run) or {}))
        said = (
            f"{QUANTITIES[self._start]} of unit {unit} in layer {layer + 1} after each character "
            f"of “{name}”: {_colours(self._start)}"
        )
        return (
            f'<div class="charrnn-inspector charrnn-sample" {attached}>'
            f"{style(TEXT_CSS + shades_css(self._start))}<p>{escaped(said)}</p>"
            f"{found.html(layer, unit, self._start)}{self._lasting(layer, unit)}"
            f"{self._data()}</div>"
        )

    def _data(self) -> str:
        """What the script needs to know."""
        for name, text in self._passages.items():
            known = len(self._run.vocab.encode(text, unknown="skip"))
            if not 1 <= known <= LONGEST:
                raise ValueError(
                    f"passage {name!r} has {known:,} symbols that the model knows; it must have 1 "
                    f"to {LONGEST:,}"
                )
        passages = [{"name": name, "text": text} for name, text in self._passages.items()]
        units = [list(place) for place in self._units]
        data = {"passages": passages, "units": units, "rules": self._rules}
        data |= {"quantity": self._start} | ({"memory": self._memory} if self._memory else {})
        return script_data(data)

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """The live widget for a notebook, and beside it the form that a built page shows."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "text/html": self.static_html()}


def _plain(rule: Mapping) -> dict:
    """A rule as JSON can hold it."""
    if missing := {"title", "layer", "unit"} - set(rule):
        raise ValueError(f"a rule has no {' and no '.join(sorted(missing))}: {dict(rule)}")
    kept = {key: rule[key] for key in RULE if rule.get(key) is not None}
    if kept.get("quantity", "c") not in QUANTITIES:
        raise ValueError(f"the quantity of a rule is {kept['quantity']!r}; it must be c or h")
    fits = {key: float(kept[key]) for key in ("auc", "f1", "r") if key in kept}
    return kept | fits | {"layer": int(kept["layer"]), "unit": int(kept["unit"])}


def _titled(rule: Mapping) -> str:
    return f"{rule['title']}: layer {rule['layer'] + 1}, unit {rule['unit']}"


def _colours(quantity: str) -> str:
    """What the ends of the scale look like."""
    off, on = ("red", "blue") if quantity == "c" else ("blue", "green")
    return f"{off} at −1, {on} at 1."


def _expected(found: Shaded, at: int, layer: int, unit: int, quantity: str) -> str:
    """The guesses after one symbol as a list, the one that came in bold."""
    came = found.ids[at + 1] if at + 1 < len(found.ids) else None
    rows = ""
    for i, p in found.guesses[at]:
        shown = escaped(f"{label(found.vocab, i)}  {percent(p)}")
        rows += f"<li>{f'<b>{shown}, came</b>' if i == came else shown}</li>"
    value = written(found.values[quantity][at, layer, unit])
    said = escaped(f"{label(found.vocab, found.ids[at])}: {QUANTITIES[quantity]} = {value}")
    return f"<p>After {said}. Expected next:</p><ol>{rows}</ol>"
