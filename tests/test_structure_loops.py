"""Loops: exact against brute force, and proved from states."""

import random

import numpy as np
import pytest

from charrnn.structure.loops import Cycle, find_cycle, state_cycle, state_recurrence


def brute_cycle(sequence, min_repeats, min_tail):
    """The earliest, then shortest, among all (start, period) tried one by one."""
    n = len(sequence)
    for start in range(n):
        for period in range(1, (n - start) // min_repeats + 1):
            periodic = all(sequence[i] == sequence[i + period] for i in range(start, n - period))
            if periodic and n - start >= min_tail:
                text = sequence[start : start + period]
                return Cycle(start, period, text, (n - start) // period)
    return None


@pytest.mark.parametrize("letters", ["a", "ab", "abc"])
@pytest.mark.parametrize(("repeats", "tail"), [(2, 1), (3, 1), (2, 6)])
def test_equals_brute_force(letters, repeats, tail):
    rng = random.Random(len(letters))
    for _ in range(150):
        head = "".join(rng.choice(letters) for _ in range(rng.randrange(12)))
        lap = "".join(rng.choice(letters) for _ in range(rng.randrange(1, 6)))
        text = head + (lap * 5)[: rng.randrange(20)]
        assert find_cycle(text, repeats, tail) == brute_cycle(text, repeats, tail)


def test_loop_cut_off_at_a_double_letter():
    text = "It was a startup" + " that was in a wood, see" * 3
    cycle = find_cycle(text)
    assert cycle == Cycle(16, 24, " that was in a wood, see", 3)
    assert text[-2:] == "ee"  # the smallest period alone would have answered 1


def test_start_reaches_back_into_the_first_lap():
    # The blank before "and" is already the one that ends each lap.
    assert find_cycle("x and and and ") == Cycle(1, 4, " and", 3)


def test_no_cycle():
    assert find_cycle("abc") is None
    assert find_cycle("") is None
    assert find_cycle("a") is None
    assert find_cycle("abab", min_repeats=3) is None
    assert find_cycle("hello committee", min_tail=3) is None
    assert find_cycle("hello committee") == Cycle(13, 1, "e", 2)


def test_other_sequences():
    assert find_cycle([7, 1, 2, 1, 2, 1]) == Cycle(1, 2, [1, 2], 2)
    assert find_cycle(b"xabab") == Cycle(1, 2, b"ab", 2)


def test_long_loop_is_linear():
    # Quadratic work would be 10^10 comparisons: minutes instead of a fraction of a second.
    assert find_cycle("a" * 100_000 + "b") is None
    assert find_cycle("x" + "a" * 100_000) == Cycle(1, 1, "a", 100_000)


def test_find_cycle_refuses_one_repeat():
    with pytest.raises(ValueError, match=r"min_repeats 1.*at least 2"):
        find_cycle("abab", min_repeats=1)
    with pytest.raises(ValueError, match="min_tail 0"):
        find_cycle("abab", min_tail=0)


def squares(state):
    """0 1 2 ... by n -> n^2 + 1 mod 31: a rho with its own tail."""
    return chr(97 + state % 26), (state * state + 1) % 31


def as_bytes(state):
    return state.to_bytes(2, "big")


def test_state_cycle_by_hand():
    # 3 -> 10 -> 8 -> 3: on the cycle from the start. 0 -> 1 -> 2 -> 5 -> 26 -> 26.
    assert state_cycle(squares, 3, 100, as_bytes) == Cycle(0, 3, "dki", 1)
    assert state_cycle(squares, 0, 100, as_bytes) == Cycle(4, 1, "a", 1)


def test_state_cycle_predicts_the_text():
    for first in range(31):
        cycle = state_cycle(squares, first, 100, as_bytes)
        state, text = first, ""
        for _ in range(cycle.start + 5 * cycle.period):
            symbol, state = squares(state)
            text += symbol
        assert text[cycle.start :] == cycle.text * 5


def test_state_cycle_stops_at_max_steps():
    assert state_cycle(squares, 0, 5, as_bytes).start == 4  # state 5 is the first seen before
    assert state_cycle(squares, 0, 4, as_bytes) is None
    assert state_cycle(lambda n: (n, n + 1), 0, 50, as_bytes) is None
    with pytest.raises(ValueError, match="max_steps 0"):
        state_cycle(squares, 0, 0, as_bytes)


def test_state_cycle_of_ids_is_a_tuple():
    cycle = state_cycle(lambda n: (n, 1 - n), 0, 9, as_bytes)
    assert cycle == Cycle(0, 2, (0, 1), 1)


def test_text_loops_before_the_state_does():
    # A decaying state emits the same symbol at once, and repeats only when it underflows.
    def step(x):
        return "a", np.float32(x * np.float32(0.5))

    assert find_cycle("aaaa").start == 0
    cycle = state_cycle(step, np.float32(1), 1000, lambda x: x.tobytes())
    assert cycle.period == 1
    assert cycle.start == 150  # 2^-149 is the smallest float32; its half rounds to 0


def test_state_recurrence_by_hand():
    orbit = np.array([[0.0, 1.0], [2.0, 3.0]])
    states = np.concatenate([orbit, orbit + 0.5, orbit + 0.25, orbit[:1]])
    np.testing.assert_allclose(state_recurrence(states, 2), [0.5, 0.25])
    assert state_recurrence(np.tile(orbit, (3, 1)), 2).tolist() == [0.0, 0.0]
    assert (state_recurrence(np.tile(orbit, (3, 1)), 3) > 1).all()  # a wrong period shows


def test_state_recurrence_refuses():
    with pytest.raises(ValueError, match=r"shape \(4,\): must be \(N, D\)"):
        state_recurrence(np.zeros(4), 2)
    with pytest.raises(ValueError, match="3 states, period 2: need at least two"):
        state_recurrence(np.zeros((3, 1)), 2)
    with pytest.raises(ValueError, match="period 0"):
        state_recurrence(np.zeros((3, 1)), 0)
