"""The page stays quick while its model works: Chromium's own trace of the page's main thread."""

import pytest
from live_figure import RUNS, Figure, has_length

from benchmarks.chromium import Task, tasks_between, traced_tasks

pytestmark = [pytest.mark.browser, pytest.mark.alone]
LIMIT = 16
"""Milliseconds of thread time, a frame at 60 Hz."""
LENGTH = 5000


def check(tasks: list[Task]) -> None:
    assert len(tasks) > 20, "the trace does not show the page's work"
    assert tasks[0].ms <= LIMIT, "\n".join(f"{t.ms:.1f} ms: {t.what}" for t in tasks[:3])


@pytest.mark.parametrize("name", [*RUNS, "playground"])
def test_no_task_is_longer_than_a_frame(open_page, name):
    """While the model loads and the first text comes, and while a long one is written."""
    with open_page(name) as page:
        check(traced_tasks(page, "Run the model here"))
        figure = Figure(page)
        figure.set(length=LENGTH)
        figure.written()
        check(traced_tasks(page, "Write"))
        assert has_length(RUNS.get(name, "tinyshakespeare"), figure.text, LENGTH)


def test_a_long_task_is_found(open_page):
    """What the test above looks for, made on purpose."""
    busy = "() => { for (const end = performance.now() + 120; performance.now() < end; ); }"
    with open_page("index") as page:
        figure = Figure(page)
        figure.load()
        figure.form.evaluate(f"(form) => form.addEventListener('submit', {busy})")
        longest = traced_tasks(page, "Write")[0]
        assert longest.ms > 2 * LIMIT
        assert "EventDispatch" in longest.what


def test_only_tasks_between_the_marks_and_of_their_thread_count():
    def event(name, ts, dur, tid=1, cat="toplevel"):
        facts = {"name": name, "ts": ts, "dur": dur, "tdur": dur, "pid": 5, "tid": tid}
        return facts | {"ph": "X", "cat": cat}

    task = "ThreadControllerImpl::RunTask"
    events = [event(name, ts, 0, cat="blink.user_timing") for name, ts in (("a", 100), ("z", 200))]
    events += [event(task, 10, 80), event(task, 50, 60), event(task, 150, 40), event(task, 201, 90)]
    events += [event(task, 120, 70, tid=2), event("Layout", 155, 30)]
    found = tasks_between(events, "a", "z")
    assert [t.ms for t in found] == [0.06, 0.04]
    assert "Layout 0.0 ms" in found[1].what
