"""Masks that keep padding out: what a row of a batch gives must not depend on the other rows."""

from typing import Any

from keras import ops

from aocr_core.model import operations

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
    return (lengths + (factor - 1)) // factor if factor > 1 else lengths


def reversal(lengths: Tensor, time: Tensor) -> Tensor:
    """Where `reverse` finds its time steps.

    Args:
        lengths: Valid time steps of each row, integers `[batch]`.
        time: Time steps in the batch, a scalar.

    Returns:
        Places among the time steps of all rows, `[batch, time]`.
    """
    steps = ops.arange(time, dtype="int32")[None, :]
    ends = ops.cast(lengths, "int32")[:, None]
    order = ops.where(steps < ends, ends - 1 - steps, steps)
    return order + ops.arange(ops.shape(lengths)[0], dtype="int32")[:, None] * time


def reverse(sequences: Tensor, places: Tensor) -> Tensor:
    """Turn each row round within its own length; padding stays behind it.

    Args:
        sequences: `[batch, time, features]`.
        places: As `reversal` gives them.

    Returns:
        `[batch, time, features]`.
    """
    return operations.take(ops.reshape(sequences, (-1, sequences.shape[-1])), places, axis=0)
