"""history.csv and samples.jsonl: written line by line, cut back, and read."""

import numpy as np
import pytest

from charrnn.records import (
    COLUMNS,
    append_history,
    append_sample,
    read_history,
    read_samples,
    truncate_records,
)


def line(step: int, val_loss: float | None = None) -> dict:
    return {**dict.fromkeys(COLUMNS, 0.5), "step": step, "val_loss": val_loss}


@pytest.fixture
def folder(tmp_path):
    for step in (2, 4, 6):
        append_history(tmp_path, line(step, 1.25 if step == 4 else None))
        append_sample(tmp_path, {"step": step, "text": f"text {step}"})
    return tmp_path


def test_a_history_comes_back_as_columns(folder):
    columns = read_history(folder / "history.csv")
    assert tuple(columns) == COLUMNS and columns["step"].tolist() == [2, 4, 6]
    np.testing.assert_array_equal(columns["val_loss"], [np.nan, 1.25, np.nan])


def test_what_came_after_a_checkpoint_is_dropped(folder):
    truncate_records(folder, 4)
    assert read_history(folder / "history.csv")["step"].tolist() == [2, 4]
    assert [r["step"] for r in read_samples(folder / "samples.jsonl")] == [2, 4]
    append_history(folder, line(6))
    assert (folder / "history.csv").read_text().count("step,") == 1, "one head"


def test_records_that_are_not_there_are_no_fault(tmp_path):
    truncate_records(tmp_path, 4)
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_was_writing_is_removed(folder):
    (folder / ".last.safetensors.17.partial").write_text("half")
    truncate_records(folder, 6)
    assert {p.name for p in folder.iterdir()} == {"history.csv", "samples.jsonl"}


def test_a_text_with_unusual_line_ends_is_one_record(tmp_path):
    """U+2028 and U+0085 end a line for `str.splitlines`, not for JSON."""
    record = {"step": 2, "text": "a\u2028b\x85c\x1cd\n"}
    append_sample(tmp_path, record)
    assert read_samples(tmp_path / "samples.jsonl") == [record]
