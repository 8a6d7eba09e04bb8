"""Samples and models to look at: in a notebook with a kernel, and on a page without one.

`live(run)` is the one line that gives a chapter its slider. In a live notebook (Jupyter, Colab,
VS Code) it is an ordinary ipywidgets box that samples in the kernel. What it stores as `text/html`
is for a page that has no kernel: texts recorded at a few temperatures, which need no script at all,
and the address of the run's published model, with which the book's script runs the network in the
reader's browser. `live(run, in_browser=True)` shows that script's figure in the notebook too.

Text from a model is text: it is escaped, never parsed as HTML.
"""

from __future__ import annotations

from charrnn.widgets.evolution import Evolution, evolution
from charrnn.widgets.inspector import Inspector, inspector
from charrnn.widgets.looked_back import LookedBack, looked_back
from charrnn.widgets.markup import sample_html
from charrnn.widgets.playground import Playground, playground
from charrnn.widgets.slider import TemperatureSlider, live
from charrnn.widgets.transplant import Transplant, transplant

__all__ = [
    "Evolution",
    "Inspector",
    "LookedBack",
    "Playground",
    "TemperatureSlider",
    "Transplant",
    "evolution",
    "inspector",
    "live",
    "looked_back",
    "playground",
    "sample_html",
    "transplant",
]
