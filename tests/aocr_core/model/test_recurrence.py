from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from aocr_core.model import recurrence

BATCH, TIME, FEATURES, UNITS = 3, 7, 5, 4


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module")
def keras_lstm() -> layers.LSTM:
    keras.utils.set_random_seed(1)
    layer = layers.LSTM(UNITS, return_sequences=True, bias_initializer="random_normal")
    layer.build((None, None, FEATURES))
    return layer


def weights_of(layer: layers.LSTM, dtype: str = "float32") -> list[tf.Tensor]:
    return [tf.cast(weight.value, dtype) for weight in layer.cell.weights]


def in_one_operation(sequences: tf.Tensor, *weights: tf.Tensor) -> tf.Tensor:
    return recurrence.block_lstm(sequences, recurrence.pack(*weights))


@pytest.mark.parametrize("lstm", [recurrence.lstm, in_one_operation])
def test_it_gives_what_keras_layer_gives(keras_lstm: layers.LSTM, lstm: Callable[..., tf.Tensor]):
    sequences = noise(BATCH, TIME, FEATURES)
    np.testing.assert_allclose(lstm(sequences, *weights_of(keras_lstm)), keras_lstm(sequences), atol=1e-6)


@pytest.mark.parametrize("in_graph", [False, True])
def test_its_gradients_are_those_of_keras_layer(keras_lstm: layers.LSTM, in_graph: bool):
    """In the graph, neither the rows nor the steps are known."""
    variables = [weight.value for weight in keras_lstm.cell.weights]

    def gradients(run: Callable[[tf.Tensor], tf.Tensor]) -> list[tf.Tensor]:
        def taken(sequences: tf.Tensor) -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(sequences)
                loss = tf.reduce_sum(run(sequences) * noise(BATCH, TIME, UNITS))
            return tape.gradient(loss, [sequences, *variables])

        of = tf.function(taken, input_signature=[tf.TensorSpec([None, None, FEATURES])]) if in_graph else taken
        return of(tf.constant(noise(BATCH, TIME, FEATURES)))

    ours, theirs = gradients(lambda given: recurrence.lstm(given, *variables)), gradients(keras_lstm)
    for found, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_gradients_of_many_rows_are_not_lost_in_bfloat16(keras_lstm: layers.LSTM):
    """A sum that is kept in bfloat16 stops growing at 256 times its terms."""
    sequences = tf.ones([64, 40, FEATURES])
    found = {}
    for dtype in ("float32", "bfloat16"):
        weights = weights_of(keras_lstm, dtype)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = tf.reduce_sum(tf.cast(recurrence.lstm(tf.cast(sequences, dtype), *weights), tf.float32))
        found[dtype] = [tf.cast(gradient, tf.float32).numpy() for gradient in tape.gradient(loss, weights)]
    for exact, rounded in zip(found["float32"], found["bfloat16"], strict=True):
        np.testing.assert_allclose(rounded, exact, atol=0.05 * np.abs(exact).max())


def test_a_single_step_of_a_single_row(keras_lstm: layers.LSTM):
    sequences = noise(1, 1, FEATURES)
    for lstm in (recurrence.lstm, in_one_operation):
        np.testing.assert_allclose(lstm(sequences, *weights_of(keras_lstm)), keras_lstm(sequences), atol=1e-6)
