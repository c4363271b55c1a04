"""A real SavedModel with the two signatures of an export, small enough to write in a second.

It reads an image as its size: an image 40 wide and 20 high gives `<name>40x20`, symbol by symbol, with the share of
white as the probability.
"""

from pathlib import Path

import tensorflow as tf


class TinyRecognizer(tf.Module):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.prefix = tf.Variable(name)

    def _read(self, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels = tf.io.decode_image(image, channels=1, expand_animations=False)
        height, width = tf.shape(pixels)[0], tf.shape(pixels)[1]
        text = tf.strings.join([self.prefix, tf.strings.as_string(width), "x", tf.strings.as_string(height)])
        return text, tf.reduce_mean(tf.cast(pixels, tf.float32)) / 255.0

    @tf.function(input_signature=[tf.TensorSpec(None, tf.string, "input")])
    def read(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        text, probability = tf.map_fn(self._read, tf.reshape(images, [-1]), fn_output_signature=(tf.string, tf.float32))
        shape = tf.shape(images)
        return {"output": tf.reshape(text, shape), "probability": tf.reshape(probability, shape)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "input")])
    def details(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        answer = self.read(images)
        symbols = tf.strings.unicode_split(answer["output"], "UTF-8").to_tensor()
        probability = tf.repeat(answer["probability"][:, None], tf.shape(symbols)[1] + 1, axis=1)
        time_steps = tf.repeat(4, tf.shape(symbols)[0])
        attention = tf.fill(tf.concat([tf.shape(symbols), [4]], 0), 0.25)
        return answer | {
            "symbols": symbols,
            "symbol_probabilities": probability,
            "attention": attention,
            "time_steps": time_steps,
        }


def write(folder: Path, name: str = "", signature: str = "serving_default") -> Path:
    """Write the SavedModel to `folder`; `name` is what its texts begin with."""
    model = TinyRecognizer(name)
    tf.saved_model.save(model, str(folder), signatures={signature: model.read, "details": model.details})
    return folder


def png(width: int, height: int = 20, gray: int = 255) -> bytes:
    """An evenly gray image."""
    return tf.io.encode_png(tf.fill([height, width, 1], tf.constant(gray, tf.uint8))).numpy()
