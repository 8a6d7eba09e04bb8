"""A grid of networks: held-out loss by parameters, a panel a kind of cell, a curve a depth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from charrnn.figures.look import DASHES, INK, PALETTE, blank, colour_key, style, write
from charrnn.figures.measures import nothing

Curves = Mapping[int, Sequence[tuple[int, float]]]


@style()
def losses_by_size(
    panels: Mapping[str, Curves], levels: Mapping[str, float] | None = None
) -> Figure:
    """Loss over parameters, the same scales in all panels.

    panels: kind of cell to curves by layers, up to four, each of (parameters, loss in nats).
    levels: losses without a size, by name, dashed. ValueError where a loss is not finite or a
    number of parameters not above 0.
    """
    points = [p for curves in panels.values() for curve in curves.values() for p in curve]
    if not points:
        return nothing("no network was trained")
    for parameters, loss in points:
        if not math.isfinite(loss) or parameters <= 0:
            raise ValueError(f"{parameters} parameters, loss {loss}: there is no such network")
    levels, depths = dict(levels or {}), sorted({d for curves in panels.values() for d in curves})
    fig, axes = blank(3.6, 1, ncols=len(panels), sharey=True, squeeze=False)
    colours = dict(zip(depths, PALETTE, strict=False))
    for ax, (title, curves) in zip(axes[0], panels.items(), strict=True):
        for layers, curve in sorted(curves.items()):
            x, y = zip(*sorted(curve), strict=True)
            ax.plot(x, y, "-o", color=colours[layers], markersize=5)
        for level in levels.values():
            ax.axhline(level, color=INK, linewidth=1.4, linestyle=DASHES)
        ax.set_title(title)
        _counted(ax, [parameters for parameters, _ in points])
        ax.grid(axis="y", color=INK, alpha=0.25)
    names = [(f"{d} layer" + ("s" if d > 1 else ""), colours[d], ".") for d in depths]
    colour_key(axes[0, -1], names, loc="upper right", fontsize=11)
    for name, level in levels.items():
        at = (0.02, level)
        write(axes[0, 0], name, at, INK, (0, 4), fontsize=11, xycoords=("axes fraction", "data"))
    axes[0, 0].set_ylabel("nats a character")
    axes[0, len(panels) // 2].set_xlabel("parameters")
    return fig


def _counted(ax: Axes, parameters: Sequence[int]) -> None:
    """A log scale of parameters with few, short ticks."""
    ax.set(xscale="log", xlim=(0.75 * min(parameters), 1.35 * max(parameters)))
    ticks = {1e4: "10 K", 1e5: "100 K", 1e6: "1 M", 1e7: "10 M"}
    low, high = ax.get_xlim()
    shown = {at: name for at, name in ticks.items() if low <= at <= high}
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xticks(list(shown), list(shown.values()))
