"""Looking inside: what every unit does, which rule it follows, and whether the text goes by it.

`inside.py` the network with nothing thrown away, `trace.py` a short text character by character,
`states.py` a long one in bounded memory, `ranking.py` every unit against every rule, `linear.py`
the whole state against them, `controls.py` what scores are worth, `census.py` all of these,
`selection.py` the units that go with a stretch of text, `cause.py` units held and states copied,
`memory.py` how long it remembers.
"""

from __future__ import annotations

from charrnn.probe.cause import clamp, transplant
from charrnn.probe.census import rank_units, take_census
from charrnn.probe.memory import connectivity, remembering
from charrnn.probe.selection import select_units
from charrnn.probe.states import states
from charrnn.probe.trace import Trace, trace

__all__ = [
    "Trace",
    "clamp",
    "connectivity",
    "rank_units",
    "remembering",
    "select_units",
    "states",
    "take_census",
    "trace",
    "transplant",
]
