from itertools import groupby

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from aocr_core.charset import END, FIRST_SYMBOL, PAD
from aocr_core.model import ctc
from aocr_core.model.beam import NEVER

SYMBOLS, STEPS, TIME = 7, 5, 9


def logits_of(seed: int, rows: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=3, size=(rows, TIME, SYMBOLS)).astype(np.float32)


def text(*symbols: int) -> list[int]:
    return [*symbols, END, *[PAD] * (STEPS - len(symbols) - 1)]


@given(st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_the_best_path_is_that_of_the_textbook(seed: int):
    logits, lengths = logits_of(seed), np.array([TIME, 4, 1])
    ids = np.asarray(ctc.best_path(logits, lengths, STEPS))
    for row, length, found in zip(logits, lengths, ids.tolist(), strict=True):
        merged = [symbol for symbol, _ in groupby(row[:length].argmax(axis=-1)) if symbol >= FIRST_SYMBOL]
        assert found == (text(*merged) if len(merged) < STEPS else merged[:STEPS])


@given(st.integers(0, 999), st.lists(st.integers(FIRST_SYMBOL, SYMBOLS - 1), max_size=STEPS - 1))
@settings(max_examples=20, deadline=None)
def test_the_probability_of_a_text_is_that_of_tensorflow(seed: int, symbols: list[int]):
    logits, lengths = logits_of(seed), np.array([TIME, TIME, TIME - 1], np.int32)
    texts = [symbols, [], symbols[:1]]
    ids = np.array([text(*written) for written in texts], np.int32)
    counts = np.array([len(written) for written in texts])
    want = -tf.nn.ctc_loss(
        np.where(ids == END, 0, ids), logits, counts, lengths, logits_time_major=False, blank_index=0
    )
    for found in (ctc.log_probability(logits, lengths, ids), ctc.forward(logits, lengths, ids)):
        np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("symbols", [(3, 4, 5), (3, 3)])
def test_a_text_that_does_not_fit_into_its_time_cannot_be(symbols: tuple[int, ...]):
    for log_probability in (ctc.log_probability, ctc.forward):
        found = log_probability(logits_of(0, 1), np.array([2]), np.array([text(*symbols)]))
        assert np.asarray(found)[0] < NEVER / 2


@given(st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_the_symbols_probabilities_make_up_that_of_the_text(seed: int):
    logits, lengths = logits_of(seed), np.array([TIME, 4, 1])
    ids, logs = (np.asarray(part) for part in ctc.read(logits, lengths, STEPS))
    path = np.asarray(ctc.best_path(logits, lengths, STEPS))
    np.testing.assert_array_equal(ids[:, :-1], path[:, :-1])
    # The last step is kept for END, as in the attention decoder.
    np.testing.assert_array_equal(ids[:, -1], np.where(path[:, -1] == END, END, PAD))
    ended = (ids == END).any(axis=1)
    want = np.asarray(ctc.log_probability(logits, lengths, ids))[ended]
    assert (logs <= 0).all() and not logs[ids == PAD].any()
    # Many faint paths may make a text likelier than the best frames of its symbols: END then counts 0.
    assert (logs[ended].sum(axis=1) <= want + 1e-4).all()
    of_end = logs[ended][ids[ended] == END]
    assert (np.isclose(logs[ended].sum(axis=1), want, atol=1e-4) | (of_end == 0)).all()


def test_however_sure_the_head_is_of_another_text_it_finds_one_that_fits_possible():
    logits = np.zeros((1, TIME, SYMBOLS), np.float32)
    logits[:, :, FIRST_SYMBOL] = 500.0  # e to the minus 500 is 0
    texts = np.array([text(FIRST_SYMBOL + 1), text(FIRST_SYMBOL)], np.int32)
    rows = np.repeat(logits, 2, axis=0)
    for score in (ctc.log_probability, ctc.forward):
        other, seen = np.asarray(score(rows, np.array([TIME, TIME], np.int32), texts))
        assert NEVER / 2 < other < -50 and abs(seen) < 1e-3
