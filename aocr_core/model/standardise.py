"""Bring every image to the same brightness, contrast and polarity before the first convolution.

What a text says does not depend on the colours it is written in. A network that has to learn that by itself spends a
good part of a short training on it.
"""

from typing import Any

from keras import layers, ops

from aocr_core.model import masking

Tensor = Any

EPSILON = 1e-3
"""Keeps an image of a single colour at 0 instead of blowing up its noise; images are in [-1, 1]."""
EVEN = 1e-3
"""A skewness within rounding of 0 decides nothing."""


class Standardise(layers.Layer):
    """Zero mean, unit variance and ink above paper, of each image by itself.

    Ink covers less of an image than paper does, so it is the side on which the brightness has its long tail: images
    of negative skewness become their negative.
    """

    def __init__(self, **kwargs: Any) -> None:
        # Sums over thousands of pixels need the full precision, whatever the network is computed in.
        super().__init__(dtype="float32", **kwargs)

    def call(self, images: Tensor, widths: Tensor) -> Tensor:
        """Images `[batch, height, width, channels]` with valid widths `[batch]` -> the same shape, 0 in the padding."""
        _, height, width, channels = ops.shape(images)
        mask = masking.valid(widths, width)[:, None, :, None]
        count = ops.cast(ops.maximum(widths, 1) * height * channels, "float32")[:, None, None, None]

        def mean(values: Tensor) -> Tensor:
            return ops.sum(values, axis=(1, 2, 3), keepdims=True) / count

        centred = (images - mean(images * mask)) * mask
        normal = centred / ops.sqrt(mean(centred**2) + EPSILON)
        return normal * ops.where(mean(normal**3) < -EVEN, -1.0, 1.0)
