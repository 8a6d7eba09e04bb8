"""Drawings: all there, nothing clipped, no words over each other, wrong arguments refused."""

import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from charrnn.figures import INK, PALETTE, WIDTH, show
from charrnn.figures import diagrams as d

X = np.eye(4)[[0, 1, 2, 2]]
H = np.array([[0.3, -0.1, 0.9], [1, 0.3, 0.1], [0.1, -0.5, -0.3], [-0.3, 0.9, -0.04]])
Y = np.array(
    [[1, 2.2, -3, 4.1], [0.5, 0.3, -1, 1.2], [0.1, 0.5, 1.9, -1.1], [0.2, -1.5, -0.1, 2.2]]
)
TARGETS = [1, 2, 2, 3]
EVERY = {
    "regimes": d.regimes,
    "unrolled": d.unrolled,
    "unrolled 6": lambda: d.unrolled("a $b\n"),
    "stack 1": lambda: d.stack(1),
    "stack 5": lambda: d.stack(5, "abcdef"),
    "hello": lambda: d.hello_scores(X, H, Y, "helo", TARGETS),
    "lstm": d.lstm_cell,
    "bptt": d.truncated_bptt,
    "bptt 6": lambda: d.truncated_bptt(6, 3, "".join(map(chr, range(33, 93)))),
}


@pytest.fixture(scope="module")
def drawn():
    return {name: make() for name, make in EVERY.items()}


def texts(fig):
    return [t.get_text() for t in fig.axes[0].texts]


@pytest.mark.parametrize("name", EVERY)
def test_nothing_is_clipped_and_no_words_overlap(name, drawn):
    fig = drawn[name]
    renderer = FigureCanvasAgg(fig).get_renderer()
    placed = [(t.get_text(), t.get_window_extent(renderer)) for t in fig.axes[0].texts]
    assert fig.get_figwidth() == WIDTH
    for text, box in placed:
        assert box.x0 >= 2 and box.x1 <= fig.bbox.x1 - 2, text
        assert box.y0 >= 2 and box.y1 <= fig.bbox.y1 - 2, text
    for (one, a), (other, b) in itertools.combinations(placed, 2):
        wide = min(a.x1, b.x1) - max(a.x0, b.x0)
        high = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(wide, high) <= 2.5, (one, other)


@pytest.mark.parametrize("name", EVERY)
def test_shapes_lie_on_the_canvas(name, drawn):
    ax = drawn[name].axes[0]
    box = ax.transData.inverted().transform_bbox
    for patch in ax.patches:
        place = box(patch.get_window_extent())
        assert place.x0 >= 0 and place.x1 <= 100 and place.y0 >= 0, (patch, place)
        assert place.y1 <= ax.get_ylim()[1], (patch, place)


@pytest.mark.parametrize("name", EVERY)
def test_letters_are_readable_on_a_phone(name, drawn):
    sizes = [t.get_fontsize() for t in drawn[name].axes[0].texts]
    assert min(sizes) / 72 / WIDTH * 340 >= 7.5


@pytest.mark.parametrize("name", EVERY)
def test_only_the_book_s_colours(name, drawn):
    assert {t.get_color() for t in drawn[name].axes[0].texts} <= {INK, *PALETTE}


def test_regimes_name_five_and_a_task_each(drawn):
    said = texts(drawn["regimes"])
    for name in ("one to one", "one to many", "many to one", "many to many",
                 "many to many, in step"):  # fmt: skip
        assert said.count(name) == 1
    for task in ("classification", "captioning", "sentiment", "translation", "a label per frame"):
        assert task in said


def test_unrolled_reads_a_character_and_predicts_the_next(drawn):
    said = texts(drawn["unrolled"])
    assert [t for t in said if len(t) == 1 and t in "helo"] == list("heellllo")
    assert said.count("$W_{hh}$") == 4  # the loop, and three steps between four
    assert [t for t in said if t.startswith("$h_")] == ["$h_1$", "$h_2$", "$h_3$", "$h_4$"]


def test_dollars_and_newlines_of_a_text_are_characters(drawn):
    said = {t.get_text(): t for t in drawn["unrolled 6"].axes[0].texts}
    assert "↵" in said and "␣" in said
    assert not said["$"].get_parse_math()
    show(drawn["unrolled 6"], "drawn without an error")


@pytest.mark.parametrize("text", ["ab", "abcdefg"])
def test_lengths_that_do_not_fit_are_refused(text):
    with pytest.raises(ValueError, match=f"text has {len(text)} characters; .* 3 to 6"):
        d.unrolled(text)
    with pytest.raises(ValueError, match="3 to 6"):
        d.stack(2, text)


def test_stack_draws_a_row_a_layer(drawn):
    assert [t for t in texts(drawn["stack 5"]) if "layer" in t] == [
        f"layer {i}" for i in range(1, 6)
    ]
    with pytest.raises(ValueError, match="layers is 6; the drawing holds 1 to 5"):
        d.stack(6)


def test_hello_shows_every_number_and_what_it_says(drawn):
    said = texts(drawn["hello"])
    for row in (*Y, *H):
        for number in row:
            shown = f"{number:.1f}".replace("-", "\N{MINUS SIGN}")
            assert shown.replace("\N{MINUS SIGN}0.0", "0.0") in said
    assert [t for t in said if "says" in t] == ["✗ says o", "✗ says o", "✓ says l", "✓ says o"]
    assert said.count("1") == 4 and said.count("0") == 12
    assert not any(t in ("\N{MINUS SIGN}0.0", "-0.0") for t in said)


def test_hello_marks_inputs_and_targets_in_bold(drawn):
    bold = [t.get_text() for t in drawn["hello"].axes[0].texts if t.get_fontweight() == "bold"]
    assert [t for t in bold if t[-1].isdigit()] == [
        "1", "2.2", "1", "\N{MINUS SIGN}1.0", "1", "1.9", "1", "2.2",
    ]  # fmt: skip


def test_hello_refuses_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"shapes \(4, 4\), \(3, 3\), \(4, 4\)"):
        d.hello_scores(X, H[:3], Y, "helo", TARGETS)
    with pytest.raises(ValueError, match=r"must be \(4, 5\)"):
        d.hello_scores(X, H, Y, "helox", TARGETS)
    with pytest.raises(ValueError, match="1 steps; the drawing holds 2 to 6"):
        d.hello_scores(X[:1], H[:1], Y[:1], "helo", TARGETS[:1])


def test_lstm_names_its_three_acts_and_four_gates(drawn):
    said = texts(drawn["lstm"])
    assert {"forget", "write", "read", "$f$", "$i$", "$g$", "$o$", "$c_t$", "$h_t$"} <= set(said)
    assert said.count(r"$\times$") == 3 and said.count("$+$") == 1


def test_bptt_folds_the_alphabet_as_the_lanes_do(drawn):
    """26 letters, B = 3 and T = 4: two steps; y and z are left over."""
    fig = drawn["bptt"]
    said = texts(fig)
    letters = "".join(t for t in said if len(t) == 1)
    assert letters == "abcdijklqrst" + "efghmnopuvwx"
    assert [t for t in said if t.startswith("lane")] == ["lane 0", "lane 1", "lane 2"]
    assert [t for t in said if t.startswith("step")] == ["step 0", "step 1"]


@pytest.mark.parametrize(("lanes", "steps"), [(0, 4), (7, 1), (3, 9), (3, 0), (1, 20)])
def test_bptt_refuses_what_it_cannot_draw(lanes, steps):
    with pytest.raises(ValueError, match=f"{lanes} lanes x {steps} steps of 26 characters"):
        d.truncated_bptt(lanes, steps)
