"""The figures of the book: arrays in, a matplotlib Figure out. A file a subject:

look.py      colours and type, the same on light and dark pages; `show` puts a figure on a page
curves.py    loss while a network learns
samples.py   measures of samples against temperature and beside real text
measures.py  the same, straight from a run's measures.json
loops.py     a text that repeats itself
diagrams.py  networks as boxes and arrows
"""

from charrnn.figures import diagrams
from charrnn.figures.curves import compare_curves, learning_curve, spread
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
from charrnn.figures.measures import (
    by_number,
    compared,
    nothing,
    speeches,
    spread_of_samples,
    trade,
)
from charrnn.figures.samples import (
    bars_with_intervals,
    softmax_temperature,
    speech_lengths,
    temperature_sweep,
)

__all__ = [
    "BLUE", "DARK", "DASHES", "INK", "LIGHT", "MODEL", "MONO", "ORANGE", "PALETTE", "PINK", "REAL",
    "TEAL", "WIDTH", "bars_with_intervals", "by_number", "closing_in", "compare_curves", "compared",
    "cycle_figure", "diagrams", "learning_curve", "nothing", "png", "show", "softmax_temperature",
    "speech_lengths", "speeches", "spread", "spread_of_samples", "style", "temperature_sweep",
    "trade", "visible",
]  # fmt: skip
