import pytest
import tensorflow as tf

from aocr_core.errors import AocrError
from aocr_core.export.verify import compare

IMAGES = [b"one", b"two", b"three"]


def read(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.strings.upper(encoded), tf.cast(tf.strings.length(encoded), tf.float32) / 10


def test_the_same_reader_passes():
    compare(read, read, IMAGES)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda e: (tf.strings.lower(e), read(e)[1]), "reads a batch otherwise"),
        (lambda e: (read(e)[0], read(e)[1] + 0.01), "probabilities for a batch differ .* by 0.01"),
        (lambda e: (read(e)[0], read(e)[1] * float("nan")), "probabilities for a batch differ"),
        (lambda e: tuple(tf.reshape(value, [-1]) for value in read(e)), "answers a single image in the shape"),
        (lambda e: tuple(tf.squeeze(value) for value in read(e)), "answers a column of images in the shape"),
    ],
)
def test_any_difference_is_told(other, message: str):
    with pytest.raises(AocrError, match=message):
        compare(read, other, IMAGES)


def test_rounding_is_no_difference():
    compare(read, lambda e: (read(e)[0], read(e)[1] + 1e-6), IMAGES)
