"""Read the validation images as the model stands."""

from collections.abc import Callable

import tensorflow as tf

from aocr_core.evaluation.metrics import Summary, TextMetrics
from aocr_core.model.recognizer import AttentionOCR
from aocr_core.model_dir import ModelConfig


class Validator:
    """Reads the same batches again and again; the graph is traced once."""

    def __init__(self, model: AttentionOCR, config: ModelConfig, batches: tf.data.Dataset) -> None:
        self.config = config
        self.batches = batches
        image = config.image

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, image.height, None, image.channels], tf.float32),
                tf.TensorSpec([None], tf.int32),
            ]
        )
        def read(images: tf.Tensor, widths: tf.Tensor) -> tf.Tensor:
            return model.read(images, widths, config.steps).ids

        self.read: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = read

    def __call__(self) -> Summary:
        """Accuracy, CER and the rest over all validation images."""
        charset, fold = self.config.charset, self.config.data.force_uppercase
        metrics = TextMetrics(kind=charset.kind)
        for images, widths, labels in self.batches:
            texts = [charset.decode(row) for row in self.read(images, widths).numpy().tolist()]
            truths = [label.decode() for label in labels.numpy()]
            metrics.update([truth.upper() if fold else truth for truth in truths], texts)
        return metrics.summary()
