"""Figures: legible on light and dark, nothing clipped, and the numbers that were given."""

import base64
import io
import itertools
import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from PIL import Image

from charrnn import figures as f

WHITE, BLACK, SLATE = "#ffffff", "#121212", "#14181e"  # the pages of the book's theme
# How the three kinds of colour blindness see linear RGB (Machado, Oliveira & Fernandes 2009).
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


def linear(colour):
    rgb = np.asarray(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """WCAG 2: (lighter + 0.05) / (darker + 0.05), of relative luminances."""
    weights = [0.2126, 0.7152, 0.0722]
    low, high = sorted((linear(one) @ weights, linear(other) @ weights))
    return (high + 0.05) / (low + 0.05)


def brightness(colour, factor):
    """CSS's brightness(): sRGB times a factor."""
    return tuple(np.clip(np.array(to_rgb(colour)) * factor, 0, 1))


def lab(rgb):
    """CIE L*a*b* (D65) of linear RGB."""
    matrix = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
              [0.0193339, 0.1191920, 0.9503041]]  # fmt: skip
    xyz = np.clip(np.array(matrix) @ rgb / [0.95047, 1, 1.08883], 1e-9, None)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def history(n=40, val_every=2):
    chars = np.linspace(1e6, 40e6, n)
    train = 1.2 + 2 * np.exp(-chars / 3e6)
    val = train + 0.1 + 0.2 * (chars / 40e6) ** 2
    val[np.arange(n) % val_every != 0] = np.nan
    return {"chars": chars, "train_loss": train, "val_loss": val}


def panel(**more):
    t = np.array([0.2, 0.6, 1.0])
    return {"temperature": t, "mean": t / 2, "low": t / 2 - 0.1, "high": t / 2 + 0.1, **more}


LOOP = "Once upon a $time$ he said " + "the same thing that " * 6
EVERY = {
    "learning": lambda: f.learning_curve(history(), {"7-gram": 1.55, "nanoGPT on an A100": 1.47}),
    "compare": lambda: f.compare_curves({"LSTM 2x512": history(), "GRU": history(30, 3)}),
    "sweep": lambda: f.temperature_sweep({"misspelt": panel(real=(0.3, 0.34)), "entropy": panel()}),
    "bars": lambda: f.bars_with_intervals(["brackets", "a longer label of a measure"],
                                          [0.5, 1.0], [0.4, 0.9], [0.6, 1.0], [1.0, np.nan]),
    "softmax": lambda: f.softmax_temperature(np.arange(8.0), [0.5, 1, 2], "ab\n g$hi"),
    "cycle": lambda: f.cycle_figure(LOOP, LOOP.index("the"), 20),
    "speech": lambda: f.speech_lengths({"T = 1": [3, 9, 40]}, [1, 5, 100]),
}  # fmt: skip


def words(fig):
    """The texts of a drawn figure, but for the numbers of its axes, and their boxes in pixels."""
    renderer = FigureCanvasAgg(fig).get_renderer()
    ticks = {t for ax in fig.findobj(mpl.axis.Axis) for t in ax.get_ticklabels(which="both")}
    texts = [t for t in fig.findobj(mpl.text.Text) if t.get_text().strip() and t not in ticks]
    return [(text, text.get_window_extent(renderer)) for text in texts]


# ------------------------------------------------------------------------------------- colours


def test_contrast_of_black_on_white_is_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # WCAG's usual example


def test_no_colour_reaches_4_5_on_both_pages_and_ink_is_near_the_best():
    greys = [f"#{v:02x}{v:02x}{v:02x}" for v in range(256)]
    best = max(min(contrast(g, WHITE), contrast(g, SLATE)) for g in greys)
    assert best < 4.5
    assert min(contrast(f.INK, page) for page in (WHITE, BLACK, SLATE)) > best - 0.1


@pytest.mark.parametrize("colour", [f.INK, *f.PALETTE])
def test_text_passes_4_5_on_either_page_as_the_book_shows_it(colour):
    assert contrast(brightness(colour, f.LIGHT), WHITE) >= 4.5
    assert contrast(brightness(colour, f.DARK), BLACK) >= 4.5
    assert contrast(brightness(colour, f.DARK), SLATE) >= 4.5


@pytest.mark.parametrize("colour", f.PALETTE)
def test_lines_pass_3_on_either_page_even_without_the_page_s_help(colour):
    assert min(contrast(colour, page) for page in (WHITE, BLACK, SLATE)) >= 3


@pytest.mark.parametrize("kind", BLINDNESS)
def test_hues_stay_apart_in_colour_blindness(kind):
    seen = [lab(np.clip(np.array(BLINDNESS[kind]) @ linear(c), 0, 1)) for c in f.PALETTE]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 18


# ------------------------------------------------------------------------------ every figure


@pytest.fixture(scope="module")
def drawn():
    """Every figure, laid out once."""
    figures = {name: make() for name, make in EVERY.items()}
    for fig in figures.values():
        fig.draw_without_rendering()
    return figures


@pytest.mark.parametrize("name", EVERY)
def test_nothing_is_clipped(name, drawn):
    fig = drawn[name]
    box = fig.get_tightbbox(FigureCanvasAgg(fig).get_renderer())  # inches
    width, height = fig.get_size_inches()
    assert box.x0 >= -0.01 and box.y0 >= -0.01
    assert box.x1 <= width + 0.01 and box.y1 <= height + 0.01


@pytest.mark.parametrize("name", EVERY)
def test_no_words_overlap(name, drawn):
    placed = words(drawn[name])
    assert len(placed) >= 3
    for (one, a), (other, b) in itertools.combinations(placed, 2):
        wide = min(a.x1, b.x1) - max(a.x0, b.x0)
        high = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(wide, high) <= 2.5, (one.get_text(), other.get_text())


@pytest.mark.parametrize("name", EVERY)
def test_letters_are_readable_on_a_phone(name, drawn):
    fig = drawn[name]
    assert fig.get_figwidth() == f.WIDTH
    for text in fig.findobj(mpl.text.Text):  # 340 pixels across
        assert text.get_fontsize() / 72 / f.WIDTH * 340 >= 7.5, text.get_text()


def test_figures_leave_matplotlib_as_it_was():
    import matplotlib.pyplot as plt

    before = dict(mpl.rcParams)
    EVERY["bars"]()
    with pytest.raises(ValueError):
        f.temperature_sweep({})
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []


def test_a_notebook_s_theme_changes_nothing():
    plain = f.png(EVERY["bars"]())
    with mpl.rc_context({"axes.grid": True, "font.size": 30, "savefig.facecolor": "red"}):
        assert f.png(EVERY["bars"]()) == plain


# -------------------------------------------------------------------------------------- show


def png_of(shown):
    data = re.search(r'src="data:image/png;base64,([^"]+)"', shown.data).group(1)
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_show_gives_a_transparent_png_of_two_pixels_per_css_pixel():
    shown = f.show(f.learning_curve(history()), "Loss falls.")
    image = png_of(shown)
    assert image.size == (1440, 860)
    assert 'width="720"' in shown.data
    rgba = np.asarray(image.convert("RGBA"))
    assert rgba[0, 0, 3] == 0
    colours = rgba[rgba[..., 3] > 250][:, :3].astype(int)
    for colour in (f.INK, f.BLUE, f.TEAL):  # 256 colours are enough for ours
        wanted = np.array(to_rgb(colour)) * 255
        assert np.abs(colours - wanted).max(axis=1).min() <= 4


def test_show_escapes_its_words():
    shown = f.show(EVERY["speech"](), '<b> "x"', "a & <script>alert(1)</script>")
    assert 'alt="&lt;b&gt; &quot;x&quot;"' in shown.data
    assert "<figcaption>a &amp; &lt;script&gt;alert(1)&lt;/script&gt;</figcaption>" in shown.data
    assert "<script" not in shown.data


@pytest.mark.parametrize("alt", ["", " \n"])
def test_show_asks_for_a_text_alternative(alt):
    with pytest.raises(ValueError, match="alt is empty"):
        f.show(EVERY["speech"](), alt)


# --------------------------------------------------------------------------- learning curves


def test_learning_curve_marks_the_lowest_measured_loss():
    h = {"chars": [1e6, 2e6, 3e6, 4e6], "train_loss": [2, 1.6, 1.5, 1.4],
         "val_loss": [2.1, np.nan, 1.5, 1.7]}  # fmt: skip
    ax = f.learning_curve(h).axes[0]
    dot = next(line for line in ax.lines if line.get_marker() == "o")
    assert dot.get_xydata().tolist() == [[3, 1.5]]
    assert "validation,\nbest 1.500" in [t.get_text() for t in ax.texts]
    validation = ax.lines[0]
    assert validation.get_xydata().tolist() == [[1, 2.1], [3, 1.5], [4, 1.7]]
    assert ax.get_xlabel() == "millions of characters seen"


def test_second_axis_is_in_bits():
    fig = f.learning_curve(history())
    fig.draw_without_rendering()
    ax = fig.axes[0]
    bits = ax.child_axes[0]
    assert np.allclose(bits.get_ylim(), np.array(ax.get_ylim()) / np.log(2))


def test_comparison_lines_stand_at_their_loss():
    ax = f.learning_curve(history(), {"7-gram": 1.53}).axes[0]
    dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert [line.get_ydata().tolist() for line in dashed] == [[1.53, 1.53]]
    assert "7-gram" in [t.get_text() for t in ax.texts]


def test_one_evaluation_is_enough():
    h = {"chars": [500.0], "train_loss": [3.0], "val_loss": [3.1]}
    assert f.learning_curve(h).axes[0].get_xlabel() == "characters seen"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"val_loss": None}, "no column 'val_loss'; it has chars, train_loss"),
        ({"val_loss": [np.nan] * 40}, "'val_loss' holds no number"),
        ({"train_loss": [1.0]}, r"train_loss: shapes \(40,\) and \(1,\)"),
    ],
)
def test_bad_histories_are_named(change, message):
    bad = {k: v for k, v in {**history(), **change}.items() if v is not None}
    with pytest.raises(ValueError, match=message):
        f.learning_curve(bad)


def test_compare_curves_takes_one_to_four():
    fig = f.compare_curves({str(i): history() for i in range(4)})
    assert {"0", "1", "2", "3"} <= {t.get_text() for t in fig.axes[0].texts}
    with pytest.raises(ValueError, match="5 histories; one figure holds 1 to 4"):
        f.compare_curves({str(i): history() for i in range(5)})


def test_spread_moves_as_little_as_it_must():
    assert f.spread([0, 5], [1, 1]).tolist() == [0, 5]
    assert f.spread([0, 0], [1, 1]).tolist() == [-0.5, 0.5]
    assert np.allclose(f.spread([0, 0.2, 5], [1, 1, 1]), [-0.4, 0.6, 5])
    assert np.allclose(f.spread([0, 0, 0], [1, 2, 1]), [-1.5, 0, 1.5])


def test_spread_never_overlaps():
    rng = np.random.default_rng(0)
    for n in range(1, 12):
        heights = rng.uniform(0.5, 2, n)
        places = f.spread(np.sort(rng.normal(size=n)), heights)
        assert (np.diff(places) >= (heights[1:] + heights[:-1]) / 2 - 1e-9).all()


# ------------------------------------------------------------------------ measures of samples


def test_sweep_draws_a_panel_a_measure_with_the_real_text_s_band():
    fig = f.temperature_sweep({"a": panel(real=(0.3, 0.34)), "b": panel(real=0.2), "c": panel()})
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["a", "b", "c"]
    levels = [line.get_ydata()[0] for line in fig.axes[0].lines[1:]]
    assert levels == pytest.approx([0.32])
    assert len(fig.axes[2].lines) == 1
    assert [t.get_text() for ax in fig.axes for t in ax.texts] == ["real text"]


@pytest.mark.parametrize(
    ("panels", "message"),
    [
        ({}, "no panels"),
        ({"a": {"temperature": [1]}}, "a: has temperature; it needs temperature and mean"),
        ({"a": {"temperature": [1], "mean": [1], "low": [1]}}, "low and high only together"),
        ({"a": {"temperature": [1, 2], "mean": [1]}}, r"a: shapes \(2,\) and \(1,\)"),
    ],
)
def test_bad_sweeps_are_named(panels, message):
    with pytest.raises(ValueError, match=message):
        f.temperature_sweep(panels)


def test_bars_print_both_values_and_start_at_zero():
    ax = EVERY["bars"]().axes[0]
    texts = [t.get_text() for t in ax.texts]
    assert texts == ["brackets", "50%", "100%", "a longer label of a measure", "100%", ""]
    assert [p.get_width() for p in ax.patches] == [0.5, 1.0]
    assert ax.get_xlim()[0] == 0
    assert [t.get_text() for t in ax.get_legend().texts] == ["model", "real text"]


def test_bars_without_real_text_have_no_key():
    ax = f.bars_with_intervals(["a"], [0], [0], [0], fmt="{:.2f}").axes[0]
    assert ax.get_legend() is None
    assert [t.get_text() for t in ax.texts] == ["a", "0.00", ""]


def test_bars_refuse_an_interval_beside_its_value():
    with pytest.raises(ValueError, match="low <= value <= high"):
        f.bars_with_intervals(["a"], [0.5], [0.6], [0.7])
    with pytest.raises(ValueError, match=r"high: shapes \(1,\) and \(2,\)"):
        f.bars_with_intervals(["a"], [0.5], [0.4], [0.7, 0.8])


def test_speech_lengths_are_shares_at_least_as_long():
    ax = f.speech_lengths({"T = 1": [4, 2, 2, 8]}, [1]).axes[0]
    x, y = ax.lines[1].get_data()
    at_least = {n: y[np.searchsorted(x, n)] for n in (1, 2, 3, 4, 5, 8)}
    assert at_least == {1: 1, 2: 1, 3: 0.5, 4: 0.5, 5: 0.25, 8: 0.25}
    assert [t.get_text() for t in ax.get_legend().texts] == ["real text", "T = 1"]


def test_speech_lengths_refuse_empty_pieces():
    with pytest.raises(ValueError, match="at least 1"):
        f.speech_lengths({"T = 1": [0, 3]}, [1])
    with pytest.raises(ValueError, match="0 samples"):
        f.speech_lengths({}, [1])


# ---------------------------------------------------------------------- temperature and loops


def test_softmax_bars_are_the_probabilities():
    fig = f.softmax_temperature(np.log([1, 4, 2]), [1, 0.5], "abc")
    heights = [[bar.get_height() for bar in ax.patches] for ax in fig.axes]
    assert heights[0] == pytest.approx([4 / 7, 2 / 7, 1 / 7])
    assert heights[1] == pytest.approx([16 / 21, 4 / 21, 1 / 21])
    assert [t.get_text() for t in fig.axes[-1].get_xticklabels()] == ["b", "c", "a"]


def test_softmax_takes_scores_of_any_size():
    fig = f.softmax_temperature([1000.0, -1000.0], [0.1], "ab")
    assert [bar.get_height() for bar in fig.axes[0].patches] == [1, 0]


def test_softmax_refuses_what_it_cannot_draw():
    with pytest.raises(ValueError, match=r"temperatures are \[0\]; give some, each above 0"):
        f.softmax_temperature([0.0, 1.0], [0], "ab")
    with pytest.raises(ValueError, match=r"shape \(2,\); they must be \(3,\)"):
        f.softmax_temperature([0.0, 1.0], [1], "abc")


def test_cycle_strokes_lie_at_multiples_of_the_period():
    before = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-*/"  # 40 characters, none twice
    fig = f.cycle_figure(before + "abcdefghijkl" * 5, 40, 12)
    strokes = fig.axes[1].collections[0].get_segments()
    assert [stroke.tolist() for stroke in strokes] == [
        [[40 + 12 * k, 12 * k], [100, 12 * k]] for k in range(1, 5)
    ]
    tinted = {patch.get_xy() for patch in fig.axes[0].patches}
    assert (40, 0.06) in tinted and (0, 1.06) in tinted and (39, 0.06) not in tinted


def test_cycle_must_be_one():
    with pytest.raises(ValueError, match="does not repeat with period 3 from character 0"):
        f.cycle_figure("ab" * 20, 0, 3)
    with pytest.raises(ValueError, match="start 50, period 2: not inside 40 characters"):
        f.cycle_figure("ab" * 20, 50, 2)


@pytest.mark.parametrize(
    ("symbol", "shown"),
    [("a", "a"), (" ", "␣"), ("\n", "↵"), ("$", "$"), ("\x00", "□"), ("\u6c34", "□"),
     (97, "a"), (10, "↵"), (0xC3, "C3"), (np.uint8(32), "␣"), (127, "7F")],
)  # fmt: skip
def test_visible_symbols(symbol, shown):
    assert f.visible(symbol) == shown


def test_half_a_pair_of_surrogates_is_drawn_as_a_sign_of_its_own():
    with f.style():
        fig = mpl.figure.Figure()
        ax = fig.subplots()
        ax.set_title("a\ud800b")
        ax.set_xticks([0.5], ["\udfff"])
        ax.plot([0, 1], [0, 1], label="\ud800")
        ax.legend()
    assert f.png(fig).startswith(b"\x89PNG")
    words = {text.get_text() for text in fig.findobj(mpl.text.Text)}
    assert {"a\ufffdb", "\ufffd"} <= words and not any("\ud800" in word for word in words)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["\ufffd"]
