"""How long the units of a network hold what they hold: a line and a small plot, as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, log

from charrnn.escape import escaped
from charrnn.model import ModelConfig
from charrnn.probe.memory import KEEPS

BROAD, HIGH = 256, 60
LEAST = 0.25
"""Characters: lower half-lives are drawn as this; charrnn/static/src/lasting.mjs does the same."""
TEAL = "#1098ad"


def checked(memory: Mapping, config: ModelConfig) -> dict:
    """What a page is told of `run.measures[...]["memory"]`: the gate by which units keep, the
    half-lives, the longest that could be seen, and how often the gate is open and closed.

    ValueError where the network has no such gate, or not one number for each unit.
    """
    gate = KEEPS.get(config.cell)
    if gate is None:
        raise ValueError("memory is given, but a plain rnn has no gates; leave it out")
    found = {
        "half_life": [float(x) for x in memory["half_life"]],
        "open": [float(x) for x in memory["right"][gate]],
        "closed": [float(x) for x in memory["left"][gate]],
    }
    units = config.layers * config.hidden
    for name, values in found.items():
        if len(values) != units:
            raise ValueError(
                f"memory has {len(values):,} numbers of {name} for a network of {units:,} units"
            )
    return {"gate": gate, "longest": int(memory["longest"])} | found


def line(memory: Mapping, number: int, noun: str) -> str:
    """What is said of a unit, counted through all layers; in "character"s or "byte"s."""
    open_, closed = (f"{floor(100 * memory[k][number] + 0.5)} %" for k in ("open", "closed"))
    return (
        f"Half of what it holds is gone after {_half(memory, number, noun)}; its {memory['gate']} "
        f"gate is nearly open (above 0.9) {open_} of the time and nearly closed (below 0.1) "
        f"{closed}."
    )


def shown(memory: Mapping, number: int, noun: str) -> str:
    """The line, and under it all half-lives, shortest first, with this unit marked."""
    lives = memory["half_life"]
    order = sorted(range(len(lives)), key=lambda k: (lives[k], k))
    said = (
        f"All {len(lives):,} units by half-life, {length_of(lives[order[0]])} to "
        f"{length_of(lives[order[-1]])} {noun}s, on a logarithmic scale; the line marks this one."
    )
    drawn = _drawn([lives[k] for k in order], order.index(number), memory["longest"])
    return (
        f'<p class="charrnn-holds">{escaped(line(memory, number, noun))}</p>{drawn}'
        f"<p><small>{escaped(said)}</small></p>"
    )


def length_of(characters: float) -> str:
    """0.4, 9.5, 12 or 1,234."""
    tenths = floor(10 * characters + 0.5)
    return f"{tenths / 10:g}" if tenths < 100 else f"{floor(characters + 0.5):,}"


def _half(memory: Mapping, number: int, noun: str) -> str:
    half = memory["half_life"][number]
    said = length_of(half)
    least = "at least " if half >= memory["longest"] else ""
    return f"{least}{said} {noun}{'' if said == '1' else 's'}"


def _drawn(lives: Sequence[float], at: int, longest: float) -> str:
    """Half-lives in order as an area, and a line at one of them."""
    most, count = max(longest, 1, lives[-1]), min(BROAD, len(lives))
    path = ""
    for k in range(count):
        life = lives[k * len(lives) // count]
        high = HIGH * min(1, log(max(life, LEAST) / LEAST) / log(most / LEAST))
        path += f"V{HIGH - high:.1f}H{(k + 1) * BROAD / count:.1f}"
    x = BROAD * (at + 0.5) / len(lives)
    return (
        f'<svg viewBox="0 0 {BROAD} {HIGH}" preserveAspectRatio="none" aria-hidden="true" '
        'style="display: block; width: 100%; max-width: 50em; height: 4.5em; '
        'border: 1px solid rgba(128, 128, 128, .5)">'
        f'<path d="M0 {HIGH}{path}V{HIGH}Z" fill="{TEAL}" fill-opacity=".75"/>'
        f'<path d="M{x:.1f} 0V{HIGH}" stroke="currentColor" stroke-width="2" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )
