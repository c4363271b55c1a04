"""Keras' LSTM for processors, in TensorFlow alone. As `kernels`, imported under the TensorFlow backend only.

Keras' layer goes through all of its work step by step. Here, what does not depend on the step before is done for all
steps at once: the product of the inputs with their kernel, the factors of the gradients, and the gradient of the
recurrent kernel, which TensorFlow would sum up in the loop.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf
from keras import layers


class Packed(NamedTuple):
    """An LSTM's weights as `block_lstm` takes them, with the gates in the order input, cell, forget, output."""

    kernel: tf.Tensor
    """Of the inputs and, below it, of the outputs: `[features + units, 4 * units]`."""
    bias: tf.Tensor
    """`[4 * units]`"""


def pack(kernel: tf.Tensor, recurrent_kernel: tf.Tensor, bias: tf.Tensor) -> Packed:
    """Keras' weights, as `lstm` takes them, for `block_lstm`."""
    weights = tf.concat([tf.concat([kernel, recurrent_kernel], axis=0), bias[None]], axis=0)
    enter, forget, cell, leave = tf.split(weights, 4, axis=1)
    weights = tf.concat([enter, cell, forget, leave], axis=1)
    return Packed(weights[:-1], weights[-1])


def run(layer: layers.LSTM, sequences: tf.Tensor, training: bool, packed: Packed | None = None) -> tf.Tensor:
    """What a layer gives, `[batch, time, features]` -> `[batch, time, units]`, in the way that costs least.

    In float32 it is always read in one operation, so that an export is the same wherever it is made. Else a GPU is left
    to the layer, which has a kernel of its own there.

    Args:
        layer: The layer.
        sequences: What it is given.
        training: Whether gradients will be asked for.
        packed: Its weights, packed, if they will not change any more.
    """
    weights = [tf.cast(weight, sequences.dtype) for weight in layer.cell.weights]
    if not training and sequences.dtype == tf.float32:
        return block_lstm(sequences, packed or pack(*weights))
    return layer(sequences) if tf.config.get_visible_devices("GPU") else lstm(sequences, *weights)


def lstm(sequences: tf.Tensor, kernel: tf.Tensor, recurrent_kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """What `keras.layers.LSTM` with these weights gives, with the same gradients.

    Args:
        sequences: `[batch, time, features]`.
        kernel: `[features, 4 * units]`, with the gates in Keras' order: input, forget, cell, output.
        recurrent_kernel: `[units, 4 * units]`.
        bias: `[4 * units]`.

    Returns:
        `[batch, time, units]`.
    """
    batch, features = tf.shape(sequences)[0], sequences.shape[-1]
    rows = tf.reshape(tf.transpose(sequences, [1, 0, 2]), [-1, features])
    entering = tf.reshape(tf.matmul(rows, kernel), [-1, batch, kernel.shape[-1]])
    return tf.transpose(_recurrence(entering, recurrent_kernel, bias), [1, 0, 2])


def block_lstm(sequences: tf.Tensor, weights: Packed) -> tf.Tensor:
    """`lstm` in one operation instead of a loop, which for one image takes half the time. It knows no bfloat16, and its
    gradients cost more.

    Args:
        sequences: `[batch, time, features]`.
        weights: Packed.

    Returns:
        `[batch, time, units]`.
    """
    units = weights.bias.shape[0] // 4
    zeros, no_peephole = tf.zeros([tf.shape(sequences)[0], units]), tf.zeros([units])
    outputs = tf.raw_ops.BlockLSTM(
        seq_len_max=tf.shape(sequences, tf.int64)[1],
        x=tf.transpose(sequences, [1, 0, 2]),
        cs_prev=zeros,
        h_prev=zeros,
        w=weights.kernel,
        wci=no_peephole,
        wcf=no_peephole,
        wco=no_peephole,
        b=weights.bias,
        forget_bias=0.0,
        cell_clip=-1.0,  # none
    ).h
    return tf.transpose(outputs, [1, 0, 2])


@tf.custom_gradient
def _recurrence(
    entering: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]]:
    """The gates' inputs `[time, batch, 4 * units]`, the recurrent kernel and the bias -> outputs
    `[time, batch, units]`.
    """
    nothing = tf.zeros_like(entering[0, :, : kernel.shape[0]])

    def forward(step: tf.Tensor, output: tf.Tensor, cell: tf.Tensor) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        enter, forget, new, leave = tf.split(entering_at.read(step) + tf.matmul(output, kernel), 4, axis=-1)
        enter, forget, new, leave = tf.sigmoid(enter), tf.sigmoid(forget), tf.tanh(new), tf.sigmoid(leave)
        cell = forget * cell + enter * new
        output = leave * tf.tanh(cell)
        return [output, cell, tf.concat([enter, forget, new, leave], axis=-1)], [output, cell]

    entering_at = _array(entering + bias)
    outputs, cells, gates = _over_time(forward, tf.range(tf.shape(entering)[0]), [nothing, nothing], 3)

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        enter, forget, new, leave = tf.split(gates, 4, axis=-1)
        squashed, before = tf.tanh(cells), tf.concat([nothing[None], cells[:-1]], axis=0)
        # The derivatives of each gate's output by its input, times what the output is multiplied with.
        slopes = [new * enter * (1 - enter), before * forget * (1 - forget), enter * (1 - new * new)]
        slopes_at = _array(tf.concat([*slopes, squashed * leave * (1 - leave)], axis=-1))
        to_cell_at, forget_at, upstream_at = _array(leave * (1 - squashed * squashed)), _array(forget), _array(upstream)

        def backward(
            step: tf.Tensor, of_output: tf.Tensor, of_cell: tf.Tensor
        ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
            of_output += upstream_at.read(step)
            of_cell += of_output * to_cell_at.read(step)
            of_gates = tf.concat([of_cell, of_cell, of_cell, of_output], axis=-1) * slopes_at.read(step)
            return [of_gates], [tf.matmul(of_gates, kernel, transpose_b=True), of_cell * forget_at.read(step)]

        (of_entering,) = _over_time(backward, tf.range(tf.shape(entering)[0])[::-1], [nothing, nothing], 1)
        earlier = tf.reshape(tf.concat([nothing[None], outputs[:-1]], axis=0), [-1, kernel.shape[0]])
        of_kernel = tf.matmul(earlier, tf.reshape(of_entering, [-1, kernel.shape[1]]), transpose_a=True)
        # More terms than bfloat16 can count; the matrix product counts in float32 by itself.
        of_bias = tf.reduce_sum(tf.cast(of_entering, tf.float32), axis=[0, 1])
        return of_entering, of_kernel, tf.cast(of_bias, bias.dtype)

    return outputs, gradient


def _array(sequence: tf.Tensor) -> tf.TensorArray:
    return tf.TensorArray(sequence.dtype, tf.shape(sequence)[0], element_shape=sequence.shape[1:]).unstack(sequence)


def _over_time(
    step: Callable[..., tuple[list[tf.Tensor], list[tf.Tensor]]],
    order: tf.Tensor,
    states: list[tf.Tensor],
    outputs: int,
) -> list[tf.Tensor]:
    """Go through the steps in an order; what a step gives besides its new states stands where the step does."""
    count = tf.shape(order)[0]

    def body(number: tf.Tensor, states: list[tf.Tensor], found: list[tf.TensorArray]) -> tuple:
        given, states = step(order[number], *states)
        found = [array.write(order[number], value) for array, value in zip(found, given, strict=True)]
        return number + 1, states, found

    arrays = [tf.TensorArray(states[0].dtype, count) for _ in range(outputs)]
    _, _, arrays = tf.while_loop(lambda number, *_: number < count, body, (0, states, arrays))
    return [array.stack() for array in arrays]
