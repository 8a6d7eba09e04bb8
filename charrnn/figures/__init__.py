"""The figures of the book: arrays in, a matplotlib Figure out. A file a subject:

look.py      colours and type, the same on light and dark pages; `show` puts a figure on a page
curves.py    loss while a network learns
samples.py   measures of samples against temperature and beside real text
measures.py  the same, straight from a run's measures.json
loops.py     a text that repeats itself
latex.py     LaTeX: closed environments, edits, a page
markup.py    markup and XML: what closes at which distance, what each layer costs
copying.py   how new texts are, and the longest copied run
names.py     names: new ones, their letters and their neighbours
source.py    source code with what is the matter in it
firings.py   a text coloured by one unit, and what was guessed at each character
neurons.py   what single units know, and how many do
evolution.py measures of samples over a training, and the order in which things are learned
memory.py    how long gates, gradients and changed states last
yardsticks.py  a network beside what counts, matches or reads along
speed.py     programs side by side: how fast, at what cost, below which bound
diagrams.py  networks as boxes and arrows
"""

from charrnn.figures import diagrams
from charrnn.figures.copying import longest_copies, novelty
from charrnn.figures.curves import compare_curves, learning_curve, spread
from charrnn.figures.evolution import evolution, learning_order
from charrnn.figures.firings import firings, looked_back, paint
from charrnn.figures.latex import closed_by_distance, edits_by_reason, typeset_page
from charrnn.figures.look import (
    BLUE,
    DARK,
    DASHES,
    INK,
    LIGHT,
    MODEL,
    MONO,
    ORANGE,
    PALETTE,
    PINK,
    REAL,
    TEAL,
    WIDTH,
    png,
    show,
    style,
    visible,
)
from charrnn.figures.loops import closing_in, cycle_figure
from charrnn.figures.markup import kept_by_distance, layer_costs, shares_by_temperature
from charrnn.figures.measures import (
    by_number,
    compared,
    nothing,
    speeches,
    spread_of_samples,
    trade,
)
from charrnn.figures.memory import connectivity, effects, half_lives, saturation
from charrnn.figures.names import name_distances, name_parts, new_names, spelled_name
from charrnn.figures.neurons import around, census, leaving, ramp, rule_scores, shares_by_size
from charrnn.figures.samples import (
    bars_with_intervals,
    softmax_temperature,
    speech_lengths,
    temperature_sweep,
)
from charrnn.figures.source import marked_source, name_costs
from charrnn.figures.speed import caches, cost_curves, distances, race
from charrnn.figures.yardsticks import by_order, closing, ladder

__all__ = [
    "BLUE", "DARK", "DASHES", "INK", "LIGHT", "MODEL", "MONO", "ORANGE", "PALETTE", "PINK", "REAL",
    "TEAL", "WIDTH", "around", "bars_with_intervals", "by_number", "by_order", "caches", "census",
    "closed_by_distance", "closing", "closing_in", "compare_curves", "compared", "connectivity",
    "cost_curves", "cycle_figure", "diagrams", "distances", "edits_by_reason", "effects",
    "evolution", "firings", "half_lives", "kept_by_distance", "ladder", "layer_costs",
    "learning_curve", "learning_order", "leaving", "longest_copies", "looked_back", "marked_source",
    "name_costs", "name_distances", "name_parts", "new_names", "nothing", "novelty", "paint", "png",
    "race", "ramp", "rule_scores", "saturation", "shares_by_size", "shares_by_temperature", "show",
    "softmax_temperature", "speech_lengths", "speeches", "spelled_name", "spread",
    "spread_of_samples", "style", "temperature_sweep", "trade", "typeset_page", "visible",
]  # fmt: skip
