"""The losses against plain references: NumPy, and the sum over every alignment there is."""

from itertools import groupby, product

import numpy as np
import pytest
import tensorflow as tf

from aocr_core.charset import END, PAD
from aocr_core.training.losses import ctc_loss, decoder_loss

SYMBOLS = 6
TARGETS = np.array([[3, 4, END, PAD], [5, END, PAD, PAD], [3, 3, 5, END]], np.int32)


def logits(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(*shape, SYMBOLS)).astype(np.float32)


def softmax(values: np.ndarray) -> np.ndarray:
    weights = np.exp(values.astype(np.float64))
    return weights / weights.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_cross_entropy_with_label_smoothing(smoothing: float):
    given = logits(3, 4)
    probabilities = softmax(given)
    losses = []
    for row, targets in enumerate(TARGETS):
        for step, target in enumerate(targets):
            if target != PAD:
                wanted = np.full(SYMBOLS, smoothing / SYMBOLS)
                wanted[target] += 1 - smoothing
                losses.append(-(wanted * np.log(probabilities[row, step])).sum())
    assert len(losses) == 9
    assert float(decoder_loss(given, TARGETS, smoothing)) == pytest.approx(np.mean(losses), rel=1e-5)


def test_padding_does_not_count():
    given = logits(3, 4)
    other = np.where((TARGETS == PAD)[..., None], 50.0, given)
    assert float(decoder_loss(other, TARGETS, 0.1)) == float(decoder_loss(given, TARGETS, 0.1))


def test_perfect_scores_cost_nothing_without_smoothing_and_something_with_it():
    sure = 100.0 * np.eye(SYMBOLS, dtype=np.float32)[TARGETS]
    assert float(decoder_loss(sure, TARGETS, 0.0)) == pytest.approx(0.0, abs=1e-6)
    assert float(decoder_loss(sure, TARGETS, 0.1)) > 1.0


def likelihood(probabilities: np.ndarray, label: list[int]) -> float:
    """Sum over all paths that collapse to the label: repetitions merged, blanks (id 0) dropped."""
    total = 0.0
    for path in product(range(SYMBOLS), repeat=len(probabilities)):
        if [symbol for symbol, _ in groupby(path) if symbol != 0] == label:
            total += np.prod([step[symbol] for step, symbol in zip(probabilities, path, strict=True)])
    return total


def test_ctc_is_the_sum_over_all_alignments():
    given, lengths = logits(3, 5), np.array([4, 2, 5], np.int32)
    expected = []
    for row, targets in enumerate(TARGETS):
        label = [int(target) for target in targets if target not in (END, PAD)]
        expected.append(-np.log(likelihood(softmax(given[row, : lengths[row]]), label)) / len(label))
    assert float(ctc_loss(given, lengths, TARGETS)) == pytest.approx(np.mean(expected), rel=1e-4)


@pytest.mark.parametrize("steps", [2, 3, 4])
def test_a_label_that_does_not_fit_into_its_image_counts_nothing(steps: int):
    """Three alike need five steps: three, and a blank between each two."""
    given = tf.constant(logits(2, 5))
    targets = np.array([[3, 3, 3, END], [4, END, PAD, PAD]], np.int32)
    with tf.GradientTape() as tape:
        tape.watch(given)
        both = ctc_loss(given, np.array([steps, 5], np.int32), targets)
    second = float(ctc_loss(given[1:], np.array([5], np.int32), targets[1:]))
    assert float(both) == pytest.approx(second / 2, rel=1e-5)
    gradient = tape.gradient(both, given).numpy()
    assert not gradient[0].any() and gradient[1].any()


def test_an_empty_label_is_all_blanks():
    given = tf.constant(logits(2, 5))
    targets = np.array([[END, PAD, PAD], [4, 5, END]], np.int32)
    with tf.GradientTape() as tape:
        tape.watch(given)
        both = ctc_loss(given, np.array([3, 5], np.int32), targets)
    probabilities = softmax(given.numpy())
    of_empty, of_other = likelihood(probabilities[0, :3], []), likelihood(probabilities[1], [4, 5])
    assert float(both) == pytest.approx(-(np.log(of_empty) + np.log(of_other) / 2) / 2, rel=1e-4)
    gradient = tape.gradient(both, given).numpy()
    assert (gradient[0, :3, 0] < 0).all() and not gradient[0, 3:].any() and gradient[1].any()


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_gradients_are_finite_and_reach_only_what_counts(scale: float):
    decoder, encoder = tf.constant(scale * logits(3, 4)), tf.constant(scale * logits(3, 5))
    lengths = np.array([5, 2, 4], np.int32)
    with tf.GradientTape() as tape:
        tape.watch([decoder, encoder])
        loss = decoder_loss(decoder, TARGETS, 0.1) + ctc_loss(encoder, lengths, TARGETS)
    of_decoder, of_encoder = (gradient.numpy() for gradient in tape.gradient(loss, [decoder, encoder]))
    assert np.isfinite(of_decoder).all() and np.isfinite(of_encoder).all()
    assert not of_decoder[TARGETS == PAD].any() and of_decoder[TARGETS != PAD].any()
    for row, length in enumerate(lengths):
        assert not of_encoder[row, length:].any()
