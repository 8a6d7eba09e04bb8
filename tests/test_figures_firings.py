"""Text coloured by one unit: signs, places, letters as they are, and legible on both pages."""

import time

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb

from charrnn import figures as f
from charrnn.figures.firings import BAR, GUESS, GUESSES, QUANTITIES, RED, ROW, SIZE, TINT

TEXT = 'He paid "$5, or $6" for\tit.\n'
VALUES = np.linspace(-1, 1, len(TEXT))


def guessed(text):
    """After each character the one that comes, and another."""
    return [[(after, 0.75), ("q", 0.25)] for after in text[1:]] + [[("q", 1.0)]]


def boxes(fig, height=None):
    """Rectangles (x, y, width, height, colour, opacity), those of a height, in the order drawn."""
    found = []
    for collection in fig.axes[0].collections:
        colours = collection.get_facecolors()
        for k, path in enumerate(collection.get_paths()):
            (x, y), (right, below) = path.vertices[0], path.vertices[2]
            colour = colours[k % len(colours)] if len(colours) else (0, 0, 0, 0)
            found.append((x, y, right - x, below - y, to_hex(colour), colour[3]))
    return [b for b in found if height is None or b[3] == pytest.approx(height)]


def letters(fig):
    """(x, y, text) of the letters in the cells."""
    texts = [t for t in fig.axes[0].texts if t.get_fontfamily() == [f.MONO]]
    return [(*t.get_position(), t.get_text()) for t in texts]


def grounds(fig):
    """Grounds of the text's cells, after the scale's nine."""
    return [b for b in boxes(fig, ROW) if b[4] != "#000000"][9:]


# ----------------------------------------------------------------------------------- firings


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_sign_has_its_colour_and_a_size_its_strength(quantity):
    _, off, on = QUANTITIES[quantity]
    fig = f.firings("abcd", [-1, -0.5, 0.5, 1], [[]] * 4, quantity=quantity)
    cells = grounds(fig)
    assert [c[4] for c in cells] == [off, off, on, on]
    assert [c[5] for c in cells] == pytest.approx([TINT, TINT / 2, TINT / 2, TINT])
    top = cells[0][1]
    bars = [b for b in boxes(fig) if b[1] >= top and b[5] == 1]
    heights = [b[3] for b in bars]
    assert heights[0] == pytest.approx(BAR) and heights[3] == pytest.approx(BAR)
    assert heights[1] == pytest.approx(heights[2]) and 0 < heights[1] < BAR
    ends = [b[1] + b[3] for b in bars]
    assert ends[:2] == pytest.approx([top + ROW] * 2)  # below, where negative
    assert [b[1] for b in bars[2:]] == pytest.approx([top] * 2)  # above, where positive


def test_what_is_not_known_has_no_colour():
    cells = grounds(f.firings("ab", [np.nan, 0], [[], []]))
    assert [c[5] for c in cells] == [0, 0]


def test_text_is_text_and_spaces_are_blank_in_it_but_not_among_guesses():
    fig = f.firings("a $b$\n", np.zeros(6), guessed("a $b$\n"))
    assert not any(t.get_parse_math() for t in fig.axes[0].texts)
    FigureCanvasAgg(fig).draw()
    written = letters(fig)
    row = [text for _, y, text in written if y == written[0][1]]
    assert row == ["a", "$", "b", "$", "↵"]
    assert [text for *_, text in written[5:]][:4] == ["␣", "q", "$", "q"]


def test_lines_are_wrapped_after_so_many_columns():
    written = letters(f.firings("abcdefg", np.zeros(7), [[("x", 1.0)]] * 7, columns=3))
    rows = {}
    for x, y, text in written:
        if text != "x":
            rows.setdefault(round(y, 3), []).append((x, text))
    assert ["".join(t for _, t in row) for row in rows.values()] == ["abc", "def", "g"]
    assert len({x for row in rows.values() for x, _ in row}) == 3
    assert (np.diff(list(rows)) > ROW + GUESS).all()


def test_guesses_are_as_red_and_as_long_as_they_are_likely_and_the_one_that_came_is_framed():
    fig = f.firings("ab", [0, 0], [[("b", 0.75), ("q", 0.25)], [("q", 1.0)]])
    scale = 9
    shades = [b for b in boxes(fig, GUESS) if b[4] == RED][scale:]
    assert [s[5] for s in shades] == pytest.approx([0.75 * TINT, 0.25 * TINT, TINT])
    bars = [b for b in boxes(fig) if b[4] == RED and b[5] == 1 and b[3] == pytest.approx(0.02)]
    assert [b[2] / shades[0][2] for b in bars[scale:]] == pytest.approx([0.75, 0.25, 1])
    frames = [b for b in boxes(fig, GUESS - 0.02)]
    assert len(frames) == 2  # the key's, and b's: nothing is known to come after b
    assert frames[1][0] == pytest.approx(shades[0][0] + 0.01)


def test_five_guesses_are_drawn_and_no_row_without_any():
    many = [[(c, 0.1) for c in "rstuvwxyz"]]
    fig = f.firings("a", [0], many)
    assert [text for *_, text in letters(fig)] == ["a", *"rstuv"]
    bare = f.firings("a", [0], [[]])
    assert fig.get_figheight() - bare.get_figheight() == pytest.approx(GUESS * GUESSES, abs=0.01)


def test_bytes_are_symbols_too():
    fig = f.firings("aé".encode(), [0, 0, 0], [[(0xC3, 0.5)], [(10, 0.2)], []])
    assert [text for *_, text in letters(fig)] == ["a", "C3", "A9", "C3", "↵"]
    assert len([b for b in boxes(fig, GUESS - 0.02)]) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": [0.0]}, r"shape \(1,\); allowed is \(T,\) for 2 symbols"),
        ({"values": [0.0, 1.5]}, "values reach 1.5; allowed are -1 to 1 and NaN"),
        ({"guesses": [[]]}, "guesses after 1 of 2 characters"),
        ({"guesses": [[("a", 1.2)], []]}, "probability 1.2; allowed are 0 to 1"),
        ({"guesses": [[("a", np.nan)], []]}, "probability nan"),
        ({"quantity": "o"}, "quantity is 'o'; allowed are c, h"),
        ({"columns": 0}, "columns is 0; allowed are 1 to"),
        ({"columns": 500}, "columns is 500; allowed are 1 to"),
        ({"symbols": "", "values": [], "guesses": []}, "one at least"),
    ],
)
def test_firings_refuse_what_they_cannot_draw(change, message):
    given = {"symbols": "ab", "values": [0.0, 0.0], "guesses": [[], []], **change}
    with pytest.raises(ValueError, match=message):
        f.firings(given.pop("symbols"), given.pop("values"), given.pop("guesses"), **given)


# ------------------------------------------------------------------------------------- paint


def test_panes_stand_below_their_titles_and_newlines_end_lines():
    fig = f.paint({"one": ("ab\nc", np.zeros(4)), "two": ("d" * 70, np.ones(70))})
    written = letters(fig)
    rows = {}
    for _, y, text in written:
        rows[round(y, 3)] = rows.get(round(y, 3), "") + text
    assert list(rows.values()) == ["ab↵", "c", "d" * 64, "d" * 6]
    titles = {t.get_text(): t.get_position()[1] for t in fig.axes[0].texts}
    ys = list(rows)
    assert titles["one"] < ys[0] < ys[1] < titles["two"] < ys[2]


def test_newlines_end_no_line_where_they_need_not():
    written = letters(f.paint({"one": ("a\nb", np.zeros(3))}, breaks=False))
    assert len({y for _, y, _ in written}) == 1 and [t for *_, t in written] == ["a", "↵", "b"]


def test_letters_lie_on_their_cells():
    fig = f.paint({"one": ("abc" * 30, np.linspace(-1, 1, 90))})
    cells = grounds(fig)
    for (x, y, _), cell in zip(letters(fig), cells, strict=True):
        assert x == pytest.approx(cell[0] + cell[2] / 2)
        assert cell[1] < y < cell[1] + cell[3]


@pytest.mark.parametrize(
    ("panes", "message"),
    [({}, "no panes"), ({"a": ("", [])}, "one at least"), ({"a": ("ab", [0])}, "for 2 symbols")],
)
def test_bad_panes_are_refused(panes, message):
    with pytest.raises(ValueError, match=message):
        f.paint(panes)


# ------------------------------------------------------------------------------- looked back


def test_the_strongest_has_the_full_colour_and_the_outcome_is_framed():
    fig = f.looked_back("abc", [0, 2, 4], '"$')
    cells = [c for c in grounds(fig) if c[4] == f.ORANGE]
    assert [c[5] for c in cells] == pytest.approx([0, TINT / 2, TINT])
    frames = boxes(fig, ROW - 0.02)
    assert len(frames) == 2
    assert frames[0][0] == pytest.approx(cells[2][0] + cells[2][2] + 0.01)
    assert [t for *_, t in letters(fig)] == ["a", "b", "c", '"', "$"]


def test_weights_of_zero_and_unknown_ones_are_drawn_pale():
    for weights in ([0, 0], [np.nan, np.nan], [np.nan, 0]):
        fig = f.looked_back("ab", weights, "c")
        assert not any(c[5] for c in grounds(fig))


@pytest.mark.parametrize("weights", [[-1, 0], [np.inf, 0], [1], [[1, 2]]])
def test_bad_weights_are_refused(weights):
    with pytest.raises(ValueError, match=r"at least 0|for 2 symbols"):
        f.looked_back("ab", weights, "c")


# ---------------------------------------------------------------------------------- every one

EVERY = {
    "firings": lambda: f.firings(TEXT, VALUES, guessed(TEXT)),
    "paint": lambda: f.paint({"a $ title": (TEXT, VALUES)}, quantity="h"),
    "widest": lambda: f.paint({"a": (TEXT * 4, np.tile(VALUES, 4))}, columns=68),
    "looked_back": lambda: f.looked_back(TEXT, np.abs(VALUES), "The"),
}


@pytest.mark.parametrize("name", EVERY)
def test_letters_stay_inside_and_are_readable_on_a_phone(name):
    fig = EVERY[name]()
    renderer = FigureCanvasAgg(fig).get_renderer()
    fig.draw(renderer)
    assert fig.get_figwidth() == f.WIDTH
    for text in fig.findobj(mpl.text.Text):
        if text.get_text():
            assert text.get_fontsize() / 72 / f.WIDTH * 340 >= 7.5, text.get_text()
            box = text.get_window_extent(renderer)
            assert box.x0 >= 0 and box.x1 <= fig.bbox.x1 and box.y1 <= fig.bbox.y1 and box.y0 >= 0
    for x, y, width, height, *_ in boxes(fig):
        assert x >= 0 and x + width <= f.WIDTH and y >= 0 and y + height <= fig.get_figheight()


def luminance(rgb):
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("hue", [RED, f.BLUE, f.TEAL, f.ORANGE])
@pytest.mark.parametrize(("page", "factor"), [("#ffffff", f.LIGHT), ("#14181e", f.DARK)])
def test_large_letters_pass_3_on_the_strongest_tint(hue, page, factor):
    assert SIZE >= 14  # bold, which WCAG calls large
    ink, ground = (np.clip(np.array(to_rgb(c)) * factor, 0, 1) for c in (f.INK, hue))
    tinted = TINT * ground + (1 - TINT) * np.array(to_rgb(page))
    low, high = sorted((luminance(ink), luminance(tinted)))
    assert (high + 0.05) / (low + 0.05) >= 3


def test_300_characters_are_built_in_seconds():
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(list("etaoin shrdlu\n$"), 300))
    five = [[(c, 0.2) for c in "etaoi"]] * 300
    began = time.process_time()
    fig = f.firings(text, rng.uniform(-1, 1, 300), five)
    FigureCanvasAgg(fig).draw()
    assert time.process_time() - began < 8
