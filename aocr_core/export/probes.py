"""Images to verify an export with: some that are drawn, and those of a data set, or of the model's own training."""

import io
import logging
from itertools import islice

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from aocr_core import model_dir, storage
from aocr_core.data import images as image_files
from aocr_core.data import records
from aocr_core.model_dir import ModelConfig

logger = logging.getLogger(__name__)

COUNT = 8


def draw(config: ModelConfig) -> list[bytes]:
    """PNG images of the model's own symbols in many widths and heights; the same every time."""
    chance = np.random.default_rng(0)
    symbols = config.charset.symbols
    images = []
    for index in range(COUNT):
        height = int(chance.integers(16, 80))
        text = config.charset.join([symbols[i] for i in chance.integers(0, len(symbols), size=1 + 2 * index)])
        font = ImageFont.load_default(size=0.7 * height)
        width = max(8, int(font.getlength(text)))
        image = Image.new("L", (width, height), int(chance.integers(150, 256)))
        ImageDraw.Draw(image).text((0, 0.1 * height), text, fill=int(chance.integers(0, 100)), font=font)
        file = io.BytesIO()
        image.save(file, "PNG")
        images.append(file.getvalue())
    return images


def of_model(directory: str) -> list[bytes]:
    """Real images that the training has left in a model directory; those of older ones hold none."""
    kept = storage.join(directory, model_dir.SAMPLES)
    if storage.stat(kept) is None:
        logger.warning(
            "%s holds no real images: the export is compared on drawn ones alone; name a data set with --verify-with",
            directory,
        )
        return []
    return of_dataset(kept)


def of_dataset(dataset: str, count: int = 64) -> list[bytes]:
    """The first images of a data set, as plain as whatever an export is given; damaged ones are left out.

    Raises:
        UsageError: there is no such data set.
        AocrError: it is damaged.
    """
    found = []
    for record in islice(records.read(records.files(dataset)), count):
        try:
            found.append(image_files.recorded(record.image).data)
        except image_files.ImageError as error:
            logger.warning("image %s is not compared: %s", record.comment or "without name", error)
    return found
