"""LiteRT (formerly TensorFlow Lite): one file for phones and small computers, built-in operations only."""

import tempfile
from pathlib import Path

import tensorflow as tf

from aocr_core import logs
from aocr_core.export import portable
from aocr_core.export.signatures import ReadingGraph

FILE = "model.tflite"
BATCH = 1
"""Lists of tensors, of which Keras' LSTM is made, are built-in operations only where their rows have a known size."""


def write(graph: ReadingGraph, directory: Path) -> None:
    """Write `model.tflite`, `model.json` and `read.py` into a folder. The width of the images can be resized."""
    root = tf.Module()
    root.read = portable.function(graph, BATCH)
    root.weights = [variable.value for variable in graph.model.variables]
    with tempfile.TemporaryDirectory(prefix="aocr-export-") as scratch:
        # By way of a SavedModel, because only then the file names its inputs and outputs.
        tf.saved_model.save(root, scratch, signatures={"serving_default": root.read})
        converter = tf.lite.TFLiteConverter.from_saved_model(scratch, signature_keys=["serving_default"])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        with logs.only_errors("tensorflow"):  # that it is deprecated, to be found elsewhere one day
            converted = converter.convert()
    (directory / FILE).write_bytes(converted)
    portable.write_companions(graph, BATCH, FILE, directory)
