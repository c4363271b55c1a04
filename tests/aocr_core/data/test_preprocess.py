"""The one image preprocessing, run as training, evaluation, prediction and exports run it."""

import io

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aocr_core.data import preprocess
from aocr_core.data.preprocess import ImageSpec

SPEC = ImageSpec(height=32, width=96, channels=1)
SIZES = [(40, 32), (96, 32), (11, 60), (200, 64), (300, 20), (1, 40), (33, 17)]


def png(width: int, height: int, mode: str = "L") -> bytes:
    depth = {"L": (), "RGB": (3,)}[mode]
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, *depth), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@given(st.integers(1, 300), st.integers(1, 120))
def test_the_aspect_is_kept_as_far_as_the_width_allows(width: int, height: int):
    prepared = preprocess.prepare(png(width, height), SPEC)
    wanted = width * SPEC.height / height
    assert prepared.shape[0] == SPEC.height and prepared.dtype == tf.uint8
    assert prepared.shape[1] == pytest.approx(min(max(wanted, preprocess.NARROWEST), SPEC.width), abs=0.51)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("channels", [1, 3])
def test_gray_and_colour_images_for_gray_and_colour_models(mode: str, channels: int):
    spec = ImageSpec(height=16, width=64, channels=channels)
    assert preprocess.prepare(png(32, 16, mode), spec).shape == (16, 32, channels)


def test_an_image_of_the_right_height_keeps_its_pixels():
    data = png(50, 32)
    np.testing.assert_array_equal(preprocess.prepare(data, SPEC)[..., 0], np.asarray(Image.open(io.BytesIO(data))))


def test_a_small_image_is_scaled_up():
    small = Image.new("L", (20, 8), 0)
    small.paste(255, (10, 0, 20, 8))
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    prepared = preprocess.prepare(buffer.getvalue(), SPEC)
    assert prepared.shape == (32, 80, 1)
    assert not prepared[:, :36].numpy().any() and (prepared[:, 44:].numpy() == 255).all()


def test_jpeg():
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (255, 255, 255)).save(buffer, "JPEG")
    assert (preprocess.prepare(buffer.getvalue(), SPEC).numpy() == 255).all()


def test_scale_maps_black_to_minus_one_and_white_to_one():
    scaled = preprocess.scale(tf.constant([0, 255], tf.uint8)).numpy()
    np.testing.assert_allclose(scaled, [-1.0, 1.0], atol=1e-6)


def test_the_same_bits_eagerly_in_a_data_set_and_in_a_graph_of_a_batch():
    """Resizing in particular once differed: the network must be given the same numbers wherever it reads."""
    encoded = [png(*size) for size in SIZES]
    eager = [preprocess.scale(preprocess.prepare(data, SPEC)).numpy() for data in encoded]
    streamed = tf.data.Dataset.from_tensor_slices(encoded).map(
        lambda data: preprocess.scale(preprocess.prepare(data, SPEC)), num_parallel_calls=2
    )
    graph = tf.function(lambda batch: preprocess.prepare_batch(batch, SPEC))
    images, widths = (value.numpy() for value in graph(tf.constant(encoded)))
    assert images.shape[2] % preprocess.WIDTH_STEP == 0
    for expected, stream, row, width in zip(eager, streamed, images, widths, strict=True):
        np.testing.assert_array_equal(stream, expected)
        np.testing.assert_array_equal(row[:, :width], expected)
        assert expected.shape[1] == width


def test_an_empty_batch():
    images, widths = preprocess.prepare_batch(tf.constant([], tf.string), SPEC)
    assert images.shape[0] == 0 and widths.shape == (0,)


@given(st.integers(1, 70))
def test_rounding_up_adds_less_than_one_step(width: int):
    batch = tf.ones([2, 4, width, 1], tf.uint8)
    padded = preprocess.round_up(batch).numpy()
    assert padded.shape[2] % preprocess.WIDTH_STEP == 0 and 0 <= padded.shape[2] - width < preprocess.WIDTH_STEP
    assert padded[:, :, :width].all() and not padded[:, :, width:].any()
