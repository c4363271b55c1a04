"""Random distortions of training batches, in the graph.

After STRAug (Atienza, "Data Augmentation for Scene Text Recognition", https://arxiv.org/abs/2108.06949), where
geometry, blur and noise gave most; each kind is applied to a share of the images. Everything is a function of the
seed. The distortions are mild: twice as strong, they cost a small data set half as many steps again before its loss
began to fall.
"""

import tensorflow as tf

# Largest distortions. Angles are shears: for a line of text a small rotation and a shear are the same to the eye.
SLANT = 0.15
"""Horizontal shift per pixel of height (about 9 degrees)."""
TILT = 0.04
"""Vertical shift per pixel of width."""
SCALE = 0.08
SHIFT = 0.08
"""Of the height."""
PERSPECTIVE = 0.0008
CONTRAST = 0.3
BRIGHTNESS = 0.15
NOISE = 0.06
INVERTED_SHARE = 0.02
BLURRED_SHARE = 0.25
NOISY_SHARE = 0.3
WARPED_SHARE = 0.6


def distort(images: tf.Tensor, widths: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Distort a batch.

    Args:
        images: `[batch, height, width, channels]` in [-1, 1].
        widths: Valid pixels of each row, `[batch]`; they stay as they are.
        seed: Two integers; the same seed gives the same distortion.

    Returns:
        Images like the given ones.
    """
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 4))
    images = warp(images, widths, seeds[0])
    images = blur(images, seeds[1])
    images = relight(images, seeds[2])
    return add_noise(images, seeds[3])


def _uniform(seed: tf.Tensor, count: tf.Tensor, columns: int) -> list[tf.Tensor]:
    """`columns` tensors `[count]`, uniform in [-1, 1]."""
    return tf.unstack(tf.random.stateless_uniform([count, columns], seed, -1.0, 1.0), columns, axis=1)


def _chosen(values: tf.Tensor, share: float) -> tf.Tensor:
    """1 for a share of the uniform values in [-1, 1], else 0."""
    return tf.cast(values < 2.0 * share - 1.0, tf.float32)


def warp(images: tf.Tensor, widths: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Slant, tilt, scale, shift and perspective about the middle of each row's valid part."""
    shape = tf.shape(images)
    height = tf.cast(shape[1], tf.float32)
    slant, tilt, scale_x, scale_y, shift_x, shift_y, perspective, chance = _uniform(seed, shape[0], 8)
    chosen = _chosen(chance, WARPED_SHARE)
    middle_x, middle_y = tf.cast(widths, tf.float32) / 2.0, height / 2.0
    # Tilting a long line by the same angle would push its ends out of the picture.
    tilt = chosen * tilt * tf.minimum(TILT, 0.12 * height / middle_x)
    slant = chosen * slant * SLANT
    a0, b1 = 1.0 + chosen * scale_x * SCALE, 1.0 + chosen * scale_y * SCALE
    c0 = chosen * perspective * PERSPECTIVE
    shift_x, shift_y = chosen * shift_x * SHIFT * height, chosen * shift_y * SHIFT * height
    # Output (x, y) takes its value from input ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), k = c0 x + 1.
    a2 = middle_x - a0 * middle_x - slant * middle_y + shift_x
    b2 = middle_y - tilt * middle_x - b1 * middle_y + shift_y
    zeros = tf.zeros_like(a0)
    transforms = tf.stack([a0, slant, a2, tilt, b1, b2, c0, zeros], axis=1)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=shape[1:3],
        interpolation="BILINEAR",
        fill_mode="NEAREST",
        fill_value=0.0,
    )


def blur(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Blend a share of the images with their 3x3 (binomial) average."""
    strength, chance = _uniform(seed, tf.shape(images)[0], 2)
    weight = _chosen(chance, BLURRED_SHARE) * (0.5 + 0.5 * strength)
    channels = images.shape[3]
    line = tf.constant([0.25, 0.5, 0.25])
    kernel = tf.tile((line[:, None] * line[None, :])[:, :, None, None], [1, 1, channels, 1])
    soft = tf.nn.depthwise_conv2d(
        tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC"), kernel, [1] * 4, "VALID"
    )
    return images + weight[:, None, None, None] * (soft - images)


def relight(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Change contrast and brightness; a few images become their negative."""
    contrast, brightness, chance = _uniform(seed, tf.shape(images)[0], 3)
    sign = 1.0 - 2.0 * _chosen(chance, INVERTED_SHARE)
    gain = sign * (1.0 + CONTRAST * contrast)
    return images * gain[:, None, None, None] + (BRIGHTNESS * brightness)[:, None, None, None]


def add_noise(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Gaussian noise on a share of the images; the result stays in [-1, 1]."""
    seeds = tf.random.experimental.stateless_split(seed, 2)
    strength, chance = _uniform(seeds[0], tf.shape(images)[0], 2)
    deviation = _chosen(chance, NOISY_SHARE) * NOISE * (0.5 + 0.5 * strength)
    noise = tf.random.stateless_normal(tf.shape(images), seeds[1]) * deviation[:, None, None, None]
    return tf.clip_by_value(images + noise, -1.0, 1.0)
