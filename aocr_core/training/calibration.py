"""Temperatures that make the probabilities believable: those with the least loss on the validation images.

Label smoothing teaches the attention decoder to be less sure than it could be, and images that were shown often teach
the CTC head to be surer than it should: without temperatures a probability says little.
"""

import logging

import numpy as np
import tensorflow as tf

from aocr_core.charset import END, GO, PAD
from aocr_core.model.decoder import without_special
from aocr_core.model.recognizer import AttentionOCR
from aocr_core.model.temperatures import Temperatures
from aocr_core.model_dir import ModelConfig
from aocr_core.training import losses

logger = logging.getLogger(__name__)

CANDIDATES = tuple(round(0.5 * 1.05**power, 3) for power in range(29))
"""0.5 to 2. Where nearly all images are read right, the likeliest temperature is next to nothing."""
LEAST_IMAGES, MOST_IMAGES = 50, 2_000
"""Of fewer, none is fitted; more would tell hardly more."""


def fit(model: AttentionOCR, config: ModelConfig, batches: tf.data.Dataset) -> Temperatures:
    """The temperatures of the candidates with the least loss.

    Args:
        model: The weights to calibrate.
        config: Of the model.
        batches: Images that it was not trained on, as `evaluation_batches` makes them; those with unknown symbols are
            left out.

    Returns:
        1 for both where there are too few images, and for a CTC head that has learnt nothing.
    """
    forward = tf.function(lambda images, widths, inputs: model(images, widths, inputs), reduce_retracing=True)

    @tf.function(reduce_retracing=True)
    def judge(
        logits: tf.Tensor, ctc_logits: tf.Tensor, lengths: tf.Tensor, targets: tf.Tensor, temperature: tf.Tensor
    ) -> tf.Tensor:
        attention = losses.decoder_loss(without_special(logits / temperature), targets, 0.0)
        return tf.stack([attention, losses.ctc_loss(ctc_logits / temperature, lengths, targets)])

    total, count = np.zeros((len(CANDIDATES), 2)), 0
    for images, widths, labels in batches:
        known, targets = _targets(config, [label.decode() for label in labels.numpy()])
        if not known:
            continue
        inputs = np.pad(targets[:, :-1], ((0, 0), (1, 0)), constant_values=GO)
        logits = forward(tf.gather(images, known), tf.gather(widths, known), tf.constant(inputs))
        found = [judge(*logits, tf.constant(targets), tf.constant(candidate)) for candidate in CANDIDATES]
        total += len(known) * np.array(found)
        count += len(known)
        if count >= MOST_IMAGES:
            break
    if count < LEAST_IMAGES:
        return Temperatures()
    attention, ctc = (CANDIDATES[best] for best in total.argmin(axis=0))
    fitted = Temperatures(attention=attention, ctc=ctc if config.training.ctc_weight else 1.0)
    logger.info("temperatures: %.2f for the attention decoder, %.2f for the CTC head", fitted.attention, fitted.ctc)
    return fitted


def _targets(config: ModelConfig, labels: list[str]) -> tuple[list[int], np.ndarray]:
    """Rows whose symbols the model knows, and their ids with END, padded with PAD, `[rows, steps]`."""
    if config.data.force_uppercase:
        labels = [label.upper() for label in labels]
    known = [row for row, label in enumerate(labels) if not config.charset.unknown(label)]
    ids = [[*config.charset.encode(labels[row]), END] for row in known]
    targets = np.full((len(ids), max(map(len, ids), default=0)), PAD, np.int32)
    for row, symbols in enumerate(ids):
        targets[row, : len(symbols)] = symbols
    return known, targets
