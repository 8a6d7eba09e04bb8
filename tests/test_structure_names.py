"""Names, on lists written by hand."""

import time
from functools import cache

import numpy as np
import pytest

from charrnn.structure.names import (
    LONGEST,
    ending,
    first_letter,
    folded,
    frequencies,
    lines,
    listed,
    name_shares,
    nearest,
    total_variation,
    well_formed,
)
from charrnn.structure.shares import Share

LIST = ["Ada", "Alan", "Anna-Maria", "Grace", "JoAnn"]


def test_lines_that_are_complete():
    assert lines("Ada\nAlan\nGra") == ["Ada", "Alan"]  # Gra may be half of Grace
    assert lines("Ada\nAlan\n") == ["Ada", "Alan"]
    assert lines("da\nAlan\nGra", cut_begin=True) == ["Alan"]
    assert lines("Ada\n\n\nAlan\n") == ["Ada", "Alan"]
    assert lines("") == lines("Ada") == lines("\n\n") == []


@pytest.mark.parametrize(
    ("name", "well"),
    [
        ("Ada", True), ("R", True), ("Anna-Maria", True), ("Zsa Zsa", True), ("E'Lane", True),
        ("Åsa", True), ("Ana-Lúcia", True),
        ("", False), ("ada", False), ("ADA", False), ("JoAnn", False), ("Sue-elle", False),
        ("Ann-", False), ("-Ann", False), ("Ann--Mari", False), ("Gale ", False), ("Ad4", False),
        ("Ada.", False), ("Ada\tB", False),
    ],
)  # fmt: skip
def test_well_formed(name, well):
    assert well_formed(name) is well


def test_folded():
    assert {folded(n) for n in ("Jo-Ann", "JoAnn", "Jo Ann", "Joann", "JOANN")} == {"joann"}
    assert folded("Anne") != folded("Ann")


def test_shares_by_hand():
    drawn = ["Ada", "Joann", "Joann", "Grete", "Alan", "zz"]
    found = name_shares(drawn, LIST, ["Grete", "Alan", "Ida"])
    assert found.new == Share(4, 6)  # Joann twice, Grete, zz
    assert found.new_folded == Share(2, 6)  # JoAnn is in the list
    assert found.held_out == Share(1, 6)  # Grete; Alan is no news
    assert found.distinct == Share(5, 6)
    assert found.well_formed == Share(5, 6)


def test_the_training_list_is_not_new_and_the_held_out_list_is():
    assert name_shares(LIST, LIST).new == Share(0, 5)
    assert name_shares(["Ida", "Max"], LIST, ["Ida", "Max"]).new == Share(2, 2)
    assert name_shares([], LIST).new == Share(0, 0)


def test_listed_counts_different_names_in_another_spelling():
    assert listed(["Ada", "Ada", "Jo-Ann", "Xyz"], {"ada", "joann"}) == Share(2, 3)
    assert listed([], {"ada"}) == Share(0, 0)


def slow_distance(a, b):
    @cache
    def of(i, j):
        if not i or not j:
            return i + j
        replaced = of(i - 1, j - 1) + (a[i - 1] != b[j - 1])
        return min(replaced, of(i - 1, j) + 1, of(i, j - 1) + 1)

    return of(len(a), len(b))


def test_distance_by_hand():
    drawn = ["Ada", "Adas", "Adda", "Add", "lan", "Allen", "Graces Kelly", ""]
    assert nearest(drawn, LIST).tolist() == [0, 1, 1, 1, 1, 2, 4, 3]
    assert nearest(drawn, LIST, most=1).tolist() == [0, 1, 1, 1, 1, 1, 1, 1]
    assert nearest([], LIST).tolist() == []


def test_distance_against_the_recursion():
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abc"), rng.integers(1, 9))) for _ in range(120)]
    for most in (2, 4, 9):
        found = nearest(words[:60], words[60:], most)
        expected = [min(most, *(slow_distance(a, b) for b in words[60:])) for a in words[:60]]
        assert found.tolist() == expected


def test_a_long_line_is_far_from_everything_and_costs_nothing():
    begun = time.perf_counter()
    assert nearest(["A" * 1_000_000, "A" * LONGEST], LIST).tolist() == [4, 4]
    assert nearest(["Ada"], ["A" * 1_000_000, "Ida"]).tolist() == [1]
    assert not well_formed("A" * 1_000_000) and well_formed("A" + "a" * 1_000_000)
    assert name_shares(["-" * 1_000_000] * 3, LIST).well_formed == Share(0, 3)
    assert time.perf_counter() - begun < 20
    with pytest.raises(ValueError, match="no name to compare with"):
        nearest(["Ada"], [])


def test_a_megabyte_of_names_is_counted_in_seconds():
    begun = time.perf_counter()
    found = name_shares(lines("Ada\nXy\n" * 150_000), LIST)
    assert found.new == Share(150_000, 300_000)
    assert time.perf_counter() - begun < 20


def test_frequencies():
    found = frequencies(["Ada", "Ida", "Alan"], first_letter)
    assert found == {"A": pytest.approx(2 / 3), "I": pytest.approx(1 / 3)}
    assert list(frequencies(["Ida", "Ada", "Bo", "B"], ending)) == ["da", "B", "Bo"]
    assert frequencies([], ending) == {}


def test_total_variation():
    p, q = {"a": 0.5, "b": 0.5}, {"a": 0.25, "c": 0.75}
    assert total_variation(p, q) == pytest.approx(0.75)
    assert total_variation(p, p) == 0 and total_variation(p, {"x": 1.0}) == 1
