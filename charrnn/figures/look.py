"""The look of the book's figures, and how one is shown.

One look for all of them, and one PNG for both the light and the dark page: the background is
transparent, and text and lines are mid-tones. No single colour reaches a contrast of 4.5 on white
and on #14181e at once (the best is 4.2, at a relative luminance of 0.2), so `INK` sits at that
best, and `show` lets the page darken or lighten the picture a little, which takes every text past
4.5 on either. The four hues differ in lightness as well as in hue, stay apart under the
three kinds of colour blindness, and every series also carries its name beside it.

Figures are made without pyplot: nothing is displayed twice, nothing stays open, no global setting
changes. In a notebook, end a cell with `show(figure, "what it shows")`.
"""

from __future__ import annotations

import base64
import io
import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import font_manager
from matplotlib import style as mpl_style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from numpy.typing import ArrayLike
from PIL import Image

from charrnn.escape import escaped

if TYPE_CHECKING:
    from IPython.display import HTML

INK = "#787b80"
BLUE, ORANGE, TEAL, PINK = PALETTE = ("#3268cf", "#cf5f12", "#1aa587", "#b5489f")
MODEL, REAL = BLUE, ORANGE  # a model's text and a person's, in every figure
DASHES = (0, (4, 3))
WIDTH = 7.2  # inches; 720 CSS pixels on a wide page
MONO = "DejaVu Sans Mono"
LIGHT, DARK = 0.8, 1.35  # brightness of the picture on a light and on a dark page

_RC = {
    "figure.facecolor": "none",
    "figure.dpi": 100,
    "savefig.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 13,
    "axes.titlepad": 9,
    "axes.labelsize": 13,
    "axes.linewidth": 0.9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "text.color": INK,
    "text.parse_math": False,  # a text's own dollar signs are text
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 12.5,
    "lines.linewidth": 2.2,
    "lines.solid_capstyle": "round",
    "lines.dash_capstyle": "round",
    "mathtext.fontset": "dejavusans",
    "path.simplify_threshold": 0.5,
}

_LONE = re.compile("[\ud800-\udfff]")

# The book's theme paints every output white on its dark page; JupyterLab, VS Code and Colab do not.
_CSS = (
    'html[data-theme="dark"] .bd-content div.cell_output .text_html:has(.charrnn-figure):not('
    ":has(table.dataframe)){background:none;color:inherit;padding:0}"
    'html[data-theme="dark"] .bd-content div.cell_output .charrnn-figure img.dark-light'
    "{background:none;padding:0}"
    ".charrnn-figure{margin:0;padding:0}.charrnn-figure img{max-width:100%;height:auto}"
    ".charrnn-figure figcaption{margin:.3em 0 0;text-align:left;font-size:.9em;"
    "font-weight:inherit;color:inherit}"
    ':is(html[data-theme="light"],body[data-jp-theme-light="true"],body.vscode-light)'
    f" .charrnn-figure img{{filter:brightness({LIGHT})}}"
    ':is(html[data-theme="dark"],body[data-jp-theme-light="false"],body.vscode-dark,'
    f'html[theme="dark"]) .charrnn-figure img{{filter:brightness({DARK})}}'
)


def style():
    """The book's matplotlib settings, as a context: `with style(): ...`, restored at its end.

    They start from matplotlib's defaults, so a notebook's own theme changes nothing in them.
    """
    return mpl_style.context(["default", _RC])


def show(fig: Figure, alt: str, caption: str | None = None) -> HTML:
    """A figure as HTML with its text alternative: `<figure><img alt=...><figcaption>`.

    alt: what the picture shows, for readers who do not see it; ValueError where it is blank.
    caption: printed below. Both are text and are escaped. The PNG has two pixels per CSS pixel.
    """
    from IPython.display import HTML

    if not alt.strip():
        raise ValueError("alt is empty; say in a sentence what the figure shows")
    width = round(fig.get_figwidth() * 100)
    below = f"<figcaption>{escaped(caption)}</figcaption>" if caption else ""
    return HTML(
        f'<figure class="charrnn-figure"><style>{_CSS}</style>'
        f'<img class="dark-light" width="{width}" alt="{escaped(alt)}" '
        f'src="data:image/png;base64,{base64.b64encode(png(fig)).decode()}">{below}</figure>'
    )


@style()
def png(fig: Figure) -> bytes:
    """The picture as a PNG of 256 colours: a third of the bytes, no difference to the eye."""
    full, small = io.BytesIO(), io.BytesIO()
    _make_drawable(fig)
    fig.savefig(full, format="png", dpi=200)
    few_colours(Image.open(full).convert("RGBA")).save(small, "png", optimize=True)
    return small.getvalue()


def _make_drawable(fig: Figure) -> None:
    """Put U+FFFD for lone surrogates, which Matplotlib cannot draw, in all words of a figure."""
    for axis in (axis for ax in fig.axes for axis in (ax.xaxis, ax.yaxis)):
        labels = [label.get_text() for label in axis.get_ticklabels()]
        if any(map(_LONE.search, labels)):
            axis.set_ticks(axis.get_ticklocs(), labels=[_LONE.sub("\ufffd", x) for x in labels])
    for text in fig.findobj(Text):
        if _LONE.search(text.get_text()):
            text.set_text(_LONE.sub("\ufffd", text.get_text()))


def few_colours(image: Image.Image, count: int = 256) -> Image.Image:
    """An RGBA picture with a palette: its commonest colours, and for the rest an octree's.

    An octree alone has three steps of transparency, too few for tints. Each pixel takes the nearest
    colour as it looks on black and on white, which is the nearest of premultiplied ones.
    """
    pixels = np.ascontiguousarray(image).view(np.uint32)[..., 0]
    unique, inverse, often = np.unique(pixels, return_inverse=True, return_counts=True)
    common = unique[np.argsort(-often, kind="stable")[: count * 3 // 4]]
    rest = image.quantize(count - len(common), Image.Quantize.FASTOCTREE).convert("RGBA")
    others = np.unique(np.ascontiguousarray(rest).view(np.uint32))
    palette = np.unique(np.concatenate([common, others]))[:count]
    mine, given = _premultiplied(unique), _premultiplied(palette)
    distance = (mine**2).sum(axis=1)[:, None] - 2 * mine @ given.T + (given**2).sum(axis=1)
    index = distance.argmin(axis=1)[inverse].reshape(pixels.shape).astype(np.uint8)
    drawn = Image.fromarray(index)
    drawn.putpalette(palette.view(np.uint8).tobytes(), "RGBA")
    return drawn


def _premultiplied(colours: np.ndarray) -> np.ndarray:
    """Packed RGBA colours (n,) to (n, 4) floats, red, green and blue times alpha."""
    rgba = np.ascontiguousarray(colours).view(np.uint8).reshape(-1, 4).astype(np.float32)
    return np.column_stack([rgba[:, :3] * rgba[:, 3:] / 255, rgba[:, 3]])


@cache
def _has_glyph(character: str) -> bool:
    font = font_manager.get_font(font_manager.findfont(MONO))
    return font.get_char_index(ord(character)) != 0


def visible(symbol: str | int) -> str:
    """A symbol of a vocabulary as one can print it: spaces and newlines as signs, bytes as hex."""
    if isinstance(symbol, (int, np.integer)):
        symbol = chr(symbol) if symbol < 127 else f"{symbol:02X}"
    if len(symbol) > 1:
        return symbol
    symbol = {" ": "␣", "\n": "↵", "\t": "⇥", "\r": "␍"}.get(symbol, symbol)
    return symbol if symbol.isprintable() and _has_glyph(symbol) else "□"


def blank(height: float, rows: int = 1, **kwargs) -> tuple[Figure, Axes]:
    """An empty figure of the page's width, `height` inches high, and its axes."""
    fig = Figure(figsize=(WIDTH, height), layout="constrained")
    return fig, fig.subplots(rows, **kwargs)


def write(ax: Axes, text: str, xy: tuple, colour: str, offset: tuple = (0, 0), **kwargs) -> None:
    """A word at a place (moved by points), bold where it names something coloured."""
    weight = "normal" if colour == INK else "bold"
    ax.annotate(text, xy, xytext=offset, textcoords="offset points", color=colour,
                **{"fontweight": weight, **kwargs})  # fmt: skip


def colour_key(ax: Axes, entries: list[tuple[str, str, str]], **kwargs) -> None:
    """Names (text, colour, marker) in their colours."""
    names, colours, markers = zip(*entries, strict=True)
    handles = [
        Line2D([], [], color=c, marker=m, linestyle="", markersize=10 if m == "s" else 14,
               markeredgewidth=0 if m == "s" else 3.4)
        for c, m in zip(colours, markers, strict=True)
    ]  # fmt: skip
    ax.legend(handles, names, labelcolor=list(colours), frameon=False, handletextpad=0.2,
              columnspacing=1.0, borderaxespad=0, **kwargs)  # fmt: skip


def paired(what: str, x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Two flat arrays of one length, as floats."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"{what}: shapes {x.shape} and {y.shape}; they must be equal and flat")
    return x, y
