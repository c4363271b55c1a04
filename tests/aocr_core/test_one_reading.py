"""An image is read the same alone, in a batch beside wider ones, and by the export."""

from pathlib import Path

import numpy as np
import pytest

from aocr_core.export import export
from aocr_core.recognizer import Recognizer
from tests.aocr_core import untrained

pytestmark = pytest.mark.slow

WIDTHS = (9, 20, 31, 33, 47, 64, 63)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("model")
    untrained.write(directory, "abcdefgh")
    return directory


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    chance = np.random.default_rng(1)
    return [chance.integers(0, 256, (32, width), np.uint8) for width in WIDTHS]


def probabilities(readings) -> np.ndarray:
    return np.array([reading.probability for reading in readings])


def test_a_reading_does_not_depend_on_the_rest_of_the_batch(model: Path, images: list[np.ndarray]):
    recognizer = Recognizer.load(model)
    together, alone = recognizer.read(images), recognizer.read(images, batch_size=1)
    assert [reading.text for reading in together] == [reading.text for reading in alone]
    np.testing.assert_allclose(probabilities(together), probabilities(alone), rtol=1e-4)


def test_the_export_reads_as_the_model_does(model: Path, images: list[np.ndarray], tmp_path: Path):
    version = export(str(model), str(tmp_path / "exported"))
    before, after = Recognizer.load(model).read(images), Recognizer.load(version).read(images)
    assert [reading.text for reading in before] == [reading.text for reading in after]
    np.testing.assert_allclose(probabilities(before), probabilities(after), rtol=1e-4)
