"""THE image preprocessing: training, evaluation, prediction and the exported graph all call these functions.

An encoded image becomes 8-bit pixels of the model's height, aspect kept; `scale` then brings them to [-1, 1]. The
pixels stay 8-bit in between, so that a data set can be cached in memory and still give the network the same numbers.
What this graph cannot decode faithfully is turned into a plain PNG beforehand by `aocr_core.data.images`.
"""

import tensorflow as tf

from aocr_core.config import Options

NARROWEST = 4
"""No image becomes narrower than this many pixels, one time step of the encoder."""

WIDTH_STEP = 16
"""Batches are padded to a multiple of so many pixels. Pooling and strides look at whole windows, and
which columns are in a row's last window must not depend on the other images of its batch.
"""

PREPARED = "prepared_images"
"""Name of the result in every graph, by which it can be fetched from an export."""


class ImageSpec(Options):
    """What the network is given."""

    height: int
    """Pixels."""
    width: int
    """Most pixels; wider images are squeezed to fit."""
    channels: int
    """1 (brightness) or 3 (RGB)."""
    mirrored: bool = False
    """Turned round: text that is written from right to left then runs as its labels do, first symbol first."""


def prepare(encoded: tf.Tensor, spec: ImageSpec) -> tf.Tensor:
    """Decode one image and resize it to the model's height.

    Args:
        encoded: PNG or JPEG bytes, a scalar string.
        spec: Sizes.

    Returns:
        `uint8` pixels `[height, width, channels]`, `NARROWEST <= width <= spec.width`.
    """
    pixels = decode(encoded, spec.channels)
    pixels.set_shape([None, None, spec.channels])
    shape = tf.cast(tf.shape(pixels), tf.float32)
    width = tf.cast(tf.round(shape[1] * spec.height / shape[0]), tf.int32)
    width = tf.clip_by_value(width, NARROWEST, spec.width)
    resized = tf.image.resize(pixels, [spec.height, width], method="bilinear", antialias=True)
    if spec.mirrored:
        resized = tf.image.flip_left_right(resized)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0.0, 255.0), tf.uint8)


def decodes(encoded: bytes, channels: int) -> bool:
    """Whether `prepare` can decode an image: of some formats it can only where colours are looked at."""
    try:
        decode(tf.constant(encoded), channels)
    except tf.errors.InvalidArgumentError:
        return False
    return True


def decode(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    """Decode one PNG or JPEG, as Pillow does: of JPEG, TensorFlow's usual way is faster and up to 14 of 255 levels off.

    Returns:
        `uint8` pixels `[height, width, channels]`.
    """
    return tf.io.decode_jpeg(encoded, channels=channels, dct_method="INTEGER_ACCURATE")  # it decodes PNG as well


def scale(pixels: tf.Tensor) -> tf.Tensor:
    """8-bit pixels -> floats in [-1, 1]."""
    return tf.subtract(tf.cast(pixels, tf.float32) * (2.0 / 255.0), 1.0, name=PREPARED)


def pad(pixels: tf.Tensor, width: tf.Tensor | int) -> tf.Tensor:
    """Fill a prepared image `[height, w, channels]` up to `width` on the right; the network ignores the filling."""
    return tf.pad(pixels, [[0, 0], [0, width - tf.shape(pixels)[1]], [0, 0]])


def round_up(pixels: tf.Tensor) -> tf.Tensor:
    """Fill a batch `[batch, height, width, channels]` on the right up to a multiple of `WIDTH_STEP`."""
    return tf.pad(pixels, [[0, 0], [0, 0], [0, -tf.shape(pixels)[2] % WIDTH_STEP], [0, 0]])


def prepare_batch(encoded: tf.Tensor, spec: ImageSpec) -> tuple[tf.Tensor, tf.Tensor]:
    """Prepare a batch of encoded images, strings `[batch]`.

    Returns:
        floats `[batch, height, width, channels]` in [-1, 1], hardly wider than the widest, and the widths `[batch]`.
    """

    def one(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels = prepare(image, spec)
        return pad(pixels, spec.width), tf.shape(pixels)[1]

    signature = (tf.TensorSpec([spec.height, spec.width, spec.channels], tf.uint8), tf.TensorSpec([], tf.int32))
    pixels, widths = tf.map_fn(one, encoded, fn_output_signature=signature)
    widest = tf.reduce_max(tf.concat([widths, [NARROWEST]], axis=0))
    return scale(round_up(pixels[:, :, :widest, :])), widths
