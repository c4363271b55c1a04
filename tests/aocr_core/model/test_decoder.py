import keras
import numpy as np
import pytest
import tensorflow as tf

from aocr_core.charset import END, FIRST_SYMBOL, GO, PAD
from aocr_core.model.decoder import Decoded, Decoder
from tests.aocr_core import small

SYMBOLS, TIME, FEATURES, STEPS = 8, 6, 12, 7
LENGTHS = np.array([6, 2, 4], np.int32)

VARIANTS = [
    {},
    {"decoder_layers": 2, "decoder_input": 9},
    {"decoder_cell": "gru", "decoder_layers": 3},
    {"value_units": None, "location_kernel": None},
]


def memory() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(len(LENGTHS), TIME, FEATURES)).astype(np.float32)


def make(seed: int = 5, **changes: object) -> Decoder:
    """Weights large enough that the texts differ and some of them end."""
    keras.utils.set_random_seed(seed)
    decoder = Decoder(small.network(**changes), SYMBOLS)
    decoder.build((None, None, FEATURES))
    for weight in decoder.trainable_weights:
        weight.assign(3.0 * weight)
    return decoder


@pytest.fixture(scope="module", params=VARIANTS, ids=["lstm", "lstm-2", "gru-3", "plain"])
def decoder(request) -> Decoder:
    return make(**request.param)


def greedy(decoder: Decoder, steps: int = STEPS) -> tuple[np.ndarray, np.ndarray]:
    ids, logs = decoder.greedy(memory(), LENGTHS, steps)
    return np.asarray(ids), np.asarray(logs)


def log_softmax_of_symbols(logits: np.ndarray) -> np.ndarray:
    """Log probabilities of END and the symbols; PAD and GO cannot be written."""
    logits = np.array(logits, np.float64)
    logits[..., [PAD, GO]] = -np.inf
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def test_shapes_and_attention(decoder: Decoder):
    logits, attention = decoder(memory(), LENGTHS, np.array([[GO, 3, 4]] * 3))
    assert logits.shape == (3, 3, SYMBOLS) and attention.shape == (3, 3, TIME)
    np.testing.assert_allclose(np.asarray(attention).sum(axis=-1), 1.0, atol=1e-6)
    for row, length in zip(np.asarray(attention), LENGTHS, strict=True):
        assert not row[:, length:].any()


def test_greedy_is_the_best_symbol_of_teacher_forcing_at_every_step(decoder: Decoder):
    ids, logs = greedy(decoder)
    inputs = np.concatenate([np.full((3, 1), GO), ids[:, :-1]], axis=1)
    expected = log_softmax_of_symbols(np.asarray(decoder(memory(), LENGTHS, inputs)[0]))
    for row in range(3):
        for step in range(STEPS - 1):
            if ids[row, step] == PAD:
                break
            assert ids[row, step] == expected[row, step].argmax()
            assert logs[row, step] == pytest.approx(expected[row, step].max(), abs=1e-4)


def test_nothing_is_written_or_counted_behind_the_end(decoder: Decoder):
    for seed in range(4):
        for weight, new in zip(decoder.trainable_weights, make(seed, **dict(decoder.network)).weights, strict=True):
            weight.assign(new)
        ids, logs = greedy(decoder, 12)
        assert (logs <= 0).all()
        for row, scores in zip(ids.tolist(), logs, strict=True):
            written = row.index(END) + 1 if END in row else 11
            assert all(i >= FIRST_SYMBOL for i in row[: written - 1])
            assert row[written:] == [PAD] * (12 - written) and not scores[written:].any()


def biased(symbol: int) -> Decoder:
    """A decoder that always writes the same."""
    decoder = make()
    decoder.score.bias.assign(100.0 * np.eye(SYMBOLS, dtype=np.float32)[symbol])
    return decoder


def test_a_text_that_never_ends_is_cut_at_the_longest():
    ids, logs = greedy(biased(FIRST_SYMBOL), 4)
    assert ids.tolist() == [[FIRST_SYMBOL] * 3 + [PAD]] * 3
    np.testing.assert_allclose(logs, 0.0, atol=1e-5)


@pytest.mark.parametrize("special", [PAD, GO])
def test_padding_and_go_are_never_written(special: int):
    ids, logs = greedy(biased(special))
    assert special != GO or GO not in ids
    assert set(ids[:, 0]).isdisjoint({PAD, GO})
    assert np.isfinite(logs).all() and (logs <= 0).all()


class Counting(tf.Module):
    """Counts how often the embedding is looked up: once a step."""

    def __init__(self, embedding: keras.layers.Layer) -> None:
        super().__init__()
        self.embedding = embedding
        self.count = tf.Variable(0)

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        self.count.assign_add(1)
        return self.embedding(ids)


@pytest.mark.parametrize(("symbol", "steps"), [(END, 1), (FIRST_SYMBOL, 9)])
def test_the_loop_ends_with_the_last_text(monkeypatch, symbol: int, steps: int):
    decoder = biased(symbol)
    counting = Counting(decoder.embedding)
    monkeypatch.setitem(decoder.__dict__, "embedding", counting)

    @tf.function
    def read() -> Decoded:
        return decoder.greedy(tf.constant(memory()), tf.constant(LENGTHS), 9)

    counting.count.assign(0)
    assert read().ids.shape == (3, 9)
    assert counting.count.numpy() == steps


def test_a_row_reads_the_same_alone(decoder: Decoder):
    ids, logs = greedy(decoder)
    for row, length in enumerate(LENGTHS):
        alone = decoder.greedy(memory()[row : row + 1, :length], np.array([length]), STEPS)
        np.testing.assert_array_equal(np.asarray(alone.ids)[0], ids[row])
        np.testing.assert_allclose(np.asarray(alone.log_probabilities)[0], logs[row], atol=1e-5)


def test_a_given_text_is_judged_as_teacher_forcing_does(decoder: Decoder):
    texts = np.array([[3, 4, 4, 5, END, PAD, PAD], [END, PAD, PAD, PAD, PAD, PAD, PAD], [7, 6, 5, 4, 3, 3, PAD]])
    judged = decoder.judge(memory(), LENGTHS, texts)
    inputs = np.concatenate([np.full((3, 1), GO), texts[:, :-1]], axis=1)
    expected = log_softmax_of_symbols(np.asarray(decoder(memory(), LENGTHS, inputs)[0]))
    expected = np.where(texts == PAD, 0.0, np.take_along_axis(expected, texts[:, :, None], axis=2)[:, :, 0])
    np.testing.assert_array_equal(judged.ids, texts)
    np.testing.assert_allclose(judged.log_probabilities, expected, atol=1e-4)


def test_reading_and_judging_in_one_loop_give_what_each_gives_alone(decoder: Decoder):
    texts = np.array([[3, END, PAD, PAD, PAD, PAD, PAD], [END, PAD, PAD, PAD, PAD, PAD, PAD], [7, 6, 5, 4, 3, 3, PAD]])
    alone = decoder.greedy(memory(), LENGTHS, STEPS), decoder.judge(memory(), LENGTHS, texts)
    for found, expected in zip(decoder.greedy_and_judge(memory(), LENGTHS, texts), alone, strict=True):
        np.testing.assert_array_equal(found.ids, expected.ids)
        np.testing.assert_allclose(found.log_probabilities, expected.log_probabilities, atol=1e-5)
