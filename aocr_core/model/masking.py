"""Masks that keep padding out: what a row of a batch gives must not depend on the other rows."""

from typing import Any

from keras import ops

Tensor = Any


def valid(lengths: Tensor, size: Tensor, dtype: str = "float32") -> Tensor:
    """1 where a position lies within its row, 0 in the padding.

    Args:
        lengths: Valid positions of each row, integers `[batch]`.
        size: Positions in the batch, a scalar.
        dtype: Type of the result.

    Returns:
        `[batch, size]`.
    """
    positions = ops.arange(size, dtype="int32")
    return ops.cast(positions[None, :] < ops.cast(lengths, "int32")[:, None], dtype)


def shrink(lengths: Tensor, factor: int) -> Tensor:
    """Valid positions after a convolution or pooling with SAME padding and this stride: `ceil(lengths / factor)`."""
    return (lengths + (factor - 1)) // factor


def reverse(sequences: Tensor, lengths: Tensor) -> Tensor:
    """Turn each row round within its own length; padding stays behind it.

    Args:
        sequences: `[batch, time, features]`.
        lengths: Valid time steps of each row, `[batch]`.

    Returns:
        `[batch, time, features]`.
    """
    batch, time, features = ops.shape(sequences)
    steps = ops.arange(time, dtype="int32")[None, :]
    ends = ops.cast(lengths, "int32")[:, None]
    order = ops.where(steps < ends, ends - 1 - steps, steps)
    rows = ops.arange(batch, dtype="int32")[:, None] * time
    flat = ops.reshape(sequences, (-1, features))
    return ops.reshape(ops.take(flat, ops.reshape(rows + order, (-1,)), axis=0), (batch, time, features))
