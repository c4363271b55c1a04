"""How large the images are that the network sees."""

import math

from aocr_core.charset import Kind
from aocr_core.config import ModelOptions
from aocr_core.data.info import DatasetInfo
from aocr_core.data.preprocess import ImageSpec

WIDTH_MARGIN = 1.1
"""Test images may be a little wider than any in the training data."""
COMMON_SHARE, STRAY_FACTOR = 0.995, 2.0
"""A single stray panorama must not make every buffer as wide: what is so many times wider than so large a share of the
images gets squeezed.
"""
WIDTH_UNIT = 8

LEAST_PITCH = 12
"""Pixels of width that a symbol should have on average: three time steps of the encoder. CTC needs two of them for the
same symbol twice, and with less of it the dots and strokes of small letters are lost.
"""
HEIGHT_UNIT = 16
"""All poolings of the preset `fast`, one after the other, make one row of so many."""
TALLEST = 64
"""No data set makes the images taller by itself: twice the height is four times the work."""


def input_height(info: DatasetInfo, height: int, kind: Kind = "characters") -> int:
    """Height in pixels to scale images to: the preset's, or more where the symbols of long labels would be too narrow.

    Beyond the preset's height, no more than half of the images are enlarged.

    Args:
        info: What is known of the training data.
        height: The preset's.
        kind: What a symbol is.
    """
    wanted = math.ceil(LEAST_PITCH * info.mean_label(kind) / info.mean_aspect / HEIGHT_UNIT) * HEIGHT_UNIT
    there = info.heights.median // HEIGHT_UNIT * HEIGHT_UNIT
    return max(height, min(wanted, there, TALLEST))


def image_spec(info: DatasetInfo, model: ModelOptions, height: int, mirrored: bool = False) -> ImageSpec:
    """Sizes of what the network sees: as wide as the options say, or as the data needs."""
    if model.max_width is not None:
        width = math.ceil(model.max_width / (model.max_height or height) * height)
    else:
        common = info.aspect_quantile(COMMON_SHARE) * height
        widest = info.aspect_quantile(1.0) * height
        width = math.ceil(min(widest, STRAY_FACTOR * common) * WIDTH_MARGIN)
    width = max(1, math.ceil(width / WIDTH_UNIT)) * WIDTH_UNIT
    return ImageSpec(height=height, width=width, channels=3 if model.color else 1, mirrored=mirrored)
