"""README.md says what the recorded runs and the committed benchmarks say."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def readme():
    spec = importlib.util.spec_from_file_location("readme", ROOT / "tools" / "readme.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["readme"] = module
    spec.loader.exec_module(module)
    return module


def test_numbers_sample_and_figure_are_those_of_the_recorded_runs(readme):
    assert readme.stale() == [], "run: python tools/readme.py"


def test_a_changed_number_is_stale(readme):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    before, _, after = text.partition("<!-- begin runs -->\n")
    assert readme.render(before + "<!-- begin runs -->\n9" + after) == text


def test_a_part_without_its_place_is_refused(readme):
    with pytest.raises(ValueError, match="one place <!-- begin figure"):
        readme.render("no marks")


def test_every_recorded_run_has_a_row(readme):
    rows = readme.runs_table().splitlines()[2:]
    assert len(rows) == len(list((ROOT / "data" / "runs").glob("*/run.json")))
