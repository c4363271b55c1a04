import numpy as np
import pytest
from keras import ops

from aocr_core.model import masking
from aocr_core.model.encoder import BidirectionalLSTM, Encoder
from tests.aocr_core import small

FEATURES = 32
"""Of the small backbone: 8 channels at a quarter of 16 pixels of height."""


def sequences(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module", params=[True, False], ids=["norm", "plain"])
def encoder(request) -> Encoder:
    return small.model(encoder_layers=2, encoder_norm=request.param).encoder


def test_a_memory_of_both_directions_for_every_step(encoder: Encoder):
    memory = encoder(sequences(2, 7, FEATURES), np.array([7, 2]))
    assert memory.shape[:2] == (2, 7) and memory.shape[2] >= 2 * small.NETWORK.encoder_units


def test_padding_does_not_reach_the_row(encoder: Encoder):
    features = sequences(1, 9, FEATURES)
    alone = np.asarray(encoder(features[:, :4], np.array([4])))
    padded = np.asarray(encoder(features, np.array([4])))
    np.testing.assert_allclose(padded[:, :4], alone, atol=1e-6)


def test_every_step_knows_the_whole_row(encoder: Encoder):
    features = sequences(1, 6, FEATURES)
    before = np.asarray(encoder(features, np.array([6])))
    for changed in (0, 5):
        other = features.copy()
        other[0, changed] += np.linspace(-1, 1, FEATURES)
        difference = np.abs(np.asarray(encoder(other, np.array([6]))) - before).max(axis=-1)
        assert (difference > 0).all()


def test_the_backward_direction_is_the_forward_one_of_the_turned_row():
    layer = BidirectionalLSTM(4)
    features = sequences(1, 5, 3)
    layer(features, np.array([5]))
    layer.backward.set_weights(layer.forward.get_weights())
    ahead, back = np.split(np.asarray(layer(features, np.array([5]))), 2, axis=-1)
    turned = np.asarray(layer.forward(features[:, ::-1]))
    np.testing.assert_allclose(back, turned[:, ::-1], atol=1e-6)
    assert not np.allclose(ahead, back)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("mixed_bfloat16", 0.02)])
def test_whatever_computes_it_it_is_keras_lstm_in_both_directions(dtype: str, tolerance: float):
    layer, features, lengths = BidirectionalLSTM(5, dtype=dtype), sequences(3, 8, 4), np.array([8, 1, 5])
    layer(features, lengths)
    places = masking.reversal(lengths, 8)
    turned = masking.reverse(layer.backward(masking.reverse(features, places)), places)
    want = np.concatenate([ops.cast(part, "float32") for part in (layer.forward(features), turned)], axis=-1)
    for training in (False, True):
        found = ops.cast(layer(features, lengths, training=training), "float32")
        np.testing.assert_allclose(found, want, atol=tolerance)


@pytest.mark.parametrize("whole", [True, False])
def test_in_training_features_are_dropped_at_all_steps_or_at_each_by_itself(whole: bool):
    encoder = small.model(dropout=0.5, drop_whole=whole, encoder_norm=False, encoder_skip=True).encoder
    memory = encoder(np.ones((3, 40, FEATURES), np.float32), np.array([40, 40, 40]), training=True)
    passed_on = np.asarray(memory)[:, :, -FEATURES:]
    assert 0 < (passed_on == 0).mean() < 1
    assert bool((passed_on == passed_on[:, :1]).all()) == whole
