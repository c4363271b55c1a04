import pytest

from tests.aocr_core import untrained
from tests.aocr_core.serving.conftest import eventually, place, running

__all__ = ["eventually", "model", "place", "running"]


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> str:
    """A model directory with the weights that a training starts from; the tests only read it."""
    directory = tmp_path_factory.mktemp("untrained")
    untrained.write(directory)
    return str(directory)
