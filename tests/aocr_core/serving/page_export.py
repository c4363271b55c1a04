"""A real SavedModel that reads every image as the same text, the attention going from one end to the other."""

from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

TIME = 20
PADDED = 4
"""Time steps that do not lie within the image, and are 1 where nobody should look."""


class Reads(tf.Module):
    def __init__(self, symbols: Sequence[str], separator: str, backwards: bool, ends: bool) -> None:
        super().__init__()
        count = len(symbols)
        self.text = tf.constant(separator.join(symbols))
        self.symbols = tf.constant([*symbols, ""] if ends else list(symbols))
        shares = tf.linspace(0.999, 0.3, count)
        self.shares = tf.concat([shares, [0.75]], 0) if ends else shares
        at = tf.linspace(0.0, TIME - 1.0, count)
        places = tf.reverse(at, [0]) if backwards else at
        weights = tf.nn.softmax(-((places[:, None] - tf.range(TIME, dtype=tf.float32)[None]) ** 2), axis=1)
        weights = tf.concat([weights, tf.ones([count, PADDED])], 1)
        self.attention = tf.concat([weights, tf.zeros([1, TIME + PADDED])], 0) if ends else weights

    @tf.function(input_signature=[tf.TensorSpec(None, tf.string, "input")])
    def read(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"output": tf.fill(tf.shape(images), self.text), "probability": tf.fill(tf.shape(images), 0.625)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "input")])
    def details(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        many = tf.shape(images)[0]
        return self.read(images) | {
            "symbols": tf.repeat(self.symbols[None], many, 0),
            "symbol_probabilities": tf.repeat(self.shares[None], many, 0),
            "attention": tf.repeat(self.attention[None], many, 0),
            "time_steps": tf.repeat(TIME, many),
        }


def write(
    folder: Path, symbols: Sequence[str], separator: str = "", backwards: bool = False, ends: bool = True
) -> Path:
    """Write the SavedModel to `folder`.

    Args:
        folder: of the version.
        symbols: characters, or tokens with `separator` between them.
        separator: see `symbols`.
        backwards: the first symbol stands at the right end of the image.
        ends: False: the text is cut at the greatest length.
    """
    model = Reads(symbols, separator, backwards, ends)
    tf.saved_model.save(model, str(folder), signatures={"serving_default": model.read, "details": model.details})
    return folder
