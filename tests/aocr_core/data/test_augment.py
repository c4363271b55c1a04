import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from aocr_core.data import augment

WIDTHS = np.array([48, 20, 4, 33], np.int32)


def images(channels: int = 1, rows: int = 4) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (rows, 16, 48, channels)).astype(np.float32)


def distorted(seed: int, channels: int = 1) -> np.ndarray:
    return augment.distort(tf.constant(images(channels)), tf.constant(WIDTHS), tf.constant([1, seed], tf.int64)).numpy()


@settings(max_examples=20)
@given(st.integers(0, 2**62), st.sampled_from([1, 3]))
def test_any_seed_gives_images_of_the_same_shape_within_range(seed: int, channels: int):
    found = distorted(seed, channels)
    assert found.shape == images(channels).shape and found.dtype == np.float32
    assert np.isfinite(found).all() and found.min() >= -1 and found.max() <= 1


def test_everything_is_a_function_of_the_seed():
    np.testing.assert_array_equal(distorted(5), distorted(5))
    assert (distorted(5) != distorted(6)).any()


def test_the_same_in_a_data_set():
    """In the graph of an input pipeline, where training runs it."""
    stream = tf.data.Dataset.from_tensors((images(), WIDTHS)).map(
        lambda pixels, widths: augment.distort(pixels, widths, tf.constant([1, 5], tf.int64))
    )
    (found,) = stream.as_numpy_iterator()
    np.testing.assert_allclose(found, distorted(5), atol=1e-5)


def test_the_rows_of_a_batch_are_distorted_each_in_its_own_way():
    same = tf.constant(np.repeat(images(rows=1), 32, axis=0))
    found = augment.distort(same, tf.fill([32], 48), tf.constant([1, 1], tf.int64)).numpy()
    assert len({row.tobytes() for row in found}) > 16


def test_a_word_stays_where_it_can_be_read():
    """A dark block in the middle of the line is still there, perhaps as its negative, in all but a few images."""
    block = np.ones((32, 96), np.float32)
    block[8:24, 24:72] = -1.0
    batch = tf.constant(np.repeat(block[None, :, :, None], 200, axis=0))
    found = augment.distort(batch, tf.fill([200], 96), tf.constant([3, 1], tf.int64)).numpy()
    likeness = [abs(np.corrcoef(row.ravel(), block.ravel())[0, 1]) for row in found]
    assert np.quantile(likeness, 0.05) > 0.5 and np.median(likeness) > 0.7


@pytest.mark.parametrize(("width", "least"), [(160, 30), (640, 20)])
def test_both_ends_of_a_long_line_stay_in_the_picture(width: int, least: int):
    ends = np.full((32, width, 1), 1.0, np.float32)
    ends[8:24, 24:32] = ends[8:24, width - 32 : width - 24] = -1.0
    batch = tf.constant(np.repeat(ends[None], 200, axis=0))
    found = augment.warp(batch, tf.fill([200], width), tf.constant([3, 1], tf.int64), tf.constant(1.0)).numpy()
    dark = (found < 0).sum(axis=(1, 3))
    for side in (dark[:, : width // 2], dark[:, width // 2 :]):
        assert (side.sum(axis=1) >= least).all()  # of 128 pixels


def test_not_every_image_is_distorted_alike_strongly():
    batch = tf.constant(np.repeat(images(rows=1), 100, axis=0))
    found = augment.distort(batch, tf.fill([100], 48), tf.constant([3, 1], tf.int64)).numpy()
    changes = np.abs(found - images(rows=1)).mean(axis=(1, 2, 3))
    assert changes.max() > 2 * changes.min()


def moved(batch: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """What may draw in pixels from beside an image."""
    seed, strength = tf.constant([3, 1], tf.int64), tf.constant(1.0)
    return augment.blur(augment.warp(tf.constant(batch), tf.constant(widths), seed, strength), seed, strength).numpy()


@pytest.mark.parametrize("channels", [1, 3])
def test_nothing_of_the_padding_is_drawn_into_an_image(channels: int):
    """White images that are 20 pixels wide, in a batch of 48 pixels: padding is black."""
    batch = np.full((200, 16, 48, channels), 1.0, np.float32)
    batch[:, :, 20:] = -1.0
    assert moved(batch, np.full(200, 20, np.int32))[:, :, :20].min() > 0.999


def test_an_image_is_moved_alike_whatever_it_shares_the_batch_with():
    def first(width: int, padding: float) -> np.ndarray:
        """16 times the image, in a batch with others of so many pixels."""
        batch = np.full((32, 16, width, 1), padding, np.float32)
        batch[:16, :, :20] = images(rows=1)[:, :, :20]
        return moved(batch, np.repeat(np.array([20, width], np.int32), 16))[:16, :, :20]

    np.testing.assert_allclose(first(32, -1.0), first(48, 1.0), atol=1e-4)
