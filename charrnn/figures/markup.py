"""Markup: what closes at which distance, what each layer of syntax costs, form by temperature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from charrnn.figures.look import (
    DASHES,
    INK,
    MODEL,
    REAL,
    blank,
    colour_key,
    style,
    write,
)
from charrnn.figures.measures import nothing
from charrnn.figures.samples import temperature_sweep

Bins = Sequence[Mapping[str, float] | None]


@style()
def kept_by_distance(panels: Mapping[str, tuple[Bins, Bins]], edges: Sequence[int]) -> Figure:
    """Share of openings that are closed by their own kind, by distance, a panel each.

    panels: title to the model's bins and real text's, each a dict with `value`, `low`, `high` (the
    band), or None where there was too little. edges: a bin is edges[i] <= distance < edges[i + 1];
    the axis is logarithmic, and a bin's point stands at its geometric middle.
    ValueError: bins and edges that do not go together.
    """
    for title, both in panels.items():
        if any(len(bins) != len(edges) - 1 for bins in both):
            raise ValueError(f"{title}: bins do not fit the {len(edges) - 1} of edges")
    full = {t: both for t, both in panels.items() if all(any(bins) for bins in both)}
    if not full:
        return nothing("too little text to measure: train for longer")
    bounds = np.maximum(np.asarray(edges, dtype=float), 3)  # there is no logarithm of 0
    middles = np.sqrt(bounds[:-1] * bounds[1:])
    fig, axes = blank(0.9 + 1.9 * len(full), len(full), sharex=True, squeeze=False)
    for ax, (title, (ours, real)) in zip(axes[:, 0], full.items(), strict=True):
        lows = []
        for bins, colour, marker, line in ((real, REAL, "s", DASHES), (ours, MODEL, "o", "-")):
            rows = [(x, b["value"], b["low"], b["high"])
                    for x, b in zip(middles, bins, strict=True) if b]  # fmt: skip
            x, value, low, high = np.array(rows).T
            ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
            ax.plot(x, value, color=colour, marker=marker, markersize=5, linestyle=line)
            lows.append(low.min())
        ax.set_ylim(max(0, min(lows) - 0.05), 1.02)
        ax.set_title(title)
        ax.set_xscale("log")
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    last = axes[-1, 0]
    last.set_xlabel("characters between opening and closing")
    last.minorticks_off()
    last.set_xticks(bounds[1:], [f"{edge:g}" for edge in edges[1:]])
    entries = [("model", MODEL, "s"), ("real text", REAL, "s")]
    colour_key(axes[0, 0], entries, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return fig


@style()
def layer_costs(layers: Sequence[Mapping], unit: str = "byte") -> Figure:
    """Bits a byte (or character) by layer of syntax, a bar each, the dearest first.

    layers: dicts of `layer`, `share` (of all bytes) and `bits`; the one called "all" is the mean of
    the whole text, drawn as a line.
    """
    rows = sorted((r for r in layers if r["layer"] != "all"), key=lambda r: -r["bits"])
    if not rows:
        return nothing("too little text to measure: train for longer")
    fig, ax = blank(0.9 + 0.52 * len(rows))
    for y, r in zip(range(len(rows) - 1, -1, -1), rows, strict=True):
        ax.barh(y, r["bits"], height=0.3, color=MODEL, alpha=0.55, linewidth=0)
        coords = {"xycoords": ("axes fraction", "data"), "va": "bottom"}
        write(ax, r["layer"], (0, y + 0.15), INK, (4, 2), **coords)
        told = f"{r['bits']:.2f} bits"
        write(ax, told, (0.8, y + 0.15), MODEL, (0, 2), ha="right", **coords)
        write(ax, f"{r['share']:.1%}", (1, y + 0.15), INK, (0, 2), ha="right", **coords)
    ax.set(yticks=[], ylim=(-0.4, len(rows) - 0.15), xlabel=f"bits a {unit}")
    ax.set_title(f"at the right: share of all {unit}s")
    for r in layers:
        if r["layer"] == "all":
            ax.axvline(r["bits"], color=INK, linewidth=1.5, linestyle=DASHES)
            write(ax, f"all: {r['bits']:.2f}", (r["bits"], -0.4), INK, (4, 2), va="bottom")
    return fig


def shares_by_temperature(rows: Mapping[str, Mapping], titles: Mapping[str, str]) -> Figure:
    """Shares against temperature, a panel each, with real text's level.

    rows: temperature as text to a row of measures, and `held_out`; titles: title to the measure's
    key. What no temperature has enough of is left out.
    """
    panels = {}
    for title, key in titles.items():
        found = [(float(t), r[key]) for t, r in rows.items() if t != "held_out" and r.get(key)]
        if not found:
            continue
        names = {"mean": "value", "low": "low", "high": "high"}
        panel = {ours: np.array([s[k] for _, s in found]) for ours, k in names.items()}
        panel["temperature"] = np.array([t for t, _ in found])
        if real := rows["held_out"].get(key):
            panel["real"] = (real["low"], real["high"])
        panels[title] = panel
    return temperature_sweep(panels) if panels else nothing("too little text to measure")
