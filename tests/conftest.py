"""Tests never write to the user's cache, and never read texts that a machine happens to have."""

import pytest
from fox_run import copy, file, folder, recipe, texts  # noqa: F401  (fixtures)


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    """A cache folder of the test session's own: what is compiled is so once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARRNN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield
