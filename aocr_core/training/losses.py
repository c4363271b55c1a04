"""What training minimises: the decoder's cross entropy and the encoder's CTC."""

import tensorflow as tf

from aocr_core.charset import END, FIRST_SYMBOL, PAD


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

    A label that does not fit into its time steps counts 0. The kernel sees to that itself only as long as no two
    symbols side by side are alike: those need a blank between them, without room for which it returns an infinite loss.
    The C++ kernel is used: the dense TensorFlow version costs several times as much on a CPU.

    Args:
        logits: `[batch, time, symbols]`; the blank is id 0.
        lengths: Valid time steps, `[batch]`.
        targets: As for `decoder_loss`; END is not part of what CTC aligns.

    Returns:
        A scalar.
    """
    labels = tf.where(targets == END, PAD, targets)
    counts = tf.reduce_sum(tf.cast(labels >= FIRST_SYMBOL, tf.int32), axis=1)
    repeated = (labels[:, 1:] == labels[:, :-1]) & (labels[:, 1:] >= FIRST_SYMBOL)
    fits = counts + tf.reduce_sum(tf.cast(repeated, tf.int32), axis=1) <= lengths
    sparse = tf.sparse.from_dense(labels)
    # The kernel takes the last id as blank and our ids start above the blank: turn the blank round to the end.
    logits = tf.concat([logits[..., 1:], logits[..., :1]], axis=-1)
    losses = tf.raw_ops.CTCLoss(
        inputs=tf.transpose(tf.cast(logits, tf.float32), [1, 0, 2]),
        labels_indices=sparse.indices,
        labels_values=sparse.values - 1,
        sequence_length=lengths,
        preprocess_collapse_repeated=False,
        ctc_merge_repeated=True,
        ignore_longer_outputs_than_inputs=True,
    )[0]
    return tf.reduce_mean(tf.where(fits, losses, 0.0) / tf.cast(tf.maximum(counts, 1), tf.float32))
