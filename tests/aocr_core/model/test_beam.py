from itertools import product

import keras
import numpy as np
import pytest

from aocr_core.charset import END, FIRST_SYMBOL, PAD
from aocr_core.model import beam
from aocr_core.model.decoder import Decoder
from tests.aocr_core import small

SYMBOLS = 6
"""Ids: three special ones and three to write with."""
TIME, FEATURES, STEPS = 6, 12, 4
LENGTHS = np.array([6, 2, 4], np.int32)


def memory() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(len(LENGTHS), TIME, FEATURES)).astype(np.float32)


@pytest.fixture(scope="module", params=[{}, {"decoder_cell": "gru", "location_kernel": None}], ids=["lstm", "gru"])
def decoder(request) -> Decoder:
    """Weights large enough that the texts differ and some of them end."""
    keras.utils.set_random_seed(5)
    decoder = Decoder(small.network(**request.param), SYMBOLS)
    decoder.build((None, None, FEATURES))
    for weight in decoder.trainable_weights:
        weight.assign(3.0 * weight)
    return decoder


def search(decoder: Decoder, width: int, steps: int = STEPS) -> tuple[np.ndarray, np.ndarray]:
    ids, logs = beam.search(decoder, memory(), LENGTHS, steps, width)
    return np.asarray(ids), np.asarray(logs)


def all_texts() -> list[list[int]]:
    """Every text that has its END within `STEPS`."""
    texts = (text for size in range(STEPS) for text in product(range(FIRST_SYMBOL, SYMBOLS), repeat=size))
    return [[*text, END, *[PAD] * (STEPS - 1 - len(text))] for text in texts]


def test_a_wide_beam_finds_the_likeliest_of_all_texts(decoder: Decoder):
    texts = np.array(all_texts(), np.int32)
    ids, logs = search(decoder, width=100)
    for row in range(len(LENGTHS)):
        own = (np.repeat(part[row : row + 1], len(texts), axis=0) for part in (memory(), LENGTHS))
        scores = np.asarray(decoder.judge(*own, texts).log_probabilities).sum(axis=1)
        order = np.argsort(-scores, kind="stable")[:5]
        np.testing.assert_allclose(logs[row, :5].sum(axis=1), scores[order], atol=1e-4)
        np.testing.assert_array_equal(ids[row, 0], texts[order[0]])


@pytest.mark.parametrize("width", [2, 3])
def test_texts_and_their_probabilities_belong_together(decoder: Decoder, width: int):
    ids, logs = search(decoder, width, steps=7)
    assert ids.shape == logs.shape == (3, width, 7)
    for place in range(width):
        judged = np.asarray(decoder.judge(memory(), LENGTHS, ids[:, place]).log_probabilities)
        np.testing.assert_allclose(logs[:, place], judged, atol=1e-4)


def test_all_texts_differ_and_end_and_stand_by_likelihood(decoder: Decoder):
    ids, logs = search(decoder, 4)
    for texts, scores in zip(ids.tolist(), logs.sum(axis=2).tolist(), strict=True):
        assert len({tuple(text) for text in texts}) == 4
        assert all(END in text for text in texts)
        assert scores == sorted(scores, reverse=True)


def test_a_wider_beam_than_greedy_finds_nothing_less_likely(decoder: Decoder):
    greedy = np.asarray(decoder.greedy(memory(), LENGTHS, STEPS).ids)
    ended = (greedy == END).any(axis=1)
    narrow, wide = (search(decoder, width)[1][:, 0].sum(axis=1) for width in (1, 40))
    assert ended.any() and (wide[ended] >= narrow[ended] - 1e-5).all()


def test_a_width_of_one_is_greedy(decoder: Decoder):
    greedy = decoder.greedy(memory(), LENGTHS, 7)
    ids, logs = search(decoder, 1, steps=7)
    np.testing.assert_array_equal(ids[:, 0], greedy.ids)
    np.testing.assert_array_equal(logs[:, 0], greedy.log_probabilities)


def test_a_row_reads_the_same_alone(decoder: Decoder):
    ids, logs = search(decoder, 3)
    for row, length in enumerate(LENGTHS):
        alone = beam.search(decoder, memory()[row : row + 1, :length], np.array([length]), STEPS, 3)
        np.testing.assert_array_equal(np.asarray(alone.ids)[0], ids[row])
        np.testing.assert_allclose(np.asarray(alone.log_probabilities)[0], logs[row], atol=1e-5)
