"""Which operations the layers may be made of, and those that Keras has only in TensorFlow's own terms.

Some things are done faster by operations that TensorFlow alone has (`kernels`, `recurrence`), and the joint reading
picks rows out of a batch, whose number is known only when it runs. Under another backend there is none of that, and in
a graph for another runtime there must be none: the layers then do the same with what `keras.ops` has, with the same
weights.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import keras
from keras import ops

Tensor = Any

_portable = ContextVar("portable", default=False)


@contextmanager
def portable() -> Iterator[None]:
    """What is traced within reads the same, but can be converted for runtimes other than TensorFlow."""
    token = _portable.set(True)
    try:
        yield
    finally:
        _portable.reset(token)


def tensorflow_only() -> bool:
    """Whether operations may be used that TensorFlow alone has."""
    return keras.backend.backend() == "tensorflow" and not _portable.get()


def argmax(values: Tensor) -> Tensor:
    """Where the greatest of the last axis stands, the first of equals, int32.

    Keras' own looks at the sign bit of zeros, which other runtimes cannot.
    """
    greatest = ops.equal(values, ops.max(values, axis=-1, keepdims=True))
    return ops.cast(ops.argmax(ops.cast(greatest, "int32"), axis=-1), "int32")


def take(values: Tensor, indices: Tensor, axis: int) -> Tensor:
    """What `keras.ops.take` gives for indices that are not negative, for which it would look in six operations more: in
    a loop over symbols that is a tenth of the time.
    """
    if not tensorflow_only():
        return ops.take(values, indices, axis=axis)
    from aocr_core.model import kernels

    return kernels.take(values, indices, axis)


def put(rows: Tensor, place: Tensor, row: Tensor) -> Tensor:
    """`rows` `[steps, ...]` with another row `[...]` at a place, a scalar.

    Keras' own is compiled by XLA under TensorFlow, which takes longer for a few numbers, and other runtimes lack it.
    """
    here = ops.reshape(ops.arange(rows.shape[0]) == place, (-1, *[1] * (len(rows.shape) - 1)))
    return ops.where(here, row[None], rows)


def add_logs(one: Tensor, other: Tensor) -> Tensor:
    """`log(exp(one) + exp(other))` of finite numbers."""
    return ops.maximum(one, other) + ops.log(1.0 + ops.exp(-ops.abs(one - other)))
