"""What training minimises: the decoder's cross entropy and the encoder's CTC."""

import tensorflow as tf

from aocr_core.charset import FIRST_SYMBOL, PAD
from aocr_core.model import kernels


def decoder_loss(logits: tf.Tensor, targets: tf.Tensor, smoothing: float) -> tf.Tensor:
    """Cross entropy with label smoothing, averaged over all symbols of the batch; padding does not count.

    Args:
        logits: `[batch, steps, symbols]`.
        targets: Symbols and END, padded with `PAD`, `[batch, steps]`.
        smoothing: Probability spread evenly over all symbols.

    Returns:
        A scalar.
    """
    logits = tf.cast(logits, tf.float32)
    mask = tf.cast(targets != PAD, tf.float32)
    logs = tf.nn.log_softmax(logits)
    right = tf.gather(logs, targets, batch_dims=2)
    spread = tf.reduce_mean(logs, axis=-1)
    loss = -((1.0 - smoothing) * right + smoothing * spread)
    return tf.reduce_sum(loss * mask) / tf.maximum(tf.reduce_sum(mask), 1.0)


def ctc_loss(logits: tf.Tensor, lengths: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Connectionist temporal classification (Graves et al. 2006), per symbol, averaged over the batch.

    A label that does not fit into its time steps counts 0.

    Args:
        logits: `[batch, time, symbols]`; the blank is id 0.
        lengths: Valid time steps, `[batch]`.
        targets: As for `decoder_loss`; END is not part of what CTC aligns.

    Returns:
        A scalar.
    """
    losses, fits = kernels.ctc_losses(logits, lengths, targets)
    counts = tf.math.count_nonzero(targets >= FIRST_SYMBOL, axis=1, dtype=tf.float32)
    return tf.reduce_mean(tf.where(fits, losses, 0.0) / tf.maximum(counts, 1.0))
