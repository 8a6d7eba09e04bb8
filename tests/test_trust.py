"""Every case of trust/, tried quickly; `make trust` tries them in full."""

import json
import re
from importlib import import_module

import pytest

from trust.__main__ import PARTS
from trust.ledger import HERE, RESULTS, Row, row, written
from trust.soak import grows

CASES = [
    pytest.param(case, id=f"{part}-{name}")
    for part in PARTS
    for name, case in import_module(f"trust.{part}").CASES.items()
]


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("case", CASES)
def test_a_quick_try_goes_as_it_should(case):
    found = case(True)
    assert found.tried > 0
    assert not found.wrong


def test_a_row_counts_its_outcomes():
    found = row("tries", ["good", "bad", "good"], ["the second"])
    assert (found.tried, found.outcomes, found.wrong) == (3, {"good": 2, "bad": 1}, ("the second",))
    with pytest.raises(ValueError, match="do not add up"):
        Row("tries", 2, {"good": 1})


def test_a_leak_is_growth_and_a_whim_is_not():
    level = [100e6 + 1e6 * (i % 3) for i in range(40)]
    assert not grows(level)
    assert grows([value + 0.4e6 * i for i, value in enumerate(level)])
    assert not grows([50e6] * 5 + level)  # a start is no growth


def test_the_table_is_that_of_the_results():
    text = (HERE / "README.md").read_text(encoding="utf-8")
    assert text == written(PARTS, text)


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_committed_results_are_whole_and_name_their_commit(path):
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept["part"] == path.stem and path.stem in PARTS
    assert len(kept["rows"]) == len(import_module(f"trust.{path.stem}").CASES)
    assert re.fullmatch(r"[0-9a-f]{12}", kept["machine"]["commit"])
    assert not any(r["wrong"] for r in kept["rows"])
