"""Real images that stay with the model, so that each of its exports can be compared with it on them."""

from pathlib import Path

from aocr_core import model_dir, storage
from aocr_core.data import batches
from aocr_core.data.records import Record, Writer

COUNT = 32
LARGEST = 64 * 1024
"""Bytes of one of them."""


def keep(directory: Path, files: list[str], share: float) -> None:
    """Write the first validation images that are small into a model directory.

    Args:
        directory: of the model.
        files: TFRecords.
        share: of their images that is held out for validation; 0: all.
    """
    pairs = batches.labelled_images(files, share, validation=True).take(4 * COUNT).as_numpy_iterator()
    small = [Record(image, label.decode()) for image, label in pairs if len(image) <= LARGEST]
    with storage.output_file(directory / model_dir.SAMPLES) as file, Writer(file) as writer:
        for record in small[:COUNT]:
            writer.write(record)
