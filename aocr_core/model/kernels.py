"""What TensorFlow does in one operation and `keras.ops` only in many, where that costs a tenth of a step or more.

Imported under the TensorFlow backend alone; whatever is under `model/` has another way under any other.
"""

import tensorflow as tf

from aocr_core.charset import FIRST_SYMBOL

_DEEPEST = 80.0
"""The kernel of CTC takes probabilities, not their logarithms: what is further than this below the likeliest would be
0, and so would be all texts that need it.
"""


def batch_norm(
    inputs: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor, epsilon: float
) -> tf.Tensor:
    """Features `[batch, height, width, channels]`, normalised with the given statistics `[channels]`."""
    outputs, *_ = tf.compat.v1.nn.fused_batch_norm(
        inputs, scale, offset, mean, variance, epsilon=epsilon, is_training=False
    )
    return outputs


def batch_norm_of_batch(
    inputs: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Features `[batch, height, width, channels]`, normalised with their own mean and variance.

    Returns:
        Features like them, and their mean and (unbiased) variance, `[channels]`.
    """
    return tf.compat.v1.nn.fused_batch_norm(inputs, scale, offset, epsilon=epsilon, is_training=True)


def take(values: tf.Tensor, indices: tf.Tensor, axis: int) -> tf.Tensor:
    """`values` at `indices`, none of which is negative, along an axis."""
    return tf.gather(values, indices, axis=axis)


def ctc_losses(logits: tf.Tensor, lengths: tf.Tensor, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Negative log probabilities of texts in connectionist temporal classification (Graves et al. 2006).

    By the C++ kernel: TensorFlow's dense version costs several times as much on a CPU. It accepts no empty text, and
    sees to texts that do not fit into their time steps only as long as no two symbols side by side are alike: those
    need a blank between them, without room for which it returns an infinite loss.

    Args:
        logits: `[batch, time, symbols]`; the blank is id 0.
        lengths: Valid time steps, `[batch]`.
        texts: Symbols `[batch, steps]`; whatever is none of the charset's is padding.

    Returns:
        losses `[batch]`, and whether the text fits into its time steps, `[batch]`; if not, the loss means nothing.
    """
    logits, lengths, texts = tf.cast(logits, tf.float32), tf.cast(lengths, tf.int32), tf.cast(texts, tf.int32)
    logits = tf.maximum(logits, tf.reduce_max(logits, axis=-1, keepdims=True) - _DEEPEST)
    empty = tf.logical_not(tf.reduce_any(texts >= FIRST_SYMBOL, axis=1))
    texts = tf.concat([tf.where(empty, FIRST_SYMBOL, texts[:, 0])[:, None], texts[:, 1:]], axis=1)
    written = texts >= FIRST_SYMBOL
    repeated = tf.logical_and(texts[:, 1:] == texts[:, :-1], written[:, 1:])
    needed = tf.math.count_nonzero(written, axis=1, dtype=tf.int32) + tf.math.count_nonzero(
        repeated, axis=1, dtype=tf.int32
    )
    places = tf.where(written)
    losses = tf.raw_ops.CTCLoss(
        # The kernel takes the last id as blank and our ids start above the blank: turn the blank round to the end.
        inputs=tf.transpose(tf.concat([logits[..., 1:], logits[..., :1]], axis=-1), [1, 0, 2]),
        labels_indices=places,
        labels_values=tf.gather_nd(texts, places) - 1,
        sequence_length=lengths,
        preprocess_collapse_repeated=False,
        ctc_merge_repeated=True,
        ignore_longer_outputs_than_inputs=True,
    ).loss
    blanks = -tf.reduce_sum(
        tf.nn.log_softmax(logits)[..., 0] * tf.sequence_mask(lengths, tf.shape(logits)[1], tf.float32), axis=1
    )
    return tf.where(empty, blanks, losses), tf.logical_or(empty, needed <= lengths)
