"""On how many threads to draw: the quickest number, whatever else the processors do."""

import numpy as np
import torch

from charrnn.native.pace import Pace, processors


def test_the_quickest_number_of_threads_is_taken():
    """By made-up times, with one block in ten held up a hundredfold."""
    for quickest in (1, 2, 3):
        pace, taken, rng = Pace(3), [], np.random.default_rng(quickest)
        for _ in range(2000):
            taken.append(threads := pace.threads())
            held_up = 100 if rng.random() < 0.1 else 1
            pace.took(threads, (1.0 if threads == quickest else 1.5) * held_up)
        assert np.mean(np.array(taken) == quickest) > 0.9
        assert set(taken[100:]) == {1, 2, 3}, "the others are tried again"


def test_another_number_is_taken_when_times_change():
    pace = Pace(2)
    taken = []
    for block in range(400):
        taken.append(threads := pace.threads())
        pace.took(threads, {1: 1.0, 2: 0.6 if block < 200 else 3.0}[threads])
    assert np.mean(np.array(taken[20:200]) == 2) > 0.9
    assert np.mean(np.array(taken[220:]) == 1) > 0.9


def test_one_processor_has_one_thread(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert processors() == 1
    pace = Pace(1)
    for _ in range(100):
        assert pace.threads() == 1
        pace.took(1, 1.0)
