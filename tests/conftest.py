"""Tests never write to the user's cache, and never read texts that a machine happens to have."""

import pytest
from fox_run import copy, file, folder, recipe, texts  # noqa: F401  (fixtures)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """A cache folder of the test session's own."""
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
