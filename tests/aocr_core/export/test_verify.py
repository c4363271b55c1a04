import pytest
import tensorflow as tf

from aocr_core.errors import AocrError
from aocr_core.export.verify import compare, compare_details

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


def details(encoded: tf.Tensor) -> dict[str, tf.Tensor]:
    text, probability = read(encoded)
    return {
        "output": text,
        "probability": probability,
        "symbols": text[:, None],
        "symbol_probabilities": probability[:, None],
    }


def test_details_that_differ_are_told():
    compare_details(details, details, IMAGES)
    compare_details(details, lambda e: details(e) | {"probability": details(e)["probability"] + 1e-6}, IMAGES)
    for name, other in (
        ("output", tf.strings.lower),
        ("symbols", tf.strings.lower),
        ("probability", lambda value: value + 0.01),
        ("symbol_probabilities", lambda value: value * float("nan")),
        ("symbol_probabilities", lambda value: value[:, 0]),
    ):
        with pytest.raises(AocrError, match=f"the export's {name} in `details`"):
            compare_details(details, lambda e, n=name, o=other: details(e) | {n: o(details(e)[n])}, IMAGES)
