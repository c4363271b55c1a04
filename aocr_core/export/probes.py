"""Images to verify an export with when the user gives none."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from aocr_core.model_dir import ModelConfig

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
