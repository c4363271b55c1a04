"""Frozen graph: one protobuf file with the weights inside, nodes named as in the original's export."""

from pathlib import Path

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from aocr_core.export.signatures import ReadingGraph

FILE = "frozen_graph.pb"
INPUT, PREDICTION, PROBABILITY = "input_image_as_bytes", "prediction", "probability"
CONFIG, READING = "config", "reading"
"""Nodes beside the original's: `config.json`, and how it was told to read, as strings."""


def write(graph: ReadingGraph, directory: Path) -> None:
    """Write `frozen_graph.pb`: feed `input_image_as_bytes:0`, fetch `prediction:0` and `probability:0`.

    `config:0` and `reading:0` are JSON, of the model and of the `ReadOptions`.
    """

    @tf.function(input_signature=[tf.TensorSpec(None, tf.string, name=INPUT)])
    def read(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        outputs = graph.serve(encoded)
        return (
            tf.identity(outputs["output"], name=PREDICTION),
            tf.identity(outputs["probability"], name=PROBABILITY),
        )

    frozen = convert_variables_to_constants_v2(read.get_concrete_function(), lower_control_flow=True)
    with frozen.graph.as_default():
        tf.constant(graph.config.model_dump_json(), name=CONFIG)
        tf.constant(graph.resolved_reading().model_dump_json(), name=READING)
    directory.mkdir(parents=True, exist_ok=True)
    tf.io.write_graph(frozen.graph, str(directory), FILE, as_text=False)


class FrozenReader:
    """Runs a frozen graph: encoded images -> texts and probabilities."""

    def __init__(self, path: Path) -> None:
        graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())
        wrapped = tf.compat.v1.wrap_function(lambda: tf.compat.v1.import_graph_def(graph, name=""), [])
        self._read = wrapped.prune(f"{INPUT}:0", [f"{PREDICTION}:0", f"{PROBABILITY}:0"])

    def __call__(self, encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Strings of any shape -> texts and probabilities of the same shape."""
        return self._read(encoded)
