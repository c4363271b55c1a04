import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from aocr_core.model.batch_norm import BatchNormalization

SHAPE = (4, 3, 5, 16)


def features() -> np.ndarray:
    return np.random.default_rng(0).normal(2.0, 3.0, SHAPE).astype(np.float32)


def pair(dtype: str = "float32") -> list[layers.Layer]:
    """Ours and Keras', with the same weights."""
    made = [kind(momentum=0.9, dtype=dtype) for kind in (BatchNormalization, layers.BatchNormalization)]
    chance = np.random.default_rng(1)
    weights = [chance.uniform(0.5, 2.0, SHAPE[-1]) for _ in range(4)]
    for layer in made:
        layer.build(SHAPE)
        layer.set_weights(weights)
    return made


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("mixed_bfloat16", 0.03)])
def test_it_gives_what_keras_layer_gives(training: bool, dtype: str, tolerance: float):
    outputs = [layer(features(), training=training) for layer in pair(dtype)]
    assert outputs[0].dtype == outputs[1].dtype
    ours, theirs = (tf.cast(output, tf.float32).numpy() for output in outputs)
    np.testing.assert_allclose(ours, theirs, atol=tolerance, rtol=tolerance)


def test_the_moving_statistics_follow_the_batch():
    ours, theirs = pair()
    for layer in (ours, theirs):
        layer(features(), training=True)
    np.testing.assert_allclose(ours.moving_mean, theirs.moving_mean, rtol=1e-5)
    count = np.prod(SHAPE[:-1])
    before = np.asarray(pair()[0].moving_variance)
    expected = 0.9 * before + 0.1 * features().reshape(-1, SHAPE[-1]).var(axis=0) * count / (count - 1)
    np.testing.assert_allclose(ours.moving_variance, expected, rtol=1e-4)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("mixed_bfloat16", 0.02)])
def test_gradients_are_those_of_keras_layer(dtype: str, tolerance: float):
    found = []
    for layer in pair(dtype):
        inputs = tf.Variable(features())
        with tf.GradientTape() as tape:
            outputs = tf.cast(layer(inputs, training=True), tf.float32)
            loss = tf.reduce_sum(tf.square(outputs) * features())
        found.append(tape.gradient(loss, [inputs, layer.gamma.value, layer.beta.value]))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=tolerance * np.abs(theirs).max())


def test_it_takes_weights_that_were_saved_with_keras_layer(tmp_path):
    """Layers in lists are saved by the names of their classes."""
    saved, loaded = (
        keras.Sequential([keras.Input(SHAPE[1:]), kind(), kind()])
        for kind in (layers.BatchNormalization, BatchNormalization)
    )
    for variable in saved.variables:
        variable.assign(np.random.default_rng(len(variable.path)).uniform(0.5, 2.0, variable.shape))
    saved.save_weights(tmp_path / "saved.weights.h5")
    loaded.load_weights(tmp_path / "saved.weights.h5")
    np.testing.assert_allclose(loaded(features()), saved(features()), rtol=1e-4, atol=1e-4)
