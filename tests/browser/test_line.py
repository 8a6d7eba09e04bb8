"""How likely a line of the reader's own is, in the built page against Python: make browser."""

import math
import re
from itertools import pairwise

import numpy as np
import pytest
from live_figure import RUNS, run
from playwright.sync_api import expect

from charrnn.portable import PortableStepper
from charrnn.sample import Sampling, probabilities

pytestmark = pytest.mark.browser
PAGE = "08-names"


@pytest.fixture(scope="module")
def figure(loaded):
    with loaded(PAGE) as opened:
        yield opened


def chances(line: str) -> list[float]:
    """The probability of each character of a line and of its end, in the portable arithmetic."""
    opened = run(RUNS[PAGE])
    stepper, found = PortableStepper(opened.model), []
    newline = opened.vocab.ids["\n"]
    ids = [newline, *opened.vocab.encode(line).tolist(), newline]
    for now, then in pairwise(ids):
        p = probabilities(stepper.step(np.array([now]))[0], Sampling(portable=True))
        found.append(float(p[then]))
    return found


@pytest.mark.parametrize("line", ["Anna", "Zzyx", "B", "Mary-Lou"])
def test_the_odds_are_pythons(figure, line):
    field = figure.field("How likely is a line of your own?")
    field.fill(line)
    odds = figure.form.locator(".charrnn-odds")
    expect(odds).to_contain_text(f"“{line}” is one line in")
    shown = float(re.search(r"one line in ([\d.,]+)", odds.text_content())[1].replace(",", ""))
    wanted = chances(line)
    assert shown == pytest.approx(1 / math.prod(wanted), rel=0.05 if shown < 10 else 0.01)
    letters = figure.form.locator(".charrnn-letters li")
    expect(letters).to_have_count(len(line) + 1)
    assert [text[0] for text in letters.all_text_contents()] == [*line, "↵"]
    shares = [float(re.search(r"([\d.]+) ?%", t)[1]) for t in letters.all_text_contents()]
    assert shares == pytest.approx([100 * p for p in wanted], abs=0.51)


def test_a_line_that_cannot_be_written(figure):
    field = figure.field("How likely is a line of your own?")
    field.fill("Ægir")
    odds = figure.form.locator(".charrnn-odds")
    expect(odds).to_have_text("It cannot be written: the model knows no such character.")
    field.fill("")
    expect(odds).to_have_text("")
    expect(figure.form.locator(".charrnn-letters li")).to_have_count(0)


def test_a_reader_at_work_does_not_disturb_the_text(figure):
    before = figure.write(seed=3, length=200)
    figure.field("How likely is a line of your own?").fill("Otto")
    expect(figure.form.locator(".charrnn-letters li")).to_have_count(5)
    assert figure.written() == before


def test_only_models_of_lines_have_the_field(loaded):
    with loaded("03-paul-graham") as essays:
        expect(essays.field("How likely is a line of your own?")).to_have_count(0)
