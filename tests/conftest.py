"""Tests never write to the user's cache, and never read texts that a machine happens to have."""

import pytest
import torch
from fox_run import copy, file, folder, recipe, texts  # noqa: F401  (fixtures)


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    """A cache folder of the test session's own: what is compiled is so once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARRNN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture
def one_thread():
    """Sums are the same bit for bit where they are taken in the same order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
