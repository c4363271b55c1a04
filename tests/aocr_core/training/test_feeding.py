"""What is kept in memory from one validation to the next, and what is read each time."""

from pathlib import Path

import pytest
import tensorflow as tf

from aocr_core.data.info import DatasetInfo
from aocr_core.training.feeding import CACHE_BYTES, Judged
from tests.aocr_core import small

GIGABYTE = CACHE_BYTES // small.NETWORK.height**2
"""So many square images of the small network's height are a gigabyte."""


def is_kept(path: Path, rows: int, share: float) -> bool:
    """Whether validation images of a data set that is said to be so large are still there without their file."""
    small.write_words(path, ["a", "bb", "cab", "dead", "ebb", "face"])
    batches = Judged([str(path)], DatasetInfo(rows=rows), share, apart=True).batches(small.config())
    first = [images.shape for images, *_ in batches]
    path.unlink()
    try:
        assert first and [images.shape for images, *_ in batches] == first
    except tf.errors.NotFoundError:
        return False
    return True


@pytest.mark.parametrize(
    ("rows", "share", "kept"),
    [(10, 0.0, True), (2 * GIGABYTE, 0.4, True), (2 * GIGABYTE, 0.6, False), (2 * GIGABYTE, 0.0, False)],
)
def test_validation_images_are_kept_when_they_themselves_are_not_too_many(
    tmp_path: Path, rows: int, share: float, kept: bool
):
    assert is_kept(tmp_path / "words.tfrecords", rows, share) is kept
