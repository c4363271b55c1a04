"""A real SavedModel that tells in its texts in which precision it was run."""

from pathlib import Path

import tensorflow as tf


class Particular(tf.Module):
    """Reads `fine` where it is computed in float32, and `coarse` in bfloat16, in which 1.001 is 1."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = tf.Variable(tf.ones([64, 32]))

    @tf.function(input_signature=[tf.TensorSpec(None, tf.string, "input")])
    def read(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        ones = tf.ones_like(tf.strings.length(tf.reshape(images, [-1])), tf.float32)
        sums = tf.matmul(tf.tile(ones[:, None] * 1.001, [1, 64]), self.weights)[:, 0]
        texts = tf.where(sums > 64.03, "fine", "coarse")
        return {"output": tf.reshape(texts, tf.shape(images)), "probability": tf.reshape(ones, tf.shape(images))}


def write(folder: Path) -> Path:
    """Write the SavedModel to `folder`."""
    model = Particular()
    tf.saved_model.save(model, str(folder), signatures={"serving_default": model.read})
    return folder
